#include "service/passed_sockets.h"

#include "tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char folder[] = "/tmp/callspool-passed.XXXXXX";

/* ---- what may stand at a descriptor ---- */

static int tcp(int family, bool listens)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(family, SOCK_STREAM, 0);
	int failed = family == AF_INET6 ? bind(fd, (const struct sockaddr *)&v6, sizeof(v6))
					: bind(fd, (const struct sockaddr *)&v4, sizeof(v4));

	if (failed || (listens && listen(fd, 1) < 0))
		perror("listen");
	return fd;
}

static int v4(void)
{
	return tcp(AF_INET, true);
}

static int v6(void)
{
	return tcp(AF_INET6, true);
}

static int deaf(void)
{
	return tcp(AF_INET, false);
}

static int datagrams(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int file(void)
{
	return open("/dev/null", O_RDONLY);
}

static int nothing(void)
{
	return -1;
}

static int local(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s/socket", folder);
	unlink(where.sun_path);
	if (bind(fd, (const struct sockaddr *)&where, sizeof(where)) < 0 || listen(fd, 1) < 0)
		perror("listen");
	return fd;
}

/* ---- a process that they are passed to ---- */

struct passing {
	const char *what;
	int (*make[2])(void);  /* descriptors 3 and 4 */
	const char *pid, *fds; /* NULL: not set; pid "own": its own */
	const char *names;
	bool is_good;
	size_t count;
	const char *text; /* the error's, in part; or the first address' */
};

static const struct passing passings[] = {
	{ "no variable, no socket", { v4 }, NULL, NULL, NULL, true, 0, NULL },
	{ "one over IPv4", { v4 }, "own", "1", NULL, true, 1, "127.0.0.1:" },
	{ "one over IPv6", { v6 }, "own", "1", "http", true, 1, "[::]:" },
	{ "a Unix socket", { local }, "own", "1", "", true, 1, "unix:/tmp/callspool-passed." },
	{ "two", { local, v4 }, "own", "2", "a:b", true, 2, "unix:" },
	{ "those of another process are not ours", { v4 }, "1", "1", NULL, true, 0, NULL },
	{ "none", { v4 }, "own", "0", NULL, true, 0, NULL },
	{ "no number", { v4 }, "own", "one", NULL, false, 0, "no number" },
	{ "a process that is no number", { v4 }, "self", "1", NULL, false, 0, "no number" },
	{ "more than there may be", { v4 }, "own", "17", NULL, false, 0, "more than" },
	{ "a socket that does not listen", { deaf }, "own", "1", "web", false, 0, "(web)" },
	{ "datagrams", { v4, datagrams }, "own", "2", "web:udp", false, 0, "(udp)" },
	{ "no socket at all", { file }, "own", "1", NULL, false, 0, "without a name" },
	{ "a descriptor that is not there",
	  { nothing },
	  "own",
	  "1",
	  NULL,
	  false,
	  0,
	  "descriptor 3" },
};

static void place(int (*make)(void), int at)
{
	int fd = make ? make() : -1, high;

	if (fd < 0) {
		close(at);
		return;
	}
	high = fcntl(fd, F_DUPFD, 100);
	if (fd != at)
		close(fd);
	dup2(high, at);
	close(high);
}

static void set(const char *name, const char *value)
{
	char own[16];

	snprintf(own, sizeof(own), "%d", getpid());
	if (value)
		setenv(name, strcmp(value, "own") == 0 ? own : value, 1);
	else
		unsetenv(name);
}

/* In the child: 0 when all is as it should be, else a number that says what is not. */
static int look(const struct passing *passing)
{
	struct passed_sockets sockets = { .count = 0 };
	char address[SOCKET_ADDRESS_SIZE] = "";
	struct err err = { .text = "" };
	bool is_good = passed_sockets_take(&sockets, &err);

	if (is_good != passing->is_good || sockets.count != passing->count)
		return 1;
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
		return 2;
	for (size_t i = 0; i < sockets.count; i++)
		if (!(fcntl(sockets.fd[i], F_GETFD) & FD_CLOEXEC) ||
		    !(fcntl(sockets.fd[i], F_GETFL) & O_NONBLOCK))
			return 3;
	if (sockets.count > 0)
		socket_address_text(sockets.fd[0], address);
	if (passing->text && !strstr(is_good ? address : err.text, passing->text))
		return 4;
	return !is_good && err.kind != ERR_INVALID ? 5 : 0;
}

static void test_passing(const struct passing *passing)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		place(passing->make[0], PASSED_FIRST_FD);
		place(passing->make[1], PASSED_FIRST_FD + 1);
		set("LISTEN_PID", passing->pid);
		set("LISTEN_FDS", passing->fds);
		set("LISTEN_FDNAMES", passing->names);
		_exit(look(passing));
	}
	waitpid(pid, &status, 0);
	OK(WIFEXITED(status), "the child ends by itself");
	IS_INT(WEXITSTATUS(status), 0, "%s", passing->what);
}

static void test_locality(void)
{
	const struct {
		int fd;
		bool is_local, is_unix;
		const char *what;
	} cases[] = {
		{ v4(), true, false, "loopback" },
		{ v6(), false, false, "every address" },
		{ local(), true, true, "a Unix socket" },
		{ file(), false, false, "what is no socket" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		OK(socket_is_local(cases[i].fd) == cases[i].is_local &&
			   socket_is_unix(cases[i].fd) == cases[i].is_unix,
		   "%s: who can reach it", cases[i].what);
		close(cases[i].fd);
	}
}

int main(void)
{
	char path[64];

	if (!mkdtemp(folder))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(passings); i++)
		test_passing(&passings[i]);
	test_locality();
	snprintf(path, sizeof(path), "%s/socket", folder);
	unlink(path);
	rmdir(folder);
	return tap_end();
}
