/*
 * The phases of a request, as nginx goes through them: the rewriting of the server, the location, the rewriting of the
 * location (and a new location, when it changed the path), try_files, and what answers.
 */
#include "nginx/nginx_visit.h"

#include "base/mem.h"
#include "base/own.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_location.h"
#include "nginx/nginx_uri.h"
#include "nginx/nginx_visit_private.h"

#define CYCLES_MAX 11u /* the first look for a location, and ten more: nginx answers 500 then */

void nginx_visit_start(struct nginx_visit *visit, const struct nginx_conf *conf,
		       const struct nginx_request *request)
{
	*visit = (struct nginx_visit){ .conf = conf, .request = request, .end = NGINX_NO_SERVER };
	visit->http = nginx_http(conf);
	buf_init(&visit->uri, NGINX_VALUE_BYTES_MAX);
	buf_init(&visit->args, NGINX_VALUE_BYTES_MAX);
	buf_init(&visit->subject, NGINX_VALUE_BYTES_MAX);
}

void nginx_visit_release(struct nginx_visit *visit)
{
	while (visit->variables) {
		struct nginx_variable *variable = visit->variables;

		visit->variables = variable->next;
		free(variable->name);
		free(variable->value);
		free(variable);
	}
	buf_release(&visit->uri);
	buf_release(&visit->args);
	buf_release(&visit->subject);
}

void nginx_doubt(struct nginx_visit *visit, const struct nginx_directive *by, const char *why)
{
	for (size_t i = 0; i < visit->doubt_count; i++)
		if (visit->doubts[i].by == by)
			return;
	if (visit->doubt_count < NGINX_DOUBTS_MAX)
		visit->doubts[visit->doubt_count++] = (struct nginx_doubt){ by, why };
}

const struct nginx_variable *nginx_visit_variable(const struct nginx_visit *visit, struct str name)
{
	for (const struct nginx_variable *v = visit->variables; v; v = v->next)
		if (str_eq_nocase(str_of(v->name), name))
			return v;
	return NULL;
}

/* The newest comes first, and hides the others. */
void nginx_visit_set(struct nginx_visit *visit, struct str name, struct str value, bool is_known)
{
	struct nginx_variable *variable = xcalloc(1, sizeof(*variable));

	variable->name = str_dup(name);
	variable->value = xmemdup0(value.at ? value.at : "", value.len);
	variable->len = value.len;
	variable->is_known = is_known;
	variable->next = visit->variables;
	visit->variables = variable;
}

static void name_groups(struct nginx_visit *visit, const struct nginx_regex *regex)
{
	struct str name;
	size_t group;

	for (size_t i = 0; nginx_regex_name(regex, i, &name, &group); i++)
		if (group < visit->groups.count)
			nginx_visit_set(visit, name, visit->groups.at[group], true);
}

void nginx_visit_keep(struct nginx_visit *visit, const struct nginx_regex *regex,
		      const struct nginx_groups *groups, struct str subject)
{
	const char *from = subject.at;

	buf_clear(&visit->subject);
	buf_add_str(&visit->subject, subject);
	visit->groups = *groups;
	for (size_t i = 0; i < groups->count; i++)
		if (groups->at[i].at && buf_ok(&visit->subject))
			visit->groups.at[i].at = visit->subject.at + (groups->at[i].at - from);
	if (!buf_ok(&visit->subject))
		visit->groups.count = 0;
	name_groups(visit, regex);
}

enum nginx_match nginx_visit_match(struct nginx_visit *visit, struct str pattern, bool ignores_case,
				   struct str subject)
{
	AUTO(nginx_regex_free) struct nginx_regex *regex = nginx_regex_new(pattern, ignores_case);
	struct nginx_groups groups;
	enum nginx_match match;

	if (!regex)
		return NGINX_MATCH_UNKNOWN;
	match = nginx_regex_match(regex, subject, &groups);
	if (match == NGINX_MATCHES)
		nginx_visit_keep(visit, regex, &groups, subject);
	return match;
}

void nginx_visit_move(struct nginx_visit *visit, struct str path, struct str args)
{
	buf_clear(&visit->uri);
	buf_add_str(&visit->uri, path);
	buf_clear(&visit->args);
	buf_add_str(&visit->args, args);
	visit->is_rewritten = visit->is_moved = true;
}

bool nginx_keeps_by_itself(const struct nginx_visit *visit)
{
	return nginx_conf_version(visit->conf) >= NGINX_KEEPS_BY_ITSELF;
}

