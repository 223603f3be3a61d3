/*
 * Who lends keys: asked on the test's own loop, by answers that a row tells.  What it waits for goes by at once, and is added up: the
 * linker puts timer_start(), loop_now_ms() and clock_wall_ms() of this file before the others (meson.build).
 */
#include "s3/s3_lender.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fetch_server.h"
#include "must.h"
#include "s3/s3_keys.h"
#include "tap.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PATH        "/v2/keys"
#define TOKEN_PATH  "/latest/api/token"
#define ROLES_PATH  "/latest/meta-data/iam/security-credentials/"
#define SECOND      INT64_C(1000)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define PATIENCE_MS 30000

static struct err err;
static struct loop *loop;
static struct server server;
static struct s3_lender *lender;
static struct s3_keys *keys;

/* ---- time goes by at once ---- */

/* Where in a lender its timer is: others are of what it is asked with, and go on as they are. */
static ptrdiff_t timer_offset;
static struct timer *last_started;
static int64_t passed_ms;
static int64_t last_wait_ms;
static unsigned wait_count, seen_wait_count;
static bool is_held; /* what is waited for does not come */

void __real_timer_start(struct loop *of, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *));
void __wrap_timer_start(struct loop *of, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *));
int64_t __real_loop_now_ms(const struct loop *of);
int64_t __wrap_loop_now_ms(const struct loop *of);
int64_t __real_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void);

static bool is_the_lenders(const struct timer *timer)
{
	return lender && (const char *)timer == (const char *)lender + timer_offset;
}

static void patience_over(struct timer *timer)
{
	printf("Bail out! what was waited for does not come\n");
	exit(1);
}

void __wrap_timer_start(struct loop *of, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *))
{
	last_started = timer;
	if (is_the_lenders(timer)) {
		last_wait_ms = ms;
		wait_count++;
		if (is_held) {
			ms = HOUR;
		} else {
			passed_ms += ms;
			ms = 0;
		}
	}
	__real_timer_start(of, timer, ms, fire);
}

int64_t __wrap_loop_now_ms(const struct loop *of)
{
	return __real_loop_now_ms(of) + passed_ms;
}

int64_t __wrap_clock_wall_ms(void)
{
	return __real_clock_wall_ms() + passed_ms;
}

/* ---- what is answered ---- */

static struct answer answers[4];
static char raws[4][1024];

static void say(size_t i, const char *path, const char *status, const char *body)
{
	snprintf(raws[i], sizeof(raws[i]), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
		 strlen(body), body);
	answers[i] = (struct answer){ path, raws[i], THEN_KEEP };
	server.answers = answers;
	server.answer_count = i + 1;
}

/* Of that name, that end in so long; 0: it says no end. */
static char *lent(const char *name, int64_t for_ms)
{
	time_t ends_at = (time_t)((clock_wall_ms() + for_ms) / 1000);
	struct tm parts;
	char stamp[40];

	gmtime_r(&ends_at, &parts);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return xasprintf(
		"{\"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"of-%s\", \"Token\": \"t\"%s%s%s}",
		name, name, for_ms ? ", \"Expiration\": \"" : "", for_ms ? stamp : "",
		for_ms ? "\"" : "");
}

static void say_lent(const char *name, int64_t for_ms)
{
	AUTO(free) char *body = lent(name, for_ms);

	say(0, PATH, "200 OK", body);
}

/* ---- who borrows ---- */

static unsigned lents;

static void was_lent(struct s3_borrower *borrower)
{
	lents++;
}

static struct s3_borrower borrower = { was_lent };

static void open_lender(struct s3_options *options)
{
	lents = 0;
	is_held = false;
	server.all[0] = server.last[0] = '\0';
	server.requests = 0;
	keys = s3_keys_new(options);
	MUST(s3_lender_open(loop, options, keys, &borrower, &lender, &err));
}

static void open_container(void)
{
	AUTO(free) char *url = xasprintf("http://127.0.0.1:%u" PATH, server.ports[0]);
	struct s3_options options = { .container_url = url };

	open_lender(&options);
}

static void close_lender(void)
{
	s3_lender_free(TAKE(lender));
	s3_keys_free(TAKE(keys));
	passed_ms = 0;
}

