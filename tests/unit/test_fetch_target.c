#include "fetch/fetch_target.h"
#include "tap.h"

static void urls_are_read(void)
{
	static const struct {
		const char *url;
		bool upgrade;
		const char *want, *host; /* NULL: refused */
		uint16_t port;
		bool is_https;
	} cases[] = {
		{ "https://api.twilio.com/a?b=c#d", false, "https://api.twilio.com/a?b=c",
		  "api.twilio.com", 443, true },
		{ "HTTP://API.Twilio.Com", false, "http://API.Twilio.Com/", "api.twilio.com", 80,
		  false },
		{ "http://a.example:8080/x", false, "http://a.example:8080/x", "a.example", 8080,
		  false },
		{ "http://a.example./", false, "http://a.example./", "a.example", 80, false },
		{ "http://[::1]:81/", false, "http://[::1]:81/", "::1", 81, false },
		{ "http://0x7f.1/", false, "http://127.0.0.1/", "127.0.0.1", 80, false },
		{ "http://2130706433/", false, "http://127.0.0.1/", "127.0.0.1", 80, false },
		{ "http://a.example/x", true, "https://a.example/x", "a.example", 443, true },
		{ "http://a.example:80/x", true, "https://a.example/x", "a.example", 443, true },
		{ "http://a.example:8080/x", true, "https://a.example:8080/x", "a.example", 8080,
		  true },
		{ "https://a.example/x", true, "https://a.example/x", "a.example", 443, true },
		{ "http://40%31:3/", false, NULL, NULL, 0, false },
		{ "", false, NULL, NULL, 0, false },
		{ "/x", false, NULL, NULL, 0, false },
		{ "a.example/x", false, NULL, NULL, 0, false },
		{ "//a.example/x", false, NULL, NULL, 0, false },
		{ "ftp://a.example/x", false, NULL, NULL, 0, false },
		{ "ftp://a.example/x", true, NULL, NULL, 0, false },
		{ "file:///etc/passwd", false, NULL, NULL, 0, false },
		{ "gopher://a.example/", false, NULL, NULL, 0, false },
		{ "http://user@a.example/", false, NULL, NULL, 0, false },
		{ "http://user:pass@a.example/", false, NULL, NULL, 0, false },
		{ "http://", false, NULL, NULL, 0, false },
		{ "http://a.example:0/", false, NULL, NULL, 0, false },
		{ "http://a.example:65536/", false, NULL, NULL, 0, false },
		{ "http://a b/", false, NULL, NULL, 0, false },
		{ "http://a.example/\r\nX: y", false, NULL, NULL, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_target target = { 0 };
		struct err err = { .kind = ERR_INTERNAL };
		bool done = fetch_target_read(cases[i].url, cases[i].upgrade, &target, &err);

		IS_INT(done, cases[i].want != NULL, "URL %zu is %s", i, done ? "read" : "refused");
		IS_STR(str_of(target.url), str_of(cases[i].want), "its URL");
		IS_STR(str_of(target.host), str_of(cases[i].host), "its host");
		IS_INT(target.port, cases[i].port, "its port");
		IS_INT(target.is_https, cases[i].is_https, "its scheme");
		if (!done)
			IS_INT(err.kind, ERR_INVALID, "it is wrong: %s", err.text);
		fetch_target_release(&target);
	}
}

static void origins_are_compared(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "https://a.example/x", "https://A.example:443/y?z", true },
		{ "https://a.example./x", "https://a.example/", true },
		{ "https://a.example/", "http://a.example/", false },
		{ "https://a.example/", "http://a.example:443/", false },
		{ "https://a.example/", "https://a.example:444/", false },
		{ "https://a.example/", "https://b.a.example/", false },
		{ "http://127.0.0.1/", "http://localhost/", false },
		{ "http://127.1/", "http://127.0.0.1/", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fetch_target a = { 0 }, b = { 0 };
		struct err err;

		OK(fetch_target_read(cases[i].a, false, &a, &err) &&
			   fetch_target_read(cases[i].b, false, &b, &err),
		   "both are URLs");
		IS_INT(fetch_target_same_origin(&a, &b), cases[i].same, "%s and %s", cases[i].a,
		       cases[i].b);
		fetch_target_release(&a);
		fetch_target_release(&b);
	}
}

int main(void)
{
	urls_are_read();
	origins_are_compared();
	return tap_end();
}
