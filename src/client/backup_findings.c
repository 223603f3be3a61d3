#include "client/backup_findings.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/answer.h"
#include "client/exit_status.h"

#include <stdio.h>

static const char *const names[BACKUP_FINDINGS] = {
	[BACKUP_MISSING] = "missing", [BACKUP_DAMAGED] = "damaged"
};

static void found(struct backup_watch *watch, enum backup_finding finding, const char *path,
		  const char *reason)
{
	struct backup_findings *findings = container_of(watch, struct backup_findings, watch);
	AUTO(free) char *plain = utf8_plain(str_of(reason));

	if (findings->is_json)
		json_array_append_new(findings->list,
				      json_pack("{s:s, s:s, s:s}", "file", path, "what",
						names[finding], "reason", plain));
	else
		printf("%s: recordings/%s: %s\n", names[finding], path, plain);
}

void backup_findings_init(struct backup_findings *findings, bool is_json)
{
	*findings = (struct backup_findings){ .watch.found = found,
					      .is_json = is_json,
					      .list = json_array() };
}

void backup_findings_release(struct backup_findings *findings)
{
	json_decref(findings->list);
}

static void add_number(json_t *answer, const char *key, uint64_t value)
{
	json_object_set_new(answer, key, json_integer((json_int_t)value));
}

void backup_findings_print_json(const struct backup_findings *findings, int64_t made_at_ms,
				const struct backup_number *numbers,
				const uint64_t counts[BACKUP_FINDINGS])
{
	json_t *answer = json_object();
	char made_at[ISO_DATE_SIZE];

	clock_iso_date(made_at_ms, made_at);
	json_object_set_new(answer, "made_at", json_string(made_at));
	for (; numbers->key; numbers++)
		add_number(answer, numbers->key, numbers->value);
	for (int i = 0; i < BACKUP_FINDINGS; i++)
		add_number(answer, names[i], counts[i]);
	json_object_set(answer, "findings", findings->list);
	answer_print(answer);
	json_decref(answer);
}

int backup_findings_status(const uint64_t counts[BACKUP_FINDINGS])
{
	for (int i = 0; i < BACKUP_FINDINGS; i++)
		if (counts[i] > 0)
			return EXIT_FINDINGS;
	return EXIT_GOOD;
}
