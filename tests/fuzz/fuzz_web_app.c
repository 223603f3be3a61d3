/*
 * Requests of any bytes to callspool's own routes, from a client that sends all of it and reads until the end.
 *
 * The first byte says how people sign in: 'p' with passwords, 'x' by a proxy that is trusted, 'n' not at all, else by a
 * proxy that is not trusted.  What must hold: nobody is served behind a route that asks for a right who showed none of the
 * secrets that there are (web_rooms.h), or without the right; no reply is 500, and nothing that an operator must look
 * after is logged; what the client read is a row of whole replies.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "access/web_admit.h"
#include "api/forwarded.h"
#include "api/web_error.h"
#include "reply_stream.h"
#include "web_rooms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);

#define INPUT_MAX      (64 * 1024) /* what a socket takes at once */
#define RECEIVED_MAX   (64 * 1024 * 1024)
#define REPLIES_MAX    1000
#define ROUTES_MAX     100
#define IDLE_TURNS_MAX 200

static struct {
	char mode;
	struct str input;
	int fd;
	struct buf received;
	bool has_ended;
	unsigned idle_turns, replies;
	bool was_head[REPLIES_MAX];
	struct http_app app;
	struct http_route routes[ROUTES_MAX];
} talk;

/* ---- between the server and its routes ---- */

static bool shows(const char *secret)
{
	return str_find_str(talk.input, str_after(str_of(secret), CREDENTIAL_NAME_LEN)) <
	       talk.input.len;
}

static bool may_be_known(void)
{
	return talk.mode == 'n' || talk.mode == 'x' || shows(WEB_TOKEN) || shows(WEB_SESSION) ||
	       shows(WEB_LINK_TEXT);
}

static void check_access(const struct exchange *x)
{
	static const uint16_t rights[] = {
		[WEB_PLAY] = RIGHT_PLAY,      [WEB_READ] = RIGHT_READ,
		[WEB_MAKE_LINK] = RIGHT_LINK, [WEB_CHANGE] = RIGHT_CHANGE,
		[WEB_STATUS] = RIGHT_STATUS,  [WEB_ADMIN] = RIGHT_ADMIN,
	};
	unsigned access = x->route->access;
	const struct web_caller *caller = web_caller_of(x);

	if (access == WEB_ANYONE || access == WEB_PROVIDER || access == WEB_VISITOR)
		return;
	assert(caller && may_be_known());
	if (access < ARRAY_LEN(rights))
		assert((caller->known.rights & rights[access]) == rights[access]);
}

static void serve(struct exchange *x)
{
	check_access(x);
	web_routes[x->route - talk.routes].serve(x);
}

static bool admit(struct exchange *x)
{
	str_fit(talk.mode == 'x' ? STR("127.0.0.1") : STR("192.0.2.1"), x->peer, sizeof(x->peer));
	return web_admit(x);
}

static void ended(struct exchange *x)
{
	assert(x->status != 500);
	if (talk.replies < REPLIES_MAX)
		talk.was_head[talk.replies] = x->request.method == HTTP_HEAD;
	talk.replies++;
	rooms.web.app.ended(x);
}

static void make_app(void)
{
	assert(web_route_count <= ROUTES_MAX);
	for (size_t i = 0; i < web_route_count; i++) {
		talk.routes[i] = web_routes[i];
		talk.routes[i].serve = serve;
	}
	talk.app = (struct http_app){ .routes = talk.routes,
				      .route_count = web_route_count,
				      .refuse = web_refuse_http,
				      .admit = admit,
				      .ended = ended,
				      .trusts = forwarded_trusts };
}

/* ---- the client, and the time ---- */

static bool read_some(void)
{
	char bytes[65536];
	ssize_t n = talk.fd >= 0 ? read(talk.fd, bytes, sizeof(bytes)) : 0;

	if (n > 0)
		buf_add(&talk.received, bytes, (size_t)n);
	return n > 0;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms)
{
	int count = __real_epoll_wait(epoll_fd, events, max, 0);

	if (count != 0 || timeout_ms == 0 || talk.has_ended)
		return count;
	if (!read_some()) {
		assert(++talk.idle_turns < IDLE_TURNS_MAX);
		assert(timeout_ms > 0); /* else it waits for nothing, for ever */
		rooms.now_ms += timeout_ms;
	}
	return __real_epoll_wait(epoll_fd, events, max, 0);
}

static void connection_ended(struct http_server *server)
{
	talk.has_ended = true;
	loop_stop(server->loop);
}

static void converse(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		abort();
	talk.fd = ends[1];
	if (write(talk.fd, talk.input.at, talk.input.len) != (ssize_t)talk.input.len)
		abort();
	shutdown(talk.fd, SHUT_WR);
	http_server_adopt(rooms.server, ends[0], ends[0], connection_ended);
	loop_run(rooms.loop);
	while (read_some())
		;
	close(ends[0]);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum auth_mode mode = AUTH_PROXY;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	if (!rooms.store) {
		rooms_prepare();
		make_app();
	}
	talk.mode = (char)data[0];
	talk.input = str_after((struct str){ (const char *)data, size }, 1);
	talk.has_ended = false;
	talk.idle_turns = talk.replies = 0;
	if (talk.mode == 'p' || talk.mode == 'n')
		mode = talk.mode == 'p' ? AUTH_PASSWORD : AUTH_NONE;
	buf_init(&talk.received, RECEIVED_MAX);
	rooms_open(mode, &talk.app);
	converse();
	reply_stream_check(buf_str(&talk.received), talk.was_head,
			   talk.replies < REPLIES_MAX ? talk.replies : REPLIES_MAX);
	buf_release(&talk.received);
	return 0;
}
