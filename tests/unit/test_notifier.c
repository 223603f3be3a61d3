/*
 * When the notifier tells what, how often, and what it logs: on a ledger that runs, with a receiver on loopback.  The
 * clocks are put forward by the linker (tests/unit/meson.build), so that nobody waits for the minute in which it tidies.
 */
#include "notify/notifier.h"

#include "catalog/notices.h"
#include "fetch_server.h"
#include "notify/receiver.h"
#include "retention/retention.h"

#include "running_ledger.h"

#define SECRET    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define FIRST_MS  10
#define TRY_MS    5000 /* the limit of one try */
#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define MOST_MS   (15 * MINUTE_MS) /* of the waits between two tries */

#define MINUTES_MOST 20

#define FAR 1000 /* numbers that the ledger does not come to */

#define TAKEN   "HTTP/1.1 204 No Content\r\n\r\n"
#define REFUSED "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define GONE    "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"

int64_t __real_clock_monotonic_us(void);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_wall_ms(void);

static _Atomic int64_t ahead_ms;

int64_t __wrap_clock_monotonic_us(void)
{
	return __real_clock_monotonic_us() + ahead_ms * 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return __real_clock_wall_ms() + ahead_ms;
}

void __real_random_bytes(void *out, size_t len);
void __wrap_random_bytes(void *out, size_t len);

static _Atomic uint64_t chance; /* what is taken as random bits; 0: what is so */

void __wrap_random_bytes(void *out, size_t len)
{
	uint64_t bits = chance;

	if (bits != 0 && len == sizeof(bits))
		memcpy(out, &bits, len);
	else
		__real_random_bytes(out, len);
}

/* What somebody vouches for; the ledger's thread asks. */
static _Atomic bool is_doubted;

static bool vouched_now(struct vouched_clock *clock, int64_t *out_ms, struct err *cause)
{
	*out_ms = clock_wall_ms();
	return !is_doubted || err_set(cause, ERR_UNAVAILABLE, "the clock is doubted");
}

static struct vouched_clock vouched_clock = { .now = vouched_now };

static struct server server;
static struct answer answers[] = { { .path = "/hooks" } };
static int refusals; /* so many, then all is taken; -1: no end */

static struct retention *retention;
static struct notify_options options;
static const char *public_url;
static struct notifier *notifier;
static struct notifier_facts facts;

/* ---- what is logged ---- */

static int log_fd;
static off_t log_from;

/* So often in the log since log_forget(). */
static int logged(const char *words)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text), log_from);
	struct str rest = { text, n > 0 ? (size_t)n : 0 };
	int count = 0;

	for (;;) {
		size_t at = str_find_str(rest, str_of(words));

		if (at >= rest.len)
			return count;
		rest = str_after(rest, at + 1);
		count++;
	}
}

static void log_forget(void)
{
	log_from = lseek(log_fd, 0, SEEK_END);
}

/* ---- the receiver ---- */

static const char *as_asked; /* SQL that is run while the answer is waited for */

static void asked(void)
{
	if (as_asked)
		sql(as_asked);
	if (refusals >= 0 && server.requests >= refusals)
		answers[0].raw = TAKEN;
}

/* The next so many are answered so, what comes after is taken. */
static void answer_next(int count, const char *raw)
{
	server_forget(&server);
	server.noticed = asked;
	answers[0].raw = count == 0 ? TAKEN : raw;
	refusals = count;
}

/* ---- what is to be told ---- */

struct planted {
	enum notice_type type;
	int64_t due_in_ms; /* -1: it is a dead letter */
	int64_t age_ms;    /* of the change */
	int64_t tries, tried_ago_ms, trying_ms;
	int64_t started_ago_ms; /* of the recording */
	bool is_held;
};

static void plant_recording(unsigned n, const struct planted *of)
{
	AUTO(free)
	char *text = xasprintf(
		"INSERT INTO recordings (id, recording_sid, state, upstream, is_held, is_duration_off, "
		"channels_wanted, tries, changed_seq, stored_at_ms, started_at_ms) "
		"VALUES (%u, 'RE%032x', 3, 3, %d, 0, 2, 0, 1, 1, %lld) ON CONFLICT DO NOTHING",
		n, n, of->is_held, (long long)(clock_wall_ms() - of->started_ago_ms));

	sql(text);
}

