#include "auth/grants.h"

#include "auth_fixture.h"

#define A  "RE0000000000000000000000000000000a"
#define B  "RE0000000000000000000000000000000b"
#define CA "CA0000000000000000000000000000000c"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static struct auth_actor actor_of(int64_t user_id, uint16_t rights)
{
	return (struct auth_actor){ .user_id = user_id, .rights = rights };
}

static void test_tokens(void)
{
	struct auth_actor actor = actor_of(add_user("dana", ROLE_LISTENER), RIGHTS_LISTENER);
	struct grant grant;

	OK(!grant_token_init(&grant, auth, &actor, 0, 0, STR(""), &err) && err.kind == ERR_INVALID,
	   "a token without a right");
	OK(!grant_token_init(&grant, auth, &actor, RIGHT_PLAY | RIGHT_ADMIN, 0, STR(""), &err) &&
		   err.kind == ERR_INVALID,
	   "nor one with more than its maker's");
	OK(grant_token_init(&grant, auth, &actor, RIGHT_PLAY, 0, STR("crm"), &err) &&
		   write_job(&grant.job),
	   "a token");
	IS_STR(sql_text("SELECT kind || ' ' || rights || ' ' || note || ' ' || "
			"COALESCE(expires_at_ms, '-') FROM credentials"),
	       STR("3 1 crm -"), "for good, with what it may");
	OK(grant.secret.text[0] != '\0' &&
		   str_starts(str_of(grant.secret.text), str_of(grant.secret.name)),
	   "its secret is told once");
	IS_STR(sql_text("SELECT name FROM credentials"), str_of(grant.secret.name),
	       "and what is stored is its name");
	IS_STR(sql_text(
		       "SELECT kind || ' ' || user_name || ' ' || substr(body, instr(body, '\"rights\"')) FROM audit "
		       "ORDER BY chain DESC, seq DESC LIMIT 1"),
	       STR("token_made dana \"rights\":\"play\"}"), "audited");
	credential_wipe(&grant.secret);
	OK(grant_token_init(&grant, auth, &actor, RIGHT_READ, DAY_MS, STR(""), &err) &&
		   write_job(&grant.job),
	   "one for a day");
	IS_INT(count_of("SELECT expires_at_ms - made_at_ms FROM credentials WHERE rights = 2"),
	       DAY_MS, "ends then");
	OK(grant_token_init(&grant, auth, &actor, RIGHT_PLAY, INT64_MAX, STR(""), &err) &&
		   write_job(&grant.job),
	   "one for ever");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE expires_at_ms IS NULL"), 2,
	       "does not end");
}

static void add_recordings(void)
{
	sql("INSERT INTO calls (id, call_sid, status, direction, started_at_ms, started_rank, "
	    "main_recording_id, is_main_fixed, recording_group, recordings, changed_seq) VALUES "
	    "(1, '" CA "', 1, 1, 1, 1, 1, 0, 1, 1, 1)");
	sql("INSERT INTO recordings (id, recording_sid, call_id, call_sid, account_sid, state, "
	    "upstream, is_held, is_duration_off, duration_s, channels_wanted, tries, changed_seq) "
	    "VALUES (1, '" A "', 1, '" CA "', 'AC1', 4, 0, 0, 0, 5, 0, 0, 1)");
}

static bool make_link(struct grant *grant, const struct auth_actor *actor, const char *sid,
		      const struct link_terms *terms)
{
	return grant_link_init(grant, auth, actor, str_of(sid), terms, &err) &&
	       write_job(&grant->job);
}

