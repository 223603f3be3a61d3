/*
 * What the checks of the services say: of what answers in callspool's place, of the disk, of Twilio, of clocks.
 */
#include "checkup/service_checks.h"

#include "base/clock.h"
#include "checked.h"
#include "fake_place.h"

#include <sys/statvfs.h>

#define HEALTH "{\"version\":\"1.0\",\"degraded\":false}"

static struct fake_place direct, public;
static const char *names[][2] = { { direct.url, "DIRECT" },
				  { public.url, "PUBLIC" },
				  { "http://127.0.0.1:1", "NOBODY" },
				  { NULL, NULL } };

static char *says_of(const char *check, struct deployment *deployment)
{
	return checked(&service_checks, check, deployment, names);
}

/* ---- does it run? ---- */

static void test_runs(void)
{
	static const struct {
		const char *name, *version, *failure, *says;
	} cases[] = {
		{ "it does", "1.0", NULL, "good: callspool 1.0 runs on this data folder\n" },
		{ "it makes no token", "", "503, 0 bytes in 3 ms",
		  "breaks: callspool runs, but cannot write\n"
		  "looked at: 503, 0 bytes in N ms\n"
		  "expected: a token for the doctor, which is written to the ledger\n"
		  "confirm: callspool status\n" },
		{ "it does not", NULL, NULL,
		  "breaks: callspool does not run\n"
		  "looked at: the administrator's socket in the data folder\n"
		  "expected: a server that answers there\n"
		  "write: systemctl start callspool\n"
		  "confirm: callspool health\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = { .server.version = cases[i].version,
						 .probe_failure = cases[i].failure };
		AUTO(free) char *says = says_of("runs", &deployment);

		IS_STR(str_of(says), str_of(cases[i].says), "runs: %s", cases[i].name);
	}
}

/* ---- does it answer? ---- */

#define NOT_ANSWERED(answer)                                                    \
	"breaks: callspool does not answer on the address that it listens on\n" \
	"looked at: GET DIRECT/health: " answer "\n"                            \
	"expected: 200, and callspool's own health\n"                           \
	"confirm: callspool doctor answers\n"

static void test_answers(void)
{
	static const struct {
		const char *name, *head, *body, *says;
	} cases[] = {
		{ "its own health", "200 OK", HEALTH, "good: DIRECT answers in N ms\n" },
		{ "another's health, with a version", "200 OK", "{\"version\":\"1.0\"}",
		  NOT_ANSWERED("200, Content-Length 17, 17 bytes in N ms") },
		{ "another's health, with a state", "200 OK", "{\"degraded\":1}",
		  NOT_ANSWERED("200, Content-Length 14, 14 bytes in N ms") },
		{ "an error with all words of a health", "503 Unavailable", HEALTH,
		  NOT_ANSWERED("503, Content-Length 34, 34 bytes in N ms") },
		{ "nothing", "", "", NOT_ANSWERED("no answer: Empty reply from server") },
	};

	static char token[] = "Authorization: Bearer t";

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = {
			{ "GET /health ", NULL, cases[i].head, cases[i].body }, { 0 }
		};
		struct deployment deployment = {
			.token = token,
			.places[PLACE_DIRECT] = { .url = direct.url },
		};
		bool is_good = strncmp(cases[i].says, "good", 4) == 0;
		AUTO(free) char *says = NULL;

		place_say(&direct, pages);
		says = says_of("answers", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "answers: %s", cases[i].name);
		OK(!place_was_told(&direct, "Authorization"), "answers: it is asked by nobody");
		OK(is_good ? !deployment.places[PLACE_DIRECT].silent
			   : str_eq(str_of(deployment.places[PLACE_DIRECT].silent), STR("answers")),
		   "answers: what follows from it knows: %s", cases[i].name);
	}
}

