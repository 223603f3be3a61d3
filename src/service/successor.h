/*
 * The server's side of an upgrade: starts the successor, hears of it, and says when to let go.
 *
 *	IDLE -> PREPARING -> LETTING_GO -> IDLE          it failed: everything goes on
 *	                               \-> (the process ends)
 *
 * A failure before `prepared` changes nothing: the server never stopped.  Afterwards the server is taken apart, so that
 * the successor can open the ledger; when that fails it is put together anew on the same sockets (handover.h).
 *
 * Thread: that of the loop; requests come from any.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "event/mailbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct handover_message;
struct loop;
struct successor;

#define SUCCESSOR_VERSION_SIZE 64

/* As TimeoutStartSec= of the unit: it may have to bring a large ledger up to date; meanwhile nobody is served. */
#define SUCCESSOR_SERVE_MS (15 * 60 * 1000)

/* "Start one", or, without `begins`, "how is it?": from a serving loop. */
struct successor_request {
	struct mail mail; /* internal */
	bool begins;
	char *binary; /* with `begins`; owned; NULL: the one that this process was started from */
	void (*done)(struct successor_request *request); /* on the loop of `reply` */
	struct mailbox *reply;

	/* The answer. */
	bool succeeded; /* with `begins`: it is prepared, and takes over now */
	struct err err;
	pid_t pid; /* of the successor; without `begins`, of the one that failed last, or 0 */
	char version[SUCCESSOR_VERSION_SIZE];
};

struct successor_callbacks {
	/* The descriptors that are handed over. */
	void (*describe)(void *owner, struct handover_message *out);
	/* It is prepared: take everything apart that it needs, and return. */
	void (*let_go)(void *owner);
	/* It failed, and nothing of it is left: put everything together anew. */
	void (*resume)(void *owner, const struct err *why);
	/* It serves: this process is to end. */
	void (*succeeded)(void *owner, pid_t pid);
	void *owner;
};

struct successor_options {
	const char *binary; /* by default: the path of this program */
	int64_t serve_ms;   /* from `yours` on; then it is taken for one that hangs, and fails */
	char *const *argv;  /* [0] is replaced by the binary; NULL-terminated */
	/* Variables to add to our own environment, NULL-terminated, for free(): secrets that were wiped from it. */
	char **(*secrets)(void *owner);
	struct successor_callbacks on;
};

bool successor_open(struct loop *loop, const struct successor_options *options,
		    struct successor **out, struct err *err) MUST_CHECK;
/*
 * After what asks has stopped, and before the mailboxes that are answered are freed: requests that are on their way are
 * answered.  A successor that is not prepared yet ends; one that has everything is told to, and awaited: nothing of it is
 * left.
 */
void successor_free(struct successor *successor);
DEFINE_AUTO(struct successor *, successor_free)

/* Any thread; while the successor lives.  done() comes once, with ERR_CONFLICT where an upgrade is under way. */
void successor_ask(struct successor *successor, struct successor_request *request);
/* One that is not prepared yet ends at once, and its request is answered with ERR_UNAVAILABLE and `why`; nothing else changes. */
void successor_abandon(struct successor *successor, const char *why);
/*
 * At the same point as successor_free(), where it lives on: the requests that are on their way are answered, and one that they
 * have begun is abandoned, for afterwards nobody is there who could be answered.
 */
void successor_drain(struct successor *successor);
/*
 * We are told to end: so is a successor that was let have everything.  False: there is none such.  One that is not
 * prepared ends at once, and its request is answered, for which the server would wait.
 */
bool successor_end(struct successor *successor);