struct str nginx_visit_word(const struct nginx_visit *visit, struct str name)
{
	if (str_eq(name, STR("proxy_http_version")) && nginx_keeps_by_itself(visit) &&
	    !nginx_in_force(visit->block, name))
		return STR("1.1");
	return nginx_word_in_force(visit->block, name);
}

static void answer(struct nginx_visit *visit, const struct nginx_directive *by, unsigned status)
{
	visit->end = NGINX_ANSWERED;
	visit->by = by;
	visit->status = status;
}

static void lose(struct nginx_visit *visit, const struct nginx_directive *by, const char *why)
{
	nginx_doubt(visit, by, why);
	visit->end = NGINX_LOST;
	visit->by = by;
}

/* The expression of the server's name may name its groups. */
static void keep_name_groups(struct nginx_visit *visit)
{
	struct str host = nginx_host_of(visit->request->host);
	const struct nginx_directive *names = nginx_find(visit->server, NULL, STR("server_name"));

	for (; names; names = nginx_find(visit->server, names, STR("server_name")))
		for (size_t i = 1; i < names->word_count; i++)
			if (str_starts(names->words[i], STR("~")))
				nginx_visit_match(visit, str_after(names->words[i], 1), true, host);
}

static bool find_server(struct nginx_visit *visit)
{
	const struct nginx_request *request = visit->request;

	visit->server = nginx_server_for(visit->conf, request->address, request->port,
					 nginx_host_of(request->host), &visit->listen);
	if (!visit->server)
		return false;
	visit->location = visit->block = visit->server;
	keep_name_groups(visit);
	return true;
}

static bool read_target(struct nginx_visit *visit)
{
	bool merges = !nginx_is_off(nginx_in_force(visit->server, STR("merge_slashes")));
	struct str args;

	if (!nginx_uri_normalize(visit->request->target, merges, &visit->uri, &args,
				 &visit->is_quoted)) {
		answer(visit, NULL, 400);
		return false;
	}
	buf_add_str(&visit->args, args);
	return true;
}

static void go_to_named(struct nginx_visit *visit, const struct nginx_directive *by,
			struct str name);

