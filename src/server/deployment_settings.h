/*
 * The settings in force, as the doctor takes them.
 */
#pragma once

#include "config/settings.h"
#include "doctor/deployment.h"

/* Fills in what they say of this machine and of a server that does not run; texts are the settings'. */
void deployment_settings(const struct settings *settings, struct deployment_options *options);
