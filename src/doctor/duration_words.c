#include "doctor/duration_words.h"

#include <stdio.h>

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)

const char *duration_words(int64_t ms, char room[DURATION_WORDS_SIZE])
{
	if (ms == INT64_MAX)
		return "for ever";
	if (ms < SECOND_MS)
		snprintf(room, DURATION_WORDS_SIZE, "%lld ms", (long long)ms);
	else if (ms >= 2 * MINUTE_MS && ms % MINUTE_MS == 0)
		snprintf(room, DURATION_WORDS_SIZE, "%lld min", (long long)(ms / MINUTE_MS));
	else if (ms % SECOND_MS == 0)
		snprintf(room, DURATION_WORDS_SIZE, "%lld s", (long long)(ms / SECOND_MS));
	else
		snprintf(room, DURATION_WORDS_SIZE, "%.1f s", (double)ms / SECOND_MS);
	return room;
}
