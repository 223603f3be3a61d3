/*
 * Where requests go: to callspool, as they came, or somewhere else.
 */
#include "proxycheck/proxy_checks_private.h"

#include "base/network.h"
#include "doctor/deployment.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/nginx_explain.h"
#include "proxycheck/proxy_location.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>

void proxy_check_conf(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_open(deployment);
	char where[400];

	switch (view->state) {
	case PROXY_VIEW_NONE:
		report_lacking(report, PROXY_NO_CONF);
		return;
	case PROXY_VIEW_UNREADABLE:
		report_unchecked(report, "%s", view->err.text);
		return;
	case PROXY_VIEW_EMPTY:
		report_unchecked(
			report,
			"there is no server in '%s': give nginx.conf, or what nginx -T prints",
			deployment->nginx_conf);
		return;
	case PROXY_VIEW_BROKEN:
		proxy_finding(
			report,
			&(struct finding){ .says = "nginx does not start with this configuration",
					   .looked_at = view->err.text,
					   .expected = "a configuration that nginx -t accepts",
					   .confirm = "nginx -t" });
		return;
	case PROXY_VIEW_READ:
		break;
	}
	snprintf(where, sizeof(where), "%s%.*s", view->host, STR_ARG(view->path));
	report_good(
		report, "read for %s://%s%s%s", view->is_https ? "https" : "http", where,
		view->is_guess ? ", which is a guess: public_url is not set"
		: view->is_behind
			? ", though no server listens for it: something stands before this nginx"
			: "",
		proxy_way_is_forwarded(&view->ways[WAY_PLAY])
			? "; as TLS ends before it, requests are taken to bring X-Forwarded-Proto: https and X-Forwarded-For"
			: "");
}

/* ---- does it come to callspool at all? */

/* What is to be written instead; where no location would help, what is in its way. */
static void write_instead(const struct deployment *deployment, const struct proxy_way *way,
			  struct buf *out)
{
	if (way->visit.end == NGINX_NO_SERVER)
		buf_add_text(out, "callspool nginx >/etc/nginx/conf.d/callspool.conf");
	else
		proxy_location_write(deployment, way, out);
	if (out->len > 0 || !way->visit.by)
		return;
	buf_addf(out, "# no longer for %.*s/api/calls/ and %.*s/webhook/, or not at all: ",
		 STR_ARG(deployment->proxy_view->path), STR_ARG(deployment->proxy_view->path));
	nginx_place_text(way->visit.by, out);
}

static void tell_strayed(const struct deployment *deployment, const struct proxy_way *way,
			 struct report *report)
{
	const struct nginx_directive *by = way->visit.by ? way->visit.by : way->visit.block;
	char looked[PROXY_WORDS_MAX + 400], words[PROXY_WORDS_MAX], end_text[300], says[400];
	struct nginx_visit visit = way->visit; /* not passed on: no variable is asked for */
	__attribute__((cleanup(buf_release_at))) struct buf write;
	struct buf end;

	buf_over(&end, end_text, sizeof(end_text));
	nginx_end_text(&visit, &end);
	snprintf(says, sizeof(says), "%s never reaches callspool: it is %s", way->name, end.at);
	if (by)
		proxy_words_of(by, words);
	buf_init(&write, PROXY_LINES_MAX);
	write_instead(deployment, way, &write);
	snprintf(looked, sizeof(looked), "%s, for %.*s %.*s", by ? words : "no server",
		 STR_ARG(way->request.method), STR_ARG(way->request.target));
	proxy_finding(report, &(struct finding){ .says = says,
						 .looked_at = looked,
						 .expected = "passed on to callspool",
						 .write = write.len > 0 ? write.at : NULL });
}

static bool is_redirect(const struct proxy_way *way)
{
	return way->visit.end == NGINX_ANSWERED && way->visit.status >= 300 &&
	       way->visit.status < 400;
}

/* "public_url = https://..." of the address that a redirection leads to, with the path of before where that goes on with it. */
static void write_address(const struct proxy_view *view, const struct proxy_way *way,
			  struct buf *out)
{
	struct nginx_visit visit = way->visit;
	char text[400];
	struct buf to;
	size_t scheme, host_end;

	buf_over(&to, text, sizeof(text));
	(void)nginx_value(&visit, nginx_word(visit.by, visit.by->word_count - 1), &to);
	scheme = str_find_str(buf_str(&to), STR("://"));
	buf_add_text(out, "public_url = ");
	if (scheme >= to.len || !buf_ok(&to)) {
		buf_add_text(out, "https://...");
		return;
	}
	host_end = scheme + 3 + str_find(str_after(buf_str(&to), scheme + 3), '/');
	buf_add_str(out, str_first(buf_str(&to), host_end));
	if (str_starts(str_after(buf_str(&to), host_end), view->path))
		buf_add_str(out, view->path);
}

static void tell_redirected(const struct proxy_view *view, const struct proxy_way *way,
			    struct report *report)
{
	char says[300], write_text[500];
	struct buf write;

