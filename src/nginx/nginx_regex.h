/*
 * Regular expressions as nginx has them: PCRE2, without UTF unless the pattern asks for it, bounded so that no pattern
 * of a configuration keeps us busy.
 */
#pragma once

#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NGINX_GROUPS_MAX 32 /* of a match; what stands behind them is not kept */

struct nginx_regex;

enum nginx_match {
	NGINX_MATCHES,
	NGINX_MATCHES_NOT,
	NGINX_MATCH_UNKNOWN, /* it took too long */
};

struct nginx_groups {
	size_t count;                    /* the whole match included */
	struct str at[NGINX_GROUPS_MAX]; /* of the subject; at == NULL: took no part */
};

/* NULL: PCRE2 does not understand it, and nginx would not start. */
struct nginx_regex *nginx_regex_new(struct str pattern, bool ignores_case);
void nginx_regex_free(struct nginx_regex *regex);
DEFINE_AUTO(struct nginx_regex *, nginx_regex_free)

enum nginx_match nginx_regex_match(const struct nginx_regex *regex, struct str subject,
				   struct nginx_groups *out);
/* The i-th of its named groups; false: there is none. */
bool nginx_regex_name(const struct nginx_regex *regex, size_t i, struct str *out_name,
		      size_t *out_group);
