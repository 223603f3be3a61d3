/*
 * What is signed, in three steps:
 *
 *	canonical request  METHOD, path, query, headers, their names, the hash of the body: a line each
 *	string to sign     AWS4-HMAC-SHA256, when, the scope (day/region/s3/aws4_request), hash of the above
 *	signature          HMAC of it, by a key that is made of the secret and the scope
 */
#include "s3/s3_sign.h"

#include "base/hash.h"
#include "base/own.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define CANONICAL_MAX (64 * 1024)
#define ALL_MAX       (S3_PAIRS_MAX + 6)
#define SCOPE_SIZE    128

void s3_stamp(int64_t wall_ms, char out[S3_STAMP_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || strftime(out, S3_STAMP_SIZE, "%Y%m%dT%H%M%SZ", &utc) == 0)
		out[0] = '\0'; /* of a year with five digits */
}

/* ---- encoding ---- */

static bool is_unreserved(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *buf, struct str text, bool keeps_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (is_unreserved(text.at[i]) || (keeps_slash && c == '/')) {
			buf_add_byte(buf, text.at[i]);
			continue;
		}
		buf_add_byte(buf, '%');
		buf_add_byte(buf, digits[c >> 4]);
		buf_add_byte(buf, digits[c & 15]);
	}
}

void s3_path_add(struct buf *buf, struct str path)
{
	add_encoded(buf, path, true);
}

/* Headers, or a query. */
struct pairs {
	size_t count;
	struct s3_pair at[ALL_MAX];
};

static bool take_pairs(struct pairs *pairs, const struct s3_pair *from, size_t count)
{
	if (count > S3_PAIRS_MAX)
		return false;
	if (count > 0)
		memcpy(pairs->at, from, count * sizeof(*from));
	pairs->count = count;
	return true;
}

static void pair_add(struct pairs *pairs, const char *name, const char *value)
{
	pairs->at[pairs->count++] = (struct s3_pair){ name, value };
}

/* In the order of what they are once encoded: a '%' comes before all that is not. */
static int rank(char c)
{
	return is_unreserved(c) ? 256 + (unsigned char)c : (unsigned char)c;
}

static int compare_encoded(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct s3_pair *one = a, *other = b;
	int order = compare_encoded(one->name, other->name);

	return order != 0 ? order : compare_encoded(one->value, other->value);
}

static void sort(struct pairs *pairs)
{
	qsort(pairs->at, pairs->count, sizeof(pairs->at[0]), compare_pairs);
}

static void add_query(struct buf *buf, struct pairs *query)
{
	sort(query);
	for (size_t i = 0; i < query->count; i++) {
		if (i > 0)
			buf_add_byte(buf, '&');
		add_encoded(buf, str_of(query->at[i].name), false);
		buf_add_byte(buf, '=');
		add_encoded(buf, str_of(query->at[i].value), false);
	}
}

void s3_query_add(struct buf *buf, const struct s3_pair *query, size_t count)
{
	struct pairs pairs;

	if (take_pairs(&pairs, query, count))
		add_query(buf, &pairs);
}

/* ---- the signature ---- */

static void add_signed_names(struct buf *buf, const struct pairs *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		buf_addf(buf, "%s%s", i > 0 ? ";" : "", headers->at[i].name);
}

/* "20130524/us-east-1/s3/aws4_request" */
static void make_scope(const struct s3_to_sign *what, const char *stamp, char out[SCOPE_SIZE])
{
	struct buf scope;

	buf_over(&scope, out, SCOPE_SIZE);
	buf_addf(&scope, "%.8s/%s/s3/aws4_request", stamp, what->region);
}

static void hash_canonical(const struct s3_to_sign *what, struct pairs *query,
			   const struct pairs *headers, const char *payload_hash,
			   char out[SHA256_HEX])
{
	AUTO(buf_release) struct buf text;
	uint8_t hash[SHA256_BYTES];
	struct buf hex;

	buf_init(&text, CANONICAL_MAX);
	buf_addf(&text, "%s\n%s\n", what->method, what->path);
	add_query(&text, query);
	buf_add_byte(&text, '\n');
	for (size_t i = 0; i < headers->count; i++) {
		struct str value = str_trim(str_of(headers->at[i].value));

		buf_addf(&text, "%s:%.*s\n", headers->at[i].name, STR_ARG(value));
	}
	buf_add_byte(&text, '\n');
	add_signed_names(&text, headers);
	buf_addf(&text, "\n%s", payload_hash);
	sha256_of(buf_str(&text), hash);
	buf_over(&hex, out, SHA256_HEX);
	hex_add(&hex, hash, sizeof(hash));
}

