/*
 * What is said of what arrives at callspool: of an echo that is as it should be, and of each that is not.
 */
#include "checkup/arrival_checks.h"

#include "fake_callspool.h"

#define ECHO_OF "GET /api/calls/" ECHOING "/download?doctor="
#define LINES                                                                                  \
	"proxy_set_header Upgrade $http_upgrade;\n"                                            \
	"proxy_set_header Connection $callspool_connection;\n"                                 \
	"# and in http, outside of server: map $http_upgrade $callspool_connection { default " \
	"upgrade; '' ''; }\n"

/* ---- signing in ---- */

#define SIGNED_OUT(says, where, answer, write)                                            \
	"breaks: " says "\nlooked at: GET /api/calls/CA.../download " where ": " answer   \
	" bytes in 9 ms\nexpected: the answer of this callspool to its own token\n" write \
	"confirm: callspool doctor sign-in\n"
#define STOLEN "plays do not reach callspool: something else answers their path"

static const struct {
	const char *name;
	enum place_kind kind;
	const char *head, *body, *says;
} sign_ins[] = {
	{ "the token is lost", PLACE_PUBLIC, "401 Unauthorized", "no",
	  SIGNED_OUT("who signs in does not arrive: Authorization is lost on the way", "through P",
		     "401, Content-Length 2, 2",
		     "write: proxy_set_header Authorization $http_authorization;\n") },
	{ "the path is another", PLACE_PUBLIC, "404 None", "{\"code\":\"not_found\"}",
	  SIGNED_OUT("the proxy rewrites the path: callspool has nothing at the one that arrives",
		     "through P", "404, Content-Length 20, 20",
		     "write: proxy_pass http://callspool;    # no path behind the name\n") },
	{ "another callspool", PLACE_PUBLIC, "404 None", "{\"code\":\"call_not_found\"}",
	  SIGNED_OUT("another callspool answers at the public address", "through P",
		     "404, Content-Length 25, 25", "") },
	{ "a page", PLACE_PUBLIC, "200 OK", "welcome",
	  SIGNED_OUT(STOLEN, "through P", "200, Content-Length 7, 7", "") },
	{ "JSON that is no echo", PLACE_PUBLIC, "200 OK", "{\"headers\":3}",
	  SIGNED_OUT(STOLEN, "through P", "200, Content-Length 13, 13", "") },
	{ "an echo with a status of its own", PLACE_PUBLIC, "203 OK", "{\"headers\":[]}",
	  SIGNED_OUT(STOLEN, "through P", "203, Content-Length 14, 14", "") },
	{ "it is refused directly, too", PLACE_DIRECT, "401 Unauthorized", "no",
	  SIGNED_OUT("who signs in does not arrive: Authorization is lost on the way", "directly",
		     "401, Content-Length 2, 2",
		     "write: proxy_set_header Authorization $http_authorization;\n") },
};

static void test_sign_in(void)
{
	struct deployment good = fake_deployment();
	AUTO(free) char *well = fake_says("sign-in", &good);

	IS_STR(str_of(well), STR("good: a play arrives, and its token with it\n"),
	       "sign-in: it does");
	OK(!good.places[PLACE_DIRECT].signed_out && !good.places[PLACE_PUBLIC].signed_out,
	   "sign-in: at both places");
	IS_INT(place_count(&fake_places[PLACE_DIRECT]), 1, "sign-in: it is looked for directly");
	IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 1, "sign-in: and through the proxy");
	buf_release(&good.media);
	for (size_t i = 0; i < ARRAY_LEN(sign_ins); i++) {
		const struct page pages[] = { { ECHO_OF, NULL, sign_ins[i].head, sign_ins[i].body },
					      { 0 } };
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		place_say(&fake_places[sign_ins[i].kind], pages);
		says = fake_says("sign-in", &deployment);
		IS_STR(str_of(says), str_of(sign_ins[i].says), "sign-in: %s", sign_ins[i].name);
		IS_STR(str_of(deployment.places[sign_ins[i].kind].signed_out), STR("sign-in"),
		       "sign-in: what follows from it knows: %s", sign_ins[i].name);
		OK(!deployment.places[PLACE_PUBLIC - sign_ins[i].kind].signed_out,
		   "sign-in: of that place alone: %s", sign_ins[i].name);
		buf_release(&deployment.media);
	}
}

