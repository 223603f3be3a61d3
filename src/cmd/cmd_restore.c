/* callspool restore: a backup, brought back into a data folder. */
#include "cmd/commands.h"

#include "cli/cmd_options.h"

#include "backup/restore.h"
#include "base/clock.h"
#include "client/backup_findings.h"
#include "client/progress_bar.h"

#include <stdio.h>

struct restore_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool ends_all, though_files_missing;
	struct backup_findings findings;
};

static void print_json(const struct restore_command *command, const struct restore_report *report)
{
	const struct backup_number numbers[] = {
		{ "recordings", report->recordings },
		{ "copied_bytes", report->bytes },
		{ "queued", report->queued },
		{ "sessions_ended", (uint64_t)report->sessions_ended },
		{ "tokens", (uint64_t)report->tokens },
		{ "links", (uint64_t)report->links },
		{ NULL, 0 },
	};

	backup_findings_print_json(&command->findings, report->made_at_ms, numbers,
				   report->findings);
}

static void print_report(const struct restore_command *command, const struct restore_report *report)
{
	char made[ISO_DATE_SIZE];

	if (command->options.is_json) {
		print_json(command, report);
		return;
	}
	clock_iso_date(report->made_at_ms, made);
	printf("as of %s: %llu recordings are here, %llu are to be fetched again (%llu missing and "
	       "%llu damaged in the backup)\n",
	       made, (unsigned long long)report->recordings, (unsigned long long)report->queued,
	       (unsigned long long)report->findings[BACKUP_MISSING],
	       (unsigned long long)report->findings[BACKUP_DAMAGED]);
	printf("everybody has to sign in anew; users, passwords, %lld tokens and %lld links are as "
	       "they were then\n",
	       (long long)report->tokens, (long long)report->links);
	if (report->tokens + report->links > 0)
		printf("(what was revoked since then opens again: see callspool token list and "
		       "callspool link list)\n");
}

static int run(struct restore_command *command)
{
	struct restore_report report;
	struct progress_bar bar;
	struct restore_options options = { .folder = command->options.operands.at[0],
					   .ends_all = command->ends_all,
					   .though_files_missing = command->though_files_missing,
					   .progress = &bar.progress,
					   .watch = &command->findings.watch };
	struct err err;

	progress_bar_start(&bar, "recordings");
	if (!cmd_options_resolve(&command->options, &err))
		return cmd_fail(&err);
	if (command->options.settings.database) {
		(void)err_set(
			&err, ERR_INVALID,
			"the ledger is on PostgreSQL: restore it with pg_restore (docs/scaling.md)");
		return cmd_fail(&err);
	}
	options.data_dir = command->options.settings.data_dir;
	if (command->options.settings.s3.store) {
		(void)err_set(
			&err, ERR_INVALID,
			"a backup holds files, and `store` names a bucket: restore it without, or the "
			"ledger alone (docs/scaling.md)");
		return cmd_fail(&err);
	}
	if (!restore_run(&options, &report, &err))
		return cmd_fail(&err);
	print_report(command, &report);
	return backup_findings_status(report.findings);
}

static int run_restore(int argc, char **argv)
{
	struct restore_command command = { .ends_all = false };
	int status;

	if (!cmd_options_read(&cmd_restore, argc, argv, &command.options, &status))
		return status;
	backup_findings_init(&command.findings, command.options.is_json);
	status = command.options.operands.count == 1
			 ? run(&command)
			 : cmd_misused(&cmd_restore, "say which backup: a folder");
	backup_findings_release(&command.findings);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--revoke", CMD_SWITCH, offsetof(struct restore_command, ends_all), NULL,
	  "tokens and links end, too" },
	{ "--though-files-missing", CMD_SWITCH,
	  offsetof(struct restore_command, though_files_missing), NULL,
	  "also where the backup lacks many of the files that it lists" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_restore = {
	.name = "restore",
	.summary = "bring a backup back into an empty data folder",
	.usage = "DIR [--revoke] [--though-files-missing] [--set data_dir=DIR]",
	.help = "Copies what callspool backup wrote to DIR into the data folder, which must be empty or not there, and checks each\n"
		"file against its digest.  What the backup lacks is fetched again by the next start.  Sessions end; users, tokens\n"
		"and links are as they were when the backup was made.  Begun again, it goes on where it was stopped; until it is\n"
		"through, no server starts on the folder.\n"
		"Exit status: 7 recordings are missing or damaged in the backup (each is told, all else is restored), 2 the backup\n"
		"is damaged or of a newer callspool, 3 there is no backup in DIR, 4 the data folder is not empty or in use, 5 the\n"
		"disk is full, or many of the files that the backup lists are not there: is its disk mounted, and all of it?\n",
	.examples = "  callspool restore /mnt/backup/callspool --set data_dir=/var/lib/callspool\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 1,
	.run = run_restore,
};
