#include "rest/discovery.h"

#include "flights_fixture.h"

#define PATH      API "/Calls/" CALL "/Recordings.json"
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define OTHER     "RE00000000000000000000000000000002"
#define THIRD     "RE00000000000000000000000000000003"

static struct discovery *discovery;
static int answered;
static enum discovery_result results[64];

static void note(struct discovery_request *request)
{
	results[answered++] = request->result;
}

static void ask(const char *sid, const char *peer, int64_t until_ms)
{
	struct discovery_request *request = xcalloc(1, sizeof(*request));

	str_fit(str_of(sid), request->sid, SID_SIZE);
	str_fit(str_of(peer), request->peer, sizeof(request->peer));
	request->reply = env.mailbox;
	request->until_ms = until_ms;
	request->answered = note;
	discovery_take(discovery, request);
}

static int wanted;

static bool are_answered(void)
{
	return answered >= wanted;
}

/* Two who ask for the same at once; Twilio answers with that. */
static void ask_twice(const char *raw)
{
	struct answer answer = { PATH, raw, THEN_CLOSE };

	server_forget(&server);
	server_answers(&answer, 1);
	answered = 0;
	wanted = 2;
	for (int i = 0; i < wanted; i++)
		ask(CALL, "192.0.2.1", INT64_MAX);
	until(are_answered);
}

