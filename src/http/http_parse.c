#include "http/http_parse.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* What a byte may be part of. */
enum {
	IN_TOKEN = 1,  /* RFC 9110, 5.6.2 */
	IN_TARGET = 2, /* printable ASCII, but no space and no '#': a fragment is never sent */
	IN_VALUE = 4,  /* field values: printable, space, tab, and bytes above ASCII */
	IN_HOST = 8,   /* a name or IPv4 address; sub-delims are lawful there, but nobody's name */
};

#define TTV (IN_TOKEN | IN_TARGET | IN_VALUE)
#define TV  (IN_TARGET | IN_VALUE)
#define ALL (TTV | IN_HOST)
static const uint8_t byte_is[256] = {
	['\t'] = IN_VALUE,
	[' '] = IN_VALUE,
	['!'] = TTV,
	['"'] = TV,
	['#'] = IN_TOKEN | IN_VALUE,
	['$' ... '\''] = TTV,
	['(' ... ')'] = TV,
	['*' ... '+'] = TTV,
	[','] = TV,
	['-' ... '.'] = ALL,
	['/'] = TV,
	['0' ... '9'] = ALL,
	[':' ... '@'] = TV,
	['A' ... 'Z'] = ALL,
	['[' ... ']'] = TV,
	['^'] = TTV,
	['_'] = ALL,
	['`'] = TTV,
	['a' ... 'z'] = ALL,
	['{'] = TV,
	['|'] = TTV,
	['}'] = TV,
	['~'] = TTV,
	[0x80 ... 0xff] = IN_VALUE,
};

