#include "proxycheck/proxy_words.h"

#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/nginx_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_MARK "..."

static void add_words(const struct nginx_directive *directive, struct buf *out)
{
	for (size_t i = 0; i < directive->word_count; i++) {
		bool is_empty = directive->words[i].len == 0;

		buf_addf(out, "%s%.*s", i == 0 ? "" : " ",
			 STR_ARG(is_empty ? STR("\"\"") : directive->words[i]));
	}
}

static void words_at(const struct nginx_directive *directive, struct buf *out)
{
	nginx_place_text(directive, out);
	buf_add_text(out, ", ");
	add_words(directive, out);
}

/* A text that overflowed has nothing of what came last: it is made again in more room, and cut. */
static void put(const struct buf *made, char out[PROXY_WORDS_MAX])
{
	str_fit(buf_str(made), out, PROXY_WORDS_MAX);
	if (made->len >= PROXY_WORDS_MAX)
		snprintf(out + PROXY_WORDS_MAX - sizeof(CUT_MARK), sizeof(CUT_MARK), CUT_MARK);
}

#define MADE_MAX (1u << 20)

void proxy_words_of(const struct nginx_directive *directive, char out[PROXY_WORDS_MAX])
{
	__attribute__((cleanup(buf_release_at))) struct buf made;

	buf_init(&made, MADE_MAX);
	words_at(directive, &made);
	put(&made, out);
}

void proxy_words_of_two(const struct nginx_directive *one, const struct nginx_directive *other,
			char out[PROXY_TWO_WORDS_MAX])
{
	char a[PROXY_WORDS_MAX], b[PROXY_WORDS_MAX];

	proxy_words_of(one, a);
	proxy_words_of(other, b);
	snprintf(out, PROXY_TWO_WORDS_MAX, "%s, and %s", a, b);
}

void proxy_words_line(const struct nginx_directive *directive, struct buf *out)
{
	buf_add_str(out, str_first(str_after(directive->file->text, directive->at),
				   directive->end - directive->at));
}

bool proxy_has_changed(const char *directive)
{
	return strcmp(directive, "proxy_http_version") == 0;
}

const char *proxy_words_nginx(const struct proxy_way *way, bool is_by_itself)
{
	return is_by_itself && nginx_conf_version(way->visit.conf) == 0 ? "nginx before 1.29.7"
									: "nginx";
}

void proxy_words_in_force(const struct proxy_way *way, const char *name, char out[PROXY_WORDS_MAX])
{
	const struct nginx_directive *found = nginx_in_force(way->visit.block, str_of(name));
	const struct nginx_rule *rule = nginx_rule_of(str_of(name));
	__attribute__((cleanup(buf_release_at))) struct buf made;

	buf_init(&made, MADE_MAX);
	words_at(found ? found : way->visit.block, &made);
	if (!found && rule && rule->fallback)
		buf_addf(&made, ": no %s, and %s has %.*s by itself", name,
			 proxy_words_nginx(way, proxy_has_changed(name)),
			 STR_ARG(nginx_visit_word(&way->visit, str_of(name))));
	else if (!found)
		buf_addf(&made, ": no %s", name);
	put(&made, out);
}

const struct nginx_directive *proxy_header_set(const struct proxy_way *way,
					       const struct nginx_directive *after, struct str name)
{
	const struct nginx_directive *set =
		after ? after : nginx_in_force(way->visit.block, STR("proxy_set_header"));
	const struct nginx_directive *block = set ? nginx_block_of(set) : NULL;

	if (after)
		set = nginx_find(block, set, STR("proxy_set_header"));
	while (set && !str_eq_nocase(nginx_word(set, 1), name))
		set = nginx_find(block, set, STR("proxy_set_header"));
	return set;
}

void proxy_words_sent(const struct proxy_way *way, const char *name, char out[PROXY_WORDS_MAX])
{
	const struct nginx_directive *set = proxy_header_set(way, NULL, str_of(name));
	__attribute__((cleanup(buf_release_at))) struct buf made;

	buf_init(&made, MADE_MAX);
	words_at(set ? set : way->visit.block, &made);
	if (!set)
		buf_addf(&made, ": no proxy_set_header %s", name);
	put(&made, out);
}

bool proxy_words_list(struct str names, struct str name)
{
	struct str piece;

	while (str_cut(&names, ',', &piece))
		if (str_eq_nocase(str_trim(piece), name))
			return true;
	return false;
}

