#include "rebuild/ledger_pages.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://www.sqlite.org/fileformat2.html */
#define MAGIC         "SQLite format 3"
#define HEADER_BYTES  100
#define SIZE_AT       16
#define RESERVED_AT   20
#define SIZE_FALLBACK 4096
#define SIZE_LEAST    512
#define SIZE_MOST     65536
#define USABLE_LEAST  480
#define LOG_HEADER    32
#define FRAME_HEADER  24
#define LOG_MAGIC     0x377f0682u /* the last bit: checksums of big-endian words */
#define PAGES_MOST    (1u << 30)

struct ledger_pages {
	int fd, log_fd; /* log_fd -1: there is none */
	uint32_t size, usable, count;
	uint32_t *frame_of; /* of page n, at n - 1: its last frame, from 1; 0: none */
	uint32_t frame_of_count;
};

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static bool read_at(int fd, uint8_t *to, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, to + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool is_size(uint32_t size)
{
	return size >= SIZE_LEAST && size <= SIZE_MOST && (size & (size - 1)) == 0;
}

static void read_header(struct ledger_pages *pages)
{
	uint8_t header[HEADER_BYTES];
	uint32_t size;

	pages->size = pages->usable = SIZE_FALLBACK;
	if (!read_at(pages->fd, header, sizeof(header), 0) ||
	    memcmp(header, MAGIC, sizeof(MAGIC)) != 0)
		return;
	size = (uint32_t)header[SIZE_AT] << 8 | header[SIZE_AT + 1];
	size = size == 1 ? SIZE_MOST : size;
	if (!is_size(size) || size - header[RESERVED_AT] < USABLE_LEAST)
		return;
	pages->size = size;
	pages->usable = size - header[RESERVED_AT];
}

/* ---- the log ---- */

struct log_sum {
	bool is_big;
	uint32_t a, b;
};

static void sum_add(struct log_sum *sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		sum->a += (sum->is_big ? be32(at + i) : le32(at + i)) + sum->b;
		sum->b += (sum->is_big ? be32(at + i + 4) : le32(at + i + 4)) + sum->a;
	}
}

static bool sum_is(const struct log_sum *sum, const uint8_t *at)
{
	return sum->a == be32(at) && sum->b == be32(at + 4);
}

static void note_frame(struct ledger_pages *pages, uint32_t number, uint32_t frame)
{
	if (number > pages->frame_of_count) {
		uint32_t count = number < 1024 ? 1024 : number + number / 2;

		pages->frame_of = xrealloc(pages->frame_of, count * sizeof(*pages->frame_of));
		memset(pages->frame_of + pages->frame_of_count, 0,
		       (count - pages->frame_of_count) * sizeof(*pages->frame_of));
		pages->frame_of_count = count;
	}
	pages->frame_of[number - 1] = frame;
}

/* Frames from `first` to `last` are a transaction that was committed. */
static void take_frames(struct ledger_pages *pages, const uint32_t *numbers, uint32_t first,
			uint32_t last)
{
	for (uint32_t frame = first; frame <= last; frame++)
		note_frame(pages, numbers[frame - first], frame);
}

struct log_reader {
	struct log_sum sum;
	uint8_t salt[8];
	uint8_t *frame;    /* header and page */
	uint32_t *numbers; /* of pages since the last commit */
	uint32_t count, size;
};

static bool read_log_header(struct ledger_pages *pages, struct log_reader *log)
{
	uint8_t header[LOG_HEADER];
	uint32_t magic, size;

	if (!read_at(pages->log_fd, header, sizeof(header), 0))
		return false;
	magic = be32(header);
	size = be32(header + 8);
	if ((magic & ~1u) != LOG_MAGIC || !is_size(size))
		return false;
	log->sum = (struct log_sum){ .is_big = (magic & 1) != 0 };
	sum_add(&log->sum, header, 24);
	if (!sum_is(&log->sum, header + 24))
		return false;
	if (size != pages->size) /* that of the file was not readable */
		pages->size = pages->usable = size;
	memcpy(log->salt, header + 16, sizeof(log->salt));
	return true;
}

