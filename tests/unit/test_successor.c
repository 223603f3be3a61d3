/* The successors are this program itself, called with the name of what they do. */
#include "service/successor.h"

#include "base/mem.h"
#include "event/loop.h"
#include "service/handover.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define OPEN_MAX_SEEN 64

static struct err err;

/* ---- the successor ---- */

static struct handover_message heard;

static void say(int fd, const char *text)
{
	struct err lost;

	if (!handover_say(fd, &lost, "%s", text))
		_exit(90);
}

static void hear(int fd, const char *word)
{
	const char *rest;

	if (handover_receive(fd, &heard) != HANDOVER_MESSAGE || !handover_is(&heard, word, &rest))
		_exit(91);
}

static bool has_more_than(int fd)
{
	for (int more = fd + 1; more < OPEN_MAX_SEEN; more++)
		if (fcntl(more, F_GETFD) >= 0)
			return true;
	return false;
}

/* What it was given: the standard streams, the channel, our environment and the secret. */
static void look_around(int channel)
{
	const char *secret = getenv("TEST_SECRET"), *kept = getenv("TEST_KEPT");
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (!secret || strcmp(secret, "of the environment") != 0 || !kept ||
	    getenv("WATCHDOG_PID") || sigismember(&blocked, SIGTERM) || has_more_than(channel))
		_exit(92);
}

static int be_successor(const char *name)
{
	int fd = handover_inherited();

	hear(fd, HANDOVER_SOCKETS);
	look_around(fd);
	if (strcmp(name, "refuses") == 0) {
		say(fd, HANDOVER_FAILED " 0 play_wait = x: expected a duration");
		pause();
	}
	if (strcmp(name, "dies") == 0)
		return 7;
	if (strcmp(name, "babbles") == 0) {
		say(fd, "hello");
		pause();
	}
	if (strcmp(name, "hangs") == 0)
		pause();
	say(fd, HANDOVER_PREPARED " 0.9.9");
	hear(fd, HANDOVER_YOURS);
	if (strcmp(name, "dies late") == 0)
		raise(SIGKILL);
	if (strcmp(name, "fails late") == 0) {
		say(fd, HANDOVER_FAILED " 5 the disk is gone");
		pause();
	}
	if (strcmp(name, "stays") == 0)
		pause();
	say(fd, HANDOVER_SERVING " http://127.0.0.1:8080");
	return 0;
}

/* ---- the server ---- */

static struct loop *loop;
static struct mailbox *box;
static struct {
	int let_go, resumed, succeeded;
	pid_t pid;
	struct err why;
} seen;

static void describe(void *owner, struct handover_message *out)
{
	*out = (struct handover_message){ .text = HANDOVER_SOCKETS "\n" };
}

static void let_go(void *owner)
{
	seen.let_go++;
}

static void resume(void *owner, const struct err *why)
{
	seen.resumed++;
	seen.why = *why;
	loop_stop(loop);
}

static void succeeded(void *owner, pid_t pid)
{
	seen.succeeded++;
	seen.pid = pid;
	loop_stop(loop);
}

static char **secrets(void *owner)
{
	char **all = xcalloc(2, sizeof(*all));

	all[0] = xstrdup("TEST_SECRET=of the environment");
	return all;
}

static bool stops_when_answered;
static int answers;

static void answered(struct successor_request *request)
{
	answers++;
	if (stops_when_answered)
		loop_stop(loop);
}

static int64_t serve_ms = 60000;

static struct successor *open_one(char **argv)
{
	struct successor_options options = {
		.binary = "/proc/self/exe",
		.serve_ms = serve_ms,
		.argv = argv,
		.secrets = secrets,
		.on = { .describe = describe,
			.let_go = let_go,
			.resume = resume,
			.succeeded = succeeded },
	};
	struct successor *successor = NULL;

	if (!successor_open(loop, &options, &successor, &err))
		exit(1);
	return successor;
}

static void begin(struct successor *successor, struct successor_request *request)
{
	*request = (struct successor_request){ .begins = true, .done = answered, .reply = box };
	successor_ask(successor, request);
}

static const struct {
	const char *name;
	bool is_prepared; /* the request succeeds */
	int resumed, succeeded;
	enum err_kind kind; /* of the failure */
	const char *text;
} cases[] = {
	{ "serves", true, 0, 1, ERR_INVALID, "" },
	{ "refuses", false, 0, 0, ERR_INVALID, "play_wait = x" },
	{ "dies", false, 0, 0, ERR_UNAVAILABLE, "ended with status 7" },
	{ "babbles", false, 0, 0, ERR_INVALID, "not understood" },
	{ "dies late", true, 1, 0, ERR_UNAVAILABLE, "ended by signal 9" },
	{ "fails late", true, 1, 0, ERR_INTERNAL, "the disk is gone" },
};

static void test_case(size_t i)
{
	const char *name = cases[i].name;
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t)name, NULL };
	struct successor *successor = open_one(argv);
	struct successor_request request, state;

	memset(&seen, 0, sizeof(seen));
	stops_when_answered = !cases[i].is_prepared;
	begin(successor, &request);
	loop_run(loop);
	OK(request.succeeded == cases[i].is_prepared, "%s: is it prepared?", name);
	IS_INT(seen.let_go, cases[i].is_prepared, "%s: then all is let go, and else nothing", name);
	OK(seen.resumed == cases[i].resumed && seen.succeeded == cases[i].succeeded,
	   "%s: who goes on", name);
	if (cases[i].is_prepared)
		IS_STR(str_of(request.version), STR("0.9.9"), "%s: its version is told", name);
	if (seen.succeeded) {
		OK(seen.pid == request.pid && waitpid(seen.pid, NULL, 0) == seen.pid,
		   "%s: the process that was told of", name);
	} else {
		const struct err *why = cases[i].is_prepared ? &seen.why : &request.err;

		OK(why->kind == cases[i].kind && strstr(why->text, cases[i].text), "%s: %s", name,
		   why->text);
		OK(waitpid(-1, NULL, WNOHANG) < 0, "%s: nothing of it is left", name);
		stops_when_answered = true;
		state = (struct successor_request){ .done = answered, .reply = box };
		successor_ask(successor, &state);
		loop_run(loop);
		OK(!state.succeeded && state.pid == request.pid &&
			   strstr(state.err.text, cases[i].text),
		   "%s: who asks later hears why", name);
	}
	successor_free(successor);
}

