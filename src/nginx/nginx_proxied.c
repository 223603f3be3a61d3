/*
 * As ngx_http_proxy_create_request(): the headers that the configuration sets, then those that nginx sets by itself where
 * it does not, then the client's own.  A name that is set hides the client's header even where the value is empty; what
 * is set twice is sent twice.
 */
#include "nginx/nginx_proxied.h"

#include "base/mem.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_location.h"
#include "nginx/nginx_uri.h"

struct habit {
	const char *name, *value;
};

static const struct habit habits[] = {
	{ "Host", "$proxy_host" },
	{ "Connection", "close" },
	{ "Content-Length", "$proxy_internal_body_length" },
	{ "Transfer-Encoding", "$proxy_internal_chunked" },
	{ "TE", "" },
	{ "Keep-Alive", "" },
	{ "Expect", "" },
	{ "Upgrade", "" },
};

/* Where answers are cached: it asks for the whole, whatever the player asked for. */
static const struct habit cache_habits[] = {
	{ "If-Modified-Since", "" },
	{ "If-Unmodified-Since", "" },
	{ "If-None-Match", "" },
	{ "If-Match", "" },
	{ "Range", "" },
	{ "If-Range", "" },
};

static bool is_cached(const struct nginx_visit *visit)
{
	struct str zone = nginx_word_in_force(visit->block, STR("proxy_cache"));

	return !str_eq(zone, STR("off"));
}

static void send(struct nginx_proxied *proxied, struct nginx_sent sent)
{
	if (proxied->sent_count < NGINX_SENT_MAX)
		proxied->sent[proxied->sent_count++] = sent;
	else
		free(sent.value);
}

static void send_value(struct nginx_proxied *proxied, struct nginx_visit *visit, struct str name,
		       struct str value, const struct nginx_directive *by)
{
	__attribute__((cleanup(buf_release_at))) struct buf made = { 0 };
	bool is_known;

	buf_init(&made, NGINX_VALUE_BYTES_MAX);
	is_known = nginx_value(visit, value, &made);
	if (is_known && made.len == 0)
		return;
	send(proxied, (struct nginx_sent){ .name = name,
					   .value = xmemdup0(made.at, made.len),
					   .is_known = is_known,
					   .by = by });
}

/* Is it set in the configuration? */
static bool is_set(const struct nginx_visit *visit, struct str name)
{
	const struct nginx_directive *set = nginx_in_force(visit->block, STR("proxy_set_header"));
	const struct nginx_directive *block = set ? nginx_block_of(set) : NULL;

	while (set && !str_eq_nocase(nginx_word(set, 1), name))
		set = nginx_find(block, set, STR("proxy_set_header"));
	return set != NULL;
}

static bool is_habit(const struct habit *table, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(str_of(table[i].name), name))
			return true;
	return false;
}

static void send_set(struct nginx_proxied *proxied, struct nginx_visit *visit)
{
	const struct nginx_directive *set = nginx_in_force(visit->block, STR("proxy_set_header"));
	const struct nginx_directive *block = set ? nginx_block_of(set) : NULL;

	for (; set; set = nginx_find(block, set, STR("proxy_set_header")))
		send_value(proxied, visit, nginx_word(set, 1), nginx_word(set, 2), set);
}

static void send_habits(struct nginx_proxied *proxied, struct nginx_visit *visit)
{
	for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
		struct str name = str_of(habits[i].name);
		bool is_left_out = str_eq(name, STR("Connection")) && nginx_keeps_by_itself(visit);

		if (!is_left_out && !is_set(visit, name))
			send_value(proxied, visit, name, str_of(habits[i].value), NULL);
	}
}

static bool hides(struct nginx_visit *visit, struct str name)
{
	return is_set(visit, name) || is_habit(habits, ARRAY_LEN(habits), name) ||
	       (is_cached(visit) && is_habit(cache_habits, ARRAY_LEN(cache_habits), name));
}

