/* callspool key: the private keys for what Twilio encrypts. */
#include "cmd/commands.h"

#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog.h"
#include "chores/recordings_locked.h"
#include "cli/cmd_reach.h"
#include "client/admin_client.h"
#include "client/answer.h"
#include "server/server.h"
#include "vault/key_folder.h"
#include "vault/vault.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 16 /* dead letters read at once, of 4 KB each */

struct key_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *sid, *public_path;
	struct vault *vault;
	size_t findings;
	json_t *lines; /* what is printed, an object each */
};

static char *own_folder(const struct key_command *command)
{
	return server_path(&command->options.settings, VAULT_FOLDER);
}

static bool open_vault(struct key_command *command, struct err *err)
{
	AUTO(free) char *own = own_folder(command);
	const struct vault_options options = {
		.key_path = command->options.settings.private_key_file, .own_folder = own
	};

	return vault_open(&options, &command->vault, err);
}

static void add_line(struct key_command *command, const char *sid, unsigned bits,
		     const char *fingerprint, const char *kept_in, const char *finding)
{
	command->findings += finding != NULL;
	json_array_append_new(command->lines,
			      json_pack("{s:s?, s:i, s:s?, s:s?, s:b, s:s?}", "public_key_sid",
					sid && sid[0] ? sid : NULL, "bits", (int)bits,
					"fingerprint", fingerprint, "kept_in", kept_in, "good",
					finding == NULL, "finding", finding));
}

static void print(const struct key_command *command, const char *name)
{
	if (command->options.is_json) {
		answer_print_as(name, command->lines);
		return;
	}
	for (size_t i = 0; i < json_array_size(command->lines); i++) {
		const json_t *line = json_array_get(command->lines, i);
		json_int_t bits = answer_number(line, "bits");

		printf("%-34s", answer_text(line, "public_key_sid", "(any other)"));
		if (bits > 0)
			printf("  %lld bits  %s  %s", bits, answer_text(line, "fingerprint", "-"),
			       answer_text(line, "kept_in", "-"));
		printf("  %s\n", answer_text(line, "finding", "good"));
	}
}

/* ---- add ---- */

/* That which was given, else that of the file's name. */
static bool find_sid(const struct key_command *command, const char *path, char out[SID_LEN + 1],
		     struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (command->sid && !public_key_sid_read(str_of(command->sid), out))
		return err_set(err, ERR_INVALID,
			       "'%s' is no SID of a public key: CR and 32 hexadecimal digits",
			       command->sid);
	return command->sid || public_key_sid_read(str_first(str_of(name), SID_LEN), out) ||
	       err_set(err, ERR_INVALID,
		       "say for which public key it is, as Twilio shows it: --sid CR...");
}

/* A server that runs reads its keys anew; one that does not will. */
static bool tell_server(const struct key_command *command, bool *out_runs, struct err *err)
{
	const struct admin_request request = { .method = "POST", .path = "/api/keys/reread" };
	AUTO(buf_release) struct buf body = { 0 };
	json_t *answer;
	long status;

	buf_init(&body, 256 * 1024);
	*out_runs = false;
	if (!admin_ask(&command->options.settings, &request, &status, &body, err))
		return err->kind == ERR_NOT_FOUND;
	*out_runs = status == 200;
	if (status == 200)
		return true;
	answer = json_loadb(body.at, body.len, 0, NULL);
	err_set(err, ERR_UNAVAILABLE, "it is kept, but the server does not take it: %s",
		answer_text(answer, "error", "it did not say why"));
	json_decref(answer);
	return false;
}

static bool run_add(struct key_command *command, const char *path, struct err *err)
{
	AUTO(private_key_free) struct private_key *key = NULL;
	AUTO(free) char *folder = own_folder(command);
	const char *data_dir = command->options.settings.data_dir;
	char sid[SID_LEN + 1];
	bool is_added, runs;

	if (!path)
		return err_set(err, ERR_INVALID, "name the file of the private key");
	if (!find_sid(command, path, sid, err) || !private_key_read(path, &key, err))
		return false;
	if (!private_key_test(key, err))
		return err->kind == ERR_INVALID &&
		       err_set(err, ERR_INVALID,
			       "the key in '%s' is damaged: what its public half encrypts it does not open",
			       path);
	if (access(data_dir, F_OK) < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no data folder '%s'", data_dir);
	if (!key_folder_keep(folder, sid, key, &is_added, err) || !tell_server(command, &runs, err))
		return false;
	add_line(command, sid, private_key_bits(key), private_key_fingerprint(key), "data_dir",
		 NULL);
	if (command->options.is_json)
		print(command, "keys");
	else
		printf("%s: %s, %u bits, %s%s\n", sid, is_added ? "kept" : "was kept already",
		       private_key_bits(key), private_key_fingerprint(key),
		       runs ? "; the server has it" : "; no server runs, the next one takes it");
	return true;
}

/* ---- list ---- */

/* Is it one of these, as they are told? */
static bool is_among(const json_t *keys, const char *sid, const char *fingerprint)
{
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *one = json_array_get(keys, i);

		if (strcmp(answer_text(one, "public_key_sid", ""), sid) == 0 &&
		    strcmp(answer_text(one, "fingerprint", ""), fingerprint) == 0)
			return true;
	}
	return false;
}