/* Notice `seq` of recording n. */
static void plant(unsigned n, unsigned seq, struct planted of)
{
	int64_t now_ms = clock_wall_ms();
	AUTO(free) char *text = NULL;

	plant_recording(n, &of);
	text = xasprintf("INSERT INTO notices (seq, recording_id, type, at_ms, due_at_ms, tries, "
			 "tried_at_ms, trying_ms, died_at_ms) "
			 "VALUES (%u, %u, %d, %lld, NULLIF(%lld, -1), %lld, NULLIF(%lld, 0), %lld, "
			 "NULLIF(%lld, -1))",
			 seq, n, of.type ? of.type : NOTICE_STORED, (long long)(now_ms - of.age_ms),
			 (long long)(of.due_in_ms < 0 ? -1 : now_ms + of.due_in_ms),
			 (long long)of.tries,
			 (long long)(of.tried_ago_ms ? now_ms - of.tried_ago_ms : 0),
			 (long long)of.trying_ms,
			 (long long)(of.due_in_ms < 0 ? now_ms - of.age_ms : -1));
	sql(text);
}

static int64_t number(const char *query)
{
	struct str text = sql_text(query);
	int64_t value;

	return str_to_i64(text, &value) ? value : INT64_MIN;
}

static bool nothing_waits(void)
{
	return number("SELECT CAST(COUNT(*) AS TEXT) FROM notices WHERE due_at_ms IS NOT NULL") ==
	       0;
}

static int64_t wanted;

/* What came of it is in its row. */
static bool so_often_tried(void)
{
	return number("SELECT CAST(tries AS TEXT) FROM notices ORDER BY seq LIMIT 1") >= wanted;
}

static bool so_many_failed(void)
{
	notifier_read(notifier, &facts);
	return (int64_t)facts.failed >= wanted;
}

static bool so_many_taken(void)
{
	notifier_read(notifier, &facts);
	return (int64_t)facts.taken >= wanted;
}

static bool so_many_died(void)
{
	notifier_read(notifier, &facts);
	return (int64_t)facts.died >= wanted;
}

static bool it_is_gone(void)
{
	notifier_read(notifier, &facts);
	return facts.is_gone;
}

static bool it_is_back(void)
{
	return !it_is_gone();
}

static bool await(bool (*is_so)(void), int64_t count)
{
	wanted = count;
	return until(is_so);
}

/* ---- a process, from its start to its end ---- */

static void begin(void)
{
	struct notifier_parts parts = { .options = &options, .public_url = public_url };

	MUST(ledger_open(path, &ledger, &err));
	parts.ledger = ledger;
	parts.retention = retention;
	parts.clock = &vouched_clock;
	MUST(notifier_open(&parts, &notifier, &err));
	MUST(ledger_start(ledger, &err));
	MUST(notifier_start(notifier, &err));
}

static void end(void)
{
	notifier_stop(notifier);
	notifier_drain(notifier);
	ledger_stop(ledger);
	notifier_drain(notifier);
	mailbox_drain(mailbox);
	notifier_free(TAKE(notifier));
	ledger_free(TAKE(ledger));
	sql("DELETE FROM notices");
	sql("DELETE FROM recordings");
	options.retry_first_ms = FIRST_MS;
	options.give_up_after_ms = DAY_MS;
	log_forget();
}

static struct {
	struct ledger_job job;
	bool is_done;
} word;

