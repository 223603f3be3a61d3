/*
 * Copies of passwords while they wait to be hashed: locked in memory, left out of dumps, wiped when they are given back.
 *
 * They lie in one region that is made once.  libsodium would map and protect pages for each, and a change of the
 * process's mappings waits for whoever is filling some: a hasher, at the lowest priority, 64 MiB of them.  Somebody who
 * guesses a thousand times a second had the loops stand still for it.
 *
 * Any thread.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

#define GUARDED_COPIES \
	256 /* four times as many as may wait for a hasher; more take memory of their own */

/*
 * NUL-terminated; *out_len is its length.  Of a text that is longer than any password may be (password_rules.h) as much
 * as is still too long for one.
 */
char *guarded_copy(struct str text, size_t *out_len);
void guarded_free(char *copy); /* NULL is taken */
