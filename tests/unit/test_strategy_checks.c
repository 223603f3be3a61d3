/*
 * What the checks of the strategy say: of a webhook that is sent through the public address, and of what server and ledger
 * count.
 */
#include "checkup/strategy_checks.h"

#include "base/clock.h"
#include "checked.h"
#include "fake_place.h"

/* Tue Dec  1 04:00:00 UTC 2026 */
#define NOW_S 1796097600

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
	return (int64_t)NOW_S * 1000;
}

static struct fake_place public, server;
static char folder[] = "/tmp/strategy_checks.XXXXXX";
static char *socket_path;
static const char *const names[][2] = { { public.url, "PUBLIC" }, { NULL, NULL } };

static char *says_of(const char *check, struct deployment *deployment)
{
	return checked(&strategy_checks, check, deployment, names);
}

/* ---- a webhook ---- */

#define WEBHOOK "POST /webhook/recording-status?probe=1 "
#define REFUSED(says, answer, write)                                           \
	"breaks: " says "\n"                                                   \
	"looked at: POST PUBLIC/webhook/recording-status?probe=1, signed for " \
	"https://signed.test: " answer " bytes in N ms\n"                      \
	"expected: 200, as callspool answers what Twilio signed\n" write       \
	"confirm: callspool doctor webhook\n"
#define BEFORE  "Twilio's webhooks are refused before they reach callspool"
#define NOWHERE "Twilio's webhooks do not reach callspool"

static const struct {
	const char *name, *head, *body, *says;
} webhooks[] = {
	{ "it is taken", "200 OK", "",
	  "good: one that is signed as Twilio does is taken, in N ms\n" },
	{ "callspool refuses the signature", "403 Forbidden", "{\"code\":\"forbidden\"}",
	  REFUSED("Twilio's webhooks are refused: the address that is signed is not the one that "
		  "arrives",
		  "403, Content-Length 20, 20", "write: public_url = PUBLIC\n") },
	{ "another refuses it, in the same words", "400 Bad Request", "{\"code\":\"forbidden\"}",
	  REFUSED(NOWHERE, "400, Content-Length 20, 20", "") },
	{ "it arrives without its signature", "400 Bad Request", "X-Twilio-Signature is missing",
	  REFUSED("Twilio's webhooks are refused: the signature does not come through the proxy",
		  "400, Content-Length 29, 29", "") },
	{ "another error that names the signature", "500 Error", "X-Twilio-Signature",
	  REFUSED(NOWHERE, "500, Content-Length 18, 18", "") },
	{ "the proxy wants a password", "401 Unauthorized", "sign in",
	  REFUSED(BEFORE, "401, Content-Length 7, 7",
		  "write: auth_basic off;    # for /webhook/: no sign-in\n") },
	{ "the proxy denies it", "403 Forbidden", "no",
	  REFUSED(BEFORE, "403, Content-Length 2, 2",
		  "write: allow all;    # for /webhook/: no deny, no auth_request\n") },
	{ "nothing is there", "404 Not Found", "",
	  REFUSED(NOWHERE, "404, Content-Length 0, 0", "") },
	{ "it is too large for the proxy", "413 Too Large", "no",
	  REFUSED(NOWHERE, "413, Content-Length 2, 2", "") },
};

static struct deployment webhook_deployment(void)
{
	static char token[] = "Authorization: Bearer t";

	return (struct deployment){
		.token = token,
		.server.public_url = "https://signed.test",
		.probe = { .stored = "CA1",
			   .webhook_path = "/webhook/recording-status?probe=1",
			   .webhook_body = "CallSid=CA1&RecordingSid=RE1",
			   .webhook_signature = "c2lnbmVk" },
		.places[PLACE_PUBLIC] = { .url = public.url },
	};
}