static bool all_are(struct str s, uint8_t class)
{
	uint8_t all = class;

	for (size_t i = 0; i < s.len; i++)
		all &= byte_is[(uint8_t)s.at[i]];
	return all != 0;
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* Is one of eight bytes below a space, or DEL?  A tab is, too, and lawful. */
static bool may_hold_control(uint64_t eight)
{
	uint64_t del = eight ^ EACH(0x7f);

	return (((eight - EACH(' ')) & ~eight) | ((del - EACH(1)) & ~del)) & EACH(0x80);
}

static uint64_t eight_at(const char *at)
{
	uint64_t eight;

	memcpy(&eight, at, sizeof(eight));
	return eight;
}

#define LANES 16
typedef uint8_t lanes __attribute__((vector_size(LANES)));

/* The same of sixteen, each told of in its place. */
static lanes controls_at(const char *at)
{
	lanes bytes;

	memcpy(&bytes, at, sizeof(bytes));
	return (lanes)(bytes < ' ') | (lanes)(bytes == 0x7f);
}

/* Of sixteen bytes or more: as many at once, and the last sixteen, which may have been looked at. */
static bool long_may_hold_control(struct str s)
{
	lanes found = controls_at(s.at + s.len - LANES);
	uint64_t halves[2];

	for (size_t at = 0; at + LANES < s.len; at += LANES)
		found |= controls_at(s.at + at);
	memcpy(halves, &found, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

/* The values are most of a head: many bytes at once, and one by one only where one of them is doubtful. */
static bool value_is_valid(struct str value)
{
	if (value.len >= LANES)
		return !long_may_hold_control(value) || all_are(value, IN_VALUE);
	if (value.len >= sizeof(uint64_t))
		return !(may_hold_control(eight_at(value.at)) ||
			 may_hold_control(eight_at(value.at + value.len - sizeof(uint64_t)))) ||
		       all_are(value, IN_VALUE);
	return all_are(value, IN_VALUE);
}

/* Headers that frame the message; they have numbers beyond those that routes see. */
enum {
	FIELD_CONNECTION = HTTP_KNOWN_HEADERS,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_EXPECT,
	FIELD_UNKNOWN,
};

struct known_field {
	struct str name;
	uint8_t id;
	bool once; /* a second one is refused: two readers may take different ones */
};

/* By length, so that an unknown header costs one look at the table. */
static const struct known_field known_fields[] = {
	{ STR("host"), HTTP_HOST, true },
	{ STR("range"), HTTP_RANGE, true },
	{ STR("cookie"), HTTP_COOKIE, false },
	{ STR("expect"), FIELD_EXPECT, true },
	{ STR("origin"), HTTP_ORIGIN, true },
	{ STR("upgrade"), HTTP_UPGRADE, false },
	{ STR("if-match"), HTTP_IF_MATCH, false },
	{ STR("if-range"), HTTP_IF_RANGE, true },
	{ STR("connection"), FIELD_CONNECTION, false },
	{ STR("content-type"), HTTP_CONTENT_TYPE, true },
	{ STR("x-request-id"), HTTP_X_REQUEST_ID, false },
	{ STR("authorization"), HTTP_AUTHORIZATION, true },
	{ STR("if-none-match"), HTTP_IF_NONE_MATCH, false },
	{ STR("content-length"), FIELD_CONTENT_LENGTH, true },
	{ STR("sec-fetch-site"), HTTP_SEC_FETCH_SITE, false },
	{ STR("if-modified-since"), HTTP_IF_MODIFIED_SINCE, true },
	{ STR("transfer-encoding"), FIELD_TRANSFER_ENCODING, true },
	{ STR("x-twilio-signature"), HTTP_X_TWILIO_SIGNATURE, true },
	{ STR("if-unmodified-since"), HTTP_IF_UNMODIFIED_SINCE, true },
	{ STR("i-twilio-idempotency-token"), HTTP_I_TWILIO_IDEMPOTENCY_TOKEN, false },
};

/* Index into known_fields of the first name of that length, plus one. */
static const uint8_t known_by_length[27] = {
	[4] = 1,   [5] = 2,   [6] = 3,   [7] = 6,   [8] = 7,   [10] = 9,  [12] = 10,
	[13] = 12, [14] = 14, [17] = 16, [18] = 18, [19] = 19, [26] = 20,
};

/*
 * Where bytes of a name differ from ours, which is in small letters.  Letters alone have the bit 0x40, and either case is
 * right for them; a '-' has to be one.
 */
static uint64_t differ(uint64_t theirs, uint64_t ours)
{
	return (theirs | (ours & EACH(0x40)) >> 1) ^ ours;
}

static uint32_t four_at(const char *at)
{
	uint32_t four;

	memcpy(&four, at, sizeof(four));
	return four;
}

/* Any bytes, as many as the field's name has: four at least.  The last are looked at twice where that spares a loop. */
static bool is_name_of(const struct known_field *field, struct str name)
{
	const char *ours = field->name.at;
	size_t last = name.len - sizeof(uint64_t);
	uint64_t found;

	if (name.len < sizeof(uint64_t)) {
		last = name.len - sizeof(uint32_t);
		return (differ(four_at(name.at), four_at(ours)) |
			differ(four_at(name.at + last), four_at(ours + last))) == 0;
	}
	found = differ(eight_at(name.at + last), eight_at(ours + last));
	for (size_t at = 0; at < last; at += sizeof(uint64_t))
		found |= differ(eight_at(name.at + at), eight_at(ours + at));
	return found == 0;
}

/* A name that is one of ours is a token. */
static const struct known_field *find_known(struct str name)
{
	size_t i = name.len < ARRAY_LEN(known_by_length) ? known_by_length[name.len] : 0;

	if (i == 0)
		return NULL;
	for (i--; i < ARRAY_LEN(known_fields) && known_fields[i].name.len == name.len; i++)
		if (is_name_of(&known_fields[i], name))
			return &known_fields[i];
	return NULL;
}

static bool refuse(struct http_parse *parse, int status, const char *code, const char *text)
{
	parse->refusal = (struct http_refusal){ status, code, text };
	return false;
}

static bool refuse_bad(struct http_parse *parse, const char *text)
{
	return refuse(parse, 400, "bad_request", text);
}

static enum http_method method_of(struct str text)
{
	static const struct str names[] = {
		[HTTP_GET] = STR("GET"),       [HTTP_HEAD] = STR("HEAD"),
		[HTTP_POST] = STR("POST"),     [HTTP_PUT] = STR("PUT"),
		[HTTP_DELETE] = STR("DELETE"), [HTTP_OPTIONS] = STR("OPTIONS"),
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], text))
			return (enum http_method)i;
	return HTTP_METHOD_OTHER;
}

/* The path and query of a target in origin form, absolute form, or "*". */
static bool read_target(struct http_parse *parse, struct http_request *request)
{
	struct str rest = request->target;

	if (str_eq(rest, STR("*")) && request->method == HTTP_OPTIONS) {
		request->path = rest;
		return true;
	}
	if (rest.at[0] != '/') {
		size_t scheme = str_starts_nocase(rest, STR("http://"))    ? 7
				: str_starts_nocase(rest, STR("https://")) ? 8
									   : 0;
		size_t end = scheme;

		if (scheme == 0)
			return refuse_bad(parse, "The address must begin with '/'.");
		while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
			end++;
		parse->authority = str_after(str_first(rest, end), scheme);
		rest = str_after(rest, end);
	}

	size_t question = str_find(rest, '?');

	request->path = question > 0 ? str_first(rest, question) : STR("/");
	if (question < rest.len)
		request->query = str_after(rest, question + 1);
	return true;
}

static bool read_version(struct http_parse *parse, struct http_request *request, struct str version)
{
	if (str_eq(version, STR("HTTP/1.1"))) {
		request->minor_version = 1;
		return true;
	}
	if (str_eq(version, STR("HTTP/1.0")))
		return true;
	if (version.len == 8 && str_starts(version, STR("HTTP/")) &&
	    ascii_is_digit(version.at[5]) && version.at[6] == '.' && ascii_is_digit(version.at[7]))
		return refuse(parse, 505, "bad_request",
			      "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	return refuse_bad(parse, "The request line is malformed.");
}

static bool read_request_line(struct http_parse *parse, struct http_request *request,
			      struct str line)
{
	size_t space = str_find(line, ' ');
	struct str rest = str_after(line, space + 1);

	request->method_text = str_first(line, space);
	if (space == 0 || space > HTTP_METHOD_MAX || space == line.len ||
	    !all_are(request->method_text, IN_TOKEN))
		return refuse_bad(parse, "The request line is malformed.");
	request->method = method_of(request->method_text);

	space = str_find(rest, ' ');
	request->target = str_first(rest, space);
	if (space > HTTP_TARGET_MAX)
		return refuse(parse, 414, "too_large", "The address is longer than 8 KiB.");
	if (space == 0 || !all_are(request->target, IN_TARGET))
		return refuse_bad(parse,
				  "The address holds a character that must be percent-encoded.");
	return read_version(parse, request, str_after(rest, space + 1)) &&
	       read_target(parse, request);
}

/* All but whether the name is a token. */
static bool split_field(struct str line, struct http_header *out)
{
	size_t colon = str_find(line, ':');
	struct str value = str_after(line, colon + 1);

	if (colon == 0 || colon == line.len || !value_is_valid(value))
		return false;
	out->name = str_first(line, colon);
	out->value = str_trim(value);
	return true;
}

/* A space before the colon, or at the front (obs-fold), is no token character. */
bool http_parse_field(struct str line, struct http_header *out)
{
	struct http_header header;

	if (!split_field(line, &header) || !all_are(header.name, IN_TOKEN))
		return false;
	*out = header;
	return true;
}

#define HOST_NAME_MAX_LEN 253 /* of a name, without a dot at its end (RFC 1035, 2.3.4) */

/* Labels that are not empty, between dots; one dot may follow the last of them. */
static bool host_name_is_valid(struct str name)
{
	struct str label;

	if (str_ends(name, STR(".")))
		name.len--;
	if (name.len == 0 || name.len > HOST_NAME_MAX_LEN || !all_are(name, IN_HOST))
		return false;
	while (str_cut(&name, '.', &label))
		if (label.len == 0)
			return false;
	return true;
}

static bool ipv6_is_valid(struct str text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr bytes;

	return str_copy(text, address, sizeof(address)) &&
	       inet_pton(AF_INET6, address, &bytes) == 1;
}

/* ":8080"; the digits may be missing (RFC 3986, 3.2.3). */
static bool port_is_valid(struct str port)
{
	uint64_t number;

	if (port.at[0] != ':')
		return false;
	port = str_after(port, 1);
	return port.len == 0 ||
	       (port.len <= 5 && str_to_u64(port, &number) && number <= UINT16_MAX);
}

/* A host name, an IPv4 address or [an IPv6 address], perhaps with a port. */
static bool host_is_valid(struct str host)
{
	size_t end;
	struct str port;

	if (host.len > 0 && host.at[0] == '[') {
		end = str_find(host, ']');
		if (end == host.len || !ipv6_is_valid(str_after(str_first(host, end), 1)))
			return false;
		port = str_after(host, end + 1);
	} else {
		end = str_find(host, ':');
		if (!host_name_is_valid(str_first(host, end)))
			return false;
		port = str_after(host, end);
	}
	return port.len == 0 || port_is_valid(port);
}

static void read_connection(struct http_parse *parse, struct str value)
{
	struct str piece;

	while (str_cut(&value, ',', &piece)) {
		piece = str_trim(piece);
		if (str_eq_nocase(piece, STR("close")))
			parse->says_close = true;
		else if (str_eq_nocase(piece, STR("keep-alive")))
			parse->says_keep_alive = true;
	}
}

static bool read_framing(struct http_parse *parse, unsigned id, struct str value)
{
	switch (id) {
	case FIELD_CONNECTION:
		read_connection(parse, value);
		return true;
	case FIELD_CONTENT_LENGTH:
		if (!str_to_u64(value, &parse->content_length) || parse->content_length > INT64_MAX)
			return refuse_bad(parse, "Content-Length is not a number.");
		parse->has_content_length = true;
		return true;
	case FIELD_TRANSFER_ENCODING:
		if (!str_eq_nocase(value, STR("chunked")))
			return refuse_bad(parse,
					  "The only Transfer-Encoding understood is 'chunked'.");
		parse->has_transfer_encoding = true;
		return true;
	case FIELD_EXPECT:
		if (!str_eq_nocase(value, STR("100-continue")))
			return refuse(parse, 417, "bad_request",
				      "Only '100-continue' can be expected.");
		parse->has_expect = true;
		return true;
	default:
		return true;
	}
}

static bool read_field(struct http_parse *parse, struct http_request *request, struct str line)
{
	const struct known_field *known;
	struct http_header header;

	if (line.at[0] == ' ' || line.at[0] == '\t')
		return refuse_bad(parse, "A header is folded over several lines.");
	if (!split_field(line, &header))
		return refuse_bad(parse, "A header is malformed.");
	known = find_known(header.name);
	if (!known && !all_are(header.name, IN_TOKEN))
		return refuse_bad(parse, "A header is malformed.");
	if (request->header_count == HTTP_HEADERS_MAX)
		return refuse(parse, 431, "too_large", "There are too many headers.");
	request->headers[request->header_count++] = header;
	if (!known)
		return true;
	if (known->once && parse->seen & BIT(known->id))
		return refuse_bad(parse, "A header that may be there once is there twice.");
	parse->seen |= BIT(known->id);
	if (known->id >= HTTP_KNOWN_HEADERS)
		return read_framing(parse, known->id, header.value);
	if (!request->known[known->id].at)
		request->known[known->id] = header.value;
	if (known->id == HTTP_HOST && !host_is_valid(header.value))
		return refuse_bad(parse, "The Host header is malformed.");
	return true;
}

/* What can be judged only when all headers are here. */
static bool read_end(struct http_parse *parse, struct http_request *request)
{
	struct str host = request->known[HTTP_HOST];

	if (!host.at && request->minor_version == 1)
		return refuse_bad(parse, "There is no Host header.");
	if (parse->authority.at && !str_eq_nocase(parse->authority, host))
		return refuse_bad(parse, "The address names another host than the Host header.");
	if (parse->has_transfer_encoding && parse->has_content_length)
		return refuse_bad(parse,
				  "Content-Length and Transfer-Encoding exclude each other.");
	if (parse->has_transfer_encoding && request->minor_version == 0)
		return refuse_bad(parse, "HTTP/1.0 knows no Transfer-Encoding.");

	parse->chunked = parse->has_transfer_encoding;
	parse->expects_continue = parse->has_expect && request->minor_version == 1;
	parse->keep_alive = !parse->says_close &&
			    (request->minor_version == 1 || parse->says_keep_alive);
	return true;
}

void http_parse_start(struct http_parse *parse, struct http_request *request)
{
	*parse = (struct http_parse){ 0 };
	/* All but the array of headers, which header_count guards: it is most of the bytes. */
	request->method = HTTP_GET;
	request->minor_version = 0;
	request->method_text = request->target = request->path = STR("");
	request->query = STR_NONE;
	memset(request->known, 0, sizeof(request->known));
	request->header_count = 0;
	request->body = STR("");
	memset(request->params, 0, sizeof(request->params));
}

/* A whole line (or one that became too long to wait for more of it); false: refused. */
static bool read_line(struct http_parse *parse, struct http_request *request, struct str line)
{
	if (!parse->has_request_line) {
		/* One empty line before a request is forgiven (RFC 9112, 2.2). */
		if (line.len == 0 && !parse->skipped_empty_line)
			return parse->skipped_empty_line = true;
		parse->has_request_line = true;
		return read_request_line(parse, request, line);
	}
	return read_field(parse, request, line);
}

/* The longest request line with its CR: method, target, version and two spaces. */
#define REQUEST_LINE_MAX (HTTP_METHOD_MAX + HTTP_TARGET_MAX + sizeof("HTTP/1.1\r") - 1 + 2)

/*
 * Limits that hold whether or not the newline is here: `so_far` bytes of the line are.
 * They come before any look at the line, so that a cut never changes the answer.
 */
static bool check_line_length(struct http_parse *parse, const char *block, size_t so_far)
{
	char first = block[parse->line_at];

	if (!parse->has_request_line && !(byte_is[(uint8_t)first] & IN_TOKEN) &&
	    !(first == '\r' && !parse->skipped_empty_line))
		return refuse_bad(parse, "This is not HTTP/1.1.");
	if (!parse->has_request_line && so_far > REQUEST_LINE_MAX)
		return refuse(parse, 414, "too_large", "The address is longer than 8 KiB.");
	return true;
}

enum http_parse_result http_parse_head(struct http_parse *parse, struct http_request *request,
				       const char *block, size_t len)
{
	size_t here = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

	while (parse->line_at < here) {
		const char *newline = memchr(block + parse->searched, '\n', here - parse->searched);
		size_t end = newline ? (size_t)(newline - block) : here;

		if (!check_line_length(parse, block, end - parse->line_at))
			return HTTP_PARSE_REFUSED;
		if (!newline) {
			parse->searched = here;
			break;
		}

		struct str line = { block + parse->line_at, end - parse->line_at };

		parse->line_at = parse->searched = end + 1;
		if (line.len == 0 || line.at[line.len - 1] != '\r') {
			refuse_bad(parse, "A line ends without a carriage return.");
			return HTTP_PARSE_REFUSED;
		}
		line.len--;
		if (line.len == 0 && parse->has_request_line) {
			parse->head_len = end + 1;
			return read_end(parse, request) ? HTTP_PARSE_DONE : HTTP_PARSE_REFUSED;
		}
		if (!read_line(parse, request, line))
			return HTTP_PARSE_REFUSED;
	}
	if (here == HTTP_HEAD_MAX) {
		refuse(parse, 431, "too_large", "The head of the request is larger than 16 KiB.");
		return HTTP_PARSE_REFUSED;
	}
	return HTTP_PARSE_MORE;
}