/* A place that is not there, or is silent, is not asked. */
static void test_sign_in_nowhere(void)
{
	struct deployment direct = fake_deployment();
	AUTO(free) char *says = NULL, *without = NULL;

	direct.places[PLACE_DIRECT].silent = "answers";
	direct.places[PLACE_PUBLIC].silent = "public";
	says = fake_says("sign-in", &direct);
	IS_STR(str_of(says), STR("left out: through P it does not answer: see public\n"),
	       "sign-in: nobody answers");
	direct.places[PLACE_DIRECT].url = direct.places[PLACE_PUBLIC].url = NULL;
	without = fake_says("sign-in", &direct);
	IS_STR(str_of(without), STR("left out: there is no public address: see public-url\n"),
	       "sign-in: no address");
	IS_INT(place_count(&fake_places[PLACE_DIRECT]) + place_count(&fake_places[PLACE_PUBLIC]), 0,
	       "sign-in: and none is asked");
	buf_release(&direct.media);
}

/* ---- a sign-in header of a stranger ---- */

#define FORGED_SEEN(header)                                                                      \
	"breaks: anybody can sign in as anybody: the proxy passes on a stranger's sign-in "      \
	"header\nlooked at: GET /api/session through P with \"" header                           \
	": callspool-doctor-forged\"\nexpected: the header emptied, or set by the proxy alone\n" \
	"write: proxy_set_header " header " \"\";\n"                                             \
	"confirm: callspool doctor forged-sign-in\n"

static void test_forged(void)
{
	static const struct {
		const char *name, *auth, *header, *silent, *head, *says;
	} cases[] = {
		{ "callspool refuses it: it has arrived", "proxy", "X-User", NULL, "403 Forbidden",
		  FORGED_SEEN("X-User") },
		{ "nobody is signed in", "proxy", "X-User", NULL, "401 Unauthorized",
		  "good: X-User of a stranger does not arrive\n" },
		{ "the proxy signs in who is known to it", "proxy", "X-User", NULL, "200 OK",
		  "good: X-User of a stranger does not arrive\n" },
		{ "people sign in by password", "password", NULL, NULL, "403 Forbidden",
		  "left out: no proxy signs in here: such a header counts for nothing\n" },
		{ "it is not known how", NULL, NULL, NULL, "403 Forbidden",
		  "left out: no proxy signs in here: such a header counts for nothing\n" },
		{ "a silent place", "proxy", "X-User", "public", "403 Forbidden",
		  "left out: through P it does not answer: see public\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { "GET /api/session ",
						"\r\nX-User: callspool-doctor-forged\r\n",
						cases[i].head, NULL },
					      { 0 } };
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		deployment.server.auth = cases[i].auth;
		deployment.server.user_header = cases[i].header;
		deployment.places[PLACE_PUBLIC].silent = cases[i].silent;
		place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says("forged-sign-in", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "forged-sign-in: %s", cases[i].name);
		OK(!place_was_told(&fake_places[PLACE_PUBLIC], "Authorization"),
		   "forged-sign-in: it is asked without a token");
		buf_release(&deployment.media);
	}
}

/* ---- an echo ---- */

#define HEADERS(list)        "{\"headers\":[" list "],\"minor_version\":1}"
#define ARRIVED(name, value) "[\"" name "\",\"" value "\"]"
#define AS_SEEN(text)        "looked at: " text ", as callspool saw it\n"
#define RANGE_FAULT(says)                                                                        \
	"breaks: " says "\n"                                                                     \
	"looked at: a request with Range and If-Range through the public address, as callspool " \
	"saw it\n"                                                                               \
	"expected: both, once\n"                                                                 \
	"write: proxy_set_header Range $http_range;\n"                                           \
	"proxy_set_header If-Range $http_if_range;\n"                                            \
	"confirm: callspool doctor range-arrives\n"
