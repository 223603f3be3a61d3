/*
 * Each kind of reply, read by a client to its end: first those whose bytes are all there, then files
 * that grow, with each of their endings.  Long because a route and a test belong to each.
 */
#include "http/reply.h"
#include "http/send_file.h"
#include "http_fixture.h"

#define GET_LAST(path) "GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define PART_ONE       "--b\r\nfirst\r\n\r\n"
#define PART_TWO       "\r\n--b\r\nsecond\r\n\r\n"
#define PARTS_END      "\r\n--b--\r\n"
#define LARGE          5000000

/* ---- a small product ---- */

static struct {
	struct exchange *x; /* whose file grows */
	struct parked parked;
	atomic_int gone, ended;
	uint64_t arrived; /* where the next growing reply begins */
	int short_fd;     /* 1000 bytes, whatever is promised */
	char large[LARGE];
	bool stalled;
} product;

static const struct reply_part parts[] = {
	{ STR(PART_ONE), 10, 5 },
	{ STR(PART_TWO), 1000000, 500000 },
};

static void parked_gone(struct parked *parked)
{
	product.x = NULL;
	product.gone++;
}

static void ended(struct exchange *x)
{
	product.ended++;
}

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	reply_send(x, str_of(code));
}

static void begin_growing(struct exchange *x)
{
	product.x = x;
	product.parked.gone = parked_gone;
	reply_begin(x, 206);
}

static void serve_file(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send_file(x, fixture.file_fd, 0, FILE_SIZE);
}

static void serve_piece(struct exchange *x)
{
	reply_begin(x, 206);
	reply_send_file(x, fixture.file_fd, 1000, 2);
}

static void serve_in_memory(struct exchange *x)
{
	reply_begin(x, 206);
	reply_send_part(x, STR("ab"));
}

static void serve_short(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send_file(x, product.short_fd, 0, 2000);
}

static void serve_short_large(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send_file(x, product.short_fd, 0, 2000000);
}

static void serve_large(struct exchange *x)
{
	reply_begin(x, 200);
	reply_send(x, (struct str){ product.large, LARGE });
	/* Borrowed for the call alone: what was not taken was copied. */
	memset(product.large, 'x', LARGE);
}

static void serve_parts(struct exchange *x)
{
	reply_begin(x, 206);
	reply_send_parts(x, fixture.file_fd, parts, 2, STR(PARTS_END));
}

static void serve_growing(struct exchange *x)
{
	begin_growing(x);
	reply_send_growing(x, fixture.file_fd, 100, 1000000, product.arrived, &product.parked);
}

static void serve_growing_small(struct exchange *x)
{
	begin_growing(x);
	reply_send_growing(x, fixture.file_fd, 100, 10, product.arrived, &product.parked);
}

static void serve_growing_parts(struct exchange *x)
{
	begin_growing(x);
	reply_send_growing_parts(x, fixture.file_fd, parts, 2, STR(PARTS_END), product.arrived,
				 &product.parked);
}

static void serve_chunked(struct exchange *x)
{
	begin_growing(x);
	reply_send_chunked(x, fixture.file_fd, product.arrived, false, &product.parked);
}

static void serve_nothing_there(struct exchange *x)
{
	reply_begin(x, 204);
	reply_send(x, STR("this is left out"));
}

static void serve_not_modified(struct exchange *x)
{
	reply_begin(x, 304);
	reply_header(x, STR("ETag"), STR("\"a\""));
	reply_send(x, STR(""));
}

static void serve_headers(struct exchange *x)
{
	reply_begin(x, 500);
	reply_header(x, STR("X-Forgotten"), STR("1"));
	reply_begin(x, 299);
	reply_header(x, STR("X-Split"), STR("a\r\nX-Evil: 1"));
	reply_header(x, STR("X-Split\n"), STR("a"));
	reply_headerf(x, "X-Number", "%d", 7);
	reply_header_lines(x, STR("X-Raw: 1\r\nX-Raw: 2\r\n"));
	reply_send(x, STR("ok"));
}

static void serve_too_many_headers(struct exchange *x)
{
	reply_begin(x, 200);
	for (int i = 0; i < 200; i++)
		reply_headerf(x, "X-Many", "the %d-th of a great many headers", i);
	reply_send(x, STR("never"));
}

