#include "s3/s3.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fetch/fetch.h"
#include "fetch/transfer.h"
#include "s3/s3_address.h"
#include "s3/s3_answer.h"
#include "s3/s3_keys.h"
#include "s3/s3_lender.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRANSFERS_MAX      64
#define CONNECT_TIMEOUT_MS 5000
#define STALL_TIMEOUT_MS   20000
#define AGAIN_FIRST_MS     250
#define AGAIN_MOST_MS      60000
#define PROBE_EACH_MS      2000
#define LEAST_TIME_MS      60000 /* for a body whose size, or bound, is known, */
#define LEAST_BYTES_PER_MS 32    /* and as long again as it takes at this rate */
#define HURRY_MS           3000  /* unless the options have another hurry_ms */
#define TROUBLED_TRIES     3     /* one 503 is how some stores say "again" */
#define KEYS_WAIT_MS       2500  /* for those that are to be lent, at first */
#define SKEW_MS            (5 * 60 * 1000)
#define AUTHORIZATION_MAX  1024
#define URL_MAX            (4 * S3_KEY_SIZE + 4096)

struct s3 {
	struct s3_address address;
	struct s3_keys *keys;
	struct s3_lender *lender; /* NULL: they are set */
	struct s3_borrower borrower;
	struct s3_counts counts;
	struct loop *loop;
	struct mailbox *mailbox;
	struct fetch *fetch;
	struct s3_listener *listener; /* NULL: nobody listens */
	pthread_t thread;
	bool is_running;

	/* the loop's */
	struct list requests; /* all that are not done */
	bool is_away;
	unsigned failures; /* one after the other */
	struct timer probe_timer, hurry, keys_timer;
	struct s3_request probe;
	bool is_probing;

	int64_t hurry_ms; /* what s3_stop() leaves to what is under way */
	atomic_bool is_stopping;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	uint64_t pending;
};

void s3_request_release(struct s3_request *request)
{
	buf_release(&request->text);
}

/* ---- the end of a request ---- */

static void deliver_done(struct mail *mail)
{
	struct s3_request *request = container_of(mail, struct s3_request, mail);

	request->done(request);
}

/* The owner may free it as soon as it was told. */
static void finish(struct s3_request *request)
{
	struct s3 *s3 = request->s3;

	list_remove(&request->link);
	timer_stop(&request->again);
	sha256_free(request->sha);
	request->sha = NULL;
	if (request->reply) {
		request->mail.deliver = deliver_done;
		mailbox_post(request->reply, &request->mail);
	} else {
		request->done(request);
	}
	pthread_mutex_lock(&s3->mutex);
	s3->pending--;
	pthread_cond_broadcast(&s3->changed);
	pthread_mutex_unlock(&s3->mutex);
}

/* ---- is it away? ---- */

static void start(struct s3_request *request);
static void probe_due(struct timer *timer);

static void note_failed(struct s3 *s3, const char *why, bool is_sure)
{
	s3->failures++;
	if (!is_sure && s3->failures < TROUBLED_TRIES && !s3->is_away)
		return;
	s3->is_away = true;
	if (s3->listener)
		s3->listener->away(s3->listener, why);
	if (!timer_is_on(&s3->probe_timer) && !s3->is_stopping)
		timer_start(s3->loop, &s3->probe_timer, PROBE_EACH_MS, probe_due);
}

static void again_due(struct timer *timer)
{
	start(container_of(timer, struct s3_request, again));
}

/* What waits is asked again at once. */
static void wake(struct s3 *s3)
{
	LIST_EACH (item, &s3->requests) {
		struct s3_request *request = container_of(item, struct s3_request, link);

		if (timer_is_on(&request->again))
			timer_start(s3->loop, &request->again, 0, again_due);
	}
}

static void note_worked(struct s3 *s3)
{
	bool was_away = s3->is_away;

	s3->failures = 0;
	s3->is_away = false;
	timer_stop(&s3->probe_timer);
	if (s3->listener)
		s3->listener->back(s3->listener);
	if (was_away)
		wake(s3);
}

/* ---- what came back ---- */

static bool is_refusal(int status)
{
	return status == 301 || status == 307 || status == 400 || status == 401 || status == 403;
}

