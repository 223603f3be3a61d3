#include "sim/sim_api.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/form.h"
#include "http/reply.h"
#include "sim/sim_faults.h"
#include "sim/sim_reply.h"
#include "sim/sim_resource.h"
#include "sim/sim_state.h"
#include "twilio/rest_write.h"

#define BODY_MAX (8u << 20)

/* ---- filters ---- */

/* Bounds that a list is asked to keep within; zeroed: everything. */
struct filter {
	int64_t from_ms, before_ms; /* dates, as of the list's own field; 0: no bound */
	struct str call_sid;        /* recordings of that call */
	struct str status, from, to;
	bool has_deleted;
};

static bool text_allows(struct str wanted, const char *text)
{
	return wanted.len == 0 || str_eq(wanted, str_of(text));
}

static bool recording_passes(const struct sim_recording *recording, const struct filter *filter)
{
	if (strcmp(recording->status, "deleted") == 0 && !filter->has_deleted)
		return false;
	if (filter->from_ms > 0 && recording->created_at_ms < filter->from_ms)
		return false;
	if (filter->before_ms > 0 && recording->created_at_ms >= filter->before_ms)
		return false;
	return text_allows(filter->call_sid, recording->call->sid);
}

static bool call_passes(const struct sim_call *call, const struct filter *filter)
{
	int64_t started_at_ms = call->started_at_ms > 0 ? call->started_at_ms : call->created_at_ms;

	if (filter->from_ms > 0 && started_at_ms < filter->from_ms)
		return false;
	if (filter->before_ms > 0 && started_at_ms >= filter->before_ms)
		return false;
	return text_allows(filter->status, call->status) && text_allows(filter->from, call->from) &&
	       text_allows(filter->to, call->to);
}

static void filter_read_dates(const struct form *form, const char *name, struct filter *filter)
{
	struct rest_bounds bounds = { 0 };

	for (size_t i = 0; i < form->count; i++)
		(void)!rest_bound_read(name, form->fields[i].name, form->fields[i].value, &bounds);
	filter->from_ms = bounds.from_ms;
	filter->before_ms = bounds.before_ms;
}

static void filter_read(const struct form *form, const char *date, struct filter *out)
{
	filter_read_dates(form, date, out);
	out->call_sid = form_field(form, STR("CallSid"));
	out->status = form_field(form, STR("Status"));
	out->from = form_field(form, STR("From"));
	out->to = form_field(form, STR("To"));
	out->has_deleted = str_eq_nocase(form_field(form, STR("IncludeSoftDeleted")), STR("true"));
}

/* ---- pages ---- */

static bool page_read(const struct form *form, uint64_t size_max, struct rest_page *out)
{
	return rest_page_read(form_field(form, STR("PageSize")), form_field(form, STR("Page")),
			      form_field(form, STR("PageToken")), size_max, out);
}

/* The two lists differ in where their rows are and how one is written. */
struct listing {
	const char *key; /* "recordings" */
	const struct sim_table *table;
	bool (*passes)(const void *row, const struct filter *filter);
	void (*write)(struct json *json, const void *row);
	const char *(*sid)(const void *row);
};

/* Rows newest first from page->start; the SID of the last one when more follow, else NULL. */
static const char *rows_write(struct json *json, const struct listing *listing,
			      const struct filter *filter, const struct rest_page *page,
			      size_t *out_count)
{
	const char *last = NULL;
	bool is_behind = !page->token.at;
	uint64_t to_skip = page->token.at ? 0 : page->number * page->size;

	*out_count = 0;
	for (size_t i = listing->table->count; i > 0; i--) {
		const void *row = listing->table->at[i - 1];

		if (!is_behind) {
			is_behind = str_eq(page->token, str_of(listing->sid(row)));
			continue;
		}
		if (!listing->passes(row, filter))
			continue;
		if (to_skip > 0) {
			to_skip--;
			continue;
		}
		if (*out_count == page->size)
			return last;
		listing->write(json, row);
		last = listing->sid(row);
		++*out_count;
	}
	return NULL;
}

