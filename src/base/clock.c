#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* A point in time, taken apart; the proleptic Gregorian calendar in UTC. */
struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned hour, minute, second;
	unsigned weekday; /* 0 is Sunday */
};

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
	return now_ms(CLOCK_BOOTTIME);
}

int64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

/* Days since 1970-01-01, counting years from March so that the leap day is the last of its year. */
static int64_t days_of_civil(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;

	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct civil civil_of_ms(int64_t ms)
{
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	int64_t rest = seconds - days * 86400;
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	unsigned month =
		(unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);

	return (struct civil){
		.year = year_of_era + era * 400 + (month <= 2),
		.month = month,
		.day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
		.hour = (unsigned)(rest / 3600),
		.minute = (unsigned)(rest / 60 % 60),
		.second = (unsigned)(rest % 60),
		.weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
	};
}

static bool ms_of_civil(const struct civil *c, int64_t *out_ms)
{
	static const unsigned char month_days[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > month_days[c->month - 1])
		return false;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return false;

	int64_t days = days_of_civil(c->year, c->month, c->day);

	*out_ms = (days * 86400 + c->hour * 3600 + c->minute * 60 + c->second) * 1000;
	return true;
}

void clock_http_date(int64_t wall_ms, char out[HTTP_DATE_SIZE])
{
	struct civil c = civil_of_ms(wall_ms);

	snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", day_names[c.weekday],
		 c.day % 100, month_names[c.month - 1], (unsigned)(c.year % 10000), c.hour,
		 c.minute, c.second);
}

/* The last `digits` decimal digits of n, and `end` behind them; returns what comes after. */
static char *put_digits(char *to, unsigned n, int digits, char end)
{
	for (int i = digits - 1; i >= 0; i--, n /= 10)
		to[i] = (char)('0' + n % 10);
	to[digits] = end;
	return to + digits + 1;
}

/* By hand: a page of the calls list has hundreds of them. */
void clock_iso_date(int64_t wall_ms, char out[ISO_DATE_SIZE])
{
	struct civil c = civil_of_ms(wall_ms);
	char *to = put_digits(out, (unsigned)(c.year % 10000), 4, '-');

	to = put_digits(to, c.month, 2, '-');
	to = put_digits(to, c.day, 2, 'T');
	to = put_digits(to, c.hour, 2, ':');
	to = put_digits(to, c.minute, 2, ':');
	to = put_digits(to, c.second, 2, '.');
	to = put_digits(to, (unsigned)(((wall_ms % 1000) + 1000) % 1000), 3, 'Z');
	*to = '\0';
}

void clock_rfc2822_date(int64_t wall_ms, char out[32])
{
	struct civil c = civil_of_ms(wall_ms);

	snprintf(out, 32, "%s, %02u %s %04u %02u:%02u:%02u +0000", day_names[c.weekday],
		 c.day % 100, month_names[c.month - 1], (unsigned)(c.year % 10000), c.hour % 100,
		 c.minute % 100, c.second % 100);
}

void clock_log_date(int64_t wall_ms, char out[LOG_DATE_SIZE])
{
	struct civil c = civil_of_ms(wall_ms);

	snprintf(out, LOG_DATE_SIZE, "%02u/%s/%04u:%02u:%02u:%02u +0000", c.day % 100,
		 month_names[c.month - 1], (unsigned)(c.year % 10000), c.hour % 100, c.minute % 100,
		 c.second % 100);
}

/* ---- reading: each take_ function eats from the front of *rest ---- */

static bool take_byte(struct str *rest, char byte)
{
	if (rest->len == 0 || rest->at[0] != byte)
		return false;
	*rest = str_after(*rest, 1);
	return true;
}

static bool take_digits(struct str *rest, size_t min, size_t max, unsigned *out)
{
	size_t len = 0;
	uint64_t n;

	while (len < rest->len && len < max && ascii_is_digit(rest->at[len]))
		len++;
	if (len < min || !str_to_u64(str_first(*rest, len), &n))
		return false;
	*out = (unsigned)n;
	*rest = str_after(*rest, len);
	return true;
}

static bool take_month(struct str *rest, unsigned *out)
{
	for (unsigned i = 0; i < 12; i++) {
		if (str_starts(*rest, str_of(month_names[i]))) {
			*out = i + 1;
			*rest = str_after(*rest, 3);
			return true;
		}
	}
	return false;
}

static bool take_time(struct str *rest, struct civil *c)
{
	return take_digits(rest, 2, 2, &c->hour) && take_byte(rest, ':') &&
	       take_digits(rest, 2, 2, &c->minute) && take_byte(rest, ':') &&
	       take_digits(rest, 2, 2, &c->second);
}

/* A weekday's name, short or long; what it says is not checked against the date. */
static bool take_weekday(struct str *rest, bool *out_is_long)
{
	static const char *const endings[7] = { "day",   "day", "sday", "nesday",
						"rsday", "day", "urday" };

	for (unsigned i = 0; i < 7; i++) {
		if (!str_starts(*rest, str_of(day_names[i])))
			continue;
		*rest = str_after(*rest, 3);
		*out_is_long = str_starts(*rest, str_of(endings[i]));
		if (*out_is_long)
			*rest = str_after(*rest, strlen(endings[i]));
		return true;
	}
	return false;
}