#define CLOSED(connection, more)                                                         \
	"weakens: the proxy closes its connection to callspool after each request\n"     \
	"looked at: Connection: " connection ", as callspool saw it" more "\n"           \
	"expected: no Connection header where nothing is upgraded, so that it is kept\n" \
	"write: " LINES "confirm: callspool doctor connection-kept\n"
#define KEPT "good: nothing that arrives ends the connection to callspool\n"
#define REWRITTEN(target)                                                                \
	"breaks: the proxy rewrites the path, which Twilio's signature covers\n"         \
	"looked at: /api/calls/" ECHOING "/download?doctor=... arrives as " target "\n"  \
	"expected: the same path, byte for byte\n"                                       \
	"write: proxy_pass http://callspool;    # no path behind the name, no rewrite\n" \
	"confirm: callspool doctor path-arrives\n"
#define TARGET(text) "{\"headers\":[],\"target\":\"" text "\"}"
#define NAMED        "good: callspool is told by which name it was asked\n"
#define MISNAMED(host)                                                \
	"weakens: callspool is not told by which name it was asked\n" \
	"looked at: Host: " host ", as callspool saw it\n"            \
	"expected: the host of the public address\n"                  \
	"write: proxy_set_header Host $http_host;\n"                  \
	"confirm: callspool doctor host-arrives\n"
#define UNTRUSTED(peer)                                                            \
	"weakens: callspool does not trust the proxy: all players look like one\n" \
	"looked at: the proxy's address, as callspool saw it: " peer "\n"          \
	"expected: it stands in trusted_proxies\n"                                 \
	"write: trusted_proxies = " peer "\n"                                      \
	"confirm: callspool doctor client-arrives\n"

