/*
 * Each fault of tests/data/nginx/faults.json, planted in packaging/nginx/callspool.conf: exactly its check finds it, and what
 * the check says is to be written cures it.  Its twins, which look alike, have no finding.
 */
#include "proxycheck/proxy_checks.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "doctor/deployment.h"
#include "doctor/examination.h"
#include "doctor/report.h"
#include "proxycheck/proxy_view.h"
#include "tap.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TEXT_MAX (1u << 20)

static char *packaged;

static char *read_data(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", getenv("TEST_DATA"), name);
	char *text = NULL;
	struct err err;
	size_t len;

	if (!file_read(path, TEXT_MAX, &text, &len, &err))
		printf("Bail out! %s\n", err.text);
	return text;
}

/* The first place, or every one; NULL: there is none. */
static char *replaced(const char *text, const char *from, const char *to, bool is_every)
{
	struct str rest = str_of(text), what = str_of(from);
	size_t times = 0;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	for (size_t at = str_find_str(rest, what); at < rest.len && (is_every || times == 0);
	     at = str_find_str(rest, what), times++) {
		buf_add_str(&out, str_first(rest, at));
		buf_add_text(&out, to);
		rest = str_after(rest, at + what.len);
	}
	buf_add_str(&out, rest);
	if (times == 0) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

static bool is_set(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

/* A change that changes nothing ([x, x]) is one of what is around the configuration. */
static char *edited(const json_t *row)
{
	char *text = xstrdup(packaged);
	const json_t *edit;
	size_t i;

	json_array_foreach(json_object_get(row, "edits"), i, edit)
	{
		char *next = replaced(text, json_string_value(json_array_get(edit, 0)),
				      json_string_value(json_array_get(edit, 1)),
				      is_set(row, "every"));

		free(text);
		if (!next) {
			OK(false, "%s: what is to be changed is there", text_of(row, "name"));
			return xstrdup("");
		}
		text = next;
	}
	return text;
}

static void examine(const char *text, const char *public_url, struct report *report)
{
	AUTO(close) int fd = memfd_create("nginx.conf", MFD_CLOEXEC);
	AUTO(free) char *path = xasprintf("/proc/self/fd/%d", fd);
	static const char *const names[] = { "proxy", "limits" };
	struct deployment deployment = { .nginx_conf = path,
					 .server = { .auth = "proxy",
						     .user_header = "Remote-User",
						     .play_wait_ms = 25000,
						     .keepalive_ms = 75000 } };
	struct examination examination = { .names = names, .names_count = 2 };
	struct err err;

	deployment.places[PLACE_PUBLIC].url = public_url[0] ? public_url
							    : "http://calls.example.com";
	deployment.places[PLACE_DIRECT].url = "http://127.0.0.1:8080";
	deployment.proxy = (struct proxy_limits){ PROXY_LIMIT_UNKNOWN, PROXY_LIMIT_UNKNOWN,
						  PROXY_LIMIT_UNKNOWN, PROXY_LIMIT_UNKNOWN };
	if (!file_write_all(fd, text, strlen(text), &err))
		printf("Bail out! %s\n", err.text);
	examination_run(&examination, &deployment, report);
	OK(deployment.proxy.read.ms == LIMIT_UNKNOWN, "nothing is left of what was noted");
}

/* "buffering range": the checks with a finding, in the order of the table, each once. */
static char *found(const struct report *report)
{
	const struct check *last = NULL;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	for (size_t i = 0; i < report->count; i++) {
		const struct result *result = &report->results[i];

		if (result->kind != RESULT_FINDING || result->check == last)
			continue;
		buf_addf(&out, "%s%s", out.len > 0 ? " " : "", result->check->name);
		last = result->check;
	}
	return out.len > 0 ? buf_take(&out) : xstrdup("");
}

static char *found_in(const char *text, const json_t *row, struct report *report)
{
	examine(text, text_of(row, "public_url"), report);
	return found(report);
}

/* Puts what the finding says in the place of the fault. */
static char *cured(const char *text, const json_t *row, const struct report *report)
{
	const struct result *worst = report_worst(report);
	AUTO(free) char *remedy = NULL;
	const char *write = worst && worst->finding.write ? worst->finding.write : "";

	remedy = replaced(text_of(row, "remedy"), "{write}", write, true);
	return replaced(text, text_of(row, "at"), remedy ? remedy : text_of(row, "remedy"),
			is_set(row, "every"));
}

static void test_fault(const json_t *row)
{
	__attribute__((cleanup(report_release_at))) struct report before = { 0 }, after = { 0 };
	const char *name = text_of(row, "name"), *check = text_of(row, "check");
	AUTO(free) char *text = edited(row);
	AUTO(free) char *first = found_in(text, row, &before);
	AUTO(free) char *cure = cured(text, row, &before);
	AUTO(free) char *second = NULL;

	IS_STR(str_of(first), str_of(check), "%s: %s", check, name);
	if (json_object_get(row, "writes"))
		IS_STR(str_of(report_worst(&before)->finding.write), str_of(text_of(row, "writes")),
		       "%s: %s: what is to be written", check, name);
	if (!cure) {
		OK(false, "%s: %s: the fault is found in the text again", check, name);
		return;
	}
	second = found_in(cure, row, &after);
	IS_STR(str_of(second), STR(""), "%s: %s: cured", check, name);
	if (second[0])
		printf("# %s\n", report_worst(&after)->finding.looked_at);
}

static void test_twin(const json_t *row)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 };
	AUTO(free) char *text = edited(row);
	AUTO(free) char *names = found_in(text, row, &report);

	IS_STR(str_of(names), STR(""), "no finding: %s", text_of(row, "name"));
}

