#include "auth/sign_in.h"

#include "accounts/sign_in_failures.h"
#include "auth/hashers.h"
#include "auth/password_change.h"
#include "auth_fixture.h"

#include <pthread.h>

/* ---- one sign-in, waited for ---- */

static struct attempt {
	struct sign_in_waiter waiter;
	enum sign_in_result result;
	bool is_done;
} attempt;

static void attempt_answered(struct sign_in_waiter *waiter, enum sign_in_result result)
{
	attempt.result = result;
	attempt.is_done = true;
}

static bool attempt_is_done(void)
{
	return attempt.is_done;
}

static unsigned networks;

/* From a network of its own, unless one is named. */
static void begin(const char *name, struct str password, const char *device, const char *session,
		  const char *address)
{
	char own[32];
	struct sign_in_request request = {
		.name = str_of(name),
		.password = password,
		.device = str_of(device ? device : ""),
		.session = str_of(session ? session : ""),
	};

	networks++;
	snprintf(own, sizeof(own), "198.18.%u.%u", networks / 256, networks % 256);
	request.address = str_of(address ? address : own);
	attempt = (struct attempt){ .waiter = { .answered = attempt_answered } };
	sign_in_start(auth, mailbox, &request, &attempt.waiter);
}

static enum sign_in_result sign_in(const char *name, struct str password, const char *device)
{
	begin(name, password, device, NULL, NULL);
	OK(until(attempt_is_done), "%s is answered", name);
	return attempt.result;
}

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static void set_failures(const char *name, int count, int64_t at_ms)
{
	char key[SIGN_IN_FAILURES_KEY_SIZE];
	AUTO(free) char *text = NULL;

	sign_in_failures_key(auth, name, key);
	text = xasprintf("INSERT OR REPLACE INTO sign_in_failures (name_hash, failures, at_ms) "
			 "VALUES ('%s', %d, %lld)",
			 key, count, (long long)at_ms);
	sql(text);
}

/* ---- what happens between the reading and the writing ---- */

/*
 * The writer is held by the gate, and one of the two readers here: the other takes what is read in order, so that
 * what was posted before `probe` was read, and its answer delivered, when that of `probe` is.
 */
static pthread_mutex_t reader_shut = PTHREAD_MUTEX_INITIALIZER;
static struct ledger_job held_read, probe;

static bool run_held(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	pthread_mutex_lock(&reader_shut);
	pthread_mutex_unlock(&reader_shut);
	return true;
}

static bool run_probe(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void held_done(struct ledger_job *job)
{
}

/* `overtakes` is written after what begins from here on has read, and before it writes. */
static void overtake_begin(struct ledger_job *overtakes)
{
	gate_shut();
	overtakes->reply = mailbox;
	overtakes->done = held_done;
	ledger_write(ledger, overtakes);
	pthread_mutex_lock(&reader_shut);
	held_read = (struct ledger_job){ .run = run_held, .done = held_done, .reply = mailbox };
	ledger_read(ledger, &held_read);
}

static void overtake_end(void)
{
	job_is_done = false;
	probe = (struct ledger_job){ .run = run_probe, .done = job_done, .reply = mailbox };
	ledger_read(ledger, &probe);
	OK(until(is_job_done), "it was read");
	pthread_mutex_unlock(&reader_shut);
	gate_open();
	OK(until(gate_is_done), "the writer goes on");
}

/* ---- the results ---- */

static void test_results(void)
{
	char device[CREDENTIAL_SIZE];

	add_user("dana", ROLE_LISTENER);
	IS_INT(sign_in("dana", PASSWORD, NULL), SIGN_IN_GOOD, "name and password are right");
	OK(attempt.waiter.session.text[0] && attempt.waiter.device.text[0],
	   "a session, and a browser that is known");
	memcpy(device, attempt.waiter.device.text, sizeof(device));
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'signed_in'"), 1, "audited");
	IS_INT(sign_in("dana", PASSWORD, device), SIGN_IN_GOOD, "from the same browser");
	OK(attempt.waiter.device.text[0] == '\0', "it is known already");
	IS_INT(sign_in("dana", STR("not the password"), NULL), SIGN_IN_WRONG, "wrong");
	IS_INT(sign_in("nobody", PASSWORD, NULL), SIGN_IN_WRONG, "nobody has the name");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'sign_in_failed'"), 2,
	       "both audited");
	IS_INT(count_of("SELECT COUNT(*) FROM sign_in_failures"), 2, "and counted");
	IS_INT(sign_in("dana", PASSWORD, NULL), SIGN_IN_GOOD, "right again");
	IS_INT(count_of("SELECT COUNT(*) FROM sign_in_failures"), 1, "a success ends the count");
}

