/* A protocol behind 101 that says back what it hears, "end" to be ended, "much" for more than a socket takes. */
#include "http/upgrade.h"
#include "http_fixture.h"

#define MUCH            UPGRADED_WAITING_MAX
#define SEND_TIMEOUT_MS 150

#define UPGRADE(path) \
	"GET " path " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

static struct {
	struct upgraded upgraded;
	struct exchange *x; /* the one that is parked */
	struct parked parked;
	atomic_int gone, ended, parked_gone, refused;
	char much[MUCH];
} product;

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	reply_send(x, str_of(code));
}

static void ended(struct exchange *x)
{
	product.ended = x->status;
}

static void received(struct upgraded *upgraded, struct str bytes)
{
	if (str_eq(bytes, STR("end"))) {
		upgraded_end(upgraded);
		return;
	}
	if (str_eq(bytes, STR("much"))) {
		while (upgraded_send(upgraded, (struct str){ product.much, 1000 }))
			;
		product.refused++;
		return;
	}
	if (!upgraded_send(upgraded, bytes))
		product.refused++;
}

static void gone(struct upgraded *upgraded)
{
	product.gone++;
}

static void upgrade(struct exchange *x)
{
	product.upgraded = (struct upgraded){ .received = received, .gone = gone };
	reply_begin(x, 101);
	reply_header(x, STR("Upgrade"), STR("echo"));
	exchange_upgrade(x, &product.upgraded);
}

static void parked_gone(struct parked *parked)
{
	product.parked_gone++;
}

static void park(struct exchange *x)
{
	product.parked.gone = parked_gone;
	product.x = x;
	exchange_park(x, &product.parked);
}

static void upgrade_parked(void *what)
{
	upgrade(product.x);
}

static const struct http_route routes[] = {
	{ BIT(HTTP_GET), "/echo", upgrade, 0, NULL, 1 },
	{ BIT(HTTP_GET), "/later", park, 0, NULL, 1 },
};

static const struct http_app app = {
	.routes = routes, .route_count = ARRAY_LEN(routes), .refuse = refuse, .ended = ended
};

static bool is_gone(void *what)
{
	return product.gone == *(int *)what;
}

static bool is_parked(void *what)
{
	return product.x != NULL;
}

/* Until the head is here, without what follows it. */
static bool read_head(int fd, struct buf *reply)
{
	while (!has(reply, "\r\n\r\n"))
		if (!client_read(fd, reply, reply->len + 1))
			return false;
	return true;
}

static void check_echo(int fd, struct str text, const char *name)
{
	struct buf reply;

	buf_init(&reply, 100000);
	client_send(fd, text);
	OK(client_read(fd, &reply, text.len), "%s: arrives", name);
	IS_STR(buf_str(&reply), text, "%s: as it was said", name);
	buf_release(&reply);
}

static int open_echo(const char *name, struct str request, size_t ahead)
{
	int fd = client_connect();
	struct buf reply;

	buf_init(&reply, 10000);
	client_send(fd, request);
	OK(read_head(fd, &reply), "%s: a head", name);
	OK(str_starts(buf_str(&reply), STR("HTTP/1.1 101 Switching Protocols\r\n")), "%s: 101",
	   name);
	OK(has(&reply, "\r\nUpgrade: echo\r\n") && has(&reply, "\r\nConnection: Upgrade\r\n"),
	   "%s: to the protocol that was asked for", name);
	OK(!has(&reply, "Content-Length") && !has(&reply, "Connection: close"), "%s: no body",
	   name);
	buf_clear(&reply);
	if (ahead > 0) {
		client_read(fd, &reply, ahead);
		IS_STR(buf_str(&reply), str_after(request, request.len - ahead),
		       "%s: what came with the head is for the other protocol", name);
	}
	buf_release(&reply);
	return fd;
}

static void test_echo(void)
{
	int fd = open_echo("at once", STR(UPGRADE("/echo")), 0), times = product.gone + 1;
	struct buf rest;

	IS_INT(product.ended, 101, "the exchange has ended with its head");
	check_echo(fd, STR("hello"), "some bytes");
	check_echo(fd, STR("GET /echo HTTP/1.1\r\n\r\n"), "what looks like a request");
	client_send(fd, STR("end"));
	buf_init(&rest, 1000);
	OK(client_read(fd, &rest, SIZE_MAX) && rest.len == 0,
	   "ended by the server, without a reset");
	OK(wait_until(is_gone, &times), "gone() is called once");
	close(fd);

	fd = open_echo("with bytes behind the head", STR(UPGRADE("/echo") "hello"), 5);
	close(fd);
	times++;
	OK(wait_until(is_gone, &times), "gone() is called when the client leaves");

	fd = client_connect();
	client_send(fd, STR(UPGRADE("/later")));
	OK(wait_until(is_parked, NULL), "parked");
	on_loop(upgrade_parked, NULL);
	read_head(fd, &rest);
	OK(has(&rest, "HTTP/1.1 101 "), "a parked exchange is upgraded");
	check_echo(fd, STR("late"), "and then");
	IS_INT(product.parked_gone, 0, "it is unparked");
	close(fd);
	times++;
	OK(wait_until(is_gone, &times), "gone() again");
	buf_release(&rest);
}

static void test_limits(void)
{
	int fd, times = product.gone + 1, small = 4096;
	int64_t began_ms;
	struct buf rest;

	fd = open_echo("a client that does not read", STR(UPGRADE("/echo")), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	began_ms = clock_monotonic_ms();
	client_send(fd, STR("much"));
	OK(wait_until(is_gone, &times), "is given up after send_timeout");
	OK(clock_monotonic_ms() - began_ms >= SEND_TIMEOUT_MS, "and not before");
	OK(product.refused > 0, "and what may wait for it has a limit");
	close(fd);

	fd = open_echo("when the server stops", STR(UPGRADE("/echo")), 0);
	check_echo(fd, STR("hello"), "still there");
	fixture_stop();
	IS_INT(product.gone, times + 1, "an upgraded connection is told that it is over");
	buf_init(&rest, 1000);
	OK(client_read(fd, &rest, SIZE_MAX) && rest.len == 0, "and ended without a reset");
	buf_release(&rest);
	close(fd);
}

int main(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	options.send_timeout_ms = SEND_TIMEOUT_MS;
	fixture_start(&app, &options);
	test_echo();
	test_limits();
	return tap_end();
}
