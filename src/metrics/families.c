#include "metrics/families.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "event/loop.h"
#include "flights/flight.h"
#include "ledger/ledger.h"
#include "metrics/exposition.h"
#include "metrics/process_usage.h"
#include "peer/peers.h"
#include "s3/s3_counts.h"

#include <string.h>

#define US_PER_MS 1000

static void add_counter(struct exposition *out, const char *name, const char *help, uint64_t value)
{
	exposition_family(out, name, METRIC_COUNTER, help);
	exposition_int(out, NO_LABELS, (int64_t)value);
}

static void add_gauge(struct exposition *out, const char *name, const char *help, int64_t value)
{
	exposition_family(out, name, METRIC_GAUGE, help);
	exposition_int(out, NO_LABELS, value);
}

static void add_age_now(struct exposition *out, const struct metrics_facts *facts, int64_t since_ms)
{
	int64_t age_ms = since_ms != 0 ? facts->now_ms - since_ms : 0;

	exposition_us(out, NO_LABELS, age_ms > 0 ? age_ms * US_PER_MS : 0);
}

/* How long ago, in seconds; 0 for never, and for what a clock that was set back calls the future. */
static void add_age(struct exposition *out, const char *name, const char *help,
		    const struct metrics_facts *facts, int64_t since_ms)
{
	exposition_family(out, name, METRIC_GAUGE, help);
	add_age_now(out, facts, since_ms);
}

/* Of what is read in the ledger. */
static void add_read_gauge(struct exposition *out, const char *name, const char *help,
			   const struct metrics_facts *facts, int64_t value)
{
	exposition_family(out, name, METRIC_GAUGE, help);
	if (!facts->is_ledger_silent)
		exposition_int(out, NO_LABELS, value);
}

static void add_read_age(struct exposition *out, const char *name, const char *help,
			 const struct metrics_facts *facts, int64_t since_ms)
{
	exposition_family(out, name, METRIC_GAUGE, help);
	if (!facts->is_ledger_silent)
		add_age_now(out, facts, since_ms);
}

/* ---- the process ---- */

static void add_process(struct exposition *out, const struct metrics_facts *facts)
{
	struct process_usage usage;

	process_usage_read(&usage);
	exposition_family(out, "callspool_build_info", METRIC_GAUGE,
			  "1; the version is the label's.");
	exposition_int(out, LABEL("version", CALLSPOOL_VERSION), 1);
	exposition_family(out, "process_start_time_seconds", METRIC_GAUGE,
			  "When this process started, since 1970.");
	exposition_us(out, NO_LABELS, facts->started_at_ms * US_PER_MS);
	exposition_family(out, "process_cpu_seconds_total", METRIC_COUNTER,
			  "CPU time of all threads.");
	exposition_us(out, NO_LABELS, usage.cpu_us);
	if (usage.resident_bytes > 0)
		add_gauge(out, "process_resident_memory_bytes", "Memory that is resident.",
			  usage.resident_bytes);
}

static void add_loop_lag(struct exposition *out, const char *name, const struct loop_times *times,
			 int64_t now_us)
{
	if (times)
		exposition_us(out, LABEL("loop", name), loop_times_lag_us(times, now_us));
}

static void add_turns(struct exposition *out, const char *name, const struct loop_times *times)
{
	struct time_sum sum = { .sum_us = 0 };

	if (!times)
		return;
	time_histogram_add(&times->turns, &sum);
	exposition_histogram(out, LABEL("loop", name), &sum);
}

static void add_loops(struct exposition *out, const struct metrics_facts *facts)
{
	int64_t now_us = clock_monotonic_us();

	exposition_family(
		out, "callspool_loop_lag_seconds", METRIC_GAUGE,
		"For how long the turn under way lasts by now: what waits for the loop waits as long.");
	exposition_us(out, LABEL("loop", "serving"), facts->serving.lag_us);
	add_loop_lag(out, "fetching", facts->fetching, now_us);
	add_loop_lag(out, "keeping", facts->keeping, now_us);
	exposition_family(out, "callspool_loop_turn_seconds", METRIC_HISTOGRAM,
			  "Turns of the event loops, from a wakeup to the next wait.");
	exposition_histogram(out, LABEL("loop", "serving"), &facts->serving.turns);
	add_turns(out, "fetching", facts->fetching);
	add_turns(out, "keeping", facts->keeping);
}

