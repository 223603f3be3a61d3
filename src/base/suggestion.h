/*
 * "did you mean 'x'?": the known name that is nearest to a mistyped one.
 *
 *	struct suggestion near;
 *
 *	suggestion_start(&near, word);
 *	for (each name)
 *		suggestion_offer(&near, name);
 *	if (near.best) ...
 *
 * Nearness is the number of characters that are left out, added, replaced or exchanged with their
 * neighbour; nothing is near that differs in more than a third of the word.  Pure.
 */
#pragma once

#include "base/str.h"

#define SUGGESTION_MAX 64 /* characters; nobody mistypes a longer name */

struct suggestion {
	struct str word;
	const char *best; /* NULL: nothing is near */
	unsigned distance;
};

void suggestion_start(struct suggestion *suggestion, struct str word);
/* Of two that are as near the one offered first wins.  The name is borrowed. */
void suggestion_offer(struct suggestion *suggestion, const char *name);
