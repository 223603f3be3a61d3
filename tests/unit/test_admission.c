#include "auth/admission.h"

#include "auth/grants.h"
#include "auth_fixture.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#define RACES 60

/* ---- time, which a test moves on ---- */

static _Atomic(time_t) ahead_s;

/* In place of libc's: minutes are not waited for. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	int failed = (int)syscall(SYS_clock_gettime, id, out);

	out->tv_sec += ahead_s;
	return failed;
}

static struct {
	struct admission_waiter waiter;
	enum admission_result result;
	struct known entry;
	bool is_done;
} asked;

static void answered(struct admission_waiter *waiter, enum admission_result result,
		     const struct known *entry, int64_t wait_ms)
{
	asked.result = result;
	if (entry)
		asked.entry = *entry;
	asked.is_done = true;
}

static bool is_answered(void)
{
	return asked.is_done;
}

static void ask_begin(enum known_source source, struct str text, const char *network)
{
	enum admission_result at_once;
	int64_t wait_ms;

	asked.is_done = false;
	asked.waiter = (struct admission_waiter){ .answered = answered };
	if (admission_ask(admission, source, text, str_of(network), &asked.waiter, &at_once,
			  &wait_ms))
		answered(&asked.waiter, at_once, NULL, wait_ms);
}

static bool is_turn(void)
{
	return true;
}

static enum admission_result ask(enum known_source source, struct str text, const char *network)
{
	ask_begin(source, text, network);
	OK(until(is_answered), "it is answered");
	return asked.result;
}

static const struct known *look_at(enum known_source source, const char *text)
{
	struct admission_sight sight;

	admission_expect(admission, source, str_of(text), &sight);
	return admission_look(admission, &sight);
}

/* ---- tokens ---- */

static void make_token(struct grant *grant, uint16_t rights)
{
	struct auth_actor actor = { .rights = RIGHTS_ALL };

	MUST(grant_token_init(grant, auth, &actor, rights, 0, STR("of a test"), &err));
	MUST(write_job(&grant->job));
}

static void revoke_init(struct revocation *revocation, const struct grant *grant)
{
	struct auth_actor actor = { .rights = RIGHTS_ALL };

	MUST(revocation_init(revocation, auth, &actor, CREDENTIAL_TOKEN, str_of(grant->secret.name),
			     true, &err));
}

static const char *looked_for;

static bool is_unknown_here(void)
{
	return !look_at(KNOWN_BEARER, looked_for);
}

/* Nobody is remembered for a moment: that is no way in, either. */
static bool is_unknown_or_nobody(void)
{
	const struct known *entry = look_at(KNOWN_BEARER, looked_for);

	return !entry || entry->kind == 0;
}

static void test_known_and_revoked(void)
{
	struct grant grant;
	struct revocation revocation;

	make_token(&grant, RIGHT_PLAY | RIGHT_READ);
	OK(!look_at(KNOWN_BEARER, grant.secret.text), "nobody has asked yet");
	IS_INT(ask(KNOWN_BEARER, str_of(grant.secret.text), "a"), ADMISSION_KNOWN, "it is known");
	IS_INT(asked.entry.rights, RIGHT_PLAY | RIGHT_READ, "with its rights");
	OK(look_at(KNOWN_BEARER, grant.secret.text), "and from now on without asking");
	OK(!look_at(KNOWN_COOKIE, grant.secret.text), "but not as another kind");
	IS_INT(ask(KNOWN_COOKIE, str_of(grant.secret.text), "a"), ADMISSION_NOBODY,
	       "which is nobody");
	revoke_init(&revocation, &grant);
	MUST(write_job(&revocation.job));
	looked_for = grant.secret.text;
	OK(until(is_unknown_here), "revoked: the loop forgets it");
	IS_INT(ask(KNOWN_BEARER, str_of(grant.secret.text), "a"), ADMISSION_NOBODY,
	       "and it is over");
}

/* Whoever asks while it is revoked must not bring it back: at whatever moment the reader read. */
static void test_race(void)
{
	unsigned known = 0, brought_back = 0;

	for (unsigned i = 0; i < RACES; i++) {
		struct grant grant;
		struct revocation revocation;

		make_token(&grant, RIGHT_PLAY);
		revoke_init(&revocation, &grant);
		job_is_done = false;
		revocation.job.done = job_done;
		revocation.job.reply = mailbox;
		if (i % 2)
			ledger_write(ledger, &revocation.job);
		ask_begin(KNOWN_BEARER, str_of(grant.secret.text), "b");
		if (i % 2 == 0)
			ledger_write(ledger, &revocation.job);
		if (!until(is_answered) || !until(is_job_done))
			break;
		known += asked.result == ADMISSION_KNOWN;
		looked_for = grant.secret.text;
		if (!until(is_unknown_or_nobody))
			brought_back++;
	}
	IS_INT(brought_back, 0, "none comes back (%u were known before)", known);
}

/* ---- an answer that is older than a change ---- */

