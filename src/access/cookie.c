#include "access/cookie.h"

#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_host.h"
#include "auth/auth.h"
#include "http/reply.h"

#include <sodium.h>
#include <stdio.h>

#define SESSION "callspool"
#define DEVICE  "callspool-device"
#define LINK    "callspool-link"

#define VALUE_MAX 64
#define LINE_SIZE 256

/* Over TLS with the prefix that browsers hold to. */
static struct str full_name(const struct exchange *x, enum cookie cookie)
{
	static const struct {
		struct str plain, over_tls;
	} names[] = {
		[COOKIE_SESSION] = { STR(SESSION), STR("__Host-" SESSION) },
		[COOKIE_DEVICE] = { STR(DEVICE), STR("__Host-" DEVICE) },
		[COOKIE_LINK] = { STR(LINK),
				  STR("__Secure-" LINK) }, /* __Host- would forbid its path */
	};

	return forwarded_is_over_tls(x) ? names[cookie].over_tls : names[cookie].plain;
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

/* Asked for each play: what stands around a pair is looked at once. */
struct str cookie_find(struct str header, struct str name)
{
	while (header.len > name.len) {
		if (header.at[0] == ' ' || header.at[0] == '\t') {
			header = str_after(header, 1);
			continue;
		}

		size_t end = str_find(header, ';');

		if (end > name.len && header.at[name.len] == '=' &&
		    memcmp(header.at, name.at, name.len) == 0) {
			while (header.at[end - 1] == ' ' || header.at[end - 1] == '\t')
				end--; /* the '=' is neither */
			return (struct str){ header.at + name.len + 1, end - name.len - 1 };
		}
		header = str_after(header, end + 1);
	}
	return STR_NONE;
}

struct str cookie_of(const struct exchange *x, enum cookie cookie)
{
	if (!x->request.known[HTTP_COOKIE].at)
		return STR_NONE;
	return cookie_find(x->request.known[HTTP_COOKIE], full_name(x, cookie));
}

void cookie_set(struct exchange *x, enum cookie cookie, const char *value, int64_t max_age_s,
		const char *path)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line),
		 "%.*s=%.*s; Path=%s; %sHttpOnly; SameSite=Strict; Max-Age=%lld",
		 STR_ARG(full_name(x, cookie)), VALUE_MAX, value, path ? path : "/",
		 forwarded_is_over_tls(x) ? "Secure; " : "", (long long)max_age_s);
	reply_header(x, STR("Set-Cookie"), str_of(line));
	sodium_memzero(line, sizeof(line));
}
