#include "fetch/fetch.h"
#include "fetch/transfer.h"
#include "fetch_server.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define USER  "AC00000000000000000000000000000001"
#define BASIC "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWNyZXQ="

#define OK_10 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"

static const struct answer answers[] = {
	{ "/ok",
	  OK_10
	  "Content-Type: audio/mpeg\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n\r\n0123456789",
	  THEN_KEEP },
	{ "/chunked",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n"
	  "Content-Length: 99\r\n\r\n",
	  THEN_KEEP },
	{ "/until-close", "HTTP/1.1 200 OK\r\n\r\n0123456789", THEN_CLOSE },
	{ "/continue", "HTTP/1.1 100 Continue\r\nETag: \"no\"\r\n\r\n" OK_10 "\r\n0123456789",
	  THEN_KEEP },
	{ "/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", THEN_KEEP },
	{ "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", THEN_CLOSE },
	{ "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789",
	  THEN_CLOSE },
	{ "/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", THEN_CLOSE },
	{ "/nothing", "", THEN_CLOSE },
	{ "/garbage", "what do you want?\r\n\r\n", THEN_CLOSE },
	{ "/404",
	  "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nContent-Type: text/xml\r\n\r\n<x/>",
	  THEN_KEEP },
	{ "/429", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/silent", "", THEN_HANG },
	{ "/stall", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", THEN_HANG },
	{ "/stall-late", "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n@M", THEN_HANG },
	{ "/to-ok", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 5\r\n\r\nmoved",
	  THEN_KEEP },
	{ "/to-404", "HTTP/1.1 301 Moved\r\nLocation: 404\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-b",
	  "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:@B/ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-name",
	  "HTTP/1.1 307 Moved\r\nLocation: http://localhost:@A/ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-b-and-back",
	  "HTTP/1.1 308 Moved\r\nLocation: http://127.0.0.1:@B/to-a\r\n"
	  "Content-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-a",
	  "HTTP/1.1 308 Moved\r\nLocation: http://127.0.0.1:@A/ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-300", "HTTP/1.1 300 Many\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-301", "HTTP/1.1 301 Moved\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-303", "HTTP/1.1 303 See\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-305", "HTTP/1.1 305 Proxy\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-307", "HTTP/1.1 307 Moved\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-308", "HTTP/1.1 308 Moved\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nmoved", THEN_KEEP },
	{ "/created", "HTTP/1.1 201 Created\r\nLocation: /404\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ok-at-length", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: @L\r\n\r\n@M",
	  THEN_CLOSE },
	{ "/to-self", "HTTP/1.1 302 Found\r\nLocation: /to-self\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-ftp",
	  "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-user",
	  "HTTP/1.1 302 Found\r\nLocation: http://a:b@127.0.0.1:@A/ok\r\nContent-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "/to-metadata",
	  "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n"
	  "Content-Length: 0\r\n\r\n",
	  THEN_KEEP },
	{ "http://recordings.example/ok", OK_10 "\r\n0123456789",
	  THEN_KEEP }, /* as a proxy is asked */
};

static struct loop *loop;
static struct server server;
static struct fetch *fetch;

/* One transfer, and what came of it. */
struct asked {
	struct transfer_receiver receiver;
	struct transfer *transfer;
	struct transfer_head head;
	struct transfer_result result;
	struct buf body;
	char followed[256];
	int heads, ends;
	size_t largest;   /* piece of the body */
	struct buf lines; /* with on_line */
	bool refuses, stops_at_head, stops_at_bytes, ends_loop;
	/* cancel what, in which callback */
	struct asked *cancels_at_head, *cancels_at_bytes, *cancels_at_end, *cancels_at_redirect;
};

static void cancel(struct asked *other)
{
	if (other)
		transfer_cancel(other->transfer);
}

static bool may_follow(struct transfer_receiver *receiver, const char *url)
{
	struct asked *asked = container_of(receiver, struct asked, receiver);

	snprintf(asked->followed, sizeof(asked->followed), "%s", url);
	cancel(asked->cancels_at_redirect);
	if (asked->cancels_at_redirect)
		loop_stop(loop);
	return !asked->refuses;
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct asked *asked = container_of(receiver, struct asked, receiver);

	asked->head = *head;
	asked->heads++;
	cancel(asked->cancels_at_head);
	return asked->stops_at_head ? TRANSFER_STOP : TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct asked *asked = container_of(receiver, struct asked, receiver);

	buf_add_str(&asked->body, bytes);
	if (asked->largest < bytes.len)
		asked->largest = bytes.len;
	cancel(asked->cancels_at_bytes);
	if (asked->ends_loop)
		loop_stop(loop);
	return asked->stops_at_bytes ? TRANSFER_STOP : TRANSFER_GO_ON;
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct asked *asked = container_of(receiver, struct asked, receiver);

	asked->result = *result;
	asked->ends++;
	cancel(asked->cancels_at_end);
	loop_stop(loop);
}

static void on_line(struct transfer_receiver *receiver, struct str line)
{
	buf_add_str(&container_of(receiver, struct asked, receiver)->lines, line);
}

static void prepare(struct asked *asked)
{
	*asked = (struct asked){ .receiver = { may_follow, on_head, on_bytes, on_end } };
	buf_init(&asked->body, BIG_BODY);
}

static char *url_of(const char *path)
{
	struct buf url;

	if (strstr(path, "://"))
		return xstrdup(path);
	buf_init(&url, 500);
	add_raw(&server, &url, "http://127.0.0.1:@A");
	buf_add_text(&url, path);
	return buf_take(&url);
}

/* Starts it on the path; `like`: the rest of the request, or NULL. */
static void begin(struct asked *asked, const char *path, const struct transfer_request *like)
{
	struct transfer_request request = like ? *like : (struct transfer_request){ 0 };
	AUTO(free) char *url = url_of(path);
	struct err err;

	request.url = url;
	if (!transfer_start(fetch, &request, &asked->receiver, &asked->transfer, &err))
		OK(false, "starts %s: %s", path, err.text);
}

static void ask(struct asked *asked, const char *path, const struct transfer_request *like)
{
	prepare(asked);
	server_forget(&server);
	begin(asked, path, like);
	loop_run(loop);
}

static void open_fetch(const struct fetch_options *options)
{
	struct err err;

	if (!fetch_new(loop, options, &fetch, &err))
		OK(false, "opens: %s", err.text);
}

static const char *const loopback[] = { "127.0.0.1", "LocalHost", "[::1]", NULL };

/* ---- answers, whole and broken ---- */

static void answers_are_told_apart(void)
{
	static const struct {
		const char *path;
		enum transfer_outcome outcome;
		int status;
		int64_t length;
		uint64_t bytes;
		const char *name;
	} cases[] = {
		{ "/ok", TRANSFER_OK, 200, 10, 10, "a body with its length" },
		{ "/chunked", TRANSFER_OK, 200, -1, 10, "a chunked body, its trailers ignored" },
		{ "/until-close", TRANSFER_OK, 200, -1, 10, "a body until the connection closes" },
		{ "/continue", TRANSFER_OK, 200, 10, 10, "an interim answer first" },
		{ "/empty", TRANSFER_OK, 200, 0, 0, "an empty body" },
		{ "/404", TRANSFER_OK, 404, 4, 4, "an error is an answer too" },
		{ "/429", TRANSFER_OK, 429, 0, 0, "so is a limit" },
		{ "/cut", TRANSFER_CUT, 200, 100, 10, "a body cut short of its length" },
		{ "/cut-chunk", TRANSFER_CUT, 200, -1, 10, "a body cut within a chunk" },
		{ "/nothing", TRANSFER_CUT, 0, -1, 0, "no answer at all" },
		{ "/garbage", TRANSFER_BAD_ANSWER, 0, -1, 0, "not HTTP" },
		{ "/silent", TRANSFER_STALLED, 0, -1, 0, "silence before the head" },
		{ "/stall", TRANSFER_STALLED, 200, 100, 10, "silence within the body" },
		{ "/stall-late", TRANSFER_STALLED, 200, 2000000, 1 << 20,
		  "silence after much has come" },
		{ "/to-ok", TRANSFER_OK, 200, 10, 10, "a redirect within the host" },
		{ "/to-404", TRANSFER_OK, 404, 4, 4, "a relative redirect, to an error" },
		{ "/to-name", TRANSFER_OK, 200, 10, 10, "a redirect to another host" },
		{ "/to-ok-301", TRANSFER_OK, 200, 10, 10, "301: a redirect" },
		{ "/to-ok-303", TRANSFER_OK, 200, 10, 10, "303: a redirect" },
		{ "/to-ok-307", TRANSFER_OK, 200, 10, 10, "307: a redirect" },
		{ "/to-ok-308", TRANSFER_OK, 200, 10, 10, "308: a redirect" },
		{ "/to-ok-300", TRANSFER_OK, 300, 0, 0, "300: an answer" },
		{ "/to-ok-305", TRANSFER_OK, 305, 0, 0, "305: an answer" },
		{ "/to-nowhere", TRANSFER_OK, 302, 5, 5,
		  "a redirect that does not say whereto: an answer" },
		{ "/created", TRANSFER_OK, 201, 0, 0, "a Location that is no redirect" },
		{ "/to-ok-at-length", TRANSFER_OK, 200, 10, 10,
		  "a redirect with a body that nobody wants" },
		{ "/to-self", TRANSFER_TOO_MANY_REDIRECTS, 302, -1, 0, "redirects without end" },
		{ "/to-ftp", TRANSFER_REFUSED_REDIRECT, 302, -1, 0,
		  "a redirect to another scheme" },
		{ "/to-user", TRANSFER_REFUSED_REDIRECT, 302, -1, 0,
		  "a redirect with a user in it" },
		{ "/to-metadata", TRANSFER_REFUSED_ADDRESS, 0, -1, 0,
		  "a redirect to a link-local address" },
		{ "http://[::1]:1/", TRANSFER_NOT_CONNECTED, 0, -1, 0,
		  "an allowed host is named in brackets, or without" },
		{ "http://127.0.0.1:1/", TRANSFER_NOT_CONNECTED, 0, -1, 0, "nobody listens" },
	};
	static char long_page[1 << 20];

	memset(long_page, 'x', sizeof(long_page));
	server.media = (struct str){ long_page, sizeof(long_page) };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asked asked;

		ask(&asked, cases[i].path, NULL);
		IS_STR(str_of(transfer_outcome_text(asked.result.outcome)),
		       str_of(transfer_outcome_text(cases[i].outcome)), "%s: outcome (%s)",
		       cases[i].name, asked.result.text);
		IS_INT(asked.result.status, cases[i].status, "%s: status", cases[i].name);
		IS_INT(asked.result.bytes, cases[i].bytes, "%s: bytes", cases[i].name);
		IS_INT(asked.body.len, cases[i].bytes, "%s: bytes given", cases[i].name);
		if (asked.heads)
			IS_INT(asked.head.content_length, cases[i].length, "%s: length",
			       cases[i].name);
		OK((asked.result.text[0] == '\0') == (cases[i].outcome == TRANSFER_OK),
		   "%s: says why", cases[i].name);
		OK(asked.ends == 1 && asked.heads <= 1, "%s: one end, one head at most",
		   cases[i].name);
		OK((asked.result.first_byte_ms >= 0) ==
			   (asked.result.status > 0 || asked.result.redirects > 0),
		   "%s: a first byte, or none", cases[i].name);
		buf_release(&asked.body);
	}
}

static void head_is_told(void)
{
	struct asked asked;

	ask(&asked, "/ok", NULL);
	IS_STR(str_of(asked.head.content_type), STR("audio/mpeg"), "the type");
	IS_STR(str_of(asked.head.etag), STR("\"v1\""), "the ETag");
	OK(asked.head.accepts_ranges && asked.head.etag_is_strong, "ranges are offered");
	OK(asked.result.first_byte_ms >= 0 && asked.result.total_ms >= asked.result.first_byte_ms &&
		   asked.result.total_ms < 60000,
	   "how long it took");
	buf_release(&asked.body);
	ask(&asked, "/429", NULL);
	IS_INT(asked.head.retry_after_ms, 7000, "when to come again");
	buf_release(&asked.body);
}

/* ---- what is sent ---- */

static void requests_say_what_they_should(void)
{
	static const struct transfer_header headers[] = { { "Content-Type", "text/plain" },
							  { "X-Nothing", "" } };
	static const struct {
		struct transfer_request like;
		const char *has, *has_not, *name;
	} cases[] = {
		{ { 0 }, "GET /ok HTTP/1.1\r\n", "Range:", "GET" },
		{ { 0 },
		  "Accept-Encoding: identity\r\n",
		  "Authorization:",
		  "no content coding wanted" },
		{ { 0 },
		  "User-Agent: callspool/" CALLSPOOL_VERSION "\r\n",
		  "Content-Type:",
		  "who asks" },
		{ { .method = TRANSFER_HEAD }, "HEAD /ok HTTP/1.1\r\n", "Expect:", "HEAD" },
		{ { .method = TRANSFER_DELETE },
		  "DELETE /ok HTTP/1.1\r\n",
		  "Content-Type:",
		  "DELETE" },
		{ { .method = TRANSFER_POST, .body = STR("a=b") },
		  "Content-Length: 3\r\n",
		  "Content-Type:",
		  "POST, without a type that nobody named" },
		{ { .method = TRANSFER_POST, .body = STR("a=b") },
		  "\r\n\r\na=b",
		  "Expect:",
		  "its body" },
		{ { .method = TRANSFER_PUT,
		    .body = STR("abc"),
		    .headers = headers,
		    .header_count = 2 },
		  "PUT /ok HTTP/1.1\r\n",
		  "urlencoded",
		  "PUT" },
		{ { .method = TRANSFER_PUT,
		    .body = STR("abc"),
		    .headers = headers,
		    .header_count = 2 },
		  "Content-Type: text/plain\r\n",
		  "Expect:",
		  "its type" },
		{ { .method = TRANSFER_POST,
		    .body = STR("a=b"),
		    .headers = headers + 1,
		    .header_count = 1 },
		  "X-Nothing:",
		  "urlencoded",
		  "POST with other headers, without a type" },
		{ { .method = TRANSFER_PUT, .headers = headers, .header_count = 2 },
		  "X-Nothing:",
		  "Range:",
		  "an empty header" },
		{ { .method = TRANSFER_PUT },
		  "Content-Length: 0\r\n",
		  "chunked",
		  "PUT of nothing" },
		{ { .ranged = true, .first = 5, .last = 8 },
		  "Range: bytes=5-8\r\n",
		  "If-Range",
		  "a range" },
		{ { .ranged = true, .first = 5, .last = TRANSFER_OPEN, .if_range = "\"v1\"" },
		  "Range: bytes=5-\r\nIf-Range: \"v1\"\r\n",
		  "Content-Type",
		  "the rest, if unchanged" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asked asked;

		ask(&asked, "/ok", &cases[i].like);
		OK(strstr(server.last, cases[i].has), "%s: said as it should be", cases[i].name);
		OK(!strstr(server.last, cases[i].has_not), "%s: no '%s'", cases[i].name,
		   cases[i].has_not);
		/* HEAD's answer has a length and no body. */
		IS_INT(asked.result.bytes, cases[i].like.method == TRANSFER_HEAD ? 0 : 10,
		       "%s: bytes", cases[i].name);
		buf_release(&asked.body);
	}
}

/* The pooled handle that sent a file is one that sends none then. */
static void files_are_sent(void)
{
	static const char text[] = "what is in the file, and more";
	struct transfer_file file = { .fd = memfd_create("file", MFD_CLOEXEC), .size = 19 };
	struct asked asked;

	OK(write(file.fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1, "a file");
	for (int i = 0; i < 2; i++) {
		ask(&asked, "/ok",
		    &(struct transfer_request){ .method = TRANSFER_PUT, .file = &file });
		OK(strstr(server.last, "PUT /ok HTTP/1.1\r\n"), "is sent by PUT");
		OK(strstr(server.last, "Content-Length: 19\r\n"), "as long as was said");
		OK(strstr(server.last, "\r\n\r\nwhat is in the file") &&
			   !strstr(server.last, "and more"),
		   "and not further");
		OK(!strstr(server.last, "Expect:") && !strstr(server.last, "chunked"),
		   "without asking first");
		IS_INT(asked.result.bytes, 10, "its answer comes");
		buf_release(&asked.body);
		ask(&asked, "/ok", NULL);
		OK(strstr(server.last, "GET /ok HTTP/1.1\r\n") &&
			   !strstr(server.last, "Content-Length:"),
		   "a GET after it is one");
		buf_release(&asked.body);
	}
	file.size = sizeof(text) + 10;
	ask(&asked, "/ok", &(struct transfer_request){ .method = TRANSFER_PUT, .file = &file });
	OK(asked.result.outcome != TRANSFER_OK, "a file that is shorter than was said is not sent");
	buf_release(&asked.body);
	close(file.fd);
}

/* So many letters. */
static const char *password_of(size_t len)
{
	static char text[2000];

	memset(text, 'p', len);
	text[len] = '\0';
	return text;
}

static void long_credentials_fit(void)
{
	struct transfer_request like = { .user = "u",
					 .password = password_of(1021),
					 .auth_for = "http://127.0.0.1" };
	AUTO(free) char *home = url_of("");
	struct asked asked;

	like.auth_for = home;
	ask(&asked, "/ok", &like);
	IS_INT(asked.result.status, 200, "credentials of 1023 bytes");
	OK(strstr(server.last, "Authorization: Basic ") &&
		   str_find(str_of(strstr(server.last, "Basic ")), '\r') == 6 + 1364,
	   "are sent whole");
	buf_release(&asked.body);
}

static void wrong_requests_are_refused(void)
{
	static const struct transfer_header bad_header[] = { { "X", "a\r\nY: b" } };
	const struct transfer_request cases[] = {
		{ .url = "/ok" },
		{ .url = "ftp://example.com/" },
		{ .url = "file:///etc/passwd" },
		{ .url = "http://user:pass@example.com/" },
		{ .url = "http://example.com/\r\nX: y" },
		{ .url = "http://example.com/", .user = "a", .password = "b" },
		{ .url = "http://example.com/",
		  .user = "a:b",
		  .password = "b",
		  .auth_for = "http://example.com" },
		{ .url = "http://example.com/", .headers = bad_header, .header_count = 1 },
		{ .url = "http://example.com/", .ranged = true, .first = 2, .last = 1 },
		{ .url = "http://example.com/",
		  .ranged = true,
		  .last = 1,
		  .if_range = "a\r\nX: y" },
		{ .url = "http://example.com/",
		  .user = "u",
		  .password = password_of(1022),
		  .auth_for = "http://example.com" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer *transfer;
		struct asked asked;
		struct err err = { .kind = ERR_INTERNAL };

		prepare(&asked);
		OK(!transfer_start(fetch, &cases[i], &asked.receiver, &transfer, &err) &&
			   err.kind == ERR_INVALID,
		   "wrong request %zu: %s", i, err.text);
	}
}

/* Lines of server.all that begin with `listener` and hold `text`. */
static int count_lines(char listener, const char *text)
{
	struct str rest = str_of(server.all), line;
	int count = 0;

	while (str_cut(&rest, '\n', &line))
		if (line.len > 2 && line.at[0] == listener &&
		    str_starts(str_after(line, 2), str_of(text)))
			count++;
	return count;
}

static void credentials_stay_home(void)
{
	static const struct transfer_header own[] = { { "X-Token", "t" } };
	static const struct {
		const char *path, *auth_for;
		int requests_a, with_a, requests_b, with_b;
		const char *name;
	} cases[] = {
		{ "/ok", "http://127.0.0.1:@A/2010-04-01", 1, 1, 0, 0,
		  "to the origin they are for" },
		{ "/to-ok", "http://127.0.0.1:@A", 2, 2, 0, 0, "along a redirect within it" },
		{ "/to-b", "http://127.0.0.1:@A", 1, 1, 1, 0, "not to another port" },
		{ "/to-b", "http://127.0.0.1:@B", 1, 0, 1, 0,
		  "nor where a redirect leads to, even if theirs" },
		{ "/to-name", "http://127.0.0.1:@A", 2, 1, 0, 0,
		  "not to another name of the same address" },
		{ "/to-b-and-back", "http://127.0.0.1:@A", 2, 1, 1, 0,
		  "not back home from abroad" },
		{ "/ok", "https://127.0.0.1:@A", 1, 0, 0, 0, "not to another scheme" },
		{ "/ok", "http://localhost:@A", 1, 0, 0, 0, "not to another host from the start" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer_request like = { .user = USER,
						 .password = "secret",
						 .headers = own,
						 .header_count = 1,
						 .ranged = true,
						 .first = 0,
						 .last = 9 };
		struct buf auth_for;
		struct asked asked;

		buf_init(&auth_for, 200);
		add_raw(&server, &auth_for, cases[i].auth_for);
		like.auth_for = auth_for.at;
		ask(&asked, cases[i].path, &like);
		IS_INT(asked.result.status, 200, "credentials %s: answered", cases[i].name);
		IS_INT(count_lines('A', "GET "), cases[i].requests_a, "%s: requests here",
		       cases[i].name);
		IS_INT(count_lines('B', "GET "), cases[i].requests_b, "%s: requests there",
		       cases[i].name);
		IS_INT(count_lines('A', BASIC "\r"), cases[i].with_a, "%s: with them here",
		       cases[i].name);
		IS_INT(count_lines('A', "Authorization"), cases[i].with_a, "%s: no others",
		       cases[i].name);
		IS_INT(count_lines('B', "Authorization"), cases[i].with_b, "%s: with them there",
		       cases[i].name);
		IS_INT(count_lines('B', "X-Token"), 0, "%s: nor own headers there", cases[i].name);
		IS_INT(count_lines('B', "Range: bytes=0-9"), cases[i].requests_b,
		       "%s: the range goes along", cases[i].name);
		OK(!strstr(asked.result.text, "secret"), "%s: they are not told", cases[i].name);
		buf_release(&asked.body);
		buf_release(&auth_for);
	}
}

static void redirects_are_asked_about(void)
{
	struct asked asked;
	AUTO(free) char *there = NULL;

	prepare(&asked);
	asked.refuses = true;
	server_forget(&server);
	begin(&asked, "/to-b", NULL);
	loop_run(loop);
	there = xasprintf("http://127.0.0.1:%u/ok", server.ports[1]);
	IS_STR(str_of(asked.followed), str_of(there), "the receiver sees where it would go");
	IS_INT(asked.result.outcome, TRANSFER_REFUSED_REDIRECT, "and may refuse: %s",
	       asked.result.text);
	IS_INT(server.requests, 1, "then nobody is asked");
	IS_INT(asked.heads, 0, "and the redirect itself is not shown");
	buf_release(&asked.body);

	ask(&asked, "/to-b", &(struct transfer_request){ .method = TRANSFER_POST });
	IS_INT(asked.result.status, 307, "a redirected POST is not sent again");
	buf_release(&asked.body);

	/* The listener does not speak TLS: that it is tried shows that the scheme was changed. */
	ask(&asked, "/ok", &(struct transfer_request){ .upgrade_to_https = true });
	IS_INT(asked.result.outcome, TRANSFER_TLS_FAILED, "http becomes https: %s",
	       asked.result.text);
	buf_release(&asked.body);
}

/* ---- stop, pause, cancel ---- */

static void stops(void)
{
	struct asked asked;

	prepare(&asked);
	asked.stops_at_head = true;
	begin(&asked, "/big", NULL);
	loop_run(loop);
	IS_INT(asked.result.outcome, TRANSFER_STOPPED, "stopped at the head");
	IS_INT(asked.body.len, 0, "nothing of the body came");
	buf_release(&asked.body);

	prepare(&asked);
	asked.stops_at_bytes = true;
	begin(&asked, "/big", NULL);
	loop_run(loop);
	IS_INT(asked.result.outcome, TRANSFER_STOPPED, "stopped at the first bytes");
	OK(asked.body.len > 0 && asked.body.len <= 131072, "no more came");
	buf_release(&asked.body);

	prepare(&asked);
	asked.stops_at_bytes = true;
	begin(&asked, "/stall", NULL);
	loop_run(loop);
	IS_INT(asked.result.outcome, TRANSFER_STOPPED,
	       "stopped at once, though nothing more comes that would end it");
	buf_release(&asked.body);
}

static void a_large_body(void)
{
	struct asked asked;
	size_t wrong = 0;

	prepare(&asked);
	begin(&asked, "/big", NULL);
	loop_run(loop);
	IS_INT(asked.result.outcome, TRANSFER_OK, "a large body: to the end");
	IS_INT(asked.body.len, BIG_BODY, "all came");
	for (size_t i = 0; i < asked.body.len; i++)
		wrong += (unsigned char)asked.body.at[i] != i % 251;
	IS_INT(wrong, 0, "each byte once, in order");
	OK(asked.largest > 16384 && asked.largest <= TRANSFER_PIECE_MAX,
	   "what one receive brought comes in one piece (%zu)", asked.largest);
	buf_release(&asked.body);
}

static void stop_when_all_closed(void)
{
	if (server.requests > 0 && list_is_empty(&server.peers))
		loop_stop(loop);
}

static void cancels(void)
{
	static const struct {
		const char *path;
		size_t member;
		const char *name;
	} cases[] = {
		{ "/big", offsetof(struct asked, cancels_at_head), "on_head" },
		{ "/big", offsetof(struct asked, cancels_at_bytes), "on_bytes" },
		{ "/to-ok", offsetof(struct asked, cancels_at_redirect), "may_follow" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asked asked;

		/* A fetch of its own, so that no other connection is open. */
		fetch_free(fetch);
		open_fetch(&(struct fetch_options){ .allowed_hosts = loopback });
		prepare(&asked);
		*(struct asked **)(void *)((char *)&asked + cases[i].member) = &asked;
		server_forget(&server);
		if (!asked.cancels_at_redirect)
			server.noticed = stop_when_all_closed;
		begin(&asked, cases[i].path, NULL);
		loop_run(loop);
		IS_INT(asked.ends, 0, "cancelled in its %s: no end is told", cases[i].name);
		IS_INT(fetch_active(fetch), 0, "and it is gone");
		IS_INT(server.requests, 1, "after one request");
		buf_release(&asked.body);
	}

	struct asked asked;

	prepare(&asked);
	asked.cancels_at_end = &asked;
	begin(&asked, "/ok", NULL);
	loop_run(loop);
	IS_INT(asked.ends, 1, "cancelling in on_end does nothing");
	buf_release(&asked.body);
	transfer_cancel(NULL);
}

static void cancels_others(void)
{
	struct asked first, second, third;

	prepare(&first);
	prepare(&second);
	prepare(&third);
	server_forget(&server);
	begin(&first, "/stall", NULL);
	begin(&second, "/big", NULL);
	begin(&third, "/silent", NULL);
	second.cancels_at_bytes = &first;
	second.cancels_at_head = &third;
	loop_run(loop);
	IS_INT(second.result.outcome, TRANSFER_OK,
	       "one cancels the others from its callbacks, and ends");
	OK(first.ends == 0 && third.ends == 0, "the others say nothing any more");
	IS_INT(fetch_active(fetch), 0, "and are gone");

	first.heads = 0;
	begin(&first, "/stall", NULL);
	transfer_cancel(first.transfer);
	begin(&third, "/ok", NULL);
	loop_run(loop);
	IS_INT(third.result.outcome, TRANSFER_OK, "cancelled before it began");
	IS_INT(first.heads, 0, "it never did");
	buf_release(&first.body);
	buf_release(&second.body);
	buf_release(&third.body);
}

static atomic_bool is_over;

static void *open_and_close(void *unused)
{
	while (!atomic_load(&is_over)) {
		int fd = openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
	return unused;
}

static struct asked *connecting;

static void cancel_connecting(struct timer *timer)
{
	(void)timer;
	cancel(connecting);
	loop_stop(loop);
}

/*
 * libcurl closes the socket first, and says then that it is not to be watched any more: the number
 * may be another thread's file by then.
 */
static void cancels_while_connecting(void)
{
	struct asked asked;
	struct timer timer = { 0 };
	pthread_t thread;
	bool has_thread = pthread_create(&thread, NULL, open_and_close, NULL) == 0;

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback });
	OK(has_thread, "another thread opens files and closes them");
	connecting = &asked;
	prepare(&asked);
	server_forget(&server);
	for (int i = 0; i < 300; i++) {
		begin(&asked, "/stall", NULL);
		timer_start(loop, &timer, 0, cancel_connecting); /* due in the turn that connects */
		loop_run(loop);
	}
	atomic_store(&is_over, true);
	if (has_thread)
		pthread_join(thread, NULL);
	IS_INT(asked.ends + asked.heads, 0, "cancelled while it connects: nothing is told");
	IS_INT(fetch_active(fetch), 0, "and it is gone");
	ask(&asked, "/ok", NULL);
	IS_INT(asked.result.outcome, TRANSFER_OK, "the next one is answered");
	buf_release(&asked.body);
}

/* ---- limits, reuse, guard ---- */

static void time_limit(void)
{
	struct asked asked;

	ask(&asked, "/silent", &(struct transfer_request){ .time_limit_ms = 20 });
	IS_INT(asked.result.outcome, TRANSFER_TIME_LIMIT, "over its time: %s", asked.result.text);
	buf_release(&asked.body);
}

static void slow_is_no_stall(void)
{
	struct asked asked;

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback, .stall_timeout_ms = 150 });
	ask(&asked, "/trickle", NULL);
	IS_INT(asked.result.outcome, TRANSFER_OK, "slow, but over the limit: %s",
	       asked.result.text);
	OK(asked.result.total_ms > 300, "for longer than the limit's time");
	buf_release(&asked.body);

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){
		.allowed_hosts = loopback, .stall_timeout_ms = 150, .stall_bytes_per_s = 20000 });
	ask(&asked, "/trickle", NULL);
	IS_INT(asked.result.outcome, TRANSFER_STALLED, "the same under a higher one: %s",
	       asked.result.text);
	OK(asked.result.bytes > 0 && asked.result.bytes < TRICKLE_PIECES * TRICKLE_BYTES,
	   "some came");
	buf_release(&asked.body);
}

/* A listener whose queue is full: the kernel answers no more. */
static void connecting_has_a_limit(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), in_queue[4];
	AUTO(free) char *url = NULL;
	struct asked asked;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	OK(bind(full, (const void *)&address, sizeof(address)) == 0 && listen(full, 0) == 0 &&
		   getsockname(full, (void *)&address, &len) == 0,
	   "nobody accepts");
	for (size_t i = 0; i < ARRAY_LEN(in_queue); i++) {
		in_queue[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(in_queue[i], (const void *)&address, sizeof(address)) < 0 &&
		    errno != EINPROGRESS)
			OK(false, "fills the queue");
	}
	fetch_free(fetch);
	open_fetch(&(struct fetch_options){
		.allowed_hosts = loopback, .connect_timeout_ms = 60, .stall_timeout_ms = 20 });
	url = xasprintf("http://127.0.0.1:%u/", ntohs(address.sin_port));
	ask(&asked, url, NULL);
	IS_INT(asked.result.outcome, TRANSFER_CONNECT_TIMEOUT, "not connected in time: %s",
	       asked.result.text);
	buf_release(&asked.body);
	for (size_t i = 0; i < ARRAY_LEN(in_queue); i++)
		close(in_queue[i]);
	close(full);
}

