#include "base/trouble.h"

#include "base/clock.h"
#include "base/str.h"

/* 0 means that it works. */
static int64_t now_ms(void)
{
	int64_t now = clock_monotonic_ms();

	return now > 0 ? now : 1;
}

bool trouble_failed(struct trouble *trouble, const char *why)
{
	int64_t now = now_ms();
	bool is_first;

	pthread_mutex_lock(&trouble->mutex);
	is_first = trouble->last_ms == 0;
	if (is_first)
		trouble->since_ms = now;
	trouble->last_ms = now;
	str_fit(str_of(why), trouble->text, sizeof(trouble->text));
	pthread_mutex_unlock(&trouble->mutex);
	return is_first;
}

bool trouble_worked(struct trouble *trouble)
{
	bool had_failed;

	pthread_mutex_lock(&trouble->mutex);
	had_failed = trouble->last_ms != 0;
	trouble->last_ms = trouble->since_ms = 0;
	pthread_mutex_unlock(&trouble->mutex);
	return had_failed;
}

void trouble_read(struct trouble *trouble, int64_t recent_ms, struct trouble_facts *out)
{
	int64_t now = now_ms();

	*out = (struct trouble_facts){ .for_ms = -1 };
	pthread_mutex_lock(&trouble->mutex);
	if (trouble->last_ms != 0 && now - trouble->last_ms <= recent_ms) {
		out->for_ms = now - trouble->since_ms;
		str_fit(str_of(trouble->text), out->text, sizeof(out->text));
	}
	pthread_mutex_unlock(&trouble->mutex);
}
