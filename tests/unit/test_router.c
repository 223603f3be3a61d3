#include "http/router.h"
#include "tap.h"

static const struct http_route routes[] = {
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/", NULL, .access = 0 },
	{ BIT(HTTP_GET), "/api/calls", NULL, .access = 1 },
	{ BIT(HTTP_GET), "/api/calls/{}", NULL, .access = 2 },
	{ BIT(HTTP_POST), "/api/calls/{}/retry", NULL, .access = 3 },
	{ BIT(HTTP_GET), "/Accounts/{}/Recordings/{}.json", NULL, .access = 4 },
	{ BIT(HTTP_GET), "/Accounts/{}/Recordings/{}.mp3", NULL, .access = 5 },
	{ BIT(HTTP_GET), "/Accounts/{}/Recordings/{}", NULL, .access = 6 },
	{ BIT(HTTP_DELETE), "/api/calls/{}", NULL, .access = 7 },
	{ BIT(HTTP_POST), "/api/calls", NULL, .access = 8 },
};

static const struct {
	enum http_method method;
	const char *path;
	enum router_result result;
	unsigned access; /* or the methods */
	const char *first, *second;
} cases[] = {
	{ HTTP_GET, "/", ROUTER_FOUND, 0, NULL, NULL },
	{ HTTP_HEAD, "/", ROUTER_FOUND, 0, NULL, NULL },
	{ HTTP_GET, "/api/calls", ROUTER_FOUND, 1, NULL, NULL },
	{ HTTP_POST, "/api/calls", ROUTER_FOUND, 8, NULL, NULL },
	{ HTTP_GET, "/api/calls/CA1", ROUTER_FOUND, 2, "CA1", NULL },
	{ HTTP_DELETE, "/api/calls/CA1", ROUTER_FOUND, 7, "CA1", NULL },
	{ HTTP_GET, "/api/calls/%2F%2f", ROUTER_FOUND, 2, "%2F%2f", NULL },
	{ HTTP_POST, "/api/calls/CA1/retry", ROUTER_FOUND, 3, "CA1", NULL },
	{ HTTP_GET, "/Accounts/AC1/Recordings/RE1.json", ROUTER_FOUND, 4, "AC1", "RE1" },
	{ HTTP_GET, "/Accounts/AC1/Recordings/RE1.mp3", ROUTER_FOUND, 5, "AC1", "RE1" },
	{ HTTP_GET, "/Accounts/AC1/Recordings/RE1", ROUTER_FOUND, 6, "AC1", "RE1" },
	{ HTTP_GET, "/Accounts/AC1/Recordings/RE1.json.json", ROUTER_FOUND, 4, "AC1", "RE1.json" },
	{ HTTP_GET, "/Accounts/AC1/Recordings/.json", ROUTER_FOUND, 6, "AC1", ".json" },
	{ HTTP_GET, "/Accounts/AC1/Recordings/", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/Accounts//Recordings/RE1", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/api/calls/", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/api/calls/CA1/", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/api/callsX", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/api/call", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "/API/calls", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_GET, "//api/calls", ROUTER_NO_PATH, 0, NULL, NULL },
	{ HTTP_OPTIONS, "*", ROUTER_NO_METHOD,
	  BIT(HTTP_GET) | BIT(HTTP_HEAD) | BIT(HTTP_POST) | BIT(HTTP_DELETE), NULL, NULL },
	{ HTTP_HEAD, "/api/calls", ROUTER_NO_METHOD, BIT(HTTP_GET) | BIT(HTTP_POST), NULL, NULL },
	{ HTTP_PUT, "/api/calls/CA1", ROUTER_NO_METHOD, BIT(HTTP_GET) | BIT(HTTP_DELETE), NULL,
	  NULL },
	{ HTTP_GET, "/api/calls/CA1/retry", ROUTER_NO_METHOD, BIT(HTTP_POST), NULL, NULL },
	{ HTTP_METHOD_OTHER, "/", ROUTER_NO_METHOD, BIT(HTTP_GET) | BIT(HTTP_HEAD), NULL, NULL },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request request = { .method = cases[i].method,
						.path = str_of(cases[i].path) };
		const struct http_route *route = NULL;
		unsigned methods = 0;
		enum router_result result =
			router_find(routes, ARRAY_LEN(routes), &request, &route, &methods);

		IS_INT(result, cases[i].result, "%s", cases[i].path);
		if (result == ROUTER_FOUND)
			IS_INT(route->access, cases[i].access, "%s: the route", cases[i].path);
		else if (result == ROUTER_NO_METHOD)
			IS_INT(methods, cases[i].access, "%s: the methods it has", cases[i].path);
		if (cases[i].first)
			IS_STR(request.params[0], str_of(cases[i].first), "%s: the first piece",
			       cases[i].path);
		if (cases[i].second)
			IS_STR(request.params[1], str_of(cases[i].second), "%s: the second piece",
			       cases[i].path);
	}
	return tap_end();
}
