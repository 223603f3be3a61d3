#include "audit/open_plays.h"

#include "auth_fixture.h"

#define A "RE0000000000000000000000000000000a"
#define B "RE0000000000000000000000000000000b"

static struct open_plays *plays;
static int64_t dana;

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static struct play_request request_of(int64_t user_id, uint64_t credential_id, const char *sid)
{
	return (struct play_request){ .user_id = (uint64_t)user_id,
				      .credential_id = credential_id,
				      .address = STR("203.0.113.9"),
				      .for_user = STR(""),
				      .recording_sid = sid };
}

/* The key of the play, which begins if it is new. */
static uint64_t look_at(const struct play_request *request, enum open_play expected)
{
	uint64_t key;
	enum open_play found = open_plays_look(plays, request, &key);

	IS_INT(found, expected, "it is %s", expected == OPEN_PLAY_NEW ? "new" : "on");
	if (found == OPEN_PLAY_NEW)
		open_plays_begin(plays, request, key);
	return key;
}

/* ---- entries ---- */

static bool has_ended(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'play_ended'") > 0;
}

static bool has_begun(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'play_began'") > 0;
}

static void test_entries(void)
{
	struct play_request request = request_of(dana, 77, A);
	struct play_request nobody = request_of(0, 0, A), other = request_of(dana, 78, A);
	uint64_t key = look_at(&request, OPEN_PLAY_NEW);

	OK(!open_plays_is_on(plays, &request), "nothing was sent yet");
	open_plays_sent(plays, key, 1000);
	OK(open_plays_is_on(plays, &request), "now it goes on");
	OK(look_at(&request, OPEN_PLAY_ON) == key, "and is asked for piece by piece");
	open_plays_sent(plays, key, 234);
	OK(look_at(&nobody, OPEN_PLAY_NEW) != key && look_at(&other, OPEN_PLAY_NEW) != key,
	   "nobody's play, or by another credential, is another");
	open_plays_sent(plays, 12345, 1); /* a play that ended meanwhile */
	OK(until(has_begun), "its beginning is written by and by");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind LIKE 'play_%'"), 1,
	       "once, and of no play of which nothing was sent");
	open_plays_end_all(plays);
	OK(until(has_ended), "and its end");
	IS_STR(sql_text("SELECT user_name || ' ' || recording_sid || ' ' || network || ' ' || "
			"substr(body, instr(body, '\"requests\"')) FROM audit WHERE kind = "
			"'play_ended'"),
	       STR("dana " A " 203.0.113.0 \"requests\":2,\"sent_bytes\":1234}"),
	       "with what was sent");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'play_ended'"), 1, "once");
	open_plays_free(plays);
	plays = open_plays_new(&auth->audit, loop, mailbox);
}

/* A download is told as one, and as no play. */
static bool has_downloaded(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'downloaded'") == 1;
}

static void test_download(void)
{
	struct play_request request = request_of(dana, 78, B);

	request.for_user = STR("reviewer@example.com");
	request.is_download = true;
	open_plays_sent(plays, look_at(&request, OPEN_PLAY_NEW), 5);
	OK(until(has_downloaded), "a download is told as one");
	IS_STR(sql_text("SELECT for_user FROM audit WHERE kind = 'downloaded'"),
	       STR("reviewer@example.com"), "and for whom");
}

/* More plays at once than the table holds: the longest silent ones end early, and none is lost. */
static bool are_all_told(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE recording_sid LIKE 'REffff%' AND kind = "
			"'play_ended'") == 3000;
}

static int64_t begun_so_far;

static bool are_begun(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE recording_sid LIKE 'REffff%' AND kind = "
			"'play_began'") == begun_so_far;
}

static void test_full(void)
{
	char sid[SID_SIZE];

	for (unsigned i = 0; i < 3000; i++) {
		struct play_request request = request_of(dana, 77, sid);

		snprintf(sid, sizeof(sid), "REffff%028x", i);
		open_plays_sent(plays, look_at(&request, OPEN_PLAY_NEW), 1);
		begun_so_far = i + 1;
		if (begun_so_far % 200 ==
		    0) /* a batch holds 512, and ends are told beside beginnings */
			OK(until(are_begun), "what was told so far is written");
	}
	open_plays_end_all(plays);
	OK(until(are_all_told), "each play has an end");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'chain_gap'"), 0,
	       "none is missing");
}

/* The ledger does not keep up: what is left out is counted, or plays are refused. */
static void test_unrecorded(void)
{
	struct play_request request;
	enum open_play found = OPEN_PLAY_NEW;
	char sid[SID_SIZE];
	uint64_t key;
	unsigned i;

	gate_shut();
	auth->audit.options.when_full = AUDIT_FULL_REFUSES;
	for (i = 0; i < 5000 && found == OPEN_PLAY_NEW; i++) {
		snprintf(sid, sizeof(sid), "REeeee%028x", i);
		request = request_of(dana, 77, sid);
		found = open_plays_look(plays, &request, &key);
		if (found != OPEN_PLAY_NEW)
			break;
		open_plays_begin(plays, &request, key);
		open_plays_sent(plays, key, 1);
	}
	IS_INT(found, OPEN_PLAY_UNRECORDED, "when the audit is full a new play is refused");
	auth->audit.options.when_full = AUDIT_FULL_SERVES;
	IS_INT(open_plays_look(plays, &request, &key), OPEN_PLAY_NEW, "or goes on");
	for (unsigned left_out = 0; left_out < 10; left_out++) {
		snprintf(sid, sizeof(sid), "REdddd%028x", left_out);
		request = request_of(dana, 77, sid);
		open_plays_sent(plays, look_at(&request, OPEN_PLAY_NEW), 1);
	}
	gate_open();
	OK(until(gate_is_done), "the writer goes on");
}

static bool is_gap_told(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'chain_gap'") == 1;
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	dana = add_user("dana", ROLE_LISTENER);
	plays = open_plays_new(&auth->audit, loop, mailbox);
	test_entries();
	test_download();
	test_full();
	open_plays_free(plays);
	plays = open_plays_new(&auth->audit, loop, mailbox);
	test_unrecorded();
	open_plays_end_all(plays);
	OK(until(is_gap_told), "the next entry says how many were left out");
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	open_plays_free(plays);
	fixture_close();
	return tap_end();
}
