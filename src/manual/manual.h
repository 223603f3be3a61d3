/*
 * What is installed beside the binary: manual pages and completions, written from the tables that the help and
 * the settings are printed from, so that they say nothing else.  `callspool help FORM` prints one; packaging/meson.build installs them.
 */
#pragma once

#include "base/buf.h"
#include "cli/cmd.h"

#include <stdint.h>

struct manual {
	const struct cmd *const *commands;
	size_t count;
	int64_t date_s; /* of the pages, since 1970 */
};

struct manual_form {
	const char *name; /* "--man" */
	void (*write)(const struct manual *manual, struct buf *out);
};

/* NULL: there is none of that name. */
const struct manual_form *manual_find(const char *name);
/* Prints it on standard output.  The date is SOURCE_DATE_EPOCH's, as for a build that can be repeated, or now. */
void manual_print(const struct manual_form *form, const struct cmd *const *commands, size_t count);

void manual_write_commands(const struct manual *manual, struct buf *out); /* callspool(1) */
void manual_write_settings(const struct manual *manual, struct buf *out); /* callspool.conf(5) */
void manual_write_bash(const struct manual *manual, struct buf *out);
void manual_write_zsh(const struct manual *manual, struct buf *out);
void manual_write_fish(const struct manual *manual, struct buf *out);
