/*
 * What the routes ask of the rest of the process, for test_web_app: flights, Twilio, a bucket, the successor, the canary and
 * the access log.  Each does what the exchange wants of it (around_set()), and what it was asked is told beside the answer.
 */
#pragma once

#include "../fuzz/web_rooms.h"
#include "accesslog/access_lines.h"
#include "auth/known.h"
#include "blob/blob.h"
#include "dispatch/mirror.h"
#include "doctor/canary.h"
#include "live/live_hub.h"
#include "service/successor.h"

#include <sys/mman.h>

#define FLIGHT_BYTES   "ID3 and what follows it, forty bytes...."
#define FLIGHT_STEP_MS 100
#define FLIGHT_STEPS   5
#define TOLD_MAX       (64 * 1024)

/* What is new of a flight; the last one has nothing after it. */
struct flight_step {
	uint64_t arrived, size;       /* size 0: nobody knows it */
	uint64_t seek_first, seek_to; /* a part ahead; 0: there is none */
	int64_t generation;           /* 0: nothing flows */
	bool is_last, is_pointless, is_elsewhere;
	const char *reason, *text, *format; /* NULL: none; mp3 */
};

static const struct {
	const char *name;
	struct flight_step steps[FLIGHT_STEPS];
} flights[] = {
	{ "whole", { { 40, 40, .generation = 7, .is_last = true } } },
	{ "grows",
	  { { 10, 40, .generation = 7 },
	    { 25, 40, .generation = 7 },
	    { 40, 40, .generation = 7 },
	    { 40, 40, .generation = 7, .is_last = true } } },
	{ "unsized",
	  { { 10, 0, .generation = 7 },
	    { 30, 0, .generation = 7 },
	    { 40, 40, .generation = 7, .is_last = true } } },
	{ "sized-late",
	  { { 10, 0, .generation = 7 }, { 40, 40, .generation = 7, .is_last = true } } },
	{ "stops", { { 10, 40, .generation = 7 } } },
	{ "stops-unsized", { { 10, 0, .generation = 7 } } },
	{ "other", { { 10, 40, .generation = 7 }, { 20, 40, .generation = 8 } } },
	{ "fails",
	  { { .reason = "unreachable", .text = "Twilio could not be reached." },
	    { .reason = "key_missing", .text = "No key opens it.", .is_last = true } } },
	{ "waits", { { .reason = "unreachable", .text = "Twilio could not be reached." } } },
	{ "waits-unsaid", { { .reason = "unreachable" } } },
	{ "pointless",
	  { { .reason = "refused", .text = "Twilio refuses us.", .is_pointless = true } } },
	{ "pointless-unsaid", { { .is_pointless = true } } },
	{ "flows-again",
	  { { .reason = "unreachable", .text = "Twilio could not be reached." },
	    { 40, 40, .generation = 9, .is_last = true } } },
	{ "breaks",
	  { { 10, 40, .generation = 7 },
	    { .reason = "unreachable", .text = "Twilio could not be reached." } } },
	{ "over", { { .is_last = true }, { 40, 40, .generation = 9, .is_last = true } } },
	{ "over-twice", { { .is_last = true }, { .is_last = true } } },
	{ "elsewhere", { { .is_elsewhere = true, .is_last = true } } },
	{ "moves", { { 10, 40, .generation = 7 }, { .is_elsewhere = true, .is_last = true } } },
	{ "ahead",
	  { { 10, 40, .generation = 7 },
	    { 10, 40, 20, 30, .generation = 7 },
	    { 15, 40, 20, 38, .generation = 7 },
	    { 40, 40, .generation = 7, .is_last = true } } },
	{ "ahead-gone",
	  { { 10, 40, 20, 30, .generation = 7 },
	    { 12, 40, .generation = 7 },
	    { 40, 40, .generation = 7, .is_last = true } } },
	{ "wav", { { 10, 40, .generation = 7, .format = "wav" } } },
	{ "nothing", { { 0 } } },
};

static struct {
	struct buf told;
	int wants_log;
	bool has_room, gives_addresses, is_long_address;
	enum live_room room;
	enum discovery_result found;
	bool canary_is_full, successor_fails, client_leaves, is_cut;

