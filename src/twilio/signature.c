/*
 * The parameters are the same in every spelling of the address that is tried, so
 * they are sorted and joined once; each spelling is then written right in front of them:
 *
 *	|  free  |  https://host/path?query  |  name value name value ...  |
 *	^        ^- right-aligned            ^- fixed                      ^
 *
 * Spellings are tried until one fits.  A good request costs one HMAC, nearly always;
 * a forged one at most 2 (user name) x 2 (port) x 3 (query) for each token.
 */
#include "twilio/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"

#define PARAMS_ON_STACK 128 /* Twilio sends about 30 */
#define TEXT_ON_STACK   16384
#define URL_EXTRA       8 /* ":443" that we add, "&bodySHA256" we never do */

/* public_url, taken apart; and how to put it together again. */
struct url_pieces {
	struct str scheme;   /* "https" */
	struct str userinfo; /* "user:password", at == NULL when there is none */
	struct str host;
	struct str port;  /* digits, at == NULL when there is none */
	struct str base;  /* path before the target, usually "" */
	struct str path;  /* of the target, without its query */
	struct str query; /* without '?', at == NULL when there is none */
};

static bool url_split(struct str public_url, struct str target, struct url_pieces *out)
{
	size_t scheme_len = str_find_str(public_url, STR("://"));
	struct str rest = str_after(public_url, scheme_len + 3);
	struct str authority = str_first(rest, str_find(rest, '/'));
	size_t at = str_find(authority, '@'), question = str_find(target, '?');

	*out = (struct url_pieces){ .scheme = str_first(public_url, scheme_len),
				    .base = str_after(rest, authority.len) };
	if (scheme_len == public_url.len || authority.len == 0)
		return false;
	if (out->base.len > 0 && out->base.at[out->base.len - 1] == '/')
		out->base.len--;
	if (at < authority.len) {
		out->userinfo = str_first(authority, at);
		authority = str_after(authority, at + 1);
	}

	/* The port's colon is the one behind an IPv6 address's bracket. */
	size_t bracket = str_find(authority, ']');
	struct str behind = bracket < authority.len ? str_after(authority, bracket) : authority;
	size_t colon = str_find(behind, ':');

	out->host = str_first(authority, authority.len - (behind.len - colon));
	if (colon < behind.len)
		out->port = str_after(behind, colon + 1);
	out->path = str_first(target, question);
	if (question < target.len)
		out->query = str_after(target, question + 1);
	return true;
}

/* ---- queries ---- */

enum query_spelling {
	QUERY_AS_IS,
	QUERY_QUOTED,    /* ' written as %27, as URL parsers of browsers do */
	QUERY_REENCODED, /* decoded and encoded again, a space as %20 */
	QUERY_SPELLINGS,
};

/* Decodes one byte of a query; *used is how many characters it took. */
static char query_byte(struct str text, size_t *used)
{
	*used = 1;
	if (text.at[0] == '+')
		return ' ';
	if (text.at[0] == '%' && text.len >= 3) {
		int high = ascii_hex_value(text.at[1]), low = ascii_hex_value(text.at[2]);

		if (high >= 0 && low >= 0) {
			*used = 3;
			return (char)(high << 4 | low);
		}
	}
	return text.at[0];
}

static bool is_kept(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_is_digit(c) ||
	       memchr("-_.!~*'()", c, 9) != NULL;
}

static void query_add(struct buf *buf, struct str query, enum query_spelling spelling)
{
	static const char digits[] = "0123456789ABCDEF";

	if (spelling == QUERY_AS_IS) {
		buf_add_str(buf, query);
		return;
	}
	for (size_t used = 1; query.len > 0; query = str_after(query, used)) {
		char c = query.at[0];

		used = 1;
		if (spelling == QUERY_QUOTED) {
			if (c == '\'')
				buf_add_str(buf, STR("%27"));
			else
				buf_add_byte(buf, c);
			continue;
		}
		if (c == '&' || c == '=') {
			buf_add_byte(buf, c);
			continue;
		}
		c = query_byte(query, &used);
		if (is_kept(c)) {
			buf_add_byte(buf, c);
		} else {
			buf_add_byte(buf, '%');
			buf_add_byte(buf, digits[(uint8_t)c >> 4]);
			buf_add_byte(buf, digits[(uint8_t)c & 15]);
		}
	}
}

