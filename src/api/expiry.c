#include "api/expiry.h"

#include "api/web.h"
#include "event/loop.h"

bool expiry_has_passed(const struct web_local *local, const struct kept *kept)
{
	return retention_expires_at_ms(retention_now(local->web->retention), kept) <
	       loop_wall_ms(local->loop);
}
