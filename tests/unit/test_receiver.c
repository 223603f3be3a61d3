#include "notify/receiver.h"

#include "tap.h"

#define FIRST_MS 2000
#define RANDOM   0 /* the shortest wait: a tenth */

static const struct {
	int status;
	enum receiver_word word;
} answers[] = {
	{ 200, RECEIVER_TOOK },    { 204, RECEIVER_TOOK },    { 299, RECEIVER_TOOK },
	{ 0, RECEIVER_REFUSED },   { 302, RECEIVER_REFUSED }, { 308, RECEIVER_REFUSED },
	{ 400, RECEIVER_REFUSED }, { 404, RECEIVER_REFUSED }, { 410, RECEIVER_LEFT },
	{ 429, RECEIVER_REFUSED }, { 500, RECEIVER_REFUSED },
};

static struct receiver receiver;
static int64_t now_ms = 1000000;

static void told(enum receiver_word word, int64_t retry_after_ms)
{
	receiver_told(&receiver, word, retry_after_ms, FIRST_MS, now_ms, RANDOM);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		IS_INT(receiver_judge(answers[i].status), answers[i].word, "status %d",
		       answers[i].status);

	receiver_init(&receiver);
	IS_INT(receiver_room(&receiver, now_ms), RECEIVER_SLOTS, "at first as many as there are");
	told(RECEIVER_REFUSED, -1);
	IS_INT(receiver_room(&receiver, now_ms), RECEIVER_SLOTS / 2, "a failure halves it");
	told(RECEIVER_TOOK, -1);
	IS_INT(receiver_room(&receiver, now_ms), RECEIVER_SLOTS / 2 + 1, "a success adds one");
	for (int i = 0; i < 20; i++)
		told(RECEIVER_TOOK, -1);
	IS_INT(receiver_room(&receiver, now_ms), RECEIVER_SLOTS, "up to all of them");

	for (int i = 0; i < RECEIVER_AILING - 1; i++)
		told(RECEIVER_REFUSED, -1);
	OK(!receiver_is_ailing(&receiver) && receiver_room(&receiver, now_ms) > 0,
	   "two failures in a row stop nothing");
	told(RECEIVER_REFUSED, -1);
	OK(receiver_is_ailing(&receiver), "three do");
	IS_INT(receiver_room(&receiver, now_ms), 0, "nothing is sent for a while");
	IS_INT(receiver_wait_ms(&receiver, now_ms), FIRST_MS / 10, "a short one at first");
	now_ms += FIRST_MS / 10;
	IS_INT(receiver_room(&receiver, now_ms), 1, "then one");
	for (int i = 0; i < 40; i++)
		receiver_told(&receiver, RECEIVER_REFUSED, -1, FIRST_MS, now_ms, UINT64_MAX);
	OK(receiver_wait_ms(&receiver, now_ms) <= RECEIVER_WAIT_MOST_MS, "at most a minute apart");
	told(RECEIVER_TOOK, -1);
	OK(!receiver_is_ailing(&receiver) && receiver_wait_ms(&receiver, now_ms) == 0 &&
		   receiver.failing_since_ms == 0,
	   "one success ends it");

	told(RECEIVER_REFUSED, 5000);
	IS_INT(receiver_wait_ms(&receiver, now_ms), 5000, "a Retry-After counts at once");
	told(RECEIVER_REFUSED, INT64_C(1) << 50);
	IS_INT(receiver_wait_ms(&receiver, now_ms), RECEIVER_RETRY_AFTER_MOST_MS,
	       "an hour at the most");
	told(RECEIVER_REFUSED, 1);
	IS_INT(receiver_wait_ms(&receiver, now_ms), RECEIVER_RETRY_AFTER_MOST_MS,
	       "and a later one does not make it shorter");

	told(RECEIVER_LEFT, -1);
	OK(receiver_wait_ms(&receiver, now_ms) == -1 && receiver_room(&receiver, INT64_MAX) == 0,
	   "who is gone is sent nothing, however long one waits");
	told(RECEIVER_TOOK, -1);
	IS_INT(receiver_wait_ms(&receiver, now_ms), -1, "not even where another try was taken");
	receiver_resume(&receiver, now_ms);
	OK(receiver_room(&receiver, now_ms) > 0, "until somebody says so");
	told(RECEIVER_REFUSED, -1);
	now_ms += 1000;
	receiver_resume(&receiver, now_ms);
	OK(receiver.failures > 0 && receiver.failing_since_ms == now_ms,
	   "one that fails has its time anew from then on");
	return tap_end();
}
