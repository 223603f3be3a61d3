/*
 * Before a command asks the server on the data folder: settings, and whether it may be asked at all.
 */
#pragma once

#include "cli/cmd_options.h"

#include <stdbool.h>

/*
 * Resolves the settings.  True: go on.  False: why was told, and *out_status is to be returned; EXIT_UNCHECKED where
 * another user's rights keep us out.
 */
bool cmd_reach(struct cmd_options *options, int *out_status);
/* The same for who may serve in the server's place: gives up what a server gives up (server/confine.h). */
bool cmd_reach_confined(struct cmd_options *options, int *out_status);
