/*
 * What the process gives up before it does anything: privileges that a program it might run could gain, core
 * dumps, and to be looked into by others of its user (which hides /proc/PID/environ, too).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

/* Before the first thread.  `dumps_core`: core_dumps = on, for whoever looks for a fault. */
bool confine_process(bool dumps_core, struct err *err) MUST_CHECK;
