#include "audit/open_plays.h"

#include "audit/audit_trail.h"
#include "running_ledger.h"

#include <sodium.h>

#define LISTENERS 4096 /* at once on one loop */
#define LOST_MOST 40   /* one in a hundred: chance fills one set before the others */

static struct audit_trail trail;
static struct line_pairs *pairs;
static struct open_plays *plays;

/* Sessions and others by turns. */
static struct play_request request_of(uint64_t user_id)
{
	return (struct play_request){
		.user_id = user_id,
		.credential_id = user_id,
		.near = user_id % 2 ? (unsigned)(user_id * 4099 % OPEN_PLAYS_PLACES) + 1 : 0,
		.for_user = STR(""),
		.address = STR("192.0.2.1"),
		.recording_sid = "RE00000000000000000000000000000001"
	};
}

static bool begin(uint64_t user_id)
{
	struct play_request request = request_of(user_id);
	uint64_t key;

	if (open_plays_look(plays, &request, &key) != OPEN_PLAY_NEW)
		return false;
	open_plays_begin(plays, &request, key);
	open_plays_sent(plays, key, 100);
	return true;
}

static bool is_on(uint64_t user_id)
{
	struct play_request request = request_of(user_id);

	return open_plays_is_on(plays, &request);
}

static void test_many(void)
{
	unsigned begun = 0, on = 0;

	OK(!is_on(1), "nobody plays at first");
	for (uint64_t user = 1; user <= LISTENERS; user++)
		begun += begin(user);
	IS_INT(begun, LISTENERS, "4,096 begin to play");
	for (uint64_t user = 1; user <= LISTENERS; user++)
		on += is_on(user);
	OK(on + LOST_MOST >= LISTENERS, "and their plays go on, none ended for another (%u)", on);
	OK(!is_on(LISTENERS + 1), "of nobody else");
}

/* All of what is full is taken in turns: the play that was silent for longest is ended, and no other. */
static void test_full(void)
{
	const unsigned many = 40 * LISTENERS;

	for (uint64_t user = LISTENERS + 1; user <= many; user++)
		if (!begin(user))
			break;
	OK(is_on(many), "among more than there is room for the last one goes on");
	OK(!is_on(1), "and the first one was ended");
}

/* At the end every play is written, batch by batch, though nobody takes back what was written. */
static void test_end(void)
{
	uint64_t left_out = open_plays_left_out(plays);

	open_plays_end_all(plays);
	IS_INT(open_plays_left_out(plays), left_out, "at the end no play is left out");
}

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return audit_trail_begin(&trail, catalog, cause);
}

int main(void)
{
	struct ledger_job beginning = { .run = run_begin };
	struct audit_options options = { .when_full = AUDIT_FULL_SERVES };
	char key[sizeof(folder) + 16];

	if (sodium_init() < 0)
		return 1;
	running_open();
	snprintf(key, sizeof(key), "%s/audit.key", folder);
	MUST(audit_trail_open(&options, folder, true, ledger, &trail, &err) &&
	     ledger_write_now(ledger, &beginning, &err) && ledger_start(ledger, &err));
	pairs = line_pairs_new(OPEN_PLAYS_PLACES, false);
	plays = open_plays_new(&trail, loop, mailbox, line_pairs_right(pairs));
	test_many();
	test_full();
	test_end();
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	open_plays_free(plays);
	line_pairs_free(pairs);
	audit_trail_release(&trail);
	unlink(key);
	running_remove();
	return tap_end();
}
