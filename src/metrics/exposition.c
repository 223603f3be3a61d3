#include "metrics/exposition.h"

#define US_PER_S 1000000

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

/* A line ends at a line feed alone; of a label's value the quote ends it, too. */
static void add_escaped(struct buf *buf, const char *text, bool is_quoted)
{
	for (; *text; text++) {
		if (*text == '\n') {
			buf_add_text(buf, "\\n");
			continue;
		}
		if (*text == '\\' || (is_quoted && *text == '"'))
			buf_add_byte(buf, '\\');
		buf_add_byte(buf, *text);
	}
}

void exposition_start(struct exposition *out, struct buf *buf)
{
	*out = (struct exposition){ .buf = buf };
}

void exposition_family(struct exposition *out, const char *name, enum metric_type type,
		       const char *help)
{
	out->family = name;
	buf_addf(out->buf, "# HELP %s ", name);
	add_escaped(out->buf, help, false);
	buf_addf(out->buf, "\n# TYPE %s %s\n", name, type_names[type]);
}

/* ---- one line ---- */

static void add_label(struct buf *buf, char before, const char *name, const char *value)
{
	buf_add_byte(buf, before);
	buf_addf(buf, "%s=\"", name);
	add_escaped(buf, value, true);
	buf_add_byte(buf, '"');
}

/* `le`: the bound of a bucket, or NULL. */
static void begin_sample(struct exposition *out, const char *suffix,
			 const struct metric_labels *labels, const char *le)
{
	char before = '{';

	buf_addf(out->buf, "%s%s", out->family, suffix);
	for (unsigned i = 0; i < ARRAY_LEN(labels->name) && labels->name[i]; i++) {
		add_label(out->buf, before, labels->name[i], labels->value[i]);
		before = ',';
	}
	if (le) {
		add_label(out->buf, before, "le", le);
		before = ',';
	}
	if (before == ',')
		buf_add_byte(out->buf, '}');
	buf_add_byte(out->buf, ' ');
}

/* Without a rounding, and without the needless zeros at the end: 0.0025, 10. */
static void add_seconds(struct buf *buf, uint64_t us)
{
	uint64_t part = us % US_PER_S;
	int digits = 6;

	buf_add_u64(buf, us / US_PER_S);
	if (part == 0)
		return;
	for (; part % 10 == 0; part /= 10)
		digits--;
	buf_addf(buf, ".%0*llu", digits, (unsigned long long)part);
}

void exposition_int(struct exposition *out, struct metric_labels labels, int64_t value)
{
	begin_sample(out, "", &labels, NULL);
	buf_addf(out->buf, "%lld\n", (long long)value);
}

void exposition_us(struct exposition *out, struct metric_labels labels, int64_t us)
{
	begin_sample(out, "", &labels, NULL);
	if (us < 0)
		buf_add_byte(out->buf, '-');
	add_seconds(out->buf, us < 0 ? -(uint64_t)us : (uint64_t)us);
	buf_add_byte(out->buf, '\n');
}

/* ---- histograms ---- */

static void add_bucket(struct exposition *out, const struct metric_labels *labels, const char *le,
		       uint64_t count)
{
	begin_sample(out, "_bucket", labels, le);
	buf_add_u64(out->buf, count);
	buf_add_byte(out->buf, '\n');
}

void exposition_histogram(struct exposition *out, struct metric_labels labels,
			  const struct time_sum *sum)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < TIME_BUCKETS; i++) {
		char text[32];
		struct buf le;

		buf_over(&le, text, sizeof(text));
		add_seconds(&le, (uint64_t)time_bucket_us[i]);
		count += sum->buckets[i];
		add_bucket(out, &labels, text, count);
	}
	count += sum->buckets[TIME_BUCKETS];
	add_bucket(out, &labels, "+Inf", count);
	begin_sample(out, "_sum", &labels, NULL);
	add_seconds(out->buf, sum->sum_us);
	buf_add_byte(out->buf, '\n');
	begin_sample(out, "_count", &labels, NULL);
	buf_add_u64(out->buf, count);
	buf_add_byte(out->buf, '\n');
}
