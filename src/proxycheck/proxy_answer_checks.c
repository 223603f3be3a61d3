/*
 * What comes back: bytes, headers and errors of callspool as they were sent, or changed.
 */
#include "proxycheck/proxy_checks_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/report.h"
#include "nginx/nginx_force.h"
#include "proxycheck/proxy_words.h"

#include <stdio.h>

/* Does a list of types (gzip_types, sub_filter_types) hold sound? */
static bool holds_audio(const struct nginx_directive *types)
{
	for (size_t i = 1; types && i < types->word_count; i++)
		if (str_eq(types->words[i], STR("*")) ||
		    str_starts_nocase(types->words[i], STR("audio/")))
			return true;
	return false;
}

static void judge_gzip(const struct deployment *deployment, const struct proxy_way *way,
		       struct report *report)
{
	const struct nginx_directive *gzip, *types;
	char looked[PROXY_TWO_WORDS_MAX];

	gzip = nginx_in_force(way->visit.block, STR("gzip"));
	types = nginx_in_force(way->visit.block, STR("gzip_types"));
	if (!nginx_is_on(gzip) || !holds_audio(types))
		return;
	proxy_words_of_two(gzip, types, looked);
	proxy_finding(
		report,
		&(struct finding){
			.says = "nginx compresses recordings",
			.looked_at = looked,
			.expected =
				"sound goes through as it is: it hardly shrinks, and loses its length and its ranges",
			.write = "gzip off;" });
}

void proxy_check_gzip(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_gzip))
		report_good(report, "recordings are not compressed");
}

static void judge_sub_filter(const struct deployment *deployment, const struct proxy_way *way,
			     struct report *report)
{
	const struct nginx_directive *filter;

	filter = nginx_in_force(way->visit.block, STR("sub_filter"));
	if (!filter || !holds_audio(nginx_in_force(way->visit.block, STR("sub_filter_types"))))
		return;
	proxy_finding_of(
		report, filter,
		&(struct finding){ .says = "nginx looks for text in recordings, and replaces it",
				   .expected = "no sub_filter on sound",
				   .write = "sub_filter_types text/html;" });
}

void proxy_check_sub_filter(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_sub_filter))
		report_good(report, "nginx replaces nothing in recordings");
}

/* ---- headers of answers */

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* Of callspool's answers: a second one beside it contradicts it. */
static const char *const own_headers[] = {
	"Accept-Ranges",
	"Access-Control-Allow-Credentials",
	"Access-Control-Allow-Origin",
	"Content-Length",
	"Content-Range",
	"Content-Type",
	"ETag",
};

static void judge_added(const struct deployment *deployment, const struct proxy_way *way,
			struct report *report)
{
	const struct nginx_directive *added, *block;
	char says[200];

	added = nginx_in_force(way->visit.block, STR("add_header"));
	block = added ? nginx_block_of(added) : NULL;
	while (added && !is_one_of(nginx_word(added, 1), own_headers, ARRAY_LEN(own_headers)))
		added = nginx_find(block, added, STR("add_header"));
	if (!added)
		return;
	snprintf(says, sizeof(says), "nginx adds a second %.*s to callspool's answer",
		 STR_ARG(str_first(nginx_word(added, 1), 60)));
	proxy_finding_of(
		report, added,
		&(struct finding){
			.says = says,
			.expected =
				"callspool's own alone; other origins stand in its setting cors_origins" });
}

void proxy_check_added(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_added))
		report_good(report, "nginx adds no header that callspool sends itself");
}

/* nearer: names that a block between them has lost already, whose value is the one that was in force. */
static void add_shadowed(const struct nginx_directive *outer, const struct nginx_directive *block,
			 size_t nearer, struct buf *names, struct buf *lines)
{
	const struct nginx_directive *kept = nginx_find(block, NULL, STR("add_header"));

	for (; kept; kept = nginx_find(block, kept, STR("add_header")))
		if (str_eq_nocase(nginx_word(kept, 1), nginx_word(outer, 1)))
			return;
	if (proxy_words_list(str_first(buf_str(names), nearer), nginx_word(outer, 1)))
		return;
	buf_addf(names, "%s%.*s", names->len > 0 ? ", " : "", STR_ARG(nginx_word(outer, 1)));
	buf_add_text(lines, lines->len > 0 ? "\n" : "");
	proxy_words_line(outer, lines);
}

static void judge_shadowed(const struct deployment *deployment, const struct proxy_way *way,
			   struct report *report)
{
	const struct nginx_directive *kept, *block, *own;
	__attribute__((cleanup(buf_release_at))) struct buf names, lines;
	AUTO(free) char *says = NULL;

	buf_init(&names, PROXY_LINES_MAX);
	buf_init(&lines, PROXY_LINES_MAX);
	kept = nginx_in_force(way->visit.block, STR("add_header"));
	own = kept ? nginx_block_of(kept) : NULL;
	for (block = own ? nginx_block_of(own) : NULL; block; block = nginx_block_of(block)) {
		const struct nginx_directive *outer = nginx_find(block, NULL, STR("add_header"));
		size_t nearer = names.len;

		for (; outer; outer = nginx_find(block, outer, STR("add_header")))
			add_shadowed(outer, own, nearer, &names, &lines);
	}
	if (names.len == 0 ||
	    str_eq(nginx_word_in_force(way->visit.block, STR("add_header_inherit")), STR("merge")))
		return;
	says = xasprintf("an add_header in a location drops those of the outer block: %s",
			 names.at);
	proxy_finding_of(report, kept,
			 &(struct finding){ .severity = SEVERITY_WEAKENS,
					    .says = says,
					    .expected = "all of them again beside it",
					    .write = buf_ok(&lines) ? lines.at : NULL });
}

