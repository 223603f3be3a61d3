#include "metrics/exposition.h"

#include "tap.h"

#include <stdio.h>

static char text[8192];
static struct buf buf;
static struct exposition out;

static void start(enum metric_type type, const char *help)
{
	buf_over(&buf, text, sizeof(text));
	exposition_start(&out, &buf);
	exposition_family(&out, "callspool_things", type, help);
}

static void check_samples(void)
{
	start(METRIC_GAUGE, "Things.");
	exposition_int(&out, NO_LABELS, -3);
	IS_STR(buf_str(&buf),
	       STR("# HELP callspool_things Things.\n# TYPE callspool_things gauge\n"
		   "callspool_things -3\n"),
	       "a family and its one sample");

	start(METRIC_COUNTER, "Things.");
	exposition_int(&out, LABEL("state", "queued"), INT64_MAX);
	exposition_int(&out, LABELS("source", "cache", "result", "played"), 0);
	IS_STR(buf_str(&buf),
	       STR("# HELP callspool_things Things.\n# TYPE callspool_things counter\n"
		   "callspool_things{state=\"queued\"} 9223372036854775807\n"
		   "callspool_things{source=\"cache\",result=\"played\"} 0\n"),
	       "labels in the order that they are given in");

	start(METRIC_GAUGE, "A \\ and\nanother line, \"quoted\".");
	exposition_int(&out, LABEL("version", "1\\2\"3\n4"), 1);
	IS_STR(buf_str(&buf),
	       STR("# HELP callspool_things A \\\\ and\\nanother line, \"quoted\".\n"
		   "# TYPE callspool_things gauge\n"
		   "callspool_things{version=\"1\\\\2\\\"3\\n4\"} 1\n"),
	       "what would end a line or a value is escaped, in help the quote is not");
}

static void check_seconds(void)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "0.000001" },
		{ 2500, "0.0025" },
		{ 10000000, "10" },
		{ 1700000000123000, "1700000000.123" },
		{ -1500000, "-1.5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char wanted[64];

		start(METRIC_GAUGE, "");
		buf_clear(&buf);
		exposition_us(&out, NO_LABELS, rows[i].us);
		snprintf(wanted, sizeof(wanted), "callspool_things %s\n", rows[i].text);
		IS_STR(buf_str(&buf), str_of(wanted), "%lld us is %s", (long long)rows[i].us,
		       rows[i].text);
	}
}

static void check_histogram(void)
{
	struct time_sum sum = { .buckets = { [0] = 2, [3] = 1, [TIME_BUCKETS] = 4 },
				.sum_us = 101000200 };

	start(METRIC_HISTOGRAM, "");
	buf_clear(&buf);
	exposition_histogram(&out, LABEL("loop", "serving"), &sum);
	OK(str_starts(buf_str(&buf),
		      STR("callspool_things_bucket{loop=\"serving\",le=\"0.00005\"} 2\n"
			  "callspool_things_bucket{loop=\"serving\",le=\"0.0001\"} 2\n"
			  "callspool_things_bucket{loop=\"serving\",le=\"0.00025\"} 2\n"
			  "callspool_things_bucket{loop=\"serving\",le=\"0.0005\"} 3\n")),
	   "buckets hold all that is shorter");
	OK(str_find_str(buf_str(&buf),
			STR("le=\"25\"} 3\n"
			    "callspool_things_bucket{loop=\"serving\",le=\"+Inf\"} 7\n"
			    "callspool_things_sum{loop=\"serving\"} 101.0002\n"
			    "callspool_things_count{loop=\"serving\"} 7\n")) < buf.len,
	   "the last has all, and sum and count follow");

	buf_clear(&buf);
	exposition_histogram(&out, NO_LABELS, &sum);
	OK(str_starts(buf_str(&buf), STR("callspool_things_bucket{le=\"0.00005\"} 2\n")),
	   "without other labels there is the bound alone");
}

int main(void)
{
	check_samples();
	check_seconds();
	check_histogram();
	return tap_end();
}
