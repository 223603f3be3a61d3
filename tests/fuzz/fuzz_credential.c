/*
 * Any text as a credential, as an API token, and as something that is logged: no secret of the form that is known
 * is left in what was made fit for the log, nothing of one that is planted in the middle, and doing it again changes nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "auth/credential.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_of_alphabet(char c)
{
	return c != '\0' &&
	       strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c);
}

static size_t run_of_alphabet(struct str text)
{
	size_t len = 0;

	while (len < text.len && is_of_alphabet(text.at[len]))
		len++;
	return len;
}

static void check_form(struct str text)
{
	bool is_one = text.len == CREDENTIAL_LEN && run_of_alphabet(text) == text.len;
	struct str found = STR_NONE;

	assert(credential_is_well_formed(text) == is_one);
	if (is_one)
		assert(credential_name(text).len == CREDENTIAL_NAME_LEN);
	if (credential_of_token(text, &found))
		assert(text.len == CREDENTIAL_LEN + 4 && str_starts(text, STR(CREDENTIAL_PREFIX)) &&
		       found.at == text.at + 4 && credential_is_well_formed(found));
	else
		assert(!found.at && !(str_starts(text, STR(CREDENTIAL_PREFIX)) &&
				      credential_is_well_formed(str_after(text, 4))));
}

/* Behind what begins a secret no more than its name is left. */
static void check_redacted(struct str text)
{
	static const struct str before[] = { STR("/l/"), STR("/%6c/"), STR("/%4C/"),
					     STR(CREDENTIAL_PREFIX) };

	for (size_t at = 0; at < text.len; at++)
		for (size_t i = 0; i < ARRAY_LEN(before); i++) {
			struct str rest = str_after(text, at);

			if (str_starts_nocase(rest, before[i]))
				assert(run_of_alphabet(str_after(rest, before[i].len)) <
				       CREDENTIAL_LEN - CREDENTIAL_NAME_LEN);
		}
}

static void redact(struct str text, struct buf *out)
{
	buf_init(out, 3 * text.len + 100);
	credential_redact(out, text);
	assert(buf_ok(out));
}

/* Whatever stands around it, nothing of a secret behind its name is left. */
static void check_planted(struct str before, const char *secret, struct str behind)
{
	struct str end = str_after(str_of(secret), strlen(secret) - 6);
	struct buf text, redacted;

	if (str_find_str(before, end) < before.len || str_find_str(behind, end) < behind.len)
		return;
	buf_init(&text, before.len + strlen(secret) + behind.len + 1);
	buf_add_str(&text, before);
	buf_add_text(&text, secret);
	buf_add_str(&text, behind);
	redact(buf_str(&text), &redacted);
	assert(str_find_str(buf_str(&redacted), end) == redacted.len);
	buf_release(&text);
	buf_release(&redacted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	uint8_t hash[SHA256_BYTES];
	struct buf once, twice;

	check_form(text);
	credential_hash(text, hash);
	redact(text, &once);
	check_redacted(buf_str(&once));
	redact(buf_str(&once), &twice);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
	buf_release(&once);
	buf_release(&twice);
	check_planted(str_first(text, size / 2), "csp_Zk3_x81QmB0vAAAABBBBCCCCDDDD-_xy",
		      str_after(text, size / 2));
	check_planted(str_first(text, size / 2), "/l/Zk3_x81QmB0vAAAABBBBCCCCDDDD-_xY",
		      str_after(text, size / 2));
	return 0;
}
