#include "dispatch/limits.h"

#include "base/mem.h"
#include "catalog/recordings_queue.h"
#include "flights/flight_private.h"
#include "tap.h"
#include "twilio/accounts.h"

#define A "AC0000000000000000000000000000000a"
#define B "AC0000000000000000000000000000000b"

static struct account two[] = { { .account_sid = (char[]){ A }, .api_url = (char[]){ "x" } },
				{ .account_sid = (char[]){ B }, .api_url = (char[]){ "x" } } };
static const struct accounts accounts = { .at = two, .count = 2 };
static struct limits *limits;
static int64_t now_ms = 1000000;

static int64_t began_at_ms; /* 0: now, as what comes back at once */
static bool is_unsent;      /* its turn ended before Twilio was asked, or another host was */

/* What came back of recording n of an account. */
static void told(const char *account_sid, unsigned n, enum verdict_meaning meaning, int status,
		 bool is_redirected)
{
	struct flight flight = { .last_try_at_ms = began_at_ms ? began_at_ms : now_ms };
	struct flight_result result = { .meaning = meaning,
					.status = status,
					.is_redirected = is_redirected,
					.was_sent = !is_unsent };

	memcpy(flight.account_sid, account_sid, SID_SIZE);
	snprintf(flight.recording_sid, SID_SIZE, "RE%032x", n);
	limits_told(limits, &flight, &result, now_ms);
}

static unsigned room(const char *account_sid, enum flight_rank rank)
{
	return limits_room(limits, account_sid, rank, now_ms);
}

static void begin(unsigned concurrency)
{
	limits_free(limits);
	limits = limits_new(&accounts, concurrency, 8);
}

static void test_limited(void)
{
	begin(32);
	told(A, 1, VERDICT_LIMITED, 429, false);
	told(A, 2, VERDICT_LIMITED, 429, false);
	IS_INT(room(A, FLIGHT_NEW), 16, "a storm of 429 halves the limit once");
	IS_INT(room(B, FLIGHT_NEW), 32, "of its own account alone");
	now_ms += 1000;
	told(A, 1, VERDICT_LIMITED, 429, false);
	IS_INT(room(A, FLIGHT_NEW), 8, "the next second halves it again");
	IS_INT(room(A, FLIGHT_FOR_PLAYERS), 16, "players have some more");
	IS_INT(room(A, FLIGHT_BACKFILL), 4, "backfill has half");
	for (int i = 0; i < 8; i++)
		told(A, 1, VERDICT_KEPT, 200, false);
	IS_INT(room(A, FLIGHT_NEW), 8, "a round of successes is not quite one more");
	told(A, 1, VERDICT_KEPT, 200, false);
	IS_INT(room(A, FLIGHT_NEW), 9, "but then it is");
	for (int i = 0; i < 2000; i++)
		told(A, 1, VERDICT_KEPT, 200, false);
	IS_INT(room(A, FLIGHT_NEW), 32, "never more than may fly in all");
	is_unsent = true;
	told(A, 1, VERDICT_LIMITED, 429, false);
	is_unsent = false;
	IS_INT(room(A, FLIGHT_NEW), 32, "what another host limits is not the account's");
	for (int i = 0; i < 10; i++, now_ms += 1000)
		told(A, 1, VERDICT_LIMITED, 429, false);
	IS_INT(room(A, FLIGHT_NEW), 1, "nor fewer than one");
}

static void test_slots(void)
{
	struct queue_share shares[2];

	begin(8);
	limits_slots(limits, A)[FLIGHT_NEW] = 3;
	limits_slots(limits, A)[FLIGHT_BACKFILL] = 3;
	IS_INT(room(A, FLIGHT_NEW), 2, "what flies is taken off");
	IS_INT(room(A, FLIGHT_BACKFILL), 1, "of backfill's half, too");
	limits_slots(limits, A)[FLIGHT_NEW] = 5;
	IS_INT(room(A, FLIGHT_BACKFILL), 0, "all are taken");
	limits_slots(limits, A)[FLIGHT_FOR_PLAYERS] = 3;
	IS_INT(room(A, FLIGHT_NEW), 0, "players took more than all");
	IS_INT(room(A, FLIGHT_FOR_PLAYERS), 5, "and may take still more");
	limits_shares(limits, now_ms, shares);
	IS_INT(limits_count(limits), 2, "a share an account");
	OK(strcmp(shares[0].account_sid, A) == 0 && shares[0].most == 0 && shares[1].most == 8 &&
		   shares[1].most_backfill == 4,
	   "of a claim each has what is left to it");
	IS_INT(room("AC-in-no-setting", FLIGHT_NEW), 8, "who is in no setting is not held back");
}