/* What the server has and we do not: a credential of systemd is handed to the service alone. */
static void add_served(struct key_command *command, const json_t *served)
{
	for (size_t i = 0; i < json_array_size(served); i++) {
		const json_t *one = json_array_get(served, i);
		const char *sid = answer_text(one, "public_key_sid", "");
		const char *fingerprint = answer_text(one, "fingerprint", "");

		if (!is_among(command->lines, sid, fingerprint))
			add_line(command, sid, (unsigned)answer_number(one, "bits"), fingerprint,
				 answer_text(one, "kept_in", NULL), NULL);
	}
}

/* NULL: no server runs. */
static bool ask_served(const struct key_command *command, json_t **out, struct err *err)
{
	AUTO(buf_release) struct buf body = { 0 };

	*out = NULL;
	buf_init(&body, 256 * 1024);
	if (!admin_get(&command->options.settings, "/api/keys", &body, err))
		return err->kind == ERR_NOT_FOUND;
	*out = json_loadb(body.at, body.len, 0, NULL);
	return true;
}

static bool run_list(struct key_command *command, const char *none, struct err *err)
{
	AUTO(free) struct vault_key *keys = NULL;
	const json_t *served;
	json_t *answer;
	size_t count;

	if (!open_vault(command, err) || !ask_served(command, &answer, err))
		return false;
	served = json_object_get(answer, "keys");
	count = vault_list(command->vault, &keys);
	for (size_t i = 0; i < count; i++) {
		bool is_waiting = answer &&
				  !is_among(served, keys[i].public_key_sid, keys[i].fingerprint);

		add_line(command, keys[i].public_key_sid, keys[i].bits, keys[i].fingerprint,
			 keys[i].is_own ? "data_dir" : "settings",
			 is_waiting ? "the server has not read it: SIGHUP" : NULL);
	}
	add_served(command, served);
	command->findings = 0; /* it is a list */
	json_decref(answer);
	if (json_array_size(command->lines) == 0 && !command->options.is_json)
		printf("no private keys: callspool key add FILE --sid CR...\n");
	else
		print(command, "keys");
	return true;
}

/* ---- check ---- */

static bool check_public(const struct key_command *command, const struct private_key *key,
			 const char **finding, struct err *err)
{
	bool matches = true;

	if (command->public_path && !private_key_matches(key, command->public_path, &matches, err))
		return false;
	if (!matches)
		*finding = "it is not the private half of that public key";
	return true;
}

static bool check_file(struct key_command *command, const char *path, struct err *err)
{
	AUTO(private_key_free) struct private_key *key = NULL;
	const char *finding = NULL;
	char sid[SID_LEN + 1];
	struct err unnamed;

	if (!find_sid(command, path, sid, &unnamed))
		sid[0] = '\0';
	if (!private_key_read(path, &key, err))
		return false;
	if (!private_key_test(key, err)) {
		if (err->kind != ERR_INVALID)
			return false;
		finding = "it is damaged: what its public half encrypts it does not open";
	} else if (!check_public(command, key, &finding, err)) {
		return false;
	}
	add_line(command, sid, private_key_bits(key), private_key_fingerprint(key), path, finding);
	return true;
}

/* Public keys that were tried. */
struct tried {
	char (*sids)[SID_LEN + 1];
	size_t count;
};

/* Each public key once: they are few, and there may be a hundred thousand recordings. */
static bool is_tried(struct tried *tried, const char *sid)
{
	for (size_t i = 0; i < tried->count; i++)
		if (strcmp(tried->sids[i], sid) == 0)
			return true;
	tried->sids = xrealloc(tried->sids, (tried->count + 1) * sizeof(*tried->sids));
	memcpy(tried->sids[tried->count++], sid, SID_LEN + 1);
	return false;
}

/* What waits for a key: is there one by now, and does it open this? */
static void check_locked(struct key_command *command, const struct recording_locked *locked,
			 struct tried *tried)
{
	struct encryption_details details;
	enum vault_result result;
	struct err err;

	if (!encryption_details_read(str_of(locked->encryption), &details, &err) ||
	    is_tried(tried, details.public_key_sid))
		return;
	result = vault_try(command->vault, &details, &err);
	if (result == VAULT_NO_KEY)
		add_line(command, details.public_key_sid, 0, NULL, NULL,
			 "recordings wait for its private key, which is not here");
	else if (result == VAULT_WRONG_KEY)
		add_line(command, details.public_key_sid, 0, NULL, NULL,
			 "the private key that is here for it does not open what Twilio encrypted");
	else if (result == VAULT_FAILED)
		add_line(command, details.public_key_sid, 0, NULL, NULL, err.text);
}

