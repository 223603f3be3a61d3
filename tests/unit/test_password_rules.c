#include "auth/password_rules.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define FIFTEEN_EURO "€€€€€€€€€€€€€€€"

static void test_table(void)
{
	static const struct {
		const char *password;
		enum password_fault fault;
		const char *name;
	} cases[] = {
		{ "correct horse battery", PASSWORD_GOOD, "words" },
		{ "nfjq3 79fbx2 q1", PASSWORD_GOOD, "15 characters" },
		{ "nfjq3 79fbx2 q", PASSWORD_TOO_SHORT, "14 characters" },
		{ "€uro €uro €uro!", PASSWORD_GOOD, "15 characters of more bytes" },
		{ "€uro €uro €uro", PASSWORD_TOO_SHORT, "14 characters of more than 15 bytes" },
		{ "", PASSWORD_TOO_SHORT, "none" },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		  PASSWORD_NOT_TEXT, "bytes that are no UTF-8" },
		{ "\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf\xc0\xaf",
		  PASSWORD_NOT_TEXT, "overlong UTF-8" },
		{ "fifteen bytes \xed\xa0\x80", PASSWORD_NOT_TEXT, "a surrogate" },
		{ "fifteen bytes \xe2\x82", PASSWORD_NOT_TEXT, "half a character" },
		{ "qwerty123456789", PASSWORD_LISTED, "a listed one" },
		{ "QWERTY123456789", PASSWORD_LISTED, "in capitals" },
		{ "reviewer1reviewer1", PASSWORD_NAME, "the account's name twice" },
		{ "Reviewer1reviewer1Re", PASSWORD_NAME, "and a bit" },
		{ "callspoolcallspool", PASSWORD_NAME, "ours" },
		{ "calls.example.com", PASSWORD_NAME, "the host's" },
		{ "reviewer1 and friends", PASSWORD_GOOD, "a name with more beside it" },
		{ "aaaaaaaaaaaaaaaa", PASSWORD_SEQUENCE, "one letter" },
		{ FIFTEEN_EURO, PASSWORD_SEQUENCE, "one character of three bytes" },
		{ "abcdefghijklmnop", PASSWORD_SEQUENCE, "counting up" },
		{ "zyxwvutsrqponmlk", PASSWORD_SEQUENCE, "counting down" },
		{ "4567890123456789", PASSWORD_SEQUENCE, "past nine" },
		{ "3210987654321098", PASSWORD_SEQUENCE, "past nought" },
		{ "abcdefghijklmnoq", PASSWORD_GOOD, "counting, and then not" },
	};
	struct password_rules rules = { .host = "calls.example.com" };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum password_fault fault = PASSWORD_FAULTS;
		struct err err = { 0 };

		OK(password_judge(&rules, STR("reviewer1"), str_of(cases[i].password), &fault,
				  &err),
		   "%s: judged", cases[i].name);
		IS_INT(fault, cases[i].fault, "%s", cases[i].name);
		OK((fault == PASSWORD_GOOD) == (*password_fault_code(fault) == '\0') &&
			   (fault == PASSWORD_GOOD) == (*password_fault_text(fault) == '\0'),
		   "%s: a fault has words", cases[i].name);
	}
}

static void test_lengths(void)
{
	char text[PASSWORD_SIZE_MAX + 8];
	struct password_rules rules = { .least = 8 };
	enum password_fault fault;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i * 7 % 26);
	OK(password_judge(&rules, STR("x"), (struct str){ text, 8 }, &fault, &err) &&
		   fault == PASSWORD_GOOD,
	   "the least can be set");
	OK(password_judge(&rules, STR("x"), (struct str){ text, 7 }, &fault, &err) &&
		   fault == PASSWORD_TOO_SHORT,
	   "and is kept");
	OK(password_judge(&rules, STR("x"), (struct str){ text, PASSWORD_MAX }, &fault, &err) &&
		   fault == PASSWORD_GOOD,
	   "256 characters");
	OK(password_judge(&rules, STR("x"), (struct str){ text, PASSWORD_MAX + 1 }, &fault, &err) &&
		   fault == PASSWORD_TOO_LONG,
	   "257 characters");
	text[5] = '\0';
	OK(password_judge(&rules, STR("x"), (struct str){ text, 20 }, &fault, &err) &&
		   fault == PASSWORD_NOT_TEXT,
	   "a NUL within");
}

/* ---- the file of breached passwords ---- */

static void sha1_line(const char *password, char out[41])
{
	uint8_t hash[SHA1_BYTES];
	unsigned len = sizeof(hash);
	struct buf buf;

	EVP_Digest(password, strlen(password), hash, &len, EVP_sha1(), NULL);
	buf_over(&buf, out, 41);
	hex_add(&buf, hash, sizeof(hash));
	for (char *at = out; *at; at++)
		*at = *at >= 'a' ? (char)(*at - 32) : *at;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

#define BREACHED 1000

static void write_breached(const char *path, char lines[BREACHED][41], size_t count,
			   const char *behind)
{
	FILE *file = fopen(path, "w");

	for (size_t i = 0; i < count; i++) /* counts of different lengths, as in the real file */
		fprintf(file, "%s:%zu%s", lines[i], i * i, behind);
	fclose(file);
}

static void check_breached(const char *path, const char *name, size_t from, size_t to, bool want)
{
	struct password_rules rules = { .breached_file = path };
	size_t right = 0;

	for (size_t i = from; i < to; i++) {
		enum password_fault fault = PASSWORD_FAULTS;
		char password[32];
		struct err err = { 0 };

		snprintf(password, sizeof(password), "breached, number %zu", i);
		if (password_judge(&rules, STR("x"), str_of(password), &fault, &err) &&
		    (fault == PASSWORD_BREACHED) == want)
			right++;
	}
	IS_INT(right, to - from, "%s", name);
}

static void test_breached(void)
{
	static char lines[BREACHED][41];
	char path[] = "/tmp/callspool-breached.XXXXXX";
	AUTO(close) int fd = mkstemp(path);
	struct password_rules rules = { .breached_file = "/nowhere/at/all" };
	enum password_fault fault = PASSWORD_FAULTS;
	struct err err = { 0 };

	for (size_t i = 0; i < BREACHED; i++) {
		char password[32];

		snprintf(password, sizeof(password), "breached, number %zu", i);
		sha1_line(password, lines[i]);
	}
	qsort(lines, BREACHED, sizeof(lines[0]), by_text);
	write_breached(path, lines, BREACHED, "\r\n");
	check_breached(path, "each of a thousand is found", 0, BREACHED, true);
	check_breached(path, "no other is", BREACHED, BREACHED + 500, false);
	write_breached(path, lines, BREACHED, "\n");
	check_breached(path, "with other ends of lines, too", 0, BREACHED, true);
	sha1_line("breached, number 7", lines[0]);
	write_breached(path, lines, 1, "");
	check_breached(path, "the only line, without an end", 7, 8, true);
	check_breached(path, "nothing but the only line", 8, 20, false);
	write_breached(path, lines, 0, "");
	check_breached(path, "an empty file holds none", 0, 20, false);
	unlink(path);

	OK(!password_judge(&rules, STR("x"), STR("correct horse battery"), &fault, &err) &&
		   err.kind == ERR_INTERNAL && fault == PASSWORD_FAULTS,
	   "a file that is not there decides nothing");
}

int main(void)
{
	test_table();
	test_lengths();
	test_breached();
	return tap_end();
}
