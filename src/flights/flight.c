/*
 * The way of one turn:
 *
 *	flight_begin   ASKING: begins the attempt in the ledger (its number is the generation)
 *	attempt_begun          then sends the request
 *	arrived        CHECKING, ARRIVING: bytes go to the file; updates carry how far
 *	ended                  the facts are judged; what is encrypted is opened on a worker, and judged again
 *	 |- whole      SEALING: a worker syncs and renames, then the ledger commits -> STORED
 *	 '- not                the ledger commits why and when again -> WAITING, DEAD, ABSENT, GONE
 *
 * A file that is worth keeping (verdict.may_resume) stays open through WAITING, so that players
 * stay connected and hear on when the next attempt goes on with it.  Any other is discarded,
 * and the next attempt begins a new generation.
 */
#include "flights/flight.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "cluster/leases.h"
#include "flights/flight_env.h"
#include "flights/flight_private.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGUN_MOST_MS 5000 /* so long after the claim what it found is believed */

/* ---- the download ---- */

static void ask_what_it_means(struct flight *flight);

void flight_judge(struct flight *flight)
{
	struct verdict_facts *facts = &flight->try->facts;

	facts->announced_s = flight->try->recording.duration_s;
	facts->since_completed_ms = clock_wall_ms() - flight->try->recording.completed_at_ms;
	verdict_judge(facts, &flight->try->verdict);
	if (flight->try->verdict.action == VERDICT_STORE)
		flight_seal(flight);
	else if (flight->try->verdict.action == VERDICT_ASK)
		ask_what_it_means(flight);
	else if (flight->try->verdict.action == VERDICT_OPEN)
		flight_open_cipher(flight);
	else
		flight_end_without_media(flight);
}

/* What the metadata says of a recording whose media is not found, put into the facts. */
static void read_metadata(struct flight *flight)
{
	struct rest_document document = { 0 };
	struct rest_recording told;
	struct err err;

	flight->try->facts.was_asked = true;
	if (flight->try->question.status == 404) {
		flight->try->facts.status = VERDICT_GONE_STATUS;
		return;
	}
	if (flight->try->question.status != 200 ||
	    !rest_read_recording(buf_str(&flight->try->question.body), &document, &told, &err))
		return;
	flight_learn_details(flight, told.encryption);
	if (str_eq(told.status, STR("completed")))
		flight->try->facts.was_completed = true;
	else if (str_eq(told.status, STR("deleted")))
		flight->try->facts.status = VERDICT_GONE_STATUS;
	else if (str_eq(told.status, STR("absent")))
		flight->try->facts.error_code = told.error_code > 0 ? (int)told.error_code
								    : REST_CODE_TOO_SHORT;
	rest_document_release(&document);
}

static void metadata_came(struct rest_request *question)
{
	struct flight *flight = container_of(question, struct try, question)->flight;

	read_metadata(flight);
	rest_request_release(question);
	flight_judge(flight);
}

static void ask_what_it_means(struct flight *flight)
{
	const struct account *account =
		accounts_find(flight->env->accounts, str_of(flight->try->recording.account_sid));
	char url_text[1024];
	struct buf url;
	struct err err;

	buf_over(&url, url_text, sizeof(url_text));
	rest_recording_url(&url, str_of(account->api_url), str_of(account->account_sid),
			   str_of(flight->recording_sid));
	if (!buf_ok(&url) || !rest_request_send(&flight->try->question, flight->env->fetch, account,
						url_text, metadata_came, &err)) {
		flight->try->facts.was_asked = true;
		flight_judge(flight);
		return;
	}
	flight->try->was_sent = !flight->try->download.is_elsewhere;
}

static void seeks_moved(struct seeks *seeks)
{
	struct flight *flight = container_of(seeks, struct flight, seeks);

	if (flight_is_flowing(flight))
		flight_tell(flight);
}

static void download_arrived(struct download *download)
{
	struct flight *flight = container_of(download, struct try, download)->flight;

	if (flight->state == FLIGHT_ASKING)
		flight_enter(flight, FLIGHT_CHECKING);
	if (flight->state == FLIGHT_CHECKING && flight_is_flowing(flight))
		flight_enter(flight, FLIGHT_ARRIVING);
	flight_show(flight);
	if (flight->state == FLIGHT_ARRIVING) {
		seeks_flight_moved(&flight->seeks);
		flight_tell(flight);
	}
}

