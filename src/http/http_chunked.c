#include "http/http_chunked.h"

#include "http/http_parse.h"

enum line_result { LINE_MORE, LINE_WHOLE, LINE_BAD };

/*
 * Collects a line in chunked->line, its newline not included: bodies in chunks are rare and their
 * lines short, so a copy is cheaper than rules about where a line may lie.
 */
static enum line_result read_line(struct http_chunked *chunked, struct str *bytes, size_t max,
				  struct str *out_line)
{
	size_t end = str_find(*bytes, '\n');

	if (chunked->line_len + end > max)
		return LINE_BAD;
	memcpy(chunked->line + chunked->line_len, bytes->at, end);
	chunked->line_len += (uint32_t)end;
	if (end == bytes->len) {
		*bytes = str_after(*bytes, end);
		return LINE_MORE;
	}
	*bytes = str_after(*bytes, end + 1);
	if (chunked->line_len == 0 || chunked->line[chunked->line_len - 1] != '\r')
		return LINE_BAD;
	*out_line = (struct str){ chunked->line, chunked->line_len - 1 };
	chunked->line_len = 0;
	return LINE_WHOLE;
}

/* "1f4;name=value": the size, and an extension that nobody heeds but that must be clean. */
static bool read_size(struct http_chunked *chunked, struct str line)
{
	struct str digits = str_first(line, str_find(line, ';'));
	struct str extension = str_after(line, digits.len);
	uint64_t size;

	/* 15 digits keep far below 2^63, and no body comes near. */
	if (digits.len == 0 || digits.len > 15 || !str_hex_to_u64(digits, &size))
		return false;
	for (size_t i = 0; i < extension.len; i++) {
		unsigned char c = (unsigned char)extension.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	chunked->extra += (uint32_t)extension.len;
	if (chunked->extra > HTTP_CHUNK_EXTRA_MAX)
		return false;
	chunked->left = size;
	chunked->state = size > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
	return true;
}

static bool read_trailer(struct http_chunked *chunked, struct str line)
{
	struct http_header dropped;

	if (line.len == 0) {
		chunked->state = CHUNKED_OVER;
		return true;
	}
	chunked->trailers += (uint32_t)line.len;
	return chunked->trailers <= HTTP_TRAILERS_MAX && http_parse_field(line, &dropped);
}

static bool take_line(struct http_chunked *chunked, struct str line)
{
	switch (chunked->state) {
	case CHUNKED_SIZE_LINE:
		return read_size(chunked, line);
	case CHUNKED_DATA_END:
		chunked->state = CHUNKED_SIZE_LINE;
		return line.len == 0;
	case CHUNKED_TRAILER:
		return read_trailer(chunked, line);
	case CHUNKED_DATA:
	case CHUNKED_OVER:
		break;
	}
	return false;
}

void http_chunked_start(struct http_chunked *chunked)
{
	chunked->state = CHUNKED_SIZE_LINE;
	chunked->left = 0;
	chunked->extra = chunked->trailers = chunked->line_len = 0;
}

enum http_chunked_result http_chunked_read(struct http_chunked *chunked, struct str *bytes,
					   struct str *out_piece)
{
	static const size_t line_max[] = {
		[CHUNKED_SIZE_LINE] = HTTP_CHUNK_LINE_MAX,
		[CHUNKED_DATA_END] = 1,
		[CHUNKED_TRAILER] = HTTP_TRAILER_LINE_MAX,
		[CHUNKED_OVER] = 0,
	};

	while (chunked->state != CHUNKED_OVER && bytes->len > 0) {
		struct str line;

		if (chunked->state == CHUNKED_DATA) {
			*out_piece = str_first(*bytes, chunked->left < bytes->len
							       ? (size_t)chunked->left
							       : bytes->len);
			*bytes = str_after(*bytes, out_piece->len);
			chunked->left -= out_piece->len;
			if (chunked->left == 0)
				chunked->state = CHUNKED_DATA_END;
			return HTTP_CHUNKED_PIECE;
		}
		switch (read_line(chunked, bytes, line_max[chunked->state], &line)) {
		case LINE_MORE:
			break;
		case LINE_BAD:
			return HTTP_CHUNKED_REFUSED;
		case LINE_WHOLE:
			if (!take_line(chunked, line))
				return HTTP_CHUNKED_REFUSED;
			break;
		}
	}
	return chunked->state == CHUNKED_OVER ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_MORE;
}