	bool is_timed;
	unsigned times; /* the same request so often, and the last answer counts */
	const struct flight_step *step;
	struct flight_update *update; /* while it is here */
	struct timer timer;
	int64_t generation_sent;
	uint32_t seek_sent;
} around;

/* Words for what is asked, one a line, in brackets. */
#define TELL(...) buf_addf(&around.told, __VA_ARGS__)

/* ---- flights ---- */

void __wrap_fetcher_take_update(struct flight_update *update);
void __wrap_fetcher_nudge(struct fetcher *fetcher, const char *recording_sid);
void __wrap_fetcher_seek(struct fetcher *fetcher, const char *recording_sid, int64_t generation,
			 uint64_t byte);

static int bytes_open(void)
{
	int fd = memfd_create("flight", MFD_CLOEXEC);

	if (fd < 0 || write(fd, FLIGHT_BYTES, sizeof(FLIGHT_BYTES) - 1) < 0)
		abort();
	return fd;
}

static void fill_media(const struct flight_update *update, const struct flight_step *step,
		       struct media *media)
{
	media->channels = 2;
	media->size = step->size > 0 ? step->size : MEDIA_SIZE_UNKNOWN;
	media->generation = step->generation;
	media->modified_at_ms = WEB_WALL_AT_MS + step->generation * 1000;
	memcpy(media->recording_sid, update->recording_sid, SID_SIZE);
	memcpy(media->call_sid, update->call_sid, SID_SIZE);
	str_fit(str_of(step->format ? step->format : "mp3"), media->format, sizeof(media->format));
	if (step->size > 0)
		media_name(media);
	if (around.generation_sent != step->generation)
		media->fd = bytes_open();
	around.generation_sent = step->generation;
}

static void fill_seek(const struct flight_step *step, struct news_seek *seek)
{
	*seek = (struct news_seek){ 3, step->seek_first, step->seek_to, -1 };
	if (around.seek_sent != seek->id)
		seek->fd = bytes_open();
	around.seek_sent = seek->id;
}

static void next_step(struct timer *timer)
{
	struct flight_update *update = TAKE(around.update);
	const struct flight_step *step = around.step++;

	update->news = (struct news){ .is_flowing = step->generation != 0,
				      .media = { .fd = -1 },
				      .arrived = step->arrived,
				      .is_complete = step->size > 0 && step->arrived == step->size,
				      .is_pointless = step->is_pointless,
				      .is_last = step->is_last,
				      .is_elsewhere = step->is_elsewhere };
	if (step->reason)
		str_fit(str_of(step->reason), update->news.reason_code,
			sizeof(update->news.reason_code));
	if (step->text)
		str_fit(str_of(step->text), update->news.reason_text,
			sizeof(update->news.reason_text));
	if (update->news.is_flowing)
		fill_media(update, step, &update->news.media);
	if (step->seek_to > 0)
		fill_seek(step, &update->news.seeks[1]);
	if (step->is_last)
		around.generation_sent = around.seek_sent = 0;
	update->mail.deliver = update->came_to_mirror;
	mailbox_post(update->mirror_mailbox, &update->mail);
}

static bool has_step(const struct flight_step *step)
{
	return step &&
	       (step->generation != 0 || step->is_last || step->reason || step->is_pointless);
}

void __wrap_fetcher_take_update(struct flight_update *update)
{
	if (!update->flight)
		TELL("(%s a flight of %s, of call %s and account %s%s%s)\n",
		     update->is_of_peer ? "for another process" : "makes", update->recording_sid,
		     update->call_sid, update->account_sid,
		     update->recorded.reason_code[0] ? ", waits: " : "",
		     update->recorded.reason_code);
	for (int i = 0; i < SEEKS_MAX; i++)
		if (update->seeks_used[i] != 0)
			TELL("(part %d is used)\n", i);
	update->flight = (struct flight *)&around;
	around.update = update;
	if (has_step(around.step))
		timer_start(rooms.loop, &around.timer, FLIGHT_STEP_MS, next_step);
}

void __wrap_fetcher_nudge(struct fetcher *fetcher, const char *recording_sid)
{
	TELL("(nudges %s)\n", recording_sid);
}

void __wrap_fetcher_seek(struct fetcher *fetcher, const char *recording_sid, int64_t generation,
			 uint64_t byte)
{
	TELL("(seeks byte %llu of %s, generation %lld)\n", (unsigned long long)byte, recording_sid,
	     (long long)generation);
}

