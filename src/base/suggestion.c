#include "base/suggestion.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, three rows of its table at a time. */
static unsigned distance(struct str a, struct str b)
{
	unsigned rows[3][SUGGESTION_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t k = 0; k <= b.len; k++)
		last[k] = (unsigned)k;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *free_row = before;

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= b.len; k++) {
			row[k] = least(last[k - 1] + (a.at[i - 1] != b.at[k - 1]),
				       least(last[k], row[k - 1]) + 1);
			if (i > 1 && k > 1 && a.at[i - 1] == b.at[k - 2] &&
			    a.at[i - 2] == b.at[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = last;
		last = row;
		row = free_row;
	}
	return last[b.len];
}

void suggestion_start(struct suggestion *suggestion, struct str word)
{
	*suggestion = (struct suggestion){ .word = word, .distance = (unsigned)word.len / 3 + 1 };
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
	struct str other = str_of(name);
	unsigned away;

	if (suggestion->word.len > SUGGESTION_MAX || other.len > SUGGESTION_MAX)
		return;
	away = distance(suggestion->word, other);
	if (away >= suggestion->distance)
		return;
	suggestion->distance = away;
	suggestion->best = name;
}
