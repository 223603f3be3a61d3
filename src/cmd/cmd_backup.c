/* callspool backup: what is needed to go on elsewhere, in a folder. */
#include "cmd/commands.h"

#include "cli/cmd_reach.h"

#include "backup/backup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob_local.h"
#include "client/backup_findings.h"
#include "client/progress_bar.h"
#include "server/server.h"

#include <stdio.h>
#include <unistd.h>

#define NICENESS 10

struct backup_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool copies, prunes;
	struct backup_findings findings;
};

static void print_json(const struct backup_command *command, const struct backup_report *report)
{
	const struct backup_number numbers[] = { { "recordings", report->recordings },
						 { "here", report->here },
						 { "linked", report->linked },
						 { "copied", report->copied },
						 { "copied_bytes", report->copied_bytes },
						 { "ledger_bytes", report->ledger_bytes },
						 { "gone", report->gone },
						 { "pruned", report->pruned },
						 { NULL, 0 } };

	backup_findings_print_json(&command->findings, report->made_at_ms, numbers,
				   report->findings);
}

static void print_report(const struct backup_command *command, const struct backup_report *report)
{
	char made[ISO_DATE_SIZE];

	if (command->options.is_json) {
		print_json(command, report);
		return;
	}
	clock_iso_date(report->made_at_ms, made);
	printf("as of %s: %llu recordings, %llu linked, %llu copied, %llu here already; %llu gone "
	       "since, %llu missing, %llu damaged, %llu pruned\n",
	       made, (unsigned long long)report->recordings, (unsigned long long)report->linked,
	       (unsigned long long)report->copied, (unsigned long long)report->here,
	       (unsigned long long)report->gone,
	       (unsigned long long)report->findings[BACKUP_MISSING],
	       (unsigned long long)report->findings[BACKUP_DAMAGED],
	       (unsigned long long)report->pruned);
}

static bool make(struct backup_command *command, struct backup_report *report, struct err *err)
{
	const struct settings *settings = &command->options.settings;
	AUTO(free) char *ledger = server_ledger(settings);
	AUTO(blob_store_free) struct blob_store *store = NULL;
	struct progress_bar ledger_bar, media_bar;
	struct backup_options options = { .ledger = ledger,
					  .folder = command->options.operands.at[0],
					  .copies = command->copies,
					  .prunes = command->prunes,
					  .keep_free_bytes = settings->flights.min_free_bytes,
					  .ledger_progress = &ledger_bar.progress,
					  .media_progress = &media_bar.progress,
					  .watch = &command->findings.watch };

	progress_bar_start(&ledger_bar, "pages of the ledger");
	progress_bar_start(&media_bar, "recordings");
	if (settings->database)
		return err_set(
			err, ERR_INVALID,
			"the ledger is on PostgreSQL: back it up with pg_dump, and the folder '%s' "
			"after it (docs/scaling.md)",
			settings->data_dir);
	if (settings->s3.store)
		return err_set(
			err, ERR_INVALID,
			"media lies in '%s', which has copies of its own to be made: back up the ledger "
			"alone (docs/scaling.md)",
			settings->s3.store);
	if (!server_has_ledger(settings, err))
		return false;
	if (!blob_local_open(settings->data_dir, &store, err))
		return false;
	options.store = store;
	return backup_make(&options, report, err);
}

static int run(struct backup_command *command)
{
	struct backup_report report;
	struct err err;
	int status;

	if (!cmd_reach(&command->options, &status))
		return status;
	(void)!nice(NICENESS); /* who serves goes first */
	if (!make(command, &report, &err))
		return cmd_fail(&err);
	print_report(command, &report);
	return backup_findings_status(report.findings);
}

static int run_backup(int argc, char **argv)
{
	struct backup_command command = { .copies = false };
	int status;

	if (!cmd_options_read(&cmd_backup, argc, argv, &command.options, &status))
		return status;
	backup_findings_init(&command.findings, command.options.is_json);
	status = command.options.operands.count == 1
			 ? run(&command)
			 : cmd_misused(&cmd_backup, "say where to: a folder");
	backup_findings_release(&command.findings);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--copy", CMD_SWITCH, offsetof(struct backup_command, copies), NULL,
	  "copy recordings, too, where a hard link would do" },
	{ "--prune", CMD_SWITCH, offsetof(struct backup_command, prunes), NULL,
	  "remove recordings from DIR that are purged or replaced by now" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_backup = {
	.name = "backup",
	.summary = "back up the ledger and the recordings into a folder",
	.usage = "DIR [--copy] [--prune]",
	.help = "Beside a server that runs, or without one.  DIR gets the ledger as it is now, the recordings that are stored,\n"
		"and a list of digests, which sha256sum -c reads, too.  On the disk of the data folder recordings are hard links.\n"
		"What an earlier backup left in DIR is not copied again, and stays the backup until this one is through.\n"
		"Recordings that are purged meanwhile stay in DIR unless --prune is given.\n"
		"Exit status: 7 recordings are missing or damaged in the store (each is told, all else is backed up), 3 there is no\n"
		"ledger, 4 DIR holds something else, or a later backup, or another backup runs, 5 a disk is full, 8 the data\n"
		"folder is another user's.\n",
	.examples = "  callspool backup /mnt/backup/callspool\n"
		    "  cd /mnt/backup/callspool && sha256sum --quiet -c digests\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 1,
	.run = run_backup,
};