static void connections_are_reused(void)
{
	struct asked asked;

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback });
	server_forget(&server);
	for (int i = 0; i < 5; i++) {
		prepare(&asked);
		begin(&asked, i % 2 ? "/to-ok" : "/ok", NULL);
		loop_run(loop);
		IS_INT(asked.result.outcome, TRANSFER_OK, "transfer %d of one connection", i);
		buf_release(&asked.body);
	}
	IS_INT(server.connections, 1, "one connection for all");
}

static int in_turn_max;
static void note_active(void)
{
	if ((int)fetch_active(fetch) > in_turn_max)
		in_turn_max = (int)fetch_active(fetch);
}

static void more_than_may_wait(void)
{
	struct asked asked[10];
	int ended = 0;

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback, .max_transfers = 3 });
	server_forget(&server);
	server.noticed = note_active;
	for (int i = 0; i < 10; i++) {
		prepare(&asked[i]);
		begin(&asked[i], i == 4 ? "/nothing" : "/ok", NULL);
	}
	IS_INT(fetch_waiting(fetch), 10, "all wait at first");
	while (ended < 10) {
		loop_run(loop);
		ended = 0;
		for (int i = 0; i < 10; i++)
			ended += asked[i].ends;
	}
	IS_INT(in_turn_max, 3, "no more than may be under way at once");
	IS_INT(asked[9].result.outcome, TRANSFER_OK, "and each has its turn");
	for (int i = 0; i < 10; i++)
		buf_release(&asked[i].body);
}

