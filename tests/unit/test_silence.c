#include "audio/silence.h"

#include "base/mem.h"
#include "tap.h"

#include <math.h>

#define HOP_MS 25.0

/* A run of hops; a level each channel, dB below full scale; INFINITY: digital silence. */
struct stretch {
	unsigned hops;
	double below[2];
};

static struct levels *make(const struct stretch *stretches)
{
	struct levels *levels = levels_new(2);

	for (; stretches->hops > 0; stretches++) {
		const double mean_squares[] = { pow(10, -stretches->below[0] / 10),
						pow(10, -stretches->below[1] / 10) };

		for (unsigned i = 0; i < stretches->hops; i++)
			levels_add(levels, mean_squares);
	}
	return levels;
}

static const struct {
	const char *name;
	struct stretch stretches[6];
	unsigned thresholds[2];
	struct silence want[3];
} rows[] = {
	{ "speech on quiet lines, and a pause of both",
	  { { 100, { 20, 70 } }, { 100, { 70, 70 } }, { 200, { 70, 25 } } },
	  { 60, 60 },
	  { { 2500, 5000 } } },
	{ "one side speaks all the time",
	  { { 100, { 20, 70 } }, { 100, { 70, 25 } }, { 100, { 20, 70 } } },
	  { 60, 60 },
	  { { 0, 0 } } },
	{ "a noisy line: what is 8 dB above its noise is none",
	  { { 100, { 20, 58 } }, { 100, { 58, 54 } }, { 100, { 20, 58 } } },
	  { 50, 50 },
	  { { 2500, 5000 } } },
	{ "a noise as loud as speech is heard",
	  { { 100, { 20, 35 } }, { 100, { 35, 35 } } },
	  { 45, 45 },
	  { { 0, 0 } } },
	{ "a quiet speaker on a quiet line is not skipped",
	  { { 100, { 52, 70 } }, { 100, { 70, 70 } } },
	  { 60, 60 },
	  { { 2500, 5000 } } },
	{ "digital silence, then comfort noise",
	  { { 100, { INFINITY, INFINITY } },
	    { 100, { 62, 62 } },
	    { 100, { 20, 20 } },
	    { 100, { INFINITY, 62 } } },
	  { 54, 54 },
	  { { 0, 5000 }, { 7500, 10000 } } },
	{ "1.2 s is the shortest",
	  { { 48, { 80, 80 } }, { 100, { 20, 20 } }, { 47, { 80, 80 } }, { 100, { 20, 20 } } },
	  { 60, 60 },
	  { { 0, 1200 } } },
	{ "a click ends it, and begins another",
	  { { 60, { 80, 80 } }, { 1, { 30, 80 } }, { 60, { 80, 80 } } },
	  { 60, 60 },
	  { { 0, 1500 }, { 1525, 3025 } } },
	{ "nothing but digital silence",
	  { { 50, { INFINITY, INFINITY } } },
	  { 60, 60 },
	  { { 0, 1250 } } },
	{ "nothing at all", { { 0, { 0, 0 } } }, { 60, 60 }, { { 0, 0 } } },
};

static void test_row(size_t i)
{
	AUTO(levels_free) struct levels *levels = make(rows[i].stretches);
	AUTO(free) struct silence *found = NULL;
	size_t count = silence_find(levels, HOP_MS, &found), wanted = 0;

	for (unsigned c = 0; c < 2; c++)
		IS_INT(silence_threshold(levels, c), rows[i].thresholds[c],
		       "%s: threshold of channel %u", rows[i].name, c);
	while (rows[i].want[wanted].to_ms > 0)
		wanted++;
	IS_INT(count, wanted, "%s: how many", rows[i].name);
	for (size_t n = 0; n < count && n < wanted; n++) {
		IS_INT(found[n].from_ms, rows[i].want[n].from_ms, "%s: from", rows[i].name);
		IS_INT(found[n].to_ms, rows[i].want[n].to_ms, "%s: to", rows[i].name);
	}
}

/* A file whose head lies about its rate has no end of hops. */
static void test_bounds(void)
{
	AUTO(levels_free) struct levels *levels = levels_new(1);
	AUTO(free) struct silence *found = NULL;
	const double quiet = 0, loud = 1;

	for (size_t i = 0; i < SILENCE_HOPS_MAX + 10; i++)
		levels_add(levels, i % 49 == 48 ? &loud : &quiet);
	IS_INT(levels->count, SILENCE_HOPS_MAX, "no more hops are kept than that");
	IS_INT(silence_find(levels, HOP_MS, &found), SILENCES_MAX, "nor more silences told");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(i);
	test_bounds();
	return tap_end();
}
