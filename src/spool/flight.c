/*
 * The way of one turn:
 *
 *	flight_begin   ASKING: begins the attempt in the ledger (its number is the generation)
 *	attempt_begun          then sends the request
 *	arrived        CHECKING, ARRIVING: bytes go to the file; batons carry how far
 *	ended                  the facts are judged
 *	 |- whole      SEALING: a worker syncs and renames, then the ledger commits -> STORED
 *	 '- not                the ledger commits why and when again -> WAITING, DEAD, ABSENT, GONE
 *
 * A file that is worth keeping (verdict.may_resume) stays open through WAITING, so that players
 * stay connected and hear on when the next attempt goes on with it.  Any other is discarded,
 * and the next attempt begins a new generation.
 */
#include "spool/flight.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "spool/flight_gear.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const state_names[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = "queued",   [FLIGHT_ASKING] = "asking",   [FLIGHT_CHECKING] = "checking",
	[FLIGHT_ARRIVING] = "arriving", [FLIGHT_SEALING] = "sealing", [FLIGHT_WAITING] = "waiting",
	[FLIGHT_STORED] = "stored",   [FLIGHT_DEAD] = "dead",	    [FLIGHT_ABSENT] = "absent",
	[FLIGHT_GONE] = "gone",
};

#define ENDINGS (BIT(FLIGHT_DEAD) | BIT(FLIGHT_ABSENT) | BIT(FLIGHT_GONE))

static const uint32_t may_enter[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = BIT(FLIGHT_ASKING) | BIT(FLIGHT_WAITING),
	[FLIGHT_ASKING] = BIT(FLIGHT_CHECKING) | BIT(FLIGHT_WAITING) | BIT(FLIGHT_ASKING) | ENDINGS,
	[FLIGHT_CHECKING] = BIT(FLIGHT_ARRIVING) | BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) | BIT(FLIGHT_ASKING) |
			    ENDINGS,
	[FLIGHT_ARRIVING] = BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_SEALING] = BIT(FLIGHT_STORED) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_WAITING] = BIT(FLIGHT_QUEUED) | BIT(FLIGHT_ASKING),
};

const char *flight_state_text(enum flight_state state)
{
	return state_names[state];
}

static void flight_enter(struct flight *flight, enum flight_state state)
{
	struct log_tag tag = { .name = "recording" };

	assert(may_enter[flight->state] & BIT(state));
	memcpy(tag.id, flight->recording_sid, SID_SIZE);
	log_debug(&tag, "%s -> %s", state_names[flight->state], state_names[state]);
	flight->state = state;
}

static bool is_over(const struct flight *flight)
{
	return may_enter[flight->state] == 0;
}

/* ---- news for the mirrors ---- */

/* What may be sent: nothing before it is known to be audio. */
static bool is_flowing(const struct flight *flight)
{
	return flight->arrival.file && (flight->arrival.sniff.kind == AUDIO_MP3 || flight->arrival.sniff.kind == AUDIO_WAV);
}

static void fill_media(const struct flight *flight, struct media *media)
{
	const struct arrival *arrival = &flight->arrival;

	*media = (struct media){
		.channels = (int)arrival->sniff.channels,
		.size = arrival->length == DOWNLOAD_LENGTH_UNKNOWN ? MEDIA_SIZE_UNKNOWN : arrival->length,
		.generation = flight->generation,
		.modified_at_ms = flight->generation_at_ms,
		.started_at_ms = flight->recording.started_at_ms,
		.is_held = flight->recording.is_held,
		.fd = -1,
	};
	memcpy(media->recording_sid, flight->recording_sid, SID_SIZE);
	memcpy(media->call_sid, flight->recording.call_sid, SID_SIZE);
	snprintf(media->format, sizeof(media->format), "%s", audio_extension(arrival->sniff.kind));
	media_name(media);
}