void proxy_check_shadowed(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_shadowed))
		report_good(report, "no header that nginx adds is lost");
}

static const char *const needed_headers[] = { "Accept-Ranges",      "Content-Range",
					      "Content-Type",       "ETag",
					      "Last-Modified",      "Retry-After",
					      "WWW-Authenticate",   "Set-Cookie",
					      "Content-Disposition" };

static void judge_hidden(const struct deployment *deployment, const struct proxy_way *way,
			 struct report *report)
{
	const struct nginx_directive *hidden, *block;
	char says[200], write[200];

	hidden = nginx_in_force(way->visit.block, STR("proxy_hide_header"));
	block = hidden ? nginx_block_of(hidden) : NULL;
	while (hidden &&
	       !is_one_of(nginx_word(hidden, 1), needed_headers, ARRAY_LEN(needed_headers)))
		hidden = nginx_find(block, hidden, STR("proxy_hide_header"));
	if (!hidden)
		return;
	snprintf(says, sizeof(says), "nginx hides callspool's %.*s from players",
		 STR_ARG(str_first(nginx_word(hidden, 1), 60)));
	snprintf(write, sizeof(write), "proxy_pass_header %.*s;",
		 STR_ARG(str_first(nginx_word(hidden, 1), 60)));
	proxy_finding_of(
		report, hidden,
		&(struct finding){ .says = says, .expected = "it arrives", .write = write });
}

void proxy_check_hidden(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_hidden))
		report_good(report, "nginx hides none of the headers that players need");
}

/* ---- errors */

static void judge_intercepted(const struct deployment *deployment, const struct proxy_way *way,
			      struct report *report)
{
	const struct nginx_directive *intercepts, *page;
	char looked[PROXY_TWO_WORDS_MAX];

	intercepts = nginx_in_force(way->visit.block, STR("proxy_intercept_errors"));
	page = nginx_in_force(way->visit.block, STR("error_page"));
	if (!nginx_is_on(intercepts) || !page)
		return;
	proxy_words_of_two(intercepts, page, looked);
	proxy_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "nginx puts a page of its own in the place of callspool's errors",
			.looked_at = looked,
			.expected = "callspool's JSON, which says why a recording does not play",
			.write = "proxy_intercept_errors off;" });
}

void proxy_check_intercepted(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_intercepted))
		report_good(report, "callspool's errors arrive as it wrote them");
}

/* "=", which takes the status of the page. */
static bool is_open(struct str word)
{
	return str_eq(word, STR("="));
}

static bool says_well(struct str word)
{
	return str_starts(word, STR("=2")) && word.len == 4;
}

/* A file that is named outright is taken to be there. */
static bool names_file(const struct nginx_directive *by)
{
	for (size_t i = 1; by && nginx_is(by, STR("try_files")) && i + 1 < by->word_count; i++)
		if (!nginx_has_variables(by->words[i]))
			return true;
	return false;
}

/* By the path of a play there is no file. */
static bool is_well(const struct nginx_visit *visit)
{
	if (visit->end == NGINX_FILES)
		return visit->is_rewritten;
	return visit->end == NGINX_ANSWERED && (visit->status < 400 || names_file(visit->by));
}

/* What its page answers where a play fails. */
static bool leads_well(const struct proxy_way *way, const struct nginx_directive *page)
{
	struct str to = page->words[page->word_count - 1];
	struct nginx_visit visit;
	bool leads;

	if (!str_starts(to, STR("/")) && !str_starts(to, STR("@")))
		return true; /* to another address */
	nginx_visit_start(&visit, way->visit.conf, &way->request);
	nginx_visit_follow(&visit);
	nginx_visit_go(&visit, page, to);
	leads = is_well(&visit);
	nginx_visit_release(&visit);
	return leads;
}

static bool is_bad_page(const struct proxy_way *way, const struct nginx_directive *page)
{
	bool is_gateway = false, is_bad = false;

	for (size_t i = 1; i + 1 < page->word_count; i++) {
		struct str word = page->words[i];

		is_gateway |= str_starts(word, STR("5"));
		is_bad |= says_well(word) || (is_open(word) && leads_well(way, page));
	}
	return is_gateway && is_bad;
}

/* The same without its status: then that of the error stays. */
static void write_page(const struct nginx_directive *page, struct buf *out)
{
	buf_add_str(out, nginx_name(page));
	for (size_t i = 1; i < page->word_count; i++)
		if (i + 1 == page->word_count ||
		    (!says_well(page->words[i]) && !is_open(page->words[i])))
			buf_addf(out, " %.*s", STR_ARG(page->words[i]));
	buf_add_byte(out, ';');
}

static void judge_error_page(const struct deployment *deployment, const struct proxy_way *way,
			     struct report *report)
{
	const struct nginx_directive *page, *block;
	char write_text[PROXY_WORDS_MAX];
	struct buf write;

	page = nginx_in_force(way->visit.block, STR("error_page"));
	block = page ? nginx_block_of(page) : NULL;
	while (page && !is_bad_page(way, page))
		page = nginx_find(block, page, STR("error_page"));
	if (!page)
		return;
	buf_over(&write, write_text, sizeof(write_text));
	write_page(page, &write);
	proxy_finding_of(
		report, page,
		&(struct finding){
			.says = "a page takes the place of an error, with a status that says all is well",
			.expected = "an error that says that it is one",
			.write = buf_ok(&write) ? write.at : NULL });
}

void proxy_check_error_page(struct deployment *deployment, struct report *report)
{
	if (proxy_judge_plays(deployment, report, judge_error_page))
		report_good(report, "no error is answered as if all were well");
}
