/* doctor --nginx-log: which files are read, in which order, and what of them is told. */
#include "client/log_client.h"

#include "base/mem.h"
#include "base/own.h"
#include "client/progress_bar.h"
#include "printed.h"
#include "tap.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

/* An error of nginx; the last of its cause is told as its example. */
#define LINE(number)                                                                                 \
	"2026/11/29 12:00:0" number                                                                  \
	" [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, " \
	"request: \"GET /" number " HTTP/1.1\"\n"
#define FINE "203.0.113.7 - - [29/Nov/2026:12:03:04 +0000] \"GET / HTTP/1.1\" 200 157 \"-\" \"x\"\n"

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";
static char shown[256]; /* " done/all" of each move, in bytes */

void __wrap_progress_bar_start(struct progress_bar *bar, const char *what);

static void moved(struct progress *progress, uint64_t done, uint64_t all)
{
	snprintf(shown, sizeof(shown), "%" PRIu64 "/%" PRIu64, done, all);
}

void __wrap_progress_bar_start(struct progress_bar *bar, const char *what)
{
	*bar = (struct progress_bar){ .progress.moved = moved };
	shown[0] = '\0';
}

/* Of names in the folder, up to NULL; "-" is standard input.  The answer is for json_decref(); NULL: there is none. */
static json_t *explain(const char *const *names, enum doctor_verdict *out)
{
	char *paths[8];
	struct log_request request = { .paths = (const char *const *)paths, .is_json = true };
	struct str text;
	json_t *answer = NULL;
	bool is_good;

	for (; names[request.paths_count]; request.paths_count++) {
		const char *name = names[request.paths_count];

		paths[request.paths_count] =
			strcmp(name, "-") == 0 ? xstrdup(name) : xasprintf("%s/%s", folder, name);
	}
	take_stdout();
	is_good = log_client_run(&request, out, &err);
	text = printed();
	if (is_good)
		answer = json_loadb(text.at, text.len, 0, NULL);
	for (size_t i = 0; i < request.paths_count; i++)
		free(paths[i]);
	return answer;
}

static void put(const char *name, const char *text)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static void drop(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);

	unlink(path);
}

/* How often the back end refused, and in the line that was read last. */
static int64_t refused(const json_t *answer, const char **out_example)
{
	const json_t *cause = json_array_get(json_object_get(answer, "causes"), 0);

	*out_example = json_string_value(json_object_get(cause, "example"));
	*out_example = *out_example ? *out_example : "";
	return json_integer_value(json_object_get(cause, "count"));
}

static void test_rotated(void)
{
	static const struct {
		const char *name;
		const char *files[6], *asked[4];
		int count;
		char last; /* the number in the line that was read last */
	} rows[] = {
		{ "one that was never rotated", { "a" }, { "a" }, 1, '1' },
		{ "once", { "a", "a.1" }, { "a" }, 2, '1' },
		{ "twice, and gzipped", { "a", "a.1", "a.2.gz" }, { "a" }, 3, '1' },
		{ "four times", { "a", "a.1", "a.2", "a.3", "a.4" }, { "a" }, 5, '1' },
		{ "five times", { "a", "a.1", "a.2", "a.3", "a.4", "a.5" }, { "a" }, 6, '1' },
		{ "those behind a gap are not of it", { "a", "a.1", "a.3" }, { "a" }, 2, '1' },
		{ "one of them alone", { "a", "a.1", "a.2" }, { "a.1" }, 1, '2' },
		{ "two logs, each with its own", { "a", "a.1", "b", "b.1" }, { "a", "b" }, 4, '3' },
		{ "two logs, the other way", { "a", "a.1", "b", "b.1" }, { "b", "a" }, 4, '1' },
	};
	enum doctor_verdict verdict;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *example;
		json_t *answer;

		for (size_t k = 0; k < 6 && rows[i].files[k]; k++) {
			char line[] = LINE("0");

			for (char *at = line; *at; at++)
				if (strncmp(at, "/0", 2) == 0)
					at[1] = (char)('1' + k);
			put(rows[i].files[k], line);
		}
		answer = explain(rows[i].asked, &verdict);
		OK(answer && verdict == VERDICT_FINDINGS, "%s: it is read", rows[i].name);
		IS_INT(refused(answer, &example), rows[i].count, "... so many files");
		OK(strchr(example, '/') && strstr(example, "GET /") &&
			   strstr(example, "GET /")[5] == rows[i].last,
		   "... the oldest first: %s", example);
		json_decref(answer);
		for (size_t k = 0; k < 6 && rows[i].files[k]; k++)
			drop(rows[i].files[k]);
	}
}

