/*
 * The commands that say who may use it, one file each.
 */
#pragma once

#include "cli/cmd.h"

extern const struct cmd cmd_user, cmd_token, cmd_session, cmd_link;
