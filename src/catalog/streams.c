#include "catalog/streams.h"

#include <assert.h>

#include "base/buf.h"
#include "catalog/turns.h"

/* "17=1200 19=4": each stream and how far it was projected. */
bool streams_read(struct str text, struct catalog *catalog, struct err *err)
{
	struct str piece, name;

	catalog->stream_count = 0;
	while (text.len > 0 && str_cut(&text, ' ', &piece)) {
		struct stream_mark *stream = &catalog->streams[catalog->stream_count];

		if (catalog->stream_count == STREAMS_MAX || !str_cut(&piece, '=', &name) ||
		    !str_to_i64(name, &stream->stream) || !str_to_i64(piece, &stream->watermark))
			return err_set(err, ERR_INTERNAL, "the streams of a turn are unreadable");
		catalog->stream_count++;
	}
	return true;
}

void streams_write(const struct catalog *catalog, struct buf *out)
{
	for (size_t i = 0; i < catalog->stream_count; i++)
		buf_addf(out, "%s%lld=%lld", i > 0 ? " " : "",
			 (long long)catalog->streams[i].stream,
			 (long long)catalog->streams[i].watermark);
}

struct stream_mark *stream_find(struct catalog *catalog, int64_t stream)
{
	for (size_t i = 0; i < catalog->stream_count; i++)
		if (catalog->streams[i].stream == stream)
			return &catalog->streams[i];
	return NULL;
}

bool stream_begin(struct catalog *catalog, int64_t stream, struct err *err)
{
	if (catalog->stream_count == STREAMS_MAX)
		return err_set(err, ERR_UNAVAILABLE,
			       "%d processes have events that are not projected", STREAMS_MAX);
	catalog->streams[catalog->stream_count++] = (struct stream_mark){ stream, 0 };
	(void)catalog_next_sequence(catalog); /* a turn, which tells it */
	return true;
}

void stream_adopt(struct catalog *catalog, int64_t stream)
{
	for (size_t i = 0; i < catalog->orphan_count; i++)
		if (catalog->orphans[i] == stream)
			return;
	if (catalog->orphan_count < STREAMS_MAX)
		catalog->orphans[catalog->orphan_count++] = stream;
}

bool streams_projected(struct catalog *catalog, struct stream_mark out[STREAMS_PROJECTED_MAX],
		       size_t *out_count, struct err *err)
{
	const struct stream_mark *own = stream_find(catalog, catalog->process_id);
	size_t count = 0;

	out[count].stream = 0;
	if (!number_read(catalog, NUMBER_WATERMARK, &out[count++].watermark, err))
		return false;
	if (own)
		out[count++] = *own;
	for (size_t i = 0; i < catalog->orphan_count;) {
		const struct stream_mark *mark = stream_find(catalog, catalog->orphans[i]);

		if (mark) {
			out[count++] = *mark;
			i++;
		} else { /* a turn has told that it is over */
			catalog->orphans[i] = catalog->orphans[--catalog->orphan_count];
		}
	}
	*out_count = count;
	return true;
}

size_t streams_at_hand(struct catalog *catalog, struct stream_mark out[2])
{
	const struct stream_mark *own = stream_find(catalog, catalog->process_id);

	out[0].stream = 0;
	out[0].watermark = catalog->numbers[NUMBER_WATERMARK] + catalog->added[NUMBER_WATERMARK];
	if (!own)
		return 1;
	out[1] = *own;
	return 2;
}

bool stream_is_past(struct catalog *catalog, const struct stream_mark *event, bool *out,
		    struct err *err)
{
	const struct stream_mark *mark = stream_find(catalog, event->stream);
	int64_t watermark = mark ? mark->watermark : 0;

	if (event->stream == 0 && !number_read(catalog, NUMBER_WATERMARK, &watermark, err))
		return false;
	*out = (event->stream != 0 && !mark) || watermark >= event->watermark;
	return true;
}

bool stream_advance(struct catalog *catalog, const struct stream_mark *to, struct err *err)
{
	struct stream_mark *mark = to->stream == 0 ? NULL : stream_find(catalog, to->stream);
	int64_t watermark;

	if (to->stream == 0) {
		if (!number_read(catalog, NUMBER_WATERMARK, &watermark, err))
			return false;
		assert(to->watermark > watermark);
		number_add(catalog, NUMBER_WATERMARK, to->watermark - watermark);
	} else if (mark) {
		assert(to->watermark > mark->watermark);
		mark->watermark = to->watermark;
	} else {
		return err_set(err, ERR_NOT_FOUND, "there is no stream %lld any more",
			       (long long)to->stream);
	}
	if (catalog->added[NUMBER_SEQUENCE] == 0)
		(void)catalog_next_sequence(catalog);
	return true;
}

/* It is looked for until a turn has told that, for this one may fail. */
void stream_end(struct catalog *catalog, int64_t stream)
{
	struct stream_mark *mark = stream_find(catalog, stream);

	if (!mark)
		return;
	*mark = catalog->streams[--catalog->stream_count];
	(void)catalog_next_sequence(catalog);
}
