/* Listening sockets, and connections that were open already (serve --stdio). */
#include "http/http_server.h"
#include "http_fixture.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

static const struct {
	const char *address;
	bool valid;
} addresses[] = {
	{ "127.0.0.1:0", true },     { "0.0.0.0:0", true },
	{ "localhost:0", true },     { "127.0.0.1", false },
	{ ":8080", false },          { "127.0.0.1:", false },
	{ "127.0.0.1:x", false },    { "127.0.0.1:99999999", false },
	{ "::1:8080", false },       { "", false },
	{ "example.org:80", false },
};

static atomic_int ended_count;

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	reply_begin(x, status);
	reply_send(x, str_of(code));
}

static void serve_file(struct exchange *x)
{
	reply_begin(x, 200);
	reply_headerf(x, "X-Over", "%s%s", x->over_unix ? "unix" : "other", x->peer);
	reply_send_file(x, fixture.file_fd, 0, FILE_SIZE);
}

static const struct http_route routes[] = {
	{ BIT(HTTP_GET), "/file", serve_file, 0, NULL, 1 },
};

static const struct http_app app = { .routes = routes, .route_count = 1, .refuse = refuse };

static void test_addresses(void)
{
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		unsigned port = 0;
		struct err err;
		int fd = -1;
		bool listens = http_listen_tcp(addresses[i].address, &fd, &port, &err);

		IS_INT(listens, addresses[i].valid, "'%s'", addresses[i].address);
		if (listens) {
			OK(port > 0, "'%s': the port it got", addresses[i].address);
			close(fd);
		} else {
			IS_INT(err.kind, ERR_INVALID, "'%s': is the caller's fault",
			       addresses[i].address);
		}
	}
}

/* What sends for the sockets that it accepts: see send_unpaced(). */
static void congestion_control(const char *address, char name[32])
{
	socklen_t size = 31;
	unsigned port;
	struct err err;
	int fd = -1;

	memset(name, 0, 32);
	if (!http_listen_tcp(address, &fd, &port, &err) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) < 0)
		perror(address);
	close(fd);
}

static void test_congestion_control(void)
{
	char system[32], name[32];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(system);

	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, system, &size) < 0)
		perror("getsockopt");
	close(fd);
	congestion_control("127.0.0.1:0", name);
	IS_INT(strcmp(name, "reno"), 0, "over loopback nothing is paced");
	congestion_control("0.0.0.0:0", name);
	IS_INT(strcmp(name, system), 0, "to others as the system has it");
}

#define UNSENT_MOST (1024 * 1024) /* of 4 MiB that the system would hold for each */

/* As much as the kernel takes for a client that reads nothing. */
static void fill(int fd)
{
	static const char piece[65536];
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (poll(&room, 1, 500) > 0)
		while (send(fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
}

/* What a client leaves is not the kernel's to keep: see keep_little_unsent(). */
static void test_unsent(void)
{
	struct sockaddr_storage where;
	socklen_t size = sizeof(where);
	int listen_fd, fd, client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), unsent = -1;
	unsigned port;
	struct err err;

	OK(http_listen_tcp("127.0.0.1:0", &listen_fd, &port, &err) &&
		   getsockname(listen_fd, (struct sockaddr *)&where, &size) == 0 &&
		   connect(client, (struct sockaddr *)&where, size) == 0,
	   "a client that reads nothing");
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	fill(fd);
	if (ioctl(fd, SIOCOUTQNSD, &unsent) < 0)
		perror("ioctl");
	OK(unsent > 0 && unsent <= UNSENT_MOST, "%d bytes wait in the kernel to be sent to it",
	   unsent);
	close(fd);
	close(client);
	close(listen_fd);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!str_copy(str_of(path), where.sun_path, sizeof(where.sun_path)) ||
	    connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		perror("connect");
	return fd;
}

static void listen_on(void *what)
{
	http_server_listen(fixture.server, *(int *)what, HTTP_LISTEN_ADMIN);
}

static void test_unix(void)
{
	char folder[] = "/tmp/test_http_listen.XXXXXX";
	AUTO(free) char *path = NULL;
	struct stat status;
	struct buf reply;
	struct err err;
	int listen_fd, fd;

	OK(mkdtemp(folder) != NULL, "a folder for the socket");
	path = xasprintf("%s/socket", folder);
	OK(http_listen_unix(path, 0600, &listen_fd, &err), "a Unix socket");
	close(listen_fd);
	OK(http_listen_unix(path, 0600, &listen_fd, &err), "replaces an old one");
	OK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "for its owner alone");
	OK(!http_listen_unix(path, 0600, &fd, &err) && err.kind == ERR_CONFLICT,
	   "one that somebody listens on stays");
	on_loop(listen_on, &listen_fd);
	fd = connect_unix(path);
	buf_init(&reply, 10000000);
	client_send(fd, STR("GET /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
	OK(client_read(fd, &reply, SIZE_MAX), "is served");
	OK(has(&reply, "\r\nX-Over: unix\r\n"), "knows what it came over, and no peer");
	OK(body_of(&reply).len == FILE_SIZE && is_file(body_of(&reply), 0), "the whole file");
	buf_release(&reply);
	close(fd);
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	OK(!http_listen_unix(path, 0600, &fd, &err) && err.kind == ERR_INVALID,
	   "a file that is no socket stays");
	unlink(path);
	OK(http_listen_unix(path, 0660, &fd, &err), "for a group, too");
	OK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0660, "of that mode");
	close(fd);
	unlink(path);
	rmdir(folder);

	OK(!http_listen_unix("/nowhere/at/all/socket", 0600, &listen_fd, &err),
	   "a folder that is not there");
	fixture_stop();
	close(listen_fd);
}

static void adopted_ended(struct http_server *server)
{
	ended_count++;
}

static void adopt(void *what)
{
	const int *fds = what;

	http_server_adopt(fixture.server, fds[0], fds[1], adopted_ended);
}

static bool has_ended(void *what)
{
	return ended_count == *(int *)what;
}

static bool read_all(int fd, struct buf *into, size_t enough)
{
	char bytes[65536];
	ssize_t n;

	while (into->len < enough && (n = read(fd, bytes, sizeof(bytes))) > 0)
		buf_add(into, bytes, (size_t)n);
	return into->len >= enough;
}

/* Two pipes: no socket, so that neither send() nor recv() nor sendfile() serve. */
static void test_pipes(void)
{
	static const struct str request =
		STR("GET /file HTTP/1.1\r\nHost: h\r\n\r\nGET /file HTTP/1.0\r\n\r\n");
	int to[2], from[2], count = ended_count + 1;
	struct buf reply;

	OK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0, "two pipes");
	buf_init(&reply, 10000000);
	on_loop(adopt, (int[]){ to[0], from[1] });
	OK(write(to[1], request.at, request.len) == (ssize_t)request.len, "two requests");
	OK(read_all(from[0], &reply, 2 * FILE_SIZE), "two answers");
	OK(wait_until(has_ended, &count), "the second was the last: ended() is called");
	OK(is_file(str_first(body_of(&reply), FILE_SIZE), 0), "the bytes of the file");
	IS_INT(fcntl(to[0], F_GETFL) & O_NONBLOCK, 0, "the pipe is left as it was");
	close(from[1]);
	read_all(from[0], &reply, SIZE_MAX);
	OK(is_file(str_after(buf_str(&reply), reply.len - FILE_SIZE), 0),
	   "those of the second, too");
	close(from[0]);
	close(to[0]);
	close(to[1]);
	buf_release(&reply);
}

