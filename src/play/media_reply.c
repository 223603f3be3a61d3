#include "play/media_reply.h"

#include "access/web_admit.h"
#include "api/cors.h"
#include "api/web.h"
#include "api/web_error.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "http/conditional.h"
#include "http/reply.h"

#include <assert.h>
#include <string.h>

#define PART_TEXT_MAX \
	160 /* one part's head: two delimiters, a type, a range of three 20-digit numbers */
/* "callspool-" and 16 random digits: whoever made the audio cannot have known it (RFC 2046, 5.1.1). */
#define BOUNDARY_PREFIX "callspool-"
#define BOUNDARY_SIZE   (sizeof(BOUNDARY_PREFIX) + 16)
#define CLOSING_SIZE    (BOUNDARY_SIZE + sizeof("\r\n----\r\n"))

/* What a link plays may be embedded by any page that was given it; all else by ours alone. */
#define SAME_ORIGIN "Cross-Origin-Resource-Policy: same-origin\r\n"

static void add_disposition_value(struct buf *out, const struct media *media, const char *how)
{
	buf_addf(out, "%s; filename=\"%s.%s\"", how,
		 media->call_sid[0] ? media->call_sid : media->recording_sid, media->format);
}

static void add_disposition(struct buf *lines, const struct media *media, const char *how)
{
	buf_add_text(lines, "Content-Disposition: ");
	add_disposition_value(lines, media, how);
	buf_add_text(lines, "\r\n");
}

/* Nothing below is made again for a request: of a warm play, printf was a tenth. */
void media_reply_prepare(struct media *media)
{
	char modified[HTTP_DATE_SIZE];
	uint8_t digest[SHA256_BYTES];
	struct buf lines;

	clock_http_date(media->modified_at_ms, modified);
	buf_over(&lines, media->lines, sizeof(media->lines));
	buf_add_text(&lines, SAME_ORIGIN
		     "Accept-Ranges: bytes\r\nCache-Control: " MEDIA_CACHE_CONTROL "\r\n"
		     "X-Content-Type-Options: nosniff\r\n");
	buf_addf(&lines, "Last-Modified: %s\r\nContent-Location: /api/recordings/%s/media\r\n",
		 modified, media->recording_sid);
	if (media->etag[0] != '\0')
		buf_addf(&lines, "ETag: %s\r\n", media->etag);
	if (media->sha256[0] != '\0') {
		for (int i = 0; i < SHA256_BYTES; i++)
			digest[i] = (uint8_t)(ascii_hex_value(media->sha256[2 * i]) << 4 |
					      ascii_hex_value(media->sha256[2 * i + 1]));
		buf_add_text(&lines, "Repr-Digest: sha-256=:");
		base64_add(&lines, digest, sizeof(digest));
		buf_add_text(&lines, ":\r\n");
	}
	media->common_len = lines.len;
	add_disposition(&lines, media, "inline");
	buf_addf(&lines, "Content-Type: %.*s\r\n", STR_ARG(media_content_type(media)));
	assert(buf_ok(&lines));
	media->lines_len = lines.len;
}

/* ---- what is asked for ---- */

void media_reply_choose(const struct exchange *x, const struct media *media,
			struct media_reply *out)
{
	const struct http_request *request = &x->request;
	struct validators now = { .etag = str_of(media->etag),
				  .modified_at_ms = media->modified_at_ms };
	struct str range = request->known[HTTP_RANGE];

	out->kind = MEDIA_REPLY_WHOLE;
	out->ranges.count = 0;
	switch (conditional_is_asked(request) ? conditional_check(request, &now)
					      : CONDITIONAL_GO_ON) {
	case CONDITIONAL_NOT_MODIFIED:
		out->kind = MEDIA_REPLY_NOT_MODIFIED;
		return;
	case CONDITIONAL_FAILED:
		out->kind = MEDIA_REPLY_FAILED;
		return;
	case CONDITIONAL_GO_ON:
		break;
	}
	if (!range.at ||
	    (request->known[HTTP_IF_RANGE].at && !conditional_range_counts(request, &now)))
		return;
	switch (range_parse(range, media->size, &out->ranges)) {
	case RANGE_WHOLE:
		break;
	case RANGE_SOME:
		out->kind = MEDIA_REPLY_RANGES;
		break;
	case RANGE_OUTSIDE:
		out->kind = MEDIA_REPLY_OUTSIDE;
		break;
	}
}

