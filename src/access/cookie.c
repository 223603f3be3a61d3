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

/* Over TLS with the prefix that browsers hold to. */
static void full_name(const struct exchange *x, const char *name, char out[NAME_SIZE])
{
	const char *prefix = is_link(name) ? SECURE_PREFIX : HOST_PREFIX;

	snprintf(out, NAME_SIZE, "%s%s", cookie_is_over_tls(x) ? prefix : "", name);
}

bool cookie_is_over_tls(const struct exchange *x)
{
	char text[512];
	struct buf origin;

	buf_over(&origin, text, sizeof(text));
	forwarded_add_origin(x, &origin);
	return str_starts_nocase(buf_str(&origin), STR("https://"));
}

static bool is_loopback_peer(const struct exchange *x)
{
	return str_starts(str_of(x->peer), STR("127.")) || strcmp(x->peer, "::1") == 0 ||
	       str_starts(str_of(x->peer), STR("::ffff:127."));
}

bool cookie_may_sign_in(const struct exchange *x)
{
	const struct auth *auth = web_local_of(x)->web->auth;

	if (cookie_is_over_tls(x) || auth->options.insecure_http == AUTH_ON)
		return true;
	if (!web_host_is_loopback(x->request.known[HTTP_HOST]))
		return false;
	/* The browser is on this machine, or says so through a proxy that we trust. */
	return is_loopback_peer(x) || forwarded_is_trusted(x);
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
	char full[NAME_SIZE];

	if (!x->request.known[HTTP_COOKIE].at)
		return STR_NONE;
	full_name(x, name, full);
	return cookie_find(x->request.known[HTTP_COOKIE], str_of(full));
}

void cookie_set(struct exchange *x, const char *name, const char *value, int64_t max_age_s,
		const char *path)
{
	char full[NAME_SIZE], line[LINE_SIZE];

	full_name(x, name, full);
	snprintf(line, sizeof(line), "%s=%.*s; Path=%s; %sHttpOnly; SameSite=Strict; Max-Age=%lld",
		 full, VALUE_MAX, value, path ? path : "/", cookie_is_over_tls(x) ? "Secure; " : "",
		 (long long)max_age_s);
	reply_header(x, STR("Set-Cookie"), str_of(line));
	sodium_memzero(line, sizeof(line));
}
