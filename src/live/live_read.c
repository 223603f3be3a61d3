#include "live/live_read.h"

#include "api/web.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "live/call_json.h"
#include "twilio/sid.h"

#include <stdlib.h>
#include <string.h>

#define JSON_MAX (16 * 1024 * 1024) /* LIVE_CHANGES_MAX rows of the longest texts */

void live_batch_free(struct live_batch *batch)
{
	if (!batch)
		return;
	buf_release(&batch->json);
	free(batch->rows);
	free(batch);
}

/* ---- on a reader's thread ---- */

/* The call of a recording that came alone.  "": it is of none that is known. */
static bool find_call_sid(struct catalog *catalog, const struct live_row *row, char out[SID_SIZE],
			  struct err *err)
{
	struct recording recording;

	out[0] = '\0';
	if (sid_is_call(str_of(row->sid))) {
		memcpy(out, row->sid, SID_SIZE);
		return true;
	}
	if (!recordings_find(catalog, str_of(row->sid), &recording, err))
		return err->kind == ERR_NOT_FOUND;
	memcpy(out, recording.call_sid, SID_SIZE);
	return true;
}

static bool read_row(struct live_read *read, struct catalog *catalog, struct live_row *row,
		     struct err *err)
{
	struct live_batch *batch = read->batch;
	struct call_cursor newest = { 0 };
	struct call_filter filter = { 0 };
	struct call_page page;
	char call_sid[SID_SIZE];
	struct json json;

	if (!find_call_sid(catalog, row, call_sid, err))
		return false;
	if (call_sid[0] == '\0')
		return true;
	filter.call_sid = str_of(call_sid);
	if (!calls_list(catalog, &filter, &newest, &row->call, 1, &page, err))
		return false;
	row->is_there = page.count == 1;
	row->json_at = batch->json.len;
	if (row->is_there) {
		json_start(&json, &batch->json);
		call_json_add_row(&json, read->web, &row->call);
	}
	row->json_len = batch->json.len - row->json_at;
	return buf_ok(&batch->json) || err_set(err, ERR_INTERNAL, "changed calls are too long");
}

static void row_of_change(struct live_row *row, const struct live_change *change)
{
	*row = (struct live_row){ .what = change->what, .sequence = change->sequence };
	memcpy(row->sid, change->sid, SID_SIZE);
}

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct live_read *read = container_of(job, struct live_read, job);
	struct live_batch *batch = read->batch;

	for (int i = 0; i < LIVE_READ_ROWS && read->next != &read->changes->list; i++) {
		struct live_row *row = &batch->rows[batch->count];

		row_of_change(row, container_of(read->next, struct live_change, link));
		if (!read_row(read, catalog, row, err))
			return false;
		batch->count++;
		read->next = read->next->next;
	}
	return true;
}

/* ---- on the loop ---- */

static void end(struct live_read *read, int64_t snapshot)
{
	struct live_batch *batch = TAKE(read->batch);

	live_changes_free(TAKE(read->changes));
	read->done(read, batch, snapshot);
}

static void read_done(struct ledger_job *job)
{
	struct live_read *read = container_of(job, struct live_read, job);

	if (job->succeeded && read->next != &read->changes->list) {
		ledger_read(read->ledger, job);
		return;
	}
	if (!job->succeeded) {
		if (job->err.kind !=
		    ERR_UNAVAILABLE) /* it was stopped: nobody is left to be told */
			log_error(NULL, "cannot read the calls that changed: %s", job->err.text);
		read->batch->more = read->changes->count + 1;
		read->batch->count = 0;
	}
	end(read, job->succeeded ? job->sequence : 0);
}

void live_read_start(struct live_read *read, const struct web *web, struct mailbox *mailbox,
		     struct live_changes *changes)
{
	struct live_batch *batch = xcalloc(1, sizeof(*batch));

	batch->sequence = changes->sequence;
	batch->more = changes->more;
	batch->rows = xcalloc(changes->count + 1, sizeof(*batch->rows));
	buf_init(&batch->json, JSON_MAX);
	read->web = web;
	read->ledger = web->ledger;
	read->changes = changes;
	read->batch = batch;
	read->next = changes->list.next;
	read->job = (struct ledger_job){ .run = run_read, .done = read_done, .reply = mailbox };
	ledger_read(read->ledger, &read->job);
}

void live_read_release(struct live_read *read)
{
	live_changes_free(TAKE(read->changes));
	live_batch_free(TAKE(read->batch));
}