/* One socket both ways, closed by the client; and a file that holds the request. */
static void test_socket_and_file(void)
{
	static const struct str request = STR("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
	int pair[2], count = ended_count + 1, input = memfd_create("request", MFD_CLOEXEC),
		     output[2];
	struct buf reply;

	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "a pair of sockets");
	buf_init(&reply, 10000);
	on_loop(adopt, (int[]){ pair[0], pair[0] });
	client_send(pair[1], request);
	client_read(pair[1], &reply, 20);
	OK(has(&reply, "HTTP/1.1 404 "), "an answer over a socket");
	close(pair[1]);
	OK(wait_until(has_ended, &count), "ended() when the client closes");
	close(pair[0]);
	buf_clear(&reply);

	OK(write(input, request.at, request.len) == (ssize_t)request.len &&
		   lseek(input, 0, SEEK_SET) == 0 && pipe2(output, O_CLOEXEC) == 0,
	   "a file with a request");
	on_loop(adopt, (int[]){ input, output[1] });
	count++;
	OK(wait_until(has_ended, &count), "ends where the file ends");
	close(output[1]);
	read_all(output[0], &reply, SIZE_MAX);
	OK(has(&reply, "HTTP/1.1 404 "), "an answer to a file");
	close(output[0]);
	close(input);
	buf_release(&reply);
}

/*
 * To a file, which is never full: what ends a turn of sending is that the turn is used up, and nothing but
 * the connection's own waking begins the next.
 */
static void test_several_turns(void)
{
	static const struct str request = STR("GET /file HTTP/1.0\r\n\r\n");
	int count = ended_count + 1, input = memfd_create("request", MFD_CLOEXEC),
	    output = memfd_create("reply", MFD_CLOEXEC);
	struct buf reply;

	OK(write(input, request.at, request.len) == (ssize_t)request.len &&
		   lseek(input, 0, SEEK_SET) == 0,
	   "a file with a request");
	on_loop(adopt, (int[]){ input, output });
	OK(wait_until(has_ended, &count), "a reply of several turns ends");
	buf_init(&reply, 10000000);
	lseek(output, 0, SEEK_SET);
	read_all(output, &reply, SIZE_MAX);
	IS_INT(body_of(&reply).len, FILE_SIZE, "all of it");
	OK(is_file(body_of(&reply), 0), "the bytes of the file");
	close(input);
	close(output);
	buf_release(&reply);
}

int main(void)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;

	fixture.file_fd = make_file(FILE_SIZE);
	test_addresses();
	test_congestion_control();
	test_unsent();
	fixture_start(&app, &options);
	test_pipes();
	test_socket_and_file();
	test_several_turns();
	test_unix();
	close(fixture.file_fd);
	return tap_end();
}
