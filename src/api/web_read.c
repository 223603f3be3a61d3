#include "api/web_read.h"

#include "api/cors.h"
#include "api/json_head.h"
#include "api/web.h"
#include "base/log.h"
#include "http/reply.h"

#include <stdlib.h>

void web_send_json(struct exchange *x, struct str body)
{
	reply_begin(x, 200);
	json_head_add(x);
	cors_add(x);
	reply_send(x, body);
}

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct web_read *read = container_of(job, struct web_read, job);
	struct json json;

	/* Nobody waits for it any more: where the readers were busy for long there may be many such, before those that are waited for. */
	if (atomic_load(&read->is_unwanted))
		return true;
	json_start(&json, &read->body);
	if (!read->make(read, catalog, &json, err))
		return false;
	if (!read->send && !read->answer)
		buf_add_byte(&read->body, '\n');
	return buf_ok(&read->body) || err_set(err, ERR_INTERNAL, "an answer grew beyond its limit");
}

void web_refuse_failed(struct exchange *x, const struct err *err)
{
	struct log_tag tag = web_request_tag(x);
	char path[WEB_LOGGED_PATH_SIZE];

	if (err->kind == ERR_SCARCE) {
		web_refuse(x, WEB_OVERLOADED, NULL, WEB_NO_RETRY);
		return;
	}
	if (err->kind == ERR_UNAVAILABLE) {
		log_warn(&tag, "cannot answer %s: %s", web_logged_path(x, path), err->text);
		web_refuse(x, WEB_OVERLOADED, "The ledger does not answer just now.", WEB_NO_RETRY);
		return;
	}
	log_error(&tag, "cannot answer %s: %s", web_logged_path(x, path), err->text);
	web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
}

static void refuse_read(struct web_read *read)
{
	switch (read->job.err.kind) {
	case ERR_NOT_FOUND:
		if (read->refuse_missing)
			read->refuse_missing(read->x, read->not_found, NULL);
		else
			web_refuse(read->x, read->not_found, NULL, WEB_NO_RETRY);
		return;
	case ERR_INVALID:
		web_refuse(read->x, WEB_BAD_REQUEST, read->job.err.text, WEB_NO_RETRY);
		return;
	case ERR_SCARCE:
	case ERR_CONFLICT:
	case ERR_UNAVAILABLE:
	case ERR_INTERNAL:
		break;
	}
	web_refuse_failed(read->x, &read->job.err);
}

static void send_read(const struct web_read *read, struct str body)
{
	(read->send ? read->send : web_send_json)(read->x, body);
}

/* False: it cannot. */
static bool answer_without(struct web_read *read)
{
	struct buf body;
	bool is_made;

	if (!read->make_without)
		return false;
	buf_init(&body, WEB_READ_BODY_MAX);
	is_made = read->make_without(read, &body) && buf_ok(&body);
	if (is_made)
		send_read(read, buf_str(&body));
	buf_release(&body);
	return is_made;
}

static void answer_read(struct web_read *read)
{
	if (read->job.succeeded && read->answer)
		read->answer(read, read->x);
	else if (read->job.succeeded)
		send_read(read, buf_str(&read->body));
	else if (!answer_without(read))
		refuse_read(read);
}

static void read_done(struct ledger_job *job)
{
	struct web_read *read = container_of(job, struct web_read, job);

	timer_stop(&read->without);
	if (read->x)
		answer_read(read);
	buf_release(&read->body);
	free(read);
}

/* The job is the ledger's until it is done: nothing else of it is touched. */
static void leave(struct web_read *read)
{
	read->x = NULL;
	atomic_store(&read->is_unwanted, true);
}

static void waited_enough(struct timer *timer)
{
	struct web_read *read = container_of(timer, struct web_read, without);

	if (read->x && answer_without(read))
		leave(read);
}

static void read_gone(struct parked *parked)
{
	leave(container_of(parked, struct web_read, parked));
}

void web_read_start(struct web_read *read, struct exchange *x)
{
	struct web_local *local = web_local_of(x);

	read->x = x;
	read->web = local->web;
	read->parked.gone = read_gone;
	read->job =
		(struct ledger_job){ .run = run_read, .done = read_done, .reply = local->mailbox };
	buf_init(&read->body, WEB_READ_BODY_MAX);
	exchange_park(x, &read->parked);
	if (read->patience_ms > 0)
		timer_start(local->loop, &read->without, read->patience_ms, waited_enough);
	ledger_read(local->web->ledger, &read->job);
}
