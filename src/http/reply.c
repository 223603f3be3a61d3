/*
 * A reply is written into the connection's output block: the head line by line, then, if it fits
 * behind the head, the body, so that a small answer is one send().  A larger body in memory goes
 * out beside the head by one sendmsg(); only what the socket does not take is copied.
 */
#include "http/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/http_conn_memory.h"

#define HEAD_END_MAX 160 /* kept free for what finish_head() adds */

#define STATUS_LINE(status, reason)                                \
	{                                                          \
		status, STR("HTTP/1.1 " #status " " reason "\r\n") \
	}

static const struct status_line {
	int status;
	struct str line;
} status_lines[] = {
	STATUS_LINE(200, "OK"),
	STATUS_LINE(206, "Partial Content"),
	STATUS_LINE(304, "Not Modified"),
	STATUS_LINE(404, "Not Found"),
	STATUS_LINE(101, "Switching Protocols"),
	STATUS_LINE(201, "Created"),
	STATUS_LINE(202, "Accepted"),
	STATUS_LINE(204, "No Content"),
	STATUS_LINE(301, "Moved Permanently"),
	STATUS_LINE(302, "Found"),
	STATUS_LINE(303, "See Other"),
	STATUS_LINE(307, "Temporary Redirect"),
	STATUS_LINE(308, "Permanent Redirect"),
	STATUS_LINE(400, "Bad Request"),
	STATUS_LINE(401, "Unauthorized"),
	STATUS_LINE(403, "Forbidden"),
	STATUS_LINE(405, "Method Not Allowed"),
	STATUS_LINE(406, "Not Acceptable"),
	STATUS_LINE(408, "Request Timeout"),
	STATUS_LINE(409, "Conflict"),
	STATUS_LINE(410, "Gone"),
	STATUS_LINE(411, "Length Required"),
	STATUS_LINE(412, "Precondition Failed"),
	STATUS_LINE(413, "Content Too Large"),
	STATUS_LINE(414, "URI Too Long"),
	STATUS_LINE(415, "Unsupported Media Type"),
	STATUS_LINE(416, "Range Not Satisfiable"),
	STATUS_LINE(417, "Expectation Failed"),
	STATUS_LINE(422, "Unprocessable Content"),
	STATUS_LINE(426, "Upgrade Required"),
	STATUS_LINE(429, "Too Many Requests"),
	STATUS_LINE(431, "Request Header Fields Too Large"),
	STATUS_LINE(500, "Internal Server Error"),
	STATUS_LINE(501, "Not Implemented"),
	STATUS_LINE(502, "Bad Gateway"),
	STATUS_LINE(503, "Service Unavailable"),
	STATUS_LINE(504, "Gateway Timeout"),
	STATUS_LINE(505, "HTTP Version Not Supported"),
};

static void put(struct http_work *work, const char *bytes, size_t len)
{
	if (len > REPLY_HEAD_MAX - HEAD_END_MAX - work->head_len) {
		work->head_overflowed = true;
		return;
	}
	memcpy(work->out + work->head_len, bytes, len);
	work->head_len += len;
}

static void put_str(struct http_work *work, struct str s)
{
	put(work, s.at, s.len);
}

static void put_u64(struct http_work *work, uint64_t n)
{
	char digits[U64_DIGITS];

	put(work, digits, u64_write(n, digits));
}

/* A status that nobody has given a reason has none. */
static void put_status_line(struct http_work *work, int status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_lines); i++) {
		if (status_lines[i].status == status) {
			put_str(work, status_lines[i].line);
			return;
		}
	}
	put_str(work, STR("HTTP/1.1 "));
	put_u64(work, (uint64_t)status);
	put_str(work, STR(" \r\n"));
}

/* "Date: ..." and what comes before the id of a request, written anew once a second. */
static struct str date_line(struct http_server *server)
{
	struct http_server_inner *inner = server->inner;
	int64_t now_s = loop_wall_ms(server->loop) / 1000;

	if (now_s != inner->date_s) {
		char date[HTTP_DATE_SIZE];

		clock_http_date(now_s * 1000, date);
		inner->date_line_len = (size_t)snprintf(inner->date_line, sizeof(inner->date_line),
							"Date: %s\r\nX-Request-Id: ", date);
		inner->date_s = now_s;
	}
	return (struct str){ inner->date_line, inner->date_line_len };
}

void reply_begin(struct exchange *x, int status)
{
	struct http_work *work = http_work_of(x);

	assert(work->reply != REPLY_SENT); /* a request is answered once */
	assert(status == 101 || (status >= 200 && status <= 599));
	if (!work->out)
		work->out = http_pool_take(&x->server->inner->blocks);
	work->reply = REPLY_BEGUN;
	work->head_len = 0;
	work->head_overflowed = false;
	x->status = status;
	put_status_line(work, status);
	put_str(work, date_line(x->server));
	put_str(work, str_of(x->id));
	put_str(work, STR("\r\n"));
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0')
			return false;
	return true;
}

