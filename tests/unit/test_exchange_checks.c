/*
 * What is asked in a request or two: sound in flight, what is really stored, strangers, errors, pages of others, the WebSocket.
 */
#include "checkup/exchange_checks.h"

#include "fake_callspool.h"

#define CALL(of) "GET /api/calls/" of "/download "

/* ---- in flight ---- */

#define HELD_BACK(ms)                                                            \
	"breaks: the proxy holds sound back until all of it has come\n"          \
	"looked at: a play of one in flight through P: the first byte after " ms \
	" ms, of a flight of 100 ms\n"                                           \
	"expected: the first byte as soon as callspool has it\n"                 \
	"write: proxy_buffering off;\n"                                          \
	"confirm: callspool doctor flight-at-once\n"
#define AT_ONCE(ms) "good: first byte after " ms " ms of a flight of 100 ms\n"

/* A flight of 100 ms.  noted_ms: of a play before; next_ms: of plays of its own. */
static const struct {
	const char *name;
	int64_t noted_ms, next_ms[3];
	size_t asked;
	const char *says;
} flights[] = {
	{ "it began at once before", 49, { 0 }, 0, AT_ONCE("49") },
	{ "it began half-way before, and at once now", 50, { 10 }, 1, AT_ONCE("10") },
	{ "it began late once again, and then at once", 100, { 50, 49 }, 2, AT_ONCE("49") },
	{ "it was not played before", 0, { 12 }, 1, AT_ONCE("12") },
	{ "it was not played before, and was late once", 0, { 99, 1 }, 2, AT_ONCE("1") },
	{ "it is late each time", 90, { 80, 50, 1 }, 2, HELD_BACK("50") },
	{ "it is late at its end", 0, { 100, 101, 1 }, 2, HELD_BACK("101") },
};

static void test_flight(void)
{
	for (size_t i = 0; i < ARRAY_LEN(flights); i++) {
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		deployment.places[PLACE_PUBLIC].flight_first_ms = flights[i].noted_ms;
		memcpy(fake_next_ms, flights[i].next_ms, sizeof(flights[i].next_ms));
		says = fake_says("flight-at-once", &deployment);
		IS_STR(str_of(says), str_of(flights[i].says), "flight-at-once: %s",
		       flights[i].name);
		IS_INT(place_count(&fake_places[PLACE_PUBLIC]), flights[i].asked,
		       "flight-at-once: played so often: %s", flights[i].name);
		IS_INT(fake_heads, flights[i].asked,
		       "flight-at-once: and not waited for to its end: %s", flights[i].name);
		buf_release(&deployment.media);
	}
}

static void test_flight_fails(void)
{
	static const struct page pages[] = { { CALL(FLYING), NULL, "206 Part", "ID" }, { 0 } };
	struct deployment deployment = fake_deployment();
	AUTO(free) char *says = NULL;

	place_say(&fake_places[PLACE_PUBLIC], pages);
	says = fake_says("flight-at-once", &deployment);
	IS_STR(str_of(says), STR("left out: it follows from flight-whole\n"),
	       "flight-at-once: what does not play at all is another check's");
	buf_release(&deployment.media);
}

/* ---- what is really stored ---- */

#define MEDIA "GET /api/recordings/" NEWEST "/media "
#define NOT_STORED(says, where, answer, write)                                    \
	"breaks: the newest recording that is stored does not play" says "\n"     \
	"looked at: " NEWEST ", bytes=0-1, " where ": " answer " bytes in 9 ms\n" \
	"expected: 206, and its first two bytes\n" write "confirm: callspool doctor stored\n"
#define PASS  "write: proxy_pass DIRECT;    # for /api/recordings/, as for /api/calls/\n"
#define PLAYS "good: " NEWEST " plays\n"