static void download_ended(struct download *download)
{
	struct flight *flight = container_of(download, struct try, download)->flight;

	seeks_rest(&flight->seeks);
	flight->try->facts = download->facts;
	/* A body of one piece ends before its arrival was told: the states are passed through all the same. */
	if (flight->state == FLIGHT_ASKING && flight->try->facts.bytes > 0)
		flight_enter(flight, FLIGHT_CHECKING);
	flight_judge(flight);
}

/* The attempt could not even be sent: our own fault, told as such. */
static void fail_attempt(struct flight *flight, const struct err *err)
{
	flight->try->facts = (struct verdict_facts){ .retry_after_ms = -1,
						     .announced_s = -1,
						     .outcome = TRANSFER_FAILED };
	if (err->kind == ERR_INVALID)
		str_fit(str_of(err->text), flight->try->facts.detail,
			sizeof(flight->try->facts.detail));
	else
		verdict_blame_store(&flight->try->facts, err);
	flight_judge(flight);
}

static bool open_arrival(struct flight *flight, struct err *err)
{
	struct arrival *arrival = &flight->arrival;

	if (!arrival->file) {
		arrival_init(arrival);
		arrival->is_encrypted = flight->try->recording.is_encrypted;
		if (!blob_arriving_open(flight->env->store, str_of(flight->recording_sid),
					flight->generation, &arrival->file, err))
			return false;
	}
	/* The file may have been had without the descriptor to read it by. */
	return arrival->reader_fd >= 0 ||
	       blob_arriving_reader(arrival->file, &arrival->reader_fd, err);
}

static void ask(struct flight *flight)
{
	const struct account *account =
		accounts_find(flight->env->accounts, str_of(flight->try->recording.account_sid));
	struct err err;

	if (!account) {
		err_set(&err, ERR_INVALID, "account %s is not in our settings",
			flight->try->recording.account_sid);
		fail_attempt(flight, &err);
		return;
	}
	if (flight->try->recording.is_encrypted && !flight_read_details(flight)) {
		flight_judge(flight);
		return;
	}
	flight->try->download.env = flight->env;
	flight->try->download.arrived = download_arrived;
	flight->try->download.ended = download_ended;
	if (!open_arrival(flight, &err) ||
	    !download_start(&flight->try->download, &flight->arrival, account,
			    flight->recording_sid, flight->try->url,
			    flight->try->recording.channels_wanted, &err)) {
		fail_attempt(flight, &err);
		return;
	}
	flight->try->was_sent = !flight->try->download.is_elsewhere;
	/* No part of what is encrypted is sent before all of it is here; parts ahead are the API's. */
	if (flight->arrival.is_encrypted || flight->try->download.is_elsewhere)
		return;
	seeks_go_on(&flight->seeks, flight->env, &flight->arrival, account, flight->recording_sid,
		    flight->try->recording.channels_wanted, seeks_moved);
}

/* ---- deleted meanwhile ---- */

void flight_end_deleted(struct flight *flight)
{
	struct try *try = flight->try;

	download_cancel(&try->download);
	rest_request_release(&try->question);
	seeks_release(&flight->seeks);
	try->facts = try->download.facts;
	try->facts.is_deleted = true;
	try->facts.detail[0] = '\0';
	verdict_judge(&try->facts, &try->verdict);
	flight_end_without_media(flight);
}

bool flight_abandon(struct flight *flight)
{
	flight->is_abandoned = true;
	if (flight->try) {
		if (!flight->try->is_handed_over)
			flight_end_deleted(flight);
		return false;
	}
	if (flight_is_reading(flight))
		return false;
	flight_unfollow(flight);
	timer_stop(&flight->timer);
	seeks_release(&flight->seeks);
	arrival_discard(&flight->arrival);
	flight_enter(flight, FLIGHT_GONE);
	flight_clear_reason(flight);
	flight_tell(flight);
	return true;
}

/* ---- the beginning ---- */

/* Would be purged at once: it counts as expired.  A longer retention brings it back, or a clock that is set back (recovery.h). */
static bool is_too_old(const struct flight *flight, const struct recording *recording)
{
	struct kept kept = recording_kept(recording);

	return retention_is_over(flight->env->options.retention, &kept, clock_wall_ms());
}