/* Each receiver gets a descriptor of its own, once a generation; a duplicate, for the file may be being renamed. */
static void give_descriptor(const struct flight *flight, struct baton *baton)
{
	if (baton->generation_sent == flight->generation)
		return;
	baton->news.media.fd = fcntl(flight->arrival.reader_fd, F_DUPFD_CLOEXEC, 0);
	if (baton->news.media.fd >= 0)
		baton->generation_sent = flight->generation;
	else
		log_error(NULL, "cannot let players of %s follow: no descriptor is left", flight->recording_sid);
}

static void send_baton(struct flight *flight, struct baton *baton)
{
	struct news *news = &baton->news;

	*news = (struct news){ .media.fd = -1, .is_pointless = flight->is_pointless, .is_last = is_over(flight) };
	memcpy(news->reason_code, flight->reason_code, sizeof(news->reason_code));
	memcpy(news->reason_text, flight->reason_text, sizeof(news->reason_text));
	if (is_flowing(flight)) {
		fill_media(flight, &news->media);
		give_descriptor(flight, baton);
		news->is_flowing = baton->generation_sent == flight->generation;
		news->arrived = flight->arrival.file->size;
		/* Whole only once it is kept: before that a flaw may still be found. */
		news->is_complete = flight->state == FLIGHT_STORED;
	}
	list_remove(&baton->link);
	if (news->is_last)
		flight->mirror_count--;
	baton->mail.deliver = baton->came_to_mirror;
	mailbox_post(baton->mirror_mailbox, &baton->mail);
}

/* Something changed that players want to know: every baton that is here leaves; the others when they come. */
static void flight_tell(struct flight *flight)
{
	LIST_EACH(item, &flight->batons)
		send_baton(flight, container_of(item, struct baton, link));
}

/* Has this baton's mirror heard everything? */
static bool knows_all(const struct flight *flight, const struct baton *baton)
{
	const struct news *news = &baton->news;

	if (is_over(flight))
		return false;
	if (is_flowing(flight) != news->is_flowing)
		return false;
	if (strcmp(news->reason_text, flight->reason_text) != 0 || news->is_pointless != flight->is_pointless)
		return false;
	return !is_flowing(flight) || (news->arrived == flight->arrival.file->size &&
				       baton->generation_sent == flight->generation);
}

void flight_take_baton(struct flight *flight, struct baton *baton)
{
	list_append(&flight->batons, &baton->link);
	if (!knows_all(flight, baton))
		send_baton(flight, baton);
}

static void clear_reason(struct flight *flight)
{
	flight->reason_code[0] = flight->reason_text[0] = '\0';
	flight->is_pointless = false;
}

static void set_reason(struct flight *flight, const char *code, const char *text, bool is_pointless)
{
	str_fit(str_of(code), flight->reason_code, sizeof(flight->reason_code));
	str_fit(str_of(text), flight->reason_text, sizeof(flight->reason_text));
	flight->is_pointless = is_pointless;
}

/* ---- the end of a turn ---- */

static void end_turn(struct flight *flight, enum flight_state state, int64_t wait_ms)
{
	struct flight_result result = {
		.meaning = flight->verdict.meaning,
		.wait_ms = wait_ms,
		.is_pointless = flight->verdict.is_pointless,
	};

	flight_enter(flight, state);
	result.is_over = is_over(flight);
	/* Of what is stored, mirrors may still have to hear: the descriptor goes with the flight. */
	if (state != FLIGHT_STORED && !(state == FLIGHT_WAITING && flight->verdict.may_resume))
		arrival_discard(&flight->arrival);
	flight_tell(flight);
	flight->turned(flight, &result);
}

/* The ledger could not be written: nothing is known to have changed, so the turn is taken again later. */
static void ledger_failed(struct flight *flight, const struct err *err)
{
	log_error(NULL, "recording %s: the ledger: %s", flight->recording_sid, err->text);
	flight->verdict = (struct attempt_verdict){ .meaning = ATTEMPT_OURS, .is_pointless = true };
	set_reason(flight, "internal", "Our database could not be written.", true);
	end_turn(flight, FLIGHT_WAITING, 30000);
}