static void list_reply(struct exchange *x, const struct listing *listing,
		       const struct filter *filter, const struct rest_page *page)
{
	AUTO(buf_release) struct buf body = { 0 };
	struct json json;
	const char *next;
	size_t count;

	buf_init(&body, BODY_MAX);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_open(&json, listing->key, '[');
	next = rows_write(&json, listing, filter, page, &count);
	json_close(&json, ']');
	rest_write_page(&json, page,
			&(struct rest_page_end){ .path = x->request.path,
						 .query = x->request.query,
						 .count = count,
						 .next = next ? str_of(next) : STR_NONE,
						 .has_previous = true });
	json_close(&json, '}');
	sim_reply_json(x, 200, &body);
}

/* ---- requests ---- */

/* An answer that comes later, or never. */
struct waiting {
	struct parked parked;
	struct timer timer;
	struct reap reap;
	struct exchange *x;
	struct sim_plan plan;
	void (*serve)(struct exchange *x);
};

static void waiting_free_late(struct reap *reap)
{
	free(container_of(reap, struct waiting, reap));
}

static void waiting_end(struct waiting *waiting, struct loop *loop)
{
	timer_stop(&waiting->timer);
	loop_reap(loop, &waiting->reap, waiting_free_late);
}

static void waiting_gone(struct parked *parked)
{
	struct waiting *waiting = container_of(parked, struct waiting, parked);

	waiting_end(waiting, exchange_loop(waiting->x));
}

static void waiting_over(struct timer *timer)
{
	struct waiting *waiting = container_of(timer, struct waiting, timer);

	waiting_end(waiting, exchange_loop(waiting->x));
	if (!sim_reply_planned(waiting->x, &waiting->plan))
		waiting->serve(waiting->x);
}

/* Serves it, if it is admitted and no fault takes its place. */
static void api_serve(struct exchange *x, void (*serve)(struct exchange *x))
{
	struct sim *sim = sim_of(x);
	struct waiting *waiting;
	struct sim_plan plan;

	if (!sim_admits(x))
		return;
	sim_faults_plan(&sim->faults, SIM_REQUEST_API, STR_NONE, NULL, &plan);
	if (!plan.is_hanging && !plan.is_closing && plan.delay_ms == 0) {
		if (!sim_reply_planned(x, &plan))
			serve(x);
		return;
	}
	waiting = xcalloc(1, sizeof(*waiting));
	*waiting = (struct waiting){
		.parked.gone = waiting_gone, .x = x, .plan = plan, .serve = serve
	};
	exchange_park(x, &waiting->parked);
	if (plan.is_closing)
		exchange_cut(x);
	else if (!plan.is_hanging)
		timer_start(sim->loop, &waiting->timer, plan.delay_ms, waiting_over);
}

static bool any_recording_passes(const void *row, const struct filter *filter)
{
	return recording_passes(row, filter);
}

static void any_recording_write(struct json *json, const void *row)
{
	sim_write_recording(json, row);
}

static const char *any_recording_sid(const void *row)
{
	return ((const struct sim_recording *)row)->sid;
}

static bool any_call_passes(const void *row, const struct filter *filter)
{
	return call_passes(row, filter);
}

static void any_call_write(struct json *json, const void *row)
{
	sim_write_call(json, row);
}

static const char *any_call_sid(const void *row)
{
	return ((const struct sim_call *)row)->sid;
}

static void list_serve(struct exchange *x, const struct listing *listing, const char *date,
		       struct str call_sid)
{
	AUTO(buf_release) struct buf room = { 0 };
	struct filter filter = { 0 };
	struct form form = { .count = 0 };
	struct rest_page page;

