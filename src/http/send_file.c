/*
 * The head promises a length before the first byte of the file is read.  After that
 * only two endings are honest: exactly that many bytes, or a closed connection.
 * So nothing here can produce an error page: when a file turns out shorter than promised,
 * because somebody truncated it under us, we close, and the player sees a short body
 * instead of a wrong one.
 *
 *	pieces:   [text 0][== sent ==|--- to send ---)   [text 1][-------)   [closing text]
 *	          the head      next ^            end ^
 *	                                     ^ arrived: nothing beyond it exists yet
 *
 * A text before file bytes that are here goes out with MSG_MORE, so that head and first bytes share a
 * packet; before bytes that are not here it must not, or the kernel would hold it back for 200 ms.  A
 * sendfile() that ends a reply is pushed by the kernel.
 *
 * One turn sends at most TURN_BYTES, so a fast client cannot starve the others.
 * sendfile may block on a cold disk; that is accepted rather than threads added.
 */
#include "http/send_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

#define TURN_BYTES      (1024 * 1024)
#define CHUNK_BYTES_MAX (1024 * 1024)
#define COPY_BYTES      16384 /* at a time, where sendfile does not serve */

/* Between two steps of one run; not a result of a run. */
#define SENDING_ON ((enum sending_result) - 1)

void sending_start(struct sending *sending)
{
	sending->piece = sending->count = 0;
	sending->head_left = 0;
	sending->fd = -1;
	sending->owns_fd = sending->grows = sending->complete = false;
	sending->chunked = sending->chunk_open = false;
	sending->arrived = sending->body_sent = 0;
	sending->texts = NULL;
}

void sending_add(struct sending *sending, struct str text, uint64_t first, uint64_t length)
{
	assert(sending->count < SENDING_PIECES_MAX);
	sending->pieces[sending->count++] = (struct sending_piece){ text, first, first + length };
}

void sending_release(struct sending *sending)
{
	if (sending->owns_fd)
		close(sending->fd);
	free(sending->texts);
	sending_start(sending);
}

bool sending_keep_file(struct sending *sending, int fd_max)
{
	if (sending->fd < 0 || sending->owns_fd)
		return true;
	sending->fd = fcntl(sending->fd, F_DUPFD_CLOEXEC, 3);
	sending->owns_fd = sending->fd >= 0;
	return sending->owns_fd && sending->fd <= fd_max;
}

bool sending_switch_file(struct sending *sending, int fd, int fd_max)
{
	if (sending->fd < 0)
		return true; /* all that is left lies in memory */
	if (sending->owns_fd)
		close(sending->fd);
	sending->fd = fd;
	sending->owns_fd = false;
	return sending_keep_file(sending, fd_max);
}

void sending_keep_text(struct sending *sending, struct str borrowed)
{
	if (borrowed.len == 0) /* often NULL, to which nothing may be added, not even 0 */
		return;
	for (unsigned i = sending->piece; i < sending->count; i++) {
		struct str *text = &sending->pieces[i].text;

		if (text->len == 0 || text->at < borrowed.at ||
		    text->at >= borrowed.at + borrowed.len)
			continue;
		assert(!sending->texts); /* one borrowed text a reply: its body */
		sending->texts = xmemdup0(text->at, text->len);
		text->at = sending->texts;
	}
}

bool sending_has_text(const struct sending *sending)
{
	for (unsigned i = sending->piece; i < sending->count; i++)
		if (sending->pieces[i].text.len > 0)
			return true;
	return false;
}

/* How far the file may be read for this piece. */
static uint64_t here_of(const struct sending *sending, const struct sending_piece *piece)
{
	return sending->grows && sending->arrived < piece->end ? sending->arrived : piece->end;
}

/* Takes n sent bytes off the texts. */
static void texts_sent(struct sending *sending, size_t n)
{
	size_t of_head = n < sending->head_left ? n : sending->head_left;

	sending->head_left -= of_head;
	if (!sending->chunked)
		sending->body_sent += n - of_head;
	for (unsigned i = sending->piece; n > 0; i++) {
		struct str *text = &sending->pieces[i].text;
		size_t taken = n < text->len ? n : text->len;

		*text = str_after(*text, taken);
		n -= taken;
	}
}

static enum sending_result failed(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK ? SENDING_FULL
	       : errno == EINTR                        ? SENDING_ON
						       : SENDING_FAILED;
}

/* This piece's text, and those that follow it without file bytes between. */
static enum sending_result send_texts(struct sending *sending, int out_fd, bool out_is_socket)
{
	struct iovec parts[SENDING_PIECES_MAX];
	unsigned count = 0;
	size_t total = 0;
	bool more = false;
	ssize_t n;