static bool parse_asctime(struct str text, struct civil *c)
{
	unsigned year;

	if (!take_byte(&text, ' ') || !take_month(&text, &c->month) || !take_byte(&text, ' '))
		return false;
	take_byte(&text, ' '); /* a day of one digit is padded with a space */
	if (!take_digits(&text, 1, 2, &c->day) || !take_byte(&text, ' ') || !take_time(&text, c) ||
	    !take_byte(&text, ' ') || !take_digits(&text, 4, 4, &year) || text.len > 0)
		return false;
	c->year = year;
	return true;
}

bool clock_parse_http_date(struct str text, int64_t *out_ms)
{
	struct civil c = { 0 };
	unsigned year = 0;
	bool is_rfc850 = false;

	if (!take_weekday(&text, &is_rfc850))
		return false;
	if (!take_byte(&text, ','))
		return parse_asctime(text, &c) && ms_of_civil(&c, out_ms);

	char separator = is_rfc850 ? '-' : ' ';
	size_t year_digits = is_rfc850 ? 2 : 4;

	if (!take_byte(&text, ' ') || !take_digits(&text, 2, 2, &c.day) ||
	    !take_byte(&text, separator) || !take_month(&text, &c.month) ||
	    !take_byte(&text, separator) || !take_digits(&text, year_digits, year_digits, &year) ||
	    !take_byte(&text, ' ') || !take_time(&text, &c) || !str_eq(text, STR(" GMT")))
		return false;
	/* RFC 9110, 5.6.7: two digits that seem more than 50 years ahead are of the past century. */
	if (is_rfc850)
		year += year >= 70 ? 1900 : 2000;
	c.year = year;
	return ms_of_civil(&c, out_ms);
}

/* "+0200", "+02:00", "Z", "GMT", "UTC": to milliseconds east of Greenwich. */
static bool take_zone(struct str *rest, int64_t *out_ms)
{
	unsigned hours, minutes;

	if (str_eq(*rest, STR("GMT")) || str_eq(*rest, STR("UTC")) || str_eq(*rest, STR("Z"))) {
		*rest = str_after(*rest, rest->len);
		*out_ms = 0;
		return true;
	}

	bool is_west = rest->len > 0 && rest->at[0] == '-';

	if (!take_byte(rest, '+') && !take_byte(rest, '-'))
		return false;
	if (!take_digits(rest, 2, 2, &hours))
		return false;
	take_byte(rest, ':');
	if (!take_digits(rest, 2, 2, &minutes) || hours > 15 || minutes > 59)
		return false;
	*out_ms = (int64_t)(hours * 60 + minutes) * 60000 * (is_west ? -1 : 1);
	return true;
}

static bool parse_rfc3339(struct str text, struct civil *c, int64_t *out_fraction_ms,
			  int64_t *out_zone_ms)
{
	unsigned year;

	if (!take_digits(&text, 4, 4, &year) || !take_byte(&text, '-') ||
	    !take_digits(&text, 2, 2, &c->month) || !take_byte(&text, '-') ||
	    !take_digits(&text, 2, 2, &c->day))
		return false;
	c->year = year;
	if (text.len == 0)
		return true; /* a date alone: its first instant */
	if ((!take_byte(&text, 'T') && !take_byte(&text, ' ')) || !take_time(&text, c))
		return false;
	if (take_byte(&text, '.')) {
		int64_t unit = 100;

		if (text.len == 0 || !ascii_is_digit(text.at[0]))
			return false;
		for (; text.len > 0 && ascii_is_digit(text.at[0]);
		     text = str_after(text, 1), unit /= 10)
			*out_fraction_ms += (text.at[0] - '0') * unit;
	}
	return take_zone(&text, out_zone_ms) && text.len == 0;
}

static bool parse_rfc2822(struct str text, struct civil *c, int64_t *out_zone_ms)
{
	unsigned year;
	bool is_long;

	if (take_weekday(&text, &is_long) && (!take_byte(&text, ',') || !take_byte(&text, ' ')))
		return false;
	if (!take_digits(&text, 1, 2, &c->day) || !take_byte(&text, ' ') ||
	    !take_month(&text, &c->month) || !take_byte(&text, ' ') ||
	    !take_digits(&text, 4, 4, &year) || !take_byte(&text, ' ') || !take_time(&text, c) ||
	    !take_byte(&text, ' ') || !take_zone(&text, out_zone_ms))
		return false;
	c->year = year;
	return text.len == 0;
}

bool clock_parse_date(struct str text, int64_t *out_ms)
{
	struct civil c = { 0 };
	int64_t fraction_ms = 0, zone_ms = 0, ms;
	bool is_iso = text.len > 4 && text.at[4] == '-';

	if (is_iso ? !parse_rfc3339(text, &c, &fraction_ms, &zone_ms)
		   : !parse_rfc2822(text, &c, &zone_ms))
		return false;
	if (!ms_of_civil(&c, &ms))
		return false;
	*out_ms = ms + fraction_ms - zone_ms;
	return true;
}
