#include "proxylog/log_time.h"

#include <time.h>

/* `count` digits at `at`; false: there are other bytes. */
static bool digits(struct str s, size_t at, size_t count, int *out)
{
	int value = 0;

	if (s.len < at + count)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (!ascii_is_digit(s.at[i]))
			return false;
		value = value * 10 + (s.at[i] - '0');
	}
	*out = value;
	return true;
}

static bool separates(struct str s, size_t at, const char *any)
{
	return at < s.len && s.at[at] != '\0' && strchr(any, s.at[at]);
}

/* "12:03:04" at `at`. */
static bool clock_at(struct str s, size_t at, struct tm *out)
{
	return digits(s, at, 2, &out->tm_hour) && separates(s, at + 2, ":") &&
	       digits(s, at + 3, 2, &out->tm_min) && separates(s, at + 5, ":") &&
	       digits(s, at + 6, 2, &out->tm_sec);
}

/* "2026/11/29 12:03:04", with these between. */
static bool date_at(struct str s, const char *between, const char *before_clock, struct tm *out)
{
	if (!digits(s, 0, 4, &out->tm_year) || !separates(s, 4, between) ||
	    !digits(s, 5, 2, &out->tm_mon) || !separates(s, 7, between) ||
	    !digits(s, 8, 2, &out->tm_mday) || !separates(s, 10, before_clock) ||
	    !clock_at(s, 11, out))
		return false;
	out->tm_year -= 1900;
	out->tm_mon -= 1;
	out->tm_isdst = -1;
	return true;
}

/* "+0200", "+02:00", "Z"; false: there is none. */
static bool zone_at(struct str s, size_t at, int *out_s)
{
	int hours, minutes;

	*out_s = 0;
	if (separates(s, at, "Z"))
		return true;
	if (!separates(s, at, "+-") || !digits(s, at + 1, 2, &hours) ||
	    !digits(s, at + (separates(s, at + 3, ":") ? 4 : 3), 2, &minutes))
		return false;
	*out_s = (hours * 60 + minutes) * 60 * (s.at[at] == '-' ? -1 : 1);
	return true;
}

#define ERROR_LEN 19

bool log_time_error(struct str s, int64_t *out_s, size_t *out_len)
{
	struct tm date = { 0 };

	if (!date_at(s, "/", " ", &date))
		return false;
	*out_s = (int64_t)mktime(&date);
	*out_len = ERROR_LEN;
	return true;
}

bool log_time_iso(struct str s, int64_t *out_s)
{
	size_t at = ERROR_LEN;
	struct tm date = { 0 };
	int zone_s;

	if (!date_at(s, "-", "T ", &date))
		return false;
	if (separates(s, at, ".,"))
		for (at++; at < s.len && ascii_is_digit(s.at[at]); at++)
			;
	*out_s = zone_at(s, at, &zone_s) ? (int64_t)timegm(&date) - zone_s : (int64_t)mktime(&date);
	return true;
}

/* "Nov" at `at`, of which there are three bytes; 0 to 11, -1: it is none. */
static int month_of(const char *at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int month = 0; month < 12; month++)
		if (memcmp(months + (size_t)month * 3, at, 3) == 0)
			return month;
	return -1;
}

bool log_time_combined(struct str s, int64_t *out_s)
{
	struct tm date = { .tm_isdst = -1 };
	int zone_s;

	if (s.len < 26 || !digits(s, 0, 2, &date.tm_mday) || s.at[2] != '/' ||
	    !digits(s, 7, 4, &date.tm_year) || s.at[6] != '/' || s.at[11] != ':' ||
	    !clock_at(s, 12, &date) || !zone_at(s, 21, &zone_s))
		return false;
	date.tm_mon = month_of(s.at + 3);
	if (date.tm_mon < 0)
		return false;
	date.tm_year -= 1900;
	*out_s = (int64_t)timegm(&date) - zone_s;
	return true;
}

#define SYSLOG_LEN 15

bool log_time_syslog(struct str s, size_t *out_len)
{
	struct tm date = { 0 };
	bool is_short = separates(s, 4, " ");

	if (s.len <= SYSLOG_LEN || month_of(s.at) < 0 || s.at[3] != ' ' ||
	    !digits(s, is_short ? 5 : 4, is_short ? 1 : 2, &date.tm_mday) || s.at[6] != ' ' ||
	    !clock_at(s, 7, &date) || s.at[SYSLOG_LEN] != ' ')
		return false;
	*out_len = SYSLOG_LEN;
	return true;
}
