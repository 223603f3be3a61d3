#include "spool/turns.h"
#include "tap.h"

static struct turns turns;

struct one {
	struct turn turn;
	char name[8];
};

/* Of each waiting one, whose it is: "aaab", in the order in which they go. */
static struct str order(char out[TURNS_MAX + 1])
{
	struct turn *turn;
	size_t count = 0;

	while (count < TURNS_MAX && (turn = turns_take(&turns)) != NULL)
		out[count++] = container_of(turn, struct one, turn)->name[0];
	out[count] = '\0';
	return (struct str){ out, count };
}

int main(void)
{
	static struct one ones[TURNS_MAX + TURNS_OF_PEER_MAX];
	char text[TURNS_MAX + 1];
	unsigned added = 0, refused = 0;

	turns_init(&turns);
	IS_STR(order(text), STR(""), "nobody waits");
	for (int i = 0; i < 7; i++) {
		ones[i].name[0] = "aaaabbc"[i];
		OK(turns_add(&turns, &ones[i].turn, (struct str){ ones[i].name, 1 }), "%c waits",
		   ones[i].name[0]);
	}
	turns_remove(&turns, &ones[3].turn);
	turns_remove(&turns, &ones[3].turn);
	IS_STR(order(text), STR("abcaba"), "each peer in its turn, without the one that left");

	for (int i = 0; i <= TURNS_OF_PEER_MAX; i++)
		refused += !turns_add(&turns, &ones[i].turn, STR("10.0.0.1"));
	IS_INT(refused, 1, "one more than a peer may have waiting is refused");
	OK(turns_add(&turns, &ones[TURNS_OF_PEER_MAX].turn, STR("10.0.0.2")),
	   "not so of another peer");
	while (turns_take(&turns))
		;
	for (unsigned i = 0; i < ARRAY_LEN(ones); i++) {
		snprintf(ones[i].name, sizeof(ones[i].name), "p%u", i);
		added += turns_add(&turns, &ones[i].turn, str_of(ones[i].name));
	}
	IS_INT(added, TURNS_MAX, "nor more than may wait of all");
	while (turns_take(&turns))
		;
	IS_INT(turns.peers.count, 0, "nothing is kept of peers of whom nobody waits");
	turns_release(&turns);
	return tap_end();
}