static const struct {
	const char *name;
	enum place_kind kind;
	const char *head, *body;
	bool is_public_alone;
	const char *says;
} stored[] = {
	{ "it plays", PLACE_DIRECT, "206 Part", "ID", false, PLAYS },
	{ "it was deleted meanwhile", PLACE_DIRECT, "410 Gone", "", false, PLAYS },
	{ "it was, as the proxy says, too", PLACE_PUBLIC, "410 Gone", "", false, PLAYS },
	{ "it is gone", PLACE_DIRECT, "404 None", "", false,
	  NOT_STORED("", "directly", "404, Content-Length 0, 0", "") },
	{ "all of it comes", PLACE_DIRECT, "200 OK", "ID", false,
	  NOT_STORED("", "directly", "200, Content-Length 2, 2", "") },
	{ "one byte comes", PLACE_DIRECT, "206 Part", "I", false,
	  NOT_STORED("", "directly", "206, Content-Length 1, 1", "") },
	{ "the proxy has another way for it", PLACE_PUBLIC, "404 None", "", false,
	  NOT_STORED(" through the proxy", "through P", "404, Content-Length 0, 0", PASS) },
	{ "it is asked through the proxy alone", PLACE_PUBLIC, "404 None", "", true,
	  NOT_STORED("", "through P", "404, Content-Length 0, 0", "") },
};

static void test_stored(void)
{
	for (size_t i = 0; i < ARRAY_LEN(stored); i++) {
		const struct page pages[] = {
			{ MEDIA, "\r\nRange: bytes=0-1\r\n", stored[i].head, stored[i].body }, { 0 }
		};
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		if (stored[i].is_public_alone)
			deployment.places[PLACE_DIRECT].url = NULL;
		place_say(&fake_places[stored[i].kind], pages);
		says = fake_says("stored", &deployment);
		IS_STR(str_of(says), str_of(stored[i].says), "stored: %s", stored[i].name);
		buf_release(&deployment.media);
	}
}

/* A place of which something is known to be wrong is not asked. */
static void test_stored_elsewhere(void)
{
	static const struct page pages[] = { { MEDIA, NULL, "404 None", NULL }, { 0 } };
	struct deployment deployment = fake_deployment();
	struct place *place = &deployment.places[PLACE_PUBLIC];
	const char **const known[] = { &place->silent, &place->signed_out, &place->rangeless,
				       &place->url };
	AUTO(free) char *none = NULL, *stopped = NULL;

	place_say(&fake_places[PLACE_PUBLIC], pages);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *before = *known[i];
		AUTO(free) char *says = NULL;

		*known[i] = before ? NULL : "another-check";
		says = fake_says("stored", &deployment);
		IS_STR(str_of(says), STR(PLAYS), "stored: where it is asked, case %zu", i);
		*known[i] = before;
	}
	deployment.probe.recording = NULL;
	none = fake_says("stored", &deployment);
	IS_STR(str_of(none), STR("left out: nothing is stored yet\n"), "stored: nothing is");
	deployment.probe.recording = NEWEST;
	deployment.probe.stored = NULL;
	stopped = fake_says("stored", &deployment);
	IS_STR(str_of(stopped), STR("left out: nothing is stored yet\n"),
	       "stored: no server says what is");
	IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0, "stored: the place is not asked");
	buf_release(&deployment.media);
}

/* ---- strangers ---- */

