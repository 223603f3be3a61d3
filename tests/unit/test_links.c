#include "auth/links.h"

#include "auth/grants.h"
#include "auth_fixture.h"

#define HOUR_MS  (60 * 60 * 1000)
#define SLACK_MS 60000 /* between a job's clock and ours */

#define RECORDING "RE00000000000000000000000000000001"
#define CALL      "CA00000000000000000000000000000001"
#define UNCALLED  "RE00000000000000000000000000000002"
#define SECOND    "RE00000000000000000000000000000003" /* of the same call */
#define REMOVED   "RE00000000000000000000000000000004" /* of it, too */

static struct auth_actor maker = { .rights = RIGHTS_ALL };

/* ---- what there is ---- */

static void add_recordings(void)
{
	sql("INSERT INTO calls (id, call_sid, status, direction, direction_text, from_address, "
	    "to_address, started_at_ms, started_rank, main_recording_id, is_main_fixed, "
	    "recording_group, recordings, changed_seq) VALUES (1, '" CALL
	    "', 0, 1, 'inbound', '+15550001111', '+15550002222', 5000, 1, 1, 0, 2, 1, 1)");
	sql("INSERT INTO recordings (id, recording_sid, call_id, call_sid, state, upstream, is_held, "
	    "is_duration_off, channels_wanted, tries, started_at_ms, duration_s, duration_ms, "
	    "changed_seq) VALUES (1, '" RECORDING "', 1, '" CALL
	    "', 3, 0, 0, 0, 2, 1, 7000, 90, 91500, 1)");
	sql("INSERT INTO recordings (id, recording_sid, state, upstream, is_held, is_duration_off, "
	    "channels_wanted, tries, duration_s, changed_seq) VALUES (2, '" UNCALLED
	    "', 1, 0, 0, 0, 2, 0, 90, 1)");
}

static void add_others_of_the_call(void)
{
	sql("INSERT INTO recordings (id, recording_sid, call_id, call_sid, state, upstream, is_held, "
	    "is_duration_off, channels_wanted, tries, started_at_ms, duration_s, duration_ms, "
	    "changed_seq) VALUES (3, '" SECOND "', 1, '" CALL
	    "', 3, 0, 0, 0, 2, 1, 8000, 30, 30500, 1), (4, '" REMOVED "', 1, '" CALL
	    "', 8, 0, 0, 0, 2, 1, 9000, 10, 10000, 1)");
}

static struct grant make(const char *sid, struct link_terms terms)
{
	struct grant grant;

	MUST(grant_link_init(&grant, auth, &maker, str_of(sid), &terms, &err));
	MUST(write_job(&grant.job));
	return grant;
}

static struct link_open open_with(const struct grant *grant, struct str secret)
{
	struct auth_actor visitor = { .address = "192.0.2.1" };
	struct link_open open;

	if (!link_open_init(&open, auth, &visitor, str_of(grant->secret.name), secret)) {
		open.result = LINK_GONE;
		return open;
	}
	MUST(write_job(&open.job));
	return open;
}

static struct link_open open_link(const struct grant *grant)
{
	return open_with(grant, str_of(grant->secret.text + CREDENTIAL_NAME_LEN));
}

static int64_t id_of(const struct credential *secret)
{
	char query[128];
	int64_t id = -1;

	snprintf(query, sizeof(query), "SELECT id FROM credentials WHERE name = '%s'",
		 secret->name);
	(void)!str_to_i64(sql_text(query), &id);
	return id;
}

static struct link_play_job play_of(int64_t id, const char *recording_sid)
{
	char sid[SID_SIZE] = "";
	struct link_play_job job;

	str_fit(str_of(recording_sid), sid, sizeof(sid));
	link_play_init(&job, id, sid);
	MUST(write_job(&job.job));
	return job;
}

/* The link's own. */
static struct link_play_job play(int64_t id)
{
	char query[128], sid[SID_SIZE];

