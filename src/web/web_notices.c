/*
 * Of all of them some at a time, so that the writer has its turn for others; where that breaks off, those that are left are
 * dead letters still.
 */
#include "web/web_notices.h"

#include "access/web_refusal.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "chores/notices_queue.h"
#include "ledger/ledger.h"
#include "notify/notice_message.h"

#include <stdlib.h>

#define PAGE 1000

struct revival {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	struct ledger *ledger;
	struct mailbox *reply;
	int64_t seq; /* 0: all */
	size_t count, revived;
};

static void write_page(struct revival *revival);

static bool run_page(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct revival *revival = container_of(job, struct revival, job);

	return notices_revive(catalog, revival->seq, clock_wall_ms(), PAGE, &revival->count, err);
}

static void reply_revived(const struct revival *revival)
{
	char text[64];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_int(&json, "queued", (int64_t)revival->revived);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(revival->x, buf_str(&body));
}

static void written(struct ledger_job *job)
{
	struct revival *revival = container_of(job, struct revival, job);

	if (!revival->x) {
		free(revival);
		return;
	}
	revival->revived += job->succeeded ? revival->count : 0;
	if (job->succeeded && revival->seq == 0 && revival->count == PAGE) {
		write_page(revival);
		return;
	}
	if (job->succeeded)
		reply_revived(revival);
	else
		web_refuse_change(revival->x, &job->err, WEB_NOT_FOUND, WEB_CONFLICT);
	free(revival);
}

static void write_page(struct revival *revival)
{
	revival->job = (struct ledger_job){
		.run = run_page,
		.done = written,
		.reply = revival->reply,
		.change = { .what = PROJECTED_NOTICES },
	};
	ledger_write(revival->ledger, &revival->job);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct revival, parked)->x = NULL;
}

void web_notices_retry(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	json_t *body = web_json_body(x);
	struct revival *revival;
	bool is_good;
	int64_t seq = 0;

	if (!body)
		return;
	is_good = !json_object_get(body, "id") || notice_id_read(web_json_text(body, "id"), &seq);
	json_decref(body);
	if (!is_good) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "id is the webhook-id of a notice, as msg_RE..._1234.", WEB_NO_RETRY);
		return;
	}
	revival = xcalloc(1, sizeof(*revival));
	revival->x = x;
	revival->ledger = local->web->ledger;
	revival->reply = local->mailbox;
	revival->seq = seq;
	revival->parked.gone = client_gone;
	exchange_park(x, &revival->parked);
	write_page(revival);
}
