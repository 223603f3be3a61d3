#include "ledger/feed.h"

#include "event/loop.h"
#include "event/mailbox.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define START 100

static struct feed_change out[FEED_RING];
static struct projection_change changes[FEED_COMMIT_MAX];
static struct feed *feed;
static size_t count;

/* A commit of so many changes, numbered in the order of all changes. */
static void tell(size_t how_many, int64_t sequence)
{
	static unsigned number;

	for (size_t i = 0; i < how_many; i++) {
		changes[i] = (struct projection_change){ .what = PROJECTED_CALL };
		snprintf(changes[i].call_sid, SID_SIZE, "CA%032u", ++number);
	}
	feed_tell(feed, changes, how_many, sequence);
}

static unsigned number_of(const struct feed_change *change)
{
	uint64_t number = 0;

	return str_to_u64(str_of(change->change.call_sid + 2), &number) ? (unsigned)number : 0;
}

/* The numbers follow each other, and the sequences do not fall. */
static bool are_in_order(unsigned first)
{
	for (size_t i = 0; i < count; i++)
		if (number_of(&out[i]) != first + i ||
		    (i > 0 && out[i].sequence < out[i - 1].sequence))
			return false;
	return true;
}

static void test_beginning(void)
{
	OK(feed_since(feed, START, out, FEED_RING, &count) && count == 0, "nothing has come yet");
	IS_INT(feed_sequence(feed), START, "the number to go on from");
	OK(!feed_since(feed, START - 1, out, FEED_RING, &count), "what was before is not known");
	OK(!feed_since(feed, START + 1, out, FEED_RING, &count), "nor is what never was");
	tell(0, START + 1);
	OK(feed_sequence(feed) == START + 1 &&
		   feed_since(feed, START + 1, out, FEED_RING, &count) && count == 0,
	   "a commit that changes nothing for them is known by its number");
	OK(feed_since(feed, START, out, FEED_RING, &count) && count == 0, "and is not told");
	tell(0, 0);
	IS_INT(feed_sequence(feed), START + 1, "where nothing was committed, there is no number");
}

static void test_since(void)
{
	tell(2, 103);
	tell(1, 104);
	tell(3, 110);
	OK(feed_since(feed, START, out, FEED_RING, &count), "all since the beginning");
	OK(count == 6 && are_in_order(1), "in the order of commits");
	IS_INT(out[5].sequence, 110, "with the numbers of their commits");
	OK(feed_since(feed, 103, out, FEED_RING, &count) && count == 4 && are_in_order(3),
	   "all after a commit");
	OK(feed_since(feed, 105, out, FEED_RING, &count) && count == 3 && are_in_order(4),
	   "a number between two commits");
	OK(feed_since(feed, 110, out, FEED_RING, &count) && count == 0, "nothing after the last");
	OK(!feed_since(feed, 111, out, FEED_RING, &count), "it was never given");
}

/* A commit is handed out whole or not at all, and nothing is missed in between. */
static void test_pages(void)
{
	int64_t sequence = 110;
	size_t total = 0, pages = 0;

	tell(300, 120);
	tell(300, 121);
	tell(FEED_COMMIT_MAX, 122);
	while (feed_since(feed, sequence, out, FEED_COMMIT_MAX, &count) && count > 0) {
		OK(are_in_order(7 + (unsigned)total), "page %zu goes on where the last one ended",
		   pages);
		total += count;
		sequence = out[count - 1].sequence;
		pages++;
	}
	IS_INT(total, 600 + FEED_COMMIT_MAX, "all of it, once");
	IS_INT(pages, 3, "a commit that does not fit whole is left to the next page");
}

static void test_too_old(void)
{
	int64_t sequence = 122;

	while (sequence < 200 && feed_since(feed, 110, out, FEED_RING, &count))
		tell(FEED_COMMIT_MAX, ++sequence);
	IS_INT(sequence, 122 + (FEED_RING - 600) / FEED_COMMIT_MAX,
	       "the ring is full: a part of commit 120 is overwritten, and it is not told as if it were all");
	OK(feed_since(feed, 120, out, FEED_RING, &count), "what came after it is kept");
	IS_INT(feed_oldest(feed), 120, "from there on");
	OK(are_in_order(307) && out[count - 1].sequence == sequence, "to the last");
	tell(FEED_COMMIT_MAX, ++sequence);
	OK(!feed_since(feed, 120, out, FEED_RING, &count), "until that is overwritten, too");
}

/* ---- listeners ---- */

static struct loop *loop;
static size_t heard[2];
static int64_t heard_sequence;

static void changed_first(struct ledger_listener *listener, const struct projection_change *change,
			  int64_t sequence)
{
	heard[0]++;
}

static void changed_second(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	heard[1]++;
	heard_sequence = sequence;
	if (sequence == 9)
		loop_stop(loop);
}

static void test_listeners(void)
{
	AUTO(feed_free) struct feed *own = feed_new(5);
	struct ledger_listener first = { .changed = changed_first },
			       second = { .changed = changed_second };
	struct mailbox *mailbox;
	struct err err;

	if (!loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err))
		exit(1);
	first.mailbox = second.mailbox = mailbox;
	feed_listen(own, &second);
	feed_listen(own, &first);
	feed_tell(own, changes, 3, 7);
	feed_tell(own, changes, 0, 8);
	feed_tell(own, changes, 1, 9);
	loop_run(loop);
	IS_INT(heard[0], 4, "a listener hears of each change");
	IS_INT(heard[1], 4, "and so does another");
	IS_INT(heard_sequence, 9, "with the number of its commit");
	mailbox_free(mailbox);
	loop_free(loop);
}

/* The ledger has lost what was told: the numbers fall, and nobody goes on from one of before. */
static void test_begins_anew(void)
{
	AUTO(feed_free) struct feed *own = feed_new(5);

	feed_tell(own, changes, 2, 6);
	feed_tell(own, changes, 1, 9);
	feed_begin_anew(own, 7);
	feed_tell(own, changes, 1, 7);
	OK(!feed_since(own, 6, out, FEED_RING, &count) &&
		   !feed_since(own, 9, out, FEED_RING, &count),
	   "begun anew: what was heard before is no place to go on from");
	OK(feed_sequence(own) == 7 && feed_since(own, 7, out, FEED_RING, &count) && count == 0,
	   "but where it stands is");
	feed_tell(own, changes, 1, 8);
	OK(feed_since(own, 7, out, FEED_RING, &count) && count == 1 && out[0].sequence == 8,
	   "and what comes behind it is told");
}

int main(void)
{
	feed = feed_new(START);
	test_beginning();
	test_since();
	test_pages();
	test_too_old();
	feed_free(feed);
	test_begins_anew();
	test_listeners();
	return tap_end();
}
