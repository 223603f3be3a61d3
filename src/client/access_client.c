#include "client/access_client.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "client/admin_client.h"
#include "server/server.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX (4 * 1024 * 1024) /* what web_read.h gives at most */

static enum err_kind kind_of(long status)
{
	switch (status) {
	case 400:
	case 422:
		return ERR_INVALID;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 429:
	case 503:
		return ERR_UNAVAILABLE;
	default:
		return ERR_INTERNAL;
	}
}

static bool take_answer(long status, const struct buf *body, json_t **out, struct err *err)
{
	json_t *answer = json_loadb(body->at, body->len, 0, NULL);
	const char *text;

	if (status == 200 && json_is_object(answer)) {
		*out = answer;
		return true;
	}
	text = json_string_value(json_object_get(answer, "error"));
	err_set(err, kind_of(status), "%s", text ? text : "the server's answer is not understood");
	json_decref(answer);
	return false;
}

/* Nobody serves: the ledger must be there, so that a misspelt data_dir makes no new one. */
static bool serve_ourselves(struct access_client *client, struct err *err)
{
	const struct settings *settings = client->settings;
	struct server_options options = { .settings = settings,
					  .is_command = true,
					  .does_list = client->does_list,
					  .does_verify = client->does_verify,
					  .does_remove = client->does_remove };

	if (!server_has_ledger(settings, err))
		return false;
	if (!log_wants(LOG_DEBUG))
		log_set_level(LOG_WARN); /* what a start tells is not what was asked */
	return server_open(&options, &client->own, err) && server_start(client->own, err);
}

static bool ask(struct access_client *client, const struct admin_request *request, long *out_status,
		struct buf *out, struct err *err)
{
	if (admin_ask(client->settings, request, out_status, out, err)) {
		client->is_remote = !client->own;
		return true;
	}
	if (err->kind != ERR_NOT_FOUND || client->own)
		return false;
	if (client->is_remote)
		return err_set(
			err, ERR_UNAVAILABLE,
			"the server is gone: what was done is kept, run this again to go on");
	return serve_ourselves(client, err) &&
	       admin_ask(client->settings, request, out_status, out, err);
}

bool access_ask(struct access_client *client, const char *method, const char *path, json_t *body,
		json_t **out, struct err *err)
{
	__attribute__((cleanup(buf_release_at))) struct buf answer;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct admin_request request = { .method = method,
					 .path = path,
					 .body = text,
					 .time_limit_s = client->waits ? ADMIN_NO_LIMIT : 0 };
	long status = 0;
	bool good;

	json_decref(body);
	buf_init(&answer, ANSWER_MAX);
	good = ask(client, &request, &status, &answer, err) &&
	       take_answer(status, &answer, out, err);
	client->status = status;
	if (answer.len > 0)
		sodium_memzero(answer.at, answer.len); /* a secret may be in it */
	free(text);
	return good;
}

void access_client_release(struct access_client *client)
{
	server_free(TAKE(client->own));
}
