/*
 * One server, tried from outside: a table of single requests, each sent whole and in pieces; then what
 * takes a connection several steps; then limits and the end.  Long because it is mostly that table.
 */
#include "http/http_server.h"

#include "http/http_conn_memory.h"
#include "http_fixture.h"

#include <poll.h>
#include <sys/resource.h>

#define GET(path)       "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_LAST(path)  "GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST_LAST(path) "POST " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"

/* ---- a small product ---- */

static struct {
	struct exchange *x; /* the one that is parked */
	struct parked parked;
	atomic_int gone, ended, abandoned, shed, served, admitted;
	char shed_target[40]; /* of the last one whose slices ended before its reply */
	struct http_note note;
	bool has_note;        /* ... had it when it ended */
	char admitted_id[40]; /* of the last one that was admitted with "?caller" */
} product;

/* As large as a session or a token is with its rights. */
struct caller {
	uint64_t tag[2], user_id, credential_id;
	uint32_t times[3];
	char name[16];
};
static const struct caller somebody = { { 1, 2 }, 3, 4, { 5, 6, 7 }, "somebody" };

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	if (allow)
		reply_header(x, STR("Allow"), str_of(allow));
	reply_send(x, str_of(code));
}

static void ended(struct exchange *x)
{
	product.has_note = x->note == &product.note;
	product.ended++;
}

static void abandoned(struct exchange *x)
{
	product.abandoned++;
}

static void shed(struct exchange *x)
{
	str_fit(x->request.target, product.shed_target, sizeof(product.shed_target));
	x->note = &product.note;
	product.shed++;
}

static void parked_gone(struct parked *parked)
{
	product.x = NULL;
	product.gone++;
}

static void serve_hello(struct exchange *x)
{
	product.served++;
	reply_begin(x, 200);
	reply_header(x, STR("Content-Type"), STR("text/plain"));
	reply_send(x, STR("hello"));
}

static void serve_echo(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send(x, x->request.body);
}

static void serve_nothing(struct exchange *x)
{
}

static void serve_begun(struct exchange *x)
{
	reply_begin(x, 200);
	reply_header(x, STR("X-Begun"), STR("yes"));
}

static void serve_park(struct exchange *x)
{
	product.x = x;
	product.parked.gone = parked_gone;
	exchange_park(x, &product.parked);
}

static void serve_id(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send(x, str_of(x->id));
}

/* Asked once a connection, before a request is known. */
static _Atomic bool is_stranger;

static bool trusts(const struct exchange *x)
{
	return strcmp(x->peer, "127.0.0.1") == 0 && !is_stranger;
}

/* The body, when the caller and the id are those that were admitted. */
static void serve_caller(struct exchange *x)
{
	const struct caller *caller = exchange_caller(x, sizeof(*caller));

	reply_begin(x, 200);
	if (!caller)
		reply_send(x, STR("nobody"));
	else if (memcmp(caller, &somebody, sizeof(*caller)) != 0)
		reply_send(x, STR("somebody else"));
	else if (strcmp(x->id, product.admitted_id) != 0)
		reply_send(x, STR("another id"));
	else
		reply_send(x, x->request.body);
}

static bool admit(struct exchange *x)
{
	product.admitted++;
	if (str_eq(x->request.query, STR("caller"))) {
		exchange_set_caller(x, &somebody, sizeof(somebody));
		memcpy(product.admitted_id, x->id, sizeof(x->id));
	}
	if (str_eq(x->request.query, STR("later"))) {
		product.x = x;
		product.parked.gone = parked_gone;
		exchange_park(x, &product.parked);
		return false;
	}
	if (str_eq(x->request.query, STR("neither")))
		return false;
	if (!str_eq(x->request.query, STR("forbidden")))
		return true;
	reply_begin(x, 403);
	reply_send(x, STR("forbidden"));
	return false;
}

static void serve_file(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send_file(x, fixture.file_fd, 0, FILE_SIZE);
}

static const struct http_route routes[] = {
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/hello", serve_hello, 0, NULL, 1 },
	{ BIT(HTTP_POST), "/hello", serve_hello, 0, NULL, 1 },
	{ BIT(HTTP_POST), "/echo", serve_echo, 100000, NULL, 1 },
	{ BIT(HTTP_POST), "/typed", serve_echo, 1000, "application/json text/plain", 1 },
	{ BIT(HTTP_GET), "/nothing", serve_nothing, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/begun", serve_begun, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/park", serve_park, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/id", serve_id, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/file", serve_file, 0, NULL, 1 },
	{ BIT(HTTP_POST), "/caller", serve_caller, 100000, NULL, 1 },
	{ BIT(HTTP_GET), "/closed", serve_hello, .body_max = 0 },
};

static const struct http_app app = {
	.routes = routes,
	.route_count = ARRAY_LEN(routes),
	.refuse = refuse,
	.admit = admit,
	.ended = ended,
	.abandoned = abandoned,
	.shed = shed,
	.trusts = trusts,
};

/* ---- one request, one answer ---- */