static bool run_word(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void word_done(struct ledger_job *job)
{
	word.is_done = true;
}

static bool word_is_done(void)
{
	return word.is_done;
}

/* By whichever process was asked. */
static void say_it_is_back(void)
{
	word.is_done = false;
	word.job = (struct ledger_job){
		.run = run_word,
		.done = word_done,
		.reply = mailbox,
		.change = { .what = PROJECTED_NOTICES },
	};
	ledger_write(ledger, &word.job);
	OK(until(word_is_done), "the ledger hears that it is back");
}

/* ---- tests ---- */

static void test_few_failures(void)
{
	answer_next(RECEIVER_AILING - 1, REFUSED);
	plant(1, 1, (struct planted){ 0 });
	begin();
	OK(await(so_many_taken, 1), "it is told until it is taken");
	OK(until(nothing_waits), "and then no more");
	IS_INT(server.requests, RECEIVER_AILING, "once more for each failure");
	OK(facts.is_on && !facts.is_gone && facts.ailing_since_ms == 0,
	   "two failures are no trouble");
	IS_INT(facts.failed, RECEIVER_AILING - 1, "though they are counted");
	IS_STR(str_of(facts.failure), STR(""), "and are over");
	IS_INT(logged("notify_url"), 0, "nothing is said of them");
	end();
}

static void test_ailing(void)
{
	int64_t began_ms = clock_wall_ms();

	answer_next(-1, REFUSED);
	plant(1, 1, (struct planted){ 0 });
	begin();
	OK(await(so_many_failed, RECEIVER_AILING), "three failures");
	OK(facts.ailing_since_ms >= began_ms - 1 && facts.ailing_since_ms <= clock_wall_ms(),
	   "it ails since the first of them");
	IS_STR(str_of(facts.failure), STR("the receiver answered 503"), "and why is known");
	began_ms = facts.ailing_since_ms;
	OK(await(so_many_failed, RECEIVER_AILING + 3), "and more");
	IS_INT(facts.ailing_since_ms, began_ms, "it goes on since then");
	IS_INT(logged("level=warn"), 1, "one warning in all");
	IS_INT(logged("notify_url: 127.0.0.1 does not take what it is told: the receiver answered "
		      "503"),
	       1, "which says who, and why");
	IS_INT(logged("takes what it is told again"), 0, "and not that it were over");

	answer_next(0, NULL);
	OK(await(so_many_taken, 1), "it is back");
	IS_INT(facts.ailing_since_ms, 0, "and does not ail any more");
	IS_STR(str_of(facts.failure), STR(""), "of nothing");
	plant(2, 2, (struct planted){ 0 });
	say_it_is_back();
	OK(await(so_many_taken, 2), "the next is told at once");
	IS_INT(logged("level=info msg=\"notify_url: 127.0.0.1 takes what it is told again"), 1,
	       "that it is back is said once");
	IS_INT(logged("level=warn"), 1, "and warned of is nothing more");
	end();
}

static void test_gone(void)
{
	answer_next(-1, GONE);
	for (unsigned n = 1; n <= 3; n++)
		plant(n, n, (struct planted){ 0 });
	begin();
	OK(await(so_many_failed, 3) && it_is_gone(), "410: who is told is gone");
	IS_INT(logged("127.0.0.1 answered 410 (Gone): nothing is sent any more until a restart"), 1,
	       "which is warned of");
	OK(await(so_often_tried, 1), "what it left waits");
	answer_next(0, NULL);
	plant(4, 4, (struct planted){ 0 });
	say_it_is_back();
	OK(await(so_many_taken, 4), "all are told when somebody says that it is back");
	OK(!it_is_gone(), "and it is not gone");
	IS_INT(logged("(Gone)"), 1, "which was said once, though three were answered so");

	answer_next(-1, GONE);
	plant(5, 5, (struct planted){ 0 });
	say_it_is_back();
	OK(until(it_is_gone) && await(so_often_tried, 1), "gone once more");
	IS_INT(logged("(Gone)"), 2, "which is warned of as well");
	sql("DELETE FROM notices");
	say_it_is_back();
	OK(until(it_is_back), "it counts as back though nothing is to be told");
	end();
}

/* The wait after so many tries: up to what doubles with each, and at least a tenth of that, by chance. */
static void test_waits(void)
{
	static const struct {
		int64_t first_ms, tries, most_ms;
	} cases[] = {
		{ 10000, 0, 10000 },
		{ 10000, 1, 20000 },
		{ 10000, 3, 80000 },
		{ 10000, 100, MOST_MS },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		int64_t tries = cases[i / 2].tries, most_ms = cases[i / 2].most_ms;
		int64_t least_ms = most_ms / 10;

		options.retry_first_ms = cases[i / 2].first_ms;
		chance = (uint64_t)(most_ms - least_ms + i % 2); /* the longest, the shortest */
		answer_next(-1, REFUSED);
		plant(1, 1, (struct planted){ .tries = tries });
		begin();
		OK(await(so_often_tried, tries + 1), "%lld tries, and one more", (long long)tries);
		IS_INT(number("SELECT CAST(due_at_ms - tried_at_ms AS TEXT) FROM notices"),
		       i % 2 ? least_ms : most_ms, "the %s wait", i % 2 ? "shortest" : "longest");
		IS_INT(number("SELECT CAST(http_status AS TEXT) FROM notices"), 503,
		       "the row says what was answered");
		IS_STR(sql_text("SELECT failure FROM notices"), STR("the receiver answered 503"),
		       "and that in words");
		end();
	}
	chance = 0;
}

/* How long it has been tried for: what its tries took, and the waits between them. */
static void test_trying(void)
{
	static const struct {
		int64_t trying_ms, tried_ago_ms, least_ms, most_ms;
		const char *why;
	} cases[] = {
		{ 0, 0, 0, 0, "the first try" },
		{ 500, 1000, 1500, 1500 + TRY_MS, "a second since the last one" },
		{ 500, 10 * MINUTE_MS, 500 + 10 * MINUTE_MS, 500 + 10 * MINUTE_MS + TRY_MS,
		  "ten minutes" },
		{ 500, DAY_MS / 2, 500 + MOST_MS + 2 * TRY_MS, 500 + MOST_MS + 2 * TRY_MS,
		  "a standstill counts as the longest wait" },
		{ 500, -HOUR_MS, 500, 500, "a clock that was set back takes nothing off" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t trying_ms;

		options.retry_first_ms = 10000;
		answer_next(-1, REFUSED);
		plant(1, 1,
		      (struct planted){ .tries = 1,
					.trying_ms = cases[i].trying_ms,
					.tried_ago_ms = cases[i].tried_ago_ms });
		begin();
		OK(await(so_often_tried, 2), "%s: tried", cases[i].why);
		trying_ms = number("SELECT CAST(trying_ms AS TEXT) FROM notices");
		OK(trying_ms >= cases[i].least_ms && trying_ms <= cases[i].most_ms, "%s: %lld ms",
		   cases[i].why, (long long)trying_ms);
		end();
	}
}

static void test_given_up(void)
{
	options.give_up_after_ms = HOUR_MS;
	options.retry_first_ms = 10000;
	answer_next(-1, REFUSED);
	plant(1, 1, (struct planted){ .tries = 5, .trying_ms = HOUR_MS - 1 });
	begin();
	OK(await(so_often_tried, 6), "tried for nearly so long");
	notifier_read(notifier, &facts);
	OK(!nothing_waits() && facts.died == 0, "it waits for the next try");
	end();

	options.give_up_after_ms = HOUR_MS;
	plant(1, 1, (struct planted){ .tries = 5, .trying_ms = HOUR_MS, .type = NOTICE_FAILED });
	begin();
	OK(await(so_many_died, 1), "tried for so long: it is given up");
	IS_INT(facts.failed, 1, "with this try");
	OK(until(nothing_waits), "and waits no more");
	IS_INT(number("SELECT CAST(COUNT(*) AS TEXT) FROM notices WHERE died_at_ms IS NOT NULL"), 1,
	       "it is a dead letter");
	IS_INT(logged("recording RE00000000000000000000000000000001: recording.failed is told to "
		      "nobody, and given up: the receiver answered 503"),
	       1, "which is warned of");
	end();
}

/* The minute's tidying comes by while it is tried: what is given up then stays so, and is one that died, not two. */
static void test_given_up_meanwhile(void)
{
	static const struct {
		const char *name;
		int64_t trying_ms;
	} cases[] = {
		{ "it would be tried again", 0 },
		{ "it would be given up", HOUR_MS },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		options.give_up_after_ms = HOUR_MS;
		options.retry_first_ms = MINUTE_MS;
		answer_next(1, REFUSED);
		as_asked = "UPDATE notices SET due_at_ms = NULL, died_at_ms = at_ms WHERE seq = 1";
		plant(1, 1, (struct planted){ .trying_ms = cases[i].trying_ms });
		begin();
		OK(await(so_many_failed, 1), "%s: it fails", cases[i].name);
		as_asked = NULL;
		plant(2, 2, (struct planted){ 0 });
		ahead_ms += MINUTE_MS;
		say_it_is_back();
		OK(await(so_many_taken, 1) && until(nothing_waits), "%s: another one is taken",
		   cases[i].name);
		IS_STR(sql_text("SELECT seq || ' ' || (died_at_ms = at_ms) FROM notices"),
		       STR("1 1"), "%s: it is what it was", cases[i].name);
		notifier_read(notifier, &facts);
		IS_INT(facts.died, 0, "%s: who gave it up has counted it", cases[i].name);
		IS_INT(logged("is told to nobody"), 0, "%s: and has said so", cases[i].name);
		end();
	}
}

/* Those of one recording in their order, though the first is not taken at once; what is told to nobody is not. */
static void test_order(void)
{
	struct str first, again, second;

	answer_next(1, REFUSED);
	plant(1, 1, (struct planted){ 0 });
	plant(1, 2, (struct planted){ .type = NOTICE_LOOK });
	plant(1, 3, (struct planted){ .type = NOTICE_DELETED });
	begin();
	OK(until(nothing_waits), "all that waits is told");
	IS_INT(server.requests, 3, "but for what is told to nobody");
	first = str_after(str_of(server.all),
			  str_find_str(str_of(server.all), STR("webhook-id: ")));
	again = str_after(first, 1 + str_find_str(str_after(first, 1), STR("webhook-id: ")));
	second = str_after(again, 1 + str_find_str(str_after(again, 1), STR("webhook-id: ")));
	OK(str_starts(first, STR("webhook-id: msg_RE00000000000000000000000000000001_1\r")) &&
		   str_starts(again, STR("webhook-id: msg_RE00000000000000000000000000000001_1\r")),
	   "the first twice, under the same id");
	OK(str_starts(second, STR("webhook-id: msg_RE00000000000000000000000000000001_3\r")),
	   "the other behind it");
	end();
}

/* It cannot even be written: nobody is asked, and it is no other than one that is refused. */
static void test_too_long(void)
{
	static char url[1001];

	memset(url, '\x01', sizeof(url) - 1); /* six characters of JSON each */
	public_url = url;
	options.retry_first_ms = 10000;
	answer_next(0, NULL);
	plant(1, 1, (struct planted){ 0 });
	begin();
	OK(await(so_often_tried, 1), "what is too long to be sent has failed");
	IS_STR(sql_text("SELECT failure FROM notices"),
	       STR("notice msg_RE00000000000000000000000000000001_1 is too long"), "and says so");
	IS_INT(server.requests, 0, "nobody was asked");
	end();
	public_url = NULL;
}

/* Stored late, or no longer held: no round comes by it any more. */
static void test_expired(void)
{
	struct retention_rules rules = retention_rules_of(HOUR_MS);
	struct retention *forever = retention;

	retention = retention_new(&rules);
	answer_next(0, NULL);
	plant(1, FAR + 1, (struct planted){ .started_ago_ms = HOUR_MS + MINUTE_MS });
	plant(2, FAR + 2, (struct planted){ .started_ago_ms = HOUR_MS - MINUTE_MS });
	plant(3, FAR + 3, (struct planted){ .started_ago_ms = 2 * HOUR_MS, .is_held = true });
	plant(4, FAR + 4, (struct planted){ .started_ago_ms = 2 * HOUR_MS, .type = NOTICE_LOOK });
	plant(5, FAR + 5, (struct planted){ .started_ago_ms = 2 * HOUR_MS, .type = NOTICE_FAILED });
	begin();
	OK(await(so_many_taken, 6), "four that wait, and two that follow on them");
	OK(until(nothing_waits), "nothing more does");
	IS_STR(sql_text("SELECT group_concat(id, ' ') FROM (SELECT id FROM recordings "
			"WHERE expired_seq IS NOT NULL ORDER BY id)"),
	       STR("1 4"), "those expired that are stored, older than they are kept, and not held");
	IS_INT(server.requests, 6, "each is told once");
	end();
	retention_free(retention);
	retention = forever;
}

static bool all_is_tidied(void)
{
	return number("SELECT CAST(COUNT(*) AS TEXT) FROM notices") == wanted;
}

/* A change, by which its loop looks at the time. */
static struct {
	struct ledger_job job;
	bool is_under_way;
} change;

static bool run_change(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	job->change.what = PROJECTED_RECORDING;
	return true;
}

static void changed(struct ledger_job *job)
{
	change.is_under_way = false;
}

/* The minute of the next tidying may begin late: another one goes by now and then. */
static bool a_minute_passes(void)
{
	static unsigned looks;

	/* Fewer than those by which one whose change was later would be given up, too. */
	if (looks++ % 100 != 0 || change.is_under_way)
		return false;
	ahead_ms += MINUTE_MS;
	change.is_under_way = true;
	change.job = (struct ledger_job){ .run = run_change, .done = changed, .reply = mailbox };
	ledger_write(ledger, &change.job);
	return true;
}

static bool change_is_done(void)
{
	return !change.is_under_way;
}

static unsigned minutes;

static void let_minutes_pass(void)
{
	minutes += minutes < MINUTES_MOST && a_minute_passes();
}

static bool tidied_as_minutes_pass(void)
{
	let_minutes_pass();
	return all_is_tidied();
}

static struct str those_left(void)
{
	return sql_text(
		"SELECT group_concat(seq, ' ') FROM (SELECT seq FROM notices ORDER BY seq)");
}

/* Each minute: what was dead for a month is forgotten, and what a clock that was ahead has set is due. */
static void test_tidying(void)
{
	answer_next(0, NULL);
	plant(1, 1, (struct planted){ .due_in_ms = -1, .age_ms = 30 * DAY_MS + 1 });
	plant(2, 2, (struct planted){ .due_in_ms = -1, .age_ms = 30 * DAY_MS - HOUR_MS });
	plant(3, 3, (struct planted){ .due_in_ms = 2 * MOST_MS + HOUR_MS });
	plant(4, 4, (struct planted){ .due_in_ms = 2 * MOST_MS - MINUTE_MS });
	is_doubted = true;
	begin();
	ahead_ms += MINUTE_MS;
	say_it_is_back(); /* its loop looks at the time */
	OK(await(all_is_tidied, 3), "what is due too late is told");
	IS_STR(those_left(), STR("1 2 4"), "by a clock that is doubted nothing is forgotten");
	is_doubted = false;
	minutes = 0;
	OK(await(tidied_as_minutes_pass, 2), "else what is too old is");
	IS_STR(those_left(), STR("2 4"),
	       "a younger one, and one that waits as long as it may, are left");
	IS_INT(server.requests, 1, "the one is told");
	end();
}

/* Fewer than those by which one whose change was later would be given up, too. */
static bool died_as_minutes_pass(void)
{
	let_minutes_pass();
	return so_many_died();
}

static bool minutes_have_passed(void)
{
	minutes += a_minute_passes();
	return minutes >= 3;
}

/* A receiver that is away is tried with few of them: the others do not wait for ever. */
static void test_none_was_taken(void)
{
	options.give_up_after_ms = HOUR_MS;
	answer_next(-1, REFUSED);
	plant(1, 1, (struct planted){ 0 });
	begin();
	OK(await(so_many_failed, 1), "one is not taken");
	plant(1, 2, (struct planted){ .due_in_ms = 10 * MINUTE_MS, .age_ms = HOUR_MS });
	plant(1, 3, (struct planted){ .due_in_ms = 10 * MINUTE_MS });
	plant(1, 4, (struct planted){ .due_in_ms = 10 * MINUTE_MS, .age_ms = -3 * HOUR_MS / 2 });
	plant(5, 5, (struct planted){ .due_in_ms = -1, .age_ms = 31 * DAY_MS });
	ahead_ms += MINUTE_MS;
	say_it_is_back();
	OK(await(all_is_tidied, 4), "and a minute goes by");
	IS_INT(number("SELECT CAST(COUNT(*) AS TEXT) FROM notices WHERE died_at_ms IS NOT NULL"), 0,
	       "it failed for less than they may be tried: none is given up");
	ahead_ms += HOUR_MS;
	minutes = 0;
	OK(await(died_as_minutes_pass, 3),
	   "after that all are that nobody was told of for so long");
	/* What comes of a try that is under way has the first wait again. */
	IS_STR(sql_text("SELECT group_concat(seq, ' ') FROM notices WHERE seq > 1 AND "
			"died_at_ms IS NULL"),
	       STR("4"), "one whose change was later is left");
	OK(logged("webhooks to notify_url are given up, for none was taken for so long") > 0,
	   "which is warned of");
	end();
}

/* Nobody is tried, and nothing is given up for that; nor at once what a person has sent again. */
static void test_gone_for_long(void)
{
	options.give_up_after_ms = HOUR_MS;
	answer_next(-1, GONE);
	plant(1, 1, (struct planted){ 0 });
	begin();
	OK(until(it_is_gone), "it is gone");
	plant(2, 2, (struct planted){ .age_ms = HOUR_MS });
	ahead_ms += DAY_MS;
	minutes = 0;
	OK(until(minutes_have_passed), "a day, and some minutes, go by");
	OK(until(change_is_done), "as the ledger hears");
	notifier_read(notifier, &facts);
	IS_INT(facts.died, 0, "what happens meanwhile waits");
	answer_next(-1, REFUSED);
	say_it_is_back();
	OK(await(so_many_failed, 2), "it is said to be back, and refuses");
	minutes = 0;
	OK(until(minutes_have_passed) && until(change_is_done), "some minutes go by");
	notifier_read(notifier, &facts);
	IS_INT(facts.died, 0, "the time in which it may fail has begun anew");
	end();
}

static void test_options(void)
{
	static const struct {
		const char *url, *secret, *says;
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "https://example.com/hooks", SECRET, NULL },
		{ "https://example.com/hooks", NULL,
		  "notify_url needs a secret to sign with: set notify_secret_file" },
		{ "https://example.com/hooks", "hunter2", "notify_secret" },
		{ "ftp://example.com/hooks", SECRET, "notify_url" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct notify_options of = { .url = cases[i].url, .secret = cases[i].secret };
		bool is_good = notify_options_check(&of, &err);

		if (!cases[i].says)
			OK(is_good, "options %zu can be used", i + 1);
		else
			OK(!is_good && err.kind == ERR_INVALID && strstr(err.text, cases[i].says) &&
				   !strstr(err.text, "hunter2"),
			   "options %zu cannot: %s", i + 1, err.text);
	}
}

static void test_nobody(void)
{
	struct notify_options none = { .url = NULL };
	struct notifier_parts parts = { .options = &none, .retention = retention };
	struct notifier *nobody = notifier;

	MUST(ledger_open(path, &ledger, &err));
	parts.ledger = ledger;
	MUST(notifier_open(&parts, &nobody, &err));
	OK(!nobody, "where nobody is to be told there is none");
	MUST(notifier_start(nobody, &err));
	notifier_read(nobody, &facts);
	OK(!facts.is_on, "and that is known");
	notifier_stop(nobody);
	notifier_drain(nobody);
	notifier_free(nobody);
	ledger_free(TAKE(ledger));
}

int main(void)
{
	struct retention_rules rules = retention_rules_of(RETENTION_FOREVER);
	char log_path[] = "/tmp/callspool-log.XXXXXX";
	int stderr_fd = dup(STDERR_FILENO);
	AUTO(free) char *url = NULL;

	log_fd = mkstemp(log_path);
	unlink(log_path);
	if (log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return 1;
	running_open();
	ledger_free(TAKE(ledger));
	server_start(&server, loop, answers, ARRAY_LEN(answers));
	url = xasprintf("http://127.0.0.1:%u/hooks", server.ports[0]);
	retention = retention_new(&rules);
	options = (struct notify_options){ .url = url,
					   .secret = SECRET,
					   .timeout_ms = TRY_MS,
					   .retry_first_ms = FIRST_MS,
					   .give_up_after_ms = DAY_MS };
	test_options();
	test_nobody();
	test_few_failures();
	test_ailing();
	test_gone();
	test_waits();
	test_trying();
	test_given_up();
	test_given_up_meanwhile();
	test_order();
	test_too_long();
	test_expired();
	test_tidying();
	test_none_was_taken();
	test_gone_for_long();
	server_stop(&server);
	retention_free(retention);
	running_remove();
	dup2(stderr_fd, STDERR_FILENO);
	return tap_end();
}