static bool all_but_silent_ended(const struct asked *asked)
{
	return asked[4].ends && asked[5].ends;
}

/* One that hangs does not keep others waiting. */
static void one_host_has_a_share(void)
{
	AUTO(free) char *other = xasprintf("http://127.0.0.1:%u/ok", server.ports[1]);
	struct asked asked[6];

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){
		.allowed_hosts = loopback, .max_transfers = 3, .max_per_origin = 2 });
	server_forget(&server);
	for (int i = 0; i < 6; i++) {
		prepare(&asked[i]);
		begin(&asked[i], i < 4 ? "/silent" : other, NULL);
	}
	while (!all_but_silent_ended(asked))
		loop_run(loop);
	OK(asked[4].result.outcome == TRANSFER_OK && asked[5].result.outcome == TRANSFER_OK,
	   "who stands behind them has his turn");
	IS_INT(asked[0].ends + asked[1].ends + asked[2].ends + asked[3].ends, 0,
	       "before those of the one that hangs are over");
	IS_INT(fetch_active(fetch), 2, "which has its share");
	IS_INT(fetch_waiting(fetch), 2, "and no more");
	for (int i = 0; i < 4; i++)
		transfer_cancel(asked[i].transfer);
	for (int i = 0; i < 6; i++)
		buf_release(&asked[i].body);
}