static void write_ledger(struct flight *flight,
			 bool (*run)(struct ledger_job *job, struct catalog *catalog, struct err *err),
			 void (*done)(struct ledger_job *job))
{
	flight->ledger_job = (struct ledger_job){ .run = run, .done = done, .reply = flight->gear->mailbox };
	memcpy(flight->ledger_job.change.recording_sid, flight->recording_sid, SID_SIZE);
	memcpy(flight->ledger_job.change.call_sid, flight->call_sid, SID_SIZE);
	ledger_write(flight->gear->ledger, &flight->ledger_job);
}

/* ---- a turn that ends without media ---- */

static bool end_attempt(struct flight *flight, struct catalog *catalog, struct err *err)
{
	struct attempt_end end = {
		.id = flight->attempt_id,
		.ended_at_ms = clock_wall_ms(),
		.outcome = flight->verdict.outcome,
		.http_status = flight->facts.status,
		.bytes = (int64_t)flight->facts.bytes,
		.detail = flight->verdict.text,
	};

	return attempts_end(catalog, &end, err);
}

static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);
	const struct attempt_verdict *verdict = &flight->verdict;
	struct str sid = str_of(flight->recording_sid);
	struct recording_wait wait = {
		.at_ms = clock_wall_ms(),
		.next_try_at_ms = flight->next_try_at_ms,
		.reason_code = verdict->reason_code,
		.reason_text = verdict->text,
		.is_counted = verdict->is_counted,
	};

	job->change.what = PROJECTED_RECORDING;
	if (!end_attempt(flight, catalog, err))
		return false;
	if (verdict->action == ATTEMPT_END_ABSENT)
		return recordings_mark_absent(catalog, sid, flight->facts.error_code, verdict->text, err);
	if (verdict->action == ATTEMPT_END_GONE)
		return recordings_mark_gone(catalog, sid, verdict->text, err);
	if (flight->next_try_at_ms == 0)
		return recordings_mark_dead(catalog, sid, verdict->reason_code, verdict->text, err);
	if (verdict->meaning == ATTEMPT_NO_DUAL && !recordings_want_channels(catalog, sid, 1, err))
		return false;
	return recordings_mark_waiting(catalog, sid, &wait, err);
}

static void failed_written(struct ledger_job *job)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);
	const struct attempt_verdict *verdict = &flight->verdict;
	int64_t wait_ms = flight->next_try_at_ms - clock_wall_ms();

	if (!job->succeeded) {
		ledger_failed(flight, &job->err);
		return;
	}
	set_reason(flight, verdict->reason_code, verdict->text, verdict->is_pointless);
	if (verdict->action == ATTEMPT_END_ABSENT) {
		end_turn(flight, FLIGHT_ABSENT, 0);
	} else if (verdict->action == ATTEMPT_END_GONE) {
		end_turn(flight, FLIGHT_GONE, 0);
	} else if (flight->next_try_at_ms == 0) {
		log_warn(NULL, "recording %s: given up: %s", flight->recording_sid, verdict->text);
		end_turn(flight, FLIGHT_DEAD, 0);
	} else {
		log_info(NULL, "recording %s: again in %lld ms: %s", flight->recording_sid,
			 (long long)(wait_ms > 0 ? wait_ms : 0), verdict->text);
		if (verdict->action == ATTEMPT_AT_ONCE)
			clear_reason(flight);
		end_turn(flight, FLIGHT_WAITING, wait_ms > 0 ? wait_ms : 0);
	}
}

/* When to try again: the wall-clock instant, or 0 for never. */
static int64_t next_try(const struct flight *flight)
{
	const struct spool_options *options = &flight->gear->options;
	const struct attempt_verdict *verdict = &flight->verdict;
	int64_t now_ms = clock_wall_ms();
	int64_t first_ms = flight->recording.first_try_at_ms ? flight->recording.first_try_at_ms : flight->began_at_ms;
	int64_t wait_ms = verdict->wait_ms;

	if (wait_ms < 0) {
		uint64_t random;

		random_bytes(&random, sizeof(random));
		wait_ms = attempt_backoff_ms(flight->recording.tries + 1, options->retry_first_ms,
					     options->retry_most_ms, random);
	}
	if (now_ms - first_ms >= options->give_up_after_ms && verdict->is_counted)
		return 0;
	return now_ms + wait_ms;
}

