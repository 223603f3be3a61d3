/* callspool verify: is what was written still what is there? */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "backup/backup_check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/answer.h"
#include "client/backup_findings.h"
#include "client/progress_bar.h"
#include "client/verify_audit.h"
#include "client/verify_store.h"

#include <stdio.h>
#include <stdlib.h>

struct verify_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool of_audit;
	const char *heads;  /* a file, or "-" */
	const char *backup; /* a folder */
	bool only_reports, accepts;
};

static void print_report(const struct verify_command *command, const struct audit_report *report)
{
	char text[512];
	struct json json;
	struct buf buf;

	if (!command->options.is_json && report->is_whole) {
		printf("The audit is whole: %lld entries in %lld chains.\n",
		       (long long)report->entries, (long long)report->chains);
		return;
	}
	if (!command->options.is_json) {
		printf("The audit is broken at chain=%lld seq=%lld: %s.\n",
		       (long long)report->chain, (long long)report->seq, report->fault);
		return;
	}
	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	json_open(&json, NULL, '{');
	json_bool(&json, "whole", report->is_whole);
	json_int(&json, "chains", report->chains);
	json_int(&json, "entries", report->entries);
	if (!report->is_whole) {
		json_int(&json, "chain", report->chain);
		json_int(&json, "seq", report->seq);
		json_text(&json, "fault", str_of(report->fault));
	}
	json_close(&json, '}');
	printf("%s\n", text);
}

/* Exit statuses: whatever keeps it from being checked is EXIT_UNCHECKED, but for wrong arguments. */
static int run_audit(struct verify_command *command)
{
	struct audit_report report;
	struct err err;

	if (!cmd_options_resolve(&command->options, &err))
		return cmd_fail(&err);
	if (!verify_audit_run(&command->options.settings, command->heads, &report, &err)) {
		cmd_fail(&err);
		return err.kind == ERR_INVALID ? EXIT_WRONG_USAGE : EXIT_UNCHECKED;
	}
	print_report(command, &report);
	return report.is_whole ? EXIT_GOOD : EXIT_FINDINGS;
}

/* ---- a backup ---- */

static void print_check(const struct backup_findings *findings,
			const struct backup_check_report *report)
{
	const struct backup_number numbers[] = { { "recordings", report->recordings },
						 { NULL, 0 } };
	char made[ISO_DATE_SIZE];

	if (findings->is_json) {
		backup_findings_print_json(findings, report->made_at_ms, numbers, report->findings);
		return;
	}
	clock_iso_date(report->made_at_ms, made);
	printf("as of %s: %llu recordings, %llu missing, %llu damaged\n", made,
	       (unsigned long long)report->recordings,
	       (unsigned long long)report->findings[BACKUP_MISSING],
	       (unsigned long long)report->findings[BACKUP_DAMAGED]);
}

static int run_backup(const struct verify_command *command)
{
	struct backup_check_report report;
	struct backup_findings findings;
	struct progress_bar bar;
	struct err err;
	int status;

	backup_findings_init(&findings, command->options.is_json);
	progress_bar_start(&bar, "recordings");
	if (backup_check(command->backup, &bar.progress, &findings.watch, &report, &err)) {
		print_check(&findings, &report);
		status = backup_findings_status(report.findings);
	} else {
		cmd_fail(&err);
		status = err.kind == ERR_INVALID ? EXIT_FINDINGS : EXIT_UNCHECKED;
	}
	backup_findings_release(&findings);
	return status;
}

/* ---- the store ---- */

static void print_fault(const json_t *fault)
{
	AUTO(free) char *file = utf8_plain(str_of(answer_text(fault, "file", "")));
	AUTO(free) char *reason = utf8_plain(str_of(answer_text(fault, "reason", "")));

	printf("%s, %s: %s: %s\n", answer_text(fault, "kind", ""), answer_text(fault, "state", ""),
	       file, reason);
}

static void print_store(const struct verify_command *command,
			const struct verify_store_report *report)
{
	size_t count = json_array_size(report->faults);

	if (command->options.is_json) {
		json_t *whole =
			json_pack("{s:O, s:O}", "pass", report->pass, "findings", report->faults);

		answer_print(whole);
		json_decref(whole);
		return;
	}
	for (size_t i = 0; i < count; i++)
		print_fault(json_array_get(report->faults, i));
	printf("%lld files looked at, %lld bytes read, %zu finding%s\n",
	       answer_number(report->pass, "files"), answer_number(report->pass, "bytes"), count,
	       count == 1 ? "" : "s");
	if (answer_number(report->pass, "undigested") > 0)
		printf("%lld files have no digest yet: of these the length alone was compared\n",
		       answer_number(report->pass, "undigested"));
	if (count > 0 && report->is_own && !command->only_reports)
		printf("the next start of the server fetches again what is lost\n");
}

