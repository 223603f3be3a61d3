#include "auth/credential.h"

#include <sodium.h>

#define RANDOM_BYTES 24 /* 192 bits: 48 of the name, 144 of the secret */

void credential_make(struct credential *out)
{
	uint8_t random[RANDOM_BYTES];

	/* A name that begins with '-' would be an option to whoever types it: one in 64 is made anew. */
	do {
		random_bytes(random, sizeof(random));
		sodium_bin2base64(out->text, sizeof(out->text), random, sizeof(random),
				  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	} while (out->text[0] == '-');
	sodium_memzero(random, sizeof(random));
	memcpy(out->name, out->text, CREDENTIAL_NAME_LEN);
	out->name[CREDENTIAL_NAME_LEN] = '\0';
	credential_hash(str_of(out->text), out->hash);
}

void credential_wipe(struct credential *credential)
{
	sodium_memzero(credential, sizeof(*credential));
}

static bool is_base64url(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || ascii_is_digit(c) || c == '-' ||
	       c == '_';
}

bool credential_is_well_formed(struct str text)
{
	if (text.len != CREDENTIAL_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_base64url(text.at[i]))
			return false;
	return true;
}

struct str credential_name(struct str text)
{
	return str_first(text, CREDENTIAL_NAME_LEN);
}

void credential_hash(struct str text, uint8_t out[SHA256_BYTES])
{
	sha256_of(text, out);
}

bool credential_of_token(struct str token, struct str *out)
{
	struct str text = str_after(token, sizeof(CREDENTIAL_PREFIX) - 1);

	if (!str_starts(token, STR(CREDENTIAL_PREFIX)) || !credential_is_well_formed(text))
		return false;
	*out = text;
	return true;
}

/* How many bytes at the beginning of `text` may be a credential, spelt in whatever way. */
static size_t span_of_secret(struct str text)
{
	size_t len = 0;

	while (len < text.len && (is_base64url(text.at[len]) || text.at[len] == '%'))
		len++;
	return len;
}

/* Does what stands before a secret end at `at`? */
static bool begins_secret(struct str text, size_t at)
{
	static const struct str before[] = {
		{ "/l/", 3 }, { "/%6c/", 5 }, { "/%4c/", 5 }, { CREDENTIAL_PREFIX, 4 }
	};

	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		if (at >= before[i].len &&
		    str_starts_nocase(str_after(text, at - before[i].len), before[i]))
			return true;
	return false;
}

void credential_redact(struct buf *buf, struct str text)
{
	size_t at = 0, plain = 0; /* what lies between the two is no secret */

	while (at < text.len) {
		bool may_begin = at > 0 && (text.at[at - 1] == '/' || text.at[at - 1] == '_');
		size_t secret = may_begin && begins_secret(text, at)
					? span_of_secret(str_after(text, at))
					: 0;

		if (secret == 0) {
			at++;
			continue;
		}
		buf_add(buf, text.at + plain, at - plain);
		buf_add_str(buf, credential_name(str_first(str_after(text, at), secret)));
		if (secret > CREDENTIAL_NAME_LEN)
			buf_add_text(buf, "...");
		plain = at += secret;
	}
	buf_add(buf, text.at + plain, at - plain);
}
