/* callspool import: recordings that come in by no webhook. */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "client/adopt_files.h"
#include "client/answer.h"
#include "client/import_since.h"
#include "client/progress_bar.h"

#include <stdio.h>
#include <string.h>

struct import_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *from;           /* a folder */
	const char *since, *until;  /* days */
	bool lists_only;
};

/* What came of a folder. */
struct import_report {
	size_t of[ADOPT_OUTCOMES], others;
	json_t *findings;
};

static const char *const outcome_names[ADOPT_OUTCOMES] = {
	[ADOPT_FILE_ADOPTED] = "adopted", [ADOPT_FILE_HERE] = "already_here",
	[ADOPT_FILE_EXPIRED] = "expired", [ADOPT_FILE_CONFLICT] = "conflict",
	[ADOPT_FILE_BROKEN] = "broken",
};

static void note_finding(const struct import_command *command, struct import_report *report,
			 enum adopt_outcome outcome, const char *path, const char *reason)
{
	AUTO(free) char *plain_path = NULL;
	AUTO(free) char *plain_reason = NULL;

	if (command->options.is_json) {
		json_t *name = json_string(path);

		if (!name) /* not UTF-8 */
			name = json_string("a file whose name is not UTF-8");
		json_array_append_new(report->findings,
				      json_pack("{s:o, s:s, s:s}", "file", name, "what",
						outcome_names[outcome], "reason", reason));
		return;
	}
	plain_path = utf8_plain(str_of(path));
	plain_reason = utf8_plain(str_of(reason));
	printf("%s: %s: %s\n", outcome_names[outcome], plain_path, plain_reason);
}

static void print_report(const struct import_command *command, const struct import_report *report)
{
	json_t *whole;

	if (!command->options.is_json) {
		printf("%zu adopted, %zu already here, %zu in conflict, %zu broken, %zu older than "
		       "recordings are kept; %zu files of other names passed over\n",
		       report->of[ADOPT_FILE_ADOPTED], report->of[ADOPT_FILE_HERE],
		       report->of[ADOPT_FILE_CONFLICT], report->of[ADOPT_FILE_BROKEN],
		       report->of[ADOPT_FILE_EXPIRED], report->others);
		return;
	}
	whole = json_pack("{s:O, s:I}", "findings", report->findings, "others",
			  (json_int_t)report->others);
	for (size_t i = 0; i < ADOPT_OUTCOMES; i++)
		json_object_set_new(whole, outcome_names[i],
				    json_integer((json_int_t)report->of[i]));
	answer_print(whole);
	json_decref(whole);
}

static bool adopt_all(const struct import_command *command, const struct adopt_list *list,
		      struct adopt_files *files, struct import_report *report, struct err *err)
{
	struct progress_bar bar;

	progress_bar_start(&bar, "files");
	for (size_t i = 0; i < list->count; i++) {
		enum adopt_outcome outcome;

		progress_move(&bar.progress, i, list->count);
		if (!adopt_file(files, list->paths[i], &outcome, err))
			return false;
		report->of[outcome]++;
		if (outcome == ADOPT_FILE_CONFLICT || outcome == ADOPT_FILE_BROKEN)
			note_finding(command, report, outcome, list->paths[i], files->reason);
	}
	progress_move(&bar.progress, list->count, list->count);
	return true;
}

/* What was done is told, though something stopped it. */
static int import_folder(const struct import_command *command, struct import_report *report)
{
	__attribute__((cleanup(adopt_list_release_at))) struct adopt_list list = { .count = 0 };
	__attribute__((
		cleanup(adopt_files_release_at))) struct adopt_files files = { .store = NULL };
	struct err err;
	bool is_whole;

	if (!adopt_list_read(command->from, &list, &err) ||
	    !adopt_files_open(&command->options.settings, &files, &err))
		return cmd_fail(&err);
	report->others = list.others;
	is_whole = adopt_all(command, &list, &files, report, &err);
	print_report(command, report);
	fflush(stdout);
	if (!is_whole)
		return cmd_fail(&err);
	return report->of[ADOPT_FILE_CONFLICT] + report->of[ADOPT_FILE_BROKEN] > 0 ? EXIT_FINDINGS
										   : EXIT_GOOD;
}

