/*
 * What backup, restore and verify --backup find, and what they print alike: a line each, or JSON at the end.
 */
#pragma once

#include "backup/finding.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct backup_findings {
	struct backup_watch watch;
	bool is_json;
	json_t *list; /* is_json */
};

void backup_findings_init(struct backup_findings *findings, bool is_json);
void backup_findings_release(struct backup_findings *findings);

/* A number of the answer. */
struct backup_number {
	const char *key;
	uint64_t value;
};
/* {"made_at", the numbers, "missing", "damaged", "findings"}: numbers is ended by one without a key. */
void backup_findings_print_json(const struct backup_findings *findings, int64_t made_at_ms,
				const struct backup_number *numbers,
				const uint64_t counts[BACKUP_FINDINGS]);
/* EXIT_FINDINGS where there is one. */
int backup_findings_status(const uint64_t counts[BACKUP_FINDINGS]);