/* ---- the ledger and the store ---- */

static void add_recordings(struct exposition *out, const struct metrics_facts *facts)
{
	const struct catalog_counts *counts = &facts->counts;

	add_gauge(out, "callspool_degraded", "1 when somebody should look: /api/health says why.",
		  facts->is_degraded);
	add_gauge(out, "callspool_clock_doubted",
		  "1 while this machine's clock is not believed, and nothing is removed by it.",
		  facts->is_clock_doubted);
	add_read_gauge(out, "callspool_calls", "Calls that are known.", facts, counts->calls);
	exposition_family(out, "callspool_recordings", METRIC_GAUGE,
			  "Recordings by their state in the ledger; dead: dead letters.");
	for (enum recording_state state = 0; !facts->is_ledger_silent && state < RECORDING_STATES;
	     state++)
		exposition_int(out, LABEL("state", recording_state_text(state)),
			       counts->recordings[state]);
	add_read_age(
		out, "callspool_oldest_waiting_seconds",
		"For how long the oldest recording waits that is to be fetched; 0: none waits.",
		facts, counts->oldest_queued_at_ms);
	add_read_gauge(out, "callspool_events_waiting",
		       "Events that are committed and not worked into calls and recordings yet.",
		       facts, counts->events_waiting);
	add_read_gauge(out, "callspool_events_set_aside",
		       "Events that could not be worked into calls and recordings.", facts,
		       counts->events_set_aside);
}

static void add_completeness(struct exposition *out, const struct metrics_facts *facts)
{
	add_read_gauge(out, "callspool_recordings_expected",
		       "Recordings that are to be kept: here, to be fetched, or given up.", facts,
		       facts->expected);
	add_read_gauge(out, "callspool_recordings_here", "Of these, how many are stored.", facts,
		       facts->counts.recordings[RECORDING_STORED]);
	add_read_gauge(out, "callspool_recordings_expired",
		       "Recordings that were older than they are kept before they were fetched.",
		       facts, facts->expired);
	add_read_gauge(out, "callspool_list_read",
		       "1 once Twilio's list of recordings was read to its end, of every account.",
		       facts, facts->is_listed);
	add_read_age(out, "callspool_list_age_seconds",
		     "How long ago Twilio's list was last read to its end; 0: never.", facts,
		     facts->listed_at_ms);
	add_read_age(out, "callspool_list_failing_seconds",
		     "For how long Twilio's list cannot be read; 0: it can.", facts,
		     facts->list_failing_since_ms);
}

static void add_reserve(struct exposition *out, enum reserve_state now)
{
	static const char *const names[] = { [RESERVE_HELD] = "held",
					     [RESERVE_SPENT] = "spent",
					     [RESERVE_EXHAUSTED] = "exhausted" };

	exposition_family(out, "callspool_reserve", METRIC_GAUGE,
			  "1 for the state of the room that is kept for webhooks on a full disk.");
	for (enum reserve_state state = 0; state <= RESERVE_EXHAUSTED; state++)
		exposition_int(out, LABEL("state", names[state]), state == now);
}

static void add_faults(struct exposition *out, const struct metrics_facts *facts)
{
	const int64_t(*of)[STORE_FAULT_KINDS] = facts->faults.of;
	int64_t stay = 0;

	exposition_family(
		out, "callspool_store_faults", METRIC_GAUGE,
		"Files of the store that are not as the ledger says, and are not accepted so.");
	for (enum store_fault_kind kind = 0; !facts->is_ledger_silent && kind < STORE_FAULT_KINDS;
	     kind++) {
		exposition_int(out, LABEL("kind", store_fault_kind_text(kind)),
			       of[STORE_FAULT_OPEN][kind] + of[STORE_FAULT_MENDING][kind] +
				       of[STORE_FAULT_STAYS][kind]);
		stay += of[STORE_FAULT_STAYS][kind];
	}
	add_read_gauge(out, "callspool_store_faults_unmended",
		       "Of these, what could not be mended.", facts, stay);
	add_read_age(out, "callspool_store_compared_seconds",
		     "Since the store was compared with the ledger to its end; 0: never.", facts,
		     facts->compared_at_ms);
}

