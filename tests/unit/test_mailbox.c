#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "tap.h"

#include <pthread.h>

#define SENDERS  4
#define MESSAGES 20000

static struct loop *loop;
static struct mailbox *mailbox;
static int received, last[SENDERS], out_of_order;

struct message {
	struct mail mail;
	int sender, number;
};

static void deliver(struct mail *mail)
{
	struct message *message = container_of(mail, struct message, mail);

	out_of_order += message->number != last[message->sender] + 1;
	last[message->sender] = message->number;
	free(message);
	if (++received == SENDERS * MESSAGES)
		loop_stop(loop);
}

static void *send_all(void *argument)
{
	int sender = *(const int *)argument;

	for (int i = 1; i <= MESSAGES; i++) {
		struct message *message = xcalloc(1, sizeof(*message));

		message->mail.deliver = deliver;
		message->sender = sender;
		message->number = i;
		mailbox_post(mailbox, &message->mail);
	}
	return NULL;
}

int main(void)
{
	static int ids[SENDERS] = { 0, 1, 2, 3 };
	pthread_t threads[SENDERS];
	struct err err;

	if (!loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err))
		return 1;
	for (int i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, send_all, &ids[i]);
	loop_run(loop);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	IS_INT(received, SENDERS * MESSAGES, "every message arrives");
	IS_INT(out_of_order, 0, "in the order of its sender");
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