static enum discovery_result discover(void)
{
	return around.found;
}

/* ---- a bucket that gives addresses ---- */

bool __real_blob_gives_addresses(struct blob_store *store);
bool __wrap_blob_gives_addresses(struct blob_store *store);
bool __wrap_blob_address(struct blob_store *store, struct str name,
			 const struct blob_address_terms *terms, struct buf *out);

bool __wrap_blob_gives_addresses(struct blob_store *store)
{
	return around.gives_addresses || __real_blob_gives_addresses(store);
}

bool __wrap_blob_address(struct blob_store *store, struct str name,
			 const struct blob_address_terms *terms, struct buf *out)
{
	TELL("(an address of %.*s: %s, %s, %s, for %lld s)\n", STR_ARG(name), terms->content_type,
	     terms->disposition, terms->cache_control, (long long)terms->expires_s);
	buf_addf(out, "https://bucket.example/%.*s", STR_ARG(name));
	while (around.is_long_address && buf_ok(out))
		buf_add_text(out, "?token");
	return buf_ok(out);
}

/* ---- a file that was cut off since it was opened ---- */

ssize_t __real_pread64(int fd, void *to, size_t size, off64_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t size, off64_t at);

ssize_t __wrap_pread64(int fd, void *to, size_t size, off64_t at)
{
	return around.is_cut ? 0 : __real_pread64(fd, to, size, at);
}

/* ---- who is told of changes ---- */

enum live_room __real_live_hub_room(const struct live_hub *hub, const struct known *who);
enum live_room __wrap_live_hub_room(const struct live_hub *hub, const struct known *who);

enum live_room __wrap_live_hub_room(const struct live_hub *hub, const struct known *who)
{
	return around.room != LIVE_ROOM ? around.room : __real_live_hub_room(hub, who);
}

/* ---- the successor ---- */

void __wrap_successor_ask(struct successor *successor, struct successor_request *request);

static void succeeded(struct mail *mail)
{
	struct successor_request *request = container_of(mail, struct successor_request, mail);

	request->done(request);
}

void __wrap_successor_ask(struct successor *successor, struct successor_request *request)
{
	TELL("(the successor is %s: %s)\n", request->begins ? "started" : "asked for",
	     request->binary ? request->binary : "the same binary");
	request->succeeded = !around.successor_fails;
	request->pid = request->begins || around.successor_fails ? 4321 : 0;
	str_fit(STR("9.9.9"), request->version, sizeof(request->version));
	if (around.successor_fails)
		err_set(&request->err, ERR_CONFLICT, "an upgrade is under way");
	request->mail.deliver = succeeded;
	if (around.client_leaves)
		rooms.leave();
	mailbox_post(request->reply, &request->mail);
}

/* ---- the canary ---- */

bool __wrap_canary_ask(struct canary *canary, struct canary_request *request);
bool __wrap_canary_withdraw(struct canary *canary, struct canary_request *request);

static void examined(struct mail *mail)
{
	struct canary_request *request = container_of(mail, struct canary_request, mail);

	request->done(request);
}

bool __wrap_canary_ask(struct canary *canary, struct canary_request *request)
{
	TELL("(examines");
	for (size_t i = 0; i < request->names_count; i++)
		TELL(" %s", request->names[i]);
	TELL(")\n");
	if (around.canary_is_full)
		return false;
	request->succeeded = !around.successor_fails;
	request->at_ms = WEB_WALL_AT_MS + 1234;
	request->mail.deliver = examined;
	if (around.client_leaves)
		rooms.leave();
	mailbox_post(request->reply, &request->mail);
	return true;
}

bool __wrap_canary_withdraw(struct canary *canary, struct canary_request *request)
{
	TELL("(nobody waits for the examination)\n");
	return false;
}

/* ---- the access log ---- */

void __wrap_access_log_post(struct access_log *log, struct access_batch *batch);

void __wrap_access_log_post(struct access_log *log, struct access_batch *batch)
{
	TELL("(logged: %.*s)\n", (int)batch->len - 1, batch->bytes);
	batch->job.mail.deliver = rooms_worked;
	mailbox_post(batch->job.reply, &batch->job.mail);
}

