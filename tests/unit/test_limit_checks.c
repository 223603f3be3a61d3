/*
 * Who waits how long for whom: each limit on both sides of its boundary, and all that is said of it.
 */
#include "checkup/limit_checks.h"

#include "checked.h"

#define WAIT_MS 25000
#define KEEP_MS 75000

/* Limits in ms; a proxy's are those of "--option" where they are known. */
static const struct {
	const char *name, *check;
	int64_t read_ms, connect_ms, keepalive_ms, play_wait_ms;
	const char *says;
} cases[] = {
	{ "a proxy that gives up as soon as callspool answers", "read-limit", 25000, -1, -1,
	  WAIT_MS,
	  "breaks: the proxy gives up before callspool has answered\n"
	  "looked at: --read: 25 s; callspool's play_wait: 25 s\n"
	  "expected: more than play_wait: at least 27 s\n"
	  "write: proxy_read_timeout 60s;\n"
	  "confirm: callspool doctor read-limit\n" },
	{ "an answer at play_wait takes a moment to arrive", "read-limit", 26999, -1, -1, WAIT_MS,
	  "breaks: the proxy gives up before callspool has answered\n"
	  "looked at: --read: 27.0 s; callspool's play_wait: 25 s\n"
	  "expected: more than play_wait: at least 27 s\n"
	  "write: proxy_read_timeout 60s;\n"
	  "confirm: callspool doctor read-limit\n" },
	{ "what is to be written grows with play_wait", "read-limit", 1000, -1, -1, 55000,
	  "breaks: the proxy gives up before callspool has answered\n"
	  "looked at: --read: 1 s; callspool's play_wait: 55 s\n"
	  "expected: more than play_wait: at least 57 s\n"
	  "write: proxy_read_timeout 90s;\n"
	  "confirm: callspool doctor read-limit\n" },
	{ "two seconds more than play_wait", "read-limit", 27000, -1, -1, WAIT_MS,
	  "good: --read: 27 s; callspool's play_wait: 25 s\n" },
	{ "no limit", "read-limit", LIMIT_NONE, -1, -1, WAIT_MS,
	  "good: --read: for ever; callspool's play_wait: 25 s\n" },

	{ "ten minutes", "stuck-limit", 600000, -1, -1, WAIT_MS,
	  "good: a back end that is stuck is told after 10 min\n" },
	{ "more than ten minutes", "stuck-limit", 600001, -1, -1, WAIT_MS,
	  "weakens: the proxy waits so long that a stuck back end is never told\n"
	  "looked at: --read: 600.0 s; callspool's play_wait: 25 s\n"
	  "expected: at most 10 minutes without a byte\n"
	  "write: proxy_read_timeout 60s;\n"
	  "confirm: callspool doctor stuck-limit\n" },

	{ "a lost packet is sent again after a second", "connect-limit", -1, 1000, -1, WAIT_MS,
	  "good: the proxy tries for 1 s\n" },
	{ "less than a second", "connect-limit", -1, 999, -1, WAIT_MS,
	  "weakens: the proxy gives up connecting before a lost packet is sent again\n"
	  "looked at: --connect: 999 ms\n"
	  "expected: at least 1 s, in which the system tries again\n"
	  "write: proxy_connect_timeout 5s;\n"
	  "confirm: callspool doctor connect-limit\n" },

	{ "the proxy closes first", "keepalive-limit", -1, -1, 74999, WAIT_MS,
	  "good: the proxy closes an idle connection first, after 75.0 s\n" },
	{ "both close at once", "keepalive-limit", -1, -1, 75000, WAIT_MS,
	  "weakens: the proxy keeps idle connections longer than callspool does\n"
	  "looked at: --keepalive: 75 s; callspool's keepalive_timeout: 75 s\n"
	  "expected: less than callspool's keepalive_timeout\n"
	  "write: keepalive_timeout 60s;    # in the upstream block\n"
	  "confirm: callspool doctor keepalive-limit\n" },
	{ "none is kept", "keepalive-limit", -1, -1, 0, WAIT_MS,
	  "good: the proxy keeps no idle connection (--keepalive)\n" },
	{ "one is kept for a moment", "keepalive-limit", -1, -1, 1, WAIT_MS,
	  "good: the proxy closes an idle connection first, after 1 ms\n" },

	{ "play_wait as it is by itself", "play-wait", -1, -1, -1, WAIT_MS,
	  "good: 25 s, below the 60 s of every proxy's defaults\n" },
	{ "play_wait that leaves an answer two seconds", "play-wait", -1, -1, -1, 58000,
	  "good: 58 s, below the 60 s of every proxy's defaults\n" },
	{ "play_wait that does not", "play-wait", -1, -1, -1, 58001,
	  "weakens: callspool lets a play wait longer than proxies and players do\n"
	  "looked at: play_wait: 58.0 s\n"
	  "expected: less than 60 s\n"
	  "write: play_wait = 25s\n"
	  "confirm: callspool doctor play-wait\n" },
};

static struct proxy_limit limit_of(int64_t ms, const char *source)
{
	return ms == LIMIT_UNKNOWN ? PROXY_LIMIT_UNKNOWN : (struct proxy_limit){ ms, source };
}

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = {
			.server = { .play_wait_ms = cases[i].play_wait_ms,
				    .keepalive_ms = KEEP_MS },
			.proxy = { .read = limit_of(cases[i].read_ms, "--read"),
				   .connect = limit_of(cases[i].connect_ms, "--connect"),
				   .keepalive = limit_of(cases[i].keepalive_ms, "--keepalive") },
		};
		AUTO(free) char *says = checked(&limit_checks, cases[i].check, &deployment, NULL);

		IS_STR(str_of(says), str_of(cases[i].says), "%s: %s", cases[i].check,
		       cases[i].name);
	}
}