static void add_store(struct exposition *out, const struct metrics_facts *facts)
{
	add_read_gauge(out, "callspool_store_bytes", "Bytes of stored media.", facts,
		       facts->counts.bytes_stored);
	add_read_gauge(out, "callspool_store_files", "Files of stored media.", facts,
		       facts->counts.recordings[RECORDING_STORED]);
	add_gauge(out, "callspool_store_answers", "1 while the store answers.",
		  facts->store_answers);
	if (facts->store_answers)
		add_gauge(out, "callspool_store_free_bytes", "Room that is left.",
			  (int64_t)facts->free_bytes);
	add_gauge(out, "callspool_store_min_free_bytes",
		  "Below so much room nothing is fetched (min_free).",
		  (int64_t)facts->min_free_bytes);
	add_reserve(out, facts->reserve);
	add_faults(out, facts);
}

/* ---- a bucket: the families are told without one, too, and have no samples then ---- */

static void add_bucket_requests(struct exposition *out, const struct s3_counts *asked)
{
	exposition_family(out, "callspool_bucket_requests_total", METRIC_COUNTER,
			  "Requests to the bucket, each try, by what came of them.");
	for (enum s3_method method = 0; asked && method < S3_METHODS; method++)
		for (enum s3_result result = 0; result < S3_RESULTS; result++)
			exposition_int(out,
				       LABELS("method", s3_method_name(method), "result",
					      s3_result_name(result)),
				       (int64_t)counter_read(&asked->requests[method][result]));
	exposition_family(out, "callspool_bucket_request_seconds", METRIC_HISTOGRAM,
			  "From a request to the bucket to the end of its answer.");
	for (enum s3_method method = 0; asked && method < S3_METHODS; method++) {
		struct time_sum sum = { .sum_us = 0 };

		time_histogram_add(&asked->seconds[method], &sum);
		exposition_histogram(out, LABEL("method", s3_method_name(method)), &sum);
	}
	exposition_family(out, "callspool_bucket_bytes_total", METRIC_COUNTER,
			  "Bytes that went to the bucket, and came from it.");
	if (!asked)
		return;
	exposition_int(out, LABEL("direction", "sent"), (int64_t)counter_read(&asked->sent_bytes));
	exposition_int(out, LABEL("direction", "received"),
		       (int64_t)counter_read(&asked->received_bytes));
}

static void add_cache(struct exposition *out, const struct blob_remote_facts *bucket)
{
	exposition_family(out, "callspool_cache_bytes", METRIC_GAUGE,
			  "What of the bucket lies in data_dir, too.");
	if (bucket)
		exposition_int(out, NO_LABELS, (int64_t)bucket->here_bytes);
	exposition_family(out, "callspool_cache_max_bytes", METRIC_GAUGE,
			  "How much of it may (cache_max).");
	if (bucket)
		exposition_int(out, NO_LABELS, (int64_t)bucket->here_most_bytes);
	exposition_family(out, "callspool_cache_opens_total", METRIC_COUNTER,
			  "Files that were wanted, by whether they lay there.");
	if (bucket) {
		exposition_int(out, LABEL("result", "hit"), (int64_t)bucket->hits);
		exposition_int(out, LABEL("result", "miss"), (int64_t)bucket->misses);
	}
	exposition_family(out, "callspool_cache_evictions_total", METRIC_COUNTER,
			  "Files that went for want of room.");
	if (bucket)
		exposition_int(out, NO_LABELS, (int64_t)bucket->evictions);
}

static void add_bucket(struct exposition *out, const struct blob_remote_facts *bucket)
{
	exposition_family(out, "callspool_bucket_answers", METRIC_GAUGE,
			  "1 while the bucket answers as it should.");
	if (bucket)
		exposition_int(out, NO_LABELS, bucket->answers);
	add_bucket_requests(out, bucket ? bucket->asked : NULL);
	add_cache(out, bucket);
}