/* `echo`: what callspool says that it saw, with the address of the place for %s; NULL: what was sent. */
static const struct {
	const char *name, *check, *echo, *says;
} echoes[] = {
	{ "as they were sent", "range-arrives", NULL,
	  "good: Range and If-Range arrive as they were sent\n" },
	{ "in small letters", "range-arrives",
	  HEADERS(ARRIVED("range", "a") "," ARRIVED("if-range", "b")),
	  "good: Range and If-Range arrive as they were sent\n" },
	{ "no Range", "range-arrives", HEADERS(ARRIVED("If-Range", "b")),
	  RANGE_FAULT("Range does not arrive at callspool: iPhones play nothing") },
	{ "neither", "range-arrives", HEADERS(""),
	  RANGE_FAULT("Range does not arrive at callspool: iPhones play nothing") },
	{ "no If-Range", "range-arrives", HEADERS(ARRIVED("Range", "a")),
	  RANGE_FAULT("If-Range does not arrive at callspool") },
	{ "Range twice", "range-arrives",
	  HEADERS(ARRIVED("Range", "a") "," ARRIVED("Range", "a") "," ARRIVED("If-Range", "b")),
	  RANGE_FAULT("Range arrives twice at callspool") },

	{ "HTTP/1.1", "version-arrives", NULL, "good: the proxy speaks HTTP/1.1 to callspool\n" },
	{ "HTTP/1.0", "version-arrives", "{\"headers\":[],\"minor_version\":0}",
	  "weakens: the proxy speaks HTTP/1.0 to callspool\n"
	  "looked at: a request through the public address, as callspool saw it\n"
	  "expected: HTTP/1.1\n"
	  "write: proxy_http_version 1.1;\n" LINES "confirm: callspool doctor version-arrives\n" },

	{ "no Connection", "connection-kept", NULL, KEPT },
	{ "keep-alive", "connection-kept", HEADERS(ARRIVED("Connection", "Keep-Alive")), KEPT },
	{ "close", "connection-kept", HEADERS(ARRIVED("Connection", "close")),
	  CLOSED("close", "") },
	{ "keep-alive, twice", "connection-kept",
	  HEADERS(ARRIVED("Connection", "close") "," ARRIVED("connection", "keep-alive")),
	  CLOSED("keep-alive", ", and once more") },
	{ "close, by HTTP/1.0, which another check tells", "connection-kept",
	  "{\"headers\":[" ARRIVED("Connection", "close") "],\"minor_version\":0}", KEPT },

	{ "as it was asked for", "path-arrives", NULL,
	  "good: the path arrives as it was asked for\n" },
	{ "another path", "path-arrives", TARGET("/calls/" ECHOING "/download?doctor=1"),
	  REWRITTEN("/calls/" ECHOING "/download?doctor=1") },
	{ "with something behind it", "path-arrives",
	  TARGET("/api/calls/" ECHOING "/download?doctor=1&via=nginx"),
	  REWRITTEN("/api/calls/" ECHOING "/download?doctor=1&via=nginx") },
	{ "no path", "path-arrives", HEADERS(""), REWRITTEN("") },

	{ "as the browser sent it", "host-arrives", NULL, NAMED },
	{ "without its port", "host-arrives", HEADERS(ARRIVED("Host", "127.0.0.1")), NAMED },
	{ "in X-Forwarded-Host", "host-arrives",
	  HEADERS(ARRIVED("Host", "callspool") "," ARRIVED("X-Forwarded-Host", "%s")), NAMED },
	{ "another name", "host-arrives", HEADERS(ARRIVED("Host", "callspool")),
	  MISNAMED("callspool") },
	{ "another in X-Forwarded-Host, too", "host-arrives",
	  HEADERS(ARRIVED("Host", "callspool") "," ARRIVED("X-Forwarded-Host", "another.test")),
	  MISNAMED("callspool") },

	{ "who asks is told", "client-arrives", NULL,
	  "good: callspool is told who asks: 192.0.2.7\n" },
	{ "by a proxy that is not trusted", "client-arrives",
	  "{\"headers\":[" ARRIVED("X-Forwarded-For", "192.0.2.7") "],\"peer\":\"10.0.0.9\"}",
	  UNTRUSTED("10.0.0.9") },
	{ "by one that comes by a socket of a file", "client-arrives",
	  "{\"headers\":[],\"trusted\":false,\"peer\":\"\"}", UNTRUSTED("unix") },
	{ "it is not told", "client-arrives", "{\"headers\":[],\"trusted\":true}",
	  "weakens: the proxy does not say who asks: all players look like one\n"
	  "looked at: a request through the public address: no X-Forwarded-For arrived\n"
	  "expected: the player's address\n"
	  "write: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
	  "confirm: callspool doctor client-arrives\n" },
};

static char *with_host(const char *echo)
{
	static const char *names[][2] = { { "%s", NULL }, { NULL, NULL } };

	names[0][1] = fake_places[PLACE_PUBLIC].url + 7;
	return checked_plain(str_of(echo), (const char *const(*)[2])names);
}

static void test_echoes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(echoes); i++) {
		AUTO(free) char *echo = with_host(echoes[i].echo ? echoes[i].echo : "");
		const struct page pages[] = { { ECHO_OF, NULL, "200 OK", echo }, { 0 } };
		struct deployment deployment = fake_deployment();
		const struct place *place = &deployment.places[PLACE_PUBLIC];
		bool is_good = strncmp(echoes[i].says, "good", 4) == 0;
		AUTO(free) char *says = NULL;

		if (echoes[i].echo)
			place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says(echoes[i].check, &deployment);
		IS_STR(str_of(says), str_of(echoes[i].says), "%s: %s", echoes[i].check,
		       echoes[i].name);
		OK((place->rangeless != NULL) ==
			   (!is_good && strcmp(echoes[i].check, "range-arrives") == 0),
		   "%s: whether Range is lost: %s", echoes[i].check, echoes[i].name);
		OK((place->misnamed != NULL) ==
			   (!is_good && strcmp(echoes[i].check, "host-arrives") == 0),
		   "%s: whether the name is: %s", echoes[i].check, echoes[i].name);
		buf_release(&deployment.media);
	}
}

