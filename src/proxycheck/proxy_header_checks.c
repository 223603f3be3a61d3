/*
 * What goes to callspool: the headers that nginx sets, and those that it takes away.
 */
#include "proxycheck/proxy_checks_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/nginx_lines.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/nginx_explain.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>

/* ---- arrays that replace, and do not merge */

static void add_lost(const struct proxy_way *way, const struct nginx_directive *set,
		     const struct nginx_directive *kept, struct buf *names, struct buf *lines)
{
	struct str name = nginx_word(set, 1);

	if (proxy_header_set(way, NULL, name) || proxy_words_list(buf_str(names), name))
		return;
	buf_addf(names, "%s%.*s", names->len > 0 ? ", " : "", STR_ARG(name));
	buf_add_text(lines, lines->len > 0 ? "\n" : "");
	proxy_words_line(set, lines);
}

static void judge_inherited(const struct deployment *deployment, const struct proxy_way *way,
			    struct report *report)
{
	const struct nginx_directive *kept, *block;
	__attribute__((cleanup(buf_release_at))) struct buf names, lines;
	AUTO(free) char *says = NULL;

	buf_init(&names, PROXY_LINES_MAX);
	buf_init(&lines, PROXY_LINES_MAX);
	kept = nginx_in_force(way->visit.block, STR("proxy_set_header"));
	block = kept ? nginx_block_of(nginx_block_of(kept)) : NULL;
	for (; block; block = nginx_block_of(block)) {
		const struct nginx_directive *set =
			nginx_find(block, NULL, STR("proxy_set_header"));

		for (; set; set = nginx_find(block, set, STR("proxy_set_header")))
			add_lost(way, set, kept, &names, &lines);
	}
	if (names.len == 0)
		return;
	says = xasprintf("a proxy_set_header in a location drops those of the outer block: %s",
			 names.at);
	proxy_finding_of(
		report, kept,
		&(struct finding){
			.says = says,
			.expected =
				"all headers in one block, or all of them again in the inner one",
			.write = buf_ok(&lines) ? lines.at : NULL });
}

void proxy_check_inherited(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_inherited))
		report_good(report, "all headers that are set stand in one block");
}

/* ---- twice */

static bool is_told(const struct nginx_directive *first, const struct proxy_way *way)
{
	return proxy_header_set(way, NULL, nginx_word(first, 1)) != first;
}

/* How often it is really sent: of those set twice one may be empty. */
static size_t times_sent(const struct proxy_way *way, struct str name)
{
	const struct nginx_sent *sent = NULL;
	size_t times = 0;

	while ((sent = nginx_sent_find(&way->proxied, sent, name)) != NULL)
		times++;
	return times;
}

static void tell_twice(const struct proxy_way *way, const struct nginx_directive *first,
		       const struct nginx_directive *second, struct report *report)
{
	struct str name = nginx_word(first, 1);
	char looked[PROXY_TWO_WORDS_MAX], says[300];
	bool is_sent_twice = times_sent(way, name) > 1;

	proxy_words_of_two(first, second, looked);
	snprintf(says, sizeof(says), "%.*s is set twice%s", STR_ARG(str_first(name, 60)),
		 is_sent_twice ? ", and sent twice"
			       : ": the empty one takes nothing away, and the other is sent");
	proxy_finding(report, &(struct finding){ .severity = is_sent_twice ? SEVERITY_BREAKS
									   : SEVERITY_WEAKENS,
						 .says = says,
						 .looked_at = looked,
						 .expected = "each header in one line" });
}

static void judge_twice(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	const struct nginx_directive *set, *block;

	set = nginx_in_force(way->visit.block, STR("proxy_set_header"));
	block = set ? nginx_block_of(set) : NULL;
	for (; set; set = nginx_find(block, set, STR("proxy_set_header"))) {
		const struct nginx_directive *second =
			proxy_header_set(way, set, nginx_word(set, 1));

		if (second && !is_told(set, way))
			tell_twice(way, set, second, report);
	}
}

void proxy_check_twice(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_twice))
		report_good(report, "each header is set once");
}

/* ---- Connection */

/* The last line that sets it to something, with the map that its value comes from. */
static const struct nginx_directive *map_behind(const struct proxy_way *way,
						const struct nginx_directive *set)
{
	struct str value = set ? nginx_word(set, 2) : STR_NONE;

	return str_starts(value, STR("$")) ? nginx_map_of(&way->visit, str_after(value, 1)) : NULL;
}

static const struct nginx_directive *row_of_empty(const struct nginx_directive *map)
{
	const struct nginx_directive *row, *fallback = NULL;

	for (row = nginx_first(map); row; row = nginx_next(map, row)) {
		if (nginx_name(row).len == 0)
			return row;
		if (nginx_is(row, STR("default")))
			fallback = row;
	}
	return fallback;
}

