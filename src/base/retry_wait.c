#include "base/retry_wait.h"

int64_t retry_wait_ms(int64_t tries, int64_t first_ms, int64_t most_ms, uint64_t random)
{
	int64_t limit_ms = first_ms;

	for (int64_t i = 1; i < tries && limit_ms < most_ms; i++)
		limit_ms *= 2;
	if (limit_ms > most_ms)
		limit_ms = most_ms;

	int64_t least_ms = limit_ms / 10;

	return least_ms + (int64_t)(random % (uint64_t)(limit_ms - least_ms + 1));
}
