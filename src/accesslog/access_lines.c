#include "accesslog/access_lines.h"

#include "base/clock.h"
#include "base/mem.h"
#include "event/loop.h"

#include <stdlib.h>

#define HAND_OVER_MS 200 /* as old as a line may become before it is written */

struct access_lines {
	struct access_log *log;
	struct loop *loop;
	struct mailbox *mailbox;
	struct timer timer;         /* on while `open` is there */
	struct access_batch *open;  /* being filled, or NULL */
	struct access_batch *spare; /* a list of those to be used again: one, or NULL */
	unsigned posted;            /* batches that the log has */
	int64_t date_s;             /* the second that `date` tells */
	char date[LOG_DATE_SIZE];
};

/* One batch for a sender, so that container_of finds him. */
struct lines_batch {
	struct access_batch batch; /* first */
	struct access_lines *lines;
};

static struct lines_batch *own(struct access_batch *batch)
{
	return container_of(batch, struct lines_batch, batch);
}

struct access_lines *access_lines_new(struct access_log *log, struct loop *loop,
				      struct mailbox *mailbox)
{
	struct access_lines *lines;

	if (!log)
		return NULL;
	lines = xcalloc(1, sizeof(*lines));
	lines->log = log;
	lines->loop = loop;
	lines->mailbox = mailbox;
	lines->date_s = INT64_MIN;
	return lines;
}

void access_lines_free(struct access_lines *lines)
{
	if (!lines)
		return;
	free(lines->open ? own(lines->open) : NULL);
	free(lines->spare ? own(lines->spare) : NULL);
	free(lines);
}

/* ---- batches ---- */

static void batch_written(struct job *job)
{
	struct access_batch *batch = container_of(job, struct access_batch, job);
	struct access_lines *lines = own(batch)->lines;

	lines->posted--;
	if (lines->spare)
		free(own(batch));
	else
		lines->spare = batch;
}

static void hand_over(struct access_lines *lines)
{
	struct access_batch *batch = lines->open;

	lines->open = NULL;
	timer_stop(&lines->timer);
	lines->posted++;
	access_log_post(lines->log, batch);
}

static void fired(struct timer *timer)
{
	hand_over(container_of(timer, struct access_lines, timer));
}

static void open_batch(struct access_lines *lines)
{
	struct access_batch *batch = lines->spare;

	lines->spare = NULL;
	if (!batch) {
		struct lines_batch *made = xmalloc(sizeof(*made));

		made->lines = lines;
		batch = &made->batch;
	}
	batch->job = (struct job){ .done = batch_written, .reply = lines->mailbox };
	batch->len = 0;
	batch->count = 0;
	lines->open = batch;
	timer_start(lines->loop, &lines->timer, HAND_OVER_MS, fired);
}

/* False: all that this loop may have are with the log. */
static bool has_room(struct access_lines *lines)
{
	if (lines->open && lines->open->len + ACCESS_LINE_MAX >= ACCESS_BATCH_BYTES)
		hand_over(lines);
	if (!lines->open && lines->posted < ACCESS_BATCHES_MAX)
		open_batch(lines);
	return lines->open != NULL;
}

/* ---- lines ---- */

static struct str date_of(struct access_lines *lines)
{
	int64_t wall_ms = loop_wall_ms(lines->loop);

	if (wall_ms / 1000 != lines->date_s) {
		lines->date_s = wall_ms / 1000;
		clock_log_date(wall_ms, lines->date);
	}
	return (struct str){ lines->date, LOG_DATE_SIZE - 1 };
}

void access_lines_add(struct access_lines *lines, const struct access_request *request,
		      struct access_reply *reply)
{
	struct access_batch *batch;
	struct buf line;

	if (!has_room(lines)) {
		access_log_lost(lines->log, 1);
		return;
	}
	batch = lines->open;
	reply->date = date_of(lines);
	buf_over(&line, batch->bytes + batch->len, ACCESS_BATCH_BYTES - batch->len);
	access_line_add(&line, request, reply);
	batch->len += line.len;
	batch->count++;
}

void access_lines_end(struct access_lines *lines)
{
	if (lines && lines->open)
		hand_over(lines);
}