void reply_header(struct exchange *x, struct str name, struct str value)
{
	struct http_work *work = http_work_of(x);

	if (!is_clean(name) || !is_clean(value))
		return;
	put_str(work, name);
	put_str(work, STR(": "));
	put_str(work, value);
	put_str(work, STR("\r\n"));
}

void reply_headerf(struct exchange *x, const char *name, const char *fmt, ...)
{
	struct http_work *work = http_work_of(x);
	char value[REPLY_HEAD_MAX];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(value))
		work->head_overflowed = true;
	else
		reply_header(x, str_of(name), (struct str){ value, (size_t)len });
}

static char *add_text(char *to, struct str text)
{
	memcpy(to, text.at, text.len);
	return to + text.len;
}

void reply_begin_range(struct exchange *x, uint64_t first, uint64_t last, uint64_t size)
{
	char line[sizeof("Content-Range: bytes -/\r\n") + 3 * U64_DIGITS];
	char *at = add_text(line, STR("Content-Range: bytes "));

	reply_begin(x, 206);
	at += u64_write(first, at);
	*at++ = '-';
	at += u64_write(last, at);
	*at++ = '/';
	at += u64_write(size, at);
	at = add_text(at, STR("\r\n"));
	put(http_work_of(x), line, (size_t)(at - line));
}

void reply_header_lines(struct exchange *x, struct str lines)
{
	put_str(http_work_of(x), lines);
}

/* ---- the end of the head ---- */

/* What the bytes behind the head are told by. */
enum framing { BY_LENGTH, BY_CHUNKS, BY_CLOSE };

static void append(struct http_work *work, struct str s)
{
	memcpy(work->out + work->head_len, s.at, s.len);
	work->head_len += s.len;
}

static void append_length(struct http_work *work, uint64_t length)
{
	append(work, STR("Content-Length: "));
	work->head_len += u64_write(length, work->out + work->head_len);
	append(work, STR("\r\n"));
}

/*
 * Ends the head, within HEAD_END_MAX bytes, and hands it to `sending`.  False when no body is to
 * follow: HEAD, a status that has none, or a head that was too large and became a 500.
 */
static bool finish_head(struct exchange *x, enum framing framing, uint64_t length)
{
	struct http_work *work = http_work_of(x);
	bool bodiless = x->status == 204 || x->status == 304, too_large = work->head_overflowed;

	assert(work->reply == REPLY_BEGUN);
	if (too_large) {
		reply_begin(x, 500);
		work->closes = true;
		framing = BY_LENGTH;
		length = 0;
	}
	work->closes = work->closes || !work->parse.keep_alive || x->server->inner->stopping ||
		       framing == BY_CLOSE || work->body_unread;
	if (framing == BY_LENGTH && !bodiless)
		append_length(work, length);
	else if (framing == BY_CHUNKS && !bodiless)
		append(work, STR("Transfer-Encoding: chunked\r\n"));
	if (work->closes)
		append(work, STR("Connection: close\r\n"));
	else if (x->request.minor_version == 0)
		append(work, STR("Connection: keep-alive\r\n"));
	append(work, STR("\r\n"));

	sending_start(&work->sending);
	work->sending.head_left = work->head_len;
	return !too_large && !bodiless && x->request.method != HTTP_HEAD;
}

static struct str head_of(const struct http_work *work)
{
	return (struct str){ work->out, work->head_len };
}

/* Everything is in `sending`: off it goes.  What lies in borrowed memory and files is kept if it must be. */
static void send_off(struct exchange *x, struct parked *parked, struct str borrowed)
{
	struct http_work *work = http_work_of(x);

	work->reply = REPLY_SENT;
	x->parked = parked;
	http_conn_send(work->conn);
	if (work->sent == SENDING_DONE || work->sent == SENDING_FAILED)
		return;
	sending_keep_text(&work->sending, borrowed);
	if (!sending_keep_file(&work->sending, x->server->options.file_fd_max))
		work->sent = SENDING_FAILED;
}

/* ---- bodies ---- */

void reply_send(struct exchange *x, struct str body)
{
	struct http_work *work = http_work_of(x);
	struct str borrowed = STR_NONE;

	if (!finish_head(x, BY_LENGTH, body.len))
		body = STR("");
	if (body.len > 0 && body.len <= HTTP_BLOCK_SIZE - work->head_len) {
		memcpy(work->out + work->head_len, body.at, body.len);
		sending_add(&work->sending, (struct str){ work->out, work->head_len + body.len }, 0,
			    0);
	} else {
		sending_add(&work->sending, head_of(work), 0, 0);
		if (body.len > 0) {
			sending_add(&work->sending, body, 0, 0);
			borrowed = body;
		}
	}
	send_off(x, NULL, borrowed);
}

void reply_send_part(struct exchange *x, struct str bytes)
{
	reply_send(x, bytes);
}

