/*
 * Sockets that the service manager listens on and passes to us: sd_listen_fds(3), the protocol of LISTEN_FDS.
 *
 * They are descriptors 3, 4, ... of a process that LISTEN_PID names; the variables are taken out of the
 * environment, so that no process that we start believes them meant for itself.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define PASSED_SOCKETS_MAX  16
#define PASSED_FIRST_FD     3
#define SOCKET_ADDRESS_SIZE 160

struct passed_sockets {
	size_t count;
	int fd[PASSED_SOCKETS_MAX]; /* listening stream sockets; CLOEXEC, do not block */
};

/*
 * None where LISTEN_FDS is not set or is for another process.  ERR_INVALID: it is no number, or one of them is
 * not a listening stream socket over IP or a Unix socket; the text names it as LISTEN_FDNAMES does.
 * The descriptors are the caller's.  Before any thread.
 */
bool passed_sockets_take(struct passed_sockets *out, struct err *err) MUST_CHECK;

/* What it listens on, as `listen` would say it: "127.0.0.1:8080", "[::1]:8080", "unix:/run/x", "unix:@x". */
void socket_address_text(int fd, char out[SOCKET_ADDRESS_SIZE]);
/* Nobody from another machine can reach it: a Unix socket, or an address of loopback. */
bool socket_is_local(int fd);
bool socket_is_unix(int fd);
