#include "notify/receiver.h"

#include "base/retry_wait.h"

#define GONE_STATUS 410

enum receiver_word receiver_judge(int status)
{
	if (status >= 200 && status < 300)
		return RECEIVER_TOOK;
	return status == GONE_STATUS ? RECEIVER_LEFT : RECEIVER_REFUSED;
}

void receiver_init(struct receiver *receiver)
{
	*receiver = (struct receiver){ .allowed = RECEIVER_SLOTS };
}

unsigned receiver_room(const struct receiver *receiver, int64_t now_ms)
{
	if (receiver_wait_ms(receiver, now_ms) != 0)
		return 0;
	return receiver_is_ailing(receiver) ? 1 : receiver->allowed;
}

int64_t receiver_wait_ms(const struct receiver *receiver, int64_t now_ms)
{
	if (receiver->is_gone)
		return -1;
	return receiver->paused_until_ms > now_ms ? receiver->paused_until_ms - now_ms : 0;
}

static void pause(struct receiver *receiver, int64_t until_ms)
{
	if (receiver->paused_until_ms < until_ms)
		receiver->paused_until_ms = until_ms;
}

static void failed(struct receiver *receiver, int64_t retry_after_ms, int64_t retry_first_ms,
		   int64_t now_ms, uint64_t random)
{
	if (receiver->failures++ == 0)
		receiver->failing_since_ms = now_ms;
	receiver->allowed = receiver->allowed > 1 ? receiver->allowed / 2 : 1;
	if (receiver_is_ailing(receiver))
		pause(receiver,
		      now_ms + retry_wait_ms((int64_t)receiver->failures - RECEIVER_AILING + 1,
					     retry_first_ms, RECEIVER_WAIT_MOST_MS, random));
	if (retry_after_ms > RECEIVER_RETRY_AFTER_MOST_MS)
		retry_after_ms = RECEIVER_RETRY_AFTER_MOST_MS;
	if (retry_after_ms > 0)
		pause(receiver, now_ms + retry_after_ms);
}

void receiver_told(struct receiver *receiver, enum receiver_word word, int64_t retry_after_ms,
		   int64_t retry_first_ms, int64_t now_ms, uint64_t random)
{
	if (word != RECEIVER_TOOK) {
		failed(receiver, retry_after_ms, retry_first_ms, now_ms, random);
		receiver->is_gone = receiver->is_gone || word == RECEIVER_LEFT;
		return;
	}
	receiver->failures = 0;
	receiver->failing_since_ms = receiver->paused_until_ms = 0;
	if (receiver->allowed < RECEIVER_SLOTS)
		receiver->allowed++;
}

void receiver_resume(struct receiver *receiver, int64_t now_ms)
{
	receiver->is_gone = false;
	receiver->paused_until_ms = 0;
	if (receiver->failures > 0)
		receiver->failing_since_ms = now_ms;
}
