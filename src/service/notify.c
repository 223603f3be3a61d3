#include "service/notify.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define MESSAGE_MAX 1024

struct notify {
	int fd; /* -1: nobody is told */
	struct sockaddr_un to;
	socklen_t to_len;
};

static bool read_address(const char *address, struct notify *notify, struct err *err)
{
	size_t len = strlen(address);

	if ((address[0] != '/' && address[0] != '@') || len < 2 ||
	    len >= sizeof(notify->to.sun_path))
		return err_set(err, ERR_INVALID, "NOTIFY_SOCKET is no address of a Unix socket: %s",
			       address);
	notify->to.sun_family = AF_UNIX;
	memcpy(notify->to.sun_path, address, len);
	if (address[0] == '@')
		notify->to.sun_path[0] = '\0';
	/* An abstract name is as long as it is; a path ends in NUL. */
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				     (address[0] == '/' ? 1 : 0));
	return true;
}

bool notify_open(const char *address, struct notify **out, struct err *err)
{
	AUTO(notify_free) struct notify *notify = xcalloc(1, sizeof(*notify));

	notify->fd = -1;
	if (address && address[0] != '\0') {
		if (!read_address(address, notify, err))
			return false;
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (notify->fd < 0)
			return err_errno(err, "cannot make a socket for NOTIFY_SOCKET");
	}
	*out = TAKE(notify);
	return true;
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	if (notify->fd >= 0)
		close(notify->fd);
	free(notify);
}

void notify_send(const struct notify *notify, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;
	int len;

	if (!notify || notify->fd < 0)
		return;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return;
	if (sendto(notify->fd, text, (size_t)len, MSG_NOSIGNAL,
		   (const struct sockaddr *)&notify->to, notify->to_len) < 0)
		log_debug(NULL, "the service manager cannot be told: %s", strerror(errno));
}

void notify_ready(const struct notify *notify, const char *url)
{
	notify_send(notify, "READY=1\nSTATUS=serving on %s", url);
}

void notify_reloading(const struct notify *notify)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)now.tv_sec * 1000000 +
			    (unsigned long long)now.tv_nsec / 1000);
}

void notify_stopping(const struct notify *notify)
{
	notify_send(notify, "STOPPING=1\nSTATUS=stopping");
}