static void guard(void)
{
	static const char *const urls[] = { "http://127.0.0.1:@A/ok",
					    "http://localhost:@A/ok",
					    "http://[::1]:@A/ok",
					    "http://2130706433:@A/ok",
					    "http://0x7f.1:@A/ok",
					    "http://[::ffff:127.0.0.1]:@A/ok",
					    "http://0.0.0.0:@A/ok",
					    "http://10.1.2.3/",
					    "http://169.254.169.254/latest/meta-data/" };
	static const char *const other[] = { "twilio.example", "127.0.0.2", "27.0.0.1", NULL };

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = other });
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct asked asked;
		struct buf url;

		buf_init(&url, 200);
		add_raw(&server, &url, urls[i]);
		ask(&asked, url.at, NULL);
		IS_INT(asked.result.outcome, TRANSFER_REFUSED_ADDRESS, "guarded: %s",
		       asked.result.text);
		IS_INT(server.connections, 0, "no connection is made to %s", urls[i]);
		buf_release(&asked.body);
		buf_release(&url);
	}
}

/* Whoever asks hosts of our own alone needs no list of them. */
static void guards_nothing(void)
{
	struct asked asked;

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allows_all = true });
	ask(&asked, "/ok", NULL);
	IS_INT(asked.result.outcome, TRANSFER_OK, "where all may be asked, loopback is");
	buf_release(&asked.body);
	ask(&asked, "http://127.0.0.1:1/", NULL);
	OK(asked.result.outcome == TRANSFER_NOT_CONNECTED && asked.result.is_refused,
	   "nobody listens there: it is said so");
	buf_release(&asked.body);
	ask(&asked, "http://nobody.invalid/", NULL);
	OK(asked.result.outcome == TRANSFER_NOT_RESOLVED && !asked.result.is_refused,
	   "which is not said of a name without an address");
	buf_release(&asked.body);
}

