#include "media/media.h"

#include "base/own.h"
#include "blob/blob.h"

#include <stdio.h>
#include <unistd.h>

void media_of_recording(const struct recording *recording, struct media *out)
{
	*out = (struct media){
		.channels = recording->channels_stored,
		.size = recording->size,
		.generation = recording->generation,
		.modified_at_ms = recording->generation_at_ms,
		.duration_ms = recording->duration_ms > 0 ? recording->duration_ms
							  : (int64_t)recording->duration_s * 1000,
		.kept = recording_kept(recording),
		.fd = -1,
	};
	memcpy(out->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(out->call_sid, recording->call_sid, SID_SIZE);
	memcpy(out->path, recording->path, sizeof(out->path));
	memcpy(out->format, recording->format, sizeof(out->format));
	memcpy(out->sha256, recording->sha256, sizeof(out->sha256));
	media_name(out);
}

void media_name(struct media *media)
{
	if (media->size == MEDIA_SIZE_UNKNOWN) {
		media->etag[0] = '\0';
		return;
	}
	snprintf(media->etag, sizeof(media->etag), "\"%s-%s%d-%llu-%lld\"", media->recording_sid,
		 media->format, media->channels, (unsigned long long)media->size,
		 (long long)media->generation);
}

bool media_take(struct media *media, struct str path, int taken, uint64_t size, struct err *err)
{
	AUTO(close) int fd = taken;

	if (size != media->size)
		return err_set(err, ERR_NOT_FOUND, "'%.*s' has %llu bytes, the ledger says %llu",
			       STR_ARG(path), (unsigned long long)size,
			       (unsigned long long)media->size);

	ssize_t got = pread(fd, media->first_bytes, sizeof(media->first_bytes), 0);

	media->first_count = got > 0 ? (unsigned)got : 0;
	media->fd = TAKE_FD(fd);
	return true;
}

static bool is_whole(int fd, uint64_t size, uint64_t wanted)
{
	char byte;

	return size == wanted && (size == 0 || pread(fd, &byte, 1, 0) == 1);
}

bool media_open(struct media *media, struct blob_store *store, struct str path, struct err *err)
{
	uint64_t size;
	int fd;

	if (!blob_open_here(store, path, &fd, &size, err)) {
		if (err->kind == ERR_NOT_FOUND && !blob_has_place(store, path))
			err->kind = ERR_INTERNAL;
		return false;
	}
	if (fd < 0)
		return true;
	if (!is_whole(fd, size, media->size) && blob_forget_here(store, path)) {
		close(fd); /* it is to be had from the other machine */
		return true;
	}
	return media_take(media, path, fd, size, err);
}

void media_close(struct media *media)
{
	if (media->fd >= 0)
		close(media->fd);
	media->fd = -1;
}

struct str media_content_type(const struct media *media)
{
	return str_eq(str_of(media->format), STR("wav")) ? STR("audio/wav") : STR("audio/mpeg");
}