static void test_disabled_meanwhile(void)
{
	struct people_change change;

	add_user("admin", ROLE_ADMIN);
	add_user("gil", ROLE_LISTENER);
	change_user(&change, "gil", PEOPLE_DISABLE);
	overtake_begin(&change.job);
	begin("gil", PASSWORD, NULL, NULL, NULL);
	overtake_end();
	OK(until(attempt_is_done), "and the sign-in is over");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'sign_in_failed'"), 2,
	       "the password was right: it is no failure of that kind");
	IS_INT(attempt.result, SIGN_IN_WRONG, "disabled while the password was hashed");
	OK(attempt.waiter.session.text[0] == '\0', "no session is given out");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials c JOIN users u ON u.id = c.user_id "
			"WHERE u.name = 'gil'"),
	       0, "and none is there");
}

static void test_waiting(void)
{
	static const struct {
		int failures;
		int64_t minutes;
	} cases[] = { { 9, 0 },  { 10, 1 },  { 11, 2 },  { 12, 4 },
		      { 13, 8 }, { 14, 15 }, { 60, 15 }, { 99, 15 } };
	int64_t now_ms = clock_wall_ms();
	char device[CREDENTIAL_SIZE];

	add_user("tamar", ROLE_LISTENER);
	IS_INT(sign_in("tamar", PASSWORD, NULL), SIGN_IN_GOOD, "once, for the browser");
	memcpy(device, attempt.waiter.device.text, sizeof(device));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_failures("tamar", cases[i].failures, now_ms);
		sign_in("tamar", STR("not the password"), NULL);
		if (cases[i].minutes == 0) {
			IS_INT(attempt.result, SIGN_IN_WRONG, "nine failures are free");
			continue;
		}
		IS_INT(attempt.result, SIGN_IN_THROTTLED, "after %d failures", cases[i].failures);
		OK(attempt.waiter.wait_ms <= cases[i].minutes * 60000 &&
			   attempt.waiter.wait_ms > cases[i].minutes * 60000 - 60000,
		   "for %d minutes", (int)cases[i].minutes);
	}
	set_failures("tamar", 60, now_ms - 16 * 60000);
	IS_INT(sign_in("tamar", STR("not the password"), NULL), SIGN_IN_WRONG, "then one more");
	set_failures("tamar", 100, 1);
	IS_INT(sign_in("tamar", PASSWORD, NULL), SIGN_IN_LOCKED,
	       "a hundred lock it, however long ago");
	IS_STR(str_of(attempt.waiter.throttled_name), STR("tamar"), "it is said which");
	IS_INT(attempt.waiter.wait_ms, 0, "there is nothing to wait for");
	set_failures("nobodys", 100, 1);
	IS_INT(sign_in("nobodys", PASSWORD, NULL), SIGN_IN_LOCKED, "nobody's name alike");
	IS_INT(sign_in("nobodys", PASSWORD, device), SIGN_IN_LOCKED,
	       "and a browser that is known of another name opens nothing");
	IS_INT(sign_in("tamar", PASSWORD, device), SIGN_IN_GOOD,
	       "but for the browser that is known");
	IS_INT(sign_in("tamar", PASSWORD, NULL), SIGN_IN_GOOD, "and that opens it");
}

/* Of one network, all begun before any is answered: what answering takes is no part of it. */
static struct try_of_network {
	struct sign_in_waiter waiter;
	enum sign_in_result result;
} tries[24];
static unsigned tries_answered;

static void try_answered(struct sign_in_waiter *waiter, enum sign_in_result result)
{
	container_of(waiter, struct try_of_network, waiter)->result = result;
	tries_answered++;
}

static bool are_tries_answered(void)
{
	return tries_answered == ARRAY_LEN(tries);
}

