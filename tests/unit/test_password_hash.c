#include "auth/password_hash.h"

#include "tap.h"

#include <sodium.h>

#define KNOWN_PASSWORD STR("correct horse battery")

/* The least that libsodium takes: the tests are about the format, not about the cost. */
static const struct password_cost cheap = { .memory_bytes = 8192, .passes = 1 };

static void test_round_trip(void)
{
	char hash[PASSWORD_HASH_SIZE], other[PASSWORD_HASH_SIZE];
	enum password_match match;
	struct err err = { 0 };
	struct password_cost dearer = { .memory_bytes = 16384, .passes = 2 };

	OK(password_hash_make(&cheap, KNOWN_PASSWORD, hash, &err), "a hash is made");
	OK(password_hash_make(&cheap, KNOWN_PASSWORD, other, &err) && strcmp(hash, other) != 0,
	   "each has a salt of its own");
	OK(str_starts(str_of(hash), STR("$argon2id$v=19$m=8,t=1,p=1$")), "in the PHC format");
	OK(password_hash_check(&cheap, hash, KNOWN_PASSWORD, &match, &err) &&
		   match == PASSWORD_RIGHT,
	   "the right password");
	OK(password_hash_check(&cheap, hash, STR("correct horse batterx"), &match, &err) &&
		   match == PASSWORD_WRONG,
	   "a wrong one");
	OK(password_hash_check(&cheap, hash, STR(""), &match, &err) && match == PASSWORD_WRONG,
	   "none");
	OK(password_hash_check(&dearer, hash, KNOWN_PASSWORD, &match, &err) &&
		   match == PASSWORD_RIGHT_BUT_CHEAP,
	   "the right one, made with another cost than today's");
	OK(password_hash_check(&dearer, hash, STR("wrong"), &match, &err) &&
		   match == PASSWORD_WRONG,
	   "a wrong one stays wrong");
}

static void test_planted(void)
{
	static const struct {
		const char *hash, *name;
	} cases[] = {
		{ "$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  "4 GiB of memory" },
		{ "$argon2id$v=19$m=262145,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  "a little more than 256 MiB" },
		{ "$argon2id$v=19$m=8,t=11,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  "11 passes" },
		{ "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAA", "no pass" },
		{ "$argon2id$v=19$m=8,t=1,p=4$c2FsdHNhbHRzYWx0c2FsdA$AAAA", "four lanes" },
		{ "$argon2id$v=19$m=8,t=1,p=1", "no salt" },
		{ "$argon2id$v=19$m=,t=1,p=1$a$b", "no number" },
		{ "$argon2id$v=19$m=99999999999999999999,t=1,p=1$a$b", "a number beyond 64 bits" },
		{ "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAA", "another argon2" },
		{ "$2b$12$abcdefghijklmnopqrstuv", "bcrypt" },
		{ "correct horse battery", "the password itself" },
		{ "", "nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum password_match match = PASSWORD_WRONG;
		struct err err = { 0 };

		OK(!password_hash_check(&cheap, cases[i].hash, KNOWN_PASSWORD, &match, &err) &&
			   err.kind == ERR_INVALID,
		   "%s: refused, not tried", cases[i].name);
	}
}

/* What the settings allow at most is tried still. */
static void test_dearest(void)
{
	static const char *const hashes[] = {
		"$argon2id$v=19$m=262144,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=10,p=1$c2FsdHNhbHRzYWx0c2FsdA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		enum password_match match = PASSWORD_RIGHT;
		struct err err = { 0 };

		OK(password_hash_check(&cheap, hashes[i], KNOWN_PASSWORD, &match, &err) &&
			   match == PASSWORD_WRONG,
		   "%.31s: of another password", hashes[i]);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	test_round_trip();
	test_planted();
	test_dearest();
	return tap_end();
}