/* The spellings that can differ from the one as is. */
static bool query_is_worth(struct str query, enum query_spelling spelling)
{
	if (spelling == QUERY_AS_IS)
		return true;
	if (spelling == QUERY_QUOTED)
		return str_find(query, '\'') < query.len;
	for (size_t i = 0; i < query.len; i++)
		if (!is_kept(query.at[i]) && query.at[i] != '&' && query.at[i] != '=')
			return true;
	return false;
}

/* ---- spellings of the address ---- */

struct spelling {
	bool has_userinfo;
	bool has_port;
	enum query_spelling query;
};

static void url_add(struct buf *buf, const struct url_pieces *url, struct spelling spelling)
{
	buf_add_str(buf, url->scheme);
	buf_add_str(buf, STR("://"));
	if (spelling.has_userinfo) {
		buf_add_str(buf, url->userinfo);
		buf_add_byte(buf, '@');
	}
	buf_add_str(buf, url->host);
	if (spelling.has_port) {
		buf_add_byte(buf, ':');
		if (url->port.len > 0)
			buf_add_str(buf, url->port);
		else
			buf_add_text(buf, str_eq(url->scheme, STR("https")) ? "443" : "80");
	}
	buf_add_str(buf, url->base);
	buf_add_str(buf, url->path);
	if (url->query.at) {
		buf_add_byte(buf, '?');
		query_add(buf, url->query, spelling.query);
	}
}

/* ---- parameters ---- */

static int param_compare(const struct twilio_param *a, const struct twilio_param *b)
{
	int order = str_compare(a->name, b->name);

	return order != 0 ? order : str_compare(a->value, b->value);
}

static int place_compare(const void *a, const void *b)
{
	const struct twilio_param *const *left = a, *const *right = b;

	return param_compare(*left, *right);
}

/*
 * An index in their order.  Insertion for the usual few: Twilio sends nearly sorted parameters, and
 * qsort() allocates.  A stranger may send thousands, for which insertion would take seconds.
 */
static void params_sort(const struct twilio_param *params, size_t count,
			const struct twilio_param **sorted)
{
	if (count > PARAMS_ON_STACK) {
		for (size_t i = 0; i < count; i++)
			sorted[i] = &params[i];
		qsort(sorted, count, sizeof(*sorted), place_compare);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t place = i;

		for (; place > 0 && param_compare(&params[i], sorted[place - 1]) < 0; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = &params[i];
	}
}

/* Appends names and values in their order. */
static void params_add(struct buf *buf, const struct twilio_param *params, size_t count)
{
	const struct twilio_param *on_stack[PARAMS_ON_STACK], **sorted = on_stack;
	AUTO(free) const struct twilio_param **on_heap = NULL;

	if (count > PARAMS_ON_STACK)
		sorted = on_heap = xcalloc(count, sizeof(*on_heap));
	params_sort(params, count, sorted);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && param_compare(sorted[i], sorted[i - 1]) == 0)
			continue;
		buf_add_str(buf, sorted[i]->name);
		buf_add_str(buf, sorted[i]->value);
	}
}

static size_t params_len(const struct twilio_param *params, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += params[i].name.len + params[i].value.len;
	return len;
}

/* ---- checking ---- */

static bool text_is_signed(struct str text, struct str signature, const struct str *tokens,
			   size_t token_count)
{
	bool is_good = false;

	for (size_t i = 0; i < token_count; i++) {
		uint8_t digest[SHA1_BYTES];
		char expected[SIGNATURE_TEXT_SIZE];
		struct buf buf;

		if (tokens[i].len == 0)
			continue;
		hmac_sha1(tokens[i], text, digest);
		buf_over(&buf, expected, sizeof(expected));
		base64_add(&buf, digest, sizeof(digest));
		if (signature.len == buf.len && bytes_equal_secret(signature.at, buf.at, buf.len))
			is_good = true;
	}
	return is_good;
}

