/*
 * What the commands that serve have in common: main's own loop, which waits for SIGTERM or
 * SIGINT while the other threads work, and on which a command may run what it likes.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "event/loop.h"
#include "event/signals.h"

#include <stdbool.h>

struct cmd_wait {
	struct loop *loop;
	struct signals signals;
	void (*hangup)(struct cmd_wait *wait); /* SIGHUP; NULL: it ends, as a terminal went away */
};

/* Before any thread starts: signals are the loop's alone from now on.  Zeroed but for hangup. */
bool cmd_wait_open(struct cmd_wait *wait, struct err *err) MUST_CHECK;
void cmd_wait_release(struct cmd_wait *wait); /* also what was opened half, or not at all */
static inline void cmd_wait_release_at(struct cmd_wait *wait)
{
	cmd_wait_release(wait);
}

/* Until a signal, or cmd_wait_end(). */
void cmd_wait_run(struct cmd_wait *wait);
void cmd_wait_end(struct cmd_wait *wait); /* any thread */
/* The line on standard output that says that it serves: "callspool demo is listening on URL". */
void cmd_say_listening(const char *who, const char *url);
