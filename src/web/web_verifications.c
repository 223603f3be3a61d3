#include "web/web_verifications.h"

#include "access/web_refusal.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "chores/verifications.h"
#include "http/form.h"
#include "ledger/ledger.h"
#include "verify/verifier.h"

#include <stdlib.h>

#define FAULTS_MAX 500

/* ---- changes ---- */

struct change {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	const struct web *web;
	bool mends;
	int64_t count; /* accepted */
};

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct change *change = container_of(job, struct change, job);
	struct verification row;

	if (!verifications_find(catalog, VERIFICATION_ASKED, &row, err))
		return false;
	if (row.asked_at_ms == 0 || row.completed_at_ms != 0) {
		int64_t now_ms = clock_wall_ms();

		/* Which tells one from another, whatever the clock does. */
		row = (struct verification){ .asked_at_ms = now_ms > row.asked_at_ms
								    ? now_ms
								    : row.asked_at_ms + 1 };
	}
	row.mends = row.mends || change->mends;
	return verifications_set(catalog, VERIFICATION_ASKED, &row, err);
}

static bool run_accept(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct change *change = container_of(job, struct change, job);

	return store_faults_accept(catalog, &change->count, err);
}

static void changed(struct ledger_job *job)
{
	struct change *change = container_of(job, struct change, job);
	char text[64];

	/* When the client is gone the server may be stopping; else the next turn finds it. */
	if (change->x && job->succeeded) {
		verifier_wake(change->web->verifier);
		snprintf(text, sizeof(text), "{\"success\":true,\"accepted\":%lld}\n",
			 (long long)change->count);
		web_send_json(change->x,
			      job->run == run_begin ? STR("{\"success\":true}\n") : str_of(text));
	} else if (change->x) {
		web_refuse_change(change->x, &job->err, WEB_NOT_FOUND, WEB_CONFLICT);
	}
	free(change);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct change, parked)->x = NULL;
}

static void start_change(struct exchange *x, bool mends,
			 bool (*run)(struct ledger_job *, struct catalog *, struct err *))
{
	struct web_local *local = web_local_of(x);
	struct change *change = xcalloc(1, sizeof(*change));

	change->x = x;
	change->web = local->web;
	change->mends = mends;
	change->parked.gone = client_gone;
	exchange_park(x, &change->parked);
	change->job = (struct ledger_job){ .run = run, .done = changed, .reply = local->mailbox };
	ledger_write(local->web->ledger, &change->job);
}

void web_verifications_begin(struct exchange *x)
{
	json_t *body = web_json_body(x), *mend;
	bool is_good, mends;

	if (!body)
		return;
	mend = json_object_get(body, "mend");
	is_good = !mend || json_is_boolean(mend);
	mends = !mend || json_is_true(mend);
	json_decref(body);
	if (is_good)
		start_change(x, mends, run_begin);
	else
		web_refuse(x, WEB_BAD_REQUEST, "mend is true or false.", WEB_NO_RETRY);
}

void web_verifications_accept(struct exchange *x)
{
	start_change(x, false, run_accept);
}

/* ---- how far ---- */

struct listing {
	struct web_read read;
	char after[RECORDING_PATH_SIZE];
};

static void add_pass(struct json *json, const char *name, const struct verification *row)
{
	json_open(json, name, '{');
	json_date(json, "asked_at", row->asked_at_ms);
	json_date(json, "began_at", row->began_at_ms);
	json_date(json, "completed_at", row->completed_at_ms);
	json_bool(json, "mends", row->mends);
	json_int(json, "rows_done", row->after_id);
	json_int(json, "rows", row->last_id);
	json_int(json, "folders_done", row->folder);
	json_int(json, "folders", VERIFICATION_FOLDERS);
	json_int(json, "files", row->files);
	json_int(json, "bytes", row->bytes);
	json_int(json, "undigested", row->undigested);
	json_text(json, "failure", row->failure[0] ? str_of(row->failure) : STR_NONE);
	json_close(json, '}');
}

static struct str text_or_none(const char *text)
{
	return text[0] ? str_of(text) : STR_NONE;
}

static void add_fault(struct json *json, const struct store_fault *fault)
{
	json_open(json, NULL, '{');
	json_text(json, "file", str_of(fault->path));
	json_text(json, "kind", str_of(store_fault_kind_text(fault->kind)));
	json_text(json, "state", str_of(store_fault_state_text(fault->state)));
	json_text(json, "recording_sid", text_or_none(fault->recording_sid));
	json_text(json, "call_sid", text_or_none(fault->call_sid));
	json_date(json, "found_at", fault->found_at_ms);
	json_date(json, "mended_at", fault->ended_at_ms);
	json_text(json, "reason", text_or_none(fault->reason));
	json_close(json, '}');
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	const struct listing *list = container_of(read, struct listing, read);
	AUTO(free) struct store_fault *faults = xcalloc(FAULTS_MAX, sizeof(*faults));
	struct verification by_itself, asked;
	size_t count;

	if (!verifications_find(catalog, VERIFICATION_BY_ITSELF, &by_itself, err) ||
	    !verifications_find(catalog, VERIFICATION_ASKED, &asked, err) ||
	    !store_faults_list_since(catalog, asked.began_at_ms, list->after, faults, FAULTS_MAX,
				     &count, err))
		return false;
	json_open(json, NULL, '{');
	add_pass(json, "by_itself", &by_itself);
	add_pass(json, "asked", &asked);
	json_open(json, "faults", '[');
	for (size_t i = 0; i < count; i++)
		add_fault(json, &faults[i]);
	json_close(json, ']');
	json_bool(json, "more", count == FAULTS_MAX);
	json_close(json, '}');
	return true;
}

static bool read_query(const struct exchange *x, struct listing *list)
{
	AUTO(free) char *room = xmalloc(x->request.query.len + 1);
	struct str rest = x->request.query;
	struct form_field field;
	char *at = room;
	enum form_next next;

	while ((next = form_next(&rest, &at, &field)) == FORM_FIELD)
		if (!str_eq(field.name, STR("after")) ||
		    !str_copy(field.value, list->after, sizeof(list->after)))
			return false;
	return next == FORM_END;
}

void web_verifications_list(struct exchange *x)
{
	struct listing *list = xcalloc(1, sizeof(*list));

	if (!read_query(x, list)) {
		free(list);
		web_refuse(x, WEB_BAD_REQUEST, "The query is malformed.", WEB_NO_RETRY);
		return;
	}
	list->read.make = make_list;
	list->read.not_found = WEB_INTERNAL;
	web_read_start(&list->read, x);
}
