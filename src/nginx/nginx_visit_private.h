/*
 * What the files that follow a request share.
 */
#pragma once

#include "nginx/nginx_visit.h"

struct nginx_variable {
	struct nginx_variable *next;
	char *name, *value;
	size_t len;
	bool is_known;
};

/* NULL: neither set nor captured. */
const struct nginx_variable *nginx_visit_variable(const struct nginx_visit *visit, struct str name);

/* nginx_map.c: what a map gives for its variable; false as in nginx_value(). */
bool nginx_map_value(struct nginx_visit *visit, const struct nginx_directive *map, struct buf *out);

/* nginx_rewrite.c */
enum nginx_step {
	NGINX_GO_ON,
	NGINX_STOP,    /* rewriting is over: break, last */
	NGINX_AGAIN,   /* the path is another: look for its location */
	NGINX_IS_OVER, /* visit->end says how */
};
/* Runs set, if, rewrite, return and break of a block.  May move visit->block into an `if`. */
enum nginx_step nginx_rewrite(struct nginx_visit *visit, const struct nginx_directive *block);
/* Puts a path and arguments in the place of the visit's, which neither may borrow. */
void nginx_visit_move(struct nginx_visit *visit, struct str path, struct str args);