static void test_two_at_once(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t) "hangs", NULL };
	struct successor *successor = open_one(argv);
	struct successor_request first, second, third;
	int before = answers;

	stops_when_answered = true;
	begin(successor, &first);
	begin(successor, &second);
	loop_run(loop);
	OK(!second.succeeded && second.err.kind == ERR_CONFLICT, "a second upgrade: %s",
	   second.err.text);
	IS_INT(answers, before + 1, "while the first waits");
	begin(successor, &third);
	stops_when_answered = false;
	successor_free(successor);
	mailbox_drain(box);
	OK(!first.succeeded && strstr(first.err.text, "stopped"), "a server that stops: %s",
	   first.err.text);
	OK(!third.succeeded && third.err.kind == ERR_CONFLICT, "answers what comes yet: %s",
	   third.err.text);
	OK(waitpid(-1, NULL, WNOHANG) < 0, "and takes its successor along");
}

static void test_stopping_late(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t) "stays", NULL };
	struct successor *successor = open_one(argv);
	struct successor_request request;
	int status = 0;

	stops_when_answered = true;
	begin(successor, &request);
	loop_run(loop);
	OK(request.succeeded && successor_end(successor), "one that has everything is");
	successor_free(successor);
	OK(waitpid(-1, &status, WNOHANG) < 0, "and nothing of it is left");
}

static void test_hanging_late(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t) "stays", NULL };
	struct successor_request request;
	struct successor *successor;

	serve_ms = 1;
	successor = open_one(argv);
	memset(&seen, 0, sizeof(seen));
	stops_when_answered = false;
	begin(successor, &request);
	loop_run(loop);
	OK(seen.resumed == 1 && seen.why.kind == ERR_UNAVAILABLE &&
		   strstr(seen.why.text, "did not serve"),
	   "one that hangs with everything: %s", seen.why.text);
	successor_free(successor);
	mailbox_drain(box);
	serve_ms = 60000;
}

static void test_stopping_early(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t) "hangs", NULL };
	struct successor *successor = open_one(argv);
	struct successor_request first, second;

	stops_when_answered = true;
	begin(successor, &first);
	begin(successor, &second);
	loop_run(loop);
	stops_when_answered = false;
	OK(!successor_end(successor), "one that is not prepared");
	mailbox_drain(box);
	OK(strstr(first.err.text, "stopped"), "ends, and its request is answered at once");
	successor_free(successor);
}

static void test_abandoned(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", (char *)(uintptr_t) "hangs", NULL };
	struct successor *successor = open_one(argv);
	struct successor_request first, second, third;
	int before = answers;

	stops_when_answered = true;
	begin(successor, &first);
	begin(successor, &second);
	loop_run(loop);
	stops_when_answered = false;
	successor_abandon(successor, "a move");
	mailbox_drain(box);
	OK(!first.succeeded && first.err.kind == ERR_UNAVAILABLE &&
		   strcmp(first.err.text, "a move") == 0,
	   "one that is abandoned: its request hears why");
	begin(successor, &third);
	successor_drain(successor);
	mailbox_drain(box);
	OK(answers == before + 3 && !third.succeeded && third.err.kind == ERR_UNAVAILABLE &&
		   strstr(third.err.text, "stopped"),
	   "the next one may begin, and is answered where it comes last of all: %s",
	   third.err.text);
	OK(waitpid(-1, NULL, WNOHANG) < 0, "nothing of either is left");
	successor_abandon(successor, "a move");
	IS_INT(answers, before + 3, "where there is none nothing is answered");
	successor_free(successor);
}

static void test_no_binary(void)
{
	char *argv[] = { (char *)(uintptr_t) "callspool", NULL };
	struct successor *successor = open_one(argv);
	struct successor_request request = { .begins = true, .done = answered, .reply = box };

	request.binary = xstrdup("/no/such/callspool");
	stops_when_answered = true;
	successor_ask(successor, &request);
	loop_run(loop);
	OK(!request.succeeded && request.err.kind == ERR_INVALID &&
		   strstr(request.err.text, "/no/such/callspool"),
	   "a binary that is not there: %s", request.err.text);
	free(request.binary);
	successor_free(successor);
}

int main(int argc, char **argv)
{
	sigset_t blocked;

	if (argc > 1)
		_exit(be_successor(argv[1]));
	/* As a library's, without CLOEXEC. */
	if (fcntl(STDERR_FILENO, F_DUPFD, OPEN_MAX_SEEN / 2) < 0)
		return 1;
	setenv("TEST_KEPT", "yes", 1);
	setenv("WATCHDOG_PID", "1", 1);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL); /* as a server does */
	if (!loop_new(&loop, &err) || !mailbox_open(loop, &box, &err))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		test_case(i);
	test_two_at_once();
	test_stopping_late();
	test_hanging_late();
	test_stopping_early();
	test_abandoned();
	test_no_binary();
	mailbox_free(box);
	loop_free(loop);
	return tap_end();
}