	buf_init(&room, 16384);
	if ((x->request.query.at && !form_parse(x->request.query, &room, &form)) ||
	    !page_read(&form, sim_of(x)->page_size_max, &page)) {
		sim_reply_error(x, 400, 20001, "The query is malformed");
		return;
	}
	filter_read(&form, date, &filter);
	if (call_sid.at)
		filter.call_sid = call_sid;
	list_reply(x, listing, &filter, &page);
}

static struct listing recordings_listing(const struct sim *sim)
{
	return (struct listing){ "recordings", &sim->recordings, any_recording_passes,
				 any_recording_write, any_recording_sid };
}

static void recordings_reply(struct exchange *x)
{
	struct listing listing = recordings_listing(sim_of(x));

	list_serve(x, &listing, "DateCreated", STR_NONE);
}

static void call_recordings_reply(struct exchange *x)
{
	struct listing listing = recordings_listing(sim_of(x));

	if (sim_find_call(sim_of(x), x->request.params[1]))
		list_serve(x, &listing, "DateCreated", x->request.params[1]);
	else
		sim_reply_not_found(x);
}

static void calls_reply(struct exchange *x)
{
	struct listing listing = { "calls", &sim_of(x)->calls, any_call_passes, any_call_write,
				   any_call_sid };

	list_serve(x, &listing, "StartTime", STR_NONE);
}

static void call_reply(struct exchange *x)
{
	AUTO(buf_release) struct buf body = { 0 };
	const struct sim_call *call = sim_find_call(sim_of(x), x->request.params[1]);
	struct json json;

	if (!call) {
		sim_reply_not_found(x);
		return;
	}
	buf_init(&body, BODY_MAX);
	json_start(&json, &body);
	sim_write_call(&json, call);
	sim_reply_json(x, 200, &body);
}

/* The last parameter is the recording: addresses below a call have three. */
static struct sim_recording *recording_of(struct exchange *x)
{
	bool is_below_call = x->request.params[2].len > 0;
	struct sim_recording *recording =
		sim_find_recording(sim_of(x), x->request.params[is_below_call ? 2 : 1]);

	if (recording && is_below_call &&
	    !str_eq(str_of(recording->call->sid), x->request.params[1]))
		return NULL;
	return recording;
}

static void recording_reply(struct exchange *x)
{
	AUTO(buf_release) struct buf body = { 0 };
	const struct sim_recording *recording = recording_of(x);
	struct str query = x->request.query;
	bool wants_deleted = str_find_str(query, STR("IncludeSoftDeleted=true")) < query.len;
	struct json json;

	if (!recording || (strcmp(recording->status, "deleted") == 0 && !wants_deleted)) {
		sim_reply_not_found(x);
		return;
	}
	buf_init(&body, BODY_MAX);
	json_start(&json, &body);
	sim_write_recording(&json, recording);
	sim_reply_json(x, 200, &body);
}

static void recording_delete(struct exchange *x)
{
	struct sim_recording *recording = recording_of(x);

	if (!recording || strcmp(recording->status, "deleted") == 0) {
		sim_reply_not_found(x);
		return;
	}
	if (strcmp(recording->status, "completed") != 0) {
		sim_reply_error(x, 400, 20001, "Only completed recordings can be deleted");
		return;
	}
	snprintf(recording->status, sizeof(recording->status), "deleted");
	recording->updated_at_ms = clock_wall_ms();
	sim_begin(x, 204);
	reply_send(x, STR(""));
}

/* ---- routes ---- */

void sim_get_recordings(struct exchange *x)
{
	api_serve(x, recordings_reply);
}

void sim_get_call_recordings(struct exchange *x)
{
	api_serve(x, call_recordings_reply);
}

void sim_get_calls(struct exchange *x)
{
	api_serve(x, calls_reply);
}

void sim_get_call(struct exchange *x)
{
	api_serve(x, call_reply);
}

void sim_get_recording(struct exchange *x)
{
	api_serve(x, recording_reply);
}

void sim_delete_recording(struct exchange *x)
{
	api_serve(x, recording_delete);
}