static bool has_key(const char *name)
{
	AUTO(free) char *secret = xasprintf("of-%s", name);
	const struct s3_credentials *now = s3_keys_lock(keys);
	bool has = now->access_key_id && strcmp(now->access_key_id, name) == 0 &&
		   strcmp(now->secret_access_key, secret) == 0 && now->session_token &&
		   strcmp(now->session_token, "t") == 0;

	s3_keys_unlock(keys);
	return has;
}

/* ---- waiting ---- */

static bool (*awaited)(void);

static void look_at_it(void)
{
	if (awaited())
		loop_stop(loop);
}

static unsigned wanted_requests;

static bool has_requests(void)
{
	return (unsigned)server.requests >= wanted_requests;
}

/* Until so many questions were asked. */
static void until_asked(unsigned count)
{
	static struct timer patience;

	wanted_requests = count;
	awaited = has_requests;
	server.noticed = look_at_it;
	timer_start(loop, &patience, PATIENCE_MS, patience_over);
	while (!has_requests())
		loop_run(loop);
	timer_stop(&patience);
	server.noticed = NULL;
}

static struct timer glance;

static void glance_over(struct timer *timer)
{
	loop_stop(loop);
}

/* Until what was answered is known. */
static void until_so(bool (*is_so)(void))
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (!is_so()) {
		if (clock_monotonic_ms() > end_ms)
			patience_over(NULL);
		__real_timer_start(loop, &glance, 1, glance_over);
		loop_run(loop);
	}
	timer_stop(&glance);
}

static bool has_keys(void)
{
	return s3_keys_are_there(keys);
}

static bool has_trouble(void)
{
	return s3_lender_trouble(lender)[0] != '\0';
}

static bool has_no_trouble(void)
{
	return !has_trouble();
}

static bool was_lent_twice(void)
{
	return lents == 2;
}

static bool has_asked_again(void)
{
	return server.requests >= 2;
}

/* One with a token that is none begins to wait before it has asked anybody. */
static void find_timer(void)
{
	struct s3_options options = { .container_url = "http://127.0.0.1/",
				      .container_token = "two\nlines" };

	open_lender(&options);
	timer_offset = (const char *)last_started - (const char *)lender;
	close_lender();
}

/* ---- the tests ---- */

static void test_lends(void)
{
	say_lent("one", 3 * HOUR);
	open_container();
	OK(!s3_keys_are_there(keys) && !has_trouble(),
	   "nothing was answered yet, and nothing is wrong");
	is_held = true;
	until_so(has_keys);
	OK(has_key("one") && lents == 1, "what is lent is used, and whoever waits hears of it");
	OK(!has_trouble(), "all is well");
	OK(!strstr(server.all, "Authorization"), "without a token nothing is said of one");
	close_lender();
}

/* Five minutes before what it lent ends. */
static void test_again(void)
{
	say_lent("one", 3 * HOUR);
	open_container();
	until_asked(2);
	OK(passed_ms >= 3 * HOUR - 5 * MINUTE - PATIENCE_MS && passed_ms <= 3 * HOUR - 4 * MINUTE,
	   "it is asked again five minutes before their end, not after %" PRId64 " s",
	   passed_ms / SECOND);
	is_held = true;
	until_so(has_keys);
	OK(lents == 1, "the same again are no news");
	say_lent("two", 3 * HOUR);
	is_held = false;
	until_so(was_lent_twice);
	OK(has_key("two"), "others are");
	close_lender();

	say_lent("one", 0);
	open_container();
	until_asked(2);
	OK(passed_ms > MINUTE && passed_ms <= HOUR,
	   "such as say no end are asked for within an hour");
	close_lender();

	say_lent("one", 2 * MINUTE);
	open_container();
	until_asked(2);
	OK(has_key("one"), "such as end soon are used");
	OK(passed_ms >= SECOND && passed_ms <= MINUTE, "and others asked for before they end");
	close_lender();
}