/* Beside what it said: a clock that is wrong is the one cause that no setting shows. */
static void explain(const struct s3_request *request, const struct s3_error *said, struct buf *out)
{
	int64_t ahead_ms = request->date_ms > 0 ? clock_wall_ms() - request->date_ms : 0;

	if (request->status == 403 && (ahead_ms > SKEW_MS || ahead_ms < -SKEW_MS ||
				       str_eq(str_of(said->code), STR("RequestTimeTooSkewed"))))
		buf_addf(out, ": this machine's clock is %" PRId64 " s %s the bucket's",
			 (ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000,
			 ahead_ms < 0 ? "behind" : "ahead of");
	else if (request->status == 301 || request->status == 307)
		buf_add_text(out, ": it lies in another region, or at another address");
	else if (said->message[0] != '\0')
		buf_addf(out, ": %s", said->message);
}

/* What is sent just now: a HEAD where an answer is to be proved. */
static enum s3_method method_of(const struct s3_request *request)
{
	return request->is_proving ? S3_HEAD : request->method;
}

/*
 * That something is not there is believed where the bucket says it, by a code, and not of any page of whatever stands before
 * it.  A HEAD has no body, and so no code.
 */
static bool says_missing(const struct s3_request *request, struct str code)
{
	if (request->status != 404 || request->of_bucket || str_eq(code, STR("NoSuchBucket")))
		return false;
	return method_of(request) == S3_HEAD || (method_of(request) != S3_PUT && code.len > 0);
}

/* "Method not allowed", "not implemented": of a question that not every store knows.  To put and to get are known to all. */
static bool says_unknown(const struct s3_request *request)
{
	return (request->status == 501 || request->status == 405) &&
	       (request->of_bucket || method_of(request) == S3_DELETE);
}

static enum err_kind kind_of(const struct s3_request *request, const struct s3_error *said)
{
	struct str code = str_of(said->code);

	if (says_missing(request, code))
		return ERR_NOT_FOUND;
	if (says_unknown(request) ||
	    (request->status == 403 && request->may_be_denied && str_eq(code, STR("AccessDenied"))))
		return ERR_INVALID;
	if (str_eq(code, STR("XAmzContentSHA256Mismatch")) || str_eq(code, STR("BadDigest")))
		return ERR_INTERNAL;
	return ERR_UNAVAILABLE;
}

/* ---- counting ---- */

const char *s3_method_name(enum s3_method method)
{
	static const char *const names[S3_METHODS] = {
		[S3_GET] = "GET", [S3_HEAD] = "HEAD", [S3_PUT] = "PUT", [S3_DELETE] = "DELETE"
	};

	return names[method];
}

const char *s3_result_name(enum s3_result result)
{
	static const char *const names[S3_RESULTS] = {
		[S3_RESULT_OK] = "ok",
		[S3_RESULT_MISSING] = "missing",
		[S3_RESULT_REFUSED] = "refused",
		[S3_RESULT_BUSY] = "busy",
		[S3_RESULT_UNANSWERED] = "unanswered",
		[S3_RESULT_FALSE] = "false",
		[S3_RESULT_OTHER] = "other",
	};

	return names[result];
}

static void count(struct s3_request *request, enum s3_result result)
{
	struct s3_counts *counts = &request->s3->counts;
	enum s3_method method = method_of(request);

	counter_add(&counts->requests[method][result], 1);
	time_histogram_count(&counts->seconds[method], clock_monotonic_us() - request->tried_at_us);
	counter_add(&counts->received_bytes, request->received_bytes);
	if (method == S3_PUT && result == S3_RESULT_OK)
		counter_add(&counts->sent_bytes,
			    request->sends_file ? request->file_size : request->bytes.len);
}

static enum s3_result result_of(const struct s3_request *request, enum err_kind kind)
{
	if (kind == ERR_NOT_FOUND)
		return S3_RESULT_MISSING;
	if (kind != ERR_UNAVAILABLE)
		return S3_RESULT_OTHER;
	if (request->status == 429 || request->status >= 500)
		return S3_RESULT_BUSY;
	return is_refusal(request->status) || request->status == 404 ? S3_RESULT_REFUSED
								     : S3_RESULT_OTHER;
}

static void judge_status(struct s3_request *request)
{
	AUTO(buf_release) struct buf text;
	struct s3_error said;
	enum err_kind kind;

	s3_error_read(buf_str(&request->text), &said);
	kind = kind_of(request, &said);
	buf_init(&text, 4096);
	buf_addf(&text, "the bucket answers %d%s%s", request->status, said.code[0] ? " " : "",
		 said.code);
	explain(request, &said, &text);
	err_set(&request->err, kind, "%s", text.at);
	count(request, result_of(request, kind));
	if (request->s3->lender && (request->status == 403 || request->status == 400))
		s3_lender_doubt(request->s3->lender);
	if (kind != ERR_UNAVAILABLE)
		note_worked(request->s3);
	else
		note_failed(request->s3, request->err.text,
			    is_refusal(request->status) || request->status == 404);
}

/* Full jitter: what failed together does not come back together. */
static int64_t pause_ms(const struct s3_request *request)
{
	int64_t most = AGAIN_FIRST_MS;
	uint64_t random;

	for (unsigned i = 1; i < request->tries && most < AGAIN_MOST_MS; i++)
		most *= 2;
	if (most > AGAIN_MOST_MS)
		most = AGAIN_MOST_MS;
	random_bytes(&random, sizeof(random));
	return most / 2 + (int64_t)(random % (uint64_t)(most / 2));
}

static bool may_repeat(const struct s3_request *request, int64_t pause)
{
	const struct s3 *s3 = request->s3;

	if (request->err.kind != ERR_UNAVAILABLE || request->is_once || s3->is_stopping)
		return false;
	return request->give_up_after_ms == S3_NEVER_GIVE_UP ||
	       loop_now_ms(s3->loop) + pause - request->asked_at_ms < request->give_up_after_ms;
}

static void fail(struct s3_request *request)
{
	int64_t pause = pause_ms(request);

	request->succeeded = false;
	if (may_repeat(request, pause))
		timer_start(request->s3->loop, &request->again, pause, again_due);
	else
		finish(request);
}

static struct s3_request *request_of(struct transfer_receiver *receiver)
{
	return container_of(receiver, struct s3_request, receiver);
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct s3_request *request = request_of(receiver);

	request->status = head->status;
	request->date_ms = head->date_ms;
	str_fit(str_of(head->etag), request->etag, sizeof(request->etag));
	if (method_of(request) == S3_HEAD && head->content_length >= 0) {
		request->size = (uint64_t)head->content_length;
		request->has_size = true;
	}
	return TRANSFER_GO_ON;
}

static bool cannot_keep(struct s3_request *request, int number)
{
	errno = number;
	err_errno(&request->err, "cannot write what comes from the bucket");
	if (number == ENOSPC || number == EDQUOT)
		request->err.kind = ERR_SCARCE;
	return false;
}

static bool keep(struct s3_request *request, struct str bytes)
{
	size_t done = 0;

	sha256_add(request->sha, bytes.at, bytes.len);
	while (request->into_fd >= 0 && done < bytes.len) {
		ssize_t n = pwrite(request->into_fd, bytes.at + done, bytes.len - done,
				   (off_t)(request->size + done));
		int number = errno;

		if (n < 0 && number == EINTR)
			continue;
		if (n < 0 && (number == ENOSPC || number == EDQUOT) && request->make_room &&
		    request->make_room(request))
			continue;
		if (n < 0)
			return cannot_keep(request, number);
		done += (size_t)n;
	}
	request->size += bytes.len;
	return true;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct s3_request *request = request_of(receiver);

	request->received_bytes += bytes.len;
	if (!request->takes_file || request->status < 200 || request->status > 299) {
		buf_add_str(&request->text, bytes);
		return buf_ok(&request->text) ? TRANSFER_GO_ON : TRANSFER_STOP;
	}
	if (request->size_most > 0 && bytes.len > request->size_most - request->size) {
		request->is_too_long = true;
		bytes = str_first(bytes, (size_t)(request->size_most - request->size) + 1);
	}
	request->is_spoilt = !keep(request, bytes);
	return request->is_spoilt || request->is_too_long ? TRANSFER_STOP : TRANSFER_GO_ON;
}

/* ---- whose answer is it? ---- */

bool s3_has_md5(const struct s3_request *request, const char *md5)
{
	struct str etag = str_of(request->etag);

	return md5[0] != '\0' && etag.len == MD5_HEX + 1 &&
	       str_eq_nocase(str_first(str_after(etag, 1), MD5_HEX - 1), str_of(md5));
}

/* What cannot be a page of somebody's in between. */
static bool is_proved(const struct s3_request *request)
{
	switch (request->method) {
	case S3_PUT:
		return s3_has_md5(request, request->md5);
	case S3_DELETE:
		return request->status == 204;
	case S3_GET:
	case S3_HEAD:
	case S3_METHODS:
		break;
	}
	return true;
}

static void start_proof(struct s3_request *request);

static void succeed(struct s3_request *request)
{
	note_worked(request->s3);
	if (request->sha)
		sha256_end(request->sha, request->sha256);
	request->succeeded = true;
	finish(request);
}

static void disbelieve(struct s3_request *request)
{
	request->size = 0;
	err_set(&request->err, ERR_UNAVAILABLE,
		"what answered a %s with success is not the bucket: nothing of it is so there",
		s3_method_name(request->method));
	note_failed(request->s3, request->err.text, true);
	fail(request);
}

/* The answer to the HEAD that a success was followed by. */
static void end_proof(struct s3_request *request, bool is_there)
{
	uint64_t want = request->sends_file ? request->file_size : request->bytes.len;
	bool is_so = request->method == S3_DELETE ? !is_there : is_there && request->size == want;

	count(request, is_so ? S3_RESULT_OK : S3_RESULT_FALSE);
	if (is_so)
		succeed(request);
	else
		disbelieve(request);
}

static void end_well(struct s3_request *request)
{
	if (request->is_proving) {
		end_proof(request, true);
		return;
	}
	count(request, S3_RESULT_OK);
	if (is_proved(request))
		succeed(request);
	else
		start_proof(request);
}

static void end_unanswered(struct s3_request *request, const struct transfer_result *result)
{
	err_set(&request->err, ERR_UNAVAILABLE, "the bucket does not answer: %s",
		result->text[0] ? result->text : transfer_outcome_text(result->outcome));
	count(request, S3_RESULT_UNANSWERED);
	note_failed(request->s3, request->err.text, true);
	fail(request);
}

static void end_sizeless(struct s3_request *request)
{
	err_set(&request->err, ERR_UNAVAILABLE, "the bucket does not say how long it is");
	count(request, S3_RESULT_FALSE);
	note_failed(request->s3, request->err.text, false);
	fail(request);
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct s3_request *request = request_of(receiver);

	request->transfer = NULL;
	if (request->is_spoilt) { /* by our disk: err is set */
		request->is_once = true;
		count(request, S3_RESULT_OTHER);
		fail(request);
	} else if (!buf_ok(&request->text)) {
		err_set(&request->err, ERR_INTERNAL, "the bucket's answer is too long");
		count(request, S3_RESULT_FALSE);
		fail(request);
	} else if (result->outcome != TRANSFER_OK && result->outcome != TRANSFER_REFUSED_REDIRECT &&
		   !request->is_too_long) {
		end_unanswered(request, result);
	} else if (request->is_proving && request->status == 404) {
		end_proof(request, false);
	} else if (request->status < 200 || request->status > 299) {
		judge_status(request);
		fail(request);
	} else if (method_of(request) == S3_HEAD && !request->has_size) {
		end_sizeless(request);
	} else {
		end_well(request);
	}
}

/* ---- asking ---- */

#define HEADERS_MAX 5

struct headers {
	struct transfer_header at[HEADERS_MAX];
	size_t count;
};

static void header_add(struct headers *headers, const char *name, const char *value)
{
	if (value)
		headers->at[headers->count++] = (struct transfer_header){ name, value };
}

static const char *hash_of(const struct s3_request *request, char room[SHA256_HEX])
{
	uint8_t hash[SHA256_BYTES];
	struct buf hex;

	if (request->sends_file)
		return request->file_sha256;
	sha256_of(request->bytes, hash);
	buf_over(&hex, room, SHA256_HEX);
	hex_add(&hex, hash, sizeof(hash));
	return room;
}

/* With the keys that count just now; header_add() copies nothing, so that the token is copied here. */
static bool sign(struct s3 *s3, const struct s3_to_sign *what, struct buf *authorization,
		 char **out_token)
{
	const struct s3_credentials *credentials = s3_keys_lock(s3->keys);
	bool is_signed = s3_sign(what, credentials, authorization);

	*out_token = credentials->session_token ? xstrdup(credentials->session_token) : NULL;
	s3_keys_unlock(s3->keys);
	return is_signed;
}

/* A body has a bound of size; one that is asked for has a bound of time then, too. */
static int64_t time_limit_ms(const struct s3_request *request)
{
	uint64_t most = request->takes_file ? request->size_most : S3_TEXT_MAX;

	if (request->s3->is_stopping)
		return request->s3->hurry_ms;
	if (request->limit_ms > 0)
		return request->limit_ms;
	if (method_of(request) == S3_PUT || most == 0) /* what goes on may go on */
		return 0;
	return LEAST_TIME_MS + (int64_t)(most / LEAST_BYTES_PER_MS);
}

static bool send_signed(struct s3_request *request, const char *path, struct err *err)
{
	static const enum transfer_method methods[S3_METHODS] = {
		[S3_GET] = TRANSFER_GET,
		[S3_HEAD] = TRANSFER_HEAD,
		[S3_PUT] = TRANSFER_PUT,
		[S3_DELETE] = TRANSFER_DELETE,
	};
	struct s3 *s3 = request->s3;
	const enum s3_method method = method_of(request);
	const bool sends = method == S3_PUT;
	const struct transfer_file file = { request->file_fd, request->file_size };
	char hash[SHA256_HEX], stamp[S3_STAMP_SIZE];
	AUTO(buf_release) struct buf authorization;
	AUTO(buf_release) struct buf url;
	AUTO(free) char *token = NULL;
	struct headers headers = { .count = 0 };
	struct s3_to_sign what = {
		.method = s3_method_name(method),
		.host = s3->address.host,
		.path = path,
		.region = s3->address.region,
		.query = request->query,
		.query_count = request->query_count,
		.payload_hash = sends ? hash_of(request, hash) : S3_EMPTY_HASH,
		.at_ms = clock_wall_ms(),
	};
	struct transfer_request asked = {
		.method = methods[method],
		.body = sends && !request->sends_file ? request->bytes : STR(""),
		.file = sends && request->sends_file ? &file : NULL,
	};

	buf_init(&authorization, AUTHORIZATION_MAX + 8192); /* the names of what is signed */
	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s%s%s", s3->address.origin, path, request->query_count > 0 ? "?" : "");
	s3_query_add(&url, request->query, request->query_count);
	if (!sign(s3, &what, &authorization, &token) || !buf_ok(&url))
		return err_set(err, ERR_INVALID, "the bucket cannot be asked that: it is too long");
	s3_stamp(what.at_ms, stamp);
	header_add(&headers, "Authorization", authorization.at);
	header_add(&headers, "X-Amz-Content-Sha256", what.payload_hash);
	header_add(&headers, "X-Amz-Date", stamp);
	header_add(&headers, "X-Amz-Security-Token", token);
	header_add(&headers, "Content-Type", sends ? request->content_type : NULL);
	asked.url = url.at;
	asked.headers = headers.at;
	asked.header_count = headers.count;
	asked.time_limit_ms = time_limit_ms(request);
	request->tried_at_us = clock_monotonic_us();
	return transfer_start(s3->fetch, &asked, &request->receiver, &request->transfer, err);
}

/* What a redirect says is not followed: it was not what was signed. */
static bool may_follow(struct transfer_receiver *receiver, const char *url)
{
	struct s3_request *request = request_of(receiver);

	request->status = 307;
	return false;
}

/* Nothing stays of what came before, should that have been longer. */
static bool empty_file(struct s3_request *request)
{
	return !request->takes_file || request->into_fd < 0 ||
	       ftruncate(request->into_fd, 0) == 0 ||
	       err_errno(&request->err, "cannot empty what came from the bucket");
}

static void send_now(struct s3_request *request)
{
	AUTO(buf_release) struct buf path;

	request->size = 0;
	request->status = 0;
	request->date_ms = 0;
	request->received_bytes = 0;
	request->etag[0] = '\0';
	request->is_spoilt = false;
	request->has_size = false;
	request->is_too_long = false;
	buf_clear(&request->text);
	request->receiver = (struct transfer_receiver){
		.may_follow = may_follow,
		.on_head = on_head,
		.on_bytes = on_bytes,
		.on_end = on_end,
	};
	buf_init(&path, URL_MAX);
	s3_address_path(&request->s3->address, request->of_bucket ? STR_NONE : str_of(request->key),
			&path);
	if (!empty_file(request) || !send_signed(request, path.at, &request->err)) {
		request->succeeded = false;
		finish(request);
	}
}

/* They are to be lent: once it is waited for, and then it is as if the bucket did not answer. */
static void await_keys(struct s3_request *request)
{
	struct s3 *s3 = request->s3;
	const char *why;

	request->tries++;
	s3_lender_doubt(s3->lender);
	why = s3_lender_trouble(s3->lender);
	request->succeeded = false;
	err_set(&request->err, ERR_UNAVAILABLE, "%s",
		why[0] != '\0' ? why : "the keys of the bucket have not been lent yet");
	if (!request->has_waited && !s3->is_stopping) {
		request->has_waited = true;
		timer_start(s3->loop, &request->again, KEYS_WAIT_MS, again_due);
		return;
	}
	note_failed(s3, request->err.text, true);
	fail(request);
}

static void start(struct s3_request *request)
{
	if (request->s3->lender && !s3_keys_are_there(request->s3->keys)) {
		await_keys(request);
		return;
	}
	request->tries++;
	request->is_proving = false;
	if (request->takes_file) {
		sha256_free(request->sha);
		request->sha = sha256_new();
	}
	send_now(request);
}

static void start_proof(struct s3_request *request)
{
	request->is_proving = true;
	send_now(request);
}

static void ask(struct s3 *s3, struct s3_request *request)
{
	list_append(&s3->requests, &request->link);
	request->asked_at_ms = loop_now_ms(s3->loop);
	start(request);
}

static void deliver_asked(struct mail *mail)
{
	struct s3_request *request = container_of(mail, struct s3_request, mail);

	ask(request->s3, request);
}

static void make_md5(struct s3_request *request)
{
	AUTO(md5_free) struct md5 *md5 = NULL;

	memcpy(request->md5, request->file_md5, sizeof(request->md5));
	if (request->method != S3_PUT || request->sends_file)
		return;
	md5 = md5_new();
	md5_add(md5, request->bytes.at, request->bytes.len);
	md5_end(md5, request->md5);
}

static void prepare(struct s3 *s3, struct s3_request *request)
{
	request->s3 = s3;
	request->succeeded = false;
	request->tries = 0;
	request->has_waited = false;
	make_md5(request);
	buf_init(&request->text, S3_TEXT_MAX);
	pthread_mutex_lock(&s3->mutex);
	s3->pending++;
	pthread_mutex_unlock(&s3->mutex);
}

void s3_ask(struct s3 *s3, struct s3_request *request)
{
	prepare(s3, request);
	request->mail.deliver = deliver_asked;
	mailbox_post(s3->mailbox, &request->mail);
}

/* ---- while it is away ---- */

static const struct s3_pair probe_query[] = { { "list-type", "2" }, { "max-keys", "1" } };

/* It waits for the next as long as it is not back: note_worked() stops the timer. */
static void probe_done(struct s3_request *probe)
{
	struct s3 *s3 = probe->s3;

	s3->is_probing = false;
	s3_request_release(probe);
	if (s3->is_away && !s3->is_stopping)
		timer_start(s3->loop, &s3->probe_timer, PROBE_EACH_MS, probe_due);
}

static void probe_due(struct timer *timer)
{
	struct s3 *s3 = container_of(timer, struct s3, probe_timer);

	if (s3->is_probing || s3->is_stopping)
		return;
	s3->is_probing = true;
	s3->probe = (struct s3_request){
		.method = S3_GET,
		.of_bucket = true,
		.query = probe_query,
		.query_count = ARRAY_LEN(probe_query),
		.is_once = true,
		.done = probe_done,
	};
	prepare(s3, &s3->probe);
	ask(s3, &s3->probe);
}

/* ---- asking and waiting ---- */

struct waited {
	struct s3_request *request;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_done;
	struct s3_request own; /* what is asked: the caller's, moved here and back */
};

static void waited_done(struct s3_request *request)
{
	struct waited *waited = container_of(request, struct waited, own);

	pthread_mutex_lock(&waited->mutex);
	waited->is_done = true;
	pthread_cond_signal(&waited->changed);
	pthread_mutex_unlock(&waited->mutex);
}

bool s3_ask_now(struct s3 *s3, struct s3_request *request)
{
	struct waited waited = { .own = *request,
				 .mutex = PTHREAD_MUTEX_INITIALIZER,
				 .changed = PTHREAD_COND_INITIALIZER };

	waited.own.reply = NULL;
	waited.own.done = waited_done;
	s3_ask(s3, &waited.own);
	pthread_mutex_lock(&waited.mutex);
	while (!waited.is_done)
		pthread_cond_wait(&waited.changed, &waited.mutex);
	pthread_mutex_unlock(&waited.mutex);
	pthread_mutex_destroy(&waited.mutex);
	pthread_cond_destroy(&waited.changed);
	*request = waited.own;
	return request->succeeded;
}

/* ---- stopping ---- */

static void hurry_over(struct timer *timer)
{
	struct s3 *s3 = container_of(timer, struct s3, hurry);
	struct list *item;

	while ((item = list_first(&s3->requests)) != NULL) {
		struct s3_request *request = container_of(item, struct s3_request, link);

		transfer_cancel(TAKE(request->transfer));
		err_set(&request->err, ERR_UNAVAILABLE, "the bucket was not waited for: we stop");
		finish(request);
	}
}

struct stopping {
	struct mail mail;
	struct s3 *s3;
};

/* What waits to be asked again waits no longer. */
static void deliver_stop(struct mail *mail)
{
	AUTO(free) struct stopping *stopping = container_of(mail, struct stopping, mail);
	struct s3 *s3 = stopping->s3;

	timer_stop(&s3->probe_timer);
	LIST_EACH (item, &s3->requests) {
		struct s3_request *request = container_of(item, struct s3_request, link);

		if (timer_is_on(&request->again))
			finish(request);
	}
	if (!timer_is_on(&s3->hurry))
		timer_start(s3->loop, &s3->hurry, s3->hurry_ms, hurry_over);
}

void s3_stop(struct s3 *s3)
{
	struct stopping *stopping = xcalloc(1, sizeof(*stopping));

	s3->is_stopping = true;
	*stopping = (struct stopping){ .mail.deliver = deliver_stop, .s3 = s3 };
	mailbox_post(s3->mailbox, &stopping->mail);
	pthread_mutex_lock(&s3->mutex);
	while (s3->pending > 0)
		pthread_cond_wait(&s3->changed, &s3->mutex);
	pthread_mutex_unlock(&s3->mutex);
}

/* ---- life cycle ---- */

static void keys_due(struct timer *timer)
{
	struct s3 *s3 = container_of(timer, struct s3, keys_timer);

	s3_keys_look(s3->keys);
	timer_start(s3->loop, timer, S3_KEYS_LOOK_MS, keys_due);
}

static void *run(void *argument)
{
	struct s3 *s3 = argument;

	loop_run(s3->loop);
	return NULL;
}

static void keys_lent(struct s3_borrower *borrower)
{
	wake(container_of(borrower, struct s3, borrower));
}

bool s3_check(const struct s3_options *options, struct err *err)
{
	AUTO(s3_address_release) struct s3_address address = { 0 };

	if (!s3_address_read(options, &address, err))
		return false;
	if (options->unread)
		return err_set(err, ERR_INVALID, "%s", options->unread);
	if (s3_options_want_lender(options))
		return s3_lender_check(options, err);
	return (((options->access_key_id || options->access_key_id_file) &&
		 options->secret_access_key) ||
		err_set(err, ERR_INVALID,
			"store = s3://... needs s3.access_key_id and s3.secret_access_key, or who lends "
			"them: s3.container_url, s3.instance_url")) &&
	       s3_keys_check(options, err);
}

static bool open_loop(struct s3 *s3, const struct s3_options *options, struct err *err)
{
	const char *const allowed[] = { s3->address.host_name, NULL };
	const struct fetch_options fetch = {
		.proxy = options->proxy,
		.ca_file = options->ca_file,
		.allowed_hosts = allowed,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.stall_timeout_ms = STALL_TIMEOUT_MS,
		.max_transfers = TRANSFERS_MAX,
	};
	int failed;

	if (!loop_new(&s3->loop, err) || !mailbox_open(s3->loop, &s3->mailbox, err) ||
	    !fetch_new(s3->loop, &fetch, &s3->fetch, err))
		return false;
	s3->borrower.lent = keys_lent;
	if (s3_options_want_lender(options) &&
	    !s3_lender_open(s3->loop, options, s3->keys, &s3->borrower, &s3->lender, err))
		return false;
	if (s3_keys_are_in_files(s3->keys))
		timer_start(s3->loop, &s3->keys_timer, S3_KEYS_LOOK_MS, keys_due);
	failed = pthread_create(&s3->thread, NULL, run, s3);
	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot start the bucket's thread (error %d)",
			       failed);
	pthread_setname_np(s3->thread, "bucket");
	s3->is_running = true;
	return true;
}