static void test_order(void)
{
	static const char *const asked[] = { "a", NULL };
	enum doctor_verdict verdict;
	const char *example;
	json_t *answer;

	put("a", FINE);
	put("a.1", LINE("1"));
	put("a.2", LINE("2"));
	answer = explain(asked, &verdict);
	IS_INT(refused(answer, &example), 2, "two that were rotated, and one without an error");
	OK(strstr(example, "GET /1 "), "the older of the two is read first: %s", example);
	json_decref(answer);
	drop("a");
	drop("a.1");
	drop("a.2");
}

static void test_progress(void)
{
	static const char *const both[] = { "a", NULL };
	AUTO(free) char *all = xasprintf("%zu/%zu", strlen(LINE("1") FINE), strlen(LINE("1") FINE));
	enum doctor_verdict verdict;

	put("a", FINE);
	put("a.1", LINE("1"));
	json_decref(explain(both, &verdict));
	IS_STR(str_of(shown), str_of(all), "all bytes of all files are counted");
	drop("a");
	drop("a.1");
}

/* What says nothing, and whether that is told. */
static void test_strange(void)
{
	static const struct {
		const char *name, *text[2];
		enum doctor_verdict verdict;
	} rows[] = {
		{ "one that is known", { FINE, NULL }, VERDICT_GOOD },
		{ "one that is empty", { "", NULL }, VERDICT_UNCHECKED },
		{ "one of another kind", { "another\n", NULL }, VERDICT_UNCHECKED },
		{ "beside another that is empty", { FINE, "" }, VERDICT_GOOD },
		{ "beside one of another kind", { FINE, "another\n" }, VERDICT_UNCHECKED },
		{ "of another kind, with a line that is known",
		  { FINE, "another\n" FINE },
		  VERDICT_GOOD },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const asked[] = { "a", rows[i].text[1] ? "b" : NULL, NULL };
		enum doctor_verdict verdict = VERDICT_FINDINGS;
		json_t *answer;

		put("a", rows[i].text[0]);
		if (rows[i].text[1])
			put("b", rows[i].text[1]);
		answer = explain(asked, &verdict);
		OK(answer && verdict == rows[i].verdict, "%s", rows[i].name);
		json_decref(answer);
		drop("a");
		drop("b");
	}
}

static void test_missing(void)
{
	static const char *const none[] = { "none", NULL }, *const second[] = { "a", "none", NULL },
				 *const input[] = { "-", NULL };
	enum doctor_verdict verdict;
	const char *example;
	json_t *answer;

	OK(!explain(none, &verdict) && err.kind == ERR_NOT_FOUND && strstr(err.text, "/none'"),
	   "there is none: %s", err.text);
	put("a", FINE);
	OK(!explain(second, &verdict) && err.kind == ERR_NOT_FOUND,
	   "nor is any read where one is missing: %s", err.text);
	put("none.1", FINE);
	OK(!explain(none, &verdict) && err.kind == ERR_NOT_FOUND,
	   "what was rotated is not enough: %s", err.text);
	put("a", LINE("1"));
	{
		AUTO(free) char *path = xasprintf("%s/a", folder);

		if (!freopen(path, "re", stdin))
			abort();
	}
	answer = explain(input, &verdict);
	IS_INT(refused(answer, &example), 1, "standard input is read");
	IS_STR(str_of(shown), STR(""), "and nobody knows how long it is");
	json_decref(answer);
	drop("a");
	drop("none.1");
}

static void test_words(void)
{
	AUTO(free) char *path = xasprintf("%s/a", folder);
	const char *const paths[] = { path };
	const struct log_request request = { .paths = paths, .paths_count = 1 };
	enum doctor_verdict verdict;
	struct str text;

	put("a", LINE("1"));
	take_stdout();
	if (!log_client_run(&request, &verdict, &err))
		abort();
	text = printed();
	OK(verdict == VERDICT_FINDINGS && text.len > 0 && text.at[0] != '{' &&
		   memmem(text.at, text.len, "the back end was down", 21),
	   "people are told in words");
	drop("a");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	test_rotated();
	test_order();
	test_progress();
	test_strange();
	test_missing();
	test_words();
	OK(rmdir(folder) == 0, "nothing is left behind");
	return tap_end();
}
