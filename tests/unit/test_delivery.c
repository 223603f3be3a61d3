#include "notify/delivery.h"

#include "base/mem.h"
#include "base/str.h"
#include "notify/notice_message.h"
#include "tap.h"

#include <string.h>

static void ended(struct delivery *delivery)
{
	OK(false, "nothing was sent");
}

/* A slot sends one notice after another. */
static void test_too_long(void)
{
	AUTO(free) struct delivery *delivery = xcalloc(1, sizeof(*delivery));
	char url[1000];
	struct delivery_to to = { .public_url = url };
	struct err err;

	memset(url, '\x01', sizeof(url)); /* six characters of JSON each */
	url[sizeof(url) - 1] = '\0';
	delivery->notice.type = NOTICE_STORED;
	str_fit(STR("RE00000000000000000000000000000001"), delivery->notice.recording_sid,
		sizeof(delivery->notice.recording_sid));
	delivery->status = 503; /* of the one before */
	delivery->retry_after_ms = 5000;
	str_fit(STR("the receiver answered 503"), delivery->failure, sizeof(delivery->failure));
	OK(!delivery_start(delivery, &to, 1700000000000, ended, &err) && err.kind == ERR_INTERNAL,
	   "a notice that is too long is not sent (%s)", err.text);
	OK(delivery->status == 0 && delivery->retry_after_ms == -1 && delivery->failure[0] == '\0',
	   "and what the receiver said to another is not told of it");
}

int main(void)
{
	test_too_long();
	return tap_end();
}
