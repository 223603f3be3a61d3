#include "base/fair_queue.h"
#include "tap.h"

static struct fair_queue turns;

struct one {
	struct fair_queue_entry turn;
	char name[8];
};

/* Of each waiting one, whose it is: "aaab", in the order in which they go. */
static struct str order(char out[FAIR_QUEUE_MAX + 1])
{
	struct fair_queue_entry *turn;
	size_t count = 0;

	while (count < FAIR_QUEUE_MAX && (turn = fair_queue_take(&turns)) != NULL)
		out[count++] = container_of(turn, struct one, turn)->name[0];
	out[count] = '\0';
	return (struct str){ out, count };
}

int main(void)
{
	static struct one ones[FAIR_QUEUE_MAX + FAIR_QUEUE_PEER_MAX];
	char text[FAIR_QUEUE_MAX + 1];
	unsigned added = 0, refused = 0;

	fair_queue_init(&turns);
	IS_STR(order(text), STR(""), "nobody waits");
	for (int i = 0; i < 7; i++) {
		ones[i].name[0] = "aaaabbc"[i];
		OK(fair_queue_add(&turns, &ones[i].turn, (struct str){ ones[i].name, 1 }),
		   "%c waits", ones[i].name[0]);
	}
	fair_queue_remove(&turns, &ones[3].turn);
	fair_queue_remove(&turns, &ones[3].turn);
	IS_STR(order(text), STR("abcaba"), "each peer in its turn, without the one that left");

	for (int i = 0; i <= FAIR_QUEUE_PEER_MAX; i++)
		refused += !fair_queue_add(&turns, &ones[i].turn, STR("10.0.0.1"));
	IS_INT(refused, 1, "one more than a peer may have waiting is refused");
	OK(fair_queue_add(&turns, &ones[FAIR_QUEUE_PEER_MAX].turn, STR("10.0.0.2")),
	   "not so of another peer");
	while (fair_queue_take(&turns))
		;
	for (unsigned i = 0; i < ARRAY_LEN(ones); i++) {
		snprintf(ones[i].name, sizeof(ones[i].name), "p%u", i);
		added += fair_queue_add(&turns, &ones[i].turn, str_of(ones[i].name));
	}
	IS_INT(added, FAIR_QUEUE_MAX, "nor more than may wait of all");
	while (fair_queue_take(&turns))
		;
	IS_INT(turns.peers.count, 0, "nothing is kept of peers of whom nobody waits");
	fair_queue_release(&turns);
	return tap_end();
}