static void add_commits(struct exposition *out, const struct ledger_sums *sums)
{
	exposition_family(out, "callspool_commit_seconds", METRIC_HISTOGRAM,
			  "Commits of the ledger, the fsync with them.");
	exposition_histogram(out, NO_LABELS, &sums->commits);
	add_counter(out, "callspool_commits_failed_total", "Commits that failed.",
		    sums->commits_failed);
}

/* ---- one of several ---- */

static void add_company(struct exposition *out, const struct metrics_facts *facts)
{
	const struct metrics_company *company = &facts->company;

	add_read_gauge(out, "callspool_processes",
		       "Processes that serve from the ledger, this one counted.", facts,
		       company->processes);
	add_gauge(out, "callspool_duties",
		  "1 where this process does what is done once for all of them.",
		  company->has_duties);
	add_counter(
		out, "callspool_beats_total",
		"Beats of this process that the database took; none where the ledger is a file.",
		company->beats);
	add_counter(out, "callspool_processes_buried_total",
		    "Others that this process took for dead.", company->burials);
	add_counter(out, "callspool_taken_for_dead_total",
		    "How often others took this process for dead.", company->funerals);
	add_read_gauge(out, "callspool_leases", "Recordings of which this process has the lease.",
		       facts, company->leases);
	add_read_gauge(out, "callspool_streams_behind",
		       "Processes, those that are gone too, whose webhooks are not all worked in.",
		       facts, company->streams_behind);
	add_gauge(out, "callspool_listening",
		  "1 where it hears of the others at once; 0: it looks four times a second.",
		  company->hears);
	exposition_family(out, "callspool_clock_ahead_seconds", METRIC_GAUGE,
			  "By how much its clock goes before the database's; below 0: behind.");
	exposition_us(out, NO_LABELS, company->clock_ahead_ms * US_PER_MS);
	exposition_family(out, "callspool_turn_wait_seconds", METRIC_HISTOGRAM,
			  "For how long its writer waited for a turn; each is a transaction.");
	exposition_histogram(out, NO_LABELS, &facts->ledger->turn_waits);
}

/* ---- fetching ---- */

/* Rows of one outcome are one sample, at the first of them. */
static void add_attempts_of(struct exposition *out, const struct flight_counts *flights,
			    unsigned row)
{
	const char *outcome = verdict_row_outcome(row);
	uint64_t count = 0;

	for (unsigned i = 0; i < VERDICT_ROWS; i++) {
		if (strcmp(verdict_row_outcome(i), outcome) != 0)
			continue;
		if (i < row)
			return;
		count += counter_read(&flights->attempts[i]);
	}
	exposition_int(out, LABEL("outcome", outcome), (int64_t)count);
}

static void add_flights(struct exposition *out, const struct flight_counts *flights)
{
	exposition_family(
		out, "callspool_flights", METRIC_GAUGE,
		"Downloads in memory, by state; what waits in the ledger alone is not among them.");
	for (enum flight_state state = FLIGHT_QUEUED; state <= FLIGHT_WAITING; state++)
		exposition_int(out, LABEL("state", flight_state_text(state)),
			       gauge_read(&flights->in[state]));
	exposition_family(out, "callspool_attempts_total", METRIC_COUNTER,
			  "Tries to fetch a recording, by what became of them.");
	for (unsigned row = 0; row < VERDICT_ROWS; row++)
		add_attempts_of(out, flights, row);
	add_counter(out, "callspool_received_bytes_total",
		    "Bytes of media that these tries received.",
		    counter_read(&flights->received_bytes));
}

/* NULL: nobody else can be asked.  A rule need not ask whether they are there. */
static void add_peers(struct exposition *out, const struct peer_counts *peers)
{
	static const struct peer_counts none;

	if (!peers)
		peers = &none;
	exposition_family(
		out, "callspool_peer_requests_total", METRIC_COUNTER,
		"Requests to other processes for what they fetch, by what became of them.");
	for (enum peer_result result = 0; result < PEER_RESULTS; result++)
		exposition_int(out, LABEL("result", peer_result_text(result)),
			       (int64_t)counter_read(&peers->requests[result]));
	add_counter(out, "callspool_peer_received_bytes_total",
		    "Bytes of media that came from other processes.",
		    counter_read(&peers->received_bytes));
}

