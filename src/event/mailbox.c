/*
 * Senders push onto a stack with one compare-and-swap; the receiver takes the whole
 * stack at once and turns it round.  Who pushes onto an empty stack writes the
 * eventfd, so a burst costs one write and one wakeup.
 */
#include "event/mailbox.h"

#include "base/mem.h"
#include "base/own.h"
#include "event/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	struct watch watch;
	_Atomic(struct mail *) posted; /* the newest first */
};

static void deliver_all(struct mailbox *mailbox)
{
	struct mail *newest =
		atomic_exchange_explicit(&mailbox->posted, NULL, memory_order_acq_rel);
	struct mail *oldest = NULL;

	while (newest) {
		struct mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct mail *next = oldest->next; /* deliver() may free it, or post it again */

		oldest->deliver(oldest);
		oldest = next;
	}
}

static void box_ready(struct watch *watch, uint32_t events)
{
	struct mailbox *mailbox = container_of(watch, struct mailbox, watch);
	uint64_t count;
	ssize_t n = read(watch->fd, &count,
			 sizeof(count)); /* before the exchange: a later post rings again */

	(void)n;
	deliver_all(mailbox);
}

bool mailbox_open(struct loop *loop, struct mailbox **out, struct err *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return err_errno(err, "cannot make an eventfd");

	struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	watch_start(loop, &mailbox->watch, fd, EPOLLIN, box_ready);
	*out = mailbox;
	return true;
}

void mailbox_drain(struct mailbox *mailbox)
{
	while (atomic_load_explicit(&mailbox->posted, memory_order_acquire))
		deliver_all(mailbox);
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	mailbox_drain(mailbox);
	watch_stop(&mailbox->watch);
	close(mailbox->watch.fd);
	free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
	struct mail *head = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);

	do {
		mail->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&mailbox->posted, &head, mail, memory_order_acq_rel, memory_order_relaxed));
	if (!head) {
		uint64_t one = 1;
		ssize_t n = write(mailbox->watch.fd, &one, sizeof(one));

		(void)n; /* fails only when the count would overflow, and then the bell rings already */
	}
}
