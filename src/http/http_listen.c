/*
 * Listening sockets.  They are made before any loop runs, and shared among the loops.
 */
#include "http/http_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"

#define UNSENT_BYTES_MAX (512 * 1024)
#define BACKLOG          4096 /* the kernel lowers it to net.core.somaxconn */

/* "host:port" or "[v6]:port"; numbers only, so that no resolver is asked at start. */
static bool parse_address(const char *address, struct sockaddr_storage *out, socklen_t *out_len,
			  struct err *err)
{
	struct str text = str_of(address), host, port;
	size_t colon = text.len;
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char host_text[64], port_text[8];

	while (colon > 0 && text.at[colon - 1] != ':')
		colon--;
	host = str_first(text, colon > 0 ? colon - 1 : 0);
	port = str_after(text, colon);
	if (host.len > 1 && host.at[0] == '[' && str_ends(host, STR("]")))
		host = str_first(str_after(host, 1), host.len - 2);
	else if (str_find(host, ':') < host.len)
		host = STR(""); /* an IPv6 address needs its brackets */
	if (str_eq(host, STR("localhost")))
		host = STR("127.0.0.1");
	if (host.len == 0 || port.len == 0 || !str_copy(host, host_text, sizeof(host_text)) ||
	    !str_copy(port, port_text, sizeof(port_text)) ||
	    getaddrinfo(host_text, port_text, &hints, &found) != 0)
		return err_set(err, ERR_INVALID,
			       "'%s' is no address like 127.0.0.1:8080 or [::1]:8080", address);
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*out_len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	if (address.ss_family == AF_INET6) {
		memcpy(&v6, &address, sizeof(v6));
		return ntohs(v6.sin6_port);
	}
	memcpy(&v4, &address, sizeof(v4));
	return ntohs(v4.sin_port);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->ss_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
	}
	memcpy(&v4, address, sizeof(v4));
	return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/*
 * Whoever comes over loopback is a proxy on this machine, and no bottleneck that a sender must feel
 * its way through.  Where the system sends by BBR, every packet to it would wait for a timer of its
 * own: two thirds of what a megabyte costs (docs/performance.md).  Accepted sockets inherit
 * the choice; made on them it would come too late, as pacing once begun stays.  It fails
 * only in a kernel without that choice, and does no harm then.
 */
static void send_unpaced(int fd)
{
	static const char name[] = "reno"; /* the one that every kernel has */

	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, sizeof(name) - 1);
}

/*
 * Of what a client does not take, the kernel would keep up to four megabytes for each, out of what
 * all TCP of the machine shares: where that is used up, it resets connections in the middle of
 * their replies, whoever they belong to.  It is better off in the file.  What is sent and not
 * acknowledged does not count, so that a long way is filled as before.  Accepted sockets inherit it.
 */
static void keep_little_unsent(int fd)
{
	int bytes = UNSENT_BYTES_MAX;

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

bool http_listen_tcp(const char *address, int *out_fd, unsigned *out_port, struct err *err)
{
	struct sockaddr_storage where = { 0 };
	socklen_t len = 0;
	int on = 1;

	if (!parse_address(address, &where, &len, err))
		return false;

	AUTO(close) int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(err, "cannot make a socket for '%s'", address);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_errno(err, "cannot set up the socket for '%s'", address);
	keep_little_unsent(fd);
	if (is_loopback(&where))
		send_unpaced(fd);
	if (bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, "cannot listen on '%s'", address);
	*out_port = port_of(fd);
	*out_fd = TAKE_FD(fd);
	return true;
}

void http_listen_passed(int fd)
{
	struct sockaddr_storage where = { 0 };
	socklen_t len = sizeof(where);

	if (getsockname(fd, (struct sockaddr *)&where, &len) == 0 &&
	    (where.ss_family == AF_INET || where.ss_family == AF_INET6)) {
		keep_little_unsent(fd);
		if (is_loopback(&where))
			send_unpaced(fd);
	}
	listen(fd,
	       BACKLOG); /* more may wait than its maker thought of; a failure leaves what was */
}

/* Only a socket that nobody answers on is removed. */
static bool make_place(const char *path, const struct sockaddr_un *where, struct err *err)
{
	AUTO(close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat status;

	if (lstat(path, &status) < 0)
		return true; /* bind() tells what else is wrong */
	if (!S_ISSOCK(status.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is there, and is no socket", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0)
		return err_set(err, ERR_CONFLICT, "somebody listens on '%s'", path);
	unlink(path);
	return true;
}

bool http_listen_unix(const char *path, unsigned mode, int *out_fd, struct err *err)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	AUTO(free) char *address = NULL;
	AUTO(close) int folder_fd = -1;
	mode_t mask;
	int bound;

	if (!file_short_path(path, sizeof(where.sun_path), &address, &folder_fd, err))
		return false;
	if (!str_copy(str_of(address), where.sun_path, sizeof(where.sun_path)))
		return err_set(err, ERR_INVALID, "'%s' is too long for the path of a socket", path);

	AUTO(close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(err, "cannot make a socket for '%s'", path);
	if (!make_place(path, &where, err))
		return false;
	/* By the mask, so that there is no moment in which others may connect. */
	mask = umask(0777 & ~mode);
	bound = bind(fd, (struct sockaddr *)&where, sizeof(where));
	umask(mask);
	if (bound < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, "cannot listen on '%s'", path);
	*out_fd = TAKE_FD(fd);
	return true;
}
