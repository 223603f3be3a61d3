/*
 * What can be set of the audit.  A plain value; texts are borrowed.
 */
#pragma once

#include <stdint.h>

/* In the order of "serve refuse". */
enum audit_when_full { AUDIT_FULL_UNSET, AUDIT_FULL_SERVES, AUDIT_FULL_REFUSES };

struct audit_options {
	const char *key_file, *key_file_old; /* NULL: the data folder's; none */
	int64_t retention_ms, address_retention_ms;
	enum audit_when_full when_full;
};