static void add_upstream(struct exposition *out, const struct metrics_facts *facts)
{
	add_gauge(out, "callspool_accounts_refused", "Accounts whose credentials Twilio refuses.",
		  facts->upstream.refused_count);
	add_age(out, "callspool_upstream_outage_seconds",
		"For how long Twilio does not answer as it should; 0: it does.", facts,
		facts->upstream.outage_since_ms);
}

static void add_notices(struct exposition *out, const struct metrics_facts *facts)
{
	add_read_gauge(out, "callspool_notices_waiting",
		       "Webhooks that are to be sent to notify_url; at most 100,000 are counted.",
		       facts, facts->notices_waiting);
	add_read_gauge(out, "callspool_notices_dead",
		       "Webhooks to notify_url that were given up: dead letters.", facts,
		       facts->notices_dead);
	add_read_age(
		out, "callspool_notices_oldest_seconds",
		"How long ago the oldest change was of which notify_url was not told; 0: of all.",
		facts, facts->notices_oldest_at_ms);
	add_age(out, "callspool_notify_failing_seconds",
		"For how long notify_url takes nothing; 0: it does.", facts,
		facts->notify_failing_since_ms);
	add_gauge(out, "callspool_notify_gone",
		  "1 after notify_url answered 410: nothing is sent any more.",
		  facts->is_notify_gone);
	exposition_family(
		out, "callspool_notices_total", METRIC_COUNTER,
		"Tries to tell notify_url, by what became of them; given_up: dead letters.");
	exposition_int(out, LABEL("result", "taken"), (int64_t)facts->notices_taken);
	exposition_int(out, LABEL("result", "failed"), (int64_t)facts->notices_failed);
	exposition_int(out, LABEL("result", "given_up"), (int64_t)facts->notices_died);
}

/* ---- requests ---- */

static void add_webhooks(struct exposition *out, const struct metrics_facts *facts)
{
	const struct webhook_counts *counts = &facts->webhooks;

	exposition_family(out, "callspool_webhooks_total", METRIC_COUNTER,
			  "Webhooks by result; taken: committed, and answered 200.");
	exposition_int(out, LABEL("result", "taken"), counts->taken);
	exposition_int(out, LABEL("result", "uncommitted"), counts->uncommitted);
	exposition_int(out, LABEL("result", "malformed"), counts->malformed);
	for (enum webhook_refusal refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++)
		exposition_int(out, LABEL("result", webhook_refusal_name(refusal)),
			       counts->refused[refusal]);
	exposition_family(out, "callspool_webhook_seconds", METRIC_HISTOGRAM,
			  "From the head of a webhook to its 200.");
	exposition_histogram(out, NO_LABELS, &facts->serving.sums.webhooks);
}

static void add_examination(struct exposition *out, const struct metrics_facts *facts)
{
	add_counter(out, "callspool_examinations_total",
		    "How often the server examined itself: canary_every, and Check now.",
		    facts->examinations);
	exposition_family(out, "callspool_checks", METRIC_GAUGE,
			  "Checks of the last examination, by what they came to.");
	exposition_int(out, LABEL("result", "good"), (int64_t)facts->examined_good);
	exposition_int(out, LABEL("result", "finding"), (int64_t)facts->examined_findings);
	exposition_int(out, LABEL("result", "unchecked"), (int64_t)facts->examined_unchecked);
	add_age(out, "callspool_checks_age_seconds",
		"Since the last examination; 0: there was none.", facts, facts->examined_at_ms);
}

