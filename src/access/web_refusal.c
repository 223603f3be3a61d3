#include "access/web_refusal.h"

#include "access/web_admit.h"
#include "api/web.h"
#include "audit/refusals.h"
#include "event/loop.h"

#include <string.h>

static void tell(struct exchange *x, enum refusal_kind kind, const char *what, const char *name)
{
	struct web_local *local = web_local_of(x);
	struct refusal refusal = { .kind = kind, .what = what, .route = x->route->pattern };
	struct auth_actor actor;

	web_actor_of(x, &actor);
	refusal.user_id = actor.user_id;
	memcpy(refusal.credential, actor.credential, sizeof(refusal.credential));
	memcpy(refusal.for_user, actor.for_user, sizeof(refusal.for_user));
	memcpy(refusal.address, actor.address, sizeof(refusal.address));
	if (name)
		str_fit(str_of(name), refusal.name, sizeof(refusal.name));
	refusals_add(local->web->auth->audit.refusals, &refusal, loop_now_ms(local->loop));
}

void web_refuse_forbidden(struct exchange *x, enum web_error error, const char *text)
{
	tell(x, REFUSAL_FORBIDDEN, web_error_code(error), NULL);
	web_refuse(x, error, text, WEB_NO_RETRY);
}

void web_refuse_throttled(struct exchange *x, const char *limit, const char *name, int64_t wait_ms)
{
	tell(x, REFUSAL_THROTTLED, limit, name);
	web_refuse(x, WEB_RATE_LIMITED, NULL, (wait_ms + 999) / 1000);
}
