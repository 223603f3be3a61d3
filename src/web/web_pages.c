#include "web/web_pages.h"

#include "api/web.h"
#include "api/web_error.h"
#include "base/compiler.h"
#include "blob/blob.h"
#include "http/conditional.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "http/router.h"
#include "web/web_pages_data.h"

#include <stdio.h>
#include <string.h>

/* What each address shows. */
static const struct {
	const char *pattern, *name;
} PAGES[] = {
	{ "/", "index.html" },
	{ "/join", "join.html" },
	{ "/l/{}", "link.html" },
};

static const struct web_page_file *find_file(struct str name)
{
	for (unsigned i = 0; i < web_page_file_count; i++)
		if (str_eq(name, str_of(web_page_files[i].name)))
			return &web_page_files[i];
	return NULL;
}

/* "0", "0.0", "0.000": not acceptable (RFC 9110, 12.4.2). */
static bool is_zero(struct str weight)
{
	if (!str_starts(weight, STR("0")))
		return false;
	for (size_t i = 1; i < weight.len; i++)
		if (weight.at[i] != '.' && weight.at[i] != '0')
			return false;
	return true;
}

static bool coding_is_refused(struct str parameters)
{
	struct str parameter;

	while (str_cut(&parameters, ';', &parameter)) {
		parameter = str_trim(parameter);
		if (str_starts_nocase(parameter, STR("q=")) && is_zero(str_after(parameter, 2)))
			return true;
	}
	return false;
}

/* Whoever says nothing, and whoever says anything but "gzip", has it as it is. */
static bool takes_gzip(const struct exchange *x)
{
	struct str list = http_request_header(&x->request, STR("accept-encoding")), coding, name;

	while (str_cut(&list, ',', &coding)) {
		if (str_cut(&coding, ';', &name) && str_eq_nocase(str_trim(name), STR("gzip")))
			return !coding_is_refused(coding);
	}
	return false;
}

/* Where players are sent to the bucket, the page may play from there. */
static void add_policy(struct exchange *x)
{
	const struct web *web = web_local_of(x)->web;
	const char *origin = web->options.store_redirect == WEB_ON ? blob_origin(web->store) : NULL;
	struct str policy = str_of(web_pages_policy), plays = STR("media-src 'self'");
	size_t end = str_find_str(policy, plays) + plays.len;

	if (origin && end < policy.len)
		reply_headerf(x, "Content-Security-Policy", "%.*s %s%.*s",
			      STR_ARG(str_first(policy, end)), origin,
			      STR_ARG(str_after(policy, end)));
	else
		reply_header(x, STR("Content-Security-Policy"), policy);
}

/* Beside a Content-Type; of HTML alone what it may load, and that no other window holds on to it. */
static void add_headers(struct exchange *x, const struct web_page_file *file, bool is_asset)
{
	reply_header(x, STR("Cache-Control"),
		     is_asset ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
	reply_header(x, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
	reply_header(x, STR("Referrer-Policy"), STR("no-referrer"));
	reply_header(x, STR("X-Content-Type-Options"), STR("nosniff"));
	if (file->packed_size)
		reply_header(x, STR("Vary"), STR("Accept-Encoding"));
	if (is_asset)
		return;
	add_policy(x);
	reply_header(x, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
}

static void send_file(struct exchange *x, const struct web_page_file *file, bool is_asset)
{
	bool packed = file->packed_size && takes_gzip(x);
	char tag[40];
	int length = snprintf(tag, sizeof(tag), "\"%s%s\"", file->tag, packed ? "-gzip" : "");
	struct validators now = { .etag = { tag, (size_t)length } };
	enum conditional_result result = conditional_check(&x->request, &now);

	if (result == CONDITIONAL_FAILED) {
		web_refuse(x, WEB_PRECONDITION_FAILED, NULL, WEB_NO_RETRY);
		return;
	}
	reply_begin(x, result == CONDITIONAL_NOT_MODIFIED ? 304 : 200);
	reply_header(x, STR("ETag"), now.etag);
	add_headers(x, file, is_asset);
	if (result == CONDITIONAL_NOT_MODIFIED) {
		reply_send(x, STR_NONE);
		return;
	}
	reply_header(x, STR("Content-Type"), str_of(file->type));
	if (packed)
		reply_header(x, STR("Content-Encoding"), STR("gzip"));
	reply_send(x, packed ? (struct str){ web_pages_bytes + file->offset + file->size,
					     file->packed_size }
			     : (struct str){ web_pages_bytes + file->offset, file->size });
}

void web_page(struct exchange *x)
{
	for (unsigned i = 0; i < ARRAY_LEN(PAGES); i++)
		if (strcmp(x->route->pattern, PAGES[i].pattern) == 0) {
			send_file(x, find_file(str_of(PAGES[i].name)), false);
			return;
		}
	web_refuse(x, WEB_NOT_FOUND, NULL, WEB_NO_RETRY);
}

void web_page_asset(struct exchange *x)
{
	const struct web_page_file *file = find_file(x->request.params[0]);

	/* HTML has addresses of its own, and its policy there. */
	if (!file || str_ends(x->request.params[0], STR(".html"))) {
		web_refuse(x, WEB_NOT_FOUND, NULL, WEB_NO_RETRY);
		return;
	}
	send_file(x, file, true);
}
