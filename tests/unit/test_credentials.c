#include "accounts/credentials.h"

#include "ledger_fixture.h"
#include "tap.h"

#define NOON   INT64_C(1700000000000)
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

static struct err err;

static int64_t add_row(struct ledger *ledger, struct credential_row *row, const char *name)
{
	str_fit(str_of(name), row->name, sizeof(row->name));
	sha256_of(str_of(name), row->hash);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_add(ledger->writer, row, &err));
	MUST(catalog_commit(ledger->writer, &err));
	return row->id;
}

static int64_t add_user(struct ledger *ledger, const char *name)
{
	struct user user = { .role = 1, .made_at_ms = NOON };

	str_fit(str_of(name), user.name, sizeof(user.name));
	MUST(catalog_begin(ledger->writer, &err));
	MUST(users_add(ledger->writer, &user, &err));
	MUST(catalog_commit(ledger->writer, &err));
	return user.id;
}

static bool is_there(struct ledger *ledger, const char *name)
{
	struct credential_row row;
	struct user user;

	return credentials_find(ledger->writer, str_of(name), &row, &user, &err);
}

static void test_finding(struct ledger *ledger)
{
	int64_t user_id = add_user(ledger, "dana");
	struct credential_row made = { .kind = CREDENTIAL_TOKEN,
				       .user_id = user_id,
				       .rights = 5,
				       .note = "the crm's",
				       .for_user = "crm",
				       .made_by = 3,
				       .made_at_ms = NOON,
				       .expires_at_ms = NOON + HOUR,
				       .recording_sid = "RE00000000000000000000000000000001",
				       .options = CREDENTIAL_SHOWS_NUMBERS,
				       .network = "203.0.113.0",
				       .agent = "curl" },
			      found;
	struct user user;

	add_row(ledger, &made, "finding1");
	MUST(credentials_find(ledger->writer, STR("finding1"), &found, &user, &err));
	OK(memcmp(found.hash, made.hash, SHA256_BYTES) == 0, "its hash comes back");
	IS_INT(found.rights, 5, "its rights");
	IS_INT(found.expires_at_ms, NOON + HOUR, "its end");
	IS_INT(found.seen_at_ms, 0, "never seen");
	IS_STR(str_of(found.note), STR("the crm's"), "its note");
	IS_STR(str_of(found.recording_sid), str_of(made.recording_sid), "its recording");
	IS_INT(user.id, user_id, "and whose it is");
	IS_STR(str_of(user.name), STR("dana"), "by name");
	made.user_id = 0;
	add_row(ledger, &made, "finding2");
	MUST(credentials_find(ledger->writer, STR("finding2"), &found, &user, &err));
	IS_INT(user.id, 0, "one of nobody's is found, too");
	OK(!is_there(ledger, "finding3") && err.kind == ERR_NOT_FOUND, "another is not");
}

static void test_ending(struct ledger *ledger)
{
	int64_t user_id = add_user(ledger, "ending");
	struct credential_row session = { .kind = CREDENTIAL_SESSION,
					  .user_id = user_id,
					  .made_at_ms = NOON };
	struct credential_row token = { .kind = CREDENTIAL_TOKEN,
					.user_id = user_id,
					.made_at_ms = NOON };
	struct credential_row link = { .kind = CREDENTIAL_LINK, .made_at_ms = NOON };
	struct credential_row visit = { .kind = CREDENTIAL_VISIT, .made_at_ms = NOON };
	struct credential_row list[8];
	int64_t kept;
	size_t count;

	add_row(ledger, &session, "session1");
	kept = add_row(ledger, &session, "session2");
	add_row(ledger, &token, "token--1");
	visit.parent_id = add_row(ledger, &link, "link---1");
	add_row(ledger, &visit, "visit--1");

	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_end_of_user(ledger->writer, user_id, CREDENTIAL_SESSION, kept, &err));
	MUST(credentials_end(ledger->writer, link.id, &err));
	MUST(catalog_commit(ledger->writer, &err));
	OK(!is_there(ledger, "session1") && is_there(ledger, "session2"),
	   "all sessions but this one end");
	OK(is_there(ledger, "token--1"), "tokens stay");
	OK(!is_there(ledger, "link---1") && !is_there(ledger, "visit--1"),
	   "a link ends with its visits");
	MUST(catalog_begin(ledger->writer, &err));
	OK(!credentials_end(ledger->writer, link.id, &err) && err.kind == ERR_NOT_FOUND, "once");
	catalog_rollback(ledger->writer);

	for (int i = 0; i < 5; i++) {
		char name[CREDENTIAL_ROW_NAME_SIZE];

		snprintf(name, sizeof(name), "many---%d", i);
		session.seen_at_ms = i == 0 ? NOON + HOUR : NOON + i;
		add_row(ledger, &session, name);
	}
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_keep(ledger->writer, user_id, CREDENTIAL_SESSION, 2, &err));
	MUST(catalog_commit(ledger->writer, &err));
	OK(is_there(ledger, "many---0") && is_there(ledger, "many---4") &&
		   !is_there(ledger, "many---3") && !is_there(ledger, "session2"),
	   "those that were seen last are kept");
	MUST(credentials_list(ledger->writer, CREDENTIAL_SESSION, user_id, 0, list, ARRAY_LEN(list),
			      &count, &err));
	IS_INT(count, 2, "the list of one user's sessions");
	IS_STR(str_of(list[0].name), STR("many---4"), "newest first");
	MUST(credentials_list(ledger->writer, CREDENTIAL_SESSION, 0, list[0].id, list,
			      ARRAY_LEN(list), &count, &err));
	OK(count == 1 && str_eq(str_of(list[0].name), STR("many---0")),
	   "and what is older than one");
}