static void test_links(void)
{
	struct auth_actor actor = actor_of(add_user("noa", ROLE_LISTENER), RIGHTS_LISTENER);
	struct link_terms terms = { .note = STR("for the lawyer"),
				    .for_user = STR("reviewer@example.com") };
	struct grant grant;

	terms.expires_in_ms = 60 * 1000;
	OK(!make_link(&grant, &actor, B, &terms) && grant.job.err.kind == ERR_NOT_FOUND,
	   "of a recording that is not there");
	terms.expires_in_ms = auth->options.link_max_ms + 1;
	OK(!make_link(&grant, &actor, A, &terms) && err.kind == ERR_INVALID,
	   "for longer than link.max");
	terms.expires_in_ms = INT64_MAX;
	OK(!make_link(&grant, &actor, A, &terms) && err.kind == ERR_INVALID, "or for ever");
	terms.expires_in_ms = -1;
	OK(!make_link(&grant, &actor, A, &terms), "or for less than no time");
	terms.expires_in_ms = 60 * 1000;
	terms.plays_max = -1;
	OK(!make_link(&grant, &actor, A, &terms), "or to be played less than never");
	terms.plays_max = 3;
	terms.shows_numbers = true;
	OK(make_link(&grant, &actor, A, &terms), "a link");
	IS_STR(sql_text(
		       "SELECT kind || ' ' || rights || ' ' || recording_sid || ' ' || plays_max "
		       "|| ' ' || options || ' ' || (expires_at_ms - made_at_ms) || ' ' || "
		       "for_user || ' ' || COALESCE(user_id, '-') FROM credentials WHERE kind = 4"),
	       STR("4 1 " A " 3 1 60000 reviewer@example.com -"), "as it was asked for");
	OK(make_link(&grant, &actor, CA, &terms), "one by the call");
	IS_STR(str_of(grant.row.recording_sid), STR(A), "is of its recording");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'link_made' AND recording_sid = "
			"'" A "'"),
	       2, "both audited");
}

static void test_revoking(void)
{
	struct auth_actor maker = actor_of(add_user("gil", ROLE_LISTENER), RIGHTS_LISTENER);
	struct auth_actor other = actor_of(add_user("tal", ROLE_LISTENER), RIGHTS_LISTENER);
	struct auth_actor program = actor_of(0, RIGHT_LINK);
	struct link_terms terms = { .plays_max = 1, .expires_in_ms = 60 * 1000 };
	struct revocation revocation;
	struct grant grant;

	OK(make_link(&grant, &maker, A, &terms), "a link");
	OK(!revocation_init(&revocation, auth, &maker, CREDENTIAL_LINK, STR("short"), false, &err),
	   "what is no name");
	OK(revocation_init(&revocation, auth, &other, CREDENTIAL_LINK, str_of(grant.secret.name),
			   false, &err) &&
		   !write_job(&revocation.job) && revocation.job.err.kind == ERR_NOT_FOUND,
	   "another's is not there");
	OK(revocation_init(&revocation, auth, &program, CREDENTIAL_LINK, str_of(grant.secret.name),
			   false, &err) &&
		   !write_job(&revocation.job) && revocation.job.err.kind == ERR_NOT_FOUND,
	   "nor is somebody's for a token that no user stands behind");
	OK(revocation_init(&revocation, auth, &maker, CREDENTIAL_TOKEN, str_of(grant.secret.name),
			   false, &err) &&
		   !write_job(&revocation.job) && revocation.job.err.kind == ERR_NOT_FOUND,
	   "nor is it of another kind");
	OK(revocation_init(&revocation, auth, &maker, CREDENTIAL_LINK, str_of(grant.secret.name),
			   false, &err) &&
		   write_job(&revocation.job),
	   "its maker ends it");
	OK(revocation.job.change.what & PROJECTED_CREDENTIAL &&
		   revocation.job.change.what & PROJECTED_LINK,
	   "the loops drop it, and its visits");
	OK(!write_job(&revocation.job) && revocation.job.err.kind == ERR_NOT_FOUND, "once");
	OK(make_link(&grant, &maker, A, &terms), "another");
	OK(revocation_init(&revocation, auth, &other, CREDENTIAL_LINK, str_of(grant.secret.name),
			   true, &err) &&
		   write_job(&revocation.job),
	   "an administrator ends anybody's");
	OK(make_link(&grant, &program, A, &terms), "one of such a token");
	OK(revocation_init(&revocation, auth, &other, CREDENTIAL_LINK, str_of(grant.secret.name),
			   false, &err) &&
		   !write_job(&revocation.job) && revocation.job.err.kind == ERR_NOT_FOUND,
	   "is not a user's");
	OK(revocation_init(&revocation, auth, &program, CREDENTIAL_LINK, str_of(grant.secret.name),
			   false, &err) &&
		   write_job(&revocation.job),
	   "such a token ends it");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'link_revoked'"), 3, "audited");
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	add_recordings();
	test_tokens();
	test_links();
	test_revoking();
	fixture_close();
	return tap_end();
}
