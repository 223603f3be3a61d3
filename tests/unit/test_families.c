/* All of /metrics, of facts that are each told by another number, against tests/data/metrics (recorded.h). */
#include "metrics/families.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/own.h"
#include "blob/blob.h"
#include "event/loop.h"
#include "flights/flight.h"
#include "ledger/ledger.h"
#include "metrics/process_usage.h"
#include "peer/peers.h"
#include "recorded.h"
#include "s3/s3_counts.h"
#include "tap.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define NOW      INT64_C(1700000000000)
#define NOW_US   INT64_C(5000000000)
#define TEXT_MAX (1024 * 1024)
#define MAPPED   (64 * 1024 * 1024)

int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_us(void)
{
	return NOW_US;
}

int64_t __wrap_clock_monotonic_ms(void)
{
	return NOW_US / 1000;
}

/* ---- what is to be told ---- */

/* Numbers that follow each other, so that none is told for another. */
static uint64_t count;

static void count_all(struct counter *counters, size_t size)
{
	for (size_t i = 0; i < size; i++)
		counter_add(&counters[i], ++count);
}

static void time_all(struct time_sum *sum)
{
	for (size_t i = 0; i <= TIME_BUCKETS; i++)
		sum->buckets[i] = i + 1;
	sum->sum_us = ++count * 1000;
}

static struct flight_counts flights;
static struct peer_counts peers;
static struct loop_times fetching, keeping;
static struct ledger_sums ledger;
static struct s3_counts asked;
static struct blob_remote_facts bucket = { .answers = true,
					   .asked = &asked,
					   .here_bytes = 901,
					   .here_most_bytes = 902,
					   .hits = 903,
					   .misses = 904,
					   .evictions = 905 };

static void fill_counts(void)
{
	for (size_t i = 0; i < FLIGHT_STATES; i++)
		gauge_set(&flights.in[i], (int64_t)++count);
	count_all(flights.attempts, VERDICT_ROWS);
	count_all(&flights.received_bytes, 1);
	count_all(peers.requests, PEER_RESULTS);
	count_all(&peers.received_bytes, 1);
	for (size_t i = 0; i < S3_METHODS; i++) {
		count_all(asked.requests[i], S3_RESULTS);
		time_histogram_count(&asked.seconds[i], (int64_t)++count);
	}
	count_all(&asked.sent_bytes, 1);
	count_all(&asked.received_bytes, 1);
	time_histogram_count(&fetching.turns, 1234);
	time_histogram_count(&keeping.turns, 5678);
	gauge_set(&fetching.turn_since_us, NOW_US - 250000);
	gauge_set(&keeping.turn_since_us, NOW_US - 750000);
	time_all(&ledger.commits);
	time_all(&ledger.turn_waits);
	ledger.commits_failed = ++count;
}

static void fill_sums(struct web_sums *sums)
{
	for (size_t i = 0; i < WEB_STATUS_CLASSES; i++)
		sums->requests[i] = ++count;
	for (size_t i = 0; i < PLAY_SOURCES; i++)
		for (size_t k = 0; k < PLAY_RESULTS; k++)
			sums->plays[i][k] = ++count;
	sums->latest_plays = 50;
	sums->latest_stored = 20;
	for (size_t i = 0; i < PLAY_SOURCES; i++)
		time_all(&sums->first_byte[i]);
	time_all(&sums->webhooks);
	for (size_t i = 0; i < SIGN_IN_RESULTS; i++)
		sums->sign_ins[i] = ++count;
	for (size_t i = 0; i < WEB_LIMITS; i++)
		sums->throttled[i] = ++count;
	sums->live_sockets = 2001;
	sums->live_polls = 2002;
	sums->live_messages = 2003;
}