/* A limit that nobody knows, of each check that has an option for it. */
static const struct {
	const char *check, *option;
} options[] = {
	{ "read-limit", "--proxy-read-timeout" },
	{ "stuck-limit", "--proxy-read-timeout" },
	{ "connect-limit", "--proxy-connect-timeout" },
	{ "keepalive-limit", "--proxy-keepalive" },
};

static const struct {
	const char *name, *direct, *url, *silent, *nginx_conf;
	const char *says; /* %s: the option */
	bool is_chosen;
} unknown[] = {
	{ "nobody said", "http://d", "http://p", NULL, NULL,
	  "unchecked: the proxy's limit is not known: give --nginx-conf FILE, or %s TIME\n",
	  false },
	{ "a configuration does not say", "http://d", "http://p", NULL, "/etc/nginx/nginx.conf",
	  "unchecked: the proxy's limit cannot be told from /etc/nginx/nginx.conf: give %s TIME\n",
	  false },
	{ "no server listens on TCP", NULL, "http://p", NULL, NULL,
	  "unchecked: the proxy's limit is not known: give --nginx-conf FILE, or %s TIME\n",
	  false },
	{ "no proxy", "http://p", "http://p", NULL, NULL,
	  "left out: no proxy: callspool itself listens at its public address\n", true },
	{ "no public address", "http://d", NULL, NULL, NULL,
	  "left out: nothing answers at the public address: see public-url\n", false },
	{ "a public address that is silent", "http://d", "http://p", "public", NULL,
	  "left out: nothing answers at the public address: see public\n", false },
	{ "the same, asked for by name", "http://d", "http://p", "public", NULL,
	  "unchecked: nothing answers at the public address: see public\n", true },
};

static void test_unknown(void)
{
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		for (size_t k = 0; k < ARRAY_LEN(options); k++) {
			struct deployment deployment = {
				.server = { .play_wait_ms = WAIT_MS, .keepalive_ms = KEEP_MS },
				.proxy = PROXY_LIMITS_UNKNOWN,
				.places = { [PLACE_DIRECT] = { .url = unknown[i].direct },
					    [PLACE_PUBLIC] = { .url = unknown[i].url,
							       .silent = unknown[i].silent } },
				.nginx_conf = unknown[i].nginx_conf,
			};
			static const char *names[][2] = { { NULL, "%s" }, { NULL, NULL } };
			AUTO(free) char *says = NULL;

			names[0][0] = options[k].option;
			says = checked_as(&limit_checks, options[k].check, &deployment, names,
					  unknown[i].is_chosen);
			IS_STR(str_of(says), str_of(unknown[i].says), "%s: %s", options[k].check,
			       unknown[i].name);
		}
}

/* The chain, from the one who listens to Twilio: each limit with its own value and source. */
static void test_chain(void)
{
	static const struct {
		const char *who, *what, *source;
		int64_t ms;
	} lines[] = {
		{ "Twilio", "waits for the answer to a webhook", "Twilio", 15000 },
		{ "proxy", "waits for a connection to callspool", "--connect", 1 },
		{ "proxy", "waits while callspool takes nothing", "not known", LIMIT_UNKNOWN },
		{ "proxy", "waits while callspool sends nothing", "--read", 3 },
		{ "proxy", "keeps an idle connection to callspool", "--keepalive", 4 },
		{ "callspool", "keeps an idle connection", "keepalive_timeout", 5 },
		{ "callspool", "begins every answer within", "play_wait", 6000 },
		{ "callspool", "waits for a player that reads nothing", "send_timeout", 7 },
	};
	struct deployment deployment = {
		.server = { .keepalive_ms = 5, .play_wait_ms = 6000, .send_ms = 7, .head_ms = 8 },
		.proxy = { .connect = { 1, "--connect" },
			   .send = PROXY_LIMIT_UNKNOWN,
			   .read = { 3, "--read" },
			   .keepalive = { 4, "--keepalive" } },
	};
	__attribute__((cleanup(report_release_at))) struct report report = { .count = 0 };

	report.check = checked_find(&limit_checks, "chain");
	report.check->run(&deployment, &report);
	IS_INT(report.limits_count, ARRAY_LEN(lines), "the chain has all limits");
	for (size_t i = 0; i < ARRAY_LEN(lines) && i < report.limits_count; i++) {
		const struct limit_line *line = &report.limits[i];

		IS_STR(str_of(line->who), str_of(lines[i].who), "limit %zu: who", i);
		IS_STR(str_of(line->what), str_of(lines[i].what), "limit %zu: what", i);
		IS_STR(str_of(line->source), str_of(lines[i].source), "limit %zu: said where", i);
		IS_INT(line->ms, lines[i].ms, "limit %zu: how long", i);
	}
	IS_INT(report.count, 1, "and says one thing");
	IS_INT(report.results[0].kind, RESULT_GOOD, "which is no finding");
	IS_STR(str_of(report.results[0].detail),
	       STR("every answer begins within 6 s, and goes on as long as bytes come"),
	       "with play_wait");
}

int main(void)
{
	test_cases();
	test_unknown();
	test_chain();
	return tap_end();
}
