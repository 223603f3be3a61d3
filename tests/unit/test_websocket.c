/* A server that says back what it hears, "bye" to be closed. */
#include "websocket/websocket.h"

#include "http_fixture.h"
#include "websocket/websocket_handshake.h"
#include "websocket_client.h"

#define OPEN                                                                               \
	"GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static struct {
	struct websocket socket;
	atomic_int gone;
	char much[WEBSOCKET_FRAME_MAX + 1]; /* longer than what a client may say */
} product;

static void received(struct websocket *socket, struct str text)
{
	if (str_eq(text, STR("bye")))
		websocket_close(socket, WEBSOCKET_POLICY, STR("you said so"));
	else if (str_eq(text, STR("ping me")))
		websocket_ping(socket);
	else if (str_eq(text, STR("much")))
		(void)!websocket_send(socket, (struct str){ product.much, sizeof(product.much) });
	else if (!websocket_send(socket, text))
		websocket_close(socket, WEBSOCKET_TOO_BIG, STR_NONE);
}

static void gone(struct websocket *socket)
{
	product.gone++;
}

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	reply_send(x, str_of(code));
}

static void open_socket(struct exchange *x)
{
	struct str key;

	product.socket = (struct websocket){ .received = received, .gone = gone };
	if (websocket_wish_of(&x->request, &key) == WEBSOCKET_WANTED)
		websocket_accept(x, key, &product.socket);
	else
		refuse(x, 400, "bad_request", NULL, NULL);
}

static const struct http_route routes[] = { { BIT(HTTP_GET), "/socket", open_socket, 0, NULL, 1 } };
static const struct http_app app = { .routes = routes,
				     .route_count = ARRAY_LEN(routes),
				     .refuse = refuse };

static bool is_gone(void *what)
{
	return product.gone == *(int *)what;
}

static int open_client(void)
{
	int fd = client_connect();
	struct buf head;

	buf_init(&head, 1000);
	client_send(fd, STR(OPEN));
	while (!has(&head, "\r\n\r\n") && client_read(fd, &head, head.len + 1))
		;
	if (!has(&head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
		fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&head)));
	buf_release(&head);
	return fd;
}

/* All that comes until the end of the connection, after these bytes were sent in pieces of `step`. */
static void converse(struct str bytes, size_t step, struct buf *answer)
{
	int fd = open_client(), times = product.gone + 1;

	buf_clear(answer);
	for (; bytes.len > 0; bytes = str_after(bytes, step)) {
		client_send(fd, str_first(bytes, step));
		if (step < 64)
			on_loop(look, NULL);
	}
	client_read(fd, answer, SIZE_MAX);
	close(fd);
	OK(wait_until(is_gone, &times), "it is over once");
}

/* One conversation, whole and byte by byte: the answers must be the same. */
static void check(const char *name, const struct buf *said, struct str answer)
{
	struct buf heard;

	buf_init(&heard, 100000);
	converse(buf_str(said), 100000, &heard);
	IS_STR(buf_str(&heard), answer, "%s", name);
	converse(buf_str(said), 1, &heard);
	IS_STR(buf_str(&heard), answer, "%s, byte by byte", name);
	converse(buf_str(said), 7, &heard);
	IS_STR(buf_str(&heard), answer, "%s, in pieces", name);
	buf_release(&heard);
}

#define CLOSED(code_bytes) "\x88\x02" code_bytes

static void test_conversations(void)
{
	char room[20000];
	struct buf said;

	buf_over(&said, room, sizeof(room));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("hello"));
	add_client_frame(&said, FIN | WEBSOCKET_PING, STR("are you there"));
	add_client_frame(&said, FIN | WEBSOCKET_PONG, STR("nobody asked"));
	add_client_frame(&said, WEBSOCKET_TEXT, STR("in "));
	add_client_frame(&said, FIN | WEBSOCKET_PING, STR("!"));
	add_client_frame(&said, WEBSOCKET_CONTINUATION, STR("three \xd7"));
	add_client_frame(&said, FIN | WEBSOCKET_CONTINUATION, STR("\x90pieces"));
	add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR("\x0f\xa0"));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("behind the close"));
	check("all that a client may say", &said,
	      STR("\x81\x05hello\x8a\x0d"
		  "are you there\x8a\x01!\x81\x11in three \xd7\x90pieces" CLOSED("\x0f\xa0")));

	buf_clear(&said);
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("ping me"));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("bye"));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("and more"));
	check("a ping of ours, and our close", &said, STR("\x89\x00\x88\x0d\x03\xf0you said so"));

	buf_clear(&said);
	add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR_NONE);
	check("a close without a code", &said, STR("\x88\x00"));
}