static void key_step(uint8_t key[SHA256_BYTES], struct str text)
{
	uint8_t next[SHA256_BYTES];

	hmac_sha256((struct str){ (const char *)key, SHA256_BYTES }, text, next);
	memcpy(key, next, sizeof(next));
	explicit_bzero(next, sizeof(next));
}

static void make_key(const struct s3_to_sign *what, const char *secret, const char *stamp,
		     uint8_t out[SHA256_BYTES])
{
	char first[256];
	struct buf text;

	buf_over(&text, first, sizeof(first));
	buf_addf(&text, "AWS4%s", secret);
	hmac_sha256(buf_str(&text), str_first(str_of(stamp), 8), out);
	explicit_bzero(first, sizeof(first));
	key_step(out, str_of(what->region));
	key_step(out, STR("s3"));
	key_step(out, STR("aws4_request"));
}

static void add_signature(const struct s3_to_sign *what, const char *secret, const char *stamp,
			  const char *canonical, struct buf *out)
{
	char scope[SCOPE_SIZE], room[512];
	uint8_t key[SHA256_BYTES];
	struct buf text;

	make_scope(what, stamp, scope);
	buf_over(&text, room, sizeof(room));
	buf_addf(&text, ALGORITHM "\n%s\n%s\n%s", stamp, scope, canonical);
	make_key(what, secret, stamp, key);
	key_step(key, buf_str(&text));
	hex_add(out, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
}

bool s3_sign(const struct s3_to_sign *what, const struct s3_credentials *credentials,
	     struct buf *out)
{
	char stamp[S3_STAMP_SIZE], scope[SCOPE_SIZE], canonical[SHA256_HEX];
	struct pairs query, headers;

	if (!take_pairs(&query, what->query, what->query_count) ||
	    !take_pairs(&headers, what->headers, what->header_count))
		return false;
	s3_stamp(what->at_ms, stamp);
	pair_add(&headers, "host", what->host);
	pair_add(&headers, "x-amz-content-sha256", what->payload_hash);
	pair_add(&headers, "x-amz-date", stamp);
	if (credentials->session_token)
		pair_add(&headers, "x-amz-security-token", credentials->session_token);
	sort(&headers);
	hash_canonical(what, &query, &headers, what->payload_hash, canonical);
	make_scope(what, stamp, scope);
	buf_addf(out, ALGORITHM " Credential=%s/%s,SignedHeaders=", credentials->access_key_id,
		 scope);
	add_signed_names(out, &headers);
	buf_add_text(out, ",Signature=");
	add_signature(what, credentials->secret_access_key, stamp, canonical, out);
	return true;
}

bool s3_presign(const struct s3_to_sign *what, const struct s3_credentials *credentials,
		int64_t expires_s, struct buf *out)
{
	char stamp[S3_STAMP_SIZE], scope[SCOPE_SIZE], canonical[SHA256_HEX];
	char credential[SCOPE_SIZE + 128], expires[24], names[256];
	struct pairs query, headers;
	struct buf text;

	if (!take_pairs(&query, what->query, what->query_count) ||
	    !take_pairs(&headers, what->headers, what->header_count))
		return false;
	s3_stamp(what->at_ms, stamp);
	make_scope(what, stamp, scope);
	pair_add(&headers, "host", what->host);
	sort(&headers);
	buf_over(&text, credential, sizeof(credential));
	buf_addf(&text, "%s/%s", credentials->access_key_id, scope);
	buf_over(&text, expires, sizeof(expires));
	buf_addf(&text, "%" PRId64, expires_s);
	buf_over(&text, names, sizeof(names));
	add_signed_names(&text, &headers);
	pair_add(&query, "X-Amz-Algorithm", ALGORITHM);
	pair_add(&query, "X-Amz-Credential", credential);
	pair_add(&query, "X-Amz-Date", stamp);
	pair_add(&query, "X-Amz-Expires", expires);
	pair_add(&query, "X-Amz-SignedHeaders", names);
	if (credentials->session_token)
		pair_add(&query, "X-Amz-Security-Token", credentials->session_token);
	hash_canonical(what, &query, &headers, S3_UNSIGNED, canonical);
	add_query(out, &query);
	buf_add_text(out, "&X-Amz-Signature=");
	add_signature(what, credentials->secret_access_key, stamp, canonical, out);
	return true;
}
