#include "notify/signing.h"

#include "tap.h"

#include <string.h>

#define KEY     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" /* that of the convention's own examples */
#define SIZE_24 "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIZE_23 "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#define ZEROS_48 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char *text;
	size_t count; /* 0: refused */
	const char *name;
} secrets[] = {
	{ KEY, 1, "24 bytes" },
	{ KEY " " SIZE_24, 2, "two, while one is rotated" },
	{ "  " KEY "   " SIZE_24 " ", 2, "more spaces than needed" },
	{ KEY " " KEY " " KEY " " KEY, 4, "four" },
	{ KEY " " KEY " " KEY " " KEY " " KEY, 0, "five" },
	{ "", 0, "none" },
	{ "  ", 0, "spaces alone" },
	{ "whsec_", 0, "no bytes" },
	{ SIZE_23, 0, "23 bytes" },
	{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0, "without whsec_" },
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", 0, "base64 that is cut" },
	{ "whsec_!!KQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0, "no base64" },
	{ KEY " hunter2", 0, "a second that is none" },
	{ KEY "\t" SIZE_24, 0, "a tab is no space" },
	{ "whsec_" ZEROS_48 "AAAAAAAAAAAAAAAAAAAAAA==", 1, "64 bytes" },
	{ "whsec_" ZEROS_48 "AAAAAAAAAAAAAAAAAAAAAAA=", 0, "more than 64 bytes" },
};

int main(void)
{
	char text[SIGNING_TEXT_SIZE];
	struct signing signing;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		bool good = signing_read(str_of(secrets[i].text), &signing, &err);

		OK(good == (secrets[i].count > 0) && (!good || signing.count == secrets[i].count),
		   "%s", secrets[i].name);
		if (!good)
			OK(err.kind == ERR_INVALID && !strstr(err.text, "hunter2"),
			   "and the error does not show it: %s", err.text);
	}

	/* From the convention's test of its libraries. */
	OK(signing_read(STR(KEY), &signing, &err), "a known key");
	signing_sign(&signing, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
		     STR("{\"test\": 2432232314}"), text);
	IS_STR(str_of(text), STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
	       "a known signature");
	OK(signing_read(STR(SIZE_24 " " KEY), &signing, &err), "two keys");
	signing_sign(&signing, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
		     STR("{\"test\": 2432232314}"), text);
	OK(str_ends(str_of(text), STR(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")) &&
		   str_starts(str_of(text), STR("v1,")),
	   "both sign, in their order");
	OK(signing_read(STR(KEY " " KEY " " KEY " " KEY), &signing, &err), "four keys");
	signing_sign(&signing, "m", 1, STR("x"), text);
	IS_INT(strlen(text), 4 * 47 + 3, "four signatures fit");
	signing_wipe(&signing);
	IS_INT(signing.count, 0, "nothing of it is left");
	return tap_end();
}