static void test_no_address(void)
{
	struct deployment running = { .server.version = "1.0" }, none = { .server.version = NULL };
	AUTO(free) char *unheard = says_of("answers", &running);
	AUTO(free) char *away = says_of("answers", &none);
	AUTO(free) char *chosen = checked_as(&service_checks, "answers", &none, names, true);

	IS_STR(str_of(unheard), STR("left out: it listens on no TCP address\n"),
	       "answers: on a socket of a file alone");
	OK(!running.places[PLACE_DIRECT].silent, "answers: which is no silence");
	IS_STR(str_of(away), STR("left out: no server runs\n"), "answers: no server");
	IS_STR(str_of(chosen), STR("unchecked: no server runs\n"), "answers: asked for by name");
	IS_STR(str_of(none.places[PLACE_DIRECT].silent), STR("runs"),
	       "answers: what follows from it is the server's");
}

/* ---- and through the public address? ---- */

#define IN_PUBLIC(says, answer, write)                                              \
	"breaks: " says "\nlooked at: GET PUBLIC/health: " answer "\n"              \
	"expected: 200, and callspool's own health, as it answers directly\n" write \
	"confirm: callspool doctor public\n"
#define PASS     "write: proxy_pass DIRECT;\n"
#define NO_BYTES ", Content-Length 0, 0 bytes in N ms"
#define MOVED    "the public address redirects: public_url is not where it leads"

static const struct {
	const char *name, *head, *body, *says;
} public_cases[] = {
	{ "its own health", "200 OK", HEALTH, "good: PUBLIC answers in N ms\n" },
	{ "a page", "200 OK", "It works!",
	  IN_PUBLIC("somebody else answers at the public address",
		    "200, Content-Length 9, 9 bytes in N ms", "") },
	{ "502", "502 Bad Gateway", "",
	  IN_PUBLIC(
		  "the proxy answers 502: it does not reach callspool, or not on the port on which "
		  "it listens",
		  "502" NO_BYTES, PASS) },
	{ "503", "503 Unavailable", "",
	  IN_PUBLIC("the proxy answers 503: it holds callspool to be down", "503" NO_BYTES, "") },
	{ "504", "504 Late", "",
	  IN_PUBLIC("the proxy answers 504: it waits for callspool in vain", "504" NO_BYTES, "") },
	{ "301", "301 Moved", "", IN_PUBLIC(MOVED, "301" NO_BYTES, "") },
	{ "302", "302 Found", "", IN_PUBLIC(MOVED, "302" NO_BYTES, "") },
	{ "308", "308 Moved", "", IN_PUBLIC(MOVED, "308" NO_BYTES, "") },
	{ "404", "404 Not Found", "",
	  IN_PUBLIC("the proxy does not pass /health on to callspool", "404" NO_BYTES, PASS) },
	{ "403", "403 Forbidden", "",
	  IN_PUBLIC("somebody else answers at the public address", "403" NO_BYTES, "") },
	{ "no HTTP", "", "",
	  IN_PUBLIC("what listens at the public address does not speak HTTP there",
		    "no answer: Empty reply from server", "") },
};

static char *public_says(struct deployment *deployment, const char *head, const char *body)
{
	const struct page pages[] = { { "GET /health ", NULL, head, body }, { 0 } };

	place_say(&public, pages);
	return says_of("public", deployment);
}

static void test_public(void)
{
	for (size_t i = 0; i < ARRAY_LEN(public_cases); i++) {
		struct deployment deployment = {
			.server.version = "1.0",
			.places = { { .url = direct.url }, { .url = public.url } },
		};
		bool is_good = strncmp(public_cases[i].says, "good", 4) == 0;
		AUTO(free)
		char *says = public_says(&deployment, public_cases[i].head, public_cases[i].body);

		IS_STR(str_of(says), str_of(public_cases[i].says), "public: %s",
		       public_cases[i].name);
		OK(is_good ? !deployment.places[PLACE_PUBLIC].silent
			   : str_eq(str_of(deployment.places[PLACE_PUBLIC].silent), STR("public")),
		   "public: what follows from it knows: %s", public_cases[i].name);
	}
}

