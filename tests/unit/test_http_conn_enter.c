/* Every pair of states, against a list of those that may follow each other. */
#include "base/str.h"
#include "http/http_conn_enter.h"
#include "tap.h"

static const char *const names[CONN_STATES] = {
	[CONN_IDLE] = "idle",           [CONN_HEAD] = "head",         [CONN_BODY] = "body",
	[CONN_ADMITTING] = "admitting", [CONN_PARKED] = "parked",     [CONN_SENDING] = "sending",
	[CONN_LINGERING] = "lingering", [CONN_UPGRADED] = "upgraded", [CONN_ENDED] = "ended",
};

static const struct {
	enum conn_state from;
	const char *to; /* those that may follow, in words */
} rows[] = {
	{ CONN_IDLE, "head ended" },
	{ CONN_HEAD, "idle admitting sending ended" },
	{ CONN_ADMITTING, "body parked sending upgraded ended" },
	{ CONN_BODY, "admitting parked sending upgraded ended" },
	{ CONN_PARKED, "sending upgraded ended" },
	{ CONN_SENDING, "idle lingering ended" },
	{ CONN_LINGERING, "ended" },
	{ CONN_UPGRADED, "lingering ended" },
	{ CONN_ENDED, "" },
};

static bool is_listed(const char *list, const char *name)
{
	struct str rest = str_of(list), word;

	while (str_cut(&rest, ' ', &word))
		if (str_eq(word, str_of(name)))
			return true;
	return false;
}

int main(void)
{
	IS_INT(ARRAY_LEN(rows), CONN_STATES, "each state has its row");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned to = 0; to < CONN_STATES; to++)
			IS_INT(conn_may_enter(rows[i].from, to), is_listed(rows[i].to, names[to]),
			       "%s -> %s", names[rows[i].from], names[to]);
	return tap_end();
}