	snprintf(query, sizeof(query), "SELECT recording_sid FROM credentials WHERE id = %lld",
		 (long long)id);
	str_fit(sql_text(query), sid, sizeof(sid));
	return play_of(id, sid);
}

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static bool is_within(int64_t got_ms, int64_t wanted_ms)
{
	return got_ms >= wanted_ms - SLACK_MS && got_ms <= wanted_ms + SLACK_MS;
}

/* ---- opening ---- */

static void test_opening(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .expires_in_ms = 0 });
	int64_t now_ms = clock_wall_ms();
	struct link_open open = open_link(&grant);
	AUTO(free) char *audited = xasprintf("%s " RECORDING " 192.0.2.1", grant.secret.name);

	IS_INT(open.result, LINK_PLAYS, "it plays");
	IS_INT(open.started_at_ms, 7000, "when the recording began");
	IS_INT(open.duration_ms, 91500, "how long it is, as measured");
	IS_STR(str_of(open.call.from), STR("+15550001111"), "of which call");
	OK(!open.shows_numbers, "whose numbers it does not show");
	OK(open.visit.text[0] != '\0', "a visit is made");
	OK(is_within(open.expires_at_ms, now_ms + INT64_C(7) * 24 * HOUR_MS), "a week");
	IS_INT(open.visit_expires_at_ms, open.expires_at_ms, "the visit lasts as long");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'link_opened'"), 1, "audited");
	IS_STR(sql_text("SELECT credential || ' ' || recording_sid || ' ' || address FROM audit "
			"WHERE kind = 'link_opened'"),
	       str_of(audited), "with the link's name");
	OK(play(id_of(&open.visit)).result == LINK_PLAYS, "the visit plays");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE recording_sid IS NOT NULL AND "
			"user_id IS NOT NULL"),
	       0, "neither is a user's, so that they stay when their maker goes");
	grant = make(RECORDING, (struct link_terms){ .shows_numbers = true });
	OK(open_link(&grant).shows_numbers, "another shows them");
	grant = make(CALL, (struct link_terms){ .plays_max = 1 });
	IS_STR(str_of(grant.row.recording_sid), STR(RECORDING), "by the call: its recording");
}

static void test_visits_outlast(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .expires_in_ms = 60000 });
	struct link_open open = open_link(&grant);

	OK(is_within(open.visit_expires_at_ms, clock_wall_ms() + HOUR_MS + 91500),
	   "an hour and the recording at least");
	grant = make(UNCALLED, (struct link_terms){ .expires_in_ms = 60000 });
	open = open_link(&grant);
	IS_INT(open.result, LINK_PLAYS, "of a recording without a call");
	IS_INT(open.call.id, 0, "none is told");
	IS_INT(open.duration_ms, 90000, "as long as Twilio says");
}

static void test_gone(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .plays_max = 0 });
	struct grant token;
	char wrong[CREDENTIAL_SIZE];
	int64_t visits = count_of("SELECT COUNT(*) FROM credentials WHERE parent_id IS NOT NULL");

	memcpy(wrong, grant.secret.text, sizeof(wrong));
	wrong[CREDENTIAL_NAME_LEN] = wrong[CREDENTIAL_NAME_LEN] == 'A' ? 'B' : 'A';
	IS_INT(open_with(&grant, str_of(wrong + CREDENTIAL_NAME_LEN)).result, LINK_GONE,
	       "another secret");
	IS_INT(open_with(&grant, STR("short")).result, LINK_GONE, "none");
	MUST(grant_token_init(&token, auth, &maker, RIGHT_PLAY, 0, STR(""), &err));
	MUST(write_job(&token.job));
	IS_INT(open_link(&token).result, LINK_GONE, "a token is no link");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE parent_id IS NOT NULL"), visits,
	       "no visit was made of them");
	IS_INT(play(123456789).result, LINK_GONE, "nor is there a play of what is not there");
}

static void set_link(const struct grant *grant, const char *what)
{
	AUTO(free)
	char *text =
		xasprintf("UPDATE credentials SET %s WHERE name = '%s'", what, grant->secret.name);

	sql(text);
}

