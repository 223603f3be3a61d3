#include "access/web_refusal.h"

#include "access/web_admit.h"
#include "api/web.h"
#include "audit/refusals.h"
#include "auth/throttle.h"
#include "event/loop.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE 48

/* The limits, as the audit calls them. */
static const char *const limit_texts[WEB_LIMITS] = {
	[LIMIT_UNKNOWN] = "unknown credentials",
	[LIMIT_NETWORK] = "sign-ins of a network",
	[LIMIT_ACCOUNT] = "sign-ins to an account",
	[LIMIT_PASSWORD] = "changes of a password",
	[LIMIT_PLAYS] = "plays",
	[LIMIT_MISSING] = "unknown SIDs",
	[LIMIT_LINK] = "openings of a link",
};

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

static void tell_throttled(struct exchange *x, enum web_limit limit, const char *name)
{
	counter_add(&web_local_of(x)->counts.throttled[limit], 1);
	tell(x, REFUSAL_THROTTLED, limit_texts[limit], name);
}

void web_refuse_throttled(struct exchange *x, enum web_limit limit, const char *name,
			  int64_t wait_ms)
{
	tell_throttled(x, limit, name);
	web_refuse(x, WEB_RATE_LIMITED, NULL, (wait_ms + 999) / 1000);
}

void web_refuse_locked(struct exchange *x, const char *name)
{
	tell_throttled(x, LIMIT_ACCOUNT, name);
	web_refuse(x, WEB_ACCOUNT_LOCKED, NULL, WEB_NO_RETRY);
}

/* Whose tries are counted; false: nobody's, for there is no sign-in, or a link, which opens one SID alone. */
static bool name_misser(const struct exchange *x, char out[KEY_SIZE])
{
	const struct web_caller *caller = web_caller_of(x);

	if (!caller || caller->is_everybody || x->route->access == WEB_LINK)
		return false;
	if (caller->known.credential_id != 0)
		snprintf(out, KEY_SIZE, "credential %llu",
			 (unsigned long long)caller->known.credential_id);
	else
		snprintf(out, KEY_SIZE, "user %llu", (unsigned long long)caller->known.user_id);
	return true;
}

void web_refuse_missing(struct exchange *x, enum web_error error, const char *text)
{
	struct web_local *local = web_local_of(x);
	char key[KEY_SIZE];
	int64_t wait_ms;

	if (!name_misser(x, key) || throttle_take(local->web->auth->throttle, THROTTLE_MISSING_SID,
						  str_of(key), loop_now_ms(local->loop), &wait_ms))
		web_refuse(x, error, text, WEB_NO_RETRY);
	else
		web_refuse_throttled(x, LIMIT_MISSING, NULL, wait_ms);
}

bool web_may_miss(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	char key[KEY_SIZE];
	int64_t wait_ms;

	if (!name_misser(x, key) ||
	    throttle_allows(local->web->auth->throttle, THROTTLE_MISSING_SID, str_of(key),
			    loop_now_ms(local->loop), &wait_ms))
		return true;
	web_refuse_throttled(x, LIMIT_MISSING, NULL, wait_ms);
	return false;
}
