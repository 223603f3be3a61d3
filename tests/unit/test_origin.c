#include "auth/origin.h"

#include "tap.h"

#define OWN     "https://calls.example.com"
#define LISTED  "https://crm.example.com"
#define FOREIGN "https://evil.example.net"

static const char *const listed[] = { LISTED, NULL };

/* The table of who may, row by row: Origin, Sec-Fetch-Site, and whether GET, POST and WebSocket go on. */
static const struct {
	const char *origin, *site;
	bool get, post, websocket;
} rows[] = {
	{ OWN, NULL, true, true, true },
	{ OWN, "same-origin", true, true, true },
	{ OWN, "cross-site", true, true, true },
	{ LISTED, NULL, true, false, false },
	{ LISTED, "same-site", true, false, false },
	{ FOREIGN, NULL, false, false, false },
	{ FOREIGN, "same-origin", false, false, false },
	{ "null", NULL, false, false, false },
	{ "", NULL, false, false, false },
	{ OWN ".evil.net", NULL, false, false, false },
	{ OWN ":8443", NULL, false, false, false },
	{ "http://calls.example.com", NULL, false, false, false },
	{ OWN "/", NULL, false, false, false },
	{ NULL, NULL, true, true, false },
	{ NULL, "same-origin", true, true, false },
	{ NULL, "none", true, true, false },
	{ NULL, "same-site", false, false, false },
	{ NULL, "cross-site", false, false, false },
	{ NULL, "what is this", false, false, false },
};

static void test_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct origin_request request = { .origin = str_of(rows[i].origin),
						  .site = str_of(rows[i].site) };
		const char *origin = rows[i].origin ? rows[i].origin : "(none)";
		const char *site = rows[i].site ? rows[i].site : "(none)";

		request.is_reading = true;
		OK(origin_is_admitted(&request, STR(OWN), listed) == rows[i].get,
		   "GET with Origin %s and Sec-Fetch-Site %s", origin, site);
		request.is_reading = false;
		OK(origin_is_admitted(&request, STR(OWN), listed) == rows[i].post,
		   "POST with Origin %s and Sec-Fetch-Site %s", origin, site);
		request.is_websocket = true;
		OK(origin_is_admitted(&request, STR(OWN), listed) == rows[i].websocket,
		   "WebSocket with Origin %s and Sec-Fetch-Site %s", origin, site);
		request.is_doubled = true;
		OK(!origin_is_admitted(&request, STR(OWN), listed), "the same line twice: never");
	}
}

static void test_opened_page(void)
{
	struct origin_request request = { .site = STR("cross-site"),
					  .mode = STR("navigate"),
					  .dest = STR("document") };

	request.is_reading = true;
	OK(origin_is_admitted(&request, STR(OWN), NULL),
	   "a link that somebody followed opens our page");
	request.dest = STR("iframe");
	OK(!origin_is_admitted(&request, STR(OWN), NULL), "but not in a frame of theirs");
	request.dest = STR("document");
	request.is_reading = false;
	OK(!origin_is_admitted(&request, STR(OWN), NULL), "nor a form of theirs");
	request.is_reading = true;
	request.site = STR_NONE;
	request.origin = STR_NONE;
	OK(origin_is_admitted(&request, STR_NONE, NULL),
	   "what is no browser needs no origin of ours");
	request.origin = STR("");
	OK(!origin_is_admitted(&request, STR_NONE, NULL), "an empty Origin is not our empty one");
}

static void test_origin_of_url(void)
{
	static const struct {
		const char *url, *want;
	} cases[] = {
		{ "https://Calls.Example.com/path?x#y", "https://calls.example.com" },
		{ "HTTPS://calls.example.com:443", "https://calls.example.com" },
		{ "http://calls.example.com:80/", "http://calls.example.com" },
		{ "http://calls.example.com:443/", "http://calls.example.com:443" },
		{ "https://user:secret@calls.example.com:8443", "https://calls.example.com:8443" },
		{ "http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080" },
		{ "https://calls.example.com?x", "https://calls.example.com" },
		{ "ftp://calls.example.com", NULL },
		{ "https://", NULL },
		{ "calls.example.com", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[ORIGIN_MAX];
		struct buf buf;
		bool good;

		buf_over(&buf, text, sizeof(text));
		good = origin_of_url(str_of(cases[i].url), &buf);
		OK(good == (cases[i].want != NULL), "'%s' has %s origin", cases[i].url,
		   cases[i].want ? "an" : "no");
		if (good)
			IS_STR(buf_str(&buf), str_of(cases[i].want), "that of '%s'", cases[i].url);
	}
}

int main(void)
{
	test_table();
	test_opened_page();
	test_origin_of_url();
	return tap_end();
}