/* What one transfer met is not said of a later one, for which libcurl keeps it. */
static void refusals_are_their_own(void)
{
	int free_fd = dup(STDIN_FILENO);
	struct rlimit had, none;
	struct asked asked;

	close(free_fd);
	ask(&asked, "http://127.0.0.1:1/", NULL);
	OK(asked.result.is_refused, "one is refused");
	buf_release(&asked.body);
	getrlimit(RLIMIT_NOFILE, &had);
	none = had;
	none.rlim_cur = (rlim_t)free_fd;
	setrlimit(RLIMIT_NOFILE, &none);
	ask(&asked, "http://127.0.0.1:1/", NULL);
	setrlimit(RLIMIT_NOFILE, &had);
	OK(asked.result.outcome == TRANSFER_NOT_CONNECTED && !asked.result.is_refused,
	   "no descriptor is left for the next: nobody refused that: %s", asked.result.text);
	buf_release(&asked.body);
}

static void lines_are_told(void)
{
	struct asked asked;

	prepare(&asked);
	buf_init(&asked.lines, 1000);
	asked.receiver.on_line = on_line;
	begin(&asked, "/continue", NULL);
	loop_run(loop);
	IS_STR(buf_str(&asked.lines),
	       STR("HTTP/1.1 100 Continue\r\nETag: \"no\"\r\n\r\n" OK_10 "\r\n"),
	       "lines of each head are told as they came");
	buf_release(&asked.lines);
	buf_release(&asked.body);
}