static const struct nginx_directive *closing_set(const struct proxy_way *way)
{
	const struct nginx_sent *sent = NULL;

	while ((sent = nginx_sent_find(&way->proxied, sent, STR("Connection"))) != NULL)
		if (str_eq_nocase(str_of(sent->value), STR("close")))
			return sent->by;
	return NULL;
}

static bool closes(const struct proxy_way *way)
{
	const struct nginx_sent *sent = NULL;

	while ((sent = nginx_sent_find(&way->proxied, sent, STR("Connection"))) != NULL)
		if (str_eq_nocase(str_of(sent->value), STR("close")))
			return true;
	return false;
}

/* A map that is as it should be, of Upgrade; NULL: there is none. */
static const struct nginx_directive *good_map(const struct proxy_way *way)
{
	const struct nginx_directive *http = way->visit.http, *map = NULL;

	while ((map = nginx_find(http, map, STR("map"))) != NULL) {
		const struct nginx_directive *empty = row_of_empty(map);
		const struct nginx_directive *fallback = nginx_find(map, NULL, STR("default"));

		if (str_eq(nginx_word(map, 1), STR("$http_upgrade")) && empty && fallback &&
		    nginx_name(empty).len == 0 && nginx_word(empty, 1).len == 0 &&
		    str_eq_nocase(nginx_word(fallback, 1), STR("upgrade")))
			return map;
	}
	return NULL;
}

/* What is missing for a WebSocket of `events`, and for connections that are kept. */
static void write_connection(const struct proxy_way *events, bool sets_upgrade,
			     bool sets_connection, struct buf *out)
{
	const struct nginx_directive *map = good_map(events);

	if (!sets_upgrade)
		buf_add_text(out, NGINX_UPGRADE_LINE);
	if (sets_connection)
		out->at[--out->len] = '\0'; /* of the line end */
	else
		buf_addf(out, "proxy_set_header Connection %.*s;%s",
			 STR_ARG(map ? nginx_word(map, 2) : STR("$callspool_connection")),
			 map ? "" : NGINX_CONNECTION_MAP);
}

static bool passes_upgrade(const struct proxy_way *events, bool *out_connection)
{
	bool knows_upgrade, knows_connection;
	struct str upgrade = proxy_header_sent(events, "Upgrade", &knows_upgrade);
	struct str connection = proxy_header_sent(events, "Connection", &knows_connection);

	*out_connection = !knows_connection || str_eq_nocase(connection, STR("upgrade"));
	return !knows_upgrade || str_eq_nocase(upgrade, STR("websocket"));
}

/* The headers of a play are those of the page's WebSocket, too, wherever they are set. */
static bool is_of_events(const struct proxy_view *view, const struct proxy_way *way)
{
	return proxy_way_is_ours(view, WAY_EVENTS) &&
	       view->ways[WAY_EVENTS].visit.block == way->visit.block;
}

static void write_kept(const struct proxy_view *view, const struct proxy_way *way, struct buf *out)
{
	bool has_connection;

	if (!is_of_events(view, way)) {
		buf_add_text(out, "proxy_set_header Connection \"\";");
		return;
	}
	write_connection(&view->ways[WAY_EVENTS],
			 passes_upgrade(&view->ways[WAY_EVENTS], &has_connection), false, out);
}

static void judge_connection(const struct deployment *deployment, const struct proxy_way *way,
			     struct report *report)
{
	char looked[PROXY_WORDS_MAX], by_map[PROXY_WORDS_MAX], says[100], kept_text[400];
	const struct nginx_directive *map, *row;
	struct buf kept;
	bool is_by_map;

	if (!closes(way))
		return;
	if (proxy_header_is_lost(way, "Connection")) {
		report_left_out(report, PROXY_LOST_ELSEWHERE);
		return;
	}
	buf_over(&kept, kept_text, sizeof(kept_text));
	write_kept(deployment->proxy_view, way, &kept);
	map = map_behind(way, closing_set(way));
	row = map ? row_of_empty(map) : NULL;
	is_by_map = row != NULL;
	if (is_by_map)
		proxy_words_of(row, by_map);
	proxy_words_sent(way, "Connection", looked);
	snprintf(says, sizeof(says), "%s ends %s connection to callspool after each request",
		 is_by_map ? "a map" : proxy_words_nginx(way, closing_set(way) == NULL),
		 is_by_map ? "the" : "its");
	proxy_finding(report, &(struct finding){
				      .severity = SEVERITY_WEAKENS,
				      .says = says,
				      .looked_at = is_by_map ? by_map : looked,
				      .expected = "no Connection header where nothing is upgraded",
				      .write = is_by_map ? "'' '';" : kept.at });
}

void proxy_check_connection(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *play = proxy_judge_plays(deployment, report, judge_connection);
	char looked[PROXY_WORDS_MAX];

	if (!play)
		return;
	proxy_words_sent(play, "Connection", looked);
	report_good(report, "connections to callspool are left open: %s", looked);
}

/* ---- WebSocket */