static int compare(const struct verify_command *command)
{
	const struct verify_store asked = { .settings = &command->options.settings,
					    .mends = !command->only_reports };
	struct verify_store_report report;
	struct err err;
	int status;

	if (!verify_store_run(&asked, &report, &err)) {
		cmd_fail(&err);
		return EXIT_UNCHECKED;
	}
	print_store(command, &report);
	status = json_array_size(report.faults) > 0 ? EXIT_FINDINGS : EXIT_GOOD;
	verify_store_report_release(&report);
	return status;
}

static int accept(const struct verify_command *command)
{
	json_int_t count;
	struct err err;

	if (!verify_store_accept(&command->options.settings, &count, &err))
		return cmd_fail(&err);
	if (command->options.is_json)
		printf("{\"accepted\":%lld}\n", count);
	else
		printf("%lld accepted\n", count);
	return EXIT_GOOD;
}

static int run_store(struct verify_command *command)
{
	int status;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	return command->accepts ? accept(command) : compare(command);
}

static int run_verify(int argc, char **argv)
{
	struct verify_command command = { .of_audit = false };
	int status;

	if (!cmd_options_read(&cmd_verify, argc, argv, &command.options, &status))
		return status;
	if (command.of_audit + (command.backup != NULL) + command.only_reports + command.accepts >
	    1)
		status = cmd_misused(&cmd_verify,
				     "--audit, --backup, --report-only and --accept go "
				     "without each other");
	else if (command.heads && !command.of_audit)
		status = cmd_misused(&cmd_verify, "--heads goes with --audit");
	else if (command.backup)
		status = run_backup(&command);
	else
		status = command.of_audit ? run_audit(&command) : run_store(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--report-only", CMD_SWITCH, offsetof(struct verify_command, only_reports), NULL,
	  "of the store: tell what is wrong, and mend nothing" },
	{ "--accept", CMD_SWITCH, offsetof(struct verify_command, accepts), NULL,
	  "what was found and cannot be mended is known: health is not degraded by it any more" },
	{ "--audit", CMD_SWITCH, offsetof(struct verify_command, of_audit), NULL,
	  "every entry of the audit, and that none is missing" },
	{ "--heads", CMD_PATH, offsetof(struct verify_command, heads), "FILE",
	  "--audit: lines 'audit head ...' of a log that was kept elsewhere; - is standard input" },
	{ "--backup", CMD_PATH, offsetof(struct verify_command, backup), "DIR",
	  "every file of a backup that callspool backup made" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "is what was written still there, as it was?",
	.usage = "[--report-only | --accept | --audit [--heads FILE|-] | --backup DIR]",
	.help = "Without --audit and --backup the store is compared with the ledger, both ways: each recording that is stored with its\n"
		"file, by its length and its SHA-256, and each file with its row.  The server that runs on the data folder does so,\n"
		"no faster than verify_rate, whether this goes on to look or not; where none runs, this does it itself.  Begun again\n"
		"it goes on where it was stopped.\n"
		"What is missing or damaged is fetched again, into another file; what Twilio has no more and is still audio is kept and\n"
		"told.  A file of an older generation is removed, one of which the ledger has no row is adopted; files that are not\n"
		"callspool's are told of and never touched.\n"
		"--audit reads the whole audit, with the key that it was written with, beside a server that runs or without one.\n"
		"--backup reads all of a backup and compares it with its list of digests.\n"
		"Exit status: 0 it is whole, 7 it is not, or was not and is mended, and what is wrong was told (of the audit the first\n"
		"place), 8 it could not be checked: the store is away, a key, the ledger or the backup is missing.\n",
	.examples = "  callspool verify\n"
		    "  callspool verify --report-only --json | jq '.findings[]'\n"
		    "  callspool verify --audit\n"
		    "  journalctl -u callspool | callspool verify --audit --heads -\n"
		    "  callspool verify --backup /mnt/backup/callspool\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_verify,
};