static void test_private(void)
{
	static const struct {
		const char *name, *auth, *head, *says;
	} cases[] = {
		{ "a stranger is refused", "password", "401 No",
		  "good: who is not signed in is answered 401\n" },
		{ "by the proxy, with a page to sign in", NULL, "302 Sign in",
		  "good: who is not signed in is answered 302\n" },
		{ "a stranger hears it", "proxy", "200 OK",
		  "breaks: strangers hear recordings: a cache before callspool keeps them\n"
		  "looked at: a play that is not signed in, just behind one that was: 200, "
		  "Content-Length 0, 0 bytes in 9 ms\n"
		  "expected: 401, as callspool answers\n"
		  "write: proxy_cache off;\n"
		  "confirm: callspool doctor private\n" },
		{ "everybody may", "none", "200 OK",
		  "left out: auth = none: everybody may play\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { CALL(STORED), "\r\nAuthorization: Bearer t\r\n",
						"200 OK", "ID" },
					      { CALL(STORED), NULL, cases[i].head, NULL },
					      { 0 } };
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL, *asked = NULL;

		deployment.server.auth = cases[i].auth;
		place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says("private", &deployment);
		asked = place_all(&fake_places[PLACE_PUBLIC]);
		IS_STR(str_of(says), str_of(cases[i].says), "private: %s", cases[i].name);
		IS_STR(str_of(asked),
		       strncmp(cases[i].says, "left", 4) == 0
			       ? STR("")
			       : STR(CALL(STORED) "HTTP/1.1\n" CALL(STORED) "HTTP/1.1\n"),
		       "private: another plays it first: %s", cases[i].name);
		OK(!place_was_told(&fake_places[PLACE_PUBLIC], "Authorization"),
		   "private: and the stranger is none who is signed in");
		buf_release(&deployment.media);
	}
}

/* ---- errors ---- */

#define PAGE_OF_ITS_OWN(answer)                                                          \
	"weakens: the proxy puts a page of its own in the place of callspool's errors\n" \
	"looked at: a call that is not there: " answer " bytes in 9 ms\n"                \
	"expected: 404, and JSON that says why\n"                                        \
	"write: proxy_intercept_errors off;\n"                                           \
	"confirm: callspool doctor errors\n"

static void test_errors(void)
{
	static const struct {
		const char *name, *head, *body, *says;
	} cases[] = {
		{ "callspool's own", NULL, NULL,
		  "good: a call that is not there is answered 404, with its reason as JSON\n" },
		{ "a page", "404 None", "<h1>None</h1>",
		  PAGE_OF_ITS_OWN("404, Content-Length 13, 13") },
		{ "its words, and another status", "200 OK", "{\"code\":\"call_not_found\"}",
		  PAGE_OF_ITS_OWN("200, Content-Length 25, 25") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { CALL(MISSING), NULL, cases[i].head, cases[i].body },
					      { 0 } };
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		if (cases[i].head)
			place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says("errors", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "errors: %s", cases[i].name);
		buf_release(&deployment.media);
	}
}

/* ---- pages of others ---- */

#define ALLOWED    "\r\nAccess-Control-Allow-Origin: " ORIGIN
#define EXPOSED    "\r\nAccess-Control-Expose-Headers: ETag, Content-Range"
#define OF_OPTIONS "the question that a browser asks before (OPTIONS)"
#define NOT_SHARED(what, answer)                                                                \
	"breaks: a page of another origin may not play, though it is listed\n"                  \
	"looked at: " what ": " answer "\n"                                                     \
	"expected: one Access-Control-Allow-Origin, and Content-Range exposed\n"                \
	"write: proxy_hide_header \"\";    # no add_header Access-Control-Allow-Origin of its " \
	"own\n"                                                                                 \
	"confirm: callspool doctor cors\n"
#define NO_BYTES ", Content-Length 0, 0 bytes in 9 ms"
#define TWO      ", Content-Length 2, 2 bytes in 9 ms"

