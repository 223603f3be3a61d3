#include "fetch/fetch_target.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"

DEFINE_AUTO(CURLU *, curl_url_cleanup)
DEFINE_AUTO(char *, curl_free)

static bool refuse(struct err *err, CURLUcode code)
{
	return err_set(err, ERR_INVALID, "not a URL that we fetch: %s", curl_url_strerror(code));
}

static bool upgrade_scheme(CURLU *parts, struct err *err)
{
	AUTO(curl_free) char *port = NULL;
	CURLUcode code;

	if (curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK && strcmp(port, "80") == 0) {
		code = curl_url_set(parts, CURLUPART_PORT, NULL, 0);
		if (code != CURLUE_OK)
			return refuse(err, code);
	}
	code = curl_url_set(parts, CURLUPART_SCHEME, "https", 0);
	return code == CURLUE_OK || refuse(err, code);
}

static char *plain_host(const char *host)
{
	struct str s = str_of(host);
	char *copy;

	if (s.len >= 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		s = str_first(str_after(s, 1), s.len - 2);
	if (s.len > 1 && s.at[s.len - 1] == '.')
		s.len--;
	copy = str_dup(s);
	for (char *at = copy; *at; at++)
		*at = ascii_lower(*at);
	return copy;
}

static bool read_once(const char *url, bool upgrade, struct fetch_target *out, struct err *err)
{
	AUTO(curl_url_cleanup) CURLU *parts = curl_url();
	AUTO(curl_free) char *scheme = NULL;
	AUTO(curl_free) char *host = NULL;
	AUTO(curl_free) char *port = NULL;
	AUTO(curl_free) char *whole = NULL;
	CURLUcode code;
	uint64_t number;

	if (!parts)
		abort(); /* out of memory */
	code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
	if (code != CURLUE_OK)
		return refuse(err, code);
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return err_set(err, ERR_INVALID, "not a URL that we fetch: the scheme is '%s'",
			       scheme);
	if (upgrade && !upgrade_scheme(parts, err))
		return false;

	curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
	code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_URL, &whole, 0);
	if (code != CURLUE_OK)
		return refuse(err, code);
	if (!str_to_u64(str_of(port), &number) || number == 0 || number > UINT16_MAX)
		return err_set(err, ERR_INVALID, "not a URL that we fetch: the port is '%s'", port);

	*out = (struct fetch_target){
		.url = xstrdup(whole),
		.host = plain_host(host),
		.port = (uint16_t)number,
		.is_https = upgrade || strcmp(scheme, "https") == 0,
	};
	return true;
}

void fetch_target_release(struct fetch_target *target)
{
	free(target->url);
	free(target->host);
	*target = (struct fetch_target){ 0 };
}

bool fetch_target_read(const char *url, bool upgrade, struct fetch_target *out, struct err *err)
{
	AUTO(fetch_target_release) struct fetch_target once = { 0 };
	AUTO(fetch_target_release) struct fetch_target twice = { 0 };

	/*
	 * libcurl will read the URL that we hand it once more.  "http://40%31/" is decoded to the
	 * name "401" first, and that is the address 0.0.1.145 then: what is judged here
	 * would not be what is asked.
	 */
	if (!read_once(url, upgrade, &once, err) || !read_once(once.url, false, &twice, err))
		return false;
	if (strcmp(once.url, twice.url) != 0 || strcmp(once.host, twice.host) != 0)
		return err_set(err, ERR_INVALID, "not a URL that we fetch: its host is disguised");

	*out = once;
	once = (struct fetch_target){ 0 };
	return true;
}

bool fetch_target_same_origin(const struct fetch_target *a, const struct fetch_target *b)
{
	return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}