static void test_over(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .plays_max = 2 });
	AUTO(free)
	char *later = xasprintf("window_until_ms = %lld", (long long)clock_wall_ms() + HOUR_MS);

	set_link(&grant, "plays = 1");
	IS_INT(open_link(&grant).result, LINK_PLAYS, "one is left");
	set_link(&grant, "plays = 2");
	IS_INT(open_link(&grant).result, LINK_USED_UP, "none is left");
	set_link(&grant, "expires_at_ms = 1000");
	IS_INT(open_link(&grant).result, LINK_EXPIRED, "over: that is said first");
	set_link(&grant, later);
	IS_INT(open_link(&grant).result, LINK_PLAYS, "but while its own play goes on");
	set_link(&grant, "window_until_ms = 1000");
	IS_INT(open_link(&grant).result, LINK_EXPIRED, "not longer");
	set_link(&grant, "expires_at_ms = NULL, plays = 0");
	IS_INT(open_link(&grant).result, LINK_PLAYS, "one that never ends");
}

/* Whoever has a link may open it again and again: the ledger keeps no more visits of it than that. */
static void test_opened_often(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .plays_max = 0 });
	struct grant other = make(RECORDING, (struct link_terms){ .plays_max = 0 });
	struct link_open elsewhere = open_link(&other), heard = open_link(&grant),
			 unheard = open_link(&grant), last = unheard;
	AUTO(free)
	char *visits = xasprintf("SELECT COUNT(*) FROM credentials WHERE parent_id = %lld",
				 (long long)id_of(&grant.secret));

	IS_INT(play(id_of(&heard.visit)).result, LINK_PLAYS, "one visit plays");
	while (count_of(visits) < LINK_VISITS_MAX)
		last = open_link(&grant);
	OK(id_of(&unheard.visit) > 0, "as many as are kept are all there");
	for (unsigned i = 0; i < LINK_VISITS_MAX; i++)
		last = open_link(&grant);
	IS_INT(count_of(visits), LINK_VISITS_MAX, "no more are kept, however often it is opened");
	IS_INT(play(id_of(&last.visit)).result, LINK_PLAYS, "the newest plays");
	IS_INT(id_of(&unheard.visit), -1, "the oldest is gone");
	IS_INT(play(id_of(&heard.visit)).result, LINK_PLAYS, "but not the one that is heard");
	IS_INT(play(id_of(&elsewhere.visit)).result, LINK_PLAYS, "nor that of another link");
}

/* None gives way to a new one for good: of those that are heard, too, the oldest goes. */
static void test_all_heard(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .plays_max = 0 });
	struct link_open first = open_link(&grant), last = first;
	AUTO(free)
	char *heard = xasprintf("UPDATE credentials SET window_until_ms = %lld WHERE parent_id = "
				"%lld",
				(long long)clock_wall_ms() + HOUR_MS,
				(long long)id_of(&grant.secret));

	for (unsigned i = 1; i < LINK_VISITS_MAX; i++)
		last = open_link(&grant);
	sql(heard);
	OK(id_of(&first.visit) > 0, "all are heard");
	last = open_link(&grant);
	IS_INT(play(id_of(&last.visit)).result, LINK_PLAYS, "another one plays");
	IS_INT(id_of(&first.visit), -1, "in place of the oldest");
}

/* ---- playing ---- */

static void test_plays(void)
{
	struct grant grant = make(RECORDING, (struct link_terms){ .plays_max = 1 });
	int64_t id = id_of(&grant.secret), now_ms = clock_wall_ms();
	struct link_play_job first = play(id);

	IS_INT(first.result, LINK_PLAYS, "it plays");
	OK(is_within(first.window_until_ms, now_ms + 91500 + HOUR_MS),
	   "for as long as it is, and an hour");
	IS_INT(play(id).result, LINK_PLAYS, "again within that");
	set_link(&grant, "window_until_ms = 1000");
	IS_INT(play(id).result, LINK_USED_UP, "and not after");
	set_link(&grant, "recording_sid = 'RE00000000000000000000000000000009', plays = 0");
	first = play(id);
	IS_INT(first.result, LINK_PLAYS, "of a recording whose row is gone, too");
	OK(is_within(first.window_until_ms, clock_wall_ms() + HOUR_MS), "for an hour");
}