static void test_cors(void)
{
	static const struct {
		const char *name, *options, *play, *says;
	} cases[] = {
		{ "it may", "204 None" ALLOWED, "206 Part" ALLOWED EXPOSED,
		  "good: " ORIGIN " may play\n" },
		{ "the proxy answers the question", "204 None", "206 Part" ALLOWED EXPOSED,
		  NOT_SHARED(OF_OPTIONS, "204" NO_BYTES) },
		{ "the question is answered by a page", "200 OK" ALLOWED,
		  "206 Part" ALLOWED EXPOSED, NOT_SHARED(OF_OPTIONS, "200" NO_BYTES) },
		{ "another may ask", "204 None\r\nAccess-Control-Allow-Origin: https://other.test",
		  "206 Part" ALLOWED EXPOSED, NOT_SHARED(OF_OPTIONS, "204" NO_BYTES) },
		{ "the answer is allowed twice", "204 None" ALLOWED,
		  "206 Part" ALLOWED "\r\naccess-control-allow-origin: *" EXPOSED,
		  NOT_SHARED("a play by that page", "206" TWO) },
		{ "the answer is not", "204 None" ALLOWED, "206 Part" EXPOSED,
		  NOT_SHARED("a play by that page", "206" TWO) },
		{ "nothing is exposed", "204 None" ALLOWED, "206 Part" ALLOWED,
		  NOT_SHARED("a play by that page", "206" TWO) },
		{ "something else is", "204 None" ALLOWED,
		  "206 Part" ALLOWED "\r\nAccess-Control-Expose-Headers: ETag",
		  NOT_SHARED("a play by that page", "206" TWO) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { "OPTIONS /api/calls/" STORED "/download ",
						"\r\nOrigin: " ORIGIN
						"\r\nAccess-Control-Request-Method: GET\r\n"
						"Access-Control-Request-Headers: authorization, "
						"range\r\n",
						cases[i].options, NULL },
					      { CALL(STORED),
						"\r\nOrigin: " ORIGIN "\r\nRange: bytes=0-1\r\n"
						"Authorization: Bearer t\r\n",
						cases[i].play, "ID" },
					      { 0 } };
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says("cors", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "cors: %s", cases[i].name);
		buf_release(&deployment.media);
	}

	struct deployment none = fake_deployment();
	AUTO(free) char *says = NULL;

	none.server.other_origin = NULL;
	says = fake_says("cors", &none);
	IS_STR(str_of(says), STR("left out: cors_origins lists none\n"), "cors: none is listed");
	buf_release(&none.media);
}

/* ---- the WebSocket ---- */

#define NO_SOCKET(says, answer, write)                                           \
	"weakens: " says "\nlooked at: a WebSocket to /api/events: " answer "\n" \
	"expected: 101 Switching Protocols\nwrite: " write "confirm: callspool doctor events\n"
#define LINES                                                                                  \
	"proxy_set_header Upgrade $http_upgrade;\n"                                            \
	"proxy_set_header Connection $callspool_connection;\n"                                 \
	"# and in http, outside of server: map $http_upgrade $callspool_connection { default " \
	"upgrade; '' ''; }\n"
#define FOREIGN "{\"code\":\"foreign_origin\"}"

static void test_events(void)
{
	static const struct {
		const char *name, *head, *body, *misnamed, *says;
	} cases[] = {
		{ "it is opened", NULL, NULL, NULL,
		  "good: it is opened through the public address\n" },
		{ "it is not", "400 No", "", NULL,
		  NO_SOCKET("no WebSocket comes through the proxy", "400" NO_BYTES, LINES) },
		{ "an answer that is none", "200 OK", "", "host-arrives",
		  NO_SOCKET("no WebSocket comes through the proxy", "200" NO_BYTES, LINES) },
		{ "its page is taken for another's", "403 No", FOREIGN, NULL,
		  NO_SOCKET("callspool takes its own page for another's, and refuses its WebSocket",
			    "403, Content-Length 25, 25 bytes in 9 ms", "public_url = PUBLIC\n") },
		{ "its page is, as its name does not arrive", "403 No", FOREIGN, "host-arrives",
		  "left out: it follows from host-arrives\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = {
			{ "GET /api/events ", NULL, cases[i].head, cases[i].body }, { 0 }
		};
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL, *origin = NULL;

		deployment.places[PLACE_PUBLIC].misnamed = cases[i].misnamed;
		if (cases[i].head)
			place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says("events", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "events: %s", cases[i].name);
		origin = xasprintf("\r\nOrigin: %s\r\n", fake_places[PLACE_PUBLIC].url);
		OK(place_was_told(&fake_places[PLACE_PUBLIC], origin),
		   "events: as the page of the public address does");
		OK(place_was_told(&fake_places[PLACE_DIRECT], "\r\nOrigin: https://calls.test\r\n"),
		   "events: directly, too");
		IS_INT(fake_heads, 2, "events: nobody waits for its end, at either place");
		OK(place_was_told(&fake_places[PLACE_PUBLIC], "\r\nUpgrade: websocket\r\n") &&
			   place_was_told(&fake_places[PLACE_PUBLIC],
					  "\r\nConnection: Upgrade\r\n"),
		   "events: it is a WebSocket that is asked for");
		buf_release(&deployment.media);
	}
}

