/*
 * The people who may sign in.
 *
 * A name is unique within its source, so that one whom a proxy names is never taken for an
 * account of ours.  Who made their password is theirs alone: what is kept is its hash.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_NAME_SIZE      65 /* 64 bytes: a mail address of a person fits */
#define USER_FULL_NAME_SIZE 129
#define USER_HASH_SIZE      128 /* PASSWORD_HASH_SIZE of auth/password_hash.h */

/* Numbers are stored. */
enum user_source {
	USER_OWN = 0,      /* made here, signs in with a password */
	USER_BY_PROXY = 1, /* named by a trusted proxy */
};

struct user {
	int64_t id;
	enum user_source source;
	char name[USER_NAME_SIZE], full_name[USER_FULL_NAME_SIZE];
	int role;                           /* enum role of auth/rights.h */
	char password_hash[USER_HASH_SIZE]; /* "": has set none yet */
	bool is_disabled;
	int64_t made_at_ms, signed_in_at_ms; /* 0: never */
};

/* ERR_NOT_FOUND: there is none. */
bool users_find_name(struct catalog *catalog, enum user_source source, struct str name,
		     struct user *out, struct err *err) MUST_CHECK;
bool users_find(struct catalog *catalog, int64_t id, struct user *out, struct err *err) MUST_CHECK;
/* By name, after `after` ("": from the first); *out_count of at most `size`. */
bool users_list(struct catalog *catalog, struct str after, struct user *out, size_t size,
		size_t *out_count, struct err *err) MUST_CHECK;
/* Is there anybody who may sign in with a password? */
bool users_any_enabled(struct catalog *catalog, bool *out, struct err *err) MUST_CHECK;
/* The same of administrators. */
bool users_any_admin(struct catalog *catalog, bool *out, struct err *err) MUST_CHECK;

/* Takes source, name, full_name, role, made_at_ms of *user and gives it its id.  ERR_CONFLICT: the name is taken. */
bool users_add(struct catalog *catalog, struct user *user, struct err *err) MUST_CHECK;
/* ERR_CONFLICT: the name is taken. */
bool users_rename(struct catalog *catalog, int64_t id, struct str name, struct err *err) MUST_CHECK;
bool users_set_password(struct catalog *catalog, int64_t id, struct str hash,
			struct err *err) MUST_CHECK;
bool users_signed_in(struct catalog *catalog, int64_t id, int64_t at_ms,
		     struct err *err) MUST_CHECK;

/*
 * The three that could leave nobody to administer.  ERR_CONFLICT, and nothing changed: it is the last
 * administrator that is enabled and has a password.
 */
bool users_set_role(struct catalog *catalog, int64_t id, int role, struct err *err) MUST_CHECK;
bool users_set_disabled(struct catalog *catalog, int64_t id, bool is_disabled,
			struct err *err) MUST_CHECK;
/* The credentials of the user go, too. */
bool users_delete(struct catalog *catalog, int64_t id, struct err *err) MUST_CHECK;
