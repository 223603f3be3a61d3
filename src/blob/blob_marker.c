#include "blob/blob_marker.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/own.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_LINE  "id: "
#define TEXT_MAX 1024

void blob_marker_write(const char *id, struct buf *out)
{
	buf_add_text(out, BLOB_MARKER_TEXT);
	if (id[0] != '\0')
		buf_addf(out, ID_LINE "%s\n", id);
}

/* False: it is not what we would write.  *out_id: "" where it names none. */
static bool read_text(struct str text, struct str *out_id)
{
	struct str rest;

	if (!str_starts(text, STR(BLOB_MARKER_TEXT)))
		return false;
	rest = str_after(text, strlen(BLOB_MARKER_TEXT));
	if (str_ends(rest, STR("\n")))
		rest.len--;
	if (rest.len > 0 && !str_starts(rest, STR(ID_LINE)))
		return false;
	*out_id = rest.len > 0 ? str_after(rest, strlen(ID_LINE)) : STR("");
	return true;
}

enum marker_kind blob_marker_read(struct str text, const char *id, const char *claim)
{
	struct str named;

	if (!read_text(text, &named))
		return MARKER_FOREIGN;
	if (id[0] == '\0' || str_eq(named, str_of(id)))
		return MARKER_OURS;
	if (named.len == 0)
		return MARKER_NAMELESS;
	return str_eq(named, str_of(claim)) ? MARKER_CLAIMED : MARKER_OTHERS;
}

void blob_marker_id(struct str text, char out[BLOB_STORE_ID_SIZE])
{
	uint8_t ignored[(BLOB_STORE_ID_SIZE - 1) / 2];
	struct str named;

	out[0] = '\0';
	if (read_text(text, &named) && hex_decode(named, ignored, sizeof(ignored)))
		str_fit(named, out, BLOB_STORE_ID_SIZE);
}

/* ---- one check ---- */

/* What was written just now may be written over by one that had looked before: it is looked at once more, before the first object. */
static void end(struct marker_check *check, bool is_ours)
{
	check->is_ours = is_ours;
	if (is_ours && check->marker->id[0] != '\0' && !check->is_written)
		check->marker->is_sure = true;
	s3_request_release(&check->ask);
	buf_release(&check->text);
	check->done(check);
}

static void find(struct marker_check *check);

static void written(struct s3_request *ask)
{
	struct marker_check *check = container_of(ask, struct marker_check, ask);

	if (!ask->succeeded) {
		check->err = ask->err;
		end(check, false);
		return;
	}
	check->is_written = true;
	find(check);
}

static void write_it(struct marker_check *check)
{
	blob_marker_write(check->marker->id, &check->text);
	s3_request_release(&check->ask);
	check->ask = (struct s3_request){
		.method = S3_PUT,
		.key = BLOB_MARKER_KEY,
		.bytes = buf_str(&check->text),
		.content_type = "text/plain",
		.give_up_after_ms = check->give_up_after_ms,
		.limit_ms = check->limit_ms,
		.is_once = check->is_once,
		.done = written,
	};
	s3_ask(check->marker->s3, &check->ask);
}

/* Media of an empty ledger is not what lies there, whatever its settings say. */
static bool is_taken_over(const struct blob_marker *marker, enum marker_kind kind)
{
	return marker->is_used && (kind == MARKER_CLAIMED || kind == MARKER_NAMELESS);
}

static bool may_write(const struct marker_check *check, enum marker_kind kind)
{
	const struct blob_marker *marker = check->marker;

	if (!check->may_write || check->is_written)
		return false;
	return kind == MARKER_ABSENT ? !marker->is_used : is_taken_over(marker, kind);
}

/* One that will be taken over is good enough to read by. */
static bool is_good(const struct marker_check *check, enum marker_kind kind)
{
	return kind == MARKER_OURS || (!check->may_write && is_taken_over(check->marker, kind));
}

