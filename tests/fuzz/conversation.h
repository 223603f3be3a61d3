/*
 * One whole connection of a server of http, on a clock that the input moves: what the client does
 * comes from the input, the rest is the server's own state machine, routes and all.
 *
 * The input is what the client sends, byte for byte; NUL and a letter do something else, once
 * the server has nothing more to do:
 *
 *	b  nothing: what follows is sent apart         p  answer the parked exchange
 *	d  the client stops to read                    a  a piece more of the growing file has arrived
 *	r  it reads again                              c  the growing file will never be whole
 *	t  a tenth of a second passes                  m  a minute passes
 *	w  the client has sent its last byte           s  the server stops
 *	y  the caller who waits for it is admitted     n  or refused
 *	u  what is behind 101 says a piece more        e  it has no more to say
 *
 * At the end the client reads all there is and closes.  What must hold, whatever the input: the connection
 * ends, and so does every parked exchange, once; what the client read is a row of replies, of which the last alone
 * may be short; each is as long as its head says; what came of the file are its bytes; no route serves whom admit()
 * did not let in; and behind 101 each side hears what the other says.
 *
 * The loop waits in epoll_wait() and asks clock_monotonic_ms(): both are wrapped by the linker
 * (tests/fuzz/meson.build), so that no time passes but the input's.  Included by the targets that talk.
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "conversation_product.h"

#define RECEIVED_MAX   (64 * 1024 * 1024)
#define IDLE_TURNS_MAX 200 /* a connection whose client has closed ends long before */
#define STARTED_AT_MS  1000000
#define WALL_AT_MS     1700000000000
#define SENT_MAX       (1024 * 1024)

static int64_t now_ms = STARTED_AT_MS;

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_wall_ms(void);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);

int64_t __wrap_clock_monotonic_ms(void)
{
	return now_ms;
}

int64_t __wrap_clock_monotonic_us(void)
{
	return now_ms * 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return WALL_AT_MS + now_ms;
}

/* ---- the client ---- */

static void read_all(void)
{
	char bytes[65536];
	ssize_t n;

	while (talk.from_server >= 0 && (n = read(talk.from_server, bytes, sizeof(bytes))) != 0) {
		if (n < 0)
			return; /* nothing more now, or reset */
		buf_add(&talk.received, bytes, (size_t)n);
	}
}

static void close_client(void)
{
	if (talk.to_server >= 0 && talk.to_server != talk.from_server)
		close(talk.to_server);
	if (talk.from_server >= 0)
		close(talk.from_server);
	talk.to_server = talk.from_server = -1;
	talk.has_closed = true;
}

static void end_sending(void)
{
	if (talk.to_server >= 0 && talk.to_server != talk.from_server) {
		close(talk.to_server);
		talk.to_server = -1;
	} else if (talk.to_server >= 0) {
		shutdown(talk.to_server, SHUT_WR);
	}
}

static void stopped(struct http_server *server)
{
	loop_stop(server->loop);
}

static void stop_server(void)
{
	if (!talk.is_stopping)
		http_server_stop(talk.server, stopped);
	talk.is_stopping = true;
}

static void act(char what)
{
	switch (what) {
	case 'd':
		talk.is_reading = false;
		break;
	case 'r':
		talk.is_reading = true;
		break;
	case 't':
		now_ms += 100;
		break;
	case 'm':
		now_ms += 60000;
		break;
	case 'w':
		end_sending();
		break;
	case 'p':
		answer_parked();
		break;
	case 'a':
		piece_arrived();
		break;
	case 'c':
		cut_growing();
		break;
	case 's':
		stop_server();
		break;
	case 'y':
		admit_asked(true);
		break;
	case 'n':
		admit_asked(false);
		break;
	case 'u':
		upgraded_echo_say(&talk.echo, PIECE_SIZE);
		break;
	case 'e':
		upgraded_echo_end(&talk.echo);
		break;
	default:
		break;
	}
}

/* Up to the next NUL, or what the socket takes of it. */
static void send_some(void)
{
	struct str text = str_first(talk.input, str_find(talk.input, '\0'));
	ssize_t n = talk.to_server >= 0 ? write(talk.to_server, text.at, text.len) : -1;

	if (n > 0)
		buf_add(&talk.sent, text.at, (size_t)n);
	/* A full socket whose server waits for something else: the rest of it is dropped. */
	talk.input = str_after(talk.input, n > 0 ? (size_t)n : text.len);
}

/* The server has nothing to do until `timeout_ms` from now (-1: for ever). */
static void next_step(int timeout_ms)
{
	if (talk.is_reading)
		read_all();
	if (talk.input.len > 1 && talk.input.at[0] == '\0') {
		char what = talk.input.at[1];

		talk.input = str_after(talk.input, 2);
		act(what);
	} else if (talk.input.len > 0 && talk.input.at[0] != '\0') {
		send_some();
	} else if (!talk.has_closed) {
		size_t before = talk.received.len;

		talk.input = STR_NONE;
		read_all();
		if (talk.received.len == before)
			close_client();
	} else {
		assert(++talk.idle_turns < IDLE_TURNS_MAX);
		assert(timeout_ms >= 0 || talk.x); /* else it waits for nothing, for ever */
		if (timeout_ms >= 0)
			now_ms += timeout_ms;
		else if (talk.is_growing)
			cut_growing();
		else
			answer_parked();
	}
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms)
{
	int count = __real_epoll_wait(epoll_fd, events, max, 0);

	if (count != 0 || timeout_ms == 0 || talk.has_ended)
		return count;
	next_step(timeout_ms);
	return __real_epoll_wait(epoll_fd, events, max, 0);
}

/* ---- from beginning to end ---- */

static void make_file(void)
{
	char bytes[FILE_SIZE];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = file_byte(i);
	file_fd = memfd_create("file", MFD_CLOEXEC);
	if (file_fd < 0 || write(file_fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		abort();
}

static void connection_ended(struct http_server *server)
{
	talk.has_ended = true;
	loop_stop(server->loop);
}

/* The four descriptors are closed when it returns; those of the server may be one. */
static void converse(struct str input, int server_in, int server_out, int to_server,
		     int from_server)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct err err;

	if (file_fd < 0)
		make_file();
	now_ms = STARTED_AT_MS;
	talk = (struct conversation){ .input = input,
				      .to_server = to_server,
				      .from_server = from_server,
				      .is_reading = true };
	buf_init(&talk.received, RECEIVED_MAX);
	buf_init(&talk.sent, SENT_MAX);
	fcntl(to_server, F_SETFL, fcntl(to_server, F_GETFL) | O_NONBLOCK);
	fcntl(from_server, F_SETFL, fcntl(from_server, F_GETFL) | O_NONBLOCK);
	if (!loop_new(&talk.loop, &err) ||
	    !http_server_open(talk.loop, &app, NULL, &options, &talk.server, &err))
		abort();
	http_server_adopt(talk.server, server_in, server_out, connection_ended);
	loop_run(talk.loop);
	read_all();
	assert(!talk.x);
	assert(http_server_connections(talk.server) == 0);
	upgraded_echo_check(&talk.echo, buf_str(&talk.sent));
	reply_stream_check(buf_str(&talk.received), talk.was_head,
			   talk.replies < REPLIES_MAX ? talk.replies : REPLIES_MAX);
	http_server_free(talk.server);
	loop_free(talk.loop);
	if (!talk.has_closed)
		close_client();
	close(server_in);
	if (server_out != server_in)
		close(server_out);
	buf_release(&talk.received);
	buf_release(&talk.sent);
}