	for (unsigned i = sending->piece; i < sending->count; i++) {
		const struct sending_piece *piece = &sending->pieces[i];

		/* sendmsg() takes its bytes as not const, though it only reads them. */
		if (piece->text.len > 0)
			parts[count++] = (struct iovec){ (void *)(uintptr_t)piece->text.at,
							 piece->text.len };
		total += piece->text.len;
		if (piece->next < piece->end) {
			more = here_of(sending, piece) > piece->next;
			break;
		}
	}
	if (!out_is_socket) {
		n = writev(out_fd, parts, (int)count);
	} else if (count == 1) {
		n = send(out_fd, parts[0].iov_base, total, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	} else {
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };

		n = sendmsg(out_fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	}
	if (n < 0)
		return failed();
	texts_sent(sending, (size_t)n);
	return (size_t)n < total ? SENDING_FULL : SENDING_ON;
}

/* For what is no socket (serve --stdio): sendfile() wants one, or a pipe of its liking. */
static ssize_t copy_bytes(int out_fd, int fd, uint64_t offset, size_t n)
{
	char bytes[COPY_BYTES];
	ssize_t got = pread(fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes), (off_t)offset);

	return got > 0 ? write(out_fd, bytes, (size_t)got) : got;
}

static enum sending_result send_bytes(struct sending *sending, struct sending_piece *piece,
				      int out_fd, bool out_is_socket, uint64_t *turn_left)
{
	uint64_t here = here_of(sending, piece);
	uint64_t wanted = here > piece->next ? here - piece->next : 0;
	off_t offset = (off_t)piece->next;
	ssize_t n;

	if (wanted == 0)
		return sending->complete ? SENDING_FAILED : SENDING_STARVED;
	if (*turn_left == 0)
		return SENDING_YIELD;
	if (wanted > *turn_left)
		wanted = *turn_left;
	n = out_is_socket ? sendfile(out_fd, sending->fd, &offset, wanted)
			  : copy_bytes(out_fd, sending->fd, piece->next, wanted);
	if (n < 0)
		return failed();
	if (n == 0) /* the file ends before it was said to */
		return SENDING_FAILED;
	piece->next += (uint64_t)n;
	sending->body_sent += (uint64_t)n;
	*turn_left -= (uint64_t)n;
	return SENDING_ON;
}

/* Frames what has arrived as the next chunk, or ends the body. */
static enum sending_result next_chunk(struct sending *sending, struct sending_piece *piece)
{
	uint64_t wanted = sending->arrived > piece->next ? sending->arrived - piece->next : 0;
	const char *end = sending->chunk_open ? "\r\n" : "";
	int len;

	if (wanted > CHUNK_BYTES_MAX)
		wanted = CHUNK_BYTES_MAX;
	if (wanted == 0 && !sending->complete)
		return SENDING_STARVED;
	len = snprintf(sending->frame, sizeof(sending->frame), wanted ? "%s%x\r\n" : "%s%x\r\n\r\n",
		       end, (unsigned)wanted);
	piece->text = (struct str){ sending->frame, (size_t)len };
	piece->end = piece->next + wanted;
	sending->chunk_open = wanted > 0;
	return wanted > 0 ? SENDING_ON : SENDING_DONE;
}

static enum sending_result step(struct sending *sending, int out_fd, bool out_is_socket,
				uint64_t *turn_left)
{
	struct sending_piece *piece = &sending->pieces[sending->piece];

	if (piece->text.len > 0)
		return send_texts(sending, out_fd, out_is_socket);
	if (piece->next < piece->end)
		return send_bytes(sending, piece, out_fd, out_is_socket, turn_left);
	if (sending->chunked) {
		enum sending_result result = next_chunk(sending, piece);

		if (result != SENDING_DONE)
			return result;
		/* The last chunk is a text like any other from here on, but no byte of the body. */
		sending->chunked = false;
		sending->head_left = piece->text.len;
		return SENDING_ON;
	}
	sending->piece++;
	return SENDING_ON;
}

enum sending_result sending_run(struct sending *sending, int out_fd, bool out_is_socket,
				bool *moved)
{
	uint64_t turn_left = TURN_BYTES, sent_before = sending->body_sent;
	size_t head_before = sending->head_left;
	enum sending_result result = SENDING_ON;

	while (sending->piece < sending->count && result == SENDING_ON)
		result = step(sending, out_fd, out_is_socket, &turn_left);
	*moved = sending->body_sent != sent_before || sending->head_left != head_before;
	return result == SENDING_ON ? SENDING_DONE : result;
}
