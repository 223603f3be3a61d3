#include "api/sid_param.h"
#include "tap.h"

#define DIGITS "0123456789abcdef0123456789abcdef"

int main(void)
{
	static const struct {
		const char *name, *raw, *wanted;
	} cases[] = {
		{ "plain", "CA" DIGITS, "CA" DIGITS },
		{ "one character encoded", "%43A" DIGITS, "CA" DIGITS },
		{ "in lower case",
		  "C%4"
		  "1" DIGITS,
		  "CA" DIGITS },
		{ "a slash", "CA%2F", "CA/" },
		{ "half an escape", "CA%4", "CA%4" },
		{ "no digits", "CA%zz", "CA%zz" },
		{ "a NUL", "CA%00", "CA%00" },
		{ "a plus is none of ours", "CA%20+", "CA +" },
		{ "too long", "%43" DIGITS DIGITS DIGITS DIGITS,
		  "%43" DIGITS DIGITS DIGITS DIGITS },
		{ "nothing", "", "" },
	};
	char room[SID_PARAM_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(sid_param(str_of(cases[i].raw), room), str_of(cases[i].wanted), "%s",
		       cases[i].name);
	return tap_end();
}