static void test_public_address(void)
{
	struct deployment none = { .server.version = "1.0" };
	struct deployment nobody = { .server.version = "1.0",
				     .places[PLACE_PUBLIC].url = "http://127.0.0.1:1" };
	struct deployment nameless = { .server.version = "1.0",
				       .places[PLACE_PUBLIC].url = "http://nowhere.invalid" };
	AUTO(free) char *unset = says_of("public", &none);
	AUTO(free) char *chosen = checked_as(&service_checks, "public", &none, names, true);
	AUTO(free) char *away = says_of("public", &nobody);
	AUTO(free) char *lost = says_of("public", &nameless);

	IS_STR(str_of(unset),
	       STR("left out: there is no public address: set public_url, or give --url\n"),
	       "public: there is none");
	IS_STR(str_of(chosen),
	       STR("unchecked: there is no public address: set public_url, or give --url\n"),
	       "public: there is none, and it was asked for by name");
	IS_STR(str_of(none.places[PLACE_PUBLIC].silent), STR("public-url"),
	       "public: what follows from it is the setting's");
	OK(str_starts(str_of(away), STR("breaks: nobody listens at the public address: the proxy "
					"does not run\nlooked at: GET NOBODY/health: no answer: ")),
	   "public: nobody listens");
	OK(strstr(away, "\nwrite: systemctl start nginx\n"), "public: and who is to be started");
	OK(str_starts(str_of(lost),
		      STR("breaks: the host of the public address has no address in the DNS\n")) &&
		   !strstr(lost, "write:"),
	   "public: a host that has no address");
}

/* What a proxy makes of a callspool that is away is no finding of its own; what else it answers is. */
static void test_public_follows(void)
{
	static const struct {
		const char *name, *version, *silent, *head, *says;
	} cases[] = {
		{ "502 where none runs", NULL, NULL, "502 Bad Gateway",
		  "left out: it follows from runs\n" },
		{ "504 where it does not answer", "1.0", "answers", "504 Late",
		  "left out: it follows from answers\n" },
		{ "501 where it does not answer", "1.0", "answers", "501 No",
		  IN_PUBLIC("somebody else answers at the public address", "501" NO_BYTES, "") },
		{ "404 where none runs", NULL, NULL, "404 Not Found",
		  IN_PUBLIC("the proxy does not pass /health on to callspool", "404" NO_BYTES,
			    PASS) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = {
			.server.version = cases[i].version,
			.places = { { .url = direct.url, .silent = cases[i].silent },
				    { .url = public.url } },
		};
		AUTO(free) char *says = public_says(&deployment, cases[i].head, "");

		IS_STR(str_of(says), str_of(cases[i].says), "public: %s", cases[i].name);
	}
	struct deployment nobody = { .places[PLACE_PUBLIC].url = "http://127.0.0.1:1" };
	AUTO(free) char *says = says_of("public", &nobody);

	IS_STR(str_of(says), STR("left out: it follows from runs\n"),
	       "public: neither a proxy nor callspool");
}

static void test_public_url(void)
{
	struct deployment set = { .server.public_url = "https://calls.test" };
	struct deployment unset = { .server.public_url = NULL };
	AUTO(free) char *good = says_of("public-url", &set);
	AUTO(free) char *bad = says_of("public-url", &unset);

	IS_STR(str_of(good), STR("good: https://calls.test\n"), "public-url: it is set");
	IS_STR(str_of(bad),
	       STR("breaks: public_url is not set, so that every webhook is refused\n"
		   "looked at: the setting public_url\n"
		   "expected: the address that Twilio and players use\n"
		   "write: public_url = https://calls.example.com\n"
		   "confirm: callspool doctor public-url\n"),
	       "public-url: it is not");
}

/* ---- what callspool says of itself ---- */

#define WELL "good: nothing else that callspool knows of is wrong\n"

/* Causes, as /api/status has them. */
static void test_health(void)
{
	static const struct {
		const char *name, *status, *says;
	} cases[] = {
		{ "nothing", "{\"causes\":[]}", WELL },
		{ "what other checks tell",
		  "{\"causes\":[\"Webhooks are refused: x\",\"Twilio refuses x\",\"Twilio does not "
		  "answer\",\"There are dead letters\",\"A recording waits\",\"Twilio's list "
		  "cannot\",\"The disk has less room\"]}",
		  WELL },
		{ "two things, and one that is told elsewhere",
		  "{\"causes\":[\"The key is gone\",\"Twilio refuses x\",\"Another\"]}",
		  "weakens: The key is gone\n"
		  "looked at: callspool's own health\n"
		  "confirm: callspool status\n"
		  "weakens: Another\n"
		  "looked at: callspool's own health\n"
		  "confirm: callspool status\n" },
	};
	struct deployment none = { .status = NULL };
	AUTO(free) char *unknown = says_of("health", &none);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = { .status = json_loads(cases[i].status, 0, NULL) };
		AUTO(free) char *says = says_of("health", &deployment);

		IS_STR(str_of(says), str_of(cases[i].says), "health: %s", cases[i].name);
		json_decref(deployment.status);
	}
	IS_STR(str_of(unknown), STR("unchecked: neither a server nor a ledger says how it does\n"),
	       "health: nobody says");
}