static pthread_mutex_t readers_shut = PTHREAD_MUTEX_INITIALIZER;

static bool run_held(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	pthread_mutex_lock(&readers_shut);
	pthread_mutex_unlock(&readers_shut);
	return true;
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void nothing_done(struct ledger_job *job)
{
}

/* A read that is done, and what was read before it delivered. */
static void pass_readers(void)
{
	struct ledger_job job = { .run = run_nothing, .done = job_done, .reply = mailbox };

	job_is_done = false;
	ledger_read(ledger, &job);
	OK(until(is_job_done), "the readers go on");
}

/* The loop hears of a change that is newer than what the readers see: what they say does not count yet. */
static void test_stale(void)
{
	struct projection_change change = { .what = PROJECTED_CREDENTIAL, .credential_id = 999999 };
	struct ledger_job held[2];
	struct grant grant;

	make_token(&grant, RIGHT_PLAY);
	pthread_mutex_lock(&readers_shut);
	for (size_t i = 0; i < ARRAY_LEN(held); i++) {
		held[i] = (struct ledger_job){ .run = run_held,
					       .done = nothing_done,
					       .reply = mailbox };
		ledger_read(ledger, &held[i]);
	}
	ask_begin(KNOWN_BEARER, str_of(grant.secret.text), "c");
	feed_tell(ledger_feed(ledger), &change, 1, grant.job.sequence + 8);
	pthread_mutex_unlock(&readers_shut);
	for (int i = 0; i < 20; i++)
		pass_readers();
	OK(!asked.is_done, "an answer from before the change is asked for again");
	for (int i = 0; i < 8; i++)
		make_token(&grant, RIGHT_PLAY);
	OK(until(is_answered), "until one is as new");
	IS_INT(asked.result, ADMISSION_KNOWN, "and that one counts");
}

static void test_malformed_and_throttled(void)
{
	unsigned throttled = 0, nobody = 0;

	IS_INT(ask(KNOWN_BEARER, STR("short"), "d"), ADMISSION_NOBODY, "of no form");
	IS_INT(ask(KNOWN_LINK_VISIT, STR("AAAAAAAA"), "d"), ADMISSION_NOBODY,
	       "a link's name without a visit");
	for (unsigned i = 0; i < 40; i++) {
		char text[CREDENTIAL_SIZE];

		snprintf(text, sizeof(text), "%032u", i);
		switch (ask(KNOWN_BEARER, str_of(text), "guesser")) {
		case ADMISSION_NOBODY:
			nobody++;
			break;
		case ADMISSION_THROTTLED:
			throttled++;
			break;
		case ADMISSION_KNOWN:
		case ADMISSION_BUSY:
		case ADMISSION_FAILED:
			break;
		}
	}
	OK(nobody >= 30 && throttled > 0 && nobody + throttled == 40,
	   "thirty guesses of a network are asked (%u), then none (%u)", nobody, throttled);
	IS_INT(ask(KNOWN_BEARER, STR("00000000000000000000000000000099"), "another"),
	       ADMISSION_NOBODY, "another network is asked");
}

static void test_one_query_for_all(void)
{
	struct admission_waiter others[3];
	enum admission_result at_once;
	struct grant grant;
	int64_t wait_ms;
	bool was_asked = true;

	make_token(&grant, RIGHT_PLAY);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		others[i] = (struct admission_waiter){ .answered = answered };
		was_asked = was_asked &&
			    !admission_ask(admission, KNOWN_BEARER, str_of(grant.secret.text),
					   STR("e"), &others[i], &at_once, &wait_ms);
	}
	OK(was_asked, "three ask for the same");
	admission_leave(&others[0]);
	admission_leave(&others[0]);
	asked.is_done = false;
	OK(until(is_answered), "those who stayed are answered");
	IS_INT(asked.result, ADMISSION_KNOWN, "all the same");
}

static void test_proxy_user(void)
{
	uint16_t rights = RIGHTS_LISTENER;
	char text[16] = "dana";
	struct str named = { text, 5 + sizeof(rights) };
	struct people_change disable;

	memcpy(text + 5, &rights, sizeof(rights));
	IS_INT(ask(KNOWN_PROXY, named, "f"), ADMISSION_KNOWN, "whom the proxy names first is made");
	IS_INT(asked.entry.rights, rights, "with the rights of the groups");
	IS_STR(sql_text("SELECT source FROM users WHERE name = 'dana'"), STR("1"), "by the proxy");
	change_user(&disable, "dana", PEOPLE_DISABLE);
	disable.source = USER_BY_PROXY;
	MUST(write_job(&disable.job));
	IS_INT(ask(KNOWN_PROXY, named, "f"), ADMISSION_NOBODY, "disabled here: nobody");
}

/* ---- sessions ---- */

struct session {
	struct ledger_job job;
	struct credential_row row;
	struct credential secret;
};

static bool run_session(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return credentials_add(catalog, &container_of(job, struct session, job)->row, cause);
}

