/*
 * Telling the service manager how it goes: sd_notify(3), the protocol of NOTIFY_SOCKET.
 *
 * One datagram a message, lines of KEY=VALUE.  Without a service manager nothing is told, and nothing
 * fails.  Thread: main.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>

struct notify;

/*
 * `address`: what NOTIFY_SOCKET says, a path or @ and an abstract name; NULL or "": nobody is told.
 * ERR_INVALID: it is neither.
 */
bool notify_open(const char *address, struct notify **out, struct err *err) MUST_CHECK;
void notify_free(struct notify *notify);
DEFINE_AUTO(struct notify *, notify_free)

/* One message, as "READY=1\nSTATUS=serving"; lost where nobody takes it.  NULL: nobody is told. */
void notify_send(const struct notify *notify, const char *fmt, ...) PRINTF_LIKE(2, 3);

void notify_ready(const struct notify *notify, const char *url);
/* RELOADING=1 with the instant that Type=notify-reload asks for; notify_ready() ends it. */
void notify_reloading(const struct notify *notify);
void notify_stopping(const struct notify *notify);