static void test_answers(void)
{
	static const struct {
		const char *name, *raw;
		enum discovery_result result;
	} rows[] = {
		{ "a server error", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		  DISCOVERY_FAILED },
		{ "no answer", "", DISCOVERY_FAILED },
		{ "nonsense", JSON_HEAD "[]", DISCOVERY_FAILED },
		{ "refused credentials", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
		  DISCOVERY_REFUSED },
		{ "forbidden", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", DISCOVERY_REFUSED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask_twice(rows[i].raw);
		IS_INT(server.requests, 1, "%s: Twilio is asked once for both", rows[i].name);
		IS_INT(results[0], rows[i].result, "%s: what the first is told", rows[i].name);
		IS_INT(results[1], rows[i].result, "%s: and the second", rows[i].name);
	}
}

#define LISTED(sid, seconds)                                                        \
	"{\"sid\":\"" sid "\",\"call_sid\":\"" CALL "\",\"account_sid\":\"" ACCOUNT \
	"\",\"status\":\"completed\",\"duration\":\"" seconds "\",\"channels\":2}"

static void test_found(void)
{
	ask_twice(JSON_HEAD
		  "{\"recordings\":[" LISTED(OTHER, "7") "," LISTED(RECORDING, "36") "]}");
	IS_INT(server.requests, 1, "found: Twilio is asked once");
	IS_INT(results[0], DISCOVERY_FOUND, "the ledger knows it now");
	IS_INT(recorded().duration_s, 36, "with what Twilio told");
	IS_STR(str_of(recorded().call_sid), STR(CALL), "of which call");

	ask_twice("");
	IS_INT(server.requests, 0, "what the ledger knows is not asked for");
	IS_INT(results[1], DISCOVERY_FOUND, "and is found");
}

/* Remembered, so that guessing costs Twilio one request. */
static void test_missing(const char *sid, const char *path)
{
	struct answer answer = { path, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
				 THEN_CLOSE };

	server_forget(&server);
	server_answers(&answer, 1);
	answered = 0;
	for (wanted = 1; wanted <= 3; wanted++) {
		ask(sid, "192.0.2.1", INT64_MAX);
		until(are_answered);
		IS_INT(results[wanted - 1], DISCOVERY_NOT_THERE, "%s is not there (%d)", sid,
		       wanted);
	}
	IS_INT(server.requests, 1, "which Twilio is asked for once");
}

/* Nobody waits any longer: Twilio is not asked. */
static void test_left(void)
{
	enum { ASKED = 12 };
	struct answer answer = { "", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
				 THEN_CLOSE };
	int busy = 0;

	server_forget(&server);
	server_answers(&answer, 1);
	answered = 0;
	for (int i = 0; i < ASKED; i++) {
		char sid[SID_SIZE];

		snprintf(sid, sizeof(sid), "RE%032x", 100 + i);
		ask(sid, "192.0.2.1", 0);
	}
	wanted = ASKED;
	until(are_answered);
	for (int i = 0; i < ASKED; i++)
		busy += results[i] == DISCOVERY_BUSY;
	IS_INT(busy, ASKED, "all of them are told that it is busy");
	IS_INT(server.requests, 0, "and Twilio hears of none");
}

/* Each account is asked in turn until one has it. */
static void test_accounts(void)
{
	static struct account of[3];
	static const struct accounts three = { .at = of, .count = 3 };
	AUTO(free) char *long_url = xcalloc(1, 3000);
	struct answer answers[] = {
		{ "/2010-04-01/Accounts/AC00000000000000000000000000000002/Recordings/" THIRD
		  ".json",
		  "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
		{ API "/Recordings/" THIRD ".json",
		  "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
	};

	memset(long_url, 'x', 2999);
	of[0] = of[1] = of[2] = account;
	of[0].api_url = long_url;
	of[1].account_sid = (char[]){ "AC00000000000000000000000000000002" };
	rest_env.accounts = &three;
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	answered = 0;
	wanted = 1;
	ask(THIRD, "192.0.2.1", INT64_MAX);
	until(are_answered);
	IS_INT(server.requests, 2, "where one account cannot be asked, the others are");
	IS_INT(results[0], DISCOVERY_FAILED, "it may be there: not called missing");
	rest_env.accounts = &accounts;
	answered = 0;
	ask(THIRD, "192.0.2.1", INT64_MAX);
	until(are_answered);
	IS_INT(results[0], DISCOVERY_NOT_THERE, "nor remembered as missing: asked again");
}

/* So many a second, however many are wanted. */
static void test_paced(void)
{
	enum { ASKED = 21 };
	struct answer answer = { "", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
				 THEN_CLOSE };
	int64_t began_ms = loop_now_ms(rest_env.loop);

	server_forget(&server);
	server_answers(&answer, 1);
	answered = 0;
	for (int i = 0; i < ASKED; i++) {
		char sid[SID_SIZE], peer[16];

		snprintf(sid, sizeof(sid), "RE%032x", 200 + i);
		snprintf(peer, sizeof(peer), "192.0.2.%d", i % 3);
		ask(sid, peer, INT64_MAX);
	}
	wanted = ASKED;
	until(are_answered);
	IS_INT(server.requests, ASKED, "21 are asked for");
	OK(loop_now_ms(rest_env.loop) - began_ms >= 1000, "in more than a second: ten in each");
	for (int i = 0; i < ASKED; i++)
		OK(results[i] == DISCOVERY_NOT_THERE, "none is left out");
}

/* So many of one peer wait, and no more; others are not kept out by it. */
static void test_crowded(void)
{
	int busy = 0;

	server_forget(&server);
	server_answers(NULL, 0);
	answered = 0;
	for (int i = 0; i < 40; i++) {
		char sid[SID_SIZE];

		snprintf(sid, sizeof(sid), "RE%032x", 300 + i);
		ask(sid, "192.0.2.9", INT64_MAX);
	}
	ask("RE00000000000000000000000000000999", "192.0.2.8", INT64_MAX);
	wanted = 41;
	until(are_answered);
	for (int i = 0; i < wanted; i++)
		busy += results[i] == DISCOVERY_BUSY;
	OK(busy >= 10 && busy <= 20, "of 40 that one peer wants at once 20 wait: %d do not", busy);
	IS_INT(results[40], DISCOVERY_NOT_THERE, "who comes last is answered");
}

static void release(void)
{
	discovery_free(discovery);
}

int main(void)
{
	fixture_start();
	discovery = discovery_new(&rest_env);
	test_answers();
	test_found();
	test_missing("RE00000000000000000000000000000009",
		     API "/Recordings/RE00000000000000000000000000000009.json");
	test_missing("CA00000000000000000000000000000009",
		     API "/Calls/CA00000000000000000000000000000009/Recordings.json");
	test_left();
	test_accounts();
	test_paced();
	test_crowded();
	fixture_stop(release);
	return tap_end();
}