const struct proxy_view *proxy_view_for(struct deployment *deployment, struct report *report)
{
	const struct proxy_view *view = proxy_view_open(deployment);

	switch (view->state) {
	case PROXY_VIEW_NONE:
		if (report->is_named)
			report_lacking(report, PROXY_NO_CONF);
		else
			report_left_out(report, PROXY_NO_CONF); /* told by the check conf */
		return NULL;
	case PROXY_VIEW_UNREADABLE:
	case PROXY_VIEW_BROKEN:
	case PROXY_VIEW_EMPTY:
		report_left_out(report, "the configuration could not be read: see the check conf");
		return NULL;
	case PROXY_VIEW_READ:
		break;
	}
	return view;
}

const struct proxy_way *proxy_way_for(struct deployment *deployment, enum proxy_way_kind kind,
				      struct report *report)
{
	const struct proxy_view *view = proxy_view_for(deployment, report);

	if (!view)
		return NULL;
	if (view->ways[kind].is_proxied)
		return &view->ways[kind];
	report_left_out(report, "%s is not passed on to callspool: see the check path",
			view->ways[kind].name);
	return NULL;
}

const struct proxy_way *proxy_judge_plays(struct deployment *deployment, struct report *report,
					  void (*judge)(const struct deployment *deployment,
							const struct proxy_way *way,
							struct report *report))
{
	const struct proxy_way *play = proxy_way_for(deployment, WAY_PLAY, report), *way = play;
	size_t before = report->count;

	while (way && report->count == before) {
		judge(deployment, way, report);
		way = proxy_next_play(deployment->proxy_view, way);
	}
	return report->count == before ? play : NULL;
}

/* Does a block further out than the one in force set it? */
static bool is_set_outside(const struct nginx_directive *block, struct str name)
{
	for (; block; block = nginx_block_of(block)) {
		const struct nginx_directive *set =
			nginx_find(block, NULL, STR("proxy_set_header"));

		for (; set; set = nginx_find(block, set, STR("proxy_set_header")))
			if (str_eq_nocase(nginx_word(set, 1), name))
				return true;
	}
	return false;
}

bool proxy_header_is_lost(const struct proxy_way *way, const char *name)
{
	const struct nginx_directive *first =
		nginx_in_force(way->visit.block, STR("proxy_set_header"));

	return first && !proxy_header_set(way, NULL, str_of(name)) &&
	       is_set_outside(nginx_block_of(nginx_block_of(first)), str_of(name));
}

struct str proxy_header_sent(const struct proxy_way *way, const char *name, bool *out_is_known)
{
	const struct nginx_sent *sent = nginx_sent_find(&way->proxied, NULL, str_of(name));

	*out_is_known = !sent || sent->is_known;
	return sent ? str_of(sent->value) : STR_NONE;
}

bool proxy_asks_for_slices(const struct proxy_way *way)
{
	const struct nginx_directive *set = proxy_header_set(way, NULL, STR("Range"));
	struct str value = set ? nginx_word(set, 2) : STR("");

	return str_find_str(value, STR("slice_range")) < value.len;
}

void proxy_unknown_sent(struct report *report, const struct proxy_way *way, const char *header)
{
	char looked[PROXY_WORDS_MAX];

	proxy_words_sent(way, header, looked);
	report_unchecked(report, "%s: only nginx knows what that is worth", looked);
}

void proxy_finding(struct report *report, const struct finding *finding)
{
	AUTO(free) char *command = report_command(report);
	const char *piped = strstr(command, " --nginx-conf - ") ||
					    str_ends(str_of(command), STR(" --nginx-conf -"))
				    ? "nginx -T | "
				    : "";
	AUTO(free) char *confirm = xasprintf("nginx -t && nginx -s reload && %s%s", piped, command);
	struct finding whole = *finding;

	if (!whole.confirm)
		whole.confirm = confirm;
	report_finding(report, &whole);
}

void proxy_finding_of(struct report *report, const struct nginx_directive *directive,
		      const struct finding *finding)
{
	struct finding whole = *finding;
	char looked[PROXY_WORDS_MAX];

	proxy_words_of(directive, looked);
	whole.looked_at = looked;
	proxy_finding(report, &whole);
}

void proxy_finding_sent(struct report *report, const struct proxy_way *way, const char *header,
			const struct finding *finding)
{
	struct finding whole = *finding;
	char looked[PROXY_WORDS_MAX];

	if (proxy_header_is_lost(way, header)) {
		report_left_out(report, PROXY_LOST_ELSEWHERE);
		return;
	}
	proxy_words_sent(way, header, looked);
	whole.looked_at = looked;
	proxy_finding(report, &whole);
}
