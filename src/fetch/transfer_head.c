#include "fetch/transfer_head.h"

#include <string.h>

#include "base/clock.h"

#define RETRY_AFTER_MAX_MS ((int64_t)7 * 24 * 3600 * 1000) /* beyond, it is a mistake of theirs */

void transfer_head_start(struct transfer_head *head)
{
	*head = (struct transfer_head){ .content_length = -1,
					.range_total = -1,
					.retry_after_ms = -1 };
}

/* "HTTP/1.1 200 OK" */
static void read_status(struct transfer_head *head, struct str line)
{
	struct str version, code;
	uint64_t status;

	transfer_head_start(head);
	if (!str_cut(&line, ' ', &version) || !line.at)
		return;
	line = str_trim(line);
	code = str_first(line, str_find(line, ' '));
	if (code.len == 3 && str_to_u64(code, &status) && status >= 100)
		head->status = (int)status;
}

/* entity-tag = [ W/ ] DQUOTE *etagc DQUOTE (RFC 9110, 8.8.3) */
static void read_etag(struct transfer_head *head, struct str value)
{
	struct str tag = value;
	bool weak = str_starts(value, STR("W/"));

	if (weak)
		tag = str_after(tag, 2);
	if (tag.len < 2 || tag.at[0] != '"' || tag.at[tag.len - 1] != '"')
		return;
	tag = str_first(str_after(tag, 1), tag.len - 2);
	for (size_t i = 0; i < tag.len; i++)
		if (tag.at[i] == '"' || (unsigned char)tag.at[i] <= 0x20 || tag.at[i] == 0x7f)
			return;
	if (str_copy(value, head->etag, sizeof(head->etag)))
		head->etag_is_strong = !weak;
}

/* "bytes 0-99/1000", "bytes 0-99/ *", "bytes * /1000" without the blanks (RFC 9110, 14.4) */
static void read_content_range(struct transfer_head *head, struct str value)
{
	struct str range, first;
	uint64_t a, b, total = 0;
	bool total_known;

	head->has_range = false;
	head->range_total = -1;
	if (!str_starts_nocase(value, STR("bytes ")))
		return;
	value = str_trim(str_after(value, 6));
	if (!str_cut(&value, '/', &range) || !value.at)
		return;
	total_known = !str_eq(value, STR("*"));
	if (total_known && (!str_to_u64(value, &total) || total > INT64_MAX))
		return;
	if (str_eq(range, STR("*"))) {
		head->range_total = total_known ? (int64_t)total : -1;
		return;
	}
	if (!str_cut(&range, '-', &first) || !range.at)
		return;
	if (!str_to_u64(first, &a) || !str_to_u64(range, &b) || a > b ||
	    (total_known && b >= total))
		return;
	head->has_range = true;
	head->range_first = a;
	head->range_last = b;
	head->range_total = total_known ? (int64_t)total : -1;
}

/* delay-seconds or a date (RFC 9110, 10.2.3) */
static void read_retry_after(struct transfer_head *head, struct str value, int64_t wall_now_ms)
{
	uint64_t seconds;
	int64_t at_ms, wait_ms;

	if (str_to_u64(value, &seconds))
		wait_ms = seconds > (uint64_t)RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS
									: (int64_t)seconds * 1000;
	else if (clock_parse_http_date(value, &at_ms))
		wait_ms = at_ms - wall_now_ms;
	else
		return;
	head->retry_after_ms = wait_ms < 0                    ? 0
			       : wait_ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS
							      : wait_ms;
}

static void read_content_length(struct transfer_head *head, struct str value)
{
	uint64_t length;

	if (str_to_u64(value, &length) && length <= INT64_MAX)
		head->content_length = (int64_t)length;
}

/* Without its NUL bytes: what is kept here is compared as text later. */
static void keep_text(struct str value, char *to, size_t size)
{
	if (str_find(value, '\0') < value.len || !str_copy(value, to, size))
		to[0] = '\0';
}

static void read_field(struct transfer_head *head, struct str name, struct str value,
		       int64_t wall_now_ms)
{
	if (str_eq_nocase(name, STR("Content-Length")))
		read_content_length(head, value);
	else if (str_eq_nocase(name, STR("Content-Type")))
		keep_text(value, head->content_type, sizeof(head->content_type));
	else if (str_eq_nocase(name, STR("Content-Encoding")))
		head->is_encoded = value.len > 0 && !str_eq_nocase(value, STR("identity"));
	else if (str_eq_nocase(name, STR("ETag")))
		read_etag(head, value);
	else if (str_eq_nocase(name, STR("Last-Modified"))) {
		if (clock_parse_http_date(value, &head->last_modified_ms))
			keep_text(value, head->last_modified, sizeof(head->last_modified));
	} else if (str_eq_nocase(name, STR("Accept-Ranges")))
		head->accepts_ranges = str_eq_nocase(value, STR("bytes"));
	else if (str_eq_nocase(name, STR("Content-Range")))
		read_content_range(head, value);
	else if (str_eq_nocase(name, STR("Retry-After")))
		read_retry_after(head, value, wall_now_ms);
	else if (str_eq_nocase(name, STR("Location")))
		head->has_location = value.len > 0;
	else if (str_eq_nocase(name, STR("Date")) && !clock_parse_http_date(value, &head->date_ms))
		head->date_ms = 0;
}

void transfer_head_line(struct transfer_head *head, struct str line, int64_t wall_now_ms)
{
	struct str name;

	if (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (head->is_whole && head->status >= 200)
		return;
	if (str_starts(line, STR("HTTP/"))) {
		read_status(head, line);
		return;
	}
	if (head->is_whole)
		return;
	if (line.len == 0) {
		head->is_whole = true;
		return;
	}
	if (!str_cut(&line, ':', &name) || !line.at)
		return;
	read_field(head, name, str_trim(line), wall_now_ms);
}
