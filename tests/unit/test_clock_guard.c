#include "purge/clock_guard.h"

#include "base/str.h"
#include "tap.h"

#include <string.h>

#define NOON    INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

int main(void)
{
	static const struct {
		const char *name;
		struct clock_voucher voucher;
		struct clock_reading now;
		const char *refusal; /* NULL: it is believed */
	} cases[] = {
		{ "as Twilio says", { .twilio = { NOON, 1000 } }, { NOON + 5000, 6000 }, NULL },
		{ "an hour ahead of Twilio",
		  { .twilio = { NOON, 0 } },
		  { NOON + HOUR_MS, 0 },
		  NULL },
		{ "more than that",
		  { .twilio = { NOON, 0 } },
		  { NOON + HOUR_MS + 1, 0 },
		  "by Twilio's answers it is 2023-11-14T22:13:20" },
		{ "a year ahead, days after Twilio's word",
		  { .twilio = { NOON, 0 } },
		  { NOON + YEAR_MS, 5 * DAY_MS },
		  "by Twilio's answers it is 2023-11-19T22:13:20" },
		{ "days after Twilio's word",
		  { .twilio = { NOON, 0 } },
		  { NOON + 5 * DAY_MS, 5 * DAY_MS },
		  NULL },
		{ "behind Twilio: less is removed",
		  { .twilio = { NOON, 0 } },
		  { NOON - YEAR_MS, 0 },
		  NULL },
		{ "Twilio's word before all others",
		  { .twilio = { NOON, 0 },
		    .vouched = { NOON + YEAR_MS, 0 },
		    .kept_ms = NOON + YEAR_MS },
		  { NOON + YEAR_MS, 0 },
		  "by Twilio's answers" },
		{ "carried on by itself",
		  { .vouched = { NOON, 0 } },
		  { NOON + DAY_MS, DAY_MS },
		  NULL },
		{ "a jump ahead",
		  { .vouched = { NOON, 0 }, .kept_ms = NOON },
		  { NOON + DAY_MS, 1000 },
		  "by what went by since it was right" },
		{ "a jump back", { .vouched = { NOON, 0 } }, { NOON - YEAR_MS, DAY_MS }, NULL },
		{ "a week's standstill", { .kept_ms = NOON }, { NOON + 7 * DAY_MS, 5 }, NULL },
		{ "more than a week",
		  { .kept_ms = NOON },
		  { NOON + 7 * DAY_MS + 1, 5 },
		  "was last known to be right at 2023-11-14T22:13:20" },
		{ "nothing is known", { .kept_ms = 0 }, { NOON, 5 }, "is not known before Twilio" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		bool is_right = clock_guard_judge(&cases[i].voucher, &cases[i].now, &err);

		OK(is_right == !cases[i].refusal, "%s: %s", cases[i].name,
		   cases[i].refusal ? "refused" : "believed");
		if (cases[i].refusal)
			OK(err.kind == ERR_UNAVAILABLE && strstr(err.text, cases[i].refusal),
			   "%s: says why (%s)", cases[i].name, err.text);
	}
	return tap_end();
}
