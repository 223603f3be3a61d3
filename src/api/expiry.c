#include "api/expiry.h"

#include "api/web.h"
#include "event/loop.h"

int64_t expiry_at_ms(int64_t retention_ms, int64_t started_at_ms, bool is_held)
{
	int64_t at_ms;

	if (is_held || started_at_ms == 0 || retention_ms == INT64_MAX ||
	    __builtin_add_overflow(started_at_ms, retention_ms, &at_ms))
		return EXPIRY_NEVER;
	return at_ms;
}

bool expiry_has_passed(const struct web_local *local, int64_t started_at_ms, bool is_held)
{
	int64_t retention_ms = local->web->live.retention_ms;

	return expiry_at_ms(retention_ms, started_at_ms, is_held) < loop_wall_ms(local->loop);
}