uint64_t media_reply_needs(const struct exchange *x, const struct media_reply *reply)
{
	bool has_body = x->request.method != HTTP_HEAD && reply->kind == MEDIA_REPLY_RANGES;

	return has_body ? reply->ranges.at[0].first + 1 : 0;
}

/* ---- the head ---- */

void media_reply_disposition(const struct exchange *x, const struct media *media,
			     char out[MEDIA_DISPOSITION_SIZE])
{
	struct buf value;

	buf_over(&value, out, MEDIA_DISPOSITION_SIZE);
	add_disposition_value(&value, media, web_is_download(x) ? "attachment" : "inline");
}

void media_reply_note(struct exchange *x, const struct media *media)
{
	static_assert(sizeof(x->about) >= sizeof(media->recording_sid), "a SID fits");
	if (log_wants(LOG_DEBUG))
		memcpy(x->about, media->recording_sid, sizeof(media->recording_sid));
}

static bool is_of_link(const struct exchange *x)
{
	return x->route && x->route->access == WEB_LINK;
}

/* The link says who may: a page of any site that was given it. */
static void add_link_policies(struct exchange *x)
{
	reply_header_lines(x, STR("Cross-Origin-Resource-Policy: cross-origin\r\n"
				  "Access-Control-Allow-Origin: *\r\n"
				  "Referrer-Policy: no-referrer\r\n"));
}

void media_reply_add_policies(struct exchange *x)
{
	if (is_of_link(x)) {
		add_link_policies(x);
		return;
	}
	reply_header_lines(x, STR(SAME_ORIGIN));
	cors_add(x);
}

/* So many of the prepared lines, which begin with who may embed it. */
static void add_prepared(struct exchange *x, const struct media *media, size_t len)
{
	struct str lines = { media->lines, len };

	if (is_of_link(x)) {
		reply_header_lines(x, str_after(lines, sizeof(SAME_ORIGIN) - 1));
		add_link_policies(x);
		return;
	}
	reply_header_lines(x, lines);
	cors_add(x);
}

/* One for each answer: another answer's may be known to whoever makes the next recording. */
static void make_boundary(char out[BOUNDARY_SIZE])
{
	uint64_t random;

	random_bytes(&random, sizeof(random));
	snprintf(out, BOUNDARY_SIZE, BOUNDARY_PREFIX "%016llx", (unsigned long long)random);
}

/* What goes with a body: as prepared, or as this request has it.  boundary: of several ranges, else NULL. */
static void add_all(struct exchange *x, const struct media *media, const char *boundary)
{
	bool saves = web_is_download(x);
	char text[MEDIA_DISPOSITION_SIZE + 32];
	struct buf line;

	if (!saves && !boundary) {
		add_prepared(x, media, media->lines_len);
		return;
	}
	buf_over(&line, text, sizeof(text));
	add_disposition(&line, media, saves ? "attachment" : "inline");
	add_prepared(x, media, media->common_len);
	reply_header_lines(x, buf_str(&line));
	if (boundary)
		reply_headerf(x, "Content-Type", "multipart/byteranges; boundary=%s", boundary);
	else
		reply_header(x, STR("Content-Type"), media_content_type(media));
}

static void begin_head(struct exchange *x, const struct media *media,
		       const struct media_reply *reply, const char *boundary)
{
	const struct range *first = &reply->ranges.at[0];

	if (reply->ranges.count == 1)
		reply_begin_range(x, first->first, first->last, media->size);
	else
		reply_begin(x, reply->kind == MEDIA_REPLY_RANGES ? 206 : 200);
	add_all(x, media, boundary);
}

/* Replies that hold no media; false for the others. */
static bool send_without_media(struct exchange *x, const struct media *media,
			       const struct media_reply *reply)
{
	media_reply_note(x, media);
	switch (reply->kind) {
	case MEDIA_REPLY_NOT_MODIFIED:
		reply_begin(x, 304);
		add_prepared(x, media, media->common_len);
		reply_send(x, STR(""));
		return true;
	case MEDIA_REPLY_FAILED:
		reply_begin(x, 412);
		web_refuse_begun(x, WEB_PRECONDITION_FAILED, NULL);
		return true;
	case MEDIA_REPLY_OUTSIDE:
		reply_begin(x, 416);
		reply_header(x, STR("Accept-Ranges"), STR("bytes"));
		reply_headerf(x, "Content-Range", "bytes */%llu", (unsigned long long)media->size);
		web_refuse_begun(x, WEB_RANGE_NOT_SATISFIABLE, NULL);
		return true;
	case MEDIA_REPLY_WHOLE:
	case MEDIA_REPLY_RANGES:
		break;
	}
	return false;
}

