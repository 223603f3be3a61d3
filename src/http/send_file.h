/*
 * Sending one reply: texts in memory and pieces of a file, in turn, until the socket
 * is full, the bytes have not arrived yet, or the turn is used up.  See send_file.c.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "http/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head, each range with its text, and the closing text. */
#define SENDING_PIECES_MAX (RANGES_MAX + 2)

enum sending_result {
	SENDING_DONE,
	SENDING_FULL,    /* the socket takes no more: wait for EPOLLOUT */
	SENDING_STARVED, /* what comes next has not arrived */
	SENDING_YIELD,   /* the turn is used up: others first */
	SENDING_FAILED,  /* the client is gone, or the file is shorter than promised: close */
};

/* A text, then the file from `next` up to `end`. */
struct sending_piece {
	struct str text;
	uint64_t next, end;
};

struct sending {
	struct sending_piece pieces[SENDING_PIECES_MAX];
	unsigned piece, count;
	size_t head_left; /* of the texts, what belongs to the head */
	int fd;           /* -1: no file */
	bool owns_fd;
	bool grows;       /* no byte at or beyond `arrived` exists yet */
	bool complete;    /* nothing will arrive any more */
	bool chunked;     /* each arrival is framed as a chunk */
	bool chunk_open;  /* the CRLF behind the last chunk is still to be sent */
	uint64_t arrived; /* an offset in the file */
	uint64_t body_sent;
	char *texts;    /* owned copy of what `pieces` point to, or NULL */
	char frame[24]; /* of a chunk */
};

void sending_start(struct sending *sending); /* empty: no pieces, no file */
void sending_add(struct sending *sending, struct str text, uint64_t first, uint64_t length);
void sending_release(struct sending *sending);

/* Keeps the file by a descriptor of its own; false when there is none up to fd_max. */
bool sending_keep_file(struct sending *sending, int fd_max) MUST_CHECK;
/* Goes on with a duplicate of another descriptor, in place of the one before; false as above. */
bool sending_switch_file(struct sending *sending, int fd, int fd_max) MUST_CHECK;
/* Copies the texts that are left and lie in `borrowed`, whose owner takes them back. */
void sending_keep_text(struct sending *sending, struct str borrowed);
/* Is any text left that must stay where it is? */
bool sending_has_text(const struct sending *sending);

/* *moved: some byte went out. */
enum sending_result sending_run(struct sending *sending, int out_fd, bool out_is_socket,
				bool *moved) MUST_CHECK;
