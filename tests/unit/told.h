/*
 * What a ledger tells those who listen (ledger/feed.h).
 */
#pragma once

#include "ledger/feed.h"
#include "ledger/ledger.h"

__attribute__((unused)) static int64_t told_until(struct ledger *ledger)
{
	return feed_sequence(ledger_feed(ledger));
}

/* Has it been told with a number behind that one?  Without one no other process hears of it. */
__attribute__((unused)) static bool was_told(struct ledger *ledger, unsigned what, int64_t since)
{
	static struct feed_change changes[FEED_RING];
	size_t count;

	if (!feed_since(ledger_feed(ledger), since, changes, FEED_RING, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (changes[i].change.what & what)
			return true;
	return false;
}
