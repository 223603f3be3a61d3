/*
 * Writing what Prometheus reads, its text format 0.0.4, onto a struct buf.
 *
 *	exposition_family(&out, "callspool_plays_total", METRIC_COUNTER, "Requests for media, by ...");
 *	exposition_int(&out, LABELS("source", "cache", "result", "played"), 17);
 *
 *	# HELP callspool_plays_total Requests for media, by ...
 *	# TYPE callspool_plays_total counter
 *	callspool_plays_total{source="cache",result="played"} 17
 *
 * Samples belong to the family that was begun last, and all of one family stand together.  Names are the caller's
 * constants; values of labels and help are escaped.
 */
#pragma once

#include "base/buf.h"
#include "base/time_histogram.h"

#include <stdint.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct exposition {
	struct buf *buf;
	const char *family;
};

/* Up to two, in this order; name NULL: no more. */
struct metric_labels {
	const char *name[2], *value[2];
};
#define NO_LABELS              ((struct metric_labels){ .name = { NULL } })
#define LABEL(label, text)     ((struct metric_labels){ .name = { label }, .value = { text } })
#define LABELS(l1, t1, l2, t2) ((struct metric_labels){ .name = { l1, l2 }, .value = { t1, t2 } })

void exposition_start(struct exposition *out, struct buf *buf);
/* Names end in their unit, in base units: _seconds, _bytes; those of counters in _total. */
void exposition_family(struct exposition *out, const char *name, enum metric_type type,
		       const char *help);

void exposition_int(struct exposition *out, struct metric_labels labels, int64_t value);
/* So many microseconds, as seconds. */
void exposition_us(struct exposition *out, struct metric_labels labels, int64_t us);
/* Of a METRIC_HISTOGRAM: its buckets, sum and count. */
void exposition_histogram(struct exposition *out, struct metric_labels labels,
			  const struct time_sum *sum);