bool s3_open(const struct s3_options *options, struct s3 **out, struct err *err)
{
	AUTO(s3_free) struct s3 *s3 = xcalloc(1, sizeof(*s3));

	list_init(&s3->requests);
	pthread_mutex_init(&s3->mutex, NULL);
	pthread_cond_init(&s3->changed, NULL);
	if (!s3_check(options, err) || !s3_address_read(options, &s3->address, err))
		return false;
	s3->hurry_ms = options->hurry_ms > 0 ? options->hurry_ms : HURRY_MS;
	s3->keys = s3_keys_new(options);
	if (!open_loop(s3, options, err))
		return false;
	*out = TAKE(s3);
	return true;
}

void s3_listen(struct s3 *s3, struct s3_listener *listener)
{
	s3->listener = listener;
}

void s3_free(struct s3 *s3)
{
	if (!s3)
		return;
	if (s3->is_running) {
		s3_stop(s3);
		loop_stop(s3->loop);
		pthread_join(s3->thread, NULL);
	}
	fetch_free(s3->fetch);
	s3_lender_free(s3->lender);
	mailbox_free(s3->mailbox);
	timer_stop(&s3->hurry);
	timer_stop(&s3->probe_timer);
	timer_stop(&s3->keys_timer);
	loop_free(s3->loop);
	s3_address_release(&s3->address);
	s3_keys_free(s3->keys);
	pthread_cond_destroy(&s3->changed);
	pthread_mutex_destroy(&s3->mutex);
	free(s3);
}