/* What answers in the location that was found. */
static const struct nginx_directive *handler_of(const struct nginx_directive *block)
{
	static const struct str names[] = {
		{ "proxy_pass", 10 },
		{ "fastcgi_pass", 12 },
		{ "uwsgi_pass", 10 },
		{ "scgi_pass", 9 },
		{ "grpc_pass", 9 },
		{ "memcached_pass", 14 },
		{ "empty_gif", 9 },
		{ "stub_status", 11 },
		{ "content_by_lua_block", 20 },
		{ "content_by_lua_file", 19 },
		{ "content_by_lua", 14 },
		{ "js_content", 10 },
		{ "perl", 4 },
		{ "echo", 4 },
		{ "api", 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct nginx_directive *found = nginx_find(block, NULL, names[i]);

		if (found)
			return found;
	}
	return NULL;
}

static bool is_inside(const struct nginx_directive *block)
{
	return nginx_is(block, STR("if")) || nginx_is(block, STR("limit_except"));
}

/* An `if` of a location has the location's handler unless it has one of its own. */
static const struct nginx_directive *handler_in_force(const struct nginx_directive *block)
{
	const struct nginx_directive *handler = handler_of(block);

	while (!handler && is_inside(block)) {
		block = nginx_block_of(block);
		handler = handler_of(block);
	}
	return handler;
}

static bool is_status(struct str word, unsigned *out)
{
	uint64_t status;

	if (!str_starts(word, STR("=")) || !str_to_u64(str_after(word, 1), &status) || status > 999)
		return false;
	*out = (unsigned)status;
	return true;
}

static void run_phases(struct nginx_visit *visit, bool from_server);

void nginx_visit_go(struct nginx_visit *visit, const struct nginx_directive *by, struct str to)
{
	__attribute__((cleanup(buf_release_at))) struct buf target = { 0 };
	size_t query;

	if (str_starts(to, STR("@"))) {
		go_to_named(visit, by, to);
		return;
	}
	buf_init(&target, NGINX_VALUE_BYTES_MAX);
	if (!nginx_value(visit, to, &target)) {
		lose(visit, by, "where it leads could not be told");
		return;
	}
	query = str_find(buf_str(&target), '?');
	nginx_visit_move(visit, str_first(buf_str(&target), query),
			 str_after(buf_str(&target), query + 1));
	run_phases(visit, true);
}

static void try_files(struct nginx_visit *visit, const struct nginx_directive *files)
{
	struct str last = files->words[files->word_count - 1];
	unsigned status;

	if (is_status(last, &status))
		answer(visit, files, status);
	else
		nginx_visit_go(visit, files, last);
}

static void end_in(struct nginx_visit *visit, const struct nginx_directive *block)
{
	const struct nginx_directive *handler = handler_in_force(block);

	if (!handler) {
		visit->end = NGINX_FILES;
		visit->by = visit->tried ? visit->tried : block;
		return;
	}
	visit->by = handler;
	visit->end = nginx_is(handler, STR("proxy_pass")) ? NGINX_PROXIED : NGINX_ELSEWHERE;
}

static bool is_listed(const struct nginx_directive *directive, struct str word)
{
	for (size_t i = 1; i < directive->word_count; i++)
		if (str_eq_nocase(directive->words[i], word))
			return true;
	return false;
}

/* Other methods than those named have what stands inside limit_except in force; GET means HEAD, too. */
static void limit_methods(struct nginx_visit *visit)
{
	const struct nginx_directive *limit =
		nginx_find(visit->location, NULL, STR("limit_except"));
	struct str method = visit->request->method;

	if (!limit || visit->block != visit->location || is_listed(limit, method) ||
	    (str_eq(method, STR("HEAD")) && is_listed(limit, STR("GET"))))
		return;
	visit->block = limit;
}

/* The part behind the rewriting: checks are passed, and somebody answers. */
static void finish(struct nginx_visit *visit)
{
	const struct nginx_directive *location = visit->location;
	const struct nginx_directive *files = nginx_find(location, NULL, STR("try_files"));

	limit_methods(visit);
	if (files && files->word_count > 2 && visit->block == location && visit->tried != files) {
		visit->tried = files;
		try_files(visit, files);
		return;
	}
	end_in(visit, visit->block);
}

static void run_location(struct nginx_visit *visit)
{
	enum nginx_step step = NGINX_GO_ON;

	/* The server's own were run before, where no location fits. */
	visit->is_moved = false;
	if (visit->location != visit->server)
		step = nginx_rewrite(visit, visit->location);
	switch (step) {
	case NGINX_IS_OVER:
		return;
	case NGINX_STOP:
		break;
	case NGINX_AGAIN:
		run_phases(visit, false);
		return;
	case NGINX_GO_ON:
		/* A rewrite without a flag: the path is looked up anew once all have run, be it the same. */
		if (visit->is_moved) {
			run_phases(visit, false);
			return;
		}
		break;
	}
	finish(visit);
}

static void go_to_named(struct nginx_visit *visit, const struct nginx_directive *by,
			struct str name)
{
	const struct nginx_directive *location = nginx_location_named(visit->server, name);

	if (!location) {
		answer(visit, by, 500);
		return;
	}
	if (++visit->cycles > CYCLES_MAX) {
		answer(visit, by, 500);
		return;
	}
	visit->location = visit->block = location;
	visit->is_named = true;
	run_location(visit);
}

static void find_location(struct nginx_visit *visit, bool *out_redirects)
{
	struct nginx_place place;
	AUTO(free) char *path = xmemdup0(visit->uri.at, visit->uri.len);
	struct str subject = { path, visit->uri.len };

	nginx_location_for(visit->server, subject, &place);
	visit->location = visit->block = place.block;
	if (place.is_unsure)
		nginx_doubt(visit, place.block,
			    "an expression of a location could not be followed");
	if (place.regex)
		nginx_visit_keep(visit, place.regex, &place.groups, subject);
	*out_redirects = place.redirects;
	nginx_place_release(&place);
}

/* As it is found, before anything in it is run; locations inside it are as well. */
static bool is_closed(const struct nginx_visit *visit, const struct nginx_directive **out_by)
{
	*out_by = nginx_in_force(visit->location, STR("internal"));
	return *out_by && !visit->is_named && !visit->is_rewritten;
}

static void run_phases(struct nginx_visit *visit, bool from_server)
{
	const struct nginx_directive *internal;
	bool redirects;

	if (++visit->cycles > CYCLES_MAX) {
		answer(visit, visit->location, 500);
		return;
	}
	if (from_server) {
		visit->is_moved = visit->is_broken_off = false;
		if (nginx_rewrite(visit, visit->server) == NGINX_IS_OVER)
			return;
	}
	find_location(visit, &redirects);
	if (is_closed(visit, &internal)) {
		answer(visit, internal, 404);
		return;
	}
	if (redirects) {
		answer(visit, visit->location, 301);
		return;
	}
	run_location(visit);
}

void nginx_visit_follow(struct nginx_visit *visit)
{
	if (!visit->http || !find_server(visit))
		return;
	if (read_target(visit))
		run_phases(visit, true);
}