/* ---- making ---- */

static void test_terms(void)
{
	static const struct {
		int64_t expires_in_ms, plays_max;
		bool is_good;
		const char *name;
	} cases[] = {
		{ 0, 0, false, "a week is longer than link.max here" },
		{ HOUR_MS, 0, true, "as long as link.max" },
		{ HOUR_MS + 1, 0, false, "longer" },
		{ -1, 0, false, "less than nothing" },
		{ 1, 1, true, "one play" },
		{ 1, -1, false, "fewer than none" },
	};
	int64_t most_ms = auth->options.link_max_ms;
	struct grant grant;

	auth->options.link_max_ms = HOUR_MS;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct link_terms terms = { .expires_in_ms = cases[i].expires_in_ms,
					    .plays_max = cases[i].plays_max };

		OK(grant_link_init(&grant, auth, &maker, STR(RECORDING), &terms, &err) ==
			   cases[i].is_good,
		   "%s", cases[i].name);
		if (!cases[i].is_good)
			IS_INT(err.kind, ERR_INVALID, "%s: refused", cases[i].name);
	}
	auth->options.link_max_ms = most_ms;
}

static void test_no_recording(void)
{
	struct link_terms terms = { .plays_max = 1 };
	static const char *const sids[] = { "CA99999999999999999999999999999999",
					    "RE99999999999999999999999999999999" };

	for (size_t i = 0; i < ARRAY_LEN(sids); i++) {
		struct grant grant;

		MUST(grant_link_init(&grant, auth, &maker, str_of(sids[i]), &terms, &err));
		OK(!write_job(&grant.job), "%s is not known", sids[i]);
		IS_INT(grant.job.err.kind, ERR_NOT_FOUND, "and that is why");
	}
}

/* ---- taking back ---- */

static bool take_back(const struct grant *grant, enum credential_kind kind, int64_t user_id,
		      bool owns_all)
{
	struct auth_actor actor = { .user_id = user_id };
	struct revocation revocation;

	MUST(revocation_init(&revocation, auth, &actor, kind, str_of(grant->secret.name), owns_all,
			     &err));
	return write_job(&revocation.job) || revocation.job.err.kind != ERR_NOT_FOUND;
}

static void test_revoking(void)
{
	struct auth_actor nobody = { .user_id = 0 };
	struct revocation revocation;
	struct grant grant;

	maker.user_id = add_user("maker", ROLE_LISTENER);
	grant = make(RECORDING, (struct link_terms){ .plays_max = 1 });
	OK(!take_back(&grant, CREDENTIAL_LINK, maker.user_id + 1, false), "another's is not there");
	OK(!take_back(&grant, CREDENTIAL_TOKEN, maker.user_id, true), "nor is one of another kind");
	OK(take_back(&grant, CREDENTIAL_LINK, maker.user_id, false), "one's own is");
	OK(!take_back(&grant, CREDENTIAL_LINK, maker.user_id, false), "once");
	IS_INT(open_link(&grant).result, LINK_GONE, "and then it is gone");
	IS_STR(sql_text("SELECT json_extract(body, '$.name') FROM audit WHERE kind = "
			"'link_revoked'"),
	       str_of(grant.secret.name), "audited");
	grant = make(RECORDING, (struct link_terms){ .plays_max = 1 });
	OK(take_back(&grant, CREDENTIAL_LINK, 0, true), "an administrator's are all");
	maker.user_id = 0;
	OK(!revocation_init(&revocation, auth, &nobody, CREDENTIAL_LINK, STR("seven77"), true,
			    &err),
	   "a name of seven characters is none");
	IS_INT(err.kind, ERR_INVALID, "and that is why");
	OK(!revocation_init(&revocation, auth, &nobody, CREDENTIAL_LINK, STR("nine99999"), true,
			    &err),
	   "nor one of nine");
}

static enum link_play look_at(int64_t id, const char *recording_sid)
{
	struct link_play_job job;

	link_play_init_head(&job, id, recording_sid);
	MUST(write_job(&job.job));
	return job.result;
}