static void test_throttled_network(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(tries); i++) {
		char name[16];
		struct sign_in_request request = { .password = PASSWORD,
						   .address = STR("203.0.113.9") };

		snprintf(name, sizeof(name), "spray%u", i);
		request.name = str_of(name);
		tries[i].waiter.answered = try_answered;
		sign_in_start(auth, mailbox, &request, &tries[i].waiter);
	}
	OK(until(are_tries_answered), "all are answered");
	for (unsigned i = 0; i < ARRAY_LEN(tries); i++)
		IS_INT(tries[i].result == SIGN_IN_THROTTLED, i >= 20, "try %u of a network", i);
}

/* More than an account or a network has tries: only those that fail count. */
static void test_right_ones_cost_nothing(void)
{
	unsigned good = 0;

	add_user("shira", ROLE_LISTENER);
	for (unsigned i = 0; i < 24; i++) {
		begin("shira", PASSWORD, NULL, NULL, "203.0.113.77");
		OK(until(attempt_is_done), "answered");
		good += attempt.result == SIGN_IN_GOOD;
	}
	IS_INT(good, 24, "whoever knows the password signs in as often as they like");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials c JOIN users u ON u.id = c.user_id WHERE "
			"u.name = 'shira' AND c.agent IS NULL AND c.kind = (SELECT kind FROM "
			"credentials WHERE user_id = u.id ORDER BY id LIMIT 1)"),
	       20, "the sessions of twenty browsers are kept");
}

static int64_t failed_before;

static bool both_are_counted(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'sign_in_failed'") ==
	       failed_before + 2;
}

/* Two readers look at once: the one who left may be behind. */
static void test_leaving(void)
{
	failed_before = count_of("SELECT COUNT(*) FROM audit WHERE kind = 'sign_in_failed'");

	begin("dana", STR("not the password"), NULL, NULL, NULL);
	sign_in_leave(&attempt.waiter);
	IS_INT(sign_in("nobody.else", PASSWORD, NULL), SIGN_IN_WRONG, "another, behind it");
	OK(until(both_are_counted), "who left is counted all the same");
}

/* A name of the greatest length whose every byte takes six in JSON. */
static void test_long_name(void)
{
	char name[USER_NAME_SIZE];
	struct str body;

	memset(name, '<', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	IS_INT(sign_in(name, PASSWORD, NULL), SIGN_IN_WRONG, "what could be no name");
	body = sql_text("SELECT COALESCE(body, '') FROM audit WHERE kind = 'sign_in_failed' "
			"ORDER BY chain DESC, seq DESC LIMIT 1");
	OK(str_find_str(body, STR("\"reason\":\"unknown name\"")) < body.len,
	   "the audit says why: %.*s", STR_ARG(body));
}

/* ---- changing a password ---- */

static struct {
	struct password_change_waiter waiter;
	enum password_change_result result;
	bool is_done;
} change;

static void change_answered(struct password_change_waiter *waiter,
			    enum password_change_result result)
{
	change.result = result;
	change.is_done = true;
}

static bool change_is_done(void)
{
	return change.is_done;
}

static void begin_change(int64_t user_id)
{
	struct password_change_request request = { .user_id = user_id,
						   .current = PASSWORD,
						   .password = STR("a new one and a long one"),
						   .address = STR("198.51.100.1") };

	change.is_done = false;
	change.waiter = (struct password_change_waiter){ .answered = change_answered };
	password_change_start(auth, mailbox, &request, &change.waiter);
}

static void test_change_overtaken(void)
{
	int64_t id = add_user("noa", ROLE_LISTENER);
	struct people_change disable;

	change_user(&disable, "noa", PEOPLE_DISABLE);
	overtake_begin(&disable.job);
	begin_change(id);
	overtake_end();
	OK(until(change_is_done), "and the change is over");
	IS_INT(change.result, PASSWORD_CURRENT_WRONG, "disabled while the password was hashed");
	OK(change.waiter.session.text[0] == '\0', "no session is given out");
	id = add_user("avi", ROLE_LISTENER);
	begin_change(id);
	OK(until(change_is_done), "another is changed");
	IS_INT(change.result, PASSWORD_CHANGED, "by the current password");
	IS_INT(sign_in("avi", PASSWORD, NULL), SIGN_IN_WRONG, "the old one is over");
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	test_results();
	test_disabled_meanwhile();
	test_waiting();
	test_throttled_network();
	test_right_ones_cost_nothing();
	test_leaving();
	test_long_name();
	test_change_overtaken();
	fixture_close();
	return tap_end();
}
