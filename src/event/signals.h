/*
 * SIGTERM, SIGINT and SIGHUP as events of one loop (signalfd); SIGPIPE ignored.
 * signals_block() runs in main before any thread starts, so that all inherit it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "event/loop.h"

struct signals {
	struct watch watch;
	int fd;
	void (*received)(struct signals *signals, int signal);
};

void signals_block(void);
bool signals_start(struct loop *loop, struct signals *signals,
		   void (*received)(struct signals *signals, int signal),
		   struct err *err) MUST_CHECK;
void signals_stop(struct signals *signals);
