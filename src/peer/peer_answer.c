#include "peer/peer_answer.h"

#include <assert.h>
#include <jansson.h>

#include "base/own.h"

DEFINE_AUTO(json_t *, json_decref)

/* ---- the head ---- */

static int64_t number_above_0(struct str value)
{
	int64_t number;

	return str_to_i64(value, &number) && number > 0 ? number : 0;
}

void peer_head_line(struct peer_head *head, struct str line)
{
	struct str name, value;

	while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
		line.len--;
	if (str_starts(line, STR("HTTP/"))) {
		*head = (struct peer_head){ 0 };
		return;
	}
	if (!str_cut(&line, ':', &name) || !line.at)
		return;
	value = str_trim(line);
	if (str_eq_nocase(name, STR(PEER_GENERATION)))
		head->generation = number_above_0(value);
	else if (str_eq_nocase(name, STR(PEER_GENERATION_AT)))
		head->generation_at_ms = number_above_0(value);
	else if (str_eq_nocase(name, STR(PEER_POINTLESS)))
		head->is_pointless = str_eq(value, STR("1"));
}

static bool read_extent(const struct transfer_head *head, const struct peer_want *want,
			struct peer_media *out)
{
	if (head->status == 206) {
		out->position = head->range_first;
		out->size = (uint64_t)head->range_total;
		return head->has_range && head->range_total > 0 && head->range_first > 0 &&
		       head->range_first == want->first;
	}
	out->position = 0;
	out->size = head->content_length >= 0 ? (uint64_t)head->content_length : PEER_SIZE_UNKNOWN;
	return out->size > 0;
}

static enum peer_answer read_media(const struct transfer_head *head, const struct peer_head *own,
				   const struct peer_want *want, struct peer_media *out)
{
	struct peer_media media = { .generation = own->generation,
				    .generation_at_ms = own->generation_at_ms };

	if (own->generation == 0 || own->generation_at_ms == 0 || head->is_encoded ||
	    !read_extent(head, want, &media))
		return PEER_STRANGE;
	/* A size is half of what an ETag names: the one comes with the other. */
	if ((media.size == PEER_SIZE_UNKNOWN) != (head->etag[0] == '\0') ||
	    (head->etag[0] != '\0' && !head->etag_is_strong))
		return PEER_STRANGE;
	memcpy(media.etag, head->etag, sizeof(media.etag));
	*out = media;
	return PEER_MEDIA;
}

enum peer_answer peer_answer_read(const struct transfer_head *head, const struct peer_head *own,
				  const struct peer_want *want, struct peer_media *out)
{
	static_assert(sizeof(out->etag) == sizeof(head->etag), "an ETag is copied whole");
	switch (head->status) {
	case 200:
	case 206:
		return read_media(head, own, want, out);
	case 401:
		return PEER_STRANGER;
	case 412:
		return want->is_matched ? PEER_OTHER : PEER_STRANGE;
	case 421:
		return PEER_ELSEWHERE;
	default:
		return head->status >= 500 ? PEER_WAITS : PEER_STRANGE;
	}
}

/* ---- the body of an error ---- */

static bool is_code(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!(text.at[i] >= 'a' && text.at[i] <= 'z') && !ascii_is_digit(text.at[i]) &&
		    text.at[i] != '_')
			return false;
	return text.len > 0;
}

static struct str member_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){ json_string_value(value), json_string_length(value) }
		       : STR("");
}

/* Not in the middle of a UTF-8 sequence. */
static void fit_text(struct str text, char *to, size_t size)
{
	struct str cut = str_first(text, size - 1);

	if (cut.len < text.len)
		while (cut.len > 0 && ((unsigned char)text.at[cut.len] & 0xc0) == 0x80)
			cut.len--;
	str_fit(cut, to, size);
}

void peer_reason_read(struct str body, struct peer_reason *out)
{
	AUTO(json_decref) json_t *root = json_loadb(body.at, body.len, 0, NULL);
	struct str code = member_of(root, "reason");

	*out = (struct peer_reason){ .code = "" };
	if (!is_code(code) || !str_copy(code, out->code, sizeof(out->code)))
		return;
	fit_text(member_of(root, "error"), out->text, sizeof(out->text));
}
