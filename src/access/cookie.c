#include "access/cookie.h"

#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_host.h"
#include "auth/auth.h"
#include "base/buf.h"
#include "http/reply.h"

#include <sodium.h>
#include <stdio.h>

#define HOST_PREFIX   "__Host-"
#define SECURE_PREFIX "__Secure-"
#define NAME_SIZE     48
#define VALUE_MAX     64
#define LINE_SIZE     256

static bool is_link(const char *name)
{
	return strcmp(name, COOKIE_LINK) == 0;
}

/* Over TLS with the prefix that browsers hold to.  Made for each play: printf was a twentieth of one. */
static struct str full_name(const struct exchange *x, const char *name, char room[NAME_SIZE])
{
	struct buf full;

	buf_over(&full, room, NAME_SIZE);
	if (forwarded_is_over_tls(x))
		buf_add_text(&full, is_link(name) ? SECURE_PREFIX : HOST_PREFIX);
	buf_add_text(&full, name);
	return buf_str(&full);
}

static bool is_loopback_peer(const struct exchange *x)
{
	return str_starts(str_of(x->peer), STR("127.")) || strcmp(x->peer, "::1") == 0 ||
	       str_starts(str_of(x->peer), STR("::ffff:127."));
}

bool cookie_may_sign_in(const struct exchange *x)
{
	const struct auth *auth = web_local_of(x)->web->auth;

	if (forwarded_is_over_tls(x) || auth->options.insecure_http == AUTH_ON)
		return true;
	if (!web_host_is_loopback(x->request.known[HTTP_HOST]))
		return false;
	/* The browser is on this machine, or says so through a proxy that we trust. */
	return is_loopback_peer(x) || x->is_trusted;
}

struct str cookie_find(struct str header, struct str name)
{
	struct str pair;

	while (str_cut(&header, ';', &pair)) {
		pair = str_trim(pair);
		if (str_starts(pair, name) && pair.len > name.len && pair.at[name.len] == '=')
			return str_after(pair, name.len + 1);
	}
	return STR_NONE;
}

struct str cookie_of(const struct exchange *x, const char *name)
{
	char room[NAME_SIZE];

	if (!x->request.known[HTTP_COOKIE].at)
		return STR_NONE;
	return cookie_find(x->request.known[HTTP_COOKIE], full_name(x, name, room));
}

void cookie_set(struct exchange *x, const char *name, const char *value, int64_t max_age_s,
		const char *path)
{
	char room[NAME_SIZE], line[LINE_SIZE];

	snprintf(line, sizeof(line),
		 "%.*s=%.*s; Path=%s; %sHttpOnly; SameSite=Strict; Max-Age=%lld",
		 STR_ARG(full_name(x, name, room)), VALUE_MAX, value, path ? path : "/",
		 forwarded_is_over_tls(x) ? "Secure; " : "", (long long)max_age_s);
	reply_header(x, STR("Set-Cookie"), str_of(line));
	sodium_memzero(line, sizeof(line));
}