static void proxy(void)
{
	AUTO(free) char *ours = xasprintf("http://127.0.0.1:%u", server.ports[1]);
	struct asked asked;

	/* Set before any transfer: libcurl would take these. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	setenv("no_proxy", "*", 1);
	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback });
	ask(&asked, "/ok", NULL);
	IS_INT(asked.result.status, 200, "the environment's proxy is not asked");
	buf_release(&asked.body);

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .proxy = ours });
	ask(&asked, "http://recordings.example/ok", NULL);
	IS_INT(asked.result.status, 200, "the proxy that is set is: %s", asked.result.text);
	IS_INT(count_lines('B', "GET http://recordings.example/ok"), 1, "with the whole URL");
	buf_release(&asked.body);
	ask(&asked, "http://169.254.169.254/", NULL);
	IS_INT(asked.result.outcome, TRANSFER_REFUSED_ADDRESS,
	       "not for addresses that are guarded");
	IS_INT(server.requests, 0, "it is not asked");
	buf_release(&asked.body);
}

static void ends_with_all_kinds_open(void)
{
	struct asked asked[4];

	fetch_free(fetch);
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback, .max_transfers = 3 });
	for (int i = 0; i < 4; i++)
		prepare(&asked[i]);
	begin(&asked[0], "/stall", NULL);
	begin(&asked[1], "/big", NULL);
	asked[1].ends_loop = true;
	begin(&asked[2], "/silent", NULL);
	begin(&asked[3], "/ok", NULL);
	loop_run(loop);
	transfer_cancel(asked[2].transfer);
	fetch_free(fetch);
	fetch = NULL;
	OK(asked[0].ends == 0 && asked[3].ends == 0,
	   "freed with stalled, unfinished, cancelled, waiting ones");
	for (int i = 0; i < 4; i++)
		buf_release(&asked[i].body);
}

int main(void)
{
	struct err err;

	if (!loop_new(&loop, &err))
		return 1;
	server_start(&server, loop, answers, ARRAY_LEN(answers));
	open_fetch(&(struct fetch_options){ .allowed_hosts = loopback, .stall_timeout_ms = 150 });
	answers_are_told_apart();
	head_is_told();
	requests_say_what_they_should();
	files_are_sent();
	wrong_requests_are_refused();
	long_credentials_fit();
	credentials_stay_home();
	redirects_are_asked_about();
	stops();
	a_large_body();
	cancels();
	cancels_others();
	cancels_while_connecting();
	time_limit();
	slow_is_no_stall();
	connecting_has_a_limit();
	connections_are_reused();
	more_than_may_wait();
	one_host_has_a_share();
	guard();
	guards_nothing();
	refusals_are_their_own();
	lines_are_told();
	proxy();
	ends_with_all_kinds_open();
	server_stop(&server);
	loop_free(loop);
	return tap_end();
}
