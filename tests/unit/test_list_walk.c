#include "rest/list_walk.h"

#include "flights_fixture.h"

#define HOUR_MS INT64_C(3600000)
#define LIST    API "/Recordings.json?PageSize=1000"
#define NEXT    API "/Recordings.json?Page=1"

static struct list_walk walk;
static bool is_over;

static void ended(struct list_walk *over)
{
	is_over = true;
}

static bool has_ended(void)
{
	return is_over;
}

static void walk_now(int64_t since_ms, const struct answer *answers, size_t count)
{
	is_over = false;
	server_forget(&server);
	server_answers(answers, count);
	list_walk_start(&walk, &rest_env, &account,
			&(struct list_walk_plan){ .since_ms = since_ms }, ended);
	OK(!is_over, "it ends later");
	until(has_ended);
	until(fixture_is_projected);
}

/* ---- pages ---- */

#define PAGE_MAX (512 * 1024)
#define HEAD     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

/* Recordings first + count - 1 down to first, as many hours ago as `hours`; of recording n the call is n, too. */
static const char *page(struct buf *buf, int first, int count, const char *status, int hours,
			const char *next)
{
	char date[32];

	clock_rfc2822_date(clock_wall_ms() - hours * HOUR_MS, date);
	buf_init(buf, PAGE_MAX);
	buf_add_text(buf, HEAD "{\"recordings\":[");
	for (int i = first + count - 1; i >= first; i--)
		buf_addf(
			buf,
			"%s{\"sid\":\"RE%032d\",\"call_sid\":\"CA%032d\",\"account_sid\":\"" ACCOUNT
			"\",\"status\":\"%s\",\"date_created\":\"%s\",\"duration\":\"7\"}",
			i == first + count - 1 ? "" : ",", i, i, status, date);
	buf_addf(buf, "],\"next_page_uri\":%s%s%s}", next ? "\"" : "", next ? next : "null",
		 next ? "\"" : "");
	buf_add_byte(buf, '\0');
	return buf->at;
}

static struct catalog_counts counts(void)
{
	struct catalog_counts now = { .calls = 0 };

	must(catalog_begin(reader, &err) && catalog_counts(reader, &now, &err));
	catalog_rollback(reader);
	return now;
}

static int64_t last_event(void)
{
	int64_t seq = 0;

	must(catalog_begin(reader, &err) && events_last(reader, &seq, &err));
	catalog_rollback(reader);
	return seq;
}

static void test_pages(void)
{
	AUTO(buf_release) struct buf first = { 0 }, second = { 0 };
	struct answer answers[] = {
		{ LIST, page(&first, 151, 250, "completed", 1, NEXT), THEN_CLOSE },
		{ NEXT, page(&second, 1, 150, "completed", 5, NULL), THEN_CLOSE },
	};
	int64_t seq;

	walk_now(0, answers, 2);
	OK(walk.is_whole, "two pages are read: %s", walk.failure);
	IS_INT(server.requests, 2, "with a request each");
	OK(walk.listed == 400 && walk.found == 400, "all are news");
	IS_INT(counts().recordings[RECORDING_QUEUED], 400, "all are to be fetched");

	seq = last_event();
	walk_now(0, answers, 2);
	OK(walk.listed == 400 && walk.found == 0, "the second time none is");
	IS_INT(last_event(), seq, "and no event is written");
}

static void test_since(void)
{
	AUTO(buf_release) struct buf first = { 0 };
	char path[256], day[ISO_DATE_SIZE];
	int64_t since_ms = clock_wall_ms() - 2 * HOUR_MS;
	struct answer answer = { path, page(&first, 500, 2, "completed", 3, NEXT), THEN_CLOSE };

	clock_iso_date(since_ms, day);
	snprintf(path, sizeof(path), LIST "&DateCreated%%3E=%.10s", day);
	walk_now(since_ms, &answer, 1);
	OK(walk.is_whole && server.requests == 1, "nothing is asked for behind the edge");
	IS_INT(walk.found, 2, "what is on the page counts all the same");
}

/* A date that cannot be read is no old one: what is behind it is asked for. */
static void test_no_date(void)
{
	AUTO(buf_release) struct buf first = { 0 }, second = { 0 };
	char path[256], day[ISO_DATE_SIZE];
	int64_t since_ms = clock_wall_ms() - 2 * HOUR_MS;
	struct answer answers[] = {
		{ path, page(&first, 511, 1, "completed", 1, NEXT), THEN_CLOSE },
		{ NEXT, page(&second, 510, 1, "completed", 1, NULL), THEN_CLOSE },
	};

	memcpy(strstr(first.at, "date_created"), "date_unknown", strlen("date_unknown"));
	clock_iso_date(since_ms, day);
	snprintf(path, sizeof(path), LIST "&DateCreated%%3E=%.10s", day);
	walk_now(since_ms, answers, 2);
	OK(walk.is_whole && server.requests == 2, "a page whose last recording has no date");
	IS_INT(walk.found, 2, "is not the last one");
}