	buf_over(&write, write_text, sizeof(write_text));
	write_address(view, way, &write);
	snprintf(
		says, sizeof(says),
		"%s is sent elsewhere with %u: public_url, or what Twilio was given, is not the address in the end",
		way->name, way->visit.status);
	proxy_finding_of(
		report, way->visit.by,
		&(struct finding){
			.says = says,
			.expected =
				"the address that needs no redirection, in public_url and in Twilio's console",
			.write = write.at });
}

static void tell_way(const struct deployment *deployment, const struct proxy_way *way,
		     struct report *report)
{
	if (is_redirect(way) && way->visit.by)
		tell_redirected(deployment->proxy_view, way, report);
	else
		tell_strayed(deployment, way, report);
}

void proxy_check_path(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	bool plays, hears;

	if (!view)
		return;
	plays = view->ways[WAY_PLAY].is_proxied;
	hears = view->ways[WAY_WEBHOOK].is_proxied;
	if (!plays)
		tell_way(deployment, &view->ways[WAY_PLAY], report);
	if (!hears)
		tell_way(deployment, &view->ways[WAY_WEBHOOK], report);
	if (plays && hears)
		report_good(report, "plays and webhooks are passed on to http://%.*s",
			    STR_ARG(view->ways[WAY_PLAY].proxied.to.host));
}

/* ---- does all of it come to the same? */

/* What else must come, given that the first does. */
static const struct companion {
	enum proxy_way_kind first, then;
} companions[] = {
	{ WAY_PLAY, WAY_WEBHOOK }, { WAY_PLAY, WAY_HEAD },  { WAY_WEBHOOK, WAY_CALL_WEBHOOK },
	{ WAY_CALLS, WAY_MEDIA },  { WAY_PAGE, WAY_CALLS }, { WAY_PAGE, WAY_EVENTS },
	{ WAY_PAGE, WAY_LINK },
};

static void tell_other(const struct proxy_way *first, const struct proxy_way *other,
		       struct report *report)
{
	char looked[PROXY_WORDS_MAX + 300], words[PROXY_WORDS_MAX], says[300];
	const struct nginx_directive *by = other->visit.by ? other->visit.by : other->visit.block;

	proxy_words_of(by, words);
	snprintf(looked, sizeof(looked), "%s, for %.*s %.*s", words, STR_ARG(other->request.method),
		 STR_ARG(other->request.target));
	snprintf(says, sizeof(says), "%s does not go where %s goes", other->name, first->name);
	proxy_finding(report, &(struct finding){ .says = says,
						 .looked_at = looked,
						 .expected = "the same back end" });
}

/* What is not passed on at all is told by the check path, but for what is no play and no webhook. */
static bool is_strayed(const struct proxy_view *view, const struct companion *pair)
{
	if (!proxy_way_is_ours(view, pair->first) || proxy_way_is_ours(view, pair->then))
		return false;
	if (pair->then == WAY_HEAD && !view->ways[WAY_HEAD].is_proxied)
		return false; /* methods tells it */
	return pair->then != WAY_WEBHOOK || view->ways[WAY_WEBHOOK].is_proxied;
}

void proxy_check_stray(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	size_t before = report->count;

	if (!view)
		return;
	for (size_t i = 0; i < ARRAY_LEN(companions); i++)
		if (is_strayed(view, &companions[i]))
			tell_other(&view->ways[companions[i].first],
				   &view->ways[companions[i].then], report);
	if (report->count == before)
		report_good(report, "what belongs together goes to the same back end");
}

/* ---- does it come as it was sent? */

/* Without a path nginx passes on what came: the path of public_url with it. */
static void write_target(const struct deployment *deployment, const struct proxy_way *way,
			 struct buf *out)
{
	if (deployment->proxy_view->path.len > 0)
		proxy_location_write(deployment, way, out);
	else
		buf_addf(out, "proxy_pass http://%.*s;",
			 STR_ARG(str_first(way->proxied.to.host, 200)));
}

static void tell_target(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	char says[300], expected[500];
	__attribute__((cleanup(buf_release_at))) struct buf write;

	buf_init(&write, PROXY_LINES_MAX);
	write_target(deployment, way, &write);
	snprintf(says, sizeof(says), "nginx asks callspool for another path than %s has",
		 way->name);
	snprintf(expected, sizeof(expected), "%.*s; callspool is asked for %.*s",
		 STR_ARG(way->arrives), STR_ARG(str_first(buf_str(&way->proxied.target), 200)));
	proxy_finding_of(
		report, way->visit.by,
		&(struct finding){ .says = says, .expected = expected, .write = write.at });
}

static bool is_changed(const struct proxy_way *way)
{
	return way->is_proxied && way->proxied.target_is_known &&
	       !str_eq(buf_str(&way->proxied.target), way->arrives);
}

void proxy_check_target(struct deployment *deployment, struct report *report)
{
	static const enum proxy_way_kind kinds[] = { WAY_WEBHOOK, WAY_PLAY };
	const struct proxy_view *view = proxy_view_for(deployment, report);

	if (!view)
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!is_changed(&view->ways[kinds[i]]))
			continue;
		tell_target(deployment, &view->ways[kinds[i]], report);
		return; /* once: one line does it to both */
	}
	report_good(report,
		    view->path.len > 0
			    ? "requests reach callspool with the path that stands below public_url"
			    : "requests reach callspool with the path that they came with");
}

