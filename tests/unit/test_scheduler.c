#include "base/mem.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "event/loop.h"
#include "spool/flight_gear.h"
#include "spool/flight_private.h"
#include "spool/scheduler.h"
#include "tap.h"
#include "twilio/accounts.h"

#define ACCOUNT "AC00000000000000000000000000000001"

static struct flight_gear gear;
static struct scheduler *scheduler;
static int last_news;

static void must(bool succeeded, const struct err *err)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err->text);
	exit(1);
}

static void baton_came(struct mail *mail)
{
	struct baton *baton = container_of(mail, struct baton, mail);

	last_news += baton->news.is_last;
	loop_stop(gear.loop);
}

static void baton_fill(struct baton *baton)
{
	*baton = (struct baton){ .mirror_mailbox = gear.mailbox, .came_to_mirror = baton_came };
	baton->news.media.fd = -1;
	memcpy(baton->recording_sid, RECORDING, SID_SIZE);
	memcpy(baton->call_sid, CALL, SID_SIZE);
	memcpy(baton->account_sid, ACCOUNT, SID_SIZE);
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
	loop_stop(gear.loop);
}

static void turn(void)
{
	timer_start(gear.loop, &turn_timer, 1, turn_over);
	loop_run(gear.loop);
}

/* The slot is for asking Twilio; who waits for our disk has given it back. */
static void test_landed(struct err *err)
{
	struct baton of_first, of_second, of_third;
	static const char third[] = "RE00000000000000000000000000000003";

	gear.options.concurrency = 1;
	scheduler = scheduler_new(&gear);
	baton_fill(&of_first);
	baton_fill(&of_second);
	memcpy(of_second.recording_sid, "RE00000000000000000000000000000002", SID_SIZE);
	scheduler_take_baton(scheduler, &of_first);
	scheduler_take_baton(scheduler, &of_second);
	scheduler_add(scheduler, third, CALL, ACCOUNT, FLIGHT_NEW, 0);
	turn(); /* the ledger is not started: whoever begins waits for it */
	OK(counted().flying == 1 && queued() == 2, "one flies, two wait");
	of_first.flight->owner->landed(of_first.flight);
	turn();
	OK(counted().flying == 1 && queued() == 1, "it has landed: the next flies");
	of_second.flight->owner->landed(of_second.flight);
	turn();
	OK(counted().flying == 0 && queued() == 1,
	   "as many wait for the disk as may fly: none begins but for players");
	baton_fill(&of_third);
	memcpy(of_third.recording_sid, third, SID_SIZE);
	scheduler_take_baton(scheduler, &of_third);
	turn();
	OK(counted().flying == 1 && queued() == 0, "for a player it does");

	must(ledger_start(gear.ledger, err), err);
	while (last_news < 3) /* the ledger knows none of them */
		loop_run(gear.loop);
	OK(counted().flying == 0 && queued() == 0, "each gives back what it holds");
	scheduler_free(scheduler);
	gear.options.concurrency = 2;
}

/*
 * A flight that is over lives on until every mirror has brought its baton and heard so.  What is
 * wanted of the recording meanwhile is wanted of the next flight.
 */
static void test_wanted_again(const char *how)
{
	struct baton away, here;

	last_news = 0;
	baton_fill(&away);
	baton_fill(&here);
	scheduler_take_baton(scheduler, &away);
	flight_tell(away.flight);
	loop_run(gear.loop); /* it is with its mirror */
	scheduler_take_baton(scheduler, &here);
	while (last_news == 0) /* the ledger has no such recording: the flight ends */
		loop_run(gear.loop);
	IS_INT(queued(), 0, "%s: the flight is over, one mirror has not heard", how);

	if (strcmp(how, "add") == 0)
		scheduler_add(scheduler, RECORDING, CALL, ACCOUNT, FLIGHT_NEW, 0);
	else
		scheduler_retry(scheduler, RECORDING, CALL, ACCOUNT);
	IS_INT(queued(), 1, "%s: a new flight begins", how);

	scheduler_take_baton(scheduler, &away);
	while (last_news == 1)
		loop_run(gear.loop);
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
	gear = (struct flight_gear){ .accounts = &accounts, .options.concurrency = 2 };
	must(blob_local_open(folder, &gear.store, &err), &err);
	must(loop_new(&gear.loop, &err) && mailbox_open(gear.loop, &gear.mailbox, &err), &err);
	must(ledger_open(path, &gear.ledger, &err), &err);
	test_landed(&err);
	scheduler = scheduler_new(&gear);

	test_wanted_again("add");
	test_wanted_again("retry");

	ledger_stop(gear.ledger);
	mailbox_free(gear.mailbox);
	scheduler_free(scheduler);
	loop_free(gear.loop);
	ledger_free(gear.ledger);
	blob_store_free(gear.store);
	free(account.account_sid);
	free(account.api_url);
	folder_remove();
	return tap_end();
}
