#include "twilio/sid.h"

#include "tap.h"

int main(void)
{
	static const struct {
		const char *name;
		struct str text;
		bool is_call;
	} rows[] = {
		{ "lower case digits", { "CA0123456789abcdef0123456789abcdef", 34 }, true },
		{ "upper case digits", { "CA0123456789ABCDEF0123456789ABCDEF", 34 }, true },
		{ "one digit short", { "CA0123456789abcdef0123456789abcde", 33 }, false },
		{ "one digit more", { "CA0123456789abcdef0123456789abcdef0", 35 }, false },
		{ "another prefix", { "RE0123456789abcdef0123456789abcdef", 34 }, false },
		{ "a prefix in lower case", { "ca0123456789abcdef0123456789abcdef", 34 }, false },
		{ "a letter that is no digit",
		  { "CA0123456789abcdef0123456789abcdeg", 34 },
		  false },
		{ "a way out of a folder", { "CA/../../../../../../../etc/passwd", 34 }, false },
		{ "nothing", { "", 0 }, false },
		{ "absent", { NULL, 0 }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_INT(sid_is_call(rows[i].text), rows[i].is_call, "%s", rows[i].name);
	OK(sid_is_recording(STR("RE0123456789abcdef0123456789abcdef")), "a recording");
	OK(sid_is_account(STR("AC0123456789abcdef0123456789abcdef")), "an account");
	OK(!sid_is_account(STR("CA0123456789abcdef0123456789abcdef")), "a call is no account");
	return tap_end();
}
