/*
 * What commands ask about users, tokens, sessions and links: of the server that runs on the data folder, over the
 * administrator's socket; where none does, of one in this process that has the folder's lock, answers that socket
 * alone, and is gone with the command.  So the answers, and what the audit says, are the same.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdbool.h>

struct server;

struct access_client {
	const struct settings *settings; /* borrowed */
	bool does_list;     /* one in this process reads Twilio's list where that was asked for */
	bool does_verify;   /* ... or compares the store with the ledger */
	bool does_remove;   /* ... takes away the files of what was removed */
	bool waits;         /* however long an answer takes */
	struct server *own; /* NULL: another process serves, or nothing was asked yet */
	bool is_remote;     /* another process has answered */
	long status;        /* of the last answer; 0: there was none */
};

/*
 * The answer is for json_decref().  `body` may be NULL; it is taken.  ERR_NOT_FOUND: there is no such thing, nor a ledger;
 * ERR_INVALID, ERR_CONFLICT, ERR_UNAVAILABLE: as the server's status says, with its words; ERR_UNAVAILABLE, too, when a
 * server that has answered before is gone: to serve in its place would keep it from starting again.
 */
bool access_ask(struct access_client *client, const char *method, const char *path, json_t *body,
		json_t **out, struct err *err) MUST_CHECK;
void access_client_release(struct access_client *client);