/* False: here ends what is good of it. */
static bool read_frame(struct ledger_pages *pages, struct log_reader *log, uint32_t frame)
{
	size_t len = FRAME_HEADER + pages->size;
	uint32_t number;

	if (!read_at(pages->log_fd, log->frame, len, LOG_HEADER + (uint64_t)(frame - 1) * len) ||
	    memcmp(log->frame + 8, log->salt, sizeof(log->salt)) != 0)
		return false;
	sum_add(&log->sum, log->frame, 8);
	sum_add(&log->sum, log->frame + FRAME_HEADER, pages->size);
	number = be32(log->frame);
	if (!sum_is(&log->sum, log->frame + 16) || number == 0 || number > PAGES_MOST)
		return false;
	if (log->count == log->size) {
		log->size = log->size ? 2 * log->size : 256;
		log->numbers = xrealloc(log->numbers, log->size * sizeof(*log->numbers));
	}
	log->numbers[log->count++] = number;
	return true;
}

static void read_log(struct ledger_pages *pages)
{
	struct log_reader log = { .count = 0 };
	uint32_t after_commit;

	if (pages->log_fd < 0 || !read_log_header(pages, &log))
		return;
	log.frame = xmalloc(FRAME_HEADER + pages->size);
	for (uint32_t frame = 1; read_frame(pages, &log, frame); frame++) {
		after_commit = be32(log.frame + 4);
		if (after_commit == 0)
			continue;
		take_frames(pages, log.numbers, frame - log.count + 1, frame);
		pages->count = after_commit <= PAGES_MOST ? after_commit : pages->count;
		log.count = 0;
	}
	free(log.frame);
	free(log.numbers);
}

/* ---- the pages ---- */

bool ledger_pages_open(const char *path, struct ledger_pages **out, struct err *err)
{
	AUTO(ledger_pages_free) struct ledger_pages *pages = xcalloc(1, sizeof(*pages));
	AUTO(free) char *log = xasprintf("%s-wal", path);
	struct stat about;
	uint64_t count;

	pages->log_fd = -1;
	pages->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pages->fd < 0 || fstat(pages->fd, &about) < 0) {
		bool is_missing = errno == ENOENT;

		err_errno(err, "cannot open '%s'", path);
		err->kind = is_missing ? ERR_NOT_FOUND : err->kind;
		return false;
	}
	pages->log_fd = open(log, O_RDONLY | O_CLOEXEC);
	read_header(pages);
	read_log(pages);
	/* Pages behind the last that was committed are nobody's; but who knows whether that was read right. */
	count = (uint64_t)about.st_size / pages->size;
	if (count > pages->count)
		pages->count = count < PAGES_MOST ? (uint32_t)count : PAGES_MOST;
	*out = TAKE(pages);
	return true;
}

void ledger_pages_free(struct ledger_pages *pages)
{
	if (!pages)
		return;
	close_at(&pages->fd);
	close_at(&pages->log_fd);
	free(pages->frame_of);
	free(pages);
}

uint32_t ledger_pages_size(const struct ledger_pages *pages)
{
	return pages->size;
}

uint32_t ledger_pages_usable(const struct ledger_pages *pages)
{
	return pages->usable;
}

uint32_t ledger_pages_count(const struct ledger_pages *pages)
{
	return pages->count;
}

bool ledger_pages_read(struct ledger_pages *pages, uint32_t number, uint8_t *to)
{
	uint32_t frame = number > 0 && number <= pages->frame_of_count ? pages->frame_of[number - 1]
								       : 0;

	if (number == 0)
		return false;
	if (frame > 0)
		return read_at(pages->log_fd, to, pages->size,
			       LOG_HEADER + (uint64_t)(frame - 1) * (FRAME_HEADER + pages->size) +
				       FRAME_HEADER);
	return read_at(pages->fd, to, pages->size, (uint64_t)(number - 1) * pages->size);
}