static void see(struct ledger *ledger, int64_t id, int64_t at_ms)
{
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_seen(ledger->writer, id, at_ms, &err));
	MUST(catalog_commit(ledger->writer, &err));
}

static void test_seen(struct ledger *ledger)
{
	struct credential_row row = { .kind = CREDENTIAL_TOKEN, .made_at_ms = NOON };
	struct user user;
	int64_t id = add_row(ledger, &row, "seen---1");

	see(ledger, id, NOON + 5);
	see(ledger, id, NOON + 3);
	MUST(credentials_find(ledger->writer, STR("seen---1"), &row, &user, &err));
	IS_INT(row.seen_at_ms, NOON + 5, "an older sight changes nothing");
	see(ledger, 999999999, NOON);
	OK(true, "nor does the sight of one that is gone");
}

static enum link_play play(struct ledger *ledger, int64_t id, int64_t now_ms)
{
	enum link_play played = LINK_GONE;

	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_link_play(ledger->writer, id, now_ms, 5 * MINUTE, &played, &err));
	MUST(catalog_commit(ledger->writer, &err));
	return played;
}

static void test_plays(struct ledger *ledger)
{
	struct credential_row link = { .kind = CREDENTIAL_LINK,
				       .made_at_ms = NOON,
				       .expires_at_ms = NOON + 10 * MINUTE,
				       .plays_max = 2 };
	struct credential_row visit = { .kind = CREDENTIAL_VISIT, .made_at_ms = NOON };
	struct user user;
	int64_t first_visit, second_visit;

	visit.parent_id = add_row(ledger, &link, "plays--1");
	visit.expires_at_ms = NOON + 2 * HOUR;
	first_visit = add_row(ledger, &visit, "plays--2");
	second_visit = add_row(ledger, &visit, "plays--3");

	IS_INT(play(ledger, first_visit, NOON), LINK_PLAYS, "the first play");
	IS_INT(play(ledger, first_visit, NOON + 5 * MINUTE), LINK_PLAYS, "its next request");
	MUST(credentials_find(ledger->writer, STR("plays--1"), &link, &user, &err));
	IS_INT(link.plays, 1, "is the same play");
	IS_INT(link.window_until_ms, 0, "a visit's window is its own");
	IS_INT(play(ledger, link.id, NOON + MINUTE), LINK_PLAYS,
	       "the second, by the link's address");
	IS_INT(play(ledger, second_visit, NOON + MINUTE), LINK_USED_UP, "there is no third");
	IS_INT(play(ledger, link.id, NOON + HOUR), LINK_PLAYS,
	       "what was begun goes on after the end");
	IS_INT(play(ledger, link.id, NOON + HOUR + 6 * MINUTE), LINK_PLAYS,
	       "to the end of its window");
	IS_INT(play(ledger, link.id, NOON + HOUR + 6 * MINUTE + 1), LINK_EXPIRED, "and not beyond");
	IS_INT(play(ledger, first_visit, NOON + 2 * HOUR + 1), LINK_EXPIRED, "nor does a visit");

	link = (struct credential_row){ .kind = CREDENTIAL_LINK,
					.expires_at_ms = NOON + MINUTE,
					.made_at_ms = NOON };
	visit.parent_id = add_row(ledger, &link, "plays--4");
	visit.id = add_row(ledger, &visit, "plays--5");
	IS_INT(play(ledger, visit.id, NOON + HOUR), LINK_PLAYS,
	       "who opened a link in time may begin after its end");
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_end(ledger->writer, link.id, &err));
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(play(ledger, visit.id, NOON), LINK_GONE, "but not when it was revoked");
	IS_INT(play(ledger, link.id, NOON), LINK_GONE, "nor the link itself");
}

static void test_forgetting(struct ledger *ledger)
{
	struct credential_row row = { .kind = CREDENTIAL_LINK,
				      .made_at_ms = NOON,
				      .expires_at_ms = 1000 };
	int64_t count;

	add_row(ledger, &row, "forget-1");
	row.window_until_ms = 5000;
	add_row(ledger, &row, "forget-2");
	row.expires_at_ms = row.window_until_ms = 0;
	add_row(ledger, &row, "forget-3");
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_forget(ledger->writer, 2000, 100, &count, &err));
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(count, 1, "one was over long ago");
	OK(!is_there(ledger, "forget-1") && is_there(ledger, "forget-2") &&
		   is_there(ledger, "forget-3"),
	   "one plays on, and one never ends");
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_finding(&ledger);
	test_ending(&ledger);
	test_seen(&ledger);
	test_plays(&ledger);
	test_forgetting(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