static void fill(struct metrics_facts *facts)
{
	*facts = (struct metrics_facts){
		.now_ms = NOW,
		.started_at_ms = NOW - 3600000,
		.is_degraded = true,
		.is_clock_doubted = true,
		.examined_at_ms = NOW - 11000,
		.examinations = 3001,
		.examined_good = 3002,
		.examined_findings = 3003,
		.examined_unchecked = 3004,
		.store_answers = true,
		.free_bytes = 3005,
		.min_free_bytes = 3006,
		.bucket = &bucket,
		.reserve = RESERVE_SPENT,
		.compared_at_ms = NOW - 12000,
		.expected = 3007,
		.expired = 3008,
		.is_listed = true,
		.listed_at_ms = NOW - 13000,
		.list_failing_since_ms = NOW - 14000,
		.notices_waiting = 3009,
		.notices_dead = 3010,
		.notices_oldest_at_ms = NOW - 15000,
		.notify_failing_since_ms = NOW - 16000,
		.notices_taken = 3011,
		.notices_failed = 3012,
		.notices_died = 3013,
		.is_notify_gone = true,
		.webhooks = { .taken = 3014, .malformed = 3015, .uncommitted = 3016 },
		.upstream = { .refused_count = 3017, .outage_since_ms = NOW - 17000 },
		.ledger = &ledger,
		.flights = &flights,
		.peers = &peers,
		.fetching = &fetching,
		.keeping = &keeping,
		.serving = { .lag_us = 3018,
			     .connections = 3019,
			     .connections_refused = 3020,
			     .audit_left_out = 3021,
			     .access_log_lost = 3022 },
		.company = { .processes = 3023,
			     .leases = 3024,
			     .streams_behind = 3025,
			     .clock_ahead_ms = -3026,
			     .beats = 3027,
			     .burials = 3028,
			     .funerals = 3029,
			     .hears = true,
			     .has_duties = true },
	};
	facts->counts.calls = 3030;
	for (size_t i = 0; i < RECORDING_STATES; i++)
		facts->counts.recordings[i] = (int64_t)++count;
	facts->counts.bytes_stored = 3031;
	facts->counts.oldest_queued_at_ms = NOW - 18000;
	facts->counts.events_waiting = 3032;
	facts->counts.events_set_aside = 3033;
	for (size_t i = 0; i < WEBHOOK_REFUSALS; i++)
		facts->webhooks.refused[i] = (int64_t)++count;
	for (size_t kind = 0; kind < STORE_FAULT_KINDS; kind++)
		for (size_t state = 0; state < STORE_FAULT_STATES; state++)
			facts->faults.of[state][kind] =
				(int64_t)(1 + kind) *
				(int64_t[]){ 1, 100, 10000, 1000000, 100000000 }[state];
	fill_sums(&facts->serving.sums);
	time_all(&facts->serving.turns);
}

/* ---- what is told ---- */

/* Without what this process has used, and the version. */
static void add_comparable(struct str text, struct buf *out)
{
	struct str line;

	while (text.len > 0 && str_cut(&text, '\n', &line))
		if (!str_starts(line, STR("process_cpu_seconds_total ")) &&
		    !str_starts(line, STR("process_resident_memory_bytes ")) &&
		    !str_starts(line, STR("callspool_build_info{")))
			buf_addf(out, "%.*s\n", STR_ARG(line));
}

static void check(const struct metrics_facts *facts, const char *name, const char *what)
{
	AUTO(buf_release) struct buf told, comparable;
	AUTO(free) char *path = xasprintf("metrics/%s.txt", name);

	buf_init(&told, TEXT_MAX);
	buf_init(&comparable, TEXT_MAX);
	metrics_write(facts, &told);
	add_comparable(buf_str(&told), &comparable);
	OK(buf_ok(&told), "%s: all of it", what);
	recorded_is(path, buf_str(&comparable), what);
}

static void check_all(void)
{
	struct metrics_facts facts;

	fill_counts();
	fill(&facts);
	check(&facts, "all", "what is known");
	facts.is_ledger_silent = true;
	facts.store_answers = facts.is_degraded = facts.is_clock_doubted = false;
	facts.reserve = RESERVE_EXHAUSTED;
	facts.bucket = NULL;
	facts.flights = NULL;
	facts.peers = NULL;
	facts.fetching = facts.keeping = NULL;
	facts.upstream.outage_since_ms = facts.notify_failing_since_ms = 0;
	facts.is_notify_gone = false;
	facts.company.hears = facts.company.has_duties = false;
	facts.examined_at_ms = NOW + 5000;
	check(&facts, "silent", "a ledger that does not answer, one process, files");
}

/* ---- the process ---- */

static int64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void check_usage(void)
{
	struct process_usage before, after;
	int64_t cpu_before = cpu_us();
	void *mapped;

	process_usage_read(&before);
	OK(before.cpu_us >= cpu_before && before.cpu_us <= cpu_us(), "CPU time, of all threads");
	mapped = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mapped == MAP_FAILED)
		exit(1);
	memset(mapped, 1, MAPPED);
	process_usage_read(&after);
	OK(before.resident_bytes > 0 && before.resident_bytes % sysconf(_SC_PAGESIZE) == 0,
	   "what is resident, in pages");
	OK(after.resident_bytes - before.resident_bytes >= MAPPED / 2 &&
		   after.resident_bytes - before.resident_bytes < 2 * (int64_t)MAPPED,
	   "what is written to is resident");
	while (cpu_us() < before.cpu_us + 20000)
		;
	process_usage_read(&after);
	OK(after.cpu_us >= before.cpu_us + 20000, "it rises");
	munmap(mapped, MAPPED);
}

int main(void)
{
	check_all();
	check_usage();
	return tap_end();
}
