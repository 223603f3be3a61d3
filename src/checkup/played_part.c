#include "checkup/played_part.h"

#include <stdio.h>

#define RANGE_TEXT_MAX 80

static bool is_range(const struct played_part *part)
{
	return part->status == 206 || part->status == 416;
}

static bool has_value(const struct http_answer *answer, const char *name, const char *wanted)
{
	struct str value = http_answer_header(answer, name);

	return value.at && str_eq_nocase(value, str_of(wanted));
}

/* A status that is not the one that was wanted. */
static const char *status_fault(const struct played_part *part, const struct http_answer *answer)
{
	if (is_range(part) && answer->status == 200)
		return "a Range request is answered with 200 and the whole";
	switch (answer->status) {
	case 502:
		return "a play is answered 502";
	case 504:
		return "a play is answered 504";
	case 401:
	case 403:
		return "a play is refused, though it is signed in";
	default:
		return "a play is answered with a status of another kind";
	}
}

static const char *range_fault(const struct played_part *part, uint64_t size,
			       const struct http_answer *answer)
{
	struct str range = http_answer_header(answer, "Content-Range");
	char wanted[RANGE_TEXT_MAX];

	if (!range.at)
		return "Content-Range is lost on the way";
	if (part->status == 416)
		snprintf(wanted, sizeof(wanted), "bytes */%llu", (unsigned long long)size);
	else
		snprintf(wanted, sizeof(wanted), "bytes %llu-%llu/%llu",
			 (unsigned long long)part->first, (unsigned long long)(part->end - 1),
			 (unsigned long long)size);
	return str_eq(range, str_of(wanted)) ? NULL
					     : "Content-Range is not that of the bytes asked for";
}

static const char *length_fault(const struct played_part *part, const struct http_answer *answer)
{
	struct str length = http_answer_header(answer, "Content-Length");
	uint64_t promised;

	if (!length.at)
		return "Content-Length is lost on the way: a player cannot tell how long it is";
	if (!str_to_u64(length, &promised) || promised != part->end - part->first)
		return "Content-Length is not that of the bytes asked for";
	return NULL;
}

static const char *head_fault(const struct played_part *part, const struct http_answer *answer)
{
	if (http_answer_header(answer, "Content-Encoding").at)
		return "the sound is compressed on the way";
	if (!has_value(answer, "Content-Type", "audio/mpeg"))
		return "Content-Type is not that of the sound";
	if (part->status == 200 && !has_value(answer, "Accept-Ranges", "bytes"))
		return "Accept-Ranges is lost on the way: players do not seek";
	return length_fault(part, answer);
}

static const char *body_fault(const struct played_part *part, struct str media,
			      const struct http_answer *answer)
{
	struct str wanted = str_first(str_after(media, part->first), part->end - part->first);
	struct str body = buf_str(&answer->body);

	if (part->is_head)
		return body.len == 0 ? NULL : "a HEAD request is answered with a body";
	if (answer->end != HTTP_ASK_WHOLE || body.len < wanted.len)
		return "a play ends before its last byte";
	return str_eq(body, wanted) ? NULL : "other bytes arrive than are stored";
}

const char *played_part_fault(const struct played_part *part, struct str media,
			      const struct http_answer *answer)
{
	const char *fault;

	if (answer->status == 0)
		return answer->end == HTTP_ASK_LATE ? "a play is not answered in time"
						    : "a play is not answered";
	if (answer->status != part->status)
		return status_fault(part, answer);
	fault = is_range(part) ? range_fault(part, media.len, answer) : NULL;
	if (fault || part->status == 416)
		return fault;
	fault = head_fault(part, answer);
	return fault ? fault : body_fault(part, media, answer);
}
