#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "event/loop.h"
#include "flights/flight_env.h"
#include "flights/flight_private.h"
#include "flights/scheduler.h"
#include "flights/upstream.h"
#include "tap.h"
#include "twilio/accounts.h"

#define ACCOUNT "AC00000000000000000000000000000001"

static struct flight_env env;
static struct scheduler *scheduler;
static int last_news;

static void must(bool succeeded, const struct err *err)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err->text);
	exit(1);
}

static void update_came(struct mail *mail)
{
	struct flight_update *update = container_of(mail, struct flight_update, mail);

	last_news += update->news.is_last;
	loop_stop(env.loop);
}

static void update_fill(struct flight_update *update)
{
	*update = (struct flight_update){ .mirror_mailbox = env.mailbox,
					  .came_to_mirror = update_came };
	update->news.media.fd = -1;
	memcpy(update->recording_sid, RECORDING, SID_SIZE);
	memcpy(update->call_sid, CALL, SID_SIZE);
	memcpy(update->account_sid, ACCOUNT, SID_SIZE);
}

static struct scheduler_counts counted(void)
{
	struct scheduler_counts counts;

	scheduler_counts(scheduler, &counts);
	return counts;
}

static unsigned queued(void)
{
	return counted().queued;
}

static struct timer turn_timer;

static void turn_over(struct timer *timer)
{
	loop_stop(env.loop);
}

static void turn(void)
{
	timer_start(env.loop, &turn_timer, 1, turn_over);
	loop_run(env.loop);
}

/* As if all of it had arrived. */
static void land(struct flight *flight)
{
	flight_enter(flight, FLIGHT_CHECKING);
	flight_enter(flight, FLIGHT_SEALING);
	flight->owner->landed(flight);
}

/* The slot is for asking Twilio; who waits for our disk has given it back. */
static void test_landed(struct err *err)
{
	struct flight_update of_first, of_second, of_third;
	static const char third[] = "RE00000000000000000000000000000003";

	env.options.concurrency = 1;
	scheduler = scheduler_new(&env);
	update_fill(&of_first);
	update_fill(&of_second);
	memcpy(of_second.recording_sid, "RE00000000000000000000000000000002", SID_SIZE);
	scheduler_take_update(scheduler, &of_first);
	scheduler_take_update(scheduler, &of_second);
	scheduler_add(scheduler, third, CALL, ACCOUNT, FLIGHT_NEW, 0);
	turn(); /* the ledger is not started: whoever begins waits for it */
	OK(counted().flying == 1 && queued() == 2, "one flies, two wait");
	land(of_first.flight);
	turn();
	OK(counted().flying == 1 && queued() == 1, "it has landed: the next flies");
	land(of_second.flight);
	turn();
	OK(counted().flying == 0 && queued() == 1,
	   "as many wait for the disk as may fly: none begins but for players");
	update_fill(&of_third);
	memcpy(of_third.recording_sid, third, SID_SIZE);
	scheduler_take_update(scheduler, &of_third);
	turn();
	OK(counted().flying == 1 && queued() == 0, "for a player it does");

	must(ledger_start(env.ledger, err), err);
	while (last_news < 3) /* the ledger knows none of them */
		loop_run(env.loop);
	OK(counted().flying == 0 && queued() == 0, "each gives back what it holds");
	scheduler_free(scheduler);
	env.options.concurrency = 2;
}

/*
 * A flight that is over lives on until every mirror has brought its update and heard so.  What is
 * wanted of the recording meanwhile is wanted of the next flight.
 */
static void test_wanted_again(const char *how)
{
	struct flight_update away, here;

	last_news = 0;
	update_fill(&away);
	update_fill(&here);
	scheduler_take_update(scheduler, &away);
	flight_tell(away.flight);
	loop_run(env.loop); /* it is with its mirror */
	scheduler_take_update(scheduler, &here);
	while (last_news == 0) /* the ledger has no such recording: the flight ends */
		loop_run(env.loop);
	IS_INT(queued(), 0, "%s: the flight is over, one mirror has not heard", how);

	if (strcmp(how, "add") == 0)
		scheduler_add(scheduler, RECORDING, CALL, ACCOUNT, FLIGHT_NEW, 0);
	else
		scheduler_retry(scheduler, RECORDING, CALL, ACCOUNT);
	IS_INT(queued(), 1, "%s: a new flight begins", how);

	scheduler_take_update(scheduler, &away);
	while (last_news == 1)
		loop_run(env.loop);
	IS_INT(last_news, 2, "%s: the mirror that was away hears the end of the old flight", how);
}

int main(void)
{
	struct account account = { .account_sid = xstrdup(ACCOUNT),
				   .api_url = xstrdup("http://127.0.0.1:1") };
	struct accounts accounts = { .at = &account, .count = 1 };
	AUTO(free) char *path = NULL;
	struct err err;

	folder_make();
	path = xasprintf("%s/ledger.db", folder);
	env = (struct flight_env){ .accounts = &accounts, .options.concurrency = 2 };
	must(blob_local_open(folder, &env.store, &err), &err);
	must(loop_new(&env.loop, &err) && mailbox_open(env.loop, &env.mailbox, &err), &err);
	must(ledger_open(path, &env.ledger, &err), &err);
	env.upstream = upstream_new(&accounts);
	test_landed(&err);
	scheduler = scheduler_new(&env);

	test_wanted_again("add");
	test_wanted_again("retry");

	ledger_stop(env.ledger);
	mailbox_free(env.mailbox);
	scheduler_free(scheduler);
	upstream_free(env.upstream);
	loop_free(env.loop);
	ledger_free(env.ledger);
	blob_store_free(env.store);
	free(account.account_sid);
	free(account.api_url);
	folder_remove();
	return tap_end();
}
