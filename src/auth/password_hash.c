#include "auth/password_hash.h"

#include <sodium.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash of libsodium fits");

bool password_hash_make(const struct password_cost *cost, struct str password,
			char out[PASSWORD_HASH_SIZE], struct err *err)
{
	char hash[PASSWORD_HASH_SIZE] = "";

	if (crypto_pwhash_str_alg(hash, password.at, password.len, cost->passes, cost->memory_bytes,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(err, ERR_INTERNAL, "no memory is left to hash a password");
	memcpy(out, hash, sizeof(hash));
	return true;
}

/* Takes "NAME=digits" and what ends it off *rest. */
static bool take_number(struct str *rest, struct str name, char end, uint64_t *out)
{
	struct str piece;

	if (str_find(*rest, end) == rest->len || !str_cut(rest, end, &piece) ||
	    !str_starts(piece, name))
		return false;
	return str_to_u64(str_after(piece, name.len), out);
}

static bool read_cost(const char *hash, struct password_cost *out)
{
	struct str rest = str_of(hash);
	uint64_t kibibytes, passes, lanes;

	if (!str_starts(rest, STR("$argon2id$v=19$")))
		return false;
	rest = str_after(rest, sizeof("$argon2id$v=19$") - 1);
	if (!take_number(&rest, STR("m="), ',', &kibibytes) ||
	    !take_number(&rest, STR("t="), ',', &passes) ||
	    !take_number(&rest, STR("p="), '$', &lanes))
		return false;
	if (kibibytes > PASSWORD_MEMORY_MOST / 1024 || passes > PASSWORD_PASSES_MOST ||
	    passes == 0 || lanes != 1)
		return false;
	*out = (struct password_cost){ .memory_bytes = kibibytes * 1024,
				       .passes = (unsigned)passes };
	return true;
}

bool password_hash_check(const struct password_cost *cost, const char *hash, struct str password,
			 enum password_match *out, struct err *err)
{
	struct password_cost made;

	if (!read_cost(hash, &made))
		return err_set(err, ERR_INVALID,
			       "the stored hash of the password is malformed or asks for too much");
	if (crypto_pwhash_str_verify(hash, password.at, password.len) != 0)
		*out = PASSWORD_WRONG;
	else if (made.memory_bytes != cost->memory_bytes || made.passes != cost->passes)
		*out = PASSWORD_RIGHT_BUT_CHEAP;
	else
		*out = PASSWORD_RIGHT;
	return true;
}
