/*
 * The child is started by posix_spawn(): this process has threads and much memory, and what a fork() of it may do is
 * little.  It inherits the standard streams and its end of the channel; all else is closed, for not every library makes
 * its descriptors CLOEXEC, and each upgrade would pass on those of all before.
 *
 * It gets our environment as it is now, without what was meant for this process alone, and the secrets that came by the
 * environment under their old names: it wipes them there as every start does.
 */
#include "service/successor.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/loop.h"
#include "service/handover.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD   3
#define PREPARE_MS 60000 /* it reads settings and opens sockets */
#define STOP_MS    10000 /* it may be in the middle of its start */
#define STOPPED    "the server was stopped meanwhile"

enum state {
	IDLE,
	PREPARING,  /* waits for `prepared`, `failed` or its end */
	LETTING_GO, /* it was told `yours`: waits for `serving`, `failed` or its end */
};

struct successor {
	struct loop *loop;
	struct mailbox *mailbox;
	struct successor_options options;
	enum state state;
	pid_t pid;
	int fd; /* our end of the channel; -1: none */
	struct watch watch;
	struct timer timer;
	bool is_ending;
	struct successor_request *request; /* waits for `prepared` */
	struct err last_err;               /* of the upgrade that failed last */
	pid_t last_pid;                    /* ... 0: none */
};

/* ---- answers ---- */

static void delivered(struct mail *mail)
{
	struct successor_request *request = container_of(mail, struct successor_request, mail);

	request->done(request);
}

static void answer(struct successor_request *request)
{
	request->mail.deliver = delivered;
	mailbox_post(request->reply, &request->mail);
}

static void answer_waiting(struct successor *successor, const struct err *err, const char *version)
{
	struct successor_request *request = TAKE(successor->request);

	if (!request)
		return;
	request->succeeded = !err;
	request->pid = successor->pid;
	if (err)
		request->err = *err;
	str_fit(str_of(version ? version : ""), request->version, sizeof(request->version));
	answer(request);
}

/* ---- the child's environment ---- */