static void test_failures(void)
{
	static const struct {
		const char *name, *status, *body, *why;
	} cases[] = {
		{ "an error", "500 Internal", "", "answers 500" },
		{ "a success that is another", "204 No Content", "", "answers 204" },
		{ "a redirect", "302 Found\r\nLocation: " PATH "/x", "", "" },
		{ "no JSON", "200 OK", "<html>", "" },
		{ "no keys", "200 OK", "{}", "" },
		{ "those that are over", "200 OK",
		  "{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"b\", \"Token\": \"t\", "
		  "\"Expiration\": \"2020-01-01T00:00:00Z\"}",
		  "are over" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		say(0, PATH, cases[i].status, cases[i].body);
		open_container();
		is_held = true;
		until_so(has_trouble);
		OK(!s3_keys_are_there(keys) && lents == 0, "%s: nothing is lent", cases[i].name);
		OK(strstr(s3_lender_trouble(lender), "the container's agent lends no keys") &&
			   strstr(s3_lender_trouble(lender), cases[i].why),
		   "and it is said why: %s", s3_lender_trouble(lender));
		OK(!strstr(server.all, PATH "/x"), "nobody is followed elsewhere");
		close_lender();
		say(0, PATH, cases[i].status, cases[i].body);
		open_container();
		until_asked(2);
		say_lent("one", 3 * HOUR);
		until_so(has_keys);
		OK(has_no_trouble() && has_key("one"), "it is asked again, and lends then");
		close_lender();
	}
}

static bool waits_again(void)
{
	return wait_count > seen_wait_count;
}

/* What is under way ends first. */
static void hold(void)
{
	seen_wait_count = wait_count;
	is_held = true;
	until_so(waits_again);
}

/* So long after the last question that it is asked. */
static void doubt(void)
{
	passed_ms += 11 * SECOND;
	s3_lender_doubt(lender);
}

/* Longer and longer, up to a minute. */
static void test_pauses(void)
{
	int64_t before = 0;

	say(0, PATH, "500 Internal", "");
	open_container();
	until_asked(2);
	for (unsigned i = 3; i < 12; i++) {
		before = last_wait_ms;
		until_asked(i);
		OK(last_wait_ms == (2 * before < MINUTE ? 2 * before : MINUTE),
		   "after %" PRId64 " ms it waits %" PRId64 " ms", before, last_wait_ms);
	}
	IS_INT(last_wait_ms, MINUTE, "and no longer");
	hold();
	say_lent("one", 3 * HOUR);
	doubt();
	until_so(has_keys);
	say(0, PATH, "500 Internal", "");
	doubt();
	until_so(has_trouble);
	OK(last_wait_ms < MINUTE, "once it has answered it begins anew");
	OK(has_key("one"), "and what it lent last is used on");
	close_lender();
}

static void test_doubt(void)
{
	say_lent("one", 3 * HOUR);
	open_container();
	is_held = true;
	until_so(has_keys);
	s3_lender_doubt(lender);
	OK(server.requests == 1, "what was lent just now is not asked for again");
	say_lent("two", 3 * HOUR);
	doubt();
	until_so(was_lent_twice);
	OK(server.requests == 2 && has_key("two"), "later it is, at once");
	close_lender();
}

static void test_token(void)
{
	char path[] = "/tmp/callspool-test.XXXXXX";
	AUTO(free) char *url = xasprintf("http://127.0.0.1:%u" PATH, server.ports[0]);
	struct s3_options given = { .container_url = url, .container_token = "Bearer given" };
	struct s3_options in_file = { .container_url = url, .container_token_file = path };
	struct s3_options broken = { .container_url = url, .container_token = "two\nlines" };
	AUTO(close) int fd = mkstemp(path);

	say_lent("one", 3 * HOUR);
	open_lender(&given);
	is_held = true;
	until_so(has_keys);
	OK(strstr(server.last, "Authorization: Bearer given\r\n"), "it is asked with its token");
	close_lender();

	OK(pwrite(fd, "Bearer first\n", 13, 0) == 13, "in a file");
	open_lender(&in_file);
	is_held = true;
	until_so(has_keys);
	OK(strstr(server.last, "Authorization: Bearer first\r\n"), "too");
	OK(pwrite(fd, "Bearer other\n", 13, 0) == 13, "which is given out anew");
	doubt();
	until_so(has_asked_again);
	OK(strstr(server.last, "Authorization: Bearer other\r\n"), "and read again");
	close_lender();

	OK(pwrite(fd, "Bearer\nother\n", 13, 0) == 13, "of two lines");
	open_lender(&in_file);
	is_held = true;
	OK(strstr(s3_lender_trouble(lender), "one line") && server.requests == 0, "it is none: %s",
	   s3_lender_trouble(lender));
	close_lender();
	unlink(path);
	open_lender(&in_file);
	is_held = true;
	OK(has_trouble() && server.requests == 0, "nor where it is not there: %s",
	   s3_lender_trouble(lender));
	close_lender();
	open_lender(&broken);
	is_held = true;
	OK(has_trouble() && server.requests == 0, "nor one of the settings: %s",
	   s3_lender_trouble(lender));
	close_lender();
}

/* ---- a machine ---- */

static void open_machine(void)
{
	AUTO(free) char *url = xasprintf("http://127.0.0.1:%u//", server.ports[0]);
	struct s3_options options = { .instance_url = url };

	open_lender(&options);
}

static void say_machine(const char *token, const char *roles)
{
	AUTO(free) char *body = lent("machine", 3 * HOUR);

	say(0, TOKEN_PATH, "200 OK", token);
	say(1, ROLES_PATH, "200 OK", roles);
	say(2, ROLES_PATH "reader", "200 OK", body);
}

static void test_machine(void)
{
	const char *token, *role, *reader;

	say_machine("a-token", "reader\n");
	open_machine();
	is_held = true;
	until_so(has_keys);
	token = strstr(server.all, "A PUT " TOKEN_PATH " ");
	role = strstr(server.all, "A GET " ROLES_PATH " ");
	reader = strstr(server.all, "A GET " ROLES_PATH "reader ");
	OK(has_key("machine") && token && role > token && reader > role,
	   "a token, the name of a role, and its keys");
	OK(token && strstr(token, "X-aws-ec2-metadata-token-ttl-seconds: "), "for a while");
	OK(role && strstr(role, "X-aws-ec2-metadata-token: a-token") && reader &&
		   strstr(reader, "X-aws-ec2-metadata-token: a-token"),
	   "which both are asked with");
	close_lender();
}

static void test_machine_failures(void)
{
	static const struct {
		const char *token, *roles, *why;
	} cases[] = {
		{ "", "reader", "gives no token" },
		{ "two\nlines", "reader", "gives no token" },
		{ "a-token", "", "names no role" },
		{ "a-token", "another", "answers 404" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		say_machine(cases[i].token, cases[i].roles);
		open_machine();
		is_held = true;
		until_so(has_trouble);
		OK(strstr(s3_lender_trouble(lender), "s3.instance_url lends no keys") &&
			   strstr(s3_lender_trouble(lender), cases[i].why) && !has_keys(),
		   "nothing is lent: %s", s3_lender_trouble(lender));
		close_lender();
	}
}

static void test_check(void)
{
	static const struct {
		const char *name;
		struct s3_options options;
		const char *text; /* NULL: it is good */
	} cases[] = {
		{ "an agent here", { .container_url = "http://127.0.0.1/x" }, NULL },
		{ "the path of one", { .container_path = "/v2/x" }, NULL },
		{ "a path that is none", { .container_path = "v2/x" }, "s3.container_path" },
		{ "an address before it",
		  { .container_url = "http://127.0.0.1/x", .container_path = "x" },
		  NULL },
		{ "a machine's", { .instance_url = "http://169.254.169.254" }, NULL },
		{ "an address that is none", { .container_url = "x" }, "s3.container_url" },
		{ "a token that belongs to no key",
		  { .container_url = "http://127.0.0.1/x", .session_token = "t" },
		  "s3.session_token" },
		{ "one in a file",
		  { .container_url = "http://127.0.0.1/x", .session_token_file = "t" },
		  "s3.session_token" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err why = { .text = "" };
		bool is_good = s3_lender_check(&cases[i].options, &why);

		if (cases[i].text)
			OK(!is_good && why.kind == ERR_INVALID && strstr(why.text, cases[i].text),
			   "%s: %s", cases[i].name, why.text);
		else
			OK(is_good, "%s is good: %s", cases[i].name, why.text);
	}
}

int main(void)
{
	MUST(loop_new(&loop, &err));
	server_start(&server, loop, NULL, 0);
	find_timer();
	test_lends();
	test_again();
	test_failures();
	test_pauses();
	test_doubt();
	test_token();
	test_machine();
	test_machine_failures();
	test_check();
	server_stop(&server);
	loop_free(loop);
	return tap_end();
}
