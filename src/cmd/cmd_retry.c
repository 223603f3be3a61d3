/* callspool retry: what was given up is fetched again. */
#include "cmd/commands.h"

#include "cli/cmd_options.h"
#include "cmd/cmd_retry_notify.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "catalog/attempts.h"
#include "catalog/recordings.h"
#include "client/access_client.h"
#include "client/admin_client.h"
#include "notify/notice_message.h"
#include "server/confine.h"
#include "server/server.h"
#include "twilio/sid.h"

#include <stdio.h>
#include <string.h>

#define PAGE           100 /* dead letters read at once */
#define ATTEMPTS_SHOWN 50  /* of one recording, the newest, as by the API */

struct retry_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool lists, is_of_all;
	bool is_of_notify; /* webhooks that are sent, in place of recordings */
	const char *reason;
	struct access_client client;
	bool has_printed; /* one of a list, at least */
};

/* ---- the dead letters ---- */

static bool is_wanted(const struct retry_command *command, const struct recording *recording)
{
	return !command->reason || strcasestr(recording->reason_code, command->reason) ||
	       strcasestr(recording->reason_text, command->reason);
}

/* What Twilio said may be in it: JSON takes UTF-8 alone, and a terminal obeys control characters. */
static json_t *told(const char *text)
{
	AUTO(free) char *plain = utf8_plain(str_of(text));

	return json_string(plain);
}

static json_t *date(int64_t wall_ms)
{
	char text[ISO_DATE_SIZE];

	if (wall_ms == 0)
		return json_null();
	clock_iso_date(wall_ms, text);
	return json_string(text);
}

static bool attempts_of(struct catalog *catalog, const struct recording *recording, json_t **out,
			struct err *err)
{
	AUTO(free) struct attempt *attempts = xcalloc(ATTEMPTS_SHOWN, sizeof(*attempts));
	size_t count;

	if (!attempts_list(catalog, str_of(recording->recording_sid), attempts, ATTEMPTS_SHOWN,
			   &count, err))
		return false;
	*out = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(*out, json_pack("{s:o, s:s, s:o, s:i}", "began_at",
						      date(attempts[i].began_at_ms), "outcome",
						      attempts[i].outcome, "text",
						      told(attempts[i].detail), "http_status",
						      attempts[i].http_status));
	return true;
}

static bool letter_of(struct catalog *catalog, const struct recording *recording, json_t **out,
		      struct err *err)
{
	json_t *attempts;

	if (!attempts_of(catalog, recording, &attempts, err))
		return false;
	*out = json_pack("{s:s, s:s, s:o, s:{s:s, s:o}, s:o}", "recording_sid",
			 recording->recording_sid, "call_sid", recording->call_sid, "started_at",
			 date(recording->started_at_ms), "reason", "code", recording->reason_code,
			 "text", told(recording->reason_text), "attempts", attempts);
	return true;
}

/* What is done with each of them. */
typedef bool take_letter(struct retry_command *command, struct catalog *catalog,
			 const struct recording *recording, struct err *err);

static bool take_page(struct retry_command *command, struct catalog *catalog,
		      const struct recording_dead *page, size_t count, take_letter *take,
		      struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (is_wanted(command, &page[i].recording) &&
		    !take(command, catalog, &page[i].recording, err))
			return false;
	return true;
}

