/* callspool rebuild: a new ledger from what is left of a damaged one. */
#include "cmd/commands.h"

#include "cli/cmd_options.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/answer.h"
#include "client/progress_bar.h"
#include "rebuild/rebuild.h"
#include "server/server.h"
#include "tables/departure.h"

#include <jansson.h>
#include <stdio.h>

struct rebuild_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool though_whole, though_files_missing;
};

#define NUMBER(key)                                        \
	{                                                  \
#key, offsetof(struct rebuild_report, key) \
	}

static const struct {
	const char *key;
	size_t at;
} numbers[] = {
	NUMBER(pages),          NUMBER(pages_damaged), NUMBER(rows_broken), NUMBER(events),
	NUMBER(events_missing), NUMBER(calls),         NUMBER(recordings),  NUMBER(stored),
	NUMBER(adopted),        NUMBER(to_fetch),      NUMBER(held),        NUMBER(removed),
	NUMBER(users),          NUMBER(tokens),        NUMBER(links),       NUMBER(audit_entries),
	NUMBER(users_disabled),
};

static void print_json(const struct rebuild_report *report)
{
	json_t *whole = json_object();

	json_object_set_new(whole, "why", json_string(report->why));
	json_object_set_new(whole, "set_aside",
			    report->set_aside[0] ? json_string(report->set_aside) : json_null());
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const void *at = (const char *)report + numbers[i].at;

		json_object_set_new(whole, numbers[i].key,
				    json_integer((json_int_t) * (const uint64_t *)at));
	}
	answer_print(whole);
	json_decref(whole);
}

#define N(member) (unsigned long long)report->member

static void print_report(const struct rebuild_report *report)
{
	AUTO(free) char *why = utf8_plain(str_of(report->why));

	printf("what was wrong with the ledger: %s\n", report->why[0] ? why : "nothing");
	printf("read: %llu pages, at least %llu of them damaged; %llu events, and up to %llu that are "
	       "lost; %llu rows that make no sense\n",
	       N(pages), N(pages_damaged), N(events), N(events_missing), N(rows_broken));
	printf("known now: %llu calls, %llu recordings; %llu stored, %llu more found in the store, "
	       "%llu to be fetched\n",
	       N(calls), N(recordings), N(stored), N(adopted), N(to_fetch));
	printf("saved: %llu users, %llu tokens, %llu links, %llu holds, %llu removals, %llu entries of "
	       "the audit\n",
	       N(users), N(tokens), N(links), N(held), N(removed), N(audit_entries));
	if (report->users_disabled > 0)
		printf("%llu of the users are disabled, as they may have been removed: callspool user list, "
		       "and enable\n",
		       N(users_disabled));
	printf("lost: sessions (everybody signs in anew), the history of attempts, how far lists were "
	       "read\n");
	if (report->set_aside[0])
		printf("the old ledger is now called %s\n", report->set_aside);
	printf("the next start reads Twilio's list and fetches what is missing; then run callspool "
	       "verify\n");
}

/* A ledger that goes on elsewhere is not begun here once more, whatever is wrong with what was left. */
static bool is_moved(const struct settings *settings, struct err *err)
{
	AUTO(free) char *path = server_path(settings, SERVER_LEDGER);
	struct departure departure;
	struct err ignored;

	if (!departure_moved_to(path, &departure, &ignored) || !departure.to[0])
		return false;
	(void)err_set(err, ERR_INVALID, "the ledger in '%s' was moved, and is served with %s",
		      settings->data_dir, departure.to);
	return true;
}

static int run(struct rebuild_command *command)
{
	struct rebuild_report report;
	struct progress_bar bar;
	struct rebuild_options options = { .though_whole = command->though_whole,
					   .though_files_missing = command->though_files_missing,
					   .progress = &bar.progress };
	struct err err;

	progress_bar_start(&bar, "folders");
	if (!cmd_options_resolve(&command->options, &err))
		return cmd_fail(&err);
	if (command->options.settings.database) {
		(void)err_set(
			&err, ERR_INVALID,
			"the ledger is on PostgreSQL: its pages are not ours to read; bring back a dump "
			"(docs/scaling.md)");
		return cmd_fail(&err);
	}
	options.data_dir = command->options.settings.data_dir;
	if (command->options.settings.s3.store) {
		(void)err_set(
			&err, ERR_INVALID,
			"a ledger is rebuilt from media in files, and `store` names a bucket");
		return cmd_fail(&err);
	}
	if (is_moved(&command->options.settings, &err) || !rebuild_run(&options, &report, &err))
		return cmd_fail(&err);
	if (command->options.is_json)
		print_json(&report);
	else
		print_report(&report);
	return EXIT_GOOD;
}

static int run_rebuild(int argc, char **argv)
{
	struct rebuild_command command = { .though_whole = false };
	int status;

	if (!cmd_options_read(&cmd_rebuild, argc, argv, &command.options, &status))
		return status;
	status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--though-whole", CMD_SWITCH, offsetof(struct rebuild_command, though_whole), NULL,
	  "also where nothing is wrong with the ledger" },
	{ "--though-files-missing", CMD_SWITCH,
	  offsetof(struct rebuild_command, though_files_missing), NULL,
	  "also where the store lacks much of what the ledger calls stored" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_rebuild = {
	.name = "rebuild",
	.summary = "make a new ledger from what is left of a damaged one",
	.usage = "[--though-whole] [--though-files-missing]",
	.help = "Where there is a backup, callspool restore into another folder is the better way; this is for what came after it, or\n"
		"where there is none.  The server must not run.  Reads the damaged ledger page by page and makes a new one of its\n"
		"events, of what rows tell of recordings, users, tokens, links, holds and the audit, and of the files of the store.\n"
		"The next start reads Twilio's list back as far as recordings are kept and fetches what is missing.  The old ledger\n"
		"is set aside in the data folder under another name.  Says what was saved, and what was lost.  Begun again after\n"
		"it was stopped, it begins anew or comes to its end; no server starts until then.\n"
		"Where the store lacks many of the files that the ledger names, its disk is taken for not mounted: nothing is changed.\n"
		"Exit status: 2 the ledger is on PostgreSQL, 3 there is neither a ledger nor a store, 4 nothing is wrong with the ledger (which is left as it is), a\n"
		"server runs, or a restore has not come to its end, 5 the disk is full, or that of the store is not mounted.\n",
	.examples = "  callspool rebuild --set data_dir=/var/lib/callspool\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_rebuild,
};
