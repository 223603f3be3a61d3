#include "service/notify.h"

#include "tap.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct err err;

/* A service manager's socket at this address; `address` as NOTIFY_SOCKET has it. */
static int manager(const char *address)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	size_t len = strlen(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(where.sun_path, address, len);
	if (address[0] == '@')
		where.sun_path[0] = '\0';
	if (bind(fd, (const struct sockaddr *)&where,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		perror("bind");
	return fd;
}

static struct str heard(int fd)
{
	static char text[2048];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

static void test_telling(const char *address)
{
	AUTO(notify_free) struct notify *notify = NULL;
	AUTO(close) int fd = manager(address);
	char long_text[2000];
	struct str text;

	OK(notify_open(address, &notify, &err), "a manager at '%s'", address);
	notify_ready(notify, "http://127.0.0.1:8080");
	IS_STR(heard(fd), STR("READY=1\nSTATUS=serving on http://127.0.0.1:8080"),
	       "is told that we serve");
	notify_stopping(notify);
	OK(str_starts(heard(fd), STR("STOPPING=1\n")), "that we stop");
	notify_reloading(notify);
	text = heard(fd);
	OK(str_starts(text, STR("RELOADING=1\nMONOTONIC_USEC=")) && text.len > 35,
	   "that settings are read, and since when");
	notify_send(notify, "MAINPID=%d", 4711);
	IS_STR(heard(fd), STR("MAINPID=4711"), "and who we are");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	notify_send(notify, "STATUS=%s", long_text);
	IS_INT(heard(fd).len, 0, "what does not fit is not sent in part");
}

static void test_addresses(void)
{
	char too_long[200];
	const struct {
		const char *address;
		bool is_good;
		const char *what;
	} cases[] = {
		{ NULL, true, "no manager" },
		{ "", true, "an empty variable is none" },
		{ "relative/path", false, "a path from nowhere is refused" },
		{ "vsock:2:1234", false, "so is an address of another family" },
		{ "@", false, "so is a name without one" },
		{ too_long, false, "so is what no address holds" },
	};

	memset(too_long, 'a', sizeof(too_long));
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(notify_free) struct notify *notify = NULL;

		OK(notify_open(cases[i].address, &notify, &err) == cases[i].is_good, "%s",
		   cases[i].what);
		notify_send(notify, "READY=1");
	}
	notify_send(NULL, "READY=1");
}

int main(void)
{
	char folder[] = "/tmp/callspool-notify.XXXXXX", path[64], name[64];
	struct notify *notify = NULL;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/notify", folder);
	snprintf(name, sizeof(name), "@callspool-test-%d", getpid());
	test_telling(path);
	test_telling(name);
	OK(notify_open(path, &notify, &err), "a manager that is gone");
	notify_send(notify, "READY=1");
	OK(true, "is told nothing, and nothing fails");
	notify_free(notify);
	test_addresses();
	unlink(path);
	rmdir(folder);
	return tap_end();
}