/* ---- the disk ---- */

static void test_store(void)
{
	char folder[] = "/tmp/service_checks.XXXXXX";
	struct deployment good = { .machine.data_dir = mkdtemp(folder) };
	struct deployment gone = { .machine.data_dir = "/nonexistent/folder" };
	struct deployment bad = { .machine.data_dir = "/proc/self" };
	AUTO(free) char *taken = says_of("store", &good);
	AUTO(free) char *none = says_of("store", &gone);
	AUTO(free) char *refused = says_of("store", &bad);
	AUTO(free)
	char *wanted = xasprintf("good: %s takes a file, and makes it durable\n", folder);

	IS_STR(str_of(taken), str_of(wanted), "store: a folder");
	OK(rmdir(folder) == 0, "store: nothing is left in it");
	IS_STR(str_of(none), STR("unchecked: '/nonexistent/folder' is not there\n"),
	       "store: no folder");
	OK(str_starts(str_of(refused), STR("breaks: the data folder cannot be written to\n"
					   "looked at: cannot make a file in '/proc/self': ")) &&
		   str_ends(str_of(refused),
			    STR("\nexpected: a file that is made, written and made durable\n"
				"confirm: callspool doctor store\n")),
	   "store: a folder that takes none");
}

static void test_disk(void)
{
	const char *folder = "/tmp";
	struct statvfs disk = { .f_bavail = 0 };
	struct deployment gone = { .machine.data_dir = "/nonexistent/folder" };
	struct deployment well = { .machine = { .data_dir = folder, .min_free_bytes = 0 } };
	struct deployment full = { .machine = { .data_dir = folder,
						.min_free_bytes = (uint64_t)9000 << 40 } };
	AUTO(free) char *none = says_of("disk", &gone);
	AUTO(free) char *room = says_of("disk", &well);
	AUTO(free) char *no_room = says_of("disk", &full);

	OK(statvfs(folder, &disk) == 0 && disk.f_bavail > 0, "there is a disk with some room");
	IS_STR(str_of(none), STR("unchecked: '/nonexistent/folder' is not there\n"),
	       "disk: no folder");
	OK(str_starts(str_of(room), STR("good: /tmp: ")) &&
		   str_ends(str_of(room), STR(" files are free\n")),
	   "disk: there is room");
	OK(str_starts(str_of(no_room), STR("breaks: the disk is full: no recording is fetched\n"
					   "looked at: /tmp: ")),
	   "disk: less room than min_free");
	OK(str_ends(str_of(no_room), STR("\nexpected: at least min_free, 9437184000 MiB\n"
					 "confirm: df -h\n")),
	   "disk: how much was wanted");
}

/* ---- Twilio ---- */

#define ACCOUNT_TARGET "/2010-04-01/Accounts/AC1/Recordings.json?PageSize=1 "
#define TWILIO_FAILS(says, answer, write)                                           \
	"breaks: " says "\nlooked at: DIRECT, account AC1: " answer "\n"            \
	"expected: 200, and a list of recordings\n"                                 \
	"means: What is stored plays. What is not comes only when this is mended: " \
	"until then a play of it is answered with the reason.\n" write              \
	"confirm: callspool doctor twilio\n"
#define TOKEN_FILE "write: twilio.auth_token_file = FILE\n"