static void test_events_directly(void)
{
	static const struct page pages[] = { { "GET /api/events ", NULL, "503 Busy", NULL },
					     { 0 } };
	struct deployment deployment = fake_deployment();
	AUTO(free) char *says = NULL, *silent = NULL, *nameless = NULL, *own = NULL;

	place_say(&fake_places[PLACE_DIRECT], pages);
	says = fake_says("events", &deployment);
	IS_STR(str_of(says),
	       STR("unchecked: directly none is opened: 503, Content-Length 0, 0 bytes in 9 ms\n"),
	       "events: what callspool itself opens to nobody says nothing of the proxy");
	IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0, "events: which is not asked then");
	deployment.places[PLACE_DIRECT].silent = "answers";
	silent = fake_says("events", &deployment);
	IS_STR(str_of(silent), STR("good: it is opened through the public address\n"),
	       "events: directly it is silent, and is not asked");
	deployment.places[PLACE_DIRECT].silent = NULL;
	deployment.server.public_url = NULL;
	nameless = fake_says("events", &deployment);
	own = xasprintf("\r\nOrigin: %s\r\n", fake_places[PLACE_DIRECT].url);
	OK(place_was_told(&fake_places[PLACE_DIRECT], own),
	   "events: without a public_url the page comes from where it is asked");
	buf_release(&deployment.media);
}

/* ---- where nothing can be asked ---- */

static void test_nowhere(void)
{
	static const char *const checks[] = { "flight-at-once", "private", "errors", "cors",
					      "events" };
	static const struct {
		const char *name;
		bool has_probe, has_url;
		const char *silent, *signed_out, *says, *chosen;
	} rows[] = {
		{ "no server", false, true, NULL, NULL,
		  "left out: no server runs that could be played from\n",
		  "unchecked: no server runs that could be played from\n" },
		{ "no address", true, false, NULL, NULL, "left out: there is no public address\n",
		  "unchecked: there is no public address\n" },
		{ "a silent one", true, true, "public", "sign-in",
		  "left out: it follows from public\n", "left out: it follows from public\n" },
		{ "one where nobody is signed in", true, true, NULL, "sign-in",
		  "left out: it follows from sign-in\n", "left out: it follows from sign-in\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(checks); k++) {
			struct deployment deployment = fake_deployment();
			struct place *place = &deployment.places[PLACE_PUBLIC];
			AUTO(free) char *says = NULL, *chosen = NULL;

			deployment.probe.stored = rows[i].has_probe ? STORED : NULL;
			place->url = rows[i].has_url ? place->url : NULL;
			place->silent = rows[i].silent;
			place->signed_out = rows[i].signed_out;
			says = fake_says(checks[k], &deployment);
			chosen = fake_says_as(checks[k], &deployment, true);
			IS_STR(str_of(says), str_of(rows[i].says), "%s: %s", checks[k],
			       rows[i].name);
			IS_STR(str_of(chosen), str_of(rows[i].chosen), "%s, asked for by name: %s",
			       checks[k], rows[i].name);
			IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0,
			       "%s: nothing is asked: %s", checks[k], rows[i].name);
			buf_release(&deployment.media);
		}
}

int main(void)
{
	fake_start();
	test_flight();
	test_flight_fails();
	test_stored();
	test_stored_elsewhere();
	test_private();
	test_errors();
	test_cors();
	test_events();
	test_events_directly();
	test_nowhere();
	fake_stop();
	return tap_end();
}
