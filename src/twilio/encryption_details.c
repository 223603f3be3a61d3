#include "twilio/encryption_details.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/own.h"
#include "twilio/rest.h"

bool public_key_sid_read(struct str text, char out[SID_LEN + 1])
{
	if (!sid_is(text, "CR"))
		return false;
	memcpy(out, text.at, 2);
	for (size_t i = 2; i < SID_LEN; i++)
		out[i] = ascii_lower(text.at[i]);
	out[SID_LEN] = '\0';
	return true;
}

/* The text of the member, by either of its names; at == NULL: there is none.  False: it is no text, or there are two. */
static bool member(const json_t *object, const char *name, const char *other, struct str *out)
{
	const char *const names[] = { name, other };

	*out = STR_NONE;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *value = json_object_get(object, names[i]);
		struct str text;

		if (!value || json_is_null(value))
			continue;
		if (!json_is_string(value))
			return false;
		text = (struct str){ json_string_value(value), json_string_length(value) };
		if (out->at && !str_eq(*out, text))
			return false;
		*out = text;
	}
	return true;
}

static bool read_members(const json_t *object, struct encryption_details *out, struct err *err)
{
	struct str type, sid, cek, iv;
	size_t iv_len;

	if (!json_is_object(object))
		return err_set(err, ERR_INVALID, "it is no JSON object");
	if (!member(object, "type", "encryption_type", &type) ||
	    (type.at && !str_eq(type, STR("rsa-aes"))))
		return err_set(err, ERR_INVALID, "its type is not rsa-aes");
	if (!member(object, "public_key_sid", "encryption_public_key_sid", &sid) ||
	    !public_key_sid_read(sid, out->public_key_sid))
		return err_set(err, ERR_INVALID, "it names no public key by its SID");
	if (!member(object, "encrypted_cek", "encryption_cek", &cek) ||
	    !base64_decode(cek, out->cek, sizeof(out->cek), &out->cek_len) || out->cek_len == 0)
		return err_set(err, ERR_INVALID, "its encrypted_cek is not base64");
	if (!member(object, "iv", "encryption_iv", &iv) ||
	    !base64_decode(iv, out->iv, sizeof(out->iv), &iv_len) || iv_len != sizeof(out->iv))
		return err_set(err, ERR_INVALID, "its iv is not 12 bytes in base64");
	return true;
}

bool encryption_details_read(struct str json, struct encryption_details *out, struct err *err)
{
	AUTO(rest_document_release) struct rest_document document = { 0 };
	struct encryption_details read = { .cek_len = 0 };
	json_error_t error;

	if (json.len == 0 || json.len > ENCRYPTION_TEXT)
		return err_set(err, ERR_INVALID, "it has %zu bytes", json.len);
	document.root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &error);
	if (!document.root)
		return err_set(err, ERR_INVALID, "it is not JSON: %s", error.text);
	if (!read_members(document.root, &read, err))
		return false;
	*out = read;
	return true;
}

bool encryption_details_equal(const struct encryption_details *a,
			      const struct encryption_details *b)
{
	return strcmp(a->public_key_sid, b->public_key_sid) == 0 && a->cek_len == b->cek_len &&
	       memcmp(a->cek, b->cek, a->cek_len) == 0 && memcmp(a->iv, b->iv, sizeof(a->iv)) == 0;
}