static void test_twilio(void)
{
	static const struct {
		const char *name, *head, *says;
	} cases[] = {
		{ "it answers", "200 OK", "good: DIRECT answers account AC1 in N ms\n" },
		{ "401", "401 Unauthorized",
		  TWILIO_FAILS("Twilio refuses the credentials", "401" NO_BYTES, TOKEN_FILE) },
		{ "403", "403 Forbidden",
		  TWILIO_FAILS("Twilio refuses the credentials", "403" NO_BYTES, TOKEN_FILE) },
		{ "another error", "500 Error",
		  TWILIO_FAILS("Twilio cannot be reached", "500" NO_BYTES, "") },
		{ "nothing", "",
		  TWILIO_FAILS("Twilio cannot be reached", "no answer: Empty reply from server",
			       "") },
	};
	const struct machine_facts machine = {
		.api_url = direct.url, .account_sid = "AC1", .user = "SK1", .password = "secret"
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { "GET " ACCOUNT_TARGET, NULL, cases[i].head, "" },
					      { 0 } };
		struct deployment deployment = { .machine = machine };
		AUTO(free) char *says = NULL;

		place_say(&direct, pages);
		says = says_of("twilio", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "twilio: %s", cases[i].name);
		OK(place_was_told(&direct, "\r\nAuthorization: Basic U0sxOnNlY3JldA==\r\n"),
		   "twilio: it is asked with user and password");
	}
}

/* Twilio alone is asked through the proxy that is set, whatever the environment says of it. */
static void test_by_proxy(void)
{
	static const struct page passing[] = {
		{ "GET http://api.test" ACCOUNT_TARGET, NULL, "200 OK", "" },
		{ "HEAD http://api.test/ ", NULL, "200 OK\r\nDate: Tue, 01 Dec 2026 04:00:00 GMT",
		  NULL },
		{ 0 },
	};
	static const struct page own[] = { { "GET /health ", NULL, "200 OK", HEALTH }, { 0 } };
	struct deployment deployment = {
		.server.version = "1.0",
		.machine = { .api_url = "http://api.test",
			     .account_sid = "AC1",
			     .user = "SK1",
			     .password = "secret",
			     .proxy = direct.url },
		.places[PLACE_PUBLIC].url = public.url,
	};
	AUTO(free) char *twilio = NULL, *clocks = NULL, *players = NULL;

	setenv("no_proxy", "*", 1);
	place_say(&direct, passing);
	place_say(&public, own);
	twilio = says_of("twilio", &deployment);
	clocks = says_of("clocks", &deployment);
	players = says_of("public", &deployment);
	unsetenv("no_proxy");
	IS_STR(str_of(twilio), STR("good: http://api.test answers account AC1 in N ms\n"),
	       "by proxy: Twilio, by a name that nobody else resolves");
	IS_STR(str_of(clocks), STR("good: within 30 s of Twilio\n"), "by proxy: its clock");
	IS_STR(str_of(players), STR("good: PUBLIC answers in N ms\n"), "by proxy: no player");
	IS_INT(place_count(&direct), 2, "by proxy: nothing else");
}

#define BY_SERVER    "good: callspool has no trouble with it\n"
#define UNKNOWN_HERE "unchecked: this command does not know the credentials, and no server runs\n"
#define NO_ACCOUNT                                         \
	"breaks: no Twilio account is set\n"               \
	"looked at: the setting twilio.account_sid\n"      \
	"expected: the account whose calls are recorded\n" \
	"write: twilio.account_sid = AC...\n"              \
	"confirm: callspool doctor twilio\n"