static bool is_ours_alone(const char *variable)
{
	static const char *const names[] = { "WATCHDOG_PID=", HANDOVER_VARIABLE "=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static char **environment_of(char **secrets)
{
	size_t count = 0, added = 0, used = 0;
	char **all;

	while (environ[count])
		count++;
	while (secrets && secrets[added])
		added++;
	all = xcalloc(count + added + 2, sizeof(*all));
	for (size_t i = 0; i < count; i++)
		if (!is_ours_alone(environ[i]))
			all[used++] = xstrdup(environ[i]);
	for (size_t i = 0; i < added; i++)
		all[used++] = secrets[i];
	all[used] = xasprintf(HANDOVER_VARIABLE "=%d", CHILD_FD);
	free(secrets);
	return all;
}

/* Secrets are among them. */
static void environment_free(char **all)
{
	for (size_t i = 0; all[i]; i++) {
		explicit_bzero(all[i], strlen(all[i]));
		free(all[i]);
	}
	free(all);
}

/* ---- starting it ---- */

static int spawn(const char *binary, char *const *argv, char *const *environment, int child_fd,
		 pid_t *out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int failed;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&files, child_fd, CHILD_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, CHILD_FD + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawn(out, binary, &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return failed;
}

static char **arguments_of(const struct successor *successor, const char *binary)
{
	char *const *argv = successor->options.argv;
	size_t count = 0;
	char **all;

	while (argv[count])
		count++;
	all = xcalloc(count + 1, sizeof(*all));
	for (size_t i = 0; i < count; i++)
		all[i] = xstrdup(i == 0 ? binary : argv[i]);
	return all;
}

static bool start_child(struct successor *successor, const char *binary, int child_fd,
			struct err *err)
{
	const struct successor_callbacks *on = &successor->options.on;
	char **environment = environment_of(successor->options.secrets(on->owner));
	char **argv = arguments_of(successor, binary);
	int failed = spawn(binary, argv, environment, child_fd, &successor->pid);

	environment_free(environment);
	environment_free(argv);
	return failed == 0 ||
	       err_set(err, ERR_INVALID, "cannot start '%s': %s", binary, strerror(failed));
}

static void child_said(struct watch *watch, uint32_t events);
static void child_is_late(struct timer *timer);

static bool begin(struct successor *successor, const char *binary, struct err *err)
{
	struct handover_message message;
	int pair[2];
	bool is_started;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "cannot make a channel to a successor");
	is_started = start_child(successor, binary, pair[1], err);
	close(pair[1]);
	if (!is_started) {
		close(pair[0]);
		return false;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	successor->fd = pair[0];
	successor->state = PREPARING;
	watch_start(successor->loop, &successor->watch, successor->fd, EPOLLIN, child_said);
	timer_start(successor->loop, &successor->timer, PREPARE_MS, child_is_late);
	successor->options.on.describe(successor->options.on.owner, &message);
	/* Where it is gone already, its end is what we hear of next. */
	if (!handover_send(successor->fd, &message, err))
		log_debug(NULL, "%s", err->text);
	return true;
}

/* ---- its end ---- */

static void close_channel(struct successor *successor)
{
	timer_stop(&successor->timer);
	if (successor->fd < 0)
		return;
	watch_stop(&successor->watch);
	close(TAKE_FD(successor->fd));
}

/* Nothing of it may be left: it could have the ledger open, or take it yet. */
static void remove_child(struct successor *successor, struct err *err)
{
	int status = 0;

	kill(successor->pid, SIGKILL);
	while (waitpid(successor->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (err->text[0] != '\0')
		return;
	if (WIFEXITED(status))
		err_set(err, ERR_UNAVAILABLE, "the successor ended with status %d",
			WEXITSTATUS(status));
	else
		err_set(err, ERR_UNAVAILABLE, "the successor was ended by signal %d",
			WTERMSIG(status));
}

/* err->text may be "": its end says it. */
static void fail(struct successor *successor, struct err *err)
{
	enum state state = successor->state;

	close_channel(successor);
	remove_child(successor, err);
	successor->state = IDLE;
	successor->last_err = *err;
	successor->last_pid = successor->pid;
	log_warn(NULL, "the upgrade failed%s: %s",
		 state == LETTING_GO ? "" : ", this process goes on", err->text);
	answer_waiting(successor, err, NULL);
	if (state == LETTING_GO)
		successor->options.on.resume(successor->options.on.owner, err);
}

static void child_is_late(struct timer *timer)
{
	struct successor *successor = container_of(timer, struct successor, timer);
	bool is_prepared = successor->state == LETTING_GO;
	struct err err;

	err_set(&err, ERR_UNAVAILABLE, "the successor %s within %lld s",
		is_prepared ? "had everything, and did not serve" : "was not prepared",
		(long long)(is_prepared ? successor->options.serve_ms : PREPARE_MS) / 1000);
	fail(successor, &err);
}

/* ---- what it says ---- */

/* "STATUS TEXT", the status as one of enum err_kind. */
static void read_failure(const char *rest, struct err *err)
{
	struct str text = str_of(rest), kind;
	uint64_t number;

	str_cut(&text, ' ', &kind);
	if (!str_to_u64(kind, &number) || number > ERR_INTERNAL)
		number = ERR_INTERNAL;
	err_set(err, (enum err_kind)number, "%.*s", STR_ARG(text));
}

static void let_go(struct successor *successor, const char *version)
{
	struct err err = { .text = "" };

	timer_stop(&successor->timer);
	log_info(NULL, "process %lld, version %s, takes over", (long long)successor->pid, version);
	answer_waiting(successor, NULL, version);
	successor->state = LETTING_GO;
	successor->options.on.let_go(successor->options.on.owner);
	if (!handover_say(successor->fd, &err, HANDOVER_YOURS)) {
		fail(successor, &err);
		return;
	}
	timer_start(successor->loop, &successor->timer, successor->options.serve_ms, child_is_late);
}

static void take_message(struct successor *successor, const struct handover_message *message)
{
	struct err err = { .text = "" };
	const char *rest;

	if (successor->state == PREPARING && handover_is(message, HANDOVER_PREPARED, &rest)) {
		let_go(successor, rest);
	} else if (successor->state == LETTING_GO &&
		   handover_is(message, HANDOVER_SERVING, &rest)) {
		close_channel(successor);
		successor->state = IDLE;
		successor->is_ending = true;
		successor->options.on.succeeded(successor->options.on.owner, successor->pid);
	} else if (handover_is(message, HANDOVER_FAILED, &rest)) {
		read_failure(rest, &err);
		fail(successor, &err);
	} else {
		err_set(&err, ERR_INVALID, "the successor says what is not understood");
		fail(successor, &err);
	}
}

static void child_said(struct watch *watch, uint32_t events)
{
	struct successor *successor = container_of(watch, struct successor, watch);
	struct handover_message message;
	struct err err = { .text = "" };

	switch (handover_receive(successor->fd, &message)) {
	case HANDOVER_MESSAGE:
		handover_close_fds(&message);
		take_message(successor, &message);
		return;
	case HANDOVER_END:
		fail(successor, &err);
		return;
	case HANDOVER_NOTHING:
		return;
	}
}

/* ---- requests ---- */

static void tell_state(const struct successor *successor, struct successor_request *request)
{
	request->succeeded = successor->last_pid == 0;
	request->err = successor->last_err;
	request->pid = successor->last_pid;
	answer(request);
}

static void request_came(struct successor *successor, struct successor_request *request)
{
	const char *binary = request->binary ? request->binary : successor->options.binary;

	if (!request->begins) {
		tell_state(successor, request);
		return;
	}
	if (successor->state != IDLE || successor->is_ending) {
		err_set(&request->err, ERR_CONFLICT, "%s",
			successor->is_ending ? "the server is stopping"
					     : "an upgrade is under way already");
		answer(request);
		return;
	}
	log_info(NULL, "an upgrade: '%s' is started", binary);
	if (begin(successor, binary, &request->err)) {
		successor->request = request;
		return;
	}
	log_warn(NULL, "the upgrade failed, this process goes on: %s", request->err.text);
	answer(request);
}

/* A request on its way here: it says where it goes itself, whoever asks does not know how. */
struct errand {
	struct mail mail;
	struct successor *successor;
	struct successor_request *request;
};

static void errand_came(struct mail *mail)
{
	AUTO(free) struct errand *errand = container_of(mail, struct errand, mail);

	request_came(errand->successor, errand->request);
}

void successor_ask(struct successor *successor, struct successor_request *request)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	request->succeeded = false;
	*errand = (struct errand){ .mail.deliver = errand_came,
				   .successor = successor,
				   .request = request };
	mailbox_post(successor->mailbox, &errand->mail);
}

/* ---- life cycle ---- */

bool successor_open(struct loop *loop, const struct successor_options *options,
		    struct successor **out, struct err *err)
{
	struct successor *successor;
	struct mailbox *mailbox;

	if (!mailbox_open(loop, &mailbox, err))
		return false;
	successor = xcalloc(1, sizeof(*successor));
	successor->loop = loop;
	successor->mailbox = mailbox;
	successor->options = *options;
	successor->fd = -1;
	*out = successor;
	return true;
}

/* Of a start that goes on without us the lock and the port would be left to nobody. */
static void await_end(struct successor *successor)
{
	struct pollfd process = { .fd = pidfd_open(successor->pid, 0), .events = POLLIN };
	struct err err = { .text = "" };

	kill(successor->pid, SIGTERM);
	if (process.fd >= 0)
		(void)poll(&process, 1, STOP_MS);
	if (process.fd >= 0)
		close(process.fd);
	remove_child(successor, &err);
	log_debug(NULL, "%s", err.text);
}

void successor_abandon(struct successor *successor, const char *why)
{
	struct err err;

	if (successor->state != PREPARING)
		return;
	err_set(&err, ERR_UNAVAILABLE, "%s", why);
	log_info(NULL, "the upgrade is given up: %s", why);
	close_channel(successor);
	remove_child(successor, &err);
	successor->state = IDLE;
	answer_waiting(successor, &err, NULL);
}

bool successor_end(struct successor *successor)
{
	successor->is_ending = true;
	successor_abandon(successor, STOPPED);
	if (successor->state != LETTING_GO)
		return false;
	kill(successor->pid, SIGTERM);
	return true;
}

void successor_drain(struct successor *successor)
{
	mailbox_drain(successor->mailbox);
	/* What came last has begun one. */
	successor_abandon(successor, STOPPED);
	assert(!successor->request);
}

void successor_free(struct successor *successor)
{
	if (!successor)
		return;
	successor->is_ending = true;
	successor_abandon(successor, STOPPED);
	if (successor->state == LETTING_GO)
		await_end(successor);
	close_channel(successor);
	mailbox_free(successor->mailbox);
	free(successor);
}
