#include "web/disk_trend.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define APART_MS  (30 * MINUTE_MS)
#define SAMPLES   49                                        /* a day of them */
#define MOST_MS   (INT64_C(10) * 365 * 24 * 60 * MINUTE_MS) /* nobody plans beyond */

struct sample {
	int64_t at_ms;
	uint64_t free_bytes;
};

struct disk_trend {
	pthread_mutex_t mutex;
	unsigned count;
	struct sample samples[SAMPLES]; /* the oldest first */
};

struct disk_trend *disk_trend_new(void)
{
	struct disk_trend *trend = xcalloc(1, sizeof(*trend));

	pthread_mutex_init(&trend->mutex, NULL);
	return trend;
}

void disk_trend_free(struct disk_trend *trend)
{
	if (!trend)
		return;
	pthread_mutex_destroy(&trend->mutex);
	free(trend);
}

static void drop_first(struct disk_trend *trend)
{
	trend->count--;
	memmove(trend->samples, trend->samples + 1, trend->count * sizeof(trend->samples[0]));
}

static void keep(struct disk_trend *trend, const struct sample *now)
{
	while (trend->count > 0 && now->at_ms - trend->samples[0].at_ms > (SAMPLES - 1) * APART_MS)
		drop_first(trend);
	if (trend->count > 0 && now->at_ms - trend->samples[trend->count - 1].at_ms < APART_MS)
		return;
	if (trend->count == SAMPLES)
		drop_first(trend);
	trend->samples[trend->count++] = *now;
}

static int64_t full_in_ms(const struct sample *first, const struct sample *now,
			  uint64_t least_bytes)
{
	int64_t known_ms = now->at_ms - first->at_ms;
	double left_ms;

	if (now->free_bytes <= least_bytes)
		return 0;
	if (known_ms < APART_MS || now->free_bytes >= first->free_bytes)
		return DISK_TREND_UNKNOWN;
	left_ms = (double)(now->free_bytes - least_bytes) * (double)known_ms /
		  (double)(first->free_bytes - now->free_bytes);
	return left_ms < (double)MOST_MS ? (int64_t)left_ms : DISK_TREND_UNKNOWN;
}

int64_t disk_trend_add(struct disk_trend *trend, int64_t now_ms, uint64_t free_bytes,
		       uint64_t least_bytes)
{
	const struct sample now = { now_ms, free_bytes };
	int64_t left_ms;

	if (!trend)
		return DISK_TREND_UNKNOWN;
	pthread_mutex_lock(&trend->mutex);
	keep(trend, &now);
	left_ms = full_in_ms(&trend->samples[0], &now, least_bytes);
	pthread_mutex_unlock(&trend->mutex);
	return left_ms;
}