/* Where this command does not know the credentials the server is believed, which has them. */
static void test_twilio_by_server(void)
{
	static const struct {
		const char *name, *account, *user, *password, *file, *version, *status, *says;
	} cases[] = {
		{ "no account, and no server", NULL, NULL, NULL, NULL, NULL, "{}", NO_ACCOUNT },
		{ "accounts of a file, and no server", NULL, NULL, NULL, "/accounts", NULL, "{}",
		  UNKNOWN_HERE },
		{ "accounts of a file", NULL, NULL, NULL, "/accounts", "1.0", "{}", BY_SERVER },
		{ "an account that the server alone knows", NULL, NULL, NULL, NULL, "1.0",
		  "{\"causes\":[\"The key is gone\"]}", BY_SERVER },
		{ "no user", "AC1", NULL, "p", NULL, "1.0", "{}", BY_SERVER },
		{ "no password", "AC1", "u", NULL, NULL, "1.0", "{}", BY_SERVER },
		{ "nobody knows them", "AC1", NULL, NULL, NULL, NULL, "{}", UNKNOWN_HERE },
		{ "the server has trouble", "AC1", NULL, NULL, NULL, "1.0",
		  "{\"causes\":[\"Twilio's list is late\",\"Twilio refuses: 401\",\"Twilio is "
		  "slow\"]}",
		  "breaks: Twilio refuses: 401\n"
		  "looked at: callspool's own health\n"
		  "expected: credentials that Twilio takes\n"
		  "confirm: callspool doctor twilio\n" },
	};

	place_say(&direct, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct deployment deployment = {
			.server.version = cases[i].version,
			.machine = { .api_url = direct.url,
				     .account_sid = cases[i].account,
				     .user = cases[i].user,
				     .password = cases[i].password,
				     .accounts_file = cases[i].file },
			.status = json_loads(cases[i].status, 0, NULL),
		};
		AUTO(free) char *says = says_of("twilio", &deployment);

		IS_STR(str_of(says), str_of(cases[i].says), "twilio: %s", cases[i].name);
		json_decref(deployment.status);
	}
	IS_INT(place_count(&direct), 0, "twilio: without credentials nothing is asked of it");
}

/* ---- clocks ---- */

/* Tue Dec  1 04:00:00 UTC 2026 */
#define NOW_S 1796097600

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
	return (int64_t)NOW_S * 1000;
}

#define AGREE "good: within 30 s of Twilio\n"
#define APART(by)                                                   \
	"weakens: the clocks do not agree\n"                        \
	"looked at: the clock of Twilio is " by " this machine's\n" \
	"expected: less than 30 s between them\n"                   \
	"write: timedatectl set-ntp true\n"                         \
	"confirm: timedatectl\n"
#define UNKNOWN "unchecked: Twilio does not say what time it is\n"

static void test_clocks(void)
{
	static const struct {
		const char *name, *head, *says;
	} cases[] = {
		{ "the same", "401 No\r\nDate: Tue, 01 Dec 2026 04:00:00 GMT", AGREE },
		{ "30 s ahead", "200 OK\r\nDate: Tue, 01 Dec 2026 04:00:30 GMT", AGREE },
		{ "30 s behind", "200 OK\r\nDate: Tue, 01 Dec 2026 03:59:30 GMT", AGREE },
		{ "31 s ahead", "200 OK\r\nDate: Tue, 01 Dec 2026 04:00:31 GMT",
		  APART("31 s ahead of") },
		{ "31 s behind", "200 OK\r\nDate: Tue, 01 Dec 2026 03:59:29 GMT",
		  APART("31 s behind") },
		{ "no Date", "200 OK", UNKNOWN },
		{ "a Date that is none", "200 OK\r\nDate: soon", UNKNOWN },
		{ "no answer", "", UNKNOWN },
	};
	struct deployment deployment = { .machine.api_url = direct.url };
	struct deployment unset = { .machine.api_url = NULL };
	AUTO(free) char *none = says_of("clocks", &unset);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct page pages[] = { { "HEAD / ", NULL, cases[i].head, NULL }, { 0 } };
		AUTO(free) char *says = NULL;

		place_say(&direct, pages);
		says = says_of("clocks", &deployment);
		IS_STR(str_of(says), str_of(cases[i].says), "clocks: %s", cases[i].name);
	}
	IS_STR(str_of(none),
	       STR("left out: no Twilio account is set, whose clock could be asked\n"),
	       "clocks: no account");
}

int main(void)
{
	place_start(&direct);
	place_start(&public);
	test_runs();
	test_answers();
	test_no_address();
	test_public();
	test_public_address();
	test_public_follows();
	test_public_url();
	test_health();
	test_store();
	test_disk();
	test_twilio();
	test_by_proxy();
	test_twilio_by_server();
	test_clocks();
	place_stop(&direct);
	place_stop(&public);
	return tap_end();
}
