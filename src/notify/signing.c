#include "notify/signing.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"

#include <stdlib.h>
#include <string.h>

static bool read_key(struct str text, struct signing *signing, struct err *err)
{
	const struct str prefix = STR("whsec_");
	size_t len;

	if (signing->count == SIGNING_KEYS_MAX)
		return err_set(err, ERR_INVALID, "more than %d secrets", SIGNING_KEYS_MAX);
	if (!str_starts(text, prefix) ||
	    !base64_decode(str_after(text, prefix.len), signing->keys[signing->count].bytes,
			   SIGNING_KEY_MAX, &len))
		return err_set(err, ERR_INVALID,
			       "secret %zu is not whsec_ and base64 of %d to %d bytes",
			       signing->count + 1, SIGNING_KEY_MIN, SIGNING_KEY_MAX);
	if (len < SIGNING_KEY_MIN)
		return err_set(err, ERR_INVALID, "secret %zu has %zu bytes: at least %d are needed",
			       signing->count + 1, len, SIGNING_KEY_MIN);
	signing->keys[signing->count++].len = len;
	return true;
}

bool signing_read(struct str secrets, struct signing *out, struct err *err)
{
	struct signing signing = { 0 };
	struct str word;

	while (str_cut(&secrets, ' ', &word))
		if (word.len > 0 && !read_key(word, &signing, err)) {
			signing_wipe(&signing);
			return false;
		}
	if (signing.count == 0)
		return err_set(err, ERR_INVALID, "there is no secret");
	*out = signing;
	signing_wipe(&signing);
	return true;
}

void signing_wipe(struct signing *signing)
{
	explicit_bzero(signing, sizeof(*signing));
}

void signing_sign(const struct signing *signing, const char *id, int64_t timestamp_s,
		  struct str body, char out[SIGNING_TEXT_SIZE])
{
	AUTO(free)
	char *content = xasprintf("%s.%lld.%.*s", id, (long long)timestamp_s, STR_ARG(body));
	struct buf text;

	buf_over(&text, out, SIGNING_TEXT_SIZE);
	for (size_t i = 0; i < signing->count; i++) {
		struct str key = { (const char *)signing->keys[i].bytes, signing->keys[i].len };
		uint8_t mac[SHA256_BYTES];

		hmac_sha256(key, str_of(content), mac);
		buf_add_text(&text, i > 0 ? " v1," : "v1,");
		base64_add(&text, mac, sizeof(mac));
	}
}