static void add_plays(struct exposition *out, const struct web_sums *sums)
{
	exposition_family(out, "callspool_plays_total", METRIC_COUNTER,
			  "Requests for media, by where it was found and what became of them.");
	for (enum play_source source = 0; source < PLAY_SOURCES; source++)
		for (enum play_result result = 0; result < PLAY_RESULTS; result++)
			exposition_int(out,
				       LABELS("source", play_source_name(source), "result",
					      play_result_name(result)),
				       (int64_t)sums->plays[source][result]);
	exposition_family(out, "callspool_latest_plays", METRIC_GAUGE,
			  "The last 50 plays of each loop, by where they were found.");
	exposition_int(out, LABEL("source", "store"), (int64_t)sums->latest_stored);
	exposition_int(out, LABEL("source", "flight"),
		       (int64_t)(sums->latest_plays - sums->latest_stored));
	exposition_family(out, "callspool_play_first_byte_seconds", METRIC_HISTOGRAM,
			  "From the head of a request for media to the first byte of the answer.");
	for (enum play_source source = PLAY_SOURCE_CACHE; source < PLAY_SOURCES; source++)
		exposition_histogram(out, LABEL("source", play_source_name(source)),
				     &sums->first_byte[source]);
}

static void add_requests(struct exposition *out, const struct metrics_serving *serving)
{
	static const char *const classes[WEB_STATUS_CLASSES] = { NULL,  "1xx", "2xx",
								 "3xx", "4xx", "5xx" };

	exposition_family(out, "callspool_requests_total", METRIC_COUNTER,
			  "Requests that were answered, by status.");
	for (int i = 1; i < WEB_STATUS_CLASSES; i++)
		exposition_int(out, LABEL("status", classes[i]),
			       (int64_t)serving->sums.requests[i]);
	add_gauge(out, "callspool_connections", "Connections that are open.", serving->connections);
	add_counter(out, "callspool_connections_refused_total", "Connections that were too many.",
		    serving->connections_refused);
	exposition_family(out, "callspool_followers", METRIC_GAUGE,
			  "Pages and programs that are told of changes.");
	exposition_int(out, LABEL("by", "websocket"), serving->sums.live_sockets);
	exposition_int(out, LABEL("by", "poll"), serving->sums.live_polls);
	add_counter(out, "callspool_follower_messages_total", "Messages that they were told.",
		    serving->sums.live_messages);
	add_counter(out, "callspool_access_log_lost_total",
		    "Lines of the access log that could not be written.", serving->access_log_lost);
}

/* ---- who may ---- */

static void add_sign_ins(struct exposition *out, const struct metrics_serving *serving)
{
	static const char *const results[SIGN_IN_RESULTS] = {
		[SIGN_IN_GOOD] = "good",           [SIGN_IN_WRONG] = "wrong",
		[SIGN_IN_THROTTLED] = "throttled", [SIGN_IN_LOCKED] = "locked",
		[SIGN_IN_BUSY] = "busy",           [SIGN_IN_FAILED] = "failed",
	};

	exposition_family(out, "callspool_sign_ins_total", METRIC_COUNTER, "Sign-ins by result.");
	for (int result = 0; result < SIGN_IN_RESULTS; result++)
		exposition_int(out, LABEL("result", results[result]),
			       (int64_t)serving->sums.sign_ins[result]);
	exposition_family(out, "callspool_throttled_total", METRIC_COUNTER,
			  "Requests that were answered 429, by limit.");
	for (enum web_limit limit = 0; limit < WEB_LIMITS; limit++)
		exposition_int(out, LABEL("limit", web_limit_name(limit)),
			       (int64_t)serving->sums.throttled[limit]);
	add_counter(out, "callspool_audit_left_out_total",
		    "Entries of the audit that were left out, as the ledger did not keep up.",
		    serving->audit_left_out);
}

void metrics_write(const struct metrics_facts *facts, struct buf *buf)
{
	struct exposition out;

	exposition_start(&out, buf);
	add_process(&out, facts);
	add_loops(&out, facts);
	add_recordings(&out, facts);
	add_completeness(&out, facts);
	add_store(&out, facts);
	add_bucket(&out, facts->bucket);
	add_commits(&out, facts->ledger);
	add_company(&out, facts);
	if (facts->flights)
		add_flights(&out, facts->flights);
	add_peers(&out, facts->peers);
	add_upstream(&out, facts);
	add_webhooks(&out, facts);
	add_notices(&out, facts);
	add_examination(&out, facts);
	add_plays(&out, &facts->serving.sums);
	add_requests(&out, &facts->serving);
	add_sign_ins(&out, &facts->serving);
}