static int run_from(struct import_command *command)
{
	struct import_report report = { .findings = json_array() };
	int status = import_folder(command, &report);

	json_decref(report.findings);
	return status;
}

/* ---- Twilio's list ---- */

static void print_import(const struct import_command *command, json_t *answer, bool is_own)
{
	if (command->options.is_json) {
		answer_print(answer);
		return;
	}
	printf("%lld recordings listed, %lld of them new, %lld older than recordings are kept, %lld rows that "
	       "are none\n",
	       import_since_sum(answer, "listed"), import_since_sum(answer, "found"),
	       import_since_sum(answer, "too_old"), import_since_sum(answer, "malformed"));
	if (is_own)
		printf("the next start of the server fetches them\n");
}

static int run_since(struct import_command *command)
{
	const struct import_since asked = { .settings = &command->options.settings,
					    .since = command->since,
					    .until = command->until,
					    .waits = !command->lists_only };
	json_t *answer;
	struct err err;
	bool is_own;

	if (!import_since_run(&asked, &answer, &is_own, &err))
		return cmd_fail(&err);
	print_import(command, answer, is_own);
	json_decref(answer);
	return EXIT_GOOD;
}

static int run(struct import_command *command)
{
	int status;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	return command->from ? run_from(command) : run_since(command);
}

static bool is_day(const char *text)
{
	char instant[sizeof("2026-01-31T00:00:00Z")];
	int64_t at_ms;

	snprintf(instant, sizeof(instant), "%.10sT00:00:00Z", text);
	return strlen(text) == strlen("2026-01-31") && clock_parse_date(str_of(instant), &at_ms);
}

static int run_import(int argc, char **argv)
{
	struct import_command command = { .from = NULL };
	int status;

	if (!cmd_options_read(&cmd_import, argc, argv, &command.options, &status))
		return status;
	if (!command.from && !command.since)
		status = cmd_misused(&cmd_import,
				     "say what is to be imported: --since DATE, or --from DIR");
	else if (command.from && (command.since || command.until || command.lists_only))
		status = cmd_misused(&cmd_import, "--from goes without --since and --until");
	else if ((command.since && !is_day(command.since)) ||
		 (command.until && !is_day(command.until)))
		status = cmd_misused(&cmd_import, "a date is a day, as 2026-01-31");
	else
		status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--from", CMD_PATH, offsetof(struct import_command, from), "DIR",
	  "files CA….mp3, RE….mp3 (or .wav) that another system left, in DIR and below it" },
	{ "--since", CMD_TEXT, offsetof(struct import_command, since), "DATE",
	  "Twilio's recordings of that day (GMT, as 2026-01-31) and later" },
	{ "--until", CMD_TEXT, offsetof(struct import_command, until), "DATE",
	  "--since: of that day and earlier" },
	{ "--no-wait", CMD_SWITCH, offsetof(struct import_command, lists_only), NULL,
	  "--since: do not wait until what was found is fetched" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_import = {
	.name = "import",
	.summary = "bring in recordings of before, from Twilio or from files",
	.usage = "--since DATE [--until DATE] | --from DIR",
	.help = "--since has Twilio's list read back to that day, and fetches what is new in it, behind all recordings that come\n"
		"meanwhile.  The server that runs on the data folder does so, whether this goes on to look or not; where none runs,\n"
		"the list is read at once, and fetched by the next start.  Begun again it goes on where it was stopped.\n"
		"--from checks each file as audio, finds its recording by the SID in its name, of several recordings of a call the\n"
		"one that is as long, and copies it into the store.  The files themselves are left as they are.  What is stored\n"
		"already is passed over, so that a run that was stopped is simply begun again.\n"
		"What is older than recordings are kept (retention and purge_grace) is counted, and neither fetched nor copied.\n"
		"Exit status: 7 files are broken or in conflict (each is told with its reason), 2 a date that is none, or no Twilio account\n"
		"is set, 3 there is no such folder or no ledger, 5 the disk is full or the server does not answer, 8 the data folder is\n"
		"another user's.\n",
	.examples = "  callspool import --since 2026-01-01\n"
		    "  callspool import --from /srv/product/server/recordings\n"
		    "  callspool import --from old/ --json | jq '.findings[]'\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_import,
};