/* The status is the query. */
static void serve_status(struct exchange *x)
{
	uint64_t status = 0;

	(void)!str_to_u64(x->request.query, &status);
	reply_begin(x, (int)status);
	reply_send(x, STR(""));
}

static const struct http_route routes[] = {
	{ BIT(HTTP_GET), "/status", serve_status, 0, NULL, 1 },
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/file", serve_file, 0, NULL, 1 },
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/piece", serve_piece, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/memory", serve_in_memory, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/short", serve_short, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/short-large", serve_short_large, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/large", serve_large, 0, NULL, 1 },
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/parts", serve_parts, 0, NULL, 1 },
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/growing", serve_growing, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/growing-small", serve_growing_small, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/growing-parts", serve_growing_parts, 0, NULL, 1 },
	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/chunked", serve_chunked, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/204", serve_nothing_there, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/304", serve_not_modified, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/headers", serve_headers, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/too-many", serve_too_many_headers, 0, NULL, 1 },
};

static const struct http_app app = {
	.routes = routes,
	.route_count = ARRAY_LEN(routes),
	.refuse = refuse,
	.ended = ended,
};

/* ---- whole replies ---- */

static void test_files(void)
{
	struct buf reply;

	OK(ask(GET_LAST("/file"), &reply), "a whole file");
	OK(has(&reply, "\r\nContent-Length: 3000000\r\n"), "its length");
	IS_INT(body_of(&reply).len, FILE_SIZE, "all of it");
	OK(is_file(body_of(&reply), 0), "its bytes");
	buf_release(&reply);

	OK(ask(GET_LAST("/piece"), &reply), "two bytes of it");
	OK(body_of(&reply).len == 2 && is_file(body_of(&reply), 1000), "the right ones");
	buf_release(&reply);

	OK(ask(GET_LAST("/memory"), &reply), "two bytes from memory");
	IS_STR(body_of(&reply), STR("ab"), "they arrive");
	buf_release(&reply);

	OK(ask("HEAD /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &reply),
	   "HEAD of a file");
	OK(has(&reply, "\r\nContent-Length: 3000000\r\n") && body_of(&reply).len == 0,
	   "a length and no body");
	buf_release(&reply);

	OK(ask(GET_LAST("/large"), &reply), "a large body in memory");
	OK(body_of(&reply).len == LARGE && str_find(body_of(&reply), 'x') == LARGE,
	   "is copied where it must be");
	buf_release(&reply);
}

static void test_short_files(void)
{
	struct buf reply;

	ask("GET /short HTTP/1.1\r\nHost: h\r\n\r\n", &reply);
	OK(has(&reply, "\r\nContent-Length: 2000\r\n"), "a file that is shorter than promised");
	OK(body_of(&reply).len == 1000 && is_file(body_of(&reply), 0),
	   "what there is, and then the end");
	buf_release(&reply);
	ask("GET /short-large HTTP/1.1\r\nHost: h\r\n\r\n", &reply);
	OK(body_of(&reply).len == 1000 && is_file(body_of(&reply), 0),
	   "the same for one that sendfile takes");
	buf_release(&reply);
}

static void check_parts(const struct buf *reply, const char *name)
{
	struct str body = body_of(reply);
	size_t one = sizeof(PART_ONE) - 1, two = sizeof(PART_TWO) - 1;

	IS_INT(body.len, one + 5 + two + 500000 + sizeof(PARTS_END) - 1, "%s: the length", name);
	OK(has(reply, "\r\nContent-Length: 500"), "%s: is announced", name);
	IS_STR(str_first(body, one), STR(PART_ONE), "%s: the first text", name);
	OK(is_file(str_first(str_after(body, one), 5), 10), "%s: the first piece", name);
	IS_STR(str_first(str_after(body, one + 5), two), STR(PART_TWO), "%s: the second text",
	       name);
	OK(is_file(str_first(str_after(body, one + 5 + two), 500000), 1000000),
	   "%s: the second piece", name);
	IS_STR(str_after(body, one + 5 + two + 500000), STR(PARTS_END), "%s: the end", name);
}

static void test_parts(void)
{
	struct buf reply;

	OK(ask(GET_LAST("/parts"), &reply), "several parts");
	check_parts(&reply, "parts");
	buf_release(&reply);
	OK(ask("HEAD /parts HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &reply),
	   "HEAD of several parts");
	OK(has(&reply, "\r\nContent-Length: 500") && body_of(&reply).len == 0,
	   "a length and no body");
	buf_release(&reply);
}

static void test_heads(void)
{
	struct buf reply;

	OK(ask(GET_LAST("/204"), &reply), "204");
	OK(!has(&reply, "Content-Length") && body_of(&reply).len == 0, "has no body and no length");
	buf_release(&reply);
	OK(ask(GET_LAST("/304"), &reply), "304");
	OK(!has(&reply, "Content-Length") && has(&reply, "\r\nETag: \"a\"\r\n"),
	   "has headers alone");
	buf_release(&reply);
	OK(ask(GET_LAST("/headers"), &reply), "a reply that is begun twice");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 299 \r\n")) && !has(&reply, "X-Forgotten"),
	   "is begun anew");
	OK(!has(&reply, "X-Split") && !has(&reply, "X-Evil"), "no header can be split");
	OK(has(&reply, "\r\nX-Number: 7\r\n") && has(&reply, "\r\nX-Raw: 1\r\nX-Raw: 2\r\n"),
	   "others are there");
	OK(has(&reply, "\r\nConnection: close\r\n"), "and the end is announced");
	buf_release(&reply);
	OK(ask("GET /too-many HTTP/1.1\r\nHost: h\r\n\r\n", &reply), "a head that is too large");
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 500 ")) && !has(&reply, "never"),
	   "becomes a 500");
	buf_release(&reply);
}

