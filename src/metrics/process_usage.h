/*
 * What this process takes of the machine, as the kernel counts it.
 */
#pragma once

#include <stdint.h>

struct process_usage {
	int64_t cpu_us;         /* of all threads, in user and system mode */
	int64_t resident_bytes; /* 0: it cannot be read */
};

void process_usage_read(struct process_usage *out);
