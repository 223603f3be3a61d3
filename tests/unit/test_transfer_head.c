#include "fetch/transfer_head.h"
#include "tap.h"

#define NOW_MS INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static struct transfer_head read_all(const char *text)
{
	struct str rest = str_of(text), line;
	struct transfer_head head;

	transfer_head_start(&head);
	while (str_cut(&rest, '\n', &line))
		if (line.len > 0 || rest.at)
			transfer_head_line(&head, line, NOW_MS);
	return head;
}

static struct transfer_head read_field(const char *field)
{
	struct transfer_head head;

	transfer_head_start(&head);
	transfer_head_line(&head, STR("HTTP/1.1 206 Partial Content\r\n"), NOW_MS);
	transfer_head_line(&head, str_of(field), NOW_MS);
	transfer_head_line(&head, STR("\r\n"), NOW_MS);
	return head;
}

static void status_lines(void)
{
	static const struct {
		const char *text;
		int status;
		bool is_whole;
		int64_t length;
		const char *name;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\n\r\n", 200, true, -1, "a head of one line" },
		{ "HTTP/1.1 200\r\n\r\n", 200, true, -1, "no reason" },
		{ "HTTP/2 404 \r\n", 404, false, -1, "not ended yet" },
		{ "HTTP/1.1 20 OK\r\n\r\n", 0, true, -1, "two digits" },
		{ "HTTP/1.1 2000 OK\r\n\r\n", 0, true, -1, "four digits" },
		{ "HTTP/1.1\r\n\r\n", 0, true, -1, "no status" },
		{ "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200,
		  true, -1, "an interim head is forgotten" },
		{ "HTTP/1.1 100 Continue\r\n\r\nContent-Length: 5\r\n", 100, true, -1,
		  "between two heads" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nContent-Length: 6\r\n", 200, true, 5,
		  "trailers are ignored" },
		{ "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 No\r\n", 200, true, -1,
		  "so are heads among them" },
		{ "HTTP/1.1 200 OK\nContent-Length: 5\n\n", 200, true, 5, "bare line feeds" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", 200, true, -1,
		  "a length beyond numbers" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 200, true, -1,
		  "a negative length" },
		{ "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", 200, true, -1, "no colon" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer_head head = read_all(cases[i].text);

		IS_INT(head.status, cases[i].status, "%s: status", cases[i].name);
		IS_INT(head.is_whole, cases[i].is_whole, "%s: whole", cases[i].name);
		IS_INT(head.content_length, cases[i].length, "%s: length", cases[i].name);
	}
}

static void content_ranges(void)
{
	static const struct {
		const char *field;
		bool has_range;
		uint64_t first, last;
		int64_t total;
	} cases[] = {
		{ "Content-Range: bytes 0-99/1000", true, 0, 99, 1000 },
		{ "content-range:bytes 0-0/1", true, 0, 0, 1 },
		{ "Content-Range: bytes 5-9/*", true, 5, 9, -1 },
		{ "Content-Range: bytes */1000", false, 0, 0, 1000 },
		{ "Content-Range: bytes */*", false, 0, 0, -1 },
		{ "Content-Range: bytes 0-1000/1000", false, 0, 0, -1 },
		{ "Content-Range: bytes 9-5/1000", false, 0, 0, -1 },
		{ "Content-Range: bytes 0-99", false, 0, 0, -1 },
		{ "Content-Range: bytes 0/99", false, 0, 0, -1 },
		{ "Content-Range: bytes -5/99", false, 0, 0, -1 },
		{ "Content-Range: bytes=0-99/1000", false, 0, 0, -1 },
		{ "Content-Range: lines 0-99/1000", false, 0, 0, -1 },
		{ "Content-Range: bytes 0-99/18446744073709551615", false, 0, 0, -1 },
		{ "Content-Range: ", false, 0, 0, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer_head head = read_field(cases[i].field);

		IS_INT(head.has_range, cases[i].has_range, "'%s': well-formed", cases[i].field);
		IS_INT(head.range_first, cases[i].first, "'%s': first", cases[i].field);
		IS_INT(head.range_last, cases[i].last, "'%s': last", cases[i].field);
		IS_INT(head.range_total, cases[i].total, "'%s': total", cases[i].field);
	}
}

static void etags(void)
{
	static const struct {
		const char *field, *etag;
		bool is_strong;
	} cases[] = {
		{ "ETag: \"abc\"", "\"abc\"", true },
		{ "etag: W/\"abc\"", "W/\"abc\"", false },
		{ "ETag: \"\"", "\"\"", true },
		{ "ETag: abc", "", false },
		{ "ETag: \"a b\"", "", false },
		{ "ETag: \"a\"b\"", "", false },
		{ "ETag: \"", "", false },
		{ "ETag: w/\"abc\"", "", false },
		{ "ETag: \"0123456789012345678901234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456789\"",
		  "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transfer_head head = read_field(cases[i].field);

		IS_STR(str_of(head.etag), str_of(cases[i].etag), "'%.40s'", cases[i].field);
		IS_INT(head.etag_is_strong, cases[i].is_strong, "'%.40s': strong", cases[i].field);
	}
}

static void waits(void)
{
	static const struct {
		const char *field;
		int64_t wait_ms;
	} cases[] = {
		{ "Retry-After: 0", 0 },
		{ "Retry-After: 120", 120000 },
		{ "Retry-After: -5", -1 },
		{ "Retry-After: 1.5", -1 },
		{ "Retry-After: soon", -1 },
		{ "Retry-After: 99999999999", INT64_C(604800000) },
		{ "Retry-After: 18446744073709551615", INT64_C(604800000) },
		{ "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT", 30000 },
		{ "Retry-After: Sun, 06 Nov 1994 08:49:07 GMT", 0 },
		{ "Retry-After: Wed, 06 Nov 2094 08:49:07 GMT", INT64_C(604800000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(read_field(cases[i].field).retry_after_ms, cases[i].wait_ms, "'%s'",
		       cases[i].field);
}

static void other_fields(void)
{
	struct transfer_head head = read_field("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT");

	IS_INT(head.last_modified_ms, NOW_MS, "a date");
	IS_STR(str_of(head.last_modified), STR("Sun, 06 Nov 1994 08:49:37 GMT"), "as it was sent");
	IS_STR(str_of(read_field("Last-Modified: yesterday").last_modified), STR(""), "no date");
	IS_STR(str_of(read_field("Content-Type:  audio/mpeg ; x=y \r\n").content_type),
	       STR("audio/mpeg ; x=y"), "a type, trimmed");
	OK(read_field("Accept-Ranges: bytes").accepts_ranges, "ranges");
	OK(!read_field("Accept-Ranges: none").accepts_ranges, "no ranges");
	OK(read_field("Content-Encoding: gzip").is_encoded, "encoded");
	OK(!read_field("Content-Encoding: identity").is_encoded, "not encoded");
	OK(read_field("Location: /x").has_location && !read_field("Location:").has_location,
	   "a location");
}

int main(void)
{
	status_lines();
	content_ranges();
	etags();
	waits();
	other_fields();
	return tap_end();
}
