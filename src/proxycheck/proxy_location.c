#include "proxycheck/proxy_location.h"

#include "base/compiler.h"
#include "doctor/deployment.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_location.h"
#include "proxycheck/nginx_explain.h"
#include "proxycheck/proxy_checks_private.h"
#include "proxycheck/proxy_words.h"

#include <string.h>

#define INDENT "    "

/* ---- where it stands */

static bool is_webhook(const struct proxy_way *way)
{
	return str_starts(way->arrives, STR("/webhook/"));
}

static bool is_exact(const struct proxy_way *way)
{
	struct str path;

	return nginx_location_read(way->visit.location, &path) == NGINX_LOCATION_EXACT;
}

static bool is_passed_on(const struct deployment *deployment, enum proxy_way_kind kind)
{
	const struct proxy_way *way = &deployment->proxy_view->ways[kind];

	return way->is_proxied && proxy_leads_to_callspool(deployment, &way->proxied.to);
}

/* Does it take more of what is callspool's?  The list of calls, where its page comes through. */
static bool takes_more(const struct deployment *deployment, const struct proxy_way *way)
{
	return is_passed_on(deployment, WAY_PAGE) &&
	       deployment->proxy_view->ways[WAY_CALLS].visit.location == way->visit.location;
}

/* What of a location's path is callspool's, with a slash before it; at == NULL: it is not below the path of public_url. */
static struct str below(const struct proxy_view *view, const struct nginx_directive *location)
{
	struct str path, rest;
	enum nginx_location_kind kind = nginx_location_read(location, &path);

	if (kind == NGINX_LOCATION_REGEX || kind == NGINX_LOCATION_REGEX_NOCASE ||
	    !str_starts(path, view->path))
		return STR_NONE;
	rest = str_after(path, view->path.len);
	return str_starts(rest, STR("/")) ? rest : STR_NONE;
}

/*
 * A firm prefix wins over expressions and over every shorter one.  The exact location that has the path wins over all, and is
 * replaced; so is one that has more than its due.  Of what is not below the path of public_url that cannot be taken away.
 */
static bool is_replaced(const struct deployment *deployment, const struct proxy_way *way)
{
	const struct nginx_directive *location = way->visit.location;
	const struct proxy_view *view = deployment->proxy_view;

	return location && location != way->visit.server &&
	       (is_exact(way) || takes_more(deployment, way)) &&
	       (view->path.len == 0 || below(view, location).at);
}

static const char *own_path(const struct proxy_way *way)
{
	return is_webhook(way) ? "/webhook/" : "/api/calls/CA";
}

static void add_head(const struct deployment *deployment, const struct proxy_way *way,
		     struct buf *out)
{
	const struct nginx_directive *location = way->visit.location;
	bool replaces = is_replaced(deployment, way);

	buf_addf(out, "# %s ", replaces ? "in the place of" : "into the server block of");
	nginx_place_text(replaces ? location : way->visit.server, out);
	buf_add_byte(out, '\n');
	if (!replaces) {
		buf_addf(out, "location ^~ %.*s%s {\n", STR_ARG(deployment->proxy_view->path),
			 own_path(way));
		return;
	}
	for (size_t i = 0; i < location->word_count; i++)
		buf_addf(out, "%.*s ", STR_ARG(location->words[i]));
	buf_add_text(out, "{\n");
}

/* One that comes to callspool; where nobody knows its port, a play or a webhook that is passed on.  NULL: none is. */
static const struct proxy_way *passed_way(const struct deployment *deployment)
{
	static const enum proxy_way_kind likely[] = { WAY_PLAY, WAY_WEBHOOK };

	for (int kind = 0; kind < PROXY_WAYS; kind++)
		if (is_passed_on(deployment, (enum proxy_way_kind)kind))
			return &deployment->proxy_view->ways[kind];
	for (size_t i = 0; i < ARRAY_LEN(likely) && !proxy_knows_port(deployment); i++)
		if (deployment->proxy_view->ways[likely[i]].is_proxied)
			return &deployment->proxy_view->ways[likely[i]];
	return NULL;
}

/* A path behind the back end takes the place of the location's own, and with it the path of public_url away. */
static void add_path(const struct deployment *deployment, const struct proxy_way *way,
		     bool is_socket, struct buf *out)
{
	if (deployment->proxy_view->path.len == 0)
		return;
	if (is_socket)
		buf_add_byte(out, ':');
	if (is_replaced(deployment, way))
		buf_add_str(out, below(deployment->proxy_view, way->visit.location));
	else
		buf_add_text(out, own_path(way));
}