/* A text as long as the head of its frame takes to say so, and one more. */
static void test_long(void)
{
	static const struct {
		size_t len;
		const char *head;
	} cases[] = { { 125, "\x81\x7d" },
		      { 126, "\x81\x7e\x00\x7e" },
		      { 300, "\x81\x7e\x01\x2c" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[300], room[1000], answer_room[1000];
		struct buf said, answer;
		size_t head_len = cases[i].len < 126 ? 2 : 4;

		memset(text, 'x', sizeof(text));
		buf_over(&said, room, sizeof(room));
		add_client_frame(&said, FIN | WEBSOCKET_TEXT, (struct str){ text, cases[i].len });
		add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR_NONE);
		buf_over(&answer, answer_room, sizeof(answer_room));
		buf_add(&answer, cases[i].head, head_len);
		buf_add(&answer, text, cases[i].len);
		buf_add(&answer, "\x88\x00", 2);
		check("a long text", &said, buf_str(&answer));
	}
}

static void test_much(void)
{
	char room[100];
	struct buf said, answer;

	memset(product.much, 'm', sizeof(product.much));
	buf_over(&said, room, sizeof(room));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("much"));
	add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR_NONE);
	buf_init(&answer, 200000);
	buf_addf(&answer, "\x81\x7e%c%c", (int)(sizeof(product.much) >> 8),
		 (int)(sizeof(product.much) & 0xff));
	buf_add(&answer, product.much, sizeof(product.much));
	buf_add(&answer, "\x88\x00", 2);
	check("what the server says may be longer than what it hears", &said, buf_str(&answer));
	buf_release(&answer);
}

static void test_refusals(void)
{
	char room[20000];
	static char big[WEBSOCKET_MESSAGE_MAX];
	struct buf said;

	memset(big, 'x', sizeof(big));
	buf_over(&said, room, sizeof(room));
	add_client_frame(&said, FIN | WEBSOCKET_BINARY, STR("\x01"));
	check("bytes that are no text", &said, STR(CLOSED("\x03\xeb")));
	buf_clear(&said);
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("\xff"));
	check("text that is none", &said, STR(CLOSED("\x03\xef")));
	buf_clear(&said);
	add_client_frame(&said, FIN | WEBSOCKET_CONTINUATION, STR("x"));
	check("the rest of nothing", &said, STR(CLOSED("\x03\xea")));
	buf_clear(&said);
	add_client_frame(&said, WEBSOCKET_TEXT, STR("a"));
	add_client_frame(&said, FIN | WEBSOCKET_TEXT, STR("b"));
	check("a message within another", &said, STR(CLOSED("\x03\xea")));
	buf_clear(&said);
	add_client_frame(&said, WEBSOCKET_TEXT, (struct str){ big, sizeof(big) });
	add_client_frame(&said, FIN | WEBSOCKET_CONTINUATION, STR("x"));
	check("more than a message may hold", &said, STR(CLOSED("\x03\xf1")));
	buf_clear(&said);
	add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR("\x03"));
	check("half a code", &said, STR(CLOSED("\x03\xea")));
	buf_clear(&said);
	buf_add(&said, "\x81\x02hi", 4);
	check("a frame without a mask", &said, STR(CLOSED("\x03\xea")));
}

static void test_large(void)
{
	static char big[WEBSOCKET_MESSAGE_MAX];
	char room[20000], answer_room[10000];
	struct buf said, answer;

	memset(big, 'x', sizeof(big));
	buf_over(&said, room, sizeof(room));
	buf_over(&answer, answer_room, sizeof(answer_room));
	for (int i = 0; i < 2; i++) {
		add_client_frame(&said, FIN | WEBSOCKET_TEXT, (struct str){ big, sizeof(big) });
		buf_add(&answer, "\x81\x7e\x10\x00", 4);
		buf_add(&answer, big, sizeof(big));
	}
	add_client_frame(&said, FIN | WEBSOCKET_CLOSE, STR("\x03\xe8"));
	buf_add(&answer, CLOSED("\x03\xe8"), 4);
	check("two of the largest messages", &said, buf_str(&answer));
}

int main(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	fixture_start(&app, &options);
	test_conversations();
	test_long();
	test_much();
	test_refusals();
	test_large();
	fixture_stop();
	return tap_end();
}
