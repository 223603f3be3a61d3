#include "base/clock.h"
#include "tap.h"

static void writing(void)
{
	char http[HTTP_DATE_SIZE], iso[ISO_DATE_SIZE], mail[32], log[LOG_DATE_SIZE];

	clock_http_date(784111777000, http);
	IS_STR(str_of(http), STR("Sun, 06 Nov 1994 08:49:37 GMT"), "the example of RFC 9110");
	clock_iso_date(951782400123, iso);
	IS_STR(str_of(iso), STR("2000-02-29T00:00:00.123Z"), "a leap day of a century");
	clock_http_date(-1000, http);
	IS_STR(str_of(http), STR("Wed, 31 Dec 1969 23:59:59 GMT"), "a second before the epoch");
	clock_rfc2822_date(1476482194000, mail);
	IS_STR(str_of(mail), STR("Fri, 14 Oct 2016 21:56:34 +0000"), "a date as Twilio writes it");
	clock_log_date(1476482194999, log);
	IS_STR(str_of(log), STR("14/Oct/2016:21:56:34 +0000"), "a date as access logs have it");
}

static void reading(void)
{
	static const struct {
		const char *text;
		bool is_http;
		int64_t ms; /* INT64_MIN: refused */
	} cases[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777000 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777000 },
		{ "Sun Nov  6 08:49:37 1994", true, 784111777000 },
		{ "Sun, 06 Nov 1994 08:49:37", true, INT64_MIN },
		{ "Sun, 31 Feb 1994 08:49:37 GMT", true, INT64_MIN },
		{ "Sun, 06 Nov 1994 24:49:37 GMT", true, INT64_MIN },
		{ "yesterday", true, INT64_MIN },
		{ "", true, INT64_MIN },
		{ "Fri, 14 Oct 2016 21:56:34 +0000", false, 1476482194000 },
		{ "Fri, 14 Oct 2016 22:56:34 +0100", false, 1476482194000 },
		{ "14 Oct 2016 21:56:34 GMT", false, 1476482194000 },
		{ "2016-10-14T21:56:34Z", false, 1476482194000 },
		{ "2016-10-14T21:56:34.25+00:00", false, 1476482194250 },
		{ "2016-10-14", false, 1476403200000 },
		{ "2016-13-14", false, INT64_MIN },
		{ "2016-10-14T21:56", false, INT64_MIN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = INT64_MIN;
		struct str text = str_of(cases[i].text);
		bool good = cases[i].is_http ? clock_parse_http_date(text, &ms)
					     : clock_parse_date(text, &ms);

		OK(good == (cases[i].ms != INT64_MIN), "'%s' is read or refused", cases[i].text);
		if (good)
			IS_INT(ms, cases[i].ms, "the instant of '%s'", cases[i].text);
	}
}

static void round_trips(void)
{
	int wrong = 0;

	/* A step of 40 days and a bit over 400 years: every month, leap years, both sides of the epoch. */
	for (int64_t ms = -2208988800000; ms < 10413792000000; ms += 3456789000) {
		char text[HTTP_DATE_SIZE];
		int64_t back = 0;

		clock_http_date(ms, text);
		wrong += !clock_parse_http_date(str_of(text), &back) ||
			 back != ms - (ms % 1000 + 1000) % 1000;
	}
	IS_INT(wrong, 0, "what is written is read back");
}

int main(void)
{
	writing();
	reading();
	round_trips();
	return tap_end();
}
