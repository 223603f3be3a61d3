/*
 * One HTTP/1.1 client connection of the load: asks, and reads the answer without keeping it.
 *
 * The body is dropped in the kernel (MSG_TRUNC): what the load costs must not hide what the
 * server costs.  Its length is counted, and an answer of another status or length than
 * expected is an error.  Chunked answers are errors: a player would not take them for a Range.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_HEAD_MAX 4096

struct client {
	int fd; /* -1: not connected */
	char head[CLIENT_HEAD_MAX];
	size_t head_len;
	bool in_head;
	bool closes;                      /* the server ends the connection after this answer */
	int status;                       /* of the answer; 0 before its head is whole */
	uint64_t body, left;              /* of the answer: its length, and what is still to come */
	int64_t asked_at_ns, first_at_ns; /* first_at_ns: the first byte of the body */
};

enum client_result {
	CLIENT_MORE,   /* the socket is empty, the answer not whole */
	CLIENT_DONE,   /* the answer is whole; status and body tell which */
	CLIENT_FAILED, /* the connection ended, or what came is no answer */
};

int64_t now_ns(void);
/* Connects to 127.0.0.1, non-blocking from then on.  receive_bytes: SO_RCVBUF, 0 for the system's. */
bool client_connect(struct client *client, unsigned port, int receive_bytes) MUST_CHECK;
/* Sends a request, which must fit the socket at once. */
bool client_ask(struct client *client, struct str request) MUST_CHECK;
/* Reads until the answer is whole or nothing is there; at most `most` bytes of its body. */
enum client_result client_read(struct client *client, uint64_t most);
void client_close(struct client *client);
