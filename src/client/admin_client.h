/*
 * Asking a running server over the administrator's socket in the data folder.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

/*
 * GET of a path; the body goes into `out`.  ERR_NOT_FOUND: no server runs on this data folder;
 * ERR_UNAVAILABLE: one does, and did not answer with 200.  Blocks, at most 30 s.
 */
bool admin_get(const struct settings *settings, const char *path, struct buf *out,
	       struct err *err) MUST_CHECK;

#define ADMIN_NO_LIMIT (-1)

/*
 * Where it is reached: an address short enough for a socket, for free(), and the folder that it may stand in, for close() (-1:
 * none); it is good while that is open.
 */
bool admin_address(const struct settings *settings, char **out_address, int *out_folder_fd,
		   struct err *err) MUST_CHECK;

struct admin_request {
	const char *method, *path;
	const char *body;  /* JSON; NULL: none */
	long time_limit_s; /* 0: 30 */
};
/*
 * The same for any method; true whatever the status of the answer is, which goes into *out_status, its body into
 * `out`.
 */
bool admin_ask(const struct settings *settings, const struct admin_request *request,
	       long *out_status, struct buf *out, struct err *err) MUST_CHECK;

/*
 * ERR_UNAVAILABLE when another user's rights keep us out.  Without it a server that runs would seem not to, and
 * its ledger not to open.
 */
bool admin_may_ask(const struct settings *settings, struct err *err) MUST_CHECK;
