#include "http/range.h"
#include "tap.h"

#define MAX "18446744073709551615"

static const struct {
	const char *header;
	uint64_t size;
	enum range_result result;
	unsigned count;
	struct range at[4];
} cases[] = {
	{ "bytes=0-1", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=0-0", 100, RANGE_SOME, 1, { { 0, 0 } } },
	{ "bytes=0-99", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=0-", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=99-", 100, RANGE_SOME, 1, { { 99, 99 } } },
	{ "bytes=99-99", 100, RANGE_SOME, 1, { { 99, 99 } } },
	{ "bytes=50-1000", 100, RANGE_SOME, 1, { { 50, 99 } } },
	{ "bytes=0-" MAX, 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=0-99999999999999999999999999", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=-1", 100, RANGE_SOME, 1, { { 99, 99 } } },
	{ "bytes=-100", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=-101", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=-99999999999999999999999999", 100, RANGE_SOME, 1, { { 0, 99 } } },
	{ "bytes=000-001", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "BYTES=0-1", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "Bytes=0-1", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes= 0-1", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=0-1 ", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=0-1,", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=,0-1", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=0-0", 1, RANGE_SOME, 1, { { 0, 0 } } },
	{ "bytes=0-18446744073709551614", UINT64_MAX, RANGE_SOME, 1, { { 0, UINT64_MAX - 1 } } },

	{ "bytes=0-1,10-11", 100, RANGE_SOME, 2, { { 0, 1 }, { 10, 11 } } },
	{ "bytes=0-1 ,\t10-11", 100, RANGE_SOME, 2, { { 0, 1 }, { 10, 11 } } },
	{ "bytes=0-1,,,10-11", 100, RANGE_SOME, 2, { { 0, 1 }, { 10, 11 } } },
	{ "bytes=10-11,0-1", 100, RANGE_SOME, 2, { { 10, 11 }, { 0, 1 } } },
	{ "bytes=0-1,100-", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=200-,0-1,-0", 100, RANGE_SOME, 1, { { 0, 1 } } },
	{ "bytes=0-49,50-99", 100, RANGE_SOME, 2, { { 0, 49 }, { 50, 99 } } },
	{ "bytes=0-9,5-14", 100, RANGE_SOME, 2, { { 0, 9 }, { 5, 14 } } },
	{ "bytes=0-0,-1", 100, RANGE_SOME, 2, { { 0, 0 }, { 99, 99 } } },
	{ "bytes=0-,0-", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-50,50-99", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-99,-1", 100, RANGE_WHOLE, 0, { { 0 } } },

	{ "bytes=100-", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=100-200", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=" MAX "-", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=99999999999999999999999-", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=-0", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=-0,100-", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=0-", 0, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=0-0", 0, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "bytes=-5", 0, RANGE_OUTSIDE, 0, { { 0 } } },

	{ "bytes=18446744073709551616-" MAX, 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=99999999999999999999-88888888888888888888", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=18000000000000000002-18000000000000000001", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0099999999999999999999-99999999999999999999", 100, RANGE_OUTSIDE, 0, { { 0 } } },
	{ "", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=,", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=-", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=--1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=5-4", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-1,5-4", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=500-400", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-1x", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0x-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=a-b", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=+0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0 - 1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-1-2", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=0-1;2-3", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes =0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes:0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "byte=0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "seconds=0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "items=0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "0-1", 100, RANGE_WHOLE, 0, { { 0 } } },
	{ "bytes=\xd9\xa0-\xd9\xa1", 100, RANGE_WHOLE, 0, { { 0 } } },
};

static void test_many(unsigned count, enum range_result wanted)
{
	char header[512];
	struct ranges ranges;
	size_t len = (size_t)snprintf(header, sizeof(header), "bytes=");

	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(header + len, sizeof(header) - len, "%u-%u,", i * 10,
					i * 10);
	IS_INT(range_parse((struct str){ header, len }, 1000, &ranges), wanted, "%u ranges", count);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ranges ranges = { .count = 77 };
		const char *header = cases[i].header;
		enum range_result result = range_parse(str_of(header), cases[i].size, &ranges);

		IS_INT(result, cases[i].result, "'%s' of %" PRIu64, header, cases[i].size);
		if (result != RANGE_SOME) {
			IS_INT(ranges.count, 77, "'%s' leaves the result alone", header);
			continue;
		}
		IS_INT(ranges.count, cases[i].count, "'%s': how many", header);
		for (unsigned n = 0; n < cases[i].count; n++)
			OK(ranges.at[n].first == cases[i].at[n].first &&
				   ranges.at[n].last == cases[i].at[n].last,
			   "'%s': range %u", header, n);
	}
	test_many(RANGES_MAX, RANGE_SOME);
	test_many(RANGES_MAX + 1, RANGE_WHOLE);
	return tap_end();
}