/* ---- the body ---- */

/* Some of the media has just been sent for the first time. */
static void count_first_byte(struct exchange *x)
{
	struct web_counts *counts = &web_local_of(x)->counts;

	if (x->source == PLAY_SOURCE_PROBE)
		return;
	time_histogram_count(&counts->first_byte[x->source], clock_monotonic_us() - x->head_at_us);
}

/* The parts of a multipart/byteranges body (RFC 9110, 14.6), their texts in `texts`. */
static void make_parts(const struct media *media, const struct media_reply *reply,
		       const char *boundary, struct buf *texts, struct reply_part parts[RANGES_MAX])
{
	struct str type = media_content_type(media);

	for (unsigned i = 0; i < reply->ranges.count; i++) {
		const struct range *range = &reply->ranges.at[i];
		size_t began = texts->len;

		buf_addf(
			texts,
			"%s--%s\r\nContent-Type: %.*s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
			i > 0 ? "\r\n" : "", boundary, STR_ARG(type),
			(unsigned long long)range->first, (unsigned long long)range->last,
			(unsigned long long)media->size);
		parts[i] = (struct reply_part){
			.text = { texts->at + began, texts->len - began },
			.first = range->first,
			.length = range->last - range->first + 1,
		};
	}
	assert(buf_ok(texts));
}

/* Several ranges.  parked == NULL: all of the media is in the file. */
static void send_parts(struct exchange *x, const struct media *media,
		       const struct media_reply *reply, uint64_t arrived, struct parked *parked)
{
	char bytes[RANGES_MAX * PART_TEXT_MAX], boundary[BOUNDARY_SIZE], end[CLOSING_SIZE];
	struct reply_part parts[RANGES_MAX];
	unsigned count = reply->ranges.count;
	struct buf texts, closing_text;
	struct str closing;

	make_boundary(boundary);
	begin_head(x, media, reply, boundary);
	buf_over(&texts, bytes, sizeof(bytes));
	make_parts(media, reply, boundary, &texts, parts);
	buf_over(&closing_text, end, sizeof(end));
	buf_addf(&closing_text, "\r\n--%s--\r\n", boundary);
	closing = buf_str(&closing_text);
	if (parked)
		reply_send_growing_parts(x, media->fd, parts, count, closing, arrived, parked);
	else
		reply_send_parts(x, media->fd, parts, count, closing);
	count_first_byte(x);
}

/* The one piece that is sent: the range, or the whole. */
static void choose_piece(const struct media *media, const struct media_reply *reply,
			 uint64_t *out_first, uint64_t *out_length)
{
	const struct range *range = &reply->ranges.at[0];
	bool is_range = reply->ranges.count == 1;

	*out_first = is_range ? range->first : 0;
	*out_length = is_range ? range->last - range->first + 1 : media->size;
}

void media_reply_send(struct exchange *x, const struct media *media,
		      const struct media_reply *reply)
{
	uint64_t first, length;

	if (send_without_media(x, media, reply))
		return;
	if (reply->ranges.count > 1) {
		send_parts(x, media, reply, media->size, NULL);
		return;
	}
	begin_head(x, media, reply, NULL);
	choose_piece(media, reply, &first, &length);
	if (first + length <= media->first_count)
		reply_send_part(x, (struct str){ media->first_bytes + first, (size_t)length });
	else
		reply_send_file(x, media->fd, first, length);
	count_first_byte(x);
}

bool media_reply_send_growing(struct exchange *x, const struct media *media,
			      const struct media_reply *reply, uint64_t arrived,
			      struct parked *parked)
{
	uint64_t first, length;

	if (send_without_media(x, media, reply))
		return false;
	if (reply->ranges.count > 1) {
		send_parts(x, media, reply, arrived, parked);
		return true;
	}
	begin_head(x, media, reply, NULL);
	choose_piece(media, reply, &first, &length);
	reply_send_growing(x, media->fd, first, length, arrived, parked);
	count_first_byte(x);
	return true;
}

void media_reply_send_chunked(struct exchange *x, const struct media *media, uint64_t arrived,
			      bool is_complete, struct parked *parked)
{
	media_reply_note(x, media);
	reply_begin(x, 200);
	add_all(x, media, NULL);
	reply_send_chunked(x, media->fd, arrived, is_complete, parked);
	count_first_byte(x);
}