/* recordings: one digit each; '+' a success, 'r' a redirect's refusal, '4' 401. */
static void test_refused(void)
{
	static const struct {
		const char *answers;
		bool is_paused;
		const char *why;
	} cases[] = {
		{ "4", true, "401 is about the account" },
		{ "1", false, "403 is about its recording" },
		{ "12", false, "two are not enough" },
		{ "123", true, "three recordings in a row are" },
		{ "1111", false, "one recording, however often, is not" },
		{ "1212", false, "nor are two" },
		{ "12+3", false, "nor three with a success between them" },
		{ "12+123", true, "then they are counted anew" },
		{ "rrrr", false, "what a redirect leads to knows no credentials of ours" },
		{ "12r3", false, "and who redirects has let us in" },
		{ "4+", false, "one success ends it" },
		{ "123+", false, "of the other sort, too" },
		{ "1235", true, "a 403 more does not" },
		{ "12x3", true, "a server error is no success" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(8);
		for (const char *at = cases[i].answers; *at; at++) {
			if (*at == '4')
				told(A, 4, VERDICT_REFUSED, 401, false);
			else if (*at == '+')
				told(A, 9, VERDICT_KEPT, 200, false);
			else if (*at == 'r')
				told(A, 9, VERDICT_DOWN, 403, true);
			else if (*at == 'x')
				told(A, 9, VERDICT_DOWN, 500, false);
			else
				told(A, (unsigned)(*at - '0'), VERDICT_FORBIDDEN, 403, false);
		}
		OK((limits_paused_ms(limits, A, now_ms) > 0) == cases[i].is_paused, "%s: %s",
		   cases[i].answers, cases[i].why);
		IS_INT(room(A, FLIGHT_FOR_PLAYERS), cases[i].is_paused ? 0 : 16,
		       "as its room says");
		IS_INT(limits_paused_ms(limits, B, now_ms), 0, "the other account goes on");
	}
}

static void test_probes(void)
{
	begin(8);
	IS_INT(limits_next_ms(limits, now_ms), -1, "nobody is paused");
	told(A, 1, VERDICT_REFUSED, 401, false);
	IS_INT(limits_next_ms(limits, now_ms), 60000, "a paused account is tried in a minute");
	now_ms += 59999;
	IS_INT(room(A, FLIGHT_NEW), 0, "not before");
	now_ms++;
	IS_INT(room(A, FLIGHT_NEW), 1, "by one recording");
	IS_INT(limits_next_ms(limits, now_ms), 0, "now");
	limits_begin(limits, A, now_ms);
	IS_INT(room(A, FLIGHT_FOR_PLAYERS), 0, "once a minute, whoever waits");
	IS_INT(limits_paused_ms(limits, A, now_ms), 60000, "the next in a minute");
	told(A, 1, VERDICT_REFUSED, 401, false);
	IS_INT(limits_paused_ms(limits, A, now_ms), 60000, "a refusal changes nothing");
	now_ms += 60000;
	limits_begin(limits, A, now_ms);
	told(A, 1, VERDICT_NOT_FOUND, 404, false);
	IS_INT(room(A, FLIGHT_NEW), 8, "who is told that it is not there has been let in");
}

static void told_unsent(void)
{
	is_unsent = true;
	told(A, 1, VERDICT_GONE, 0, false);
	is_unsent = false;
}

/* Of what is due some is too old by now, or wants a key: Twilio is not asked. */
static void test_probe_unsent(void)
{
	begin(8);
	told_unsent();
	IS_INT(room(A, FLIGHT_NEW), 8, "not paused: nothing to give back");
	told(A, 1, VERDICT_REFUSED, 401, false);
	began_at_ms = now_ms - 1;
	told_unsent();
	began_at_ms = 0;
	IS_INT(limits_next_ms(limits, now_ms), 60000, "one that began before is not the minute's");
	now_ms += 60000;
	limits_begin(limits, A, now_ms);
	now_ms += 10;
	told_unsent();
	IS_INT(limits_next_ms(limits, now_ms), 0, "no request went out: another one may, at once");
	IS_INT(room(A, FLIGHT_NEW), 1, "one");
	OK(limits_is_paused(limits, A), "which finds out whether it is let in");
	limits_begin(limits, A, now_ms);
	told(A, 2, VERDICT_REFUSED, 401, false);
	IS_INT(limits_next_ms(limits, now_ms), 60000, "it is not: the next in a minute");
}

/* Long downloads come to their end, whatever has been refused meanwhile. */
static void test_of_before(void)
{
	static const struct {
		const char *refusals;
		int began_ms; /* since the account was paused */
		enum verdict_meaning meaning;
		int status;
		bool is_paused;
		const char *why;
	} cases[] = {
		{ "4", -1, VERDICT_KEPT, 200, true, "what was let in before the 401" },
		{ "4", -600000, VERDICT_NOT_FOUND, 404, true, "or was not there" },
		{ "123", -1, VERDICT_KEPT, 200, true, "before the third 403 as well" },
		{ "4", 60000, VERDICT_KEPT, 200, false, "but what is let in since then" },
		{ "123", 60000, VERDICT_KEPT, 200, false, "after three 403 as well" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(8);
		for (const char *at = cases[i].refusals; *at; at++)
			told(A, (unsigned)(*at - '0'),
			     *at == '4' ? VERDICT_REFUSED : VERDICT_FORBIDDEN,
			     *at == '4' ? 401 : 403, false);
		began_at_ms = now_ms + cases[i].began_ms;
		now_ms += 120000;
		told(A, 9, cases[i].meaning, cases[i].status, false);
		began_at_ms = 0;
		IS_INT(limits_is_paused(limits, A), cases[i].is_paused, "%s", cases[i].why);
	}
}

/* SIGHUP. */
static void test_change(void)
{
	begin(32);
	told(A, 1, VERDICT_LIMITED, 429, false);
	limits_change(limits, 40, 4);
	IS_INT(room(B, FLIGHT_NEW), 40, "more at once, at once");
	IS_INT(room(B, FLIGHT_FOR_PLAYERS), 44, "and some more for players");
	IS_INT(room(A, FLIGHT_NEW), 16, "but not of an account that Twilio limits");
	for (int i = 0; i < 4000; i++)
		told(A, 1, VERDICT_KEPT, 200, false);
	IS_INT(room(A, FLIGHT_NEW), 40, "which grows to it");
	limits_change(limits, 3, 0);
	OK(room(A, FLIGHT_NEW) == 3 && room(B, FLIGHT_FOR_PLAYERS) == 3, "fewer at once, of all");
}

int main(void)
{
	test_limited();
	test_slots();
	test_refused();
	test_probes();
	test_of_before();
	test_probe_unsent();
	test_change();
	limits_free(limits);
	return tap_end();
}
