/*
 * What this process holds and no other may: the lock of the data folder, the administrator's socket, the
 * sockets that are served, and the one for other processes on the same ledger.  A server stands on it and may be taken apart and put together anew on the same one;
 * meanwhile whoever connects waits in the sockets' queues, and is not refused.
 *
 * Where they come from: opened here; passed by the service manager, whose sockets then take the place of `listen`
 * as a whole; or given by a server that this one takes over from, each for the word of `listen` that it was opened for.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "config/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct handover_message;
struct passed_sockets;

#define FOOTHOLD_LOCK   "lock"
#define FOOTHOLD_SOCKET "admin.sock"

enum foothold_kind {
	FOOTHOLD_SERVER,  /* all of it */
	FOOTHOLD_COMMAND, /* lock and administrator's socket */
	FOOTHOLD_STDIO,   /* the lock alone */
};

struct foothold_listener {
	int fd;
	char *word; /* of `listen` that it was opened for; NULL: the service manager's */
	bool is_unix;
};

struct foothold {
	int lock_fd, admin_fd; /* admin_fd -1: none */
	char *folder;
	size_t count;
	struct foothold_listener at[SETTINGS_LIST_MAX];
	struct foothold_listener cluster; /* fd -1: none */
	bool is_passed; /* the sockets are the service manager's, and stay when we go */
	bool is_given;  /* a successor has it: its names are not ours to remove */
	char url[192];  /* of the first one: "http://127.0.0.1:8080" */
};

/* What was given or passed; what is not taken of it is closed. */
struct foothold_gift {
	int lock_fd, admin_fd; /* -1: none */
	size_t count;
	struct foothold_listener at[SETTINGS_LIST_MAX];
	struct foothold_listener cluster; /* fd -1: none */
	bool is_passed;
};
#define FOOTHOLD_NO_GIFT ((struct foothold_gift){ .lock_fd = -1, .admin_fd = -1, .cluster.fd = -1 })

void foothold_gift_of_sockets(const struct passed_sockets *sockets, struct foothold_gift *out);
/* Its form is foothold_describe()'s.  ERR_INVALID: another version's. */
bool foothold_gift_of_message(struct handover_message *message, struct foothold_gift *out,
			      struct err *err) MUST_CHECK;
void foothold_gift_release(struct foothold_gift *gift);

/*
 * `gift` is emptied of what was taken; NULL: none.  ERR_CONFLICT: another process has the folder.  ERR_INVALID: the
 * gift's folder is another one; with auth = none a socket that others than this machine reach.
 */
bool foothold_open(const struct settings *settings, enum foothold_kind kind,
		   struct foothold_gift *gift, struct foothold **out, struct err *err) MUST_CHECK;
/* Closes all of it; Unix sockets of our own go from the disk, unless they were given away. */
void foothold_free(struct foothold *foothold);
DEFINE_AUTO(struct foothold *, foothold_free)

/* As a message to a successor: what each descriptor is, in the order of the descriptors. */
void foothold_describe(const struct foothold *foothold, struct handover_message *out);
