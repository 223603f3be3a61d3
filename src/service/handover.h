/*
 * What a server and its successor say to each other, over a socket that the successor inherits.
 *
 *	the server                           the successor
 *	sockets, and their descriptors  ->   reads settings, opens what it can
 *	                                <-   prepared VERSION
 *	stops, closes the ledger
 *	yours                           ->   opens the ledger, serves
 *	                                <-   serving URL
 *	ends
 *
 * `failed STATUS TEXT` from the successor, or its end, before `serving`: the server goes on.  The server's end before
 * `yours`: the successor ends.  One message is one packet, so that none comes in part.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_FDS_MAX 20
#define HANDOVER_TEXT    4096

/* The variable that tells a process that it is a successor: the number of the descriptor. */
#define HANDOVER_VARIABLE "CALLSPOOL_HANDOVER"

#define HANDOVER_SOCKETS  "sockets"
#define HANDOVER_PREPARED "prepared"
#define HANDOVER_YOURS    "yours"
#define HANDOVER_SERVING  "serving"
#define HANDOVER_FAILED   "failed"

struct handover_message {
	char text[HANDOVER_TEXT];
	int fd[HANDOVER_FDS_MAX]; /* received: CLOEXEC, the receiver's */
	size_t fd_count;
};

enum handover_result {
	HANDOVER_MESSAGE, /* *out is filled */
	HANDOVER_NOTHING, /* yet; of a descriptor that does not block */
	HANDOVER_END,     /* the other side is gone */
};

bool handover_send(int fd, const struct handover_message *message, struct err *err) MUST_CHECK;
/* The same without descriptors: "serving http://..." */
bool handover_say(int fd, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
/* What is cut or malformed counts as the end. */
enum handover_result handover_receive(int fd, struct handover_message *out);
void handover_close_fds(struct handover_message *message);
/* Is it `word`, alone or with more behind it?  *out_rest: what stands there. */
bool handover_is(const struct handover_message *message, const char *word, const char **out_rest);

/* Takes HANDOVER_VARIABLE out of the environment; -1: this process is nobody's successor. */
int handover_inherited(void);
