/*
 * The commands of this room, one file each; those of who may use it are in people/people_commands.h.
 */
#pragma once

#include "cli/cmd.h"

extern const struct cmd cmd_serve, cmd_demo, cmd_simulate, cmd_status, cmd_health, cmd_doctor,
	cmd_path, cmd_import, cmd_key, cmd_retry, cmd_hold, cmd_purge, cmd_verify, cmd_backup,
	cmd_restore, cmd_rebuild, cmd_config, cmd_nginx, cmd_migrate, cmd_upgrade, cmd_version;