static void test_statuses(void)
{
	static const struct {
		const char *status;
		int found;
		bool is_open;
	} steps[] = {
		{ "deleted", 0, false }, /* it was never known */
		{ "in-progress", 1, true }, { "processing", 0, true }, { "completed", 1, false },
		{ "completed", 0, false },  { "deleted", 1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		AUTO(buf_release) struct buf only = { 0 };
		struct answer answer = { LIST, page(&only, 600, 1, steps[i].status, 1, NULL),
					 THEN_CLOSE };

		walk_now(0, &answer, 1);
		IS_INT(walk.found, steps[i].found, "step %zu, %s: news", i + 1, steps[i].status);
		IS_INT(walk.oldest_open_ms != 0, steps[i].is_open, "step %zu, %s: open", i + 1,
		       steps[i].status);
	}
}

static void test_failures(void)
{
	static const struct {
		const char *raw;
		int requests;
		const char *failure;
	} cases[] = {
		{ "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 1,
		  "Twilio answered 401: it refuses the credentials" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 1, "Twilio answered 404" },
		{ HEAD "{}", 1,
		  "Twilio's answer makes no sense: the answer is not a page of recordings" },
		{ HEAD "{\"recordings\":[],\"next_page_uri\":\"" LIST "\"}", 1,
		  "Twilio's answer makes no sense: a page names itself as the next one" },
		{ HEAD "{\"recordings\":[],\"next_page_uri\":\"https://elsewhere.example/\"}", 1,
		  "Twilio's answer makes no sense: next_page_uri 'https://elsewhere.example/' is not "
		  "an address of this API" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = { LIST, cases[i].raw, THEN_CLOSE };

		walk_now(0, &answer, 1);
		OK(!walk.is_whole, "failure %zu", i + 1);
		IS_STR(str_of(walk.failure), str_of(cases[i].failure), "told");
		IS_INT(server.requests, cases[i].requests, "requests");
	}
}

/* First, second, third, and the second again: however long the circle is, it ends. */
static void test_circle(void)
{
	AUTO(buf_release) struct buf first = { 0 }, second = { 0 }, third = { 0 };
	struct answer answers[] = {
		{ LIST, page(&first, 800, 1, "absent", 1, NEXT), THEN_CLOSE },
		{ NEXT, page(&second, 801, 1, "absent", 2, NEXT "2"), THEN_CLOSE },
		{ NEXT "2", page(&third, 802, 1, "absent", 3, NEXT), THEN_CLOSE },
	};

	walk_now(0, answers, ARRAY_LEN(answers));
	OK(!walk.is_whole && server.requests < 12, "pages in a circle, after %d requests: %s",
	   server.requests, walk.failure);
	IS_STR(str_of(walk.failure),
	       STR("Twilio's answer makes no sense: its pages name each other in a circle"),
	       "told");
	IS_INT(walk.found, 3, "what they hold is taken");
	OK(walk.next_url[0] == '\0', "and nobody goes on with them");
}

static void test_itself(void)
{
	AUTO(buf_release) struct buf only = { 0 };
	struct answer answer = { LIST, page(&only, 2000, 120, "absent", 1, LIST), THEN_CLOSE };

	walk_now(0, &answer, 1);
	OK(!walk.is_whole && server.requests == 1, "a page that names itself: %s", walk.failure);
	IS_INT(walk.found, 120, "what it holds is taken");
}

static void test_malformed(void)
{
	AUTO(buf_release) struct buf only = { 0 };
	struct answer answer = { LIST, page(&only, 900, 3, "absent", 1, NULL), THEN_CLOSE };
	char *sid = strstr(only.at, "\"RE00000000000000000000000000000901");

	sid[1] = 'X';
	walk_now(0, &answer, 1);
	OK(walk.is_whole && walk.listed == 2 && walk.malformed == 1 && walk.found == 2,
	   "a row that is no recording is counted, and the others are taken: %s", walk.failure);
}

/* ---- a page that fails once ---- */

static struct answer retried = { LIST, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
				 THEN_CLOSE };

static void mend(void)
{
	retried.raw = HEAD "{\"recordings\":[]}";
}

static void test_retry(void)
{
	is_over = false;
	server_forget(&server);
	server_answers(&retried, 1);
	server.noticed = mend; /* after the first request was answered */
	list_walk_start(&walk, &rest_env, &account, &(struct list_walk_plan){ .since_ms = 0 },
			ended);
	until(has_ended);
	OK(walk.is_whole && server.requests == 2, "a page that gave no answer is asked for again");
}

static void release(void)
{
	list_walk_release(&walk);
	list_walk_release(&walk);
}

int main(void)
{
	fixture_start();
	test_pages();
	test_since();
	test_no_date();
	test_statuses();
	test_failures();
	test_circle();
	test_itself();
	test_malformed();
	test_retry();
	fixture_stop(release);
	return tap_end();
}
