#include "auth/guarded.h"

#include "auth/password_rules.h"
#include "tap.h"

#include <stdlib.h>

static char *many(size_t len, const char *piece)
{
	char *text = malloc(len + 5);
	size_t at = 0;

	while (at < len)
		at += (size_t)snprintf(text + at, 5, "%s", piece);
	text[len] = '\0';
	return text;
}

static void test_lengths(void)
{
	static const struct {
		const char *name, *piece;
		size_t given, kept;
	} cases[] = {
		{ "none", "a", 0, 0 },
		{ "a usual one", "a", 15, 15 },
		{ "the longest", "\xf0\x9f\x98\x80", PASSWORD_SIZE_MAX, PASSWORD_SIZE_MAX },
		{ "too long by one byte", "a", PASSWORD_SIZE_MAX + 1, PASSWORD_SIZE_MAX + 1 },
		{ "much too long, as long as is still too long", "a", 8000, PASSWORD_SIZE_MAX + 4 },
		{ "and cut between two characters", "\xe2\x82\xac", 3000, PASSWORD_SIZE_MAX + 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = many(cases[i].given, cases[i].piece);
		size_t len;
		char *copy = guarded_copy(str_of(text), &len);

		IS_INT(len, cases[i].kept, "%s: its length", cases[i].name);
		OK(strlen(copy) == len && memcmp(copy, text, len) == 0, "%s: its bytes",
		   cases[i].name);
		guarded_free(copy);
		free(text);
	}
}

/* More than there are places for. */
static void test_many(void)
{
	static char *copies[GUARDED_COPIES + 3];
	char text[32];
	unsigned right = 0, wiped = 0;
	size_t len;

	for (unsigned i = 0; i < ARRAY_LEN(copies); i++) {
		snprintf(text, sizeof(text), "password %u", i);
		copies[i] = guarded_copy(str_of(text), &len);
	}
	for (unsigned i = 0; i < ARRAY_LEN(copies); i++) {
		snprintf(text, sizeof(text), "password %u", i);
		right += strcmp(copies[i], text) == 0;
	}
	IS_INT(right, ARRAY_LEN(copies), "each has its own bytes");
	for (unsigned i = 0; i < ARRAY_LEN(copies); i++)
		guarded_free(copies[i]);
	for (unsigned i = 0; i < GUARDED_COPIES; i++) /* the region stays */
		wiped += copies[i][0] == '\0' && copies[i][5] == '\0';
	IS_INT(wiped, GUARDED_COPIES, "and is wiped when it is given back");
	copies[0] = guarded_copy(STR("again"), &len);
	IS_STR(str_of(copies[0]), STR("again"), "a place is given again");
	guarded_free(copies[0]);
	guarded_free(NULL);
}

int main(void)
{
	test_lengths();
	test_many();
	return tap_end();
}