/*
 * A short piece of a file is read behind the head: two system calls, one packet, where sendfile()
 * would make them three and two.  False when it does not fit, or the file is not what it
 * was said to be: then sendfile() finds that out, too, and the connection ends as it should.
 */
static bool read_behind_head(struct http_work *work, int fd, uint64_t first, uint64_t length)
{
	ssize_t n;

	if (length > HTTP_BLOCK_SIZE - work->head_len)
		return false;
	n = pread(fd, work->out + work->head_len, (size_t)length, (off_t)first);
	if (n < 0 || (uint64_t)n < length)
		return false;
	sending_add(&work->sending, (struct str){ work->out, work->head_len + (size_t)n }, 0, 0);
	return true;
}

static uint64_t length_of(const struct reply_part *parts, unsigned count, struct str closing_text)
{
	uint64_t length = closing_text.len;

	for (unsigned i = 0; i < count; i++)
		length += parts[i].text.len + parts[i].length;
	return length;
}

/* Texts are copied: behind the head where there is room, else into memory of their own. */
static void add_parts(struct http_work *work, const struct reply_part *parts, unsigned count,
		      struct str closing_text)
{
	size_t total = closing_text.len;
	char *at = work->out + work->head_len;

	for (unsigned i = 0; i < count; i++)
		total += parts[i].text.len;
	if (total > HTTP_BLOCK_SIZE - work->head_len)
		at = work->sending.texts = xmalloc(total);
	sending_add(&work->sending, head_of(work), 0, 0);
	for (unsigned i = 0; i < count; i++) {
		struct str text = parts[i].text;

		if (text.len > 0)
			memcpy(at, text.at, text.len);
		sending_add(&work->sending, (struct str){ at, text.len }, parts[i].first,
			    parts[i].length);
		at += text.len;
	}
	/* The closing text needs a piece of its own: it follows file bytes. */
	if (closing_text.len > 0) {
		memcpy(at, closing_text.at, closing_text.len);
		sending_add(&work->sending, (struct str){ at, closing_text.len }, 0, 0);
	}
}

void reply_send_file(struct exchange *x, int fd, uint64_t first, uint64_t length)
{
	struct http_work *work = http_work_of(x);

	if (!finish_head(x, BY_LENGTH, length)) {
		sending_add(&work->sending, head_of(work), 0, 0);
	} else if (!read_behind_head(work, fd, first, length)) {
		sending_add(&work->sending, head_of(work), first, length);
		work->sending.fd = fd;
	}
	send_off(x, NULL, STR_NONE);
}

void reply_send_parts(struct exchange *x, int fd, const struct reply_part *parts, unsigned count,
		      struct str closing_text)
{
	struct http_work *work = http_work_of(x);

	assert(count <= RANGES_MAX);
	if (finish_head(x, BY_LENGTH, length_of(parts, count, closing_text))) {
		add_parts(work, parts, count, closing_text);
		work->sending.fd = fd;
	} else {
		sending_add(&work->sending, head_of(work), 0, 0);
	}
	send_off(x, NULL, STR_NONE);
}

void reply_send_growing_parts(struct exchange *x, int fd, const struct reply_part *parts,
			      unsigned count, struct str closing_text, uint64_t arrived,
			      struct parked *parked)
{
	struct http_work *work = http_work_of(x);

	assert(count <= RANGES_MAX);
	if (finish_head(x, BY_LENGTH, length_of(parts, count, closing_text))) {
		add_parts(work, parts, count, closing_text);
		work->sending.fd = fd;
		work->sending.grows = true;
		work->sending.arrived = arrived;
	} else {
		sending_add(&work->sending, head_of(work), 0, 0);
	}
	send_off(x, parked, STR_NONE);
}

void reply_send_growing(struct exchange *x, int fd, uint64_t first, uint64_t length,
			uint64_t arrived, struct parked *parked)
{
	struct http_work *work = http_work_of(x);

	if (!finish_head(x, BY_LENGTH, length)) {
		sending_add(&work->sending, head_of(work), 0, 0);
	} else if (arrived < first + length || !read_behind_head(work, fd, first, length)) {
		sending_add(&work->sending, head_of(work), first, length);
		work->sending.fd = fd;
		work->sending.grows = true;
		work->sending.arrived = arrived;
	}
	send_off(x, parked, STR_NONE);
}

void reply_send_chunked(struct exchange *x, int fd, uint64_t arrived, bool complete,
			struct parked *parked)
{
	struct http_work *work = http_work_of(x);
	bool chunks = x->request.minor_version > 0;

	if (finish_head(x, chunks ? BY_CHUNKS : BY_CLOSE, 0)) {
		sending_add(&work->sending, head_of(work), 0, chunks ? 0 : UINT64_MAX);
		work->sending.fd = fd;
		work->sending.grows = true;
		work->sending.chunked = chunks;
		work->sending.arrived = arrived;
		work->sending.complete = complete;
	} else {
		sending_add(&work->sending, head_of(work), 0, 0);
	}
	send_off(x, parked, STR_NONE);
}
