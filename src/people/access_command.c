#include "people/access_command.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/suggestion.h"
#include "base/utf8.h"
#include "cli/cmd_reach.h"
#include "client/answer.h"
#include "http/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_MAX 40 /* what a cell is padded to at most */

/* ---- the second word ---- */

static const struct access_verb *find_verb(const struct cmd *cmd, const struct access_verb *verbs,
					   const struct cmd_texts *operands)
{
	const char *name = operands->count > 0 ? operands->at[0] : NULL;
	struct suggestion near;

	if (!name) {
		cmd_misused(cmd, "say what is to be done: %s", cmd->usage);
		return NULL;
	}
	suggestion_start(&near, str_of(name));
	for (const struct access_verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
		suggestion_offer(&near, verb->name);
	}
	cmd_misused(cmd, "cannot '%s'%s%s%s", name, near.best ? "; did you mean '" : "",
		    near.best ? near.best : "", near.best ? "'?" : "");
	return NULL;
}

/* Else it is not told to the server, as JSON holds no such text. */
static bool are_utf8(const struct cmd_texts *operands)
{
	for (size_t i = 0; i < operands->count; i++)
		if (!utf8_is_valid(str_of(operands->at[i])))
			return false;
	return true;
}

static int run_verb(const struct access_verb *verb, struct access_command *command)
{
	struct err err;
	int status;
	bool good;

	if (!cmd_reach_confined(&command->options, &status))
		return status;
	command->client.settings = &command->options.settings;
	good = verb->run(command, &err);
	access_client_release(&command->client);
	return good ? EXIT_GOOD : cmd_fail(&err);
}

int access_command_run(const struct cmd *cmd, const struct access_verb *verbs, int argc,
		       char **argv)
{
	struct access_command command = { .is_admin = false };
	const struct cmd_texts *operands = &command.options.operands;
	const struct access_verb *verb;
	int status;

	if (!cmd_options_read(cmd, argc, argv, &command.options, &status))
		return status;
	verb = find_verb(cmd, verbs, operands);
	status = EXIT_WRONG_USAGE;
	if (verb && operands->count - 1 < verb->least)
		cmd_misused(cmd, "%s: a name is missing", verb->name);
	else if (verb && operands->count - 1 > verb->most)
		cmd_misused(cmd, "unexpected argument '%s'", operands->at[verb->most + 1]);
	else if (verb && !are_utf8(operands))
		cmd_misused(cmd, "%s: a name or a note is not UTF-8", verb->name);
	else if (verb) {
		for (size_t i = 1; i < operands->count; i++)
			command.operand[i - 1] = operands->at[i];
		status = run_verb(verb, &command);
	}
	cmd_options_release(&command.options);
	return status;
}

/* ---- asking ---- */

static bool is_plain(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-")] == '\0';
}

bool access_command_ask(struct access_command *command, const char *method, const char *path,
			const char *name, const char *rest, json_t *body, json_t **out,
			struct err *err)
{
	AUTO(free)
	char *whole = xasprintf("%s%s%s%s%s", path, name ? "/" : "", name ? name : "",
				rest ? "/" : "", rest ? rest : "");

	if (name && (name[0] == '\0' || !is_plain(name))) {
		json_decref(body);
		return err_set(err, ERR_INVALID,
			       "'%s': a name is made of letters, digits and . _ @ + -", name);
	}
	return access_ask(&command->client, method, whole, body, out, err);
}

bool access_command_change(struct access_command *command, const char *method, const char *path,
			   const char *name, const char *rest, json_t *body, struct err *err)
{
	json_t *answer;

	if (!access_command_ask(command, method, path, name, rest, body, &answer, err))
		return false;
	if (command->options.is_json)
		answer_print(answer);
	json_decref(answer);
	return true;
}

/* ---- printing ---- */

void access_command_print_secret(const struct access_command *command, json_t *answer,
				 const char *key, const char *words)
{
	if (command->options.is_json)
		answer_print(answer);
	else
		printf("%s\n", answer_text(answer, key, ""));
	if (fflush(stdout) == 0 && !ferror(stdout))
		fprintf(stderr, "%s\n", words);
	else
		fprintf(stderr,
			"callspool: the secret of '%s' could not be printed, and is not told again: make another\n",
			answer_text(answer, "name", "-"));
}

/* What a column shows of a row, for free(); "-" for nothing. */
static char *cell(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		return xasprintf("%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return xstrdup(json_is_true(value) ? "yes" : "no");
	return xstrdup(text && text[0] ? text : "-");
}

/* A terminal obeys control characters; what a browser said of itself may hold some. */
static void print_cell(char *text, int width, bool is_last)
{
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	if (is_last)
		printf("%s\n", text);
	else
		printf("%-*s  ", width, text);
}

static void print_column_heads(const struct access_column *columns, const int *widths)
{
	for (size_t i = 0; columns[i].key; i++) {
		AUTO(free) char *title = xstrdup(columns[i].title);

		print_cell(title, widths[i], !columns[i + 1].key);
	}
}

static void print_rows(const json_t *rows, const struct access_column *columns)
{
	int widths[8] = { 0 };
	const json_t *row;
	size_t index;

	for (size_t i = 0; columns[i].key; i++)
		widths[i] = (int)strlen(columns[i].title);
	json_array_foreach(rows, index, row) for (size_t i = 0; columns[i].key; i++)
	{
		AUTO(free) char *text = cell(row, columns[i].key);
		int width = (int)strlen(text);

		if (width > widths[i])
			widths[i] = width < COLUMN_MAX ? width : COLUMN_MAX;
	}
	print_column_heads(columns, widths);
	json_array_foreach(rows, index, row) for (size_t i = 0; columns[i].key; i++)
	{
		AUTO(free) char *text = cell(row, columns[i].key);

		print_cell(text, widths[i], !columns[i + 1].key);
	}
}

/* For free(). */
static char *page_path(const struct access_list *list, const json_t *next)
{
	const char *joint = str_ends(str_of(list->path), STR("?")) ? "" : "&";
	char text[512];
	struct buf value;

	buf_over(&value, text, sizeof(text));
	if (json_is_integer(next))
		buf_addf(&value, "%lld", (long long)json_integer_value(next));
	else if (json_is_string(next))
		form_encode(&value, str_of(json_string_value(next)));
	else
		return xstrdup(list->path);
	return xasprintf("%s%s%s=%s", list->path, joint, list->pager, text);
}

static void take_rows(const struct access_list *list, json_t *answer, json_t *all)
{
	json_t *row;
	size_t index;

	json_array_foreach(json_object_get(answer, list->key), index,
			   row) if (!list->wanted || list->wanted(row, list->context))
		json_array_append(all, row);
}

static bool collect(struct access_command *command, const struct access_list *list, json_t *all,
		    struct err *err)
{
	json_t *next = NULL;

	do {
		AUTO(free) char *path = page_path(list, next);
		json_t *answer;

		json_decref(next);
		if (!access_ask(&command->client, "GET", path, NULL, &answer, err))
			return false;
		take_rows(list, answer, all);
		next = json_incref(json_object_get(answer, "next"));
		json_decref(answer);
	} while (next && !json_is_null(next));
	json_decref(next);
	return true;
}

bool access_command_list(struct access_command *command, const struct access_list *list,
			 struct err *err)
{
	json_t *all = json_array();
	bool good = collect(command, list, all, err);

	if (good && command->options.is_json)
		answer_print_as(list->key, all);
	else if (good)
		print_rows(all, list->columns);
	json_decref(all);
	return good;
}