static void test_whole_call(void)
{
	struct grant one = make(RECORDING, (struct link_terms){ .plays_max = 1 });
	struct grant all = make(CALL, (struct link_terms){ .is_of_whole_call = true,
							   .plays_max = 1,
							   .expires_in_ms = 60000 });
	struct link_open open = open_link(&all);
	int64_t visit = id_of(&open.visit), now_ms = clock_wall_ms();

	IS_INT(open.part_count, 2, "what is removed is not told of");
	IS_STR(str_of(open.parts[0].recording_sid), STR(RECORDING), "oldest first");
	IS_STR(str_of(open.parts[1].recording_sid), STR(SECOND), "and the second");
	IS_INT(open.parts[1].duration_ms, 30500, "how long that is");
	IS_INT(open.duration_ms, 91500, "beside the length of the main one");
	OK(is_within(open.visit_expires_at_ms, now_ms + HOUR_MS + 122000),
	   "the visit lasts for both");
	IS_INT(open_link(&one).part_count, 0, "a link to one recording has no parts");
	IS_INT(look_at(visit, SECOND), LINK_PLAYS, "the second may be played");
	IS_INT(look_at(visit, UNCALLED), LINK_GONE, "not what is of another call");
	IS_INT(play_of(visit, UNCALLED).result, LINK_GONE, "nor does it play");
	IS_INT(count_of("SELECT SUM(plays) FROM credentials WHERE options = 2"), 0,
	       "and was not counted");
	IS_INT(play_of(visit, SECOND).result, LINK_PLAYS, "a play of the second");
	OK(play_of(visit, RECORDING).window_until_ms >= now_ms + HOUR_MS + 132000,
	   "leaves time for all of them");
	IS_INT(play_of(visit, RECORDING).result, LINK_PLAYS, "the first is of the same play");
	IS_INT(open_link(&all).result, LINK_USED_UP, "which was the only one");
	IS_INT(look_at(id_of(&one.secret), SECOND), LINK_GONE,
	       "a link to one recording opens no other");
	IS_INT(play_of(id_of(&one.secret), SECOND).result, LINK_GONE, "nor plays it");
	all = make(UNCALLED, (struct link_terms){ .is_of_whole_call = true });
	IS_INT(open_link(&all).part_count, 1, "without a call it is itself");
	IS_INT(look_at(id_of(&all.secret), RECORDING), LINK_GONE, "and nothing else");
	IS_INT(play(id_of(&all.secret)).result, LINK_PLAYS, "which plays");
}

static bool run_failing(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return err_set(cause, ERR_CONFLICT, "not now");
}

static unsigned answered;

static void count_answer(struct ledger_job *job)
{
	answered++;
}

static bool are_answered(void)
{
	return answered == 2 && gate_is_done();
}

/* Beside a write that fails: all of the batch is written once more. */
static void test_written_twice(void)
{
	struct grant all = make(CALL, (struct link_terms){ .is_of_whole_call = true });
	struct auth_actor visitor = { .address = "192.0.2.1" };
	struct ledger_job failing = { .run = run_failing };
	struct link_open open;

	MUST(link_open_init(&open, auth, &visitor, str_of(all.secret.name),
			    str_of(all.secret.text + CREDENTIAL_NAME_LEN)));
	open.job.done = failing.done = count_answer;
	open.job.reply = failing.reply = mailbox;
	gate_shut();
	ledger_write(ledger, &open.job);
	ledger_write(ledger, &failing);
	gate_open();
	OK(until(are_answered), "both are answered");
	OK(open.job.succeeded && !failing.succeeded, "the one beside it failed");
	IS_INT(open.part_count, 2, "its parts are told of once all the same");
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	auth->options.link_max_ms = INT64_C(30) * 24 * HOUR_MS;
	add_recordings();
	test_opening();
	test_visits_outlast();
	test_gone();
	test_over();
	test_opened_often();
	test_all_heard();
	test_plays();
	test_terms();
	test_no_recording();
	test_revoking();
	add_others_of_the_call();
	test_whole_call();
	test_written_twice();
	fixture_close();
	return tap_end();
}