/* The phrases of RFC 9110, 15, and of RFC 6585; a client shows them to people. */
static void test_phrases(void)
{
	static const char *const lines[] = {
		"200 OK",
		"201 Created",
		"202 Accepted",
		"204 No Content",
		"206 Partial Content",
		"301 Moved Permanently",
		"302 Found",
		"303 See Other",
		"304 Not Modified",
		"307 Temporary Redirect",
		"308 Permanent Redirect",
		"400 Bad Request",
		"401 Unauthorized",
		"403 Forbidden",
		"404 Not Found",
		"405 Method Not Allowed",
		"406 Not Acceptable",
		"408 Request Timeout",
		"409 Conflict",
		"410 Gone",
		"411 Length Required",
		"412 Precondition Failed",
		"413 Content Too Large",
		"414 URI Too Long",
		"415 Unsupported Media Type",
		"416 Range Not Satisfiable",
		"417 Expectation Failed",
		"422 Unprocessable Content",
		"426 Upgrade Required",
		"429 Too Many Requests",
		"431 Request Header Fields Too Large",
		"500 Internal Server Error",
		"501 Not Implemented",
		"502 Bad Gateway",
		"503 Service Unavailable",
		"504 Gateway Timeout",
		"505 HTTP Version Not Supported",
		"599 ",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char request[128], wanted[128];
		struct buf reply;

		snprintf(request, sizeof(request),
			 "GET /status?%.3s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			 lines[i]);
		snprintf(wanted, sizeof(wanted), "HTTP/1.1 %s\r\n", lines[i]);
		OK(ask(request, &reply), "%.3s", lines[i]);
		OK(str_starts(buf_str(&reply), str_of(wanted)), "is said as it is in the RFC");
		buf_release(&reply);
	}
}

/* ---- files that grow ---- */

struct arrival {
	uint64_t arrived;
	bool complete;
};

static void arrive(void *what)
{
	const struct arrival *arrival = what;

	if (product.x)
		exchange_arrived(product.x, arrival->arrived, arrival->complete);
}

static void arrived(uint64_t at, bool complete)
{
	struct arrival arrival = { at, complete };

	on_loop(arrive, &arrival);
}

static void cut(void *what)
{
	exchange_cut(product.x);
}

static void look_stalled(void *what)
{
	product.stalled = product.x && exchange_is_stalled_by_client(product.x);
}

static bool is_stalled(void *what)
{
	on_loop(look_stalled, NULL);
	return product.stalled;
}

static bool is_gone(void *what)
{
	return product.gone == *(int *)what;
}

static int begin(const char *path, uint64_t arrived_before, struct buf *reply)
{
	int fd = client_connect();

	product.arrived = arrived_before;
	buf_init(reply, 10000000);
	buf_addf(reply, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
	client_send(fd, buf_str(reply));
	buf_clear(reply);
	return fd;
}

/* Reads on until the body has that many bytes. */
static void read_body(int fd, struct buf *reply, size_t len)
{
	while (body_of(reply).at == NULL || body_of(reply).len < len) {
		size_t missing = body_of(reply).at ? len - body_of(reply).len : 1,
		       before = reply->len;

		if (!client_read(fd, reply, reply->len + missing) || reply->len == before)
			return;
	}
}

static void finish(int fd, struct buf *reply)
{
	client_read(fd, reply, SIZE_MAX);
	close(fd);
}

static void test_growing(void)
{
	struct buf reply;
	int fd = begin("/growing", 0, &reply), gone = product.gone + 1;

	read_body(fd, &reply, 0);
	OK(has(&reply, "\r\nContent-Length: 1000000\r\n"),
	   "a growing file: the head comes at once");
	arrived(101, false);
	read_body(fd, &reply, 1);
	IS_INT(body_of(&reply).len, 1, "one byte has arrived, one is sent");
	arrived(50, false);
	arrived(200, false);
	arrived(5000, false);
	read_body(fd, &reply, 4900);
	IS_INT(body_of(&reply).len, 4900, "more have");
	IS_INT(product.gone, gone - 1, "it is not over");
	arrived(FILE_SIZE, true);
	finish(fd, &reply);
	IS_INT(body_of(&reply).len, 1000000, "exactly what was promised");
	OK(is_file(body_of(&reply), 100), "the right bytes");
	OK(wait_until(is_gone, &gone), "gone() is called once it is over");
	buf_release(&reply);

	fd = begin("/growing", FILE_SIZE, &reply);
	finish(fd, &reply);
	OK(body_of(&reply).len == 1000000 && is_file(body_of(&reply), 100),
	   "one whose bytes are all here");
	gone++;
	OK(wait_until(is_gone, &gone), "gone() is called for it, too");
	buf_release(&reply);

	fd = begin("/growing-small", 110, &reply);
	finish(fd, &reply);
	OK(body_of(&reply).len == 10 && is_file(body_of(&reply), 100),
	   "a small piece that is here");
	gone++;
	OK(wait_until(is_gone, &gone), "gone() as well");
	buf_release(&reply);

	ask("HEAD /growing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &reply);
	OK(has(&reply, "\r\nContent-Length: 1000000\r\n") && body_of(&reply).len == 0,
	   "HEAD of a growing file");
	gone++;
	OK(wait_until(is_gone, &gone), "is over at once");
	buf_release(&reply);
}

static void test_growing_endings(void)
{
	struct linger reset = { .l_onoff = 1 };
	struct buf reply;
	int fd = begin("/growing", 5000, &reply), gone = product.gone + 1;

	read_body(fd, &reply, 4900);
	on_loop(cut, NULL);
	finish(fd, &reply);
	OK(body_of(&reply).len == 4900 && is_file(body_of(&reply), 100),
	   "cut: short, but never wrong");
	OK(wait_until(is_gone, &gone), "gone() after a cut");
	buf_release(&reply);

	fd = begin("/growing", 5000, &reply);
	read_body(fd, &reply, 4900);
	arrived(6000, true);
	finish(fd, &reply);
	IS_INT(body_of(&reply).len, 5900, "complete, but shorter than promised: ends there");
	gone++;
	OK(wait_until(is_gone, &gone), "gone() after that");
	buf_release(&reply);

	fd = begin("/growing", 5000, &reply);
	read_body(fd, &reply, 4900);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	gone++;
	OK(wait_until(is_gone, &gone), "gone() when the client leaves");
	buf_release(&reply);

	fd = begin("/growing", FILE_SIZE, &reply);
	OK(wait_until(is_stalled, NULL), "a client that does not read stalls it");
	finish(fd, &reply);
	OK(body_of(&reply).len == 1000000 && is_file(body_of(&reply), 100),
	   "and gets it all when it reads");
	gone++;
	OK(wait_until(is_gone, &gone), "gone() then");
	buf_release(&reply);
}

static void test_growing_parts(void)
{
	struct buf reply;
	int fd = begin("/growing-parts", 12, &reply);

	read_body(fd, &reply, sizeof(PART_ONE) - 1 + 2);
	arrived(500000, false);
	read_body(fd, &reply, sizeof(PART_ONE) - 1 + 5 + sizeof(PART_TWO) - 1);
	arrived(1200000, false);
	arrived(FILE_SIZE, true);
	finish(fd, &reply);
	check_parts(&reply, "growing parts");
	buf_release(&reply);
}

/* The body of a chunked reply; false when it is malformed or not ended. */
static bool dechunk(struct str text, struct buf *body)
{
	uint64_t size;

	while (true) {
		size_t end = str_find_str(text, STR("\r\n"));

		if (!str_hex_to_u64(str_first(text, end), &size))
			return false;
		text = str_after(text, end + 2);
		if (text.len < size + 2 || !str_starts(str_after(text, size), STR("\r\n")))
			return false;
		buf_add(body, text.at, size);
		text = str_after(text, size + 2);
		if (size == 0)
			return text.len == 0;
	}
}

static void test_chunked(void)
{
	struct buf reply, body;
	int fd = begin("/chunked", 0, &reply), gone = product.gone;

	buf_init(&body, 10000000);
	read_body(fd, &reply, 0);
	OK(has(&reply, "\r\nTransfer-Encoding: chunked\r\n") && !has(&reply, "Content-Length"),
	   "a length nobody knows");
	arrived(7, false);
	read_body(fd, &reply, 3 + 7);
	IS_STR(str_first(body_of(&reply), 3), STR("7\r\n"), "what arrives is a chunk");
	arrived(2500000, false);
	arrived(FILE_SIZE, true);
	finish(fd, &reply);
	OK(dechunk(body_of(&reply), &body), "well-formed, and ended");
	OK(body.len == FILE_SIZE && is_file(buf_str(&body), 0), "all of it");
	buf_release(&reply);

	fd = begin("/chunked", 5, &reply);
	read_body(fd, &reply, 3 + 5);
	arrived(5, true);
	finish(fd, &reply);
	IS_STR(str_after(body_of(&reply), 3 + 5), STR("\r\n0\r\n\r\n"),
	       "an end that brings no more bytes");
	buf_release(&reply);

	fd = begin("/chunked", 5, &reply);
	read_body(fd, &reply, 3 + 5);
	on_loop(cut, NULL);
	finish(fd, &reply);
	buf_clear(&body);
	OK(!dechunk(body_of(&reply), &body), "a cut is no end");
	buf_release(&reply);

	ask("HEAD /chunked HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &reply);
	OK(has(&reply, "\r\nTransfer-Encoding: chunked\r\n") && body_of(&reply).len == 0, "HEAD");
	buf_release(&reply);

	/* Of that nobody knows before how long it is, and HTTP/1.0 has no chunks. */
	product.arrived = 0;
	fd = client_connect();
	client_send(fd, STR("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
	buf_init(&reply, 10000000);
	read_body(fd, &reply, 0);
	arrived(FILE_SIZE, true);
	OK(client_read(fd, &reply, SIZE_MAX), "an old client is told by the end of the connection");
	OK(!has(&reply, "Transfer-Encoding") && !has(&reply, "Content-Length") &&
		   has(&reply, "\r\nConnection: close\r\n"),
	   "and by no header");
	OK(body_of(&reply).len == FILE_SIZE && is_file(body_of(&reply), 0), "the plain bytes");
	close(fd);
	buf_release(&reply);
	buf_release(&body);
	gone += 5;
	OK(wait_until(is_gone, &gone), "gone() for each");
}

/* ---- what a reply keeps, without a server ---- */

static void test_texts_left(void)
{
	static const struct {
		const char *texts[3];
		unsigned sent; /* pieces */
		bool has_text;
		const char *name;
	} cases[] = {
		{ { NULL }, 0, false, "no piece" },
		{ { "", NULL }, 0, false, "a piece of the file" },
		{ { "a", NULL }, 0, true, "a text" },
		{ { "a", NULL }, 1, false, "a text that is sent" },
		{ { "", "", "a" }, 0, true, "a text behind pieces of the file" },
		{ { "a", "", "" }, 1, false, "pieces of the file behind a text" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sending sending;

		sending_start(&sending);
		for (size_t k = 0; k < ARRAY_LEN(cases[i].texts) && cases[i].texts[k]; k++)
			sending_add(&sending, str_of(cases[i].texts[k]), 10 * k, 10);
		sending.piece = cases[i].sent;
		OK(sending_has_text(&sending) == cases[i].has_text, "is a text left of %s?",
		   cases[i].name);
		sending_release(&sending);
	}
}

static void test_borrowed_text(void)
{
	static const char head[] = "head", around[] = "[body]";
	struct str body = { around + 1, 4 };
	struct sending sending;

	sending_start(&sending);
	sending_add(&sending, str_of(head), 0, 0);
	sending_add(&sending, body, 0, 0);
	sending_keep_text(&sending, STR(""));
	OK(sending.pieces[1].text.at == body.at && !sending.texts, "nothing is borrowed");
	sending_keep_text(&sending, (struct str){ around, 1 });
	sending_keep_text(&sending, (struct str){ around + 5, 1 });
	OK(sending.pieces[1].text.at == body.at && !sending.texts,
	   "what lies before a text and behind it");
	sending_keep_text(&sending, body);
	OK(sending.pieces[0].text.at == head, "another text stays where it is");
	OK(sending.pieces[1].text.at != body.at && sending.pieces[1].text.at == sending.texts,
	   "the borrowed one is copied");
	IS_STR(sending.pieces[1].text, body, "as it was");
	sending_release(&sending);
	OK(!sending.texts && sending.count == 0, "and given back");
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_kept_file(void)
{
	struct sending sending;
	int lowest = dup(fixture.file_fd), first, second;

	close(lowest);
	sending_start(&sending);
	OK(sending_keep_file(&sending, -1) && !sending.owns_fd, "without a file there is room");
	OK(sending_switch_file(&sending, fixture.file_fd, -1) && sending.fd == -1,
	   "and none is needed");
	sending.fd = fixture.file_fd;
	OK(sending_keep_file(&sending, lowest) && sending.owns_fd, "the last one that may be");
	first = sending.fd;
	IS_INT(first, lowest, "is a duplicate");
	OK((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0, "of this process alone");
	OK(sending_keep_file(&sending, -1) && sending.fd == first, "it is kept once");
	OK(sending_switch_file(&sending, product.short_fd, lowest) && sending.owns_fd,
	   "another file");
	second = sending.fd;
	IS_INT(second, lowest, "for which the one before is closed");
	OK(is_open(product.short_fd) && second != product.short_fd, "by a duplicate, too");
	sending_release(&sending);
	OK(!is_open(second) && sending.fd == -1 && !sending.owns_fd, "closed at the end");
	sending.fd = fixture.file_fd;
	OK(!sending_keep_file(&sending, lowest - 1), "one more than there may be");
	sending_release(&sending);
	OK(!is_open(lowest) && is_open(fixture.file_fd), "which is closed as well");
	sending.fd = fixture.file_fd;
	sending_release(&sending);
	OK(is_open(fixture.file_fd), "a file that is not kept is its owner's");
}

int main(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	fixture.file_fd = make_file(FILE_SIZE);
	product.short_fd = make_file(1000);
	memset(product.large, 'a', LARGE);
	test_texts_left();
	test_borrowed_text();
	test_kept_file();
	fixture_start(&app, &options);
	test_files();
	test_short_files();
	test_parts();
	test_heads();
	test_phrases();
	test_growing();
	test_growing_endings();
	test_growing_parts();
	test_chunked();
	fixture_stop();
	close(fixture.file_fd);
	close(product.short_fd);
	return tap_end();
}
