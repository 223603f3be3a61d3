#include "api/expiry.h"
#include "tap.h"

int main(void)
{
	static const struct {
		int64_t retention_ms, started_at_ms;
		bool is_held;
		int64_t expires_at_ms;
		const char *name;
	} cases[] = {
		{ 1000, 5000, false, 6000, "its start plus the retention time" },
		{ 0, 5000, false, 5000, "no retention: with its start" },
		{ 1000, 5000, true, EXPIRY_NEVER, "held: never" },
		{ 1000, 0, false, EXPIRY_NEVER, "no start known: never" },
		{ INT64_MAX, 5000, false, EXPIRY_NEVER, "kept for ever" },
		{ INT64_MAX - 1, 5000, false, EXPIRY_NEVER, "beyond what can be counted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(expiry_at_ms(cases[i].retention_ms, cases[i].started_at_ms,
				    cases[i].is_held),
		       cases[i].expires_at_ms, "%s", cases[i].name);
	return tap_end();
}
