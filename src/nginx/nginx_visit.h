/*
 * A request on its way through a configuration: which server and location it comes to, what is rewritten, and how it
 * ends; and what variables are worth then.
 *
 *	struct nginx_visit visit;
 *
 *	nginx_visit_start(&visit, conf, &request);
 *	nginx_visit_follow(&visit);
 *	... visit.end, visit.block, nginx_value(&visit, ...)
 *	nginx_visit_release(&visit);
 *
 * What cannot be known from the configuration alone (files on the proxy's disk, Lua, what a resolver says) is never
 * guessed in silence: it is a doubt, with the directive that brings it.  No file is taken to exist.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "nginx/nginx_conf.h"
#include "nginx/nginx_regex.h"
#include "nginx/nginx_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NGINX_DOUBTS_MAX      8
#define NGINX_VALUE_BYTES_MAX 65536u

struct nginx_header {
	struct str name, value;
};

struct nginx_request {
	struct str address; /* that it arrives at; "": any */
	uint16_t port;
	struct str method, target;          /* the target as in the request's line */
	struct str host;                    /* the Host header; at == NULL: none */
	const struct nginx_header *headers; /* without Host */
	size_t header_count;
	struct str client; /* its address */
};

enum nginx_end {
	NGINX_NO_SERVER, /* none listens there */
	NGINX_PROXIED,   /* `by` is the proxy_pass */
	NGINX_ANSWERED, /* by nginx itself with `status`: return, rewrite, internal, a bad target; `by` may be NULL */
	NGINX_FILES,     /* from the proxy's own disk */
	NGINX_ELSEWHERE, /* handed on by another protocol, or answered by a module: `by` */
	NGINX_LOST,      /* could not be followed: the last doubt says why */
};

struct nginx_doubt {
	const struct nginx_directive *by; /* NULL: the request itself */
	const char *why;                  /* half a sentence: "only Lua knows" */
};

/* What `set`, and expressions with names, have given a name to. */
struct nginx_variable;

struct nginx_visit {
	const struct nginx_conf *conf;
	const struct nginx_request *request;
	const struct nginx_directive *http, *server;
	struct nginx_listen listen;
	const struct nginx_directive *location; /* the server where none fits */
	/* What is in force is looked for from here outwards: the location, or an `if` or limit_except in it. */
	const struct nginx_directive *block;
	enum nginx_end end;
	const struct nginx_directive *by;
	unsigned status;
	struct buf uri, args; /* the path as it is now, decoded, and what stands behind '?' */
	bool is_rewritten;    /* the path is no longer that of the request */
	bool is_moved;        /* ... by this location, or before one was looked for */
	bool is_quoted;       /* ... or was written with %XX */
	bool is_broken_off; /* rewritten, and by `break`: proxy_pass leaves its own path out then */
	bool is_named;      /* a location with a name was gone to */
	struct nginx_doubt doubts[NGINX_DOUBTS_MAX];
	size_t doubt_count;
	/* Of the last expression that matched. */
	struct buf subject;
	struct nginx_groups groups;
	struct nginx_variable *variables;
	struct str unknown; /* the last variable whose value nobody can know from here */
	unsigned depth;     /* of variables in variables */
	unsigned cycles;
	const struct nginx_directive *tried; /* the last try_files, whose last word was gone to */
};

void nginx_visit_start(struct nginx_visit *visit, const struct nginx_conf *conf,
		       const struct nginx_request *request);
void nginx_visit_follow(struct nginx_visit *visit);
/* What was followed goes on to "@name", or to another path, as `by` (try_files, error_page) says, and ends anew. */
void nginx_visit_go(struct nginx_visit *visit, const struct nginx_directive *by, struct str to);
void nginx_visit_release(struct nginx_visit *visit);

void nginx_doubt(struct nginx_visit *visit, const struct nginx_directive *by, const char *why);

/*
 * Adds what a text with variables is worth.  False: a variable of it cannot be known (visit->unknown), and stands in *out
 * as it was written.
 */
bool nginx_value(struct nginx_visit *visit, struct str text, struct buf *out);
/*
 * From 1.29.7 on nginx speaks HTTP/1.1 to back ends by itself, leaves Connection out, and keeps connections.  Is the
 * configuration one of such a version?  Where nobody knows, it is taken to be older.
 */
#define NGINX_KEEPS_BY_ITSELF 1029007u
bool nginx_keeps_by_itself(const struct nginx_visit *visit);
/* nginx_word_in_force() of the visit's block, by the version that the configuration is of. */
struct str nginx_visit_word(const struct nginx_visit *visit, struct str name);
/* Does it hold a variable at all? */
bool nginx_has_variables(struct str text);
/* The map whose result the variable is, or NULL. */
const struct nginx_directive *nginx_map_of(const struct nginx_visit *visit, struct str variable);
/* A header of the request; at == NULL: it has none. */
struct str nginx_request_header(const struct nginx_request *request, struct str name);

/* For the files of this room: an expression against a subject, whose groups are then the visit's. */
enum nginx_match nginx_visit_match(struct nginx_visit *visit, struct str pattern, bool ignores_case,
				   struct str subject);
/* Takes over the groups and names of a match that was made elsewhere. */
void nginx_visit_keep(struct nginx_visit *visit, const struct nginx_regex *regex,
		      const struct nginx_groups *groups, struct str subject);
void nginx_visit_set(struct nginx_visit *visit, struct str name, struct str value, bool is_known);
