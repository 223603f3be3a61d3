#include "catalog/calls.h"

#include "numbers/number_digits.h"
#include "tap.h"

static void test_texts(void)
{
	static const struct {
		const char *text;
		enum call_direction direction;
	} directions[] = {
		{ "inbound", CALL_INBOUND },
		{ "outbound-api", CALL_OUTBOUND },
		{ "outbound-dial", CALL_OUTBOUND },
		{ "trunking-originating", CALL_OUTBOUND },
		{ "trunking-terminating", CALL_INBOUND },
		{ "", CALL_DIRECTION_UNKNOWN },
		{ "sideways", CALL_DIRECTION_UNKNOWN },
	};
	static const struct {
		const char *address, *digits; /* reversed */
	} addresses[] = {
		{ "+972501234567", "765432105279" },
		{ "sip:+97250@10.0.0.1", "05279" },
		{ "client:agent007", "" },
		{ "anonymous", "" },
		{ "12", "" },
		{ "", "" },
	};
	static const char *const statuses[] = { "queued",      "initiated", "ringing",
						"in-progress", "canceled",  "failed",
						"no-answer",   "busy",      "completed" };

	for (size_t i = 0; i < ARRAY_LEN(directions); i++)
		IS_INT(call_direction_from_text(str_of(directions[i].text)),
		       directions[i].direction, "direction '%s'", directions[i].text);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct digits digits = digits_of_address(str_of(addresses[i].address));

		IS_STR(str_of(digits.text), str_of(addresses[i].digits), "digits of '%s'",
		       addresses[i].address);
	}
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		enum call_status status = call_status_from_text(str_of(statuses[i]));

		OK(strcmp(call_status_text(status), statuses[i]) == 0, "status '%s'", statuses[i]);
		IS_INT(call_status_is_final(status), i >= 4, "'%s' is final or not", statuses[i]);
	}
	IS_INT(call_status_from_text(STR("levitating")), CALL_STATUS_UNKNOWN, "an unknown status");
}

int main(void)
{
	test_texts();
	return tap_end();
}
