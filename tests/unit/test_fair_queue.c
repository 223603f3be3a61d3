#include "base/fair_queue.h"
#include "tap.h"

#define PEER_MAX 20
#define MAX      200

static struct fair_queue queue;

struct one {
	struct fair_queue_entry entry;
	char name[8];
};

/* Of each waiting one, whose it is: "aaab", in the order in which they go. */
static struct str order(char out[MAX + 1])
{
	struct fair_queue_entry *entry;
	size_t count = 0;

	while (count < MAX && (entry = fair_queue_take(&queue)) != NULL)
		out[count++] = container_of(entry, struct one, entry)->name[0];
	out[count] = '\0';
	return (struct str){ out, count };
}

int main(void)
{
	static struct one ones[MAX + PEER_MAX];
	char text[MAX + 1];
	unsigned added = 0, refused = 0;

	fair_queue_init(&queue, PEER_MAX, MAX);
	IS_STR(order(text), STR(""), "nobody waits");
	for (int i = 0; i < 7; i++) {
		ones[i].name[0] = "aaaabbc"[i];
		OK(fair_queue_add(&queue, &ones[i].entry, (struct str){ ones[i].name, 1 }),
		   "%c waits", ones[i].name[0]);
	}
	fair_queue_remove(&queue, &ones[3].entry);
	fair_queue_remove(&queue, &ones[3].entry);
	IS_STR(order(text), STR("abcaba"), "each peer in its turn, without the one that left");

	for (int i = 0; i <= PEER_MAX; i++)
		refused += !fair_queue_add(&queue, &ones[i].entry, STR("10.0.0.1"));
	IS_INT(refused, 1, "one more than a peer may have waiting is refused");
	OK(fair_queue_add(&queue, &ones[PEER_MAX].entry, STR("10.0.0.2")),
	   "not so of another peer");
	while (fair_queue_take(&queue))
		;
	for (unsigned i = 0; i < ARRAY_LEN(ones); i++) {
		snprintf(ones[i].name, sizeof(ones[i].name), "p%u", i);
		added += fair_queue_add(&queue, &ones[i].entry, str_of(ones[i].name));
	}
	IS_INT(added, MAX, "nor more than may wait of all");
	while (fair_queue_take(&queue))
		;
	IS_INT(queue.peers.count, 0, "nothing is kept of peers of whom nobody waits");
	fair_queue_release(&queue);
	return tap_end();
}