static const struct {
	const char *name, *request, *status;
	const char *parts[3]; /* found in the reply; a part that begins with '!' must not be */
} cases[] = {
	{ "a simple request",
	  GET_LAST("/hello"),
	  "200 OK",
	  { "\r\nContent-Length: 5\r\n", "\r\nConnection: close\r\n", "\r\n\r\nhello" } },
	{ "HEAD",
	  "HEAD /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "\r\nContent-Length: 5\r\n", "!hello", "\r\nContent-Type: text/plain\r\n" } },
	{ "HTTP/1.0",
	  "GET /hello HTTP/1.0\r\n\r\n",
	  "200 OK",
	  { "\r\nConnection: close\r\n", "\r\n\r\nhello" } },
	{ "absolute form",
	  "GET http://h/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "hello" } },
	{ "a date", GET_LAST("/hello"), "200 OK", { "\r\nDate: ", " GMT\r\n" } },
	{ "no such path", GET_LAST("/none"), "404 Not Found", { "not_found" } },
	{ "no such method",
	  "DELETE /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  "405 Method Not Allowed",
	  { "\r\nAllow: GET, HEAD, POST\r\n", "method_not_allowed" } },
	{ "an unknown method",
	  "BREW /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	  "405 Method Not Allowed",
	  { "\r\nAllow: GET, HEAD, POST\r\n" } },
	{ "a route that answers nothing",
	  GET_LAST("/nothing"),
	  "500 Internal Server Error",
	  { "internal" } },
	{ "one that may not", GET_LAST("/hello?forbidden"), "403 Forbidden", { "forbidden" } },
	{ "one that is neither admitted nor answered",
	  POST_LAST("/echo?neither") "Content-Length: 3\r\n\r\nabc",
	  "500 Internal Server Error",
	  { "internal" } },
	{ "who was admitted is known when the body is here, however it came",
	  POST_LAST("/caller?caller") "Content-Length: 3\r\n\r\nabc",
	  "200 OK",
	  { "\r\n\r\nabc" } },
	{ "the one after him is not he",
	  "POST /caller?caller HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" POST_LAST(
		  "/caller") "Content-Length: 3\r\n\r\nabc",
	  "200 OK",
	  { "\r\n\r\nabcHTTP/1.1 200 OK\r\n", "\r\n\r\nnobody" } },
	{ "one that may not, on a connection that goes on",
	  GET("/hello?forbidden") GET_LAST("/hello"),
	  "403 Forbidden",
	  { "!Connection: close\r\n\r\nforbidden", "\r\n\r\nhello" } },
	{ "one that may not, before its body comes",
	  "POST /echo?forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
	  "403 Forbidden",
	  { "\r\nConnection: close\r\n", "forbidden" } },
	{ "one that may not, before its chunks come",
	  "POST /echo?forbidden HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "403 Forbidden",
	  { "\r\nConnection: close\r\n", "forbidden" } },
	{ "one that may not is not told to go on",
	  "POST /echo?forbidden HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
	  "403 Forbidden",
	  { "!100 Continue" } },
	{ "who he is comes before what he sends",
	  "POST /typed?forbidden HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\n",
	  "403 Forbidden",
	  { "forbidden" } },
	{ "a wrong type, before its body comes",
	  "POST /typed HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\n",
	  "415 Unsupported Media Type",
	  { "\r\nConnection: close\r\n" } },
	{ "a wrong method, before its body comes",
	  "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
	  "405 Method Not Allowed",
	  { "\r\nConnection: close\r\n" } },
	{ "a route that names no access is closed to all",
	  GET_LAST("/closed"),
	  "403 Forbidden",
	  { "forbidden" } },

	{ "a body",
	  POST_LAST("/echo") "Content-Length: 3\r\n\r\nabc",
	  "200 OK",
	  { "\r\n\r\nabc" } },
	{ "an empty body",
	  POST_LAST("/echo") "Content-Length: 0\r\n\r\n",
	  "200 OK",
	  { "\r\nContent-Length: 0\r\n" } },
	{ "a body in chunks",
	  POST_LAST("/echo") "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	  "200 OK",
	  { "\r\n\r\nabcde" } },
	{ "chunks to a route that takes no body",
	  POST_LAST("/hello") "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  "200 OK",
	  { "hello" } },
	{ "a body to a route that takes none",
	  POST_LAST("/hello") "Content-Length: 3\r\n\r\nabc",
	  "413 Content Too Large",
	  { "too_large" } },
	{ "a body with GET is read and dropped",
	  "GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde" GET_LAST("/hello"),
	  "200 OK",
	  { "\r\n\r\nhelloHTTP/1.1 200 OK\r\n" } },
	{ "chunks with GET are read and dropped",
	  "GET /hello HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" GET_LAST(
		  "/hello"),
	  "200 OK",
	  { "\r\n\r\nhelloHTTP/1.1 200 OK\r\n" } },
	{ "a large body with GET",
	  "GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n",
	  "413 Content Too Large",
	  { "too_large", "\r\nConnection: close\r\n" } },
	{ "chunked data to a route that takes none",
	  POST_LAST("/hello") "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	  "413 Content Too Large",
	  { "too_large", "\r\nConnection: close\r\n" } },
	{ "a body that is said to be too large",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n",
	  "413 Content Too Large",
	  { "too_large", "\r\nConnection: close\r\n" } },
	{ "chunks that are malformed",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
	  "400 Bad Request",
	  { "bad_request", "\r\nConnection: close\r\n" } },
	{ "a chunk that is huge",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	  "400 Bad Request",
	  { "bad_request" } },
	{ "a listed type",
	  POST_LAST(
		  "/typed") "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
	  "200 OK",
	  { "{}" } },
	{ "a type that is not listed",
	  POST_LAST("/typed") "Content-Type: text/html\r\nContent-Length: 2\r\n\r\n{}",
	  "415 Unsupported Media Type",
	  { "unsupported_type" } },
	{ "a body without a type",
	  POST_LAST("/typed") "Content-Length: 2\r\n\r\n{}",
	  "415 Unsupported Media Type",
	  { "unsupported_type" } },
	{ "no body, no type",
	  POST_LAST("/typed") "\r\n",
	  "200 OK",
	  { "\r\nContent-Length: 0\r\n" } },
	{ "a body to no path",
	  "POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
	  "404 Not Found",
	  { "\r\nConnection: close\r\n" } },
	{ "100-continue, not needed any more",
	  POST_LAST("/echo") "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	  "200 OK",
	  { "\r\n\r\nabc" } },
	{ "another expectation",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: x\r\nContent-Length: 3\r\n\r\nabc",
	  "417 Expectation Failed",
	  { "bad_request" } },

	/* All of them end the connection: the client need not. */
	{ "length and chunks",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  "400 Bad Request",
	  { "bad_request", "\r\nConnection: close\r\n", "!HTTP/1.1 200" } },
	{ "what follows a refused head is not served",
	  "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" GET(
		  "/hello"),
	  "400 Bad Request",
	  { "!hello", "!HTTP/1.1 200" } },
	{ "no host",
	  "GET /hello HTTP/1.1\r\n\r\n",
	  "400 Bad Request",
	  { "\r\nConnection: close\r\n" } },
	{ "bare LF",
	  "GET /hello HTTP/1.1\nHost: h\n\n",
	  "400 Bad Request",
	  { "\r\nConnection: close\r\n" } },
	{ "HTTP/2",
	  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	  "505 HTTP Version Not Supported",
	  { "\r\nConnection: close\r\n" } },
	{ "TLS", "\x16\x03\x01\x02", "400 Bad Request", { "\r\nConnection: close\r\n" } },

	{ "an id of a trusted peer",
	  "GET /id HTTP/1.1\r\nHost: h\r\nX-Request-Id: Ab-1_2.3\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "\r\nX-Request-Id: Ab-1_2.3\r\n", "\r\n\r\nAb-1_2.3" } },
	{ "an id of the first and the last of what it may hold",
	  "GET /id HTTP/1.1\r\nHost: h\r\nX-Request-Id: azAZ09\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "\r\nX-Request-Id: azAZ09\r\n" } },
	{ "an id of another peer",
	  "GET /id?untrusted HTTP/1.1\r\nHost: h\r\nX-Request-Id: Ab-1\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "!Ab-1" } },
	{ "an id that is too long",
	  "GET /id HTTP/1.1\r\nHost: h\r\nX-Request-Id: 1234567890123456789012345678901234567890\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "!1234567890" } },
	{ "an id with a quote",
	  "GET /id HTTP/1.1\r\nHost: h\r\nX-Request-Id: a\"b\r\nConnection: close\r\n\r\n",
	  "200 OK",
	  { "!a\"b" } },
};

static void test_case(size_t i, size_t step)
{
	struct buf reply;
	char status[64];

	is_stranger = strstr(cases[i].request, "?untrusted") != NULL;
	OK(ask_in_steps(str_of(cases[i].request), step, &reply),
	   "%s, %zu at a time: ends without a reset", cases[i].name, step);
	snprintf(status, sizeof(status), "HTTP/1.1 %s\r\n", cases[i].status);
	/* A head that comes in pieces may be whole before its body is here: then 100 is right. */
	if (step < strlen(cases[i].request) && has(&reply, "HTTP/1.1 100 Continue\r\n\r\n"))
		buf_drop(&reply, sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1);
	IS_STR(str_first(buf_str(&reply), strlen(status)), str_of(status), "%s: the status",
	       cases[i].name);
	for (size_t n = 0; n < 3 && cases[i].parts[n]; n++) {
		const char *part = cases[i].parts[n];

		/* Not the text itself: it may hold line ends, which TAP has no room for. */
		OK(has(&reply, part[0] == '!' ? part + 1 : part) == (part[0] != '!'),
		   "%s: part %zu", cases[i].name, n);
	}
	buf_release(&reply);
}

/* ---- several requests on one connection ---- */

static size_t count_of(struct str text, struct str part)
{
	size_t count = 0;

	for (size_t at; (at = str_find_str(text, part)) < text.len; count++)
		text = str_after(text, at + part.len);
	return count;
}

static void test_pipelining(void)
{
	struct buf requests, reply;

	buf_init(&requests, 1000000);
	for (int i = 0; i < 500; i++)
		buf_add_text(
			&requests,
			i % 3 ? GET("/hello")
			      : "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nECHO");
	buf_add_text(&requests, GET_LAST("/file"));
	buf_add_text(&requests, GET("/hello"));
	for (size_t step = 7; step < 1000000; step *= 100) {
		struct str text;

		OK(ask_in_steps(buf_str(&requests), step, &reply),
		   "500 requests in one, %zu bytes at a time", step);
		text = buf_str(&reply);
		IS_INT(count_of(text, STR("HTTP/1.1 200 OK\r\n")), 501,
		       "as many answers; none after the last");
		IS_INT(count_of(text, STR("\r\n\r\nhello")), 333, "the short ones");
		IS_INT(count_of(text, STR("\r\n\r\nECHO")), 167, "those with a body");
		OK(is_file(str_after(text, text.len - FILE_SIZE), 0), "and the file");
		buf_release(&reply);
	}
	buf_release(&requests);
}

static void test_keep_alive(void)
{
	static const struct str two = STR(
		"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
	struct buf reply;

	OK(ask_in_steps(two, 1000, &reply), "HTTP/1.0 kept alive");
	IS_INT(count_of(buf_str(&reply), STR("\r\n\r\nhello")), 2, "two answers");
	IS_INT(count_of(buf_str(&reply), STR("\r\nConnection: keep-alive\r\n")), 1,
	       "the first says so");
	buf_release(&reply);
}

static void test_half_close(void)
{
	struct buf reply;
	int fd = client_connect();

	buf_init(&reply, 10000);
	client_send(fd, STR(GET("/hello")));
	shutdown(fd, SHUT_WR);
	OK(client_read(fd, &reply, SIZE_MAX), "a client that ends its side");
	OK(has(&reply, "\r\n\r\nhello"), "is answered still");
	close(fd);
	buf_release(&reply);

	buf_init(&reply, 10000);
	fd = client_connect();
	client_send(fd, STR("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
	shutdown(fd, SHUT_WR);
	OK(client_read(fd, &reply, SIZE_MAX), "a body that ends too soon");
	OK(has(&reply, "HTTP/1.1 400 "), "is refused");
	close(fd);
	buf_release(&reply);
}

static void test_continue(void)
{
	static const struct str goes_on = STR("HTTP/1.1 100 Continue\r\n\r\n");
	struct buf reply;
	int fd = client_connect();

	buf_init(&reply, 10000);
	client_send(fd,
		    STR(POST_LAST("/echo") "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	client_read(fd, &reply, goes_on.len);
	IS_STR(buf_str(&reply), goes_on, "100 Continue");
	client_send(fd, STR("abc"));
	client_read(fd, &reply, SIZE_MAX);
	OK(has(&reply, "\r\n\r\nHTTP/1.1 200 OK\r\n") && has(&reply, "\r\n\r\nabc"),
	   "and then the answer");
	close(fd);
	buf_release(&reply);

	OK(ask("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
	       &reply),
	   "what is refused anyway");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 413 ")), "is refused before 100 Continue");
	buf_release(&reply);
}

/* A body beyond the block: collected, in both framings, with the next request right behind it. */
static void test_large_body(bool chunked)
{
	struct buf request, reply;
	struct str body;

	buf_init(&request, 1000000);
	buf_init(&reply, 1000000);
	buf_addf(&request, "POST /echo HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n",
		 chunked ? "Transfer-Encoding: chunked" : "Content-Length: 100000");
	for (int i = 0; i < 100; i++) {
		if (chunked)
			buf_add_text(&request, "3E8\r\n");
		for (int n = 0; n < 100; n++)
			buf_add_text(&request, "0123456789");
		if (chunked)
			buf_add_text(&request, "\r\n");
	}
	buf_add_text(&request, chunked ? "0\r\n\r\n" : "");
	buf_add_text(&request, GET_LAST("/hello"));
	OK(ask_in_steps(buf_str(&request), 3333, &reply), "a large body%s",
	   chunked ? " in chunks" : "");
	body = str_first(body_of(&reply), 100000);
	IS_INT(count_of(body, STR("0123456789")), 10000, "all of it");
	OK(has(&reply, "\r\n\r\nhello"), "and the request behind it");
	buf_release(&request);
	buf_release(&reply);
}

static void test_begun(void)
{
	struct buf reply;

	ask(GET("/begun") GET_LAST("/hello"), &reply);
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 500 ")) && has(&reply, "\r\n\r\ninternal"),
	   "a reply that was begun and left is one of ours");
	OK(!has(&reply, "X-Begun") && !has(&reply, "Connection: close\r\n\r\ninternal"),
	   "of which nothing is kept");
	OK(has(&reply, "HTTP/1.1 200 ") && has(&reply, "hello"), "the connection goes on");
	buf_release(&reply);
}

/* A client that goes on sending what is refused still reads the answer. */
static void test_lingering(void)
{
	struct buf reply;
	int fd, small = 65536;
	char rubbish[65536] = { 0 };
	bool sent = true;

	/* So small that the kernel cannot hold all of it: the server has to read. */
	setsockopt(fixture.listen_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	fd = client_connect();
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	buf_init(&reply, 10000);
	client_send(fd, STR("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n"));
	for (int i = 0; i < 32 && sent; i++)
		sent = client_send(fd, (struct str){ rubbish, sizeof(rubbish) });
	OK(sent, "all of a large body that nobody wants is taken");
	OK(client_read(fd, &reply, SIZE_MAX), "and then: no reset");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 413 ")), "the answer arrives");
	close(fd);
	buf_release(&reply);
}

/* ---- parking ---- */

/* Ends it as a client does that vanishes. */
static void reset(int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void look_parked(void *what)
{
	*(bool *)what = product.x != NULL;
}

static bool is_parked(void *what)
{
	on_loop(look_parked, what);
	return *(bool *)what;
}

static bool is_gone(void *what)
{
	return product.gone == *(int *)what;
}

static bool is_ended(void *what)
{
	return product.ended == *(int *)what;
}

static void reply_parked(void *what)
{
	struct exchange *x = product.x;

	product.x = NULL;
	reply_begin(x, 200);
	reply_send(x, str_of(what));
}

static void admit_parked(void *what)
{
	struct exchange *x = product.x;

	product.x = NULL;
	exchange_admit(x);
}

/* The product may have to ask somebody who the caller is: the body waits, and whoever leaves is forgotten. */
static void test_late_admission(void)
{
	struct buf reply;
	int fd = client_connect(), gone = product.gone, admitted = product.admitted;
	char refusal[] = "no";
	bool parked = false;

	buf_init(&reply, 10000);
	client_send(fd, STR("POST /echo?later HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
			    "Content-Length: 3\r\n\r\n"));
	OK(wait_until(is_parked, &parked), "parked before the body came");
	on_loop(admit_parked, NULL);
	client_read(fd, &reply, sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1);
	IS_STR(buf_str(&reply), STR("HTTP/1.1 100 Continue\r\n\r\n"),
	       "admitted, the body is asked for");
	client_send(fd, STR("abc" GET_LAST("/hello")));
	client_read(fd, &reply, SIZE_MAX);
	OK(has(&reply, "\r\n\r\nabcHTTP/1.1 200 OK\r\n") && has(&reply, "\r\n\r\nhello"),
	   "then served, and the next one");
	IS_INT(product.admitted, admitted + 2, "each is asked about once");
	IS_INT(product.gone, gone, "gone() is not called for one that was admitted");
	close(fd);
	buf_release(&reply);

	buf_init(&reply, 10000);
	fd = client_connect();
	client_send(fd, STR("POST /echo?later HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"));
	parked = false;
	wait_until(is_parked, &parked);
	on_loop(reply_parked, refusal);
	OK(client_read(fd, &reply, SIZE_MAX),
	   "a late refusal ends the connection, without its body");
	OK(has(&reply, "\r\nConnection: close\r\n") && has(&reply, "\r\n\r\nno"), "it arrives");
	close(fd);
	buf_release(&reply);

	fd = client_connect();
	client_send(fd, STR(GET("/hello?later")));
	parked = false;
	wait_until(is_parked, &parked);
	reset(fd);
	gone++;
	OK(wait_until(is_gone, &gone), "gone() is called when the client leaves meanwhile");
}

/* On the loop: whatever the turn in which gone() was called still had to do is done. */
static void count_abandoned(void *what)
{
	*(int *)what += 1;
}

static void test_parked(void)
{
	struct buf reply;
	int fd = client_connect(), gone = product.gone, served = product.served;
	int ended_before = product.ended, abandoned_before = product.abandoned;
	char text[] = "late";
	bool parked = false;

	buf_init(&reply, 10000);
	client_send(fd, STR(GET("/park") GET_LAST("/hello")));
	wait_until(is_parked, &parked);
	OK(parked, "parked");
	IS_INT(product.served, served, "the request behind it waits");
	on_loop(reply_parked, text);
	client_read(fd, &reply, SIZE_MAX);
	OK(has(&reply, "\r\n\r\nlateHTTP/1.1 200 OK\r\n") && has(&reply, "\r\n\r\nhello"),
	   "a late reply, then the next");
	IS_INT(product.gone, gone, "gone() is not called for a reply that came");
	close(fd);
	buf_release(&reply);

	fd = client_connect();
	client_send(fd, STR(GET("/park")));
	parked = false;
	wait_until(is_parked, &parked);
	reset(fd);
	gone++;
	wait_until(is_gone, &gone);
	IS_INT(product.gone, gone, "gone() is called once when the client leaves");
	IS_INT(product.ended, ended_before + 2, "ended() is for what was replied to");
	on_loop(count_abandoned, &abandoned_before);
	IS_INT(product.abandoned, abandoned_before, "and abandoned() for what was not, once");
}

/* ---- limits ---- */

static void test_slow_clients(void)
{
	static const struct {
		const char *name, *text, *answer;
	} slow[] = {
		{ "half a head", "GET /hello HTTP/1.1\r\nHo", "HTTP/1.1 408 Request Timeout\r\n" },
		{ "half a body", "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
		  "HTTP/1.1 408 Request Timeout\r\n" },
		{ "nothing", "", "" },
		{ "nothing more", GET("/hello"), "HTTP/1.1 200 OK\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		struct buf reply;

		OK(ask(slow[i].text, &reply), "%s: ended", slow[i].name);
		IS_STR(str_first(buf_str(&reply), strlen(slow[i].answer)), str_of(slow[i].answer),
		       "%s: the answer", slow[i].name);
		buf_release(&reply);
	}
}

static void test_slow_reader(void)
{
	struct buf reply;
	int fd = client_connect(), small = 65536, ended_before = product.ended;
	int shed_before = product.shed;

	buf_init(&reply, 10000000);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(fd, STR("GET /file HTTP/1.1\r\nHost: h\r\n\r\n"));
	ended_before++;
	OK(wait_until(is_ended, &ended_before), "a client that does not read is given up");
	client_read(fd, &reply, SIZE_MAX);
	OK(body_of(&reply).len < FILE_SIZE && is_file(body_of(&reply), 0),
	   "short, but never wrong");
	IS_INT(product.shed, shed_before + 1,
	       "the product is told once that the request's slices end");
	IS_STR(str_of(product.shed_target), STR("/file"), "while they are there");
	OK(product.has_note, "and what it kept of them is there at the end");
	close(fd);
	buf_release(&reply);
}

static void test_connection_limit(void)
{
	struct buf reply;
	int fds[4];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect();
		buf_init(&reply, 10000);
		client_send(fds[i], STR(GET("/hello")));
		client_read(fds[i], &reply, 20);
		buf_release(&reply);
	}
	OK(ask(GET("/hello"), &reply), "one connection more than there may be");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 503 ")) && has(&reply, "overloaded"),
	   "503 overloaded");
	buf_release(&reply);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static atomic_int crowded_times, roomy_times;

static void note_crowded(const struct http_server *server, bool is_crowded)
{
	if (is_crowded)
		crowded_times++;
	else
		roomy_times++;
}

static bool is_roomy(void *what)
{
	return roomy_times == *(int *)what;
}

static void ask_overloaded(const char *what)
{
	struct buf reply;

	OK(ask(GET("/hello"), &reply), "%s", what);
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 503 ")) && has(&reply, "overloaded"),
	   "503 overloaded");
	buf_release(&reply);
}

/* Of the process's descriptors, in place of this server's connections. */
static void test_descriptor_limit(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct http_app crowded_app = app;
	int others[80], once = 1;

	crowded_app.crowded = note_crowded;
	options.connection_fd_max = 64;
	options.file_fd_max = 1000;
	crowded_times = roomy_times = 0;
	fixture_start(&crowded_app, &options);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		others[i] = fcntl(fixture.file_fd, F_DUPFD_CLOEXEC, 0);
	ask_overloaded("one descriptor more than there may be");
	ask_overloaded("and another");
	IS_INT(crowded_times, 1, "the product is told once");
	IS_INT(roomy_times, 0, "that there is no room");
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		close(others[i]);
	OK(wait_until(is_roomy, &once),
	   "others give descriptors back: it is told, though nobody connects");
	fixture_stop();
	IS_INT(crowded_times, 1, "and nothing else is");
}

/* What was refused is over; those who leave make room, and nobody comes. */
static void test_room_again(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct http_app crowded_app = app;
	int crowd[16], once = 1;

	crowded_app.crowded = note_crowded;
	options.connections_max = ARRAY_LEN(crowd);
	crowded_times = roomy_times = 0;
	fixture_start(&crowded_app, &options);
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
		struct buf reply;

		crowd[i] = client_connect();
		buf_init(&reply, 10000);
		client_send(crowd[i], STR(GET("/hello")));
		client_read(crowd[i], &reply, 20);
		buf_release(&reply);
	}
	ask_overloaded("one connection more than there may be");
	IS_INT(crowded_times, 1, "the product is told that there is no room");
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
		close(crowd[i]);
	OK(wait_until(is_roomy, &once), "and that there is again");
	fixture_stop();
	IS_INT(crowded_times, 1, "each once");
}

/* What the loop knows of itself, read on its own thread. */
struct server_facts {
	int64_t next_look_ms; /* for room; 0: it does not look */
	unsigned connections;
	bool is_paused;
};

static void read_facts(void *what)
{
	const struct http_server_inner *inner = fixture.server->inner;

	*(struct server_facts *)what = (struct server_facts){
		.next_look_ms = timer_is_on(&inner->crowd_timer) ? inner->crowd_timer.at_ms : 0,
		.connections = http_server_connections(fixture.server),
		.is_paused = timer_is_on(&inner->accept_timer),
	};
}

static struct server_facts facts_now(void)
{
	struct server_facts facts;

	on_loop(read_facts, &facts);
	return facts;
}

static bool has_looked_since(void *what)
{
	return facts_now().next_look_ms != *(int64_t *)what;
}

static bool are_connected(void *what)
{
	return facts_now().connections == *(unsigned *)what;
}

/* A loop that refused takes connections again when an eighth of them is free, not at the first that leaves. */
static void test_an_eighth_is_free(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct http_app crowded_app = app;
	unsigned left = 15;
	int crowd[16], once = 1;
	int64_t looked_at_ms;

	crowded_app.crowded = note_crowded;
	options.connections_max = ARRAY_LEN(crowd);
	crowded_times = roomy_times = 0;
	fixture_start(&crowded_app, &options);
	for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
		crowd[i] = client_connect();
	ask_overloaded("one more than there may be");
	close(crowd[0]);
	OK(wait_until(are_connected, &left), "one leaves");
	for (int i = 0; i < 2; i++) {
		looked_at_ms = facts_now().next_look_ms;
		OK(wait_until(has_looked_since, &looked_at_ms), "it looks");
	}
	IS_INT(roomy_times, 0, "15 of 16 are too many still");
	close(crowd[1]);
	OK(wait_until(is_roomy, &once), "14 are not");
	for (size_t i = 2; i < ARRAY_LEN(crowd); i++)
		close(crowd[i]);
	fixture_stop();
}

static bool is_paused(void *what)
{
	return facts_now().is_paused;
}

/* accept(2) fails while no descriptor is left; what waited is accepted when there is one again. */
static void test_out_of_descriptors(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct rlimit before, tight;
	struct buf reply;
	int client, lowest;

	fixture_start(&app, &options);
	where.sin_port = htons((uint16_t)fixture.port);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	lowest = fcntl(fixture.file_fd, F_DUPFD_CLOEXEC, 0);
	close(lowest);
	OK(getrlimit(RLIMIT_NOFILE, &before) == 0, "descriptors can be limited");
	tight = before;
	tight.rlim_cur = (rlim_t)lowest;
	OK(setrlimit(RLIMIT_NOFILE, &tight) == 0, "to those that are open");
	OK(connect(client, (struct sockaddr *)&where, sizeof(where)) == 0, "a client connects");
	OK(wait_until(is_paused, NULL), "it is not accepted, and accepting pauses");
	IS_INT(facts_now().connections, 0, "nobody is served");
	OK(setrlimit(RLIMIT_NOFILE, &before) == 0, "there are descriptors again");
	buf_init(&reply, 10000);
	OK(client_send(client, STR(GET_LAST("/hello"))) && client_read(client, &reply, SIZE_MAX),
	   "it is answered");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 200 ")), "as if nothing had been");
	buf_release(&reply);
	close(client);
	fixture_stop();
}

static void test_with_short_limits(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	options.connections_max = 4;
	options.keepalive_timeout_ms = options.head_timeout_ms = options.body_timeout_ms = 150;
	options.send_timeout_ms = 150;
	fixture_start(&app, &options);
	test_slow_clients();
	test_slow_reader();
	fixture_stop();

	options.keepalive_timeout_ms = 60000;
	fixture_start(&app, &options);
	test_connection_limit();
	fixture_stop();
	test_descriptor_limit();
	test_room_again();
	test_an_eighth_is_free();
	test_out_of_descriptors();
}

static void refuse_in_silence(struct exchange *x, int status, const char *code, const char *text,
			      const char *allow)
{
}

/* What a product does not answer is answered all the same. */
static void test_silent_product(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct http_app silent_app = app;
	struct buf reply;

	silent_app.refuse = refuse_in_silence;
	fixture_start(&silent_app, &options);
	OK(ask(GET_LAST("/no-such-path"), &reply), "a product that refuses in silence");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 404 Not Found\r\n")), "the status alone");
	OK(has(&reply, "\r\nContent-Length: 0\r\n"), "without a body");
	buf_release(&reply);
	fixture_stop();
}

static void test_stop(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct buf reply, idle_reply;
	int idle, busy, small = 65536, gone = product.gone;
	bool parked = false;

	fixture_start(&app, &options);
	idle = client_connect();
	busy = client_connect();
	setsockopt(busy, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	buf_init(&reply, 10000000);
	buf_init(&idle_reply, 10000);
	client_send(idle, STR(GET("/hello")));
	client_read(idle, &idle_reply, 20);
	client_send(busy, STR(GET("/file")));
	client_read(busy, &reply, 100);
	on_loop(begin_stop, fixture.server);
	OK(client_read(idle, &idle_reply, SIZE_MAX), "stopping ends an idle connection");
	OK(client_read(busy, &reply, SIZE_MAX), "and lets a reply finish");
	IS_INT(body_of(&reply).len, FILE_SIZE, "to its last byte");
	fixture_join();
	close(idle);
	close(busy);
	buf_release(&reply);
	buf_release(&idle_reply);

	options.stop_timeout_ms = 50;
	fixture_start(&app, &options);
	busy = client_connect();
	client_send(busy, STR(GET("/park")));
	wait_until(is_parked, &parked);
	fixture_stop();
	IS_INT(product.gone, gone + 1, "what is parked at the limit is gone()");
	buf_init(&reply, 10000);
	OK(client_read(busy, &reply, SIZE_MAX), "and its client is answered");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 503 ")) &&
		   has(&reply, "\r\nConnection: close"),
	   "that the server stops");
	buf_release(&reply);
	close(busy);
}

static bool is_past(void *what)
{
	return clock_monotonic_ms() > *(int64_t *)what;
}

/* What was sent behind the answer met no reader; else it is read, and the end is the only answer to it. */
static bool is_closed_over(int fd)
{
	struct pollfd end = { .fd = fd, .events = 0 };

	return poll(&end, 1, 20000) == 1 && end.revents & (POLLERR | POLLHUP);
}

/* Asked once more behind a body that took long, and not told before the stop: all of the request was read, nothing is waited for. */
static void test_stop_behind_body(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	bool parked = false;
	struct buf reply;
	int64_t late_ms;
	int fd;

	options.stop_timeout_ms = 0; /* nobody is waited for */
	fixture_start(&app, &options);
	buf_init(&reply, 10000);
	fd = client_connect();
	client_send(fd, STR("POST /echo?later HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
			    "Content-Length: 3\r\n\r\n"));
	wait_until(is_parked, &parked);
	on_loop(admit_parked, NULL);
	client_read(fd, &reply, sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1);
	late_ms = clock_monotonic_ms() + 1100;
	wait_until(is_past, &late_ms);
	client_send(fd, STR("abc"));
	parked = false;
	OK(wait_until(is_parked, &parked), "asked for once more behind its body");
	on_loop(begin_stop, fixture.server);
	client_read(fd, &reply, SIZE_MAX);
	OK(has(&reply, "HTTP/1.1 503 "), "told that the server stops");
	client_send(fd, STR("x"));
	OK(is_closed_over(fd), "nobody reads on behind its request");
	fixture_join();
	buf_release(&reply);
	close(fd);
}

/* On the loop: the bytes are in the socket before the server begins to stop, and its loop was not told of them. */
static void send_and_stop(void *what)
{
	client_send(*(int *)what, STR(GET("/hello")));
	begin_stop(fixture.server);
}

static void look_connected(void *what)
{
	*(bool *)what = http_server_connections(fixture.server) > 0;
}

static bool is_connected(void *what)
{
	on_loop(look_connected, what);
	return *(bool *)what;
}

/* A request that comes when the server stops already: at once, or on a connection that was never used. */
static void test_late_requests(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct buf reply;
	bool is_there = false;
	int late, fresh;

	options.stop_timeout_ms = 0; /* nobody is waited for */
	fixture_start(&app, &options);
	buf_init(&reply, 10000);
	late = client_connect();
	client_send(late, STR(GET("/hello")));
	client_read(late, &reply, 20);
	buf_clear(&reply);
	on_loop(send_and_stop, &late);
	OK(client_read(late, &reply, SIZE_MAX), "a request in the socket of an idle connection");
	OK(has(&reply, "HTTP/1.1 200 OK\r\n") && has(&reply, "\r\nConnection: close"),
	   "is answered before the connection ends");
	fixture_join();
	close(late);

	options.stop_timeout_ms = 60000;
	fixture_start(&app, &options);
	buf_clear(&reply);
	fresh = client_connect();
	wait_until(is_connected, &is_there);
	on_loop(begin_stop, fixture.server);
	client_send(fresh, STR(GET_LAST("/hello")));
	OK(client_read(fresh, &reply, SIZE_MAX) && has(&reply, "HTTP/1.1 200 OK\r\n"),
	   "so is the first one of a connection that came before the stop");
	fixture_join();
	close(fresh);
	buf_release(&reply);
}

/* On the loop: the key of the vectors that SipHash was published with, 00 01 ... 0f. */
static void set_id_key(void *what)
{
	struct http_server_inner *inner = fixture.server->inner;

	inner->id_key[0] = UINT64_C(0x0706050403020100);
	inner->id_key[1] = UINT64_C(0x0f0e0d0c0b0a0908);
	inner->id_count = 0;
}

/* SipHash-1-3 of 0 and 1 as eight bytes, computed apart by code that gives the published vectors of SipHash-2-4. */
static void test_ids(void)
{
	static const char *const ids[] = { "5cb96f6ba2a4fcfc", "32c5ea5ce472f19b" };
	struct buf reply;

	buf_init(&reply, 10000);
	on_loop(set_id_key, NULL);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		int fd = client_connect();

		buf_clear(&reply);
		client_send(fd, STR(GET_LAST("/id")));
		client_read(fd, &reply, SIZE_MAX);
		OK(str_ends(buf_str(&reply), str_of(ids[i])), "the id of request %zu: %s", i,
		   ids[i]);
		close(fd);
	}
	buf_release(&reply);
}

int main(void)
{
	static const size_t steps[] = { 1000000, 1, 13 };
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	fixture.file_fd = make_file(FILE_SIZE);
	fixture_start(&app, &options);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t n = 0; n < ARRAY_LEN(steps); n++)
			test_case(i, steps[n]);
	test_ids();
	test_pipelining();
	test_keep_alive();
	test_half_close();
	test_continue();
	test_large_body(false);
	test_large_body(true);
	test_begun();
	test_lingering();
	test_parked();
	test_late_admission();
	fixture_stop();
	test_with_short_limits();
	test_silent_product();
	test_stop();
	test_stop_behind_body();
	test_late_requests();
	close(fixture.file_fd);
	return tap_end();
}
