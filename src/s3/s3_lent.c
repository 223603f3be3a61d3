#include "s3/s3_lent.h"

#include "base/clock.h"
#include "base/own.h"
#include "fetch/address_guard.h"
#include "fetch/fetch_target.h"

#include <jansson.h>
#include <string.h>

DEFINE_AUTO(json_t *, json_decref)

/* ---- what is lent ---- */

/* ASCII from `first` on that can be seen: it goes into a line of a head. */
static bool is_all_from(struct str text, char first)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < first || text.at[i] > '~')
			return false;
	return text.len > 0;
}

bool s3_lent_line(struct str text, char *out, size_t size)
{
	text = str_trim(text);
	while (str_ends(text, STR("\n")) || str_ends(text, STR("\r")))
		text = str_trim(str_first(text, text.len - 1));
	return is_all_from(text, ' ') && str_copy(text, out, size);
}

bool s3_lent_role(struct str text, char out[S3_LENT_ROLE_SIZE])
{
	struct str line = str_first(text, str_find(text, '\n'));

	if (!s3_lent_line(line, out, S3_LENT_ROLE_SIZE))
		return false;
	for (const char *at = out; *at; at++)
		if (!ascii_is_digit(*at) && (ascii_lower(*at) < 'a' || ascii_lower(*at) > 'z') &&
		    !strchr("+=,.@_-", *at))
			return false;
	return strcmp(out, ".") != 0 && strcmp(out, "..") != 0;
}

static bool take(const json_t *json, const char *name, char *out, size_t size, struct err *err)
{
	const char *value = json_string_value(json_object_get(json, name));

	return (value && is_all_from(str_of(value), '!') && str_copy(str_of(value), out, size)) ||
	       err_set(err, ERR_UNAVAILABLE, "it has no %s that could be sent", name);
}

/* "Success", or what it is instead; a container's agent says none. */
static bool check_code(const json_t *json, struct err *err)
{
	const char *code = json_string_value(json_object_get(json, "Code"));

	return !code || strcmp(code, "Success") == 0 ||
	       err_set(err, ERR_UNAVAILABLE, "it says %.60s in place of keys", code);
}

static bool take_end(const json_t *json, int64_t *out_ms, struct err *err)
{
	const json_t *end = json_object_get(json, "Expiration");

	*out_ms = 0;
	return !end || json_is_null(end) ||
	       (json_is_string(end) && clock_parse_date(str_of(json_string_value(end)), out_ms) &&
		*out_ms > 0) ||
	       err_set(err, ERR_UNAVAILABLE, "it does not say until when they are good");
}

bool s3_lent_read(struct str text, struct s3_lent *out, struct err *err)
{
	AUTO(json_decref) json_t *json = json_loadb(text.at, text.len, 0, NULL);

	memset(out, 0, sizeof(*out));
	if (!json_is_object(json))
		return err_set(err, ERR_UNAVAILABLE, "it is no JSON of keys");
	if (check_code(json, err) &&
	    take(json, "AccessKeyId", out->access_key_id, sizeof(out->access_key_id), err) &&
	    take(json, "SecretAccessKey", out->secret_access_key, sizeof(out->secret_access_key),
		 err) &&
	    take(json, "Token", out->session_token, sizeof(out->session_token), err) &&
	    take_end(json, &out->expires_at_ms, err))
		return true;
	s3_lent_wipe(out);
	return false;
}

void s3_lent_wipe(struct s3_lent *lent)
{
	explicit_bzero(lent, sizeof(*lent));
}

/* ---- where ---- */

static bool is_beside(struct str host)
{
	enum address_kind kind;

	if (str_eq(host, STR("localhost")) || str_starts(host, STR("fd00:ec2::")))
		return true;
	return address_classify_text(host, &kind) &&
	       (kind == ADDRESS_LOOPBACK || kind == ADDRESS_LINK_LOCAL);
}

bool s3_lent_check_address(const char *key, const char *url, struct err *err)
{
	AUTO(fetch_target_release) struct fetch_target target = { 0 };

	if (!fetch_target_read(url, false, &target, err))
		return err_context(err, "%s", key);
	return target.is_https || is_beside(str_of(target.host)) ||
	       err_set(err, ERR_INVALID,
		       "%s: expected https://, or http:// to an address of this machine or beside it "
		       "(127.0.0.1, 169.254.169.254)",
		       key);
}