static void test_webhook(void)
{
	for (size_t i = 0; i < ARRAY_LEN(webhooks); i++) {
		const struct page pages[] = { { WEBHOOK, NULL, webhooks[i].head, webhooks[i].body },
					      { 0 } };
		struct deployment deployment = webhook_deployment();
		AUTO(free) char *says = NULL;

		place_say(&public, pages);
		says = says_of("webhook", &deployment);
		IS_STR(str_of(says), str_of(webhooks[i].says), "webhook: %s", webhooks[i].name);
		IS_INT(place_count(&public), 1, "webhook: one is sent");
	}
	OK(place_was_told(&public, "\r\nX-Twilio-Signature: c2lnbmVk\r\n"),
	   "webhook: it is signed");
	OK(place_was_told(&public, "\r\n\r\nCallSid=CA1&RecordingSid=RE1"),
	   "webhook: its body is what was signed");
	OK(place_was_told(&public, "\r\nContent-Type: application/x-www-form-urlencoded; "
				   "charset=UTF-8\r\n"),
	   "webhook: it is a form, as Twilio's are");
	OK(place_was_told(&public, "\r\nUser-Agent: TwilioProxy/1.1\r\n"),
	   "webhook: it comes from Twilio's agent");
	OK(!place_was_told(&public, "Authorization"), "webhook: nobody is signed in");
}

static void test_no_webhook(void)
{
	static const struct {
		const char *name, *stored, *path, *silent, *says, *chosen;
		bool has_address;
	} cases[] = {
		{ "no server", NULL, NULL, NULL, "left out: no server runs that could sign one\n",
		  "unchecked: no server runs that could sign one\n", true },
		{ "a server without a token", "CA1", NULL, NULL,
		  "left out: without public_url and an auth token nothing can be signed\n",
		  "unchecked: without public_url and an auth token nothing can be signed\n", true },
		{ "no address", "CA1", "/webhook", NULL,
		  "left out: there is no public address: see public-url\n",
		  "unchecked: there is no public address: see public-url\n", false },
		{ "an address that is silent", "CA1", "/webhook", "public",
		  "left out: it follows from public\n", "left out: it follows from public\n",
		  true },
	};

	place_say(&public, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = webhook_deployment();
		AUTO(free) char *says = NULL, *chosen = NULL;

		deployment.probe.stored = cases[i].stored;
		deployment.probe.webhook_path = cases[i].path;
		deployment.places[PLACE_PUBLIC].silent = cases[i].silent;
		if (!cases[i].has_address)
			deployment.places[PLACE_PUBLIC].url = NULL;
		says = says_of("webhook", &deployment);
		chosen = checked_as(&strategy_checks, "webhook", &deployment, names, true);
		IS_STR(str_of(says), str_of(cases[i].says), "webhook: %s", cases[i].name);
		IS_STR(str_of(chosen), str_of(cases[i].chosen), "webhook, by name: %s",
		       cases[i].name);
	}
	IS_INT(place_count(&public), 0, "webhook: then none is sent");
}

/* ---- what the status says ---- */