static bool check_waiting(struct key_command *command, struct tried *tried, struct err *err)
{
	AUTO(free) char *path = server_ledger(&command->options.settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	AUTO(free) struct recording_locked *page = xcalloc(PAGE, sizeof(*page));
	int64_t after = 0;
	size_t count = PAGE;
	struct err ignored;

	if (!server_has_ledger(&command->options.settings, &ignored))
		return true; /* nothing waits: it was never started */
	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	while (count == PAGE) {
		if (!recordings_list_locked(catalog, after, page, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			check_locked(command, &page[i], tried);
			after = page[i].changed_seq;
		}
	}
	return true;
}

static bool check_all(struct key_command *command, struct err *err)
{
	AUTO(free) struct vault_key *keys = NULL;
	struct tried tried = { .count = 0 };
	size_t count;
	bool good;

	if (!open_vault(command, err))
		return false;
	count = vault_list(command->vault, &keys);
	for (size_t i = 0; i < count; i++) {
		enum vault_result result = vault_test(command->vault, keys[i].public_key_sid, err);

		if (result == VAULT_FAILED)
			return false;
		add_line(command, keys[i].public_key_sid, keys[i].bits, keys[i].fingerprint,
			 keys[i].is_own ? "data_dir" : "settings",
			 result == VAULT_OPENED
				 ? NULL
				 : "it is damaged: what its public half encrypts it does not open");
	}
	good = check_waiting(command, &tried, err);
	free(tried.sids);
	return good;
}

static bool run_check(struct key_command *command, const char *path, struct err *err)
{
	if (command->public_path && !path)
		return err_set(err, ERR_INVALID, "--public goes with the file of a private key");
	if (!(path ? check_file(command, path, err) : check_all(command, err)))
		return false;
	if (json_array_size(command->lines) == 0 && !command->options.is_json)
		printf("no private keys, and nothing waits for one\n");
	else
		print(command, "keys");
	return true;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	bool (*run)(struct key_command *command, const char *path, struct err *err);
} verbs[] = { { "add", run_add }, { "list", run_list }, { "check", run_check } };

static int run(struct key_command *command, size_t verb, const char *path)
{
	struct err err;
	int status;
	bool good;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	command->lines = json_array();
	good = verbs[verb].run(command, path, &err);
	json_decref(command->lines);
	vault_free(command->vault);
	fflush(stdout);
	if (!good)
		return cmd_fail(&err);
	return command->findings > 0 ? EXIT_FINDINGS : EXIT_GOOD;
}

static int run_key(int argc, char **argv)
{
	struct key_command command = { .sid = NULL };
	const struct cmd_texts *operands = &command.options.operands;
	size_t verb = 0;
	int status;

	if (!cmd_options_read(&cmd_key, argc, argv, &command.options, &status))
		return status;
	while (operands->count > 0 && verb < ARRAY_LEN(verbs) &&
	       strcmp(operands->at[0], verbs[verb].name) != 0)
		verb++;
	if (operands->count == 0 || verb == ARRAY_LEN(verbs))
		status = cmd_misused(&cmd_key, "say which: add, list or check");
	else
		status = run(&command, verb, operands->count > 1 ? operands->at[1] : NULL);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--sid", CMD_TEXT, offsetof(struct key_command, sid), "CR...",
	  "add, check: the SID of its public key, as Twilio's console shows it" },
	{ "--public", CMD_PATH, offsetof(struct key_command, public_path), "FILE",
	  "check: is the key of FILE its public half?" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_key = {
	.name = "key",
	.summary = "private keys for recordings that Twilio encrypts: add, list, check",
	.usage = "add FILE [--sid CR...] | list | check [FILE [--public FILE]]",
	.help = "add keeps a copy of a private key (RSA, PEM, without a passphrase) in the data folder, under the SID of its\n"
		"public key, which is --sid or the name of the file.  A server that runs takes it at once, and fetches what was\n"
		"given up for want of it.  list prints the keys, also those that the server alone has, as a credential of\n"
		"systemd.  check tries those that are here: whether each opens what its public half encrypts, and whether there\n"
		"is one for each recording that was given up; of FILE the same.\n"
		"Exit status: 2 it is no such key, or others may read its file, 3 no such file or data folder, 4 another key is\n"
		"kept for that SID, 5 the server does not take it, 7 check found something, 8 the data folder is another user's.\n",
	.examples =
		"  callspool key add twilio_private.pem --sid CR0123456789abcdef0123456789abcdef\n"
		"  callspool key check\n"
		"  callspool key check twilio_private.pem --public twilio_public.pem\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = 2,
	.run = run_key,
};
