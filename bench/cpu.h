/*
 * The processor time that processes have used, all their threads together, out of
 * /proc/PID/task/TID/schedstat: nanoseconds, where /proc/PID/stat counts ticks of 10 ms.
 */
#pragma once

#include <stdint.h>

/* 0 for a process that is not there; its children are not counted: name them. */
int64_t cpu_ns(const unsigned *pids, unsigned count);
