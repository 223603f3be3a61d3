/*
 * What the commands user, token, session and link have in common: a second word that says what is to be done, flags,
 * and how answers are printed.  A secret goes to standard output alone, words about it to standard error, so that
 * `url=$(callspool user add dana)` holds what it says.
 */
#pragma once

#include "cli/cmd_options.h"
#include "client/access_client.h"

#include <stdint.h>

struct access_command {
	struct cmd_options options; /* first: flags are read into all of it */
	bool is_admin, shows_numbers, is_of_whole_call;
	const char *full_name, *rights, *expires, *note, *user, *call;
	uint64_t plays; /* 0: not given */
	struct access_client client;
	const char *operand[2]; /* behind the second word; NULL where there is none */
};

struct access_verb {
	const char *name;
	unsigned least, most; /* operands behind it, at most two */
	bool (*run)(struct access_command *command, struct err *err);
};

/* `verbs` end with one without a name. */
int access_command_run(const struct cmd *cmd, const struct access_verb *verbs, int argc,
		       char **argv);

/*
 * Asks for path/name/rest; name and rest may be NULL.  A name that needs more than [A-Za-z0-9._@+-] is nobody's: ERR_INVALID.
 */
bool access_command_ask(struct access_command *command, const char *method, const char *path,
			const char *name, const char *rest, json_t *body, json_t **out,
			struct err *err) MUST_CHECK;
/* The same, for an answer that is "done": printed with --json alone. */
bool access_command_change(struct access_command *command, const char *method, const char *path,
			   const char *name, const char *rest, json_t *body,
			   struct err *err) MUST_CHECK;
/* An object, one text of which is the secret, on standard output (all of it with --json); `words` on standard error. */
void access_command_print_secret(const struct access_command *command, json_t *answer,
				 const char *key, const char *words);

struct access_column {
	const char *key, *title;
};
/*
 * All pages of the list `key` at `path`, which has a query or ends in '?'; `pager` is the parameter that goes on behind a
 * page.  `wanted` (NULL: all) leaves rows out.  Printed as JSON or as columns.
 */
struct access_list {
	const char *path, *key, *pager;
	const struct access_column *columns; /* ended by one without a key */
	bool (*wanted)(const json_t *row, const void *context);
	const void *context;
};
bool access_command_list(struct access_command *command, const struct access_list *list,
			 struct err *err) MUST_CHECK;