/* Where the others go, so that all go to the same. */
static void add_pass(const struct deployment *deployment, const struct proxy_way *way,
		     struct buf *out)
{
	const struct proxy_way *other = passed_way(deployment);
	struct str to = other ? other->proxied.to.host : str_of(deployment_proxy_pass(deployment));

	buf_addf(out, INDENT "proxy_pass %s%.*s", other ? "http://" : "", STR_ARG(to));
	add_path(deployment, way, str_starts(to, other ? STR("unix:") : STR("http://unix:")), out);
	buf_add_text(out, ";\n");
}

/* ---- headers */

struct headers {
	const struct nginx_directive *outer; /* the first in force at the server; NULL: none is */
	struct buf lines;
	size_t missing;
};

static const struct nginx_directive *next_outer(const struct headers *headers,
						const struct nginx_directive *set)
{
	return nginx_find(nginx_block_of(headers->outer), set, STR("proxy_set_header"));
}

static bool has(const struct headers *headers, const char *name)
{
	for (const struct nginx_directive *set = headers->outer; set;
	     set = next_outer(headers, set))
		if (str_eq_nocase(nginx_word(set, 1), str_of(name)))
			return true;
	return false;
}

static void want(struct headers *headers, const char *name, const char *value)
{
	if (has(headers, name))
		return;
	buf_addf(&headers->lines, INDENT "proxy_set_header %s %s;\n", name, value);
	headers->missing++;
}

static const char *scheme_of(const struct deployment *deployment, const struct proxy_way *way)
{
	if (way->visit.listen.is_tls == deployment->proxy_view->is_https)
		return "$scheme";
	return deployment->proxy_view->is_https ? "https" : "http";
}

static void add_headers(const struct deployment *deployment, const struct proxy_way *way,
			struct buf *out)
{
	struct headers headers = {
		.outer = nginx_in_force(way->visit.server, STR("proxy_set_header")),
	};
	bool signs_in = deployment->server.auth && strcmp(deployment->server.auth, "proxy") == 0 &&
			deployment->server.user_header;

	buf_init(&headers.lines, PROXY_LINES_MAX);
	for (const struct nginx_directive *set = headers.outer; set;
	     set = next_outer(&headers, set)) {
		buf_add_text(&headers.lines, INDENT);
		proxy_words_line(set, &headers.lines);
		buf_add_byte(&headers.lines, '\n');
	}
	want(&headers, "Connection", "\"\"");
	want(&headers, "Host", "$http_host");
	want(&headers, "X-Forwarded-For", "$proxy_add_x_forwarded_for");
	want(&headers, "X-Forwarded-Proto", scheme_of(deployment, way));
	if (signs_in)
		want(&headers, deployment->server.user_header, "\"\"");
	if (headers.missing > 0)
		buf_add_str(out, buf_str(&headers.lines));
	buf_release(&headers.lines);
}

/* ---- the rest */

static void add_read_limit(const struct deployment *deployment, const struct nginx_visit *server,
			   struct buf *out)
{
	int64_t least_ms = deployment->server.play_wait_ms + 2000, ms;

	if (nginx_time_ms(nginx_visit_word(server, STR("proxy_read_timeout")), &ms) &&
	    (ms < least_ms || ms > 10 * 60 * 1000))
		buf_addf(out, INDENT "proxy_read_timeout %llds;\n",
			 (long long)(least_ms + 33000) / 1000);
}

/* As it would be in force in a location that says nothing. */
static void add_values(const struct deployment *deployment, const struct proxy_way *way,
		       struct buf *out)
{
	struct nginx_visit server = way->visit;

	server.block = server.server;
	proxy_value_cures(&server, INDENT, out);
	add_read_limit(deployment, &server, out);
	if (nginx_is_on(nginx_in_force(server.block, STR("gzip"))))
		buf_add_text(out, INDENT "gzip off;\n");
	if (nginx_is_on(nginx_in_force(server.block, STR("proxy_intercept_errors"))))
		buf_add_text(out, INDENT "proxy_intercept_errors off;\n");
}

/* Before any location: what stands in the server block itself, and in an `if` of it. */
static bool is_answered_before(const struct proxy_way *way)
{
	const struct nginx_directive *block = way->visit.by ? nginx_block_of(way->visit.by) : NULL;

	while (block && nginx_is(block, STR("if")))
		block = nginx_block_of(block);
	return way->visit.end == NGINX_ANSWERED && block && block == way->visit.server;
}

void proxy_location_write(const struct deployment *deployment, const struct proxy_way *way,
			  struct buf *out)
{
	if (!way->visit.server || is_answered_before(way))
		return;
	add_head(deployment, way, out);
	add_pass(deployment, way, out);
	add_headers(deployment, way, out);
	add_values(deployment, way, out);
	buf_add_text(out, "}");
}