static void end_without_media(struct flight *flight)
{
	flight->next_try_at_ms = next_try(flight);
	write_ledger(flight, run_failed, failed_written);
}

/* ---- a turn that ends with media ---- */

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);

	job->change.what = PROJECTED_RECORDING;
	return end_attempt(flight, catalog, err) &&
	       recordings_mark_stored(catalog, str_of(flight->recording_sid), &flight->media, err);
}

static void stored_written(struct ledger_job *job)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);

	if (!job->succeeded) {
		ledger_failed(flight, &job->err);
		return;
	}
	log_info(NULL, "recording %s: stored, %llu bytes", flight->recording_sid, (unsigned long long)flight->media.size);
	clear_reason(flight);
	end_turn(flight, FLIGHT_STORED, 0);
}

static void run_seal(struct job *job)
{
	struct flight *flight = container_of(job, struct flight, seal_job);
	struct blob_sealed sealed;
	struct buf hex;
	enum blob_seal_result result =
		blob_arriving_seal(flight->arrival.file, str_of(flight->media_name), &sealed, &flight->seal_err);

	if (result == BLOB_UNSYNCED) {
		/* The kernel may have dropped the bytes and forgotten the error: only a new start can be trusted. */
		log_error(NULL, "recording %s: %s: ending, to start clean", flight->recording_sid, flight->seal_err.text);
		abort();
	}
	flight->sealed = result == BLOB_SEALED;
	if (!flight->sealed)
		return;
	buf_over(&hex, flight->media_sha256, sizeof(flight->media_sha256));
	hex_add(&hex, sealed.sha256, sizeof(sealed.sha256));
	flight->media.size = sealed.size;
}

static void seal_done(struct job *job)
{
	struct flight *flight = container_of(job, struct flight, seal_job);

	if (flight->sealed) {
		flight->media.stored_at_ms = clock_wall_ms();
		write_ledger(flight, run_stored, stored_written);
		return;
	}
	flight->facts.is_disk_full = flight->seal_err.kind == ERR_UNAVAILABLE;
	flight->facts.is_disk_failed = !flight->facts.is_disk_full;
	str_fit(str_of(flight->seal_err.text), flight->facts.detail, sizeof(flight->facts.detail));
	attempt_judge(&flight->facts, &flight->verdict);
	end_without_media(flight);
}

static void seal(struct flight *flight)
{
	const struct arrival *arrival = &flight->arrival;
	const char *format = audio_extension(flight->facts.kind);
	struct err err;

	flight_enter(flight, FLIGHT_SEALING);
	flight->media = (struct recording_media){
		.generation = flight->generation,
		.generation_at_ms = flight->generation_at_ms,
		.duration_ms = flight->facts.duration_ms,
		.channels = (int)arrival->sniff.channels,
		.is_duration_off = flight->verdict.meaning == ATTEMPT_KEPT_OFF,
		.format = format,
		.sha256 = flight->media_sha256,
		.path = flight->media_name,
	};
	if (!blob_name_make(str_of(flight->recording.call_sid), str_of(flight->recording_sid), str_of(format),
			    flight->media_name, &err)) {
		flight->facts.is_disk_failed = true;
		attempt_judge(&flight->facts, &flight->verdict);
		end_without_media(flight);
		return;
	}
	flight->seal_job = (struct job){ .run = run_seal, .done = seal_done, .reply = flight->gear->mailbox };
	workers_post(flight->gear->sealers, &flight->seal_job);
}

/* ---- the download ---- */

static void ask_what_it_means(struct flight *flight);

static void judge(struct flight *flight)
{
	struct attempt_facts *facts = &flight->facts;

	facts->announced_s = flight->recording.duration_s;
	facts->since_completed_ms = clock_wall_ms() - flight->recording.completed_at_ms;
	facts->tries = flight->recording.tries + 1;
	attempt_judge(facts, &flight->verdict);
	if (flight->verdict.action == ATTEMPT_STORE)
		seal(flight);
	else if (flight->verdict.action == ATTEMPT_ASK)
		ask_what_it_means(flight);
	else
		end_without_media(flight);
}