/* ---- may Twilio come in? */

/* The nearest block that has either has all of both: the others' are not in force there. */
static const struct nginx_directive *list_of_addresses(const struct nginx_directive *block)
{
	while (block && !nginx_find(block, NULL, STR("allow")) &&
	       !nginx_find(block, NULL, STR("deny")))
		block = nginx_block_of(block);
	return block;
}

/* Of what stands before this nginx nobody knows the address: an allow may be meant for it, a deny hardly. */
static bool fits(const struct nginx_directive *rule, const struct proxy_way *way)
{
	struct str network = nginx_word(rule, 1), client = way->request.client;
	struct str player = nginx_request_header(&way->request, STR("X-Forwarded-For"));

	if (str_eq(network, STR("all")))
		return true;
	if (player.at && !str_eq(client, player))
		return nginx_is(rule, STR("allow"));
	/* Networks of IPv6 are another list to nginx. */
	return str_find(network, ':') == network.len && network_holds(network, client);
}

/* The first that fits decides; NULL: none does, and everybody is let in. */
static const struct nginx_directive *rule_of_address(const struct proxy_way *way)
{
	const struct nginx_directive *block = list_of_addresses(way->visit.block);
	const struct nginx_directive *rule = block ? nginx_first(block) : NULL;

	while (rule && ((!nginx_is(rule, STR("allow")) && !nginx_is(rule, STR("deny"))) ||
			!fits(rule, way)))
		rule = nginx_next(block, rule);
	return rule;
}

static const struct nginx_directive *lock_of(const struct proxy_way *way)
{
	static const struct str names[] = { { "auth_basic", 10 }, { "auth_request", 12 } };
	const struct nginx_directive *block = way->visit.block, *rule = rule_of_address(way);
	bool is_allowed = rule && nginx_is(rule, STR("allow"));

	if (is_allowed && str_eq(nginx_word_in_force(block, STR("satisfy")), STR("any")))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct nginx_directive *found = nginx_in_force(block, names[i]);

		if (found && !nginx_is_off(found))
			return found;
	}
	return is_allowed ? NULL : rule;
}

void proxy_check_webhook_locked(struct deployment *deployment, struct report *report)
{
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);
	const struct nginx_directive *lock;
	char write[100];

	if (!way)
		return;
	lock = lock_of(way);
	if (!lock) {
		report_good(report, "nginx lets Twilio's webhooks in");
		return;
	}
	snprintf(write, sizeof(write), "%.*s;    # for /webhook/",
		 STR_ARG(nginx_is(lock, STR("deny"))         ? STR("allow all")
			 : nginx_is(lock, STR("auth_basic")) ? STR("auth_basic off")
							     : STR("auth_request off")));
	proxy_finding_of(
		report, lock,
		&(struct finding){
			.says = "nginx asks Twilio to sign in, or shuts it out",
			.expected = "webhooks come in: their signature says that they are Twilio's",
			.write = write });
}

void proxy_check_webhook_body(struct deployment *deployment, struct report *report)
{
	static const char *const names[] = { "proxy_pass_request_body", "proxy_set_body",
					     "proxy_method" };
	const struct proxy_way *way = proxy_way_for(deployment, WAY_WEBHOOK, report);

	if (!way)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct nginx_directive *found =
			nginx_in_force(way->visit.block, str_of(names[i]));

		if (!found || nginx_is_on(found))
			continue;
		proxy_finding_of(
			report, found,
			&(struct finding){
				.says = "Twilio's webhook does not reach callspool as Twilio sent it",
				.expected = "the method and the body that Twilio signed",
				.write = "proxy_pass_request_body on;" });
		return;
	}
	report_good(report, "method and body of webhooks are passed on");
}

/* ---- methods */

void proxy_check_methods(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	const struct proxy_way *play, *head;

	if (!view)
		return;
	play = &view->ways[WAY_PLAY];
	head = &view->ways[WAY_HEAD];
	if (!play->is_proxied || head->is_proxied) {
		report_good(report, "HEAD goes where GET goes");
		return;
	}
	proxy_finding_of(
		report, head->visit.by ? head->visit.by : head->visit.block,
		&(struct finding){ .severity = SEVERITY_WEAKENS,
				   .says = "HEAD of a recording is answered by nginx itself",
				   .expected = "HEAD goes where GET goes" });
}

/* ---- what could not be followed */

void proxy_check_doubts(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);
	char words[PROXY_WORDS_MAX];

	if (!view)
		return;
	for (int kind = 0; kind < PROXY_WAYS; kind++) {
		const struct nginx_visit *visit = &view->ways[kind].visit;

		if (visit->doubt_count == 0 || !visit->doubts[0].by)
			continue;
		proxy_words_of(visit->doubts[0].by, words);
		report_unchecked(report, "%s: %s", words, visit->doubts[0].why);
		return;
	}
	report_good(report, "every request could be followed to its end");
}