static const struct {
	const char *name, *check, *status, *says;
} cases[] = {
	{ "none was refused", "webhooks-taken",
	  "{\"causes\":[\"The key is gone\",\"Some Webhooks are refused\"]}",
	  "good: none was refused since the last that was good\n" },
	{ "some were", "webhooks-taken",
	  "{\"causes\":[\"The key is gone\",\"Webhooks are refused: 3 since\",\"Webhooks are "
	  "refused again\"]}",
	  "breaks: Webhooks are refused: 3 since\n"
	  "looked at: what callspool counts since its start\n"
	  "expected: webhooks that are taken\n"
	  "confirm: callspool status\n" },

	{ "no call", "webhooks-come", "{\"calls\":0}", "good: there is no call yet\n" },
	{ "calls, and no webhook", "webhooks-come", "{\"calls\":1,\"webhooks\":{}}",
	  "weakens: no webhook has ever come: recordings are found by Twilio's list alone\n"
	  "looked at: the events of the ledger\n"
	  "expected: one for each call, within seconds\n"
	  "confirm: callspool doctor webhooks-come\n" },
	{ "one came, and no server tells of calls since", "webhooks-come",
	  "{\"calls\":1,\"webhooks\":{\"last_taken_at\":\"2026-12-01T00:00:00Z\"}}",
	  "good: the last came 2026-12-01T00:00:00Z\n" },

	{ "nothing waits", "queue", "{}", "good: nothing waits to be fetched\n" },
	{ "for a quarter of an hour", "queue",
	  "{\"oldest_queued_at\":\"2026-12-01T03:45:00.000Z\"}",
	  "good: the oldest waits since 2026-12-01T03:45:00.000Z\n" },
	{ "for longer", "queue",
	  "{\"oldest_queued_at\":\"2026-12-01T03:44:59.999Z\",\"recordings\":{\"queued\":3,"
	  "\"waiting\":4}}",
	  "weakens: recordings wait to be fetched\n"
	  "looked at: 3 queued, 4 waiting; the oldest since 2026-12-01T03:44:59.999Z, 15 min\n"
	  "expected: each fetched within seconds\n"
	  "confirm: callspool doctor queue\n" },
	{ "for days, in whole minutes", "queue",
	  "{\"oldest_queued_at\":\"2026-12-01T01:40:59.000Z\",\"recordings\":{\"queued\":1}}",
	  "weakens: recordings wait to be fetched\n"
	  "looked at: 1 queued, 0 waiting; the oldest since 2026-12-01T01:40:59.000Z, 139 min\n"
	  "expected: each fetched within seconds\n"
	  "confirm: callspool doctor queue\n" },
	{ "since a time that is none", "queue", "{\"oldest_queued_at\":\"long ago\"}",
	  "unchecked: it is not known since when the oldest waits: long ago\n" },

	{ "none", "given-up", "{\"recordings\":{\"dead\":0}}", "good: none was given up\n" },
	{ "one", "given-up", "{\"recordings\":{\"dead\":1}}",
	  "breaks: recordings were given up\n"
	  "looked at: 1 recording in the state dead\n"
	  "expected: none\n"
	  "write: callspool retry --all\n"
	  "confirm: callspool doctor given-up\n" },
	{ "two", "given-up", "{\"recordings\":{\"dead\":2}}",
	  "breaks: recordings were given up\n"
	  "looked at: 2 recordings in the state dead\n"
	  "expected: none\n"
	  "write: callspool retry --all\n"
	  "confirm: callspool doctor given-up\n" },

	{ "it was not read", "list", "{}", "good: it was not read yet\n" },
	{ "it was", "list", "{\"complete\":{\"text\":\"complete until noon\"}}",
	  "good: complete until noon\n" },
	{ "it cannot be", "list",
	  "{\"complete\":{\"text\":\"complete until noon\",\"failing_since\":\"2026-12-01\","
	  "\"failure\":\"403\"}}",
	  "weakens: Twilio's list of recordings cannot be read\n"
	  "looked at: it cannot be read since 2026-12-01: 403\n"
	  "expected: that it is read every quarter of an hour\n"
	  "confirm: callspool doctor list\n" },
};

static void test_status(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = { .status = json_loads(cases[i].status, 0, NULL) };
		struct deployment none = { .status = NULL };
		AUTO(free) char *says = says_of(cases[i].check, &deployment);
		AUTO(free) char *unknown = says_of(cases[i].check, &none);

		IS_STR(str_of(says), str_of(cases[i].says), "%s: %s", cases[i].check,
		       cases[i].name);
		IS_STR(str_of(unknown),
		       STR("unchecked: neither a server nor a ledger says what is here\n"),
		       "%s: nobody says", cases[i].check);
		json_decref(deployment.status);
	}
}

/* ---- what the server says when it is asked ---- */

#define TAKEN "{\"webhooks\":{\"last_taken_at\":\"2026-12-01\"}}"
#define CALL  "{\"recording_count\":1},"
#define QUIET "{\"recording_count\":0},"

static char *calls_of(size_t count)
{
	struct buf out;

	buf_init(&out, CHECKED_MAX);
	buf_add_text(&out, "{\"calls\":[" QUIET);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&out, CALL);
	buf_add_text(&out, QUIET "{\"recording_count\":0}]}");
	return buf_take(&out);
}

