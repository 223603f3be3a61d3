#include "base/retry_wait.h"

#include "tap.h"

static void test_spread(void)
{
	int out_of_bounds = 0, over_half = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		int64_t ms = retry_wait_ms(3, 2000, 900000, i * 0x9e3779b97f4a7c15u);

		out_of_bounds += ms < 800 || ms > 8000;
		over_half += ms > 4400;
	}
	IS_INT(out_of_bounds, 0, "the third wait is between a tenth of 8 s and 8 s");
	OK(over_half > 350 && over_half < 650, "spread evenly");
}

static void test_bounds(void)
{
	for (int64_t tries = 1; tries < 80; tries++) {
		int64_t wait_ms = retry_wait_ms(tries, 2000, 60000, UINT64_MAX - 1);

		if (wait_ms < 200 || wait_ms > 60000) {
			OK(false, "try %d waits %lld ms", (int)tries, (long long)wait_ms);
			break;
		}
	}
	OK(retry_wait_ms(60, 2000, 900000, UINT64_MAX) <= 900000, "never over the most");
	IS_INT(retry_wait_ms(100, 1, 1, 7), 1, "the shortest wait of all");
}

int main(void)
{
	test_spread();
	test_bounds();
	return tap_end();
}