/* From the ledger itself, beside a server that runs or without one; a page is in memory, however many there are. */
static bool each_letter(struct retry_command *command, take_letter *take, struct err *err)
{
	AUTO(free) char *path = server_ledger(&command->options.settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	AUTO(free) struct recording_dead *page = xcalloc(PAGE, sizeof(*page));
	int64_t after_id = 0;
	size_t count = PAGE;

	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	while (count == PAGE) {
		if (!recordings_list_dead(catalog, after_id, page, PAGE, &count, err) ||
		    !take_page(command, catalog, page, count, take, err))
			return false;
		after_id = count > 0 ? page[count - 1].id : after_id;
	}
	return true;
}

/* ---- printing, as it comes ---- */

static void begin_list(const struct retry_command *command, const char *name)
{
	if (command->options.is_json)
		printf("{\"%s\":[", name);
}

static void end_list(const struct retry_command *command)
{
	if (command->options.is_json)
		printf("]}\n");
}

static void print_json(struct retry_command *command, const json_t *value)
{
	if (command->has_printed)
		putchar(',');
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : "-";
}

static void print_letter(const json_t *letter)
{
	const json_t *attempts = json_object_get(letter, "attempts");

	printf("%s  %s  %s  %s\n", text_of(letter, "recording_sid"), text_of(letter, "call_sid"),
	       text_of(letter, "started_at"), text_of(json_object_get(letter, "reason"), "text"));
	for (size_t i = 0; i < json_array_size(attempts); i++) {
		const json_t *attempt = json_array_get(attempts, i);

		printf("    %s  %s: %s\n", text_of(attempt, "began_at"),
		       text_of(attempt, "outcome"), text_of(attempt, "text"));
	}
}

static bool list_letter(struct retry_command *command, struct catalog *catalog,
			const struct recording *recording, struct err *err)
{
	json_t *letter;

	if (!letter_of(catalog, recording, &letter, err))
		return false;
	if (command->options.is_json)
		print_json(command, letter);
	else
		print_letter(letter);
	command->has_printed = true;
	json_decref(letter);
	return true;
}

static bool list(struct retry_command *command, struct err *err)
{
	bool good;

	begin_list(command, "dead");
	good = each_letter(command, list_letter, err);
	end_list(command);
	return good;
}

/* ---- trying again ---- */

static void print_queued(struct retry_command *command, const json_t *queued)
{
	for (size_t i = 0; i < json_array_size(queued); i++) {
		const json_t *sid = json_array_get(queued, i);

		if (command->options.is_json)
			print_json(command, sid);
		else
			printf("%s is fetched again\n", json_string_value(sid));
		command->has_printed = true;
	}
}

static bool ask(struct retry_command *command, const char *sid, json_t **out, struct err *err)
{
	AUTO(free)
	char *path = xasprintf("/api/%s/%s/retry",
			       sid_is_call(str_of(sid)) ? "calls" : "recordings", sid);

	return access_ask(&command->client, "POST", path, NULL, out, err);
}

static bool retry_one(struct retry_command *command, struct err *err)
{
	json_t *answer;

	if (!ask(command, command->options.operands.at[0], &answer, err))
		return false;
	begin_list(command, "queued");
	print_queued(command, json_object_get(answer, "queued"));
	end_list(command);
	json_decref(answer);
	return true;
}

/* One that is no dead letter any more, as somebody was faster, is passed over. */
static bool ask_letter(struct retry_command *command, struct catalog *catalog,
		       const struct recording *recording, struct err *err)
{
	json_t *answer;

	if (!ask(command, recording->recording_sid, &answer, err))
		return command->client.status == 409;
	print_queued(command, json_object_get(answer, "queued"));
	json_decref(answer);
	return true;
}

/* What was done is told, though something stopped it; of one that was refused nothing is. */
static bool retry(struct retry_command *command, struct err *err)
{
	bool good;

	command->client.settings = &command->options.settings;
	if (command->is_of_all) {
		begin_list(command, "queued");
		good = each_letter(command, ask_letter, err);
		end_list(command);
		if (good && !command->has_printed && !command->options.is_json)
			printf("no dead letters\n");
	} else {
		good = retry_one(command, err);
	}
	access_client_release(&command->client);
	return good;
}

static bool run_notify(const struct retry_command *command, struct err *err)
{
	const struct settings *settings = &command->options.settings;
	const struct cmd_texts *operands = &command->options.operands;
	bool is_json = command->options.is_json;

	return command->lists ? retry_notify_list(settings, is_json, err)
			      : retry_notify(settings, operands->count ? operands->at[0] : NULL,
					     is_json, err);
}

/* NULL: it is used as it should be. */
static const char *misuse(const struct retry_command *command)
{
	const struct cmd_texts *operands = &command->options.operands;
	struct str operand = operands->count == 1 ? str_of(operands->at[0]) : STR_NONE;
	bool is_sid = sid_is_call(operand) || sid_is_recording(operand);
	int64_t seq;

	if (command->lists + command->is_of_all + (operands->count == 1) != 1)
		return "say which: a call SID or a recording SID, --all, or --list";
	if (command->reason && (operands->count == 1 || command->is_of_notify))
		return "--reason goes with --list or --all, of recordings";
	if (operand.len == 0)
		return NULL;
	if (command->is_of_notify)
		return notice_id_read(operand, &seq)
			       ? NULL
			       : "with --notify: a webhook-id, as msg_RE..._1234";
	return is_sid ? NULL : "that is neither a call SID (CA...) nor a recording SID (RE...)";
}

static int run(struct retry_command *command)
{
	struct err err;

	if (!cmd_options_resolve(&command->options, &err) ||
	    !confine_process(command->options.settings.core_dumps == AUTH_ON, &err))
		return cmd_fail(&err);
	if (!admin_may_ask(&command->options.settings, &err)) {
		cmd_fail(&err);
		return EXIT_UNCHECKED;
	}
	if (!(command->is_of_notify ? run_notify(command, &err)
	      : command->lists      ? list(command, &err)
				    : retry(command, &err))) {
		fflush(stdout);
		return cmd_fail(&err);
	}
	return EXIT_GOOD;
}

static int run_retry(int argc, char **argv)
{
	struct retry_command command = { .lists = false };
	const char *why;
	int status;

	if (!cmd_options_read(&cmd_retry, argc, argv, &command.options, &status))
		return status;
	why = misuse(&command);
	if (why)
		status = cmd_misused(&cmd_retry, "%s", why);
	else
		status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--list", CMD_SWITCH, offsetof(struct retry_command, lists), NULL,
	  "print the dead letters, each with its reason and its attempts" },
	{ "--all", CMD_SWITCH, offsetof(struct retry_command, is_of_all), NULL,
	  "every dead letter" },
	{ "--reason", CMD_TEXT, offsetof(struct retry_command, reason), "TEXT",
	  "--list, --all: those alone whose reason holds TEXT" },
	{ "--notify", CMD_SWITCH, offsetof(struct retry_command, is_of_notify), NULL,
	  "webhooks to notify_url that were given up, in place of recordings" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_retry = {
	.name = "retry",
	.summary = "fetch again what was given up (dead letters), or list it",
	.usage =
		"CALL_SID|RECORDING_SID | --all [--reason TEXT] | --list [--reason TEXT] | --notify WEBHOOK_ID|--all|--list",
	.help = "A recording that was given up, that Twilio did not have, or that waits for its next try, is fetched at\n"
		"once, and tried for as long as a new one.  Asks the server that runs on the data folder; when none does,\n"
		"changes its ledger, and the next start fetches.\n"
		"Of a call's recordings those are passed over that were stored meanwhile.\n"
		"With --notify: webhooks to notify_url are sent again, though it answered 410 (Gone).\n"
		"Exit status: 2 it is no SID, 3 there is no such call or recording, or no ledger, 4 it is stored, purged, or not\n"
		"over yet, 5 the server does not answer, 8 the data folder is another user's.\n",
	.examples = "  callspool retry --list\n"
		    "  callspool retry CA0123456789abcdef0123456789abcdef\n"
		    "  callspool retry --all --reason credentials\n"
		    "  callspool retry --notify --all\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 1,
	.run = run_retry,
};