/* What the metadata says of a recording whose media is not found, put into the facts. */
static void read_metadata(struct flight *flight)
{
	struct rest_document document = { 0 };
	struct rest_recording told;
	struct err err;

	flight->facts.was_asked = true;
	if (flight->question.status == 404) {
		flight->facts.status = ATTEMPT_GONE_STATUS;
		return;
	}
	if (flight->question.status != 200 ||
	    !rest_read_recording(buf_str(&flight->question.body), &document, &told, &err))
		return;
	if (str_eq(told.status, STR("completed")))
		flight->facts.was_completed = true;
	else if (str_eq(told.status, STR("deleted")))
		flight->facts.status = ATTEMPT_GONE_STATUS;
	else if (str_eq(told.status, STR("absent")))
		flight->facts.error_code = told.error_code > 0 ? (int)told.error_code : REST_CODE_TOO_SHORT;
	rest_document_release(&document);
}

static void metadata_came(struct question *question)
{
	struct flight *flight = container_of(question, struct flight, question);

	read_metadata(flight);
	question_release(question);
	judge(flight);
}

static void ask_what_it_means(struct flight *flight)
{
	const struct account *account = accounts_find(flight->gear->accounts, str_of(flight->recording.account_sid));
	char url_text[1024];
	struct buf url;
	struct err err;

	buf_over(&url, url_text, sizeof(url_text));
	rest_recording_url(&url, str_of(account->api_url), str_of(account->account_sid),
			   str_of(flight->recording_sid));
	if (!buf_ok(&url) ||
	    !question_ask(&flight->question, flight->gear, account, url_text, metadata_came, &err)) {
		flight->facts.was_asked = true;
		judge(flight);
	}
}

static void download_arrived(struct download *download)
{
	struct flight *flight = container_of(download, struct flight, download);

	if (flight->state == FLIGHT_ASKING)
		flight_enter(flight, FLIGHT_CHECKING);
	if (flight->state == FLIGHT_CHECKING && is_flowing(flight))
		flight_enter(flight, FLIGHT_ARRIVING);
	if (flight->state == FLIGHT_ARRIVING)
		flight_tell(flight);
}

static void download_ended(struct download *download)
{
	struct flight *flight = container_of(download, struct flight, download);

	flight->facts = download->facts;
	/* A body of one piece ends before its arrival was told: the states are passed through all the same. */
	if (flight->state == FLIGHT_ASKING && flight->facts.bytes > 0)
		flight_enter(flight, FLIGHT_CHECKING);
	judge(flight);
}

/* The attempt could not even be sent: our own fault, told as such. */
static void fail_attempt(struct flight *flight, const struct err *err)
{
	flight->facts = (struct attempt_facts){ .retry_after_ms = -1, .announced_s = -1, .outcome = TRANSFER_FAILED };
	flight->facts.is_disk_full = err->kind == ERR_UNAVAILABLE;
	flight->facts.is_disk_failed = err->kind == ERR_INTERNAL;
	str_fit(str_of(err->text), flight->facts.detail, sizeof(flight->facts.detail));
	judge(flight);
}

static bool open_arrival(struct flight *flight, struct err *err)
{
	struct arrival *arrival = &flight->arrival;

	if (arrival->file)
		return true;
	arrival_init(arrival);
	return blob_arriving_open(flight->gear->store, str_of(flight->recording_sid), flight->generation, &arrival->file,
				  err) &&
	       blob_arriving_reader(arrival->file, &arrival->reader_fd, err);
}