static void send_clients(struct nginx_proxied *proxied, struct nginx_visit *visit)
{
	const struct nginx_request *request = visit->request;

	if (nginx_is_off(nginx_in_force(visit->block, STR("proxy_pass_request_headers"))))
		return;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct nginx_header *header = &request->headers[i];

		if (!hides(visit, header->name))
			send(proxied, (struct nginx_sent){
					      .name = header->name,
					      .value = str_dup(header->value),
					      .is_known = true,
					      .is_clients = true,
				      });
	}
}

static void add_args(struct nginx_proxied *proxied, const struct nginx_visit *visit)
{
	if (visit->args.len == 0)
		return;
	buf_add_byte(&proxied->target, '?');
	buf_add(&proxied->target, visit->args.at, visit->args.len);
}

static void add_path(struct nginx_proxied *proxied, const struct nginx_visit *visit, size_t from)
{
	struct str path = str_after(buf_str(&visit->uri), from);

	if (visit->is_quoted || visit->is_rewritten)
		nginx_uri_escape(path, &proxied->target);
	else
		buf_add_str(&proxied->target, path);
}

/* proxy_pass without variables. */
static void write_target(struct nginx_proxied *proxied, const struct nginx_visit *visit)
{
	struct str path;
	enum nginx_location_kind kind;

	if (!proxied->to.uri.at && !visit->is_rewritten) {
		buf_add_str(&proxied->target, visit->request->target);
		return;
	}
	if (!proxied->to.uri.at || visit->is_broken_off) {
		add_path(proxied, visit, 0);
		add_args(proxied, visit);
		return;
	}
	kind = nginx_location_read(visit->location, &path);
	buf_add_str(&proxied->target, proxied->to.uri);
	add_path(proxied, visit, kind == NGINX_LOCATION_NAMED ? 0 : path.len);
	add_args(proxied, visit);
}

/* With variables: a path that they give is sent as it is. */
static void write_variable_target(struct nginx_proxied *proxied, const struct nginx_visit *visit)
{
	if (proxied->to.uri.at) {
		if (str_starts(proxied->to.uri, STR("?")))
			buf_add_byte(&proxied->target, '/');
		buf_add_str(&proxied->target, proxied->to.uri);
		return;
	}
	write_target(proxied, visit);
}

bool nginx_proxied_start(struct nginx_proxied *proxied, struct nginx_visit *visit)
{
	struct str written = nginx_word(visit->by, 1);

	*proxied = (struct nginx_proxied){ 0 };
	buf_init(&proxied->address, NGINX_VALUE_BYTES_MAX);
	buf_init(&proxied->target, NGINX_VALUE_BYTES_MAX);
	proxied->is_known = nginx_value(visit, written, &proxied->address);
	proxied->version = nginx_visit_word(visit, STR("proxy_http_version"));
	if (!nginx_target_read(visit->http, buf_str(&proxied->address), &proxied->to))
		return false;
	if (nginx_has_variables(written))
		write_variable_target(proxied, visit);
	else
		write_target(proxied, visit);
	proxied->target_is_known = proxied->is_known;
	send_set(proxied, visit);
	send_habits(proxied, visit);
	send_clients(proxied, visit);
	return true;
}

void nginx_proxied_release(struct nginx_proxied *proxied)
{
	for (size_t i = 0; i < proxied->sent_count; i++)
		free(proxied->sent[i].value);
	buf_release(&proxied->address);
	buf_release(&proxied->target);
	proxied->sent_count = 0;
}

const struct nginx_sent *nginx_sent_find(const struct nginx_proxied *proxied,
					 const struct nginx_sent *after, struct str name)
{
	for (size_t i = after ? (size_t)(after - proxied->sent) + 1 : 0; i < proxied->sent_count;
	     i++)
		if (str_eq_nocase(proxied->sent[i].name, name))
			return &proxied->sent[i];
	return NULL;
}