/* ---- from exchange to exchange ---- */

static void set_flight(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(flights); i++)
		if (str_eq(name, str_of(flights[i].name))) {
			around.step = flights[i].steps;
			around.is_timed = true;
			return;
		}
	printf("Bail out! there is no flight '%.*s'\n", STR_ARG(name));
	exit(1);
}

/* As at the start of a server. */
static void invite_first(void)
{
	struct credential secret;
	struct err err;

	rooms_must(auth_invite_first(rooms.auth, &secret, &err), &err);
	TELL("(the first is invited: %s)\n", secret.text[0] ? secret.text : "there is somebody");
}

static bool has_number(struct str value, uint64_t *out)
{
	return value.at && str_to_u64(value, out);
}

/* One word of the line of an exchange: "name" or "name=value".  False: it is none of ours. */
static bool around_set(struct str word)
{
	struct str name;
	uint64_t number = 0;

	str_cut(&word, '=', &name);
	if (str_eq(name, STR("flight"))) {
		set_flight(word);
	} else if (str_eq(name, STR("fails")) && has_number(word, &number)) {
		rooms.fails_at = (unsigned)number;
		rooms.may_log_error = true;
	} else if (str_eq(name, STR("by")) && has_number(word, &number)) {
		rooms.fails_by = (enum err_kind)number;
	} else if (str_eq(name, STR("found")) && has_number(word, &number)) {
		around.found = (enum discovery_result)number;
		rooms.discover = discover;
	} else if (str_eq(name, STR("room")) && has_number(word, &number)) {
		around.room = (enum live_room)number;
	} else if (str_eq(name, STR("cut"))) {
		around.is_cut = true;
	} else if (str_eq(name, STR("erring"))) {
		rooms.may_log_error = true;
	} else if (str_eq(name, STR("leaves")) && has_number(word, &number)) {
		rooms.leaves_at = (unsigned)number;
	} else if (str_eq(name, STR("impatient"))) {
		around.client_leaves = true;
	} else if (str_eq(name, STR("times")) && has_number(word, &number)) {
		around.times = (unsigned)number;
	} else if (str_eq(name, STR("no-url"))) {
		rooms.web.options.public_url = NULL;
	} else if (str_eq(name, STR("https-only"))) {
		rooms.auth->options.insecure_http = AUTH_OFF;
	} else if (str_eq(name, STR("invited"))) {
		invite_first();
	} else if (str_eq(name, STR("no-hashers"))) {
		rooms.hashers_are_full = true;
	} else if (str_eq(name, STR("bucket"))) {
		around.gives_addresses = true;
		rooms.web.options.store_redirect = WEB_ON;
	} else if (str_eq(name, STR("long"))) {
		around.is_long_address = true;
	} else if (str_eq(name, STR("logged"))) {
		rooms.local->access_lines =
			access_lines_new((struct access_log *)&around, rooms.loop, rooms.mailbox);
	} else if (str_eq(name, STR("canary"))) {
		rooms.web.canary = (struct canary *)&around;
	} else if (str_eq(name, STR("full"))) {
		around.canary_is_full = true;
	} else if (str_eq(name, STR("successor"))) {
		rooms.web.successor = (struct successor *)&around;
	} else if (str_eq(name, STR("unsuccessful"))) {
		around.successor_fails = true;
	} else {
		return false;
	}
	return true;
}

/* Before an exchange's words; the loop may be another than before. */
static void around_begin(void)
{
	timer_stop(&around.timer);
	buf_clear(&around.told);
	around.step = NULL;
	around.is_timed = around.client_leaves = around.is_cut = false;
	around.times = 1;
	around.room = LIVE_ROOM;
	around.gives_addresses = around.is_long_address = around.canary_is_full =
		around.successor_fails = false;
	rooms.web.options.store_redirect = WEB_OFF;
	rooms.fails_at = rooms.leaves_at = 0;
	rooms.fails_by = ERR_INTERNAL;
	rooms.hashers_are_full = rooms.may_log_error = false;
	rooms.discover = NULL;
}

/* Before the rooms are closed, and after. */
static void around_stop(void)
{
	timer_stop(&around.timer);
}

static void around_end(void)
{
	free(TAKE(around.update));
	around.generation_sent = around.seek_sent = 0;
}