#define STOPPED(count)                                                                    \
	"weakens: webhooks come no longer: recordings are found by Twilio's list alone\n" \
	"looked at: " count " recorded calls began since the last webhook, 2026-12-01\n"  \
	"expected: one for each call, within seconds\n"                                   \
	"confirm: callspool doctor webhooks-come\n"

static void test_unannounced(void)
{
	static const struct {
		const char *name;
		size_t count;
		const char *says;
	} rows[] = {
		{ "four may be on their way", 4, "good: the last came 2026-12-01\n" },
		{ "five are not", 5, STOPPED("5") },
		{ "nearly a page", 199, STOPPED("199") },
		{ "a page of them", 200, STOPPED("200 or more") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(free) char *calls = calls_of(rows[i].count);
		const struct page pages[] = { { "GET /api/calls?from=2026-12-01&limit=200 ", NULL,
						"200 OK", calls },
					      { 0 } };
		struct deployment deployment = { .server.version = "1.0",
						 .socket_path = socket_path,
						 .status = json_loads(TAKEN, 0, NULL) };
		AUTO(free) char *says = NULL;

		place_say(&server, pages);
		says = says_of("webhooks-come", &deployment);
		IS_STR(str_of(says), str_of(rows[i].says), "webhooks-come: %s", rows[i].name);
		json_decref(deployment.status);
	}
}

#define PLAYS(store, flight)                                     \
	"# HELP callspool_latest_plays of the last\n"            \
	"callspool_latest_plays{source=\"storeroom\"} 7\n"       \
	"callspool_latest_plays{source=\"store\"} " store "\n"   \
	"callspool_latest_plays{source=\"flight\"} " flight "\n" \
	"callspool_plays{source=\"store\"} 100000\n"
#define LATE(text)                                                        \
	"weakens: recordings are fetched only when somebody plays them\n" \
	"looked at: " text " plays came from the store\n"                 \
	"expected: 95 of 100 that are here before\n"                      \
	"confirm: callspool doctor from-store\n"

static void test_share(void)
{
	static const struct {
		const char *name, *metrics, *says;
	} rows[] = {
		{ "nothing is told", "",
		  "good: 0 of the last plays are known: too few to judge\n" },
		{ "nineteen", PLAYS("0", "19"),
		  "good: 19 of the last plays are known: too few to judge\n" },
		{ "twenty", PLAYS("18", "2"), LATE("18 of the last 20") },
		{ "95 of 100", PLAYS("95", "5"),
		  "good: 95 of the last 100 plays came from the store\n" },
		{ "a little less", PLAYS("949", "51"), LATE("949 of the last 1000") },
		{ "all of them", PLAYS("20", "0"),
		  "good: 20 of the last 20 plays came from the store\n" },
		{ "a number that is none", PLAYS("many", "19"),
		  "good: 19 of the last plays are known: too few to judge\n" },
	};
	struct deployment none = { .socket_path = socket_path };
	AUTO(free) char *left_out = says_of("from-store", &none);
	AUTO(free) char *chosen = checked_as(&strategy_checks, "from-store", &none, names, true);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct page pages[] = { { "GET /metrics ", NULL, "200 OK", rows[i].metrics },
					      { 0 } };
		struct deployment deployment = { .server.version = "1.0",
						 .socket_path = socket_path };
		AUTO(free) char *says = NULL;

		place_say(&server, pages);
		says = says_of("from-store", &deployment);
		IS_STR(str_of(says), str_of(rows[i].says), "from-store: %s", rows[i].name);
	}
	IS_STR(str_of(left_out), STR("left out: no server runs that counts plays\n"),
	       "from-store: no server");
	IS_STR(str_of(chosen), STR("unchecked: no server runs that counts plays\n"),
	       "from-store: no server, and it was asked for by name");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	socket_path = xasprintf("%s/socket", folder);
	place_start(&public);
	place_start_at(&server, socket_path);
	test_webhook();
	test_no_webhook();
	test_status();
	test_unannounced();
	test_share();
	place_stop(&public);
	place_stop(&server);
	unlink(socket_path);
	rmdir(folder);
	free(socket_path);
	return tap_end();
}