char *s3_url(const struct s3 *s3, struct str key)
{
	return xasprintf("s3://%s/%s%.*s", s3->address.bucket, s3->address.prefix, STR_ARG(key));
}

struct str s3_prefix(const struct s3 *s3)
{
	return str_of(s3->address.prefix);
}

const char *s3_origin(const struct s3 *s3)
{
	return s3->address.origin;
}

const struct s3_counts *s3_counts(const struct s3 *s3)
{
	return &s3->counts;
}

struct mailbox *s3_mailbox(const struct s3 *s3)
{
	return s3->mailbox;
}

/*
 * An address is good no longer than what it was signed with, whatever it says.  Who lends keys says for how long; who puts a session
 * token into a file does not.
 */
static bool last(const struct s3_credentials *keys, int64_t until_ms)
{
	return keys->access_key_id[0] != '\0' &&
	       (!keys->session_token ||
		(keys->expires_at_ms > 0 && until_ms <= keys->expires_at_ms));
}

bool s3_presigns(struct s3 *s3)
{
	const struct s3_credentials *credentials = s3_keys_lock(s3->keys);
	bool presigns = last(credentials, 0);

	s3_keys_unlock(s3->keys);
	return presigns;
}

bool s3_presigned(struct s3 *s3, struct str key, const struct s3_pair *query, size_t count,
		  int64_t expires_s, struct buf *out)
{
	AUTO(buf_release) struct buf path;
	struct s3_to_sign what = {
		.method = "GET",
		.host = s3->address.host,
		.region = s3->address.region,
		.query = query,
		.query_count = count,
		.at_ms = clock_wall_ms(),
	};
	const struct s3_credentials *credentials;
	bool is_signed;

	buf_init(&path, URL_MAX);
	s3_address_path(&s3->address, key, &path);
	what.path = path.at;
	buf_addf(out, "%s%s?", s3->address.origin, path.at);
	credentials = s3_keys_lock(s3->keys);
	is_signed = last(credentials, what.at_ms + expires_s * 1000) &&
		    s3_presign(&what, credentials, expires_s, out);
	s3_keys_unlock(s3->keys);
	return is_signed && buf_ok(&path) && buf_ok(out);
}