static void make_session(struct session *session, int64_t user_id)
{
	*session = (struct session){ .job = { .run = run_session } };
	credential_make(&session->secret);
	session->row = (struct credential_row){ .kind = CREDENTIAL_SESSION,
						.user_id = user_id,
						.rights = RIGHTS_ALL,
						.made_at_ms = clock_wall_ms() };
	memcpy(session->row.name, session->secret.name, sizeof(session->row.name));
	memcpy(session->row.hash, session->secret.hash, sizeof(session->row.hash));
	MUST(write_job(&session->job));
}

/* Without an end of its own, and without one for want of requests. */
static void test_session_for_ever(void)
{
	int64_t idle_ms = auth->options.session_idle_ms;
	struct session session;

	auth->options.session_idle_ms = INT64_MAX;
	make_session(&session, add_user("noa", ROLE_LISTENER));
	IS_INT(ask(KNOWN_COOKIE, str_of(session.secret.text), "g"), ADMISSION_KNOWN,
	       "session.idle = forever: a session is known");
	for (int i = 0; i < 3; i++) {
		ahead_s += 400;
		OK(until(is_turn), "a turn of the loop, which has the time of its own");
		OK(look_at(KNOWN_COOKIE, session.secret.text), "and stays so");
	}
	auth->options.session_idle_ms = idle_ms;
}

/* ---- who was seen ---- */

static const char *seen_name;
static int64_t seen_after_ms;

static int64_t seen_at_ms(void)
{
	AUTO(free)
	char *query = xasprintf("SELECT COALESCE(seen_at_ms, 0) FROM credentials WHERE "
				"name = '%s'",
				seen_name);
	int64_t at_ms = -1;

	(void)!str_to_i64(sql_text(query), &at_ms);
	return at_ms;
}

static bool is_seen(void)
{
	return seen_at_ms() >= seen_after_ms;
}

/* Not at each request is the ledger told who was seen. */
static void test_telling_of_who_was_seen(void)
{
	struct grant grant, unseen;

	make_token(&grant, RIGHT_PLAY);
	make_token(&unseen, RIGHT_PLAY);
	seen_name = grant.secret.name;
	IS_INT(ask(KNOWN_BEARER, str_of(grant.secret.text), "seen"), ADMISSION_KNOWN, "known");
	for (int round = 0; round < 3; round++) {
		ahead_s += 400;
		seen_after_ms = clock_wall_ms() / 1000 * 1000;
		OK(until(is_turn), "a turn of the loop, which has the time of its own");
		OK(look_at(KNOWN_BEARER, grant.secret.text), "it comes by again");
		OK(seen_at_ms() < seen_after_ms, "which is not told at once");
		ahead_s += 400;
		OK(until(is_seen), "round %d: the ledger is told later", round);
		OK(seen_at_ms() < clock_wall_ms() - 300000, "when that was");
	}
	seen_name = unseen.secret.name;
	IS_INT(seen_at_ms(), 0, "who was not seen is not told");
}

/* What the other loop is asked, which has nothing of its own of the session. */
static enum admission_result ask_another(const struct session *session)
{
	struct admission *own = admission;
	enum admission_result result;

	admission = another_admission;
	result = ask(KNOWN_COOKIE, str_of(session->secret.text), "h");
	admission = own;
	return result;
}

/* An idle time of a minute: who goes on being seen by one loop is not over for another, or after a restart. */
static void test_seen_by_another_loop(void)
{
	int64_t user_id = add_user("tal", ROLE_LISTENER);
	struct session session;

	make_session(&session, user_id);
	seen_name = session.secret.name;
	IS_INT(ask(KNOWN_COOKIE, str_of(session.secret.text), "h"), ADMISSION_KNOWN, "known");
	for (int round = 0; round < 4; round++) {
		ahead_s += 20;
		seen_after_ms = clock_wall_ms() / 1000 * 1000;
		OK(until(is_turn), "a turn of the loop, which has the time of its own");
		OK(look_at(KNOWN_COOKIE, session.secret.text), "it comes by again");
		ahead_s += 15;
		OK(until(is_seen) && clock_wall_ms() < seen_after_ms + 30000,
		   "round %d: the ledger is told in time", round);
	}
	IS_INT(ask_another(&session), ADMISSION_KNOWN, "another loop knows it, too");
	make_session(&session, user_id);
	ahead_s += 70;
	IS_INT(ask_another(&session), ADMISSION_KNOWN, "it may have been seen since, and not told");
	make_session(&session, user_id);
	ahead_s += 80;
	IS_INT(ask_another(&session), ADMISSION_NOBODY, "but not for longer than that takes");
}

int main(void)
{
	session_idle_ms = 60 * 1000;
	fixture_open(AUTH_PASSWORD);
	test_known_and_revoked();
	test_race();
	test_stale();
	test_malformed_and_throttled();
	test_one_query_for_all();
	test_proxy_user();
	test_session_for_ever();
	test_telling_of_who_was_seen();
	test_seen_by_another_loop();
	fixture_close();
	return tap_end();
}