static bool begin_expired(struct flight *flight, struct catalog *catalog, struct err *err)
{
	err_set(&flight->try->overtaken_by, ERR_CONFLICT, "it is older than recordings are kept");
	flight->try->ledger_job.change.what = PROJECTED_RECORDING;
	return lease_end(catalog, str_of(flight->recording_sid), err) &&
	       attempts_give_up(catalog, str_of(flight->recording_sid), clock_wall_ms(), err) &&
	       recordings_mark_expired(catalog, str_of(flight->recording_sid), err);
}

/* What the claim has begun, or the last try has kept, is held no longer than that. */
static bool begin_overtaken(struct flight *flight, struct catalog *catalog, struct err *err)
{
	flight->try->is_elsewhere = false;
	err_set(&flight->try->overtaken_by, ERR_CONFLICT, "it is %s",
		recording_state_text(flight->try->recording.state));
	if (!flight->holds_lease)
		return true;
	ledger_job_let_go(&flight->try->ledger_job, catalog);
	return (lease_end(catalog, str_of(flight->recording_sid), err) ||
		err->kind == ERR_CONFLICT) &&
	       attempts_give_up(catalog, str_of(flight->recording_sid), clock_wall_ms(), err);
}

static bool find_source(struct flight *flight, struct catalog *catalog, struct err *err)
{
	const char *const *hosts = flight->env->options.media_hosts;
	struct recording_source source = { 0 };

	if (!flight->try->recording.is_encrypted && (!hosts || !hosts[0]))
		return true;
	if (!recordings_find_source(catalog, str_of(flight->recording_sid), &source, err))
		return false;
	/* The writer may run a job once more. */
	free(TAKE(flight->try->encryption));
	free(flight->try->url);
	if (flight->try->recording.is_encrypted)
		flight->try->encryption = TAKE(source.encryption);
	flight->try->url = TAKE(source.url);
	recording_source_release(&source);
	return true;
}

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct flight *flight = container_of(job, struct try, ledger_job)->flight;
	struct attempt_begin begin = {
		.recording_sid = str_of(flight->recording_sid),
		.began_at_ms = flight->try->began_at_ms,
		.resumes = flight->arrival.file && !flight->arrival.is_followed ? flight->generation
										: 0,
	};

	/* That of a try that was rolled back may be another recording's by now. */
	flight->try->attempt_id = 0;
	job->change.what = 0;
	if (!recordings_find(catalog, begin.recording_sid, &flight->try->recording, err) ||
	    !find_source(flight, catalog, err))
		return false;
	if (flight->try->recording.state != RECORDING_QUEUED &&
	    flight->try->recording.state != RECORDING_WAITING)
		return begin_overtaken(flight, catalog, err);
	if (!lease_begin(catalog, &flight->try->recording, flight->try->began_at_ms,
			 flight->was_elsewhere ? FLIGHT_NUDGE_MS : 0, &flight->try->is_elsewhere,
			 err))
		return false;
	if (flight->try->is_elsewhere)
		return true;
	/* Which it is was not known when the file was begun, or it has been opened. */
	flight->try->begins_anew =
		flight->arrival.file &&
		(flight->arrival.is_followed ||
		 flight->arrival.is_encrypted != flight->try->recording.is_encrypted);
	if (flight->try->begins_anew)
		begin.resumes = 0;
	if (is_too_old(flight, &flight->try->recording))
		return begin_expired(flight, catalog, err);
	begin.channels = flight->try->recording.channels_wanted;
	return attempts_begin(catalog, &begin, &flight->try->attempt_id, err);
}

/* The attempt is committed: the request may go out. */
static void go_on_begun(struct flight *flight)
{
	memcpy(flight->call_sid, flight->try->recording.call_sid, SID_SIZE);
	if (flight->request_id[0] == '\0')
		memcpy(flight->request_id, flight->try->recording.request_id, REQUEST_ID_SIZE);
	flight->try->is_handed_over = false;
	if (flight->is_abandoned) {
		flight_end_deleted(flight);
		return;
	}
	flight->retained = recording_kept(&flight->try->recording);
	if (flight->try->begins_anew) {
		seeks_release(&flight->seeks);
		arrival_discard(&flight->arrival);
	}
	if (!flight->arrival.file) {
		flight->generation = flight->try->attempt_id;
		flight->generation_at_ms = flight->try->began_at_ms;
	}
	ask(flight);
}