static void ask(struct flight *flight)
{
	const struct account *account = accounts_find(flight->gear->accounts, str_of(flight->recording.account_sid));
	struct err err;

	if (!account) {
		err_set(&err, ERR_INVALID, "account %s is not in our settings", flight->recording.account_sid);
		fail_attempt(flight, &err);
		return;
	}
	flight->download.gear = flight->gear;
	flight->download.arrived = download_arrived;
	flight->download.ended = download_ended;
	if (!open_arrival(flight, &err) ||
	    !download_start(&flight->download, &flight->arrival, account, flight->recording_sid,
			    flight->recording.channels_wanted, &err))
		fail_attempt(flight, &err);
}

/* ---- the beginning ---- */

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);
	struct attempt_begin begin = {
		.recording_sid = str_of(flight->recording_sid),
		.began_at_ms = flight->began_at_ms,
		.resumes = flight->arrival.file ? flight->generation : 0,
	};

	if (!recordings_find(catalog, begin.recording_sid, &flight->begun, err))
		return false;
	if (flight->begun.state != RECORDING_QUEUED && flight->begun.state != RECORDING_WAITING)
		return err_set(err, ERR_CONFLICT, "it is %s", recording_state_text(flight->begun.state));
	begin.channels = flight->begun.channels_wanted;
	return attempts_begin(catalog, &begin, &flight->attempt_id, err);
}

static void attempt_begun(struct ledger_job *job)
{
	struct flight *flight = container_of(job, struct flight, ledger_job);

	flight->recording = flight->begun;
	if (!job->succeeded && (job->err.kind == ERR_CONFLICT || job->err.kind == ERR_NOT_FOUND)) {
		/* Somebody else decided meanwhile: there is nothing to fetch any more. */
		flight->verdict = (struct attempt_verdict){ .meaning = ATTEMPT_GONE, .is_pointless = true };
		set_reason(flight, flight->recording.state == RECORDING_STORED ? "" : "recording_not_available",
			   job->err.text, true);
		end_turn(flight, FLIGHT_GONE, 0);
		return;
	}
	if (!job->succeeded) {
		ledger_failed(flight, &job->err);
		return;
	}
	memcpy(flight->call_sid, flight->recording.call_sid, SID_SIZE);
	if (!flight->arrival.file) {
		flight->generation = flight->attempt_id;
		flight->generation_at_ms = flight->began_at_ms;
	}
	ask(flight);
}

void flight_begin(struct flight *flight)
{
	flight_enter(flight, FLIGHT_ASKING);
	timer_stop(&flight->timer);
	flight->last_try_at_ms = loop_now_ms(flight->gear->loop);
	flight->began_at_ms = clock_wall_ms();
	write_ledger(flight, run_begin, attempt_begun);
}

void flight_queue(struct flight *flight)
{
	flight_enter(flight, FLIGHT_QUEUED);
	timer_stop(&flight->timer);
}

void flight_hold_back(struct flight *flight, const char *reason_code, const char *reason_text)
{
	flight_enter(flight, FLIGHT_WAITING);
	set_reason(flight, reason_code, reason_text, true);
	flight_tell(flight);
}

/* ---- life cycle ---- */

struct flight *flight_new(const struct flight_gear *gear, const char *recording_sid, const char *call_sid,
			  const char *account_sid,
			  void (*turned)(struct flight *flight, const struct flight_result *result))
{
	struct flight *flight = xcalloc(1, sizeof(*flight));

	flight->gear = gear;
	flight->turned = turned;
	memcpy(flight->recording_sid, recording_sid, SID_SIZE);
	memcpy(flight->call_sid, call_sid, SID_SIZE);
	memcpy(flight->account_sid, account_sid, SID_SIZE);
	list_init(&flight->in_line);
	list_init(&flight->batons);
	arrival_init(&flight->arrival);
	return flight;
}

void flight_free(struct flight *flight)
{
	if (!flight)
		return;
	timer_stop(&flight->timer);
	download_cancel(&flight->download);
	question_release(&flight->question);
	arrival_discard(&flight->arrival);
	LIST_EACH(item, &flight->batons) {
		list_remove(item);
		free(container_of(item, struct baton, link));
	}
	free(flight);
}

bool flight_is_done(const struct flight *flight)
{
	return is_over(flight) && flight->mirror_count == 0;
}