/* What is wrong, and what to do: docs/scaling.md says more. */
static void tell(struct marker_check *check, enum marker_kind kind)
{
	AUTO(free) char *url = s3_url(check->marker->s3, STR(BLOB_MARKER_KEY));
	char id[BLOB_STORE_ID_SIZE];

	switch (kind) {
	case MARKER_OTHERS:
	case MARKER_CLAIMED: /* and was so still after it was written over */
		blob_marker_id(check->marker->is_used ? buf_str(&check->ask.text) : STR(""), id);
		err_set(&check->err, ERR_CONFLICT,
			"'%.80s' is another ledger's: have `store` name another bucket or prefix, or use its "
			"ledger%s%s",
			url, id[0] != '\0' ? "; if it is this one's, set store_claim = " : "", id);
		return;
	case MARKER_NAMELESS:
		err_set(&check->err, ERR_CONFLICT,
			"'%.90s' names no ledger, and this one has nothing stored there: have `store` name "
			"another bucket or prefix, use its ledger, or, where there is none, remove that object",
			url);
		return;
	case MARKER_FOREIGN:
		err_set(&check->err, ERR_UNAVAILABLE, "'%.120s' is not what we wrote there", url);
		return;
	case MARKER_OURS:
	case MARKER_ABSENT:
		break;
	}
	err_set(&check->err, ERR_UNAVAILABLE,
		"there is no '%.120s': is `store` what it was? If so, put its first line there again "
		"(docs/scaling.md)",
		url);
}

/* Left in the settings it would be done again, should the marker ever be that ledger's again. */
static void tell_of_claim(const struct marker_check *check)
{
	const struct blob_marker *marker = check->marker;

	if (check->is_claiming)
		log_info(
			NULL,
			"the bucket named the ledger %s, and names this one now: store_claim may go",
			marker->claim);
	else if (check->may_write && marker->claim[0] != '\0' && !marker->is_sure)
		log_warn(NULL,
			 "the bucket names this ledger: take store_claim out of the settings");
}

static void found(struct s3_request *ask)
{
	struct marker_check *check = container_of(ask, struct marker_check, ask);
	enum marker_kind kind = MARKER_ABSENT;

	if (!ask->succeeded && ask->err.kind != ERR_NOT_FOUND) {
		check->err = ask->err;
		end(check, false);
		return;
	}
	if (ask->succeeded)
		kind = blob_marker_read(buf_str(&ask->text), check->marker->id,
					check->marker->claim);
	if (may_write(check, kind)) {
		check->is_claiming = kind == MARKER_CLAIMED;
		write_it(check);
		return;
	}
	if (kind == MARKER_OURS)
		tell_of_claim(check);
	if (!is_good(check, kind))
		tell(check, kind);
	end(check, is_good(check, kind));
}

static void find(struct marker_check *check)
{
	s3_request_release(&check->ask);
	check->ask = (struct s3_request){
		.method = S3_GET,
		.key = BLOB_MARKER_KEY,
		.into_fd = -1,
		.give_up_after_ms = check->give_up_after_ms,
		.limit_ms = check->limit_ms,
		.is_once = check->is_once,
		.done = found,
	};
	s3_ask(check->marker->s3, &check->ask);
}

void blob_marker_check(struct blob_marker *marker, struct marker_check *check)
{
	check->marker = marker;
	check->is_written = check->is_claiming = false;
	buf_init(&check->text, TEXT_MAX);
	find(check);
}

/* ---- the same, waited for ---- */

struct waiting {
	struct marker_check check;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_done;
};

static void waiting_done(struct marker_check *check)
{
	struct waiting *waiting = container_of(check, struct waiting, check);

	pthread_mutex_lock(&waiting->mutex);
	waiting->is_done = true;
	pthread_cond_signal(&waiting->changed);
	pthread_mutex_unlock(&waiting->mutex);
}

bool blob_marker_check_now(struct blob_marker *marker, struct marker_check *check, struct err *err)
{
	struct waiting waiting = { .check = *check,
				   .mutex = PTHREAD_MUTEX_INITIALIZER,
				   .changed = PTHREAD_COND_INITIALIZER };

	waiting.check.done = waiting_done;
	blob_marker_check(marker, &waiting.check);
	pthread_mutex_lock(&waiting.mutex);
	while (!waiting.is_done)
		pthread_cond_wait(&waiting.changed, &waiting.mutex);
	pthread_mutex_unlock(&waiting.mutex);
	pthread_mutex_destroy(&waiting.mutex);
	pthread_cond_destroy(&waiting.changed);
	if (!waiting.check.is_ours)
		*err = waiting.check.err;
	return waiting.check.is_ours;
}
