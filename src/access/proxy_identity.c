#include "access/proxy_identity.h"

#include "api/forwarded.h"
#include "api/web.h"
#include "auth/auth.h"
#include "auth/people.h"
#include "auth/proxy_groups.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>

#define WARN_MS (60 * 1000)

/* The value of the one line of that name; false: there are more. */
static bool only_line(const struct exchange *x, const char *name, struct str *out)
{
	unsigned count = 0;

	*out = STR_NONE;
	for (uint32_t i = 0; name && i < x->request.header_count; i++) {
		if (!str_eq_nocase(x->request.headers[i].name, str_of(name)))
			continue;
		*out = x->request.headers[i].value;
		count++;
	}
	return count <= 1;
}

/* One line a minute for the process: a stranger can send thousands a second. */
static void warn_of_stranger(const struct exchange *x, const char *header)
{
	struct web *web = web_local_of(x)->web;
	int64_t now_ms = clock_monotonic_ms();
	int64_t last_ms = atomic_load_explicit(&web->stranger_warned_at_ms, memory_order_relaxed);

	if (last_ms != 0 && now_ms - last_ms < WARN_MS)
		return;
	if (atomic_compare_exchange_strong(&web->stranger_warned_at_ms, &last_ms, now_ms))
		log_warn(NULL, "%s from %s, which is no trusted proxy: ignored", header, x->peer);
}

enum proxy_identity proxy_identity_read(struct exchange *x, char room[PROXY_IDENTITY_SIZE],
					struct str *out)
{
	const struct auth_options *options = &web_local_of(x)->web->auth->options;
	struct str user, groups;
	char name[USER_NAME_SIZE];
	uint16_t rights;
	struct err err;

	if (!only_line(x, options->user_header, &user) ||
	    !only_line(x, options->groups_header, &groups))
		return PROXY_IDENTITY_DOUBLED;
	if (user.len == 0)
		return PROXY_IDENTITY_NONE;
	if (str_starts_nocase(user, STR(PROXY_IDENTITY_DOCTOR)))
		return PROXY_IDENTITY_TESTED;
	if (!x->is_trusted) {
		warn_of_stranger(x, options->user_header);
		return PROXY_IDENTITY_NONE;
	}
	rights = proxy_groups_rights(options, groups);
	/* Nobody is made a user here who may do nothing. */
	if (rights == 0 || !people_name(user, name, &err))
		return PROXY_IDENTITY_REFUSED;
	memcpy(room, name, strlen(name) + 1);
	memcpy(room + strlen(name) + 1, &rights, sizeof(rights));
	*out = (struct str){ room, strlen(name) + 1 + sizeof(rights) };
	return PROXY_IDENTITY_NAMED;
}
