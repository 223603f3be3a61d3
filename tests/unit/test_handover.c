#include "service/handover.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct err err;

static void test_messages(const int pair[2])
{
	struct handover_message out = { .text = "sockets\nlock\n", .fd_count = 2 }, in;
	char byte = 0;
	int pipes[2];

	if (pipe(pipes) < 0)
		return;
	memcpy(out.fd, pipes, sizeof(pipes));
	OK(handover_send(pair[0], &out, &err), "a message with two descriptors");
	OK(handover_say(pair[0], &err, HANDOVER_PREPARED " %s", "0.2.0"), "and one without");
	OK(handover_receive(pair[1], &in) == HANDOVER_MESSAGE && in.fd_count == 2,
	   "come one by one");
	IS_STR(str_of(in.text), STR("sockets\nlock\n"), "as they were sent");
	OK(fcntl(in.fd[0], F_GETFD) & FD_CLOEXEC, "the descriptors are nobody else's");
	OK(write(in.fd[1], "x", 1) == 1 && read(pipes[0], &byte, 1) == 1 && byte == 'x',
	   "and are those that were sent");
	handover_close_fds(&in);
	OK(in.fd_count == 0, "they are closed once");
	OK(handover_receive(pair[1], &in) == HANDOVER_MESSAGE && in.fd_count == 0,
	   "then the other");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_words(void)
{
	static const struct {
		const char *text, *word;
		bool is_it;
		const char *rest, *what;
	} cases[] = {
		{ "yours", "yours", true, "", "a word alone" },
		{ "prepared 0.2.0", "prepared", true, "0.2.0", "and what stands behind it" },
		{ "failed 2 no such key", "failed", true, "2 no such key", "of several words" },
		{ "sockets\nlock\n", "sockets", true, "lock\n", "or lines" },
		{ "preparedness", "prepared", false, "", "a longer word is another" },
		{ "prepare", "prepared", false, "", "so is a shorter one" },
		{ "", "yours", false, "", "nothing is none" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct handover_message message = { .fd_count = 0 };
		const char *rest = "";

		snprintf(message.text, sizeof(message.text), "%s", cases[i].text);
		OK(handover_is(&message, cases[i].word, &rest) == cases[i].is_it, "%s",
		   cases[i].what);
		IS_STR(str_of(rest), str_of(cases[i].rest), "... and its rest");
	}
}

static void test_ends(int pair[2])
{
	static char longer[HANDOVER_TEXT + 1];
	struct handover_message in;

	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	OK(handover_receive(pair[1], &in) == HANDOVER_NOTHING, "nothing yet");
	memset(longer, 'x', sizeof(longer));
	OK(send(pair[0], longer, sizeof(longer), 0) > 0 &&
		   handover_receive(pair[1], &in) == HANDOVER_END,
	   "a message that is cut is none");
	OK(send(pair[0], "", 0, 0) == 0 && handover_receive(pair[1], &in) == HANDOVER_END,
	   "nor is an empty one");
	close(pair[0]);
	OK(handover_receive(pair[1], &in) == HANDOVER_END, "the other side is gone");
	OK(!handover_say(pair[1], &err, "yours"), "and is told nothing: %s", err.text);
}

static void test_inheriting(int fd)
{
	static const struct {
		const char *value;
		bool is_good;
		const char *what;
	} cases[] = {
		{ NULL, false, "no variable: nobody's successor" },
		{ "", false, "an empty one" },
		{ "three", false, "no number" },
		{ "-1", false, "a number below 0" },
		{ "4294967296", false, "one that no descriptor has" },
		{ "987", false, "one that is not open" },
	};
	char own[16];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv(HANDOVER_VARIABLE);
		if (cases[i].value)
			setenv(HANDOVER_VARIABLE, cases[i].value, 1);
		IS_INT(handover_inherited(), -1, "%s", cases[i].what);
	}
	snprintf(own, sizeof(own), "%d", fd);
	setenv(HANDOVER_VARIABLE, own, 1);
	IS_INT(handover_inherited(), fd, "the one that was inherited");
	OK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "is inherited by nobody else");
	OK(!getenv(HANDOVER_VARIABLE), "nor told to anybody");
}

/* Whoever fails says why, and ends without a look at what it was told meanwhile: Linux then says that first. */
static void test_last_word(void)
{
	struct handover_message in;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return;
	OK(handover_say(pair[0], &err, HANDOVER_YOURS), "it is told something");
	OK(handover_say(pair[1], &err, HANDOVER_FAILED " 2 no such key"), "says why it fails");
	close(pair[1]);
	OK(handover_receive(pair[0], &in) == HANDOVER_MESSAGE, "and is heard, though it is gone");
	OK(handover_receive(pair[0], &in) == HANDOVER_END, "then it has ended");
	close(pair[0]);
}

int main(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return 1;
	test_messages(pair);
	test_words();
	test_inheriting(pair[1]);
	test_ends(pair);
	test_last_word();
	close(pair[1]);
	return tap_end();
}
