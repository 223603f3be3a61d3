/*
 * What requests are signed with: a key, its secret, and of those that are good for a while a token.
 *
 * Each of the three may stand in a file, and is read again when that changes: whoever gives out keys for a while puts new ones in
 * their place.  Files that belong together are not written at one instant, so they count once they have rested for a moment;
 * where one is not there, or empty, what was read before counts on.  Or somebody lends them (s3_lender.h): then there are none until
 * he has.
 *
 * Any thread: a lock for as long as something is signed, or a file is read.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "s3/s3_options.h"
#include "s3/s3_sign.h"

#include <stdbool.h>

struct s3_keys;

#define S3_KEYS_LOOK_MS 1000 /* files are looked at as often, and rest for as long */

/* Can the file be read that holds the key?  ERR_INVALID: no.  (Those of secrets were, with the settings.) */
bool s3_keys_check(const struct s3_options *options, struct err *err) MUST_CHECK;
struct s3_keys *s3_keys_new(const struct s3_options *options);
void s3_keys_free(struct s3_keys *keys);
DEFINE_AUTO(struct s3_keys *, s3_keys_free)

bool s3_keys_are_in_files(const struct s3_keys *keys);
/* Looks at the files: every S3_KEYS_LOOK_MS.  Reads the disk. */
void s3_keys_look(struct s3_keys *keys);
/* In place of what was: copied.  False: it is what was, good for as long. */
bool s3_keys_lend(struct s3_keys *keys, const struct s3_credentials *lent);
/* False: they are still to be lent. */
bool s3_keys_are_there(struct s3_keys *keys);
/* What counts now; given back with s3_keys_unlock(). */
const struct s3_credentials *s3_keys_lock(struct s3_keys *keys);
void s3_keys_unlock(struct s3_keys *keys);