static void attempt_begun(struct ledger_job *job)
{
	struct flight *flight = container_of(job, struct try, ledger_job)->flight;

	if (!job->succeeded) {
		flight_ledger_failed(flight, &job->err);
		return;
	}
	flight->was_elsewhere = flight->try->is_elsewhere;
	if (flight->try->is_elsewhere) {
		flight->holds_lease = false;
		flight_end_elsewhere(flight);
		return;
	}
	if (flight->try->attempt_id == 0) {
		flight_ledger_failed(flight, &flight->try->overtaken_by);
		return;
	}
	flight->holds_lease = true;
	go_on_begun(flight);
}

/*
 * One that stood in line for long may be of what is not to be fetched any more: a turn looks again, and ends the attempt that the
 * claim has begun (attempts_begin()).
 */
static void drop_old_begun(struct flight *flight)
{
	int64_t age_ms = flight->begun ? clock_wall_ms() - flight->begun->began_at_ms : 0;

	if (age_ms < 0 || age_ms > BEGUN_MOST_MS)
		lease_begun_free(TAKE(flight->begun));
}

/* The claim has begun it, and nothing else has been done with the recording by this process. */
static void take_begun(struct flight *flight)
{
	AUTO(lease_begun_free) struct lease_begun *begun = TAKE(flight->begun);

	flight->try->recording = begun->recording;
	flight->try->encryption = TAKE(begun->encryption);
	flight->try->url = TAKE(begun->url);
	flight->try->attempt_id = begun->attempt_id;
	flight->try->began_at_ms = begun->began_at_ms;
	flight->try->begins_anew = flight->arrival.file != NULL;
	flight->was_elsewhere = false;
	go_on_begun(flight);
}

void flight_begin(struct flight *flight)
{
	flight_enter(flight, FLIGHT_ASKING);
	flight->is_nobodys = false;
	timer_stop(&flight->timer);
	flight->last_try_at_ms = loop_now_ms(flight->env->loop);
	flight_begin_try(flight);
	drop_old_begun(flight);
	if (flight->begun)
		take_begun(flight);
	else
		flight_write_ledger(flight, run_begin, attempt_begun);
}

void flight_queue(struct flight *flight)
{
	flight_enter(flight, FLIGHT_QUEUED);
	timer_stop(&flight->timer);
}

void flight_hold_back(struct flight *flight, const char *reason_code, const char *reason_text)
{
	flight_enter(flight, FLIGHT_WAITING);
	flight->is_nobodys = false;
	flight_set_reason(flight, reason_code, reason_text, true);
	flight_tell(flight);
}

void flight_drop_file(struct flight *flight)
{
	seeks_release(&flight->seeks);
	arrival_discard(&flight->arrival);
	flight_tell(flight);
}

/* ---- life cycle ---- */

struct flight *flight_new(const struct flight_env *env, const char *recording_sid,
			  const char *call_sid, const char *account_sid, struct flight_owner *owner,
			  enum flight_rank rank, enum flight_state state)
{
	struct flight *flight = xcalloc(1, sizeof(*flight));

	flight->env = env;
	flight->owner = owner;
	flight->rank = rank;
	flight->state = state;
	memcpy(flight->recording_sid, recording_sid, SID_SIZE);
	memcpy(flight->call_sid, call_sid, SID_SIZE);
	memcpy(flight->account_sid, account_sid, SID_SIZE);
	list_init(&flight->place);
	list_init(&flight->kept);
	list_init(&flight->updates);
	arrival_init(&flight->arrival);
	flight_join_list(flight);
	return flight;
}

void flight_free(struct flight *flight)
{
	if (!flight)
		return;
	flight_leave_list(flight);
	flight_hide(flight);
	flight_unfollow(flight);
	timer_stop(&flight->timer);
	seeks_release(&flight->seeks);
	lease_begun_free(flight->begun);
	flight_free_try(flight);
	arrival_discard(&flight->arrival);
	LIST_EACH (item, &flight->updates) {
		list_remove(item);
		free(container_of(item, struct flight_update, link));
	}
	free(flight);
}

bool flight_is_done(const struct flight *flight)
{
	return flight_is_over(flight) && flight->mirror_count == 0;
}
