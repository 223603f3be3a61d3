#include "service/handover.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(HANDOVER_FDS_MAX * sizeof(int))];
};

static void add_descriptors(struct msghdr *head, union control *control,
			    const struct handover_message *message)
{
	size_t bytes = message->fd_count * sizeof(int);
	struct cmsghdr *part;

	memset(control, 0, sizeof(*control));
	if (bytes == 0)
		return;
	head->msg_control = control->room;
	head->msg_controllen = CMSG_SPACE(bytes);
	part = CMSG_FIRSTHDR(head);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(part), message->fd, bytes);
}

bool handover_send(int fd, const struct handover_message *message, struct err *err)
{
	char text[HANDOVER_TEXT];
	struct iovec bytes = { .iov_base = text, .iov_len = strlen(message->text) };
	struct msghdr head = { .msg_iov = &bytes, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	memcpy(text, message->text, bytes.iov_len);
	add_descriptors(&head, &control, message);
	do
		n = sendmsg(fd, &head, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n >= 0 || err_errno(err, "cannot tell the other server");
}

bool handover_say(int fd, struct err *err, const char *fmt, ...)
{
	struct handover_message message = { .fd_count = 0 };
	va_list args;

	va_start(args, fmt);
	vsnprintf(message.text, sizeof(message.text), fmt, args);
	va_end(args);
	return handover_send(fd, &message, err);
}

static void take_descriptors(struct msghdr *head, struct handover_message *out)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(head); part; part = CMSG_NXTHDR(head, part)) {
		size_t bytes = part->cmsg_len - CMSG_LEN(0);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		out->fd_count = bytes / sizeof(int);
		memcpy(out->fd, CMSG_DATA(part), out->fd_count * sizeof(int));
	}
}

enum handover_result handover_receive(int fd, struct handover_message *out)
{
	struct iovec bytes = { .iov_base = out->text, .iov_len = sizeof(out->text) - 1 };
	union control control;
	struct msghdr head = { .msg_iov = &bytes,
			       .msg_iovlen = 1,
			       .msg_control = control.room,
			       .msg_controllen = sizeof(control.room) };
	ssize_t n;

	out->fd_count = 0;
	/* ECONNRESET, once: the other end is gone with something unread; what it said before comes behind that. */
	do
		n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? HANDOVER_NOTHING : HANDOVER_END;
	out->text[n] = '\0';
	take_descriptors(&head, out);
	if (n > 0 && !(head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return HANDOVER_MESSAGE;
	handover_close_fds(out);
	return HANDOVER_END;
}

void handover_close_fds(struct handover_message *message)
{
	for (size_t i = 0; i < message->fd_count; i++)
		if (message->fd[i] >= 0)
			close(message->fd[i]);
	message->fd_count = 0;
}

bool handover_is(const struct handover_message *message, const char *word, const char **out_rest)
{
	size_t len = strlen(word);

	if (strncmp(message->text, word, len) != 0 || !strchr(" \n", message->text[len]))
		return false;
	*out_rest = message->text + len + (message->text[len] ? 1 : 0);
	return true;
}

int handover_inherited(void)
{
	const char *text = getenv(HANDOVER_VARIABLE);
	uint64_t fd = 0;
	bool is_good = text && str_to_u64(str_of(text), &fd) && fd <= INT_MAX &&
		       fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0;

	unsetenv(HANDOVER_VARIABLE);
	return is_good ? (int)fd : -1;
}