/* ---- where nothing can be looked at ---- */

static const char *const of_an_echo[] = { "path-arrives",    "range-arrives", "version-arrives",
					  "connection-kept", "host-arrives",  "client-arrives" };

static const struct {
	const char *name;
	bool has_echo, has_url;
	const char *silent, *signed_out, *says, *chosen;
} nowhere[] = {
	{ "no server", false, true, NULL, NULL,
	  "left out: no server runs that could be played from\n",
	  "unchecked: no server runs that could be played from\n" },
	{ "no address", true, false, NULL, NULL,
	  "left out: there is no public address: see public-url\n",
	  "unchecked: there is no public address: see public-url\n" },
	{ "a silent one", true, true, "public", "sign-in",
	  "left out: through P it does not answer: see public\n",
	  "left out: through P it does not answer: see public\n" },
	{ "one where nobody is signed in", true, true, NULL, "sign-in",
	  "left out: it follows from sign-in\n", "left out: it follows from sign-in\n" },
};

static void test_nowhere(void)
{
	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
		for (size_t k = 0; k < ARRAY_LEN(of_an_echo); k++) {
			struct deployment deployment = fake_deployment();
			struct place *place = &deployment.places[PLACE_PUBLIC];
			AUTO(free) char *says = NULL, *chosen = NULL;

			deployment.probe.echo = nowhere[i].has_echo ? ECHOING : NULL;
			place->url = nowhere[i].has_url ? place->url : NULL;
			place->silent = nowhere[i].silent;
			place->signed_out = nowhere[i].signed_out;
			says = fake_says(of_an_echo[k], &deployment);
			chosen = fake_says_as(of_an_echo[k], &deployment, true);
			IS_STR(str_of(says), str_of(nowhere[i].says), "%s: %s", of_an_echo[k],
			       nowhere[i].name);
			IS_STR(str_of(chosen), str_of(nowhere[i].chosen),
			       "%s, asked for by name: %s", of_an_echo[k], nowhere[i].name);
			IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0, "%s: nothing is asked",
			       of_an_echo[k]);
			buf_release(&deployment.media);
		}
}

static void test_no_echo(void)
{
	static const struct page pages[] = { { ECHO_OF, NULL, "503 Busy", NULL }, { 0 } };

	for (size_t k = 0; k < ARRAY_LEN(of_an_echo); k++) {
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL;

		place_say(&fake_places[PLACE_PUBLIC], pages);
		says = fake_says(of_an_echo[k], &deployment);
		IS_STR(str_of(says),
		       STR("unchecked: what arrived was not told: 503, Content-Length 0, 0 bytes in "
			   "9 ms\n"),
		       "%s: no echo", of_an_echo[k]);
		buf_release(&deployment.media);
	}
}

/* No cache may answer in callspool's place: each is asked for at an address of its own. */
static void test_never_cached(void)
{
	struct deployment deployment = fake_deployment();
	AUTO(free) char *first = fake_says("path-arrives", &deployment);
	AUTO(free) char *one = place_last(&fake_places[PLACE_PUBLIC]);
	AUTO(free) char *second = fake_says("path-arrives", &deployment);
	AUTO(free) char *other = place_last(&fake_places[PLACE_PUBLIC]);

	OK(strcmp(one, other) != 0, "an echo is asked for anew each time");
	buf_release(&deployment.media);
}

int main(void)
{
	fake_start();
	test_sign_in();
	test_sign_in_nowhere();
	test_forged();
	test_echoes();
	test_nowhere();
	test_no_echo();
	test_never_cached();
	fake_stop();
	return tap_end();
}
