#include "s3/s3_address.h"

#include "base/mem.h"
#include "base/own.h"
#include "fetch/fetch_target.h"
#include "s3/s3_sign.h"

#include <stdlib.h>
#include <string.h>

#define SCHEME         "s3://"
#define DEFAULT_REGION "us-east-1"
#define PREFIX_MAX     512

static bool is_letter(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_bucket(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_letter(name.at[i]) && !ascii_is_digit(name.at[i]) &&
		    (i == 0 || !strchr("-._", name.at[i])))
			return false;
	return name.len >= 3 && name.len <= 63;
}

/* What needs no care in a path, whoever reads it: "..", "//" and the like are not among it. */
static bool is_prefix(struct str prefix)
{
	struct str rest = prefix, piece;

	for (size_t i = 0; i < prefix.len; i++)
		if (!is_letter(prefix.at[i]) && !ascii_is_digit(prefix.at[i]) &&
		    !strchr("-._/", prefix.at[i]))
			return false;
	while (prefix.len > 0 && str_cut(&rest, '/', &piece))
		if (piece.len == 0 || str_eq(piece, STR(".")) || str_eq(piece, STR("..")))
			return false;
	return prefix.len <= PREFIX_MAX;
}

static bool read_store(const char *store, struct s3_address *out, struct err *err)
{
	struct str rest = str_of(store), bucket, prefix;

	if (!str_starts(rest, STR(SCHEME)))
		return err_set(
			err, ERR_INVALID,
			"store: expected s3://BUCKET/PREFIX, or nothing for files in data_dir");
	rest = str_after(rest, strlen(SCHEME));
	bucket = str_first(rest, str_find(rest, '/'));
	prefix = str_after(rest, bucket.len + 1);
	if (str_ends(prefix, STR("/")))
		prefix.len--;
	if (!is_bucket(bucket))
		return err_set(
			err, ERR_INVALID,
			"store: '%.*s' is no bucket's name: 3 to 63 letters, digits, '-', '.'",
			STR_ARG(str_first(bucket, 80)));
	if (!is_prefix(prefix))
		return err_set(
			err, ERR_INVALID,
			"store: a prefix has letters, digits, '-', '.', '_' and single slashes");
	out->bucket = str_dup(bucket);
	out->prefix = prefix.len > 0 ? xasprintf("%.*s/", STR_ARG(prefix)) : xstrdup("");
	return true;
}

static bool is_amazon(const char *host)
{
	return str_ends(str_of(host), STR(".amazonaws.com")) ||
	       str_ends(str_of(host), STR(".amazonaws.com.cn"));
}

static bool wants_bucket_in_path(const struct s3_options *options, const char *host,
				 const char *bucket)
{
	switch (options->path_style) {
	case S3_PATH_STYLE_ON:
		return true;
	case S3_PATH_STYLE_OFF:
		return false;
	case S3_PATH_STYLE_UNSET:
	case S3_PATH_STYLE_AUTO:
		break;
	}
	/* A certificate for *.s3.amazonaws.com is none for a.b.s3.amazonaws.com. */
	return !is_amazon(host) || strchr(bucket, '.') != NULL;
}

static bool read_endpoint(const struct s3_options *options, struct s3_address *out, struct err *err)
{
	AUTO(fetch_target_release) struct fetch_target target = { 0 };
	AUTO(free)
	char *endpoint =
		options->endpoint
			? xstrdup(options->endpoint)
			: xasprintf("https://s3.%s.amazonaws.com%s", out->region,
				    str_starts(str_of(out->region), STR("cn-")) ? ".cn" : "");
	const char *scheme, *bracket;
	struct str path;

	if (!fetch_target_read(endpoint, false, &target, err))
		return err_context(err, "s3.endpoint");
	path = str_after(str_of(target.url), str_find_str(str_of(target.url), STR("://")) + 3);
	path = str_after(path, str_find(path, '/'));
	if (path.len > 1)
		return err_set(err, ERR_INVALID,
			       "s3.endpoint: expected https://HOST, without a path");
	out->has_bucket_in_path = wants_bucket_in_path(options, target.host, out->bucket);
	scheme = target.is_https ? "https" : "http";
	bracket = strchr(target.host, ':') ? "[" : "";
	out->host_name = out->has_bucket_in_path ? xstrdup(target.host)
						 : xasprintf("%s.%s", out->bucket, target.host);
	out->host = target.port == (target.is_https ? 443 : 80)
			    ? xasprintf("%s%s%s", bracket, out->host_name, bracket[0] ? "]" : "")
			    : xasprintf("%s%s%s:%u", bracket, out->host_name, bracket[0] ? "]" : "",
					(unsigned)target.port);
	out->origin = xasprintf("%s://%s", scheme, out->host);
	return true;
}

bool s3_address_read(const struct s3_options *options, struct s3_address *out, struct err *err)
{
	AUTO(s3_address_release) struct s3_address address = { 0 };

	address.region = xstrdup(options->region ? options->region : DEFAULT_REGION);
	if (!read_store(options->store, &address, err) || !read_endpoint(options, &address, err))
		return false;
	*out = address;
	address = (struct s3_address){ 0 };
	return true;
}

void s3_address_release(struct s3_address *address)
{
	free(address->origin);
	free(address->host);
	free(address->host_name);
	free(address->bucket);
	free(address->prefix);
	free(address->region);
	*address = (struct s3_address){ 0 };
}

void s3_address_path(const struct s3_address *address, struct str key, struct buf *out)
{
	buf_add_byte(out, '/');
	if (address->has_bucket_in_path) {
		s3_path_add(out, str_of(address->bucket));
		if (key.at)
			buf_add_byte(out, '/');
	}
	if (!key.at)
		return;
	s3_path_add(out, str_of(address->prefix));
	s3_path_add(out, key);
}