/* What a row says of a check: what is to be written, what it means, that it is good. */
static void test_words(const json_t *row, const struct result *result)
{
	const char *check = result->check->name;
	const char *write = text_of(json_object_get(row, "writes"), check);
	const char *means = text_of(json_object_get(row, "means"), check);

	if (write[0])
		IS_STR(str_of(result->finding.write), str_of(write), "%s: what is to be written",
		       check);
	if (means[0])
		OK(result->finding.consequence &&
			   str_starts(str_of(result->finding.consequence), str_of(means)),
		   "%s: what it means here", check);
	if (strcmp(check, text_of(row, "good")) == 0)
		IS_INT(result->kind, RESULT_GOOD, "%s is good", check);
}

/* Whole configurations, and all that is found in them. */
static void test_whole(const json_t *row)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 };
	AUTO(free) char *path = xasprintf("nginx/%s", text_of(row, "file"));
	AUTO(free) char *text = read_data(path);
	AUTO(free) char *names = found_in(text, row, &report);

	IS_STR(str_of(names), str_of(text_of(row, "found")), "%s", text_of(row, "name"));
	for (size_t i = 0; i < report.count; i++)
		test_words(row, &report.results[i]);
}

static bool has_fault(const json_t *faults, const char *check)
{
	const json_t *row;
	size_t i;

	json_array_foreach(faults, i,
			   row) if (strcmp(text_of(row, "check"), check) == 0) return true;
	return false;
}

static void test_doubt(void)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 };
	AUTO(free)
	char *text = replaced(packaged, "    location / {",
			      "    location / { access_by_lua_block { ask() }", false);

	examine(text, "", &report);
	IS_INT(report_count(&report, RESULT_FINDING), 0, "Lua: no finding");
	IS_INT(report_count(&report, RESULT_UNCHECKED), 1,
	       "Lua: what could not be followed is told");
}

static void test_files(void)
{
	static const char *const names[] = { "proxy" };
	struct examination examination = { .names = names, .names_count = 1 };
	__attribute__((cleanup(report_release_at))) struct report none = { 0 }, gone = { 0 },
								  empty = { 0 };
	struct deployment deployment = { .nginx_conf = NULL };

	examination_run(&examination, &deployment, &none);
	IS_INT(report_count(&none, RESULT_LEFT_OUT), proxy_checks.count - 1,
	       "without a configuration all but one are left out");
	IS_INT(report_count(&none, RESULT_UNCHECKED), 1, "and one says that it was asked for");
	deployment.nginx_conf = "/nonexistent/nginx.conf";
	examination_run(&examination, &deployment, &gone);
	IS_INT(report_count(&gone, RESULT_UNCHECKED), 1, "a file that cannot be read is told once");
	examine("events { }", "", &empty);
	IS_STR(str_of(empty.results[0].check->name), STR("conf"), "the first check");
	IS_INT(empty.results[0].kind, RESULT_UNCHECKED, "tells that there is no server");
	IS_INT(empty.results[1].kind, RESULT_LEFT_OUT, "and no other does");
}

int main(void)
{
	AUTO(free) char *text = read_data("nginx/faults.json");
	json_t *all = json_loads(text, 0, NULL);
	const json_t *row;
	size_t i;

	packaged = read_data("../../packaging/nginx/callspool.conf");
	json_array_foreach(json_object_get(all, "faults"), i, row) test_fault(row);
	json_array_foreach(json_object_get(all, "twins"), i, row) test_twin(row);
	json_array_foreach(json_object_get(all, "wholes"), i, row) test_whole(row);
	test_doubt();
	test_files();
	for (i = 0; i < proxy_checks.count; i++)
		if (strcmp(proxy_checks.checks[i].name, "doubts") != 0)
			OK(has_fault(json_object_get(all, "faults"), proxy_checks.checks[i].name),
			   "%s: has a fault that it finds", proxy_checks.checks[i].name);
	json_decref(all);
	free(packaged);
	return tap_end();
}
