/*
 * What is in force in a block.
 *
 * A directive that a block does not have is in force there as the nearest block around it has it.  Of those that may
 * stand several times (proxy_set_header, add_header, ...) the nearest block that has any has all: they replace those of
 * outer blocks, and are never added to them.  What answers a request (proxy_pass, return, try_files, ...) is never inherited.
 */
#pragma once

#include "base/str.h"
#include "nginx/nginx_conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nginx_kind {
	NGINX_KIND_VALUE, /* one, inherited */
	NGINX_KIND_ARRAY, /* several, replaced together */
	NGINX_KIND_OWN,   /* never inherited */
};

struct nginx_rule {
	const char *name;
	enum nginx_kind kind;
	const char *fallback; /* what nginx does where it stands nowhere; NULL: nothing */
};

/* Of the directives that count for who passes requests on, sorted by name. */
extern const struct nginx_rule nginx_rules[];
extern const size_t nginx_rules_count;
/* NULL: it is not among them. */
const struct nginx_rule *nginx_rule_of(struct str name);

/*
 * The directive in force in `block`, of several the first: nginx_find(nginx_block_of(it), it, name) has the others.
 * NULL: it stands nowhere.
 */
const struct nginx_directive *nginx_in_force(const struct nginx_directive *block, struct str name);
/* Its first word behind the name; where it stands nowhere what nginx does without it. */
struct str nginx_word_in_force(const struct nginx_directive *block, struct str name);

static inline bool nginx_is_off(const struct nginx_directive *directive)
{
	return directive && str_eq_nocase(nginx_word(directive, 1), STR("off"));
}
static inline bool nginx_is_on(const struct nginx_directive *directive)
{
	return directive && str_eq_nocase(nginx_word(directive, 1), STR("on"));
}

/* nginx's own units: "60s", "1m 30s", "500ms", "60" (seconds).  False: it is none. */
bool nginx_time_ms(struct str text, int64_t *out_ms);
/* "2m", "512k", "1024". */
bool nginx_size(struct str text, uint64_t *out_bytes);