/* room holds the parameters from room + url_max on: every address is written right in front of them. */
static bool any_spelling_is_signed(const struct signed_request *request,
				   const struct url_pieces *url, char *room, size_t url_max,
				   size_t params_size, const struct str *tokens, size_t token_count)
{
	for (unsigned i = 0; i < 4 * QUERY_SPELLINGS; i++) {
		struct spelling spelling = {
			.query = i / 4,
			.has_userinfo = (i / 2 % 2) != 0,
			/* As configured first, then the other way. */
			.has_port = (i % 2 != 0) != (url->port.len > 0),
		};
		struct buf buf;

		if (spelling.has_userinfo && !url->userinfo.at)
			continue;
		if (!query_is_worth(url->query, spelling.query))
			continue;

		/* The free half of the room takes the address, which is then moved up to the parameters. */
		buf_over(&buf, room, url_max);
		url_add(&buf, url, spelling);
		if (!buf_ok(&buf))
			continue;

		char *start = room + url_max - buf.len;

		memmove(start, room, buf.len);
		if (text_is_signed((struct str){ start, buf.len + params_size }, request->signature,
				   tokens, token_count))
			return true;
	}
	return false;
}

/* Does the address carry the body's hash?  Only asked once the address was found to be signed. */
static bool body_is_hashed(struct str query, struct str body)
{
	struct str piece;

	while (query.at && str_cut(&query, '&', &piece)) {
		uint8_t digest[SHA256_BYTES];
		char expected[SHA256_HEX];
		struct buf buf;

		if (!str_starts(piece, STR("bodySHA256=")))
			continue;
		piece = str_after(piece, sizeof("bodySHA256=") - 1);
		sha256_of(body, digest);
		buf_over(&buf, expected, sizeof(expected));
		hex_add(&buf, digest, sizeof(digest));
		return piece.len == buf.len && bytes_equal_secret(piece.at, buf.at, buf.len);
	}
	return false;
}

enum signature_result signature_check(const struct signed_request *request,
				      const struct str *tokens, size_t token_count)
{
	size_t count = request->kind == SIGNED_FORM ? request->param_count : 0;
	struct url_pieces url;

	if (request->signature.len == 0)
		return SIGNATURE_MISSING;
	/* Nobody can have signed it: a stranger's thousands of parameters are not even sorted. */
	if (token_count == 0 || !url_split(request->public_url, request->target, &url))
		return SIGNATURE_WRONG;

	/* A query encoded anew is at most three times as long; the NUL of struct buf. */
	size_t url_max =
		request->public_url.len + request->target.len + 2 * url.query.len + URL_EXTRA + 1;
	size_t params_size = params_len(request->params, count);
	char on_stack[TEXT_ON_STACK];
	AUTO(free) char *on_heap = NULL;
	char *room = on_stack;
	struct buf buf;

	if (url_max + params_size + 1 > sizeof(on_stack))
		room = on_heap = xmalloc(url_max + params_size + 1);
	buf_over(&buf, room + url_max, params_size + 1);
	params_add(&buf, request->params, count);

	if (!any_spelling_is_signed(request, &url, room, url_max, buf.len, tokens, token_count))
		return SIGNATURE_WRONG;
	if (request->kind == SIGNED_RAW && !body_is_hashed(url.query, request->body))
		return SIGNATURE_WRONG;
	return SIGNATURE_GOOD;
}

void signature_make(struct str url, const struct twilio_param *params, size_t param_count,
		    struct str token, char out[SIGNATURE_TEXT_SIZE])
{
	AUTO(buf_release) struct buf text = { 0 };
	uint8_t digest[SHA1_BYTES];
	struct buf buf;

	buf_init(&text, url.len + params_len(params, param_count));
	buf_add_str(&text, url);
	params_add(&text, params, param_count);
	hmac_sha1(token, buf_str(&text), digest);
	buf_over(&buf, out, SIGNATURE_TEXT_SIZE);
	base64_add(&buf, digest, sizeof(digest));
}
