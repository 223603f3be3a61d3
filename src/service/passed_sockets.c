#include "service/passed_sockets.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_SIZE 64 /* of a socket, in a message */

/* ---- what a socket is ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage room;
};

static socklen_t address_of(int fd, union address *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockname(fd, &out->any, &len) < 0 ? 0 : len;
}

static void local_text(const union address *address, socklen_t len, char *out, size_t size)
{
	const char *path = address->local.sun_path;
	size_t path_len = len > offsetof(struct sockaddr_un, sun_path)
				  ? len - offsetof(struct sockaddr_un, sun_path)
				  : 0;

	if (path_len > 0 && path[0] == '\0')
		snprintf(out, size, "unix:@%.*s", (int)path_len - 1, path + 1);
	else
		snprintf(out, size, "unix:%.*s", (int)path_len, path);
}

void socket_address_text(int fd, char out[SOCKET_ADDRESS_SIZE])
{
	union address address;
	socklen_t len = address_of(fd, &address);
	char host[INET6_ADDRSTRLEN] = "";

	switch (address.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
		snprintf(out, SOCKET_ADDRESS_SIZE, "%s:%u", host, ntohs(address.v4.sin_port));
		return;
	case AF_INET6:
		inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
		snprintf(out, SOCKET_ADDRESS_SIZE, "[%s]:%u", host, ntohs(address.v6.sin6_port));
		return;
	default:
		local_text(&address, len, out, SOCKET_ADDRESS_SIZE);
	}
}

bool socket_is_unix(int fd)
{
	union address address;

	return address_of(fd, &address) > 0 && address.any.sa_family == AF_UNIX;
}

bool socket_is_local(int fd)
{
	union address address;

	if (address_of(fd, &address) == 0)
		return false;
	switch (address.any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
	default:
		return false;
	}
}

/* ---- taking them ---- */

static bool option_is(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static bool take_one(int fd, struct str name, struct err *err)
{
	union address address;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_errno(err, "LISTEN_FDS: descriptor %d (%.*s)", fd, STR_ARG(name));
	if (!option_is(fd, SO_TYPE, SOCK_STREAM) || !option_is(fd, SO_ACCEPTCONN, 1) ||
	    address_of(fd, &address) == 0 ||
	    (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6 &&
	     address.any.sa_family != AF_UNIX))
		return err_set(err, ERR_INVALID,
			       "LISTEN_FDS: descriptor %d (%.*s) is no listening stream socket "
			       "(ListenStream= with Accept=no)",
			       fd, STR_ARG(name));
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, "LISTEN_FDS: descriptor %d", fd);
	return true;
}

/* 0: none are for us. */
static bool count_of(uint64_t *out, struct err *err)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	uint64_t pid = 0;

	*out = 0;
	if (!pid_text || !count_text)
		return true;
	if (!str_to_u64(str_of(pid_text), &pid) || !str_to_u64(str_of(count_text), out))
		return err_set(err, ERR_INVALID, "LISTEN_PID or LISTEN_FDS is no number");
	if (pid != (uint64_t)getpid())
		*out = 0;
	if (*out > PASSED_SOCKETS_MAX)
		return err_set(err, ERR_INVALID, "LISTEN_FDS: more than %d sockets were passed",
			       PASSED_SOCKETS_MAX);
	return true;
}

static bool take(struct passed_sockets *out, struct err *err)
{
	struct str names = str_of(getenv("LISTEN_FDNAMES")), name;
	uint64_t count;

	if (!count_of(&count, err))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		int fd = PASSED_FIRST_FD + (int)i;

		if (!names.at || !str_cut(&names, ':', &name))
			name = STR("without a name");
		if (!take_one(fd, str_first(name, NAME_SIZE), err))
			return false;
		out->fd[out->count++] = fd;
	}
	return true;
}

bool passed_sockets_take(struct passed_sockets *out, struct err *err)
{
	struct passed_sockets taken = { .count = 0 };
	bool is_good = take(&taken, err);

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (is_good)
		*out = taken;
	if (!is_good && err->kind != ERR_SCARCE)
		err->kind = ERR_INVALID; /* who started us passed the wrong thing */
	return is_good;
}