void proxy_check_upgrade(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	const struct proxy_way *way;
	char write_text[400];
	bool has_upgrade, has_connection;
	struct buf write;

	if (!view)
		return;
	if (!proxy_way_is_ours(view, WAY_EVENTS)) {
		report_left_out(report, "/api/events is not passed on to callspool");
		return;
	}
	way = &view->ways[WAY_EVENTS];
	has_upgrade = passes_upgrade(way, &has_connection);
	if (has_upgrade && has_connection) {
		report_good(report, "Upgrade and Connection are passed on");
		return;
	}
	buf_over(&write, write_text, sizeof(write_text));
	write_connection(way, has_upgrade, has_connection, &write);
	proxy_finding_sent(
		report, way, has_upgrade ? "Connection" : "Upgrade",
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "a WebSocket does not come through",
			.expected =
				"Upgrade: websocket, and Connection: upgrade where the browser asks for it",
			.write = write.at });
}

/* ---- Range */

static bool passes_no_headers(const struct proxy_way *way, struct report *report)
{
	if (!nginx_is_off(nginx_in_force(way->visit.block, STR("proxy_pass_request_headers"))))
		return false;
	report_left_out(report, "told by the check request-headers");
	return true;
}

/* "proxy_set_header If-Range $http_if_range;" */
static void write_passed(const char *name, char *out, size_t size)
{
	char variable[40];
	size_t len = 0;

	for (; name[len] && len + 1 < sizeof(variable); len++)
		variable[len] = name[len] == '-' ? '_' : ascii_lower(name[len]);
	variable[len] = '\0';
	snprintf(out, size, "proxy_set_header %s $http_%s;", name, variable);
}

/* Headers that have to arrive as they were sent. */
struct passed {
	const char *names[4];       /* up to NULL */
	const char *subject, *says; /* subject NULL: the name */
	const char *expected;
};

static void tell_changed(const struct proxy_way *way, const char *name, const struct passed *passed,
			 struct report *report)
{
	char looked[PROXY_WORDS_MAX], says[100], write[100];

	proxy_words_sent(way, name, looked);
	snprintf(says, sizeof(says), "%s %s", passed->subject ? passed->subject : name,
		 passed->says);
	write_passed(name, write, sizeof(write));
	proxy_finding(report, &(struct finding){ .says = says,
						 .looked_at = looked,
						 .expected = passed->expected,
						 .write = write });
}

static void judge_passed(const struct proxy_way *way, const struct passed *passed,
			 struct report *report)
{
	const char *unknown = NULL;
	size_t before = report->count;

	for (const char *const *name = passed->names; *name; name++) {
		bool is_known;
		struct str value = proxy_header_sent(way, *name, &is_known);

		if (!is_known)
			unknown = unknown ? unknown : *name;
		else if (!str_eq(value, nginx_request_header(&way->request, str_of(*name))))
			tell_changed(way, *name, passed, report);
	}
	if (unknown && report->count == before)
		proxy_unknown_sent(report, way, unknown);
}

static void judge_range(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	static const struct passed passed = {
		.names = { "Range", "If-Range" },
		.says = "does not reach callspool as the player sent it",
		.expected = "the player's own",
	};
	bool is_known;

	if (passes_no_headers(way, report))
		return;
	if (!nginx_is_off(nginx_in_force(way->visit.block, STR("proxy_cache"))) &&
	    nginx_in_force(way->visit.block, STR("proxy_cache"))) {
		report_left_out(report, "told by the check cache");
		return;
	}
	(void)proxy_header_sent(way, "Range", &is_known);
	if (!is_known && proxy_asks_for_slices(way)) {
		report_left_out(report, "told by the check slice");
		return;
	}
	judge_passed(way, &passed, report);
}

void proxy_check_range(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_range))
		report_good(report, "Range and If-Range are passed on as they come");
}

/* A link needs none. */
static void judge_credentials(const struct deployment *deployment, const struct proxy_way *way,
			      struct report *report)
{
	static const struct passed passed = {
		.names = { "Authorization", "Cookie", "Origin" },
		.says = "does not reach callspool",
		.expected = "what the browser or the program sent",
	};

	if (way != &deployment->proxy_view->ways[WAY_LINK] && !passes_no_headers(way, report))
		judge_passed(way, &passed, report);
}

void proxy_check_credentials(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_credentials))
		report_good(report, "Authorization, Cookie and Origin are passed on");
}

void proxy_check_signature(struct deployment *deployment, struct report *report)
{
	static const struct passed passed = {
		.names = { "X-Twilio-Signature" },
		.subject = "Twilio's signature",
		.says = "does not reach callspool",
		.expected = "X-Twilio-Signature as Twilio sent it",
	};
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);
	size_t before = report->count;

	if (!way || passes_no_headers(way, report))
		return;
	judge_passed(way, &passed, report);
	if (report->count == before)
		report_good(report, "X-Twilio-Signature is passed on");
}
