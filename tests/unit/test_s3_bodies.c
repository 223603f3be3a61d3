/*
 * What is sent to a bucket, what comes from it, and where that goes.
 */
#include "s3/s3.h"

#include "base/time_histogram.h"
#include "s3_fixture.h"

#include <sys/mman.h>

#define SHA256 "f76f85e412758b4811110f12047413b831de0935569efd67771aab42788bf8de"

/* ---- a disk that is full ---- */

static atomic_int write_errors; /* so many writes fail, */
static atomic_int write_number; /* by this */
static atomic_bool writes_are_short;

ssize_t __real_pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at);

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	if (write_errors > 0) {
		write_errors--;
		errno = write_number;
		return -1;
	}
	return __real_pwrite64(fd, bytes, writes_are_short && len > 3 ? 3 : len, at);
}

/* ---- what comes, and where it goes ---- */

static int new_file(const char *holds)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	if (fd < 0 || write(fd, holds, strlen(holds)) != (ssize_t)strlen(holds))
		abort();
	return fd;
}

static void is_in_file(int fd, const char *want, const char *name)
{
	char holds[256];
	ssize_t n = pread(fd, holds, sizeof(holds), 0);

	IS_STR(((struct str){ holds, n > 0 ? (size_t)n : 0 }), str_of(want), "%s", name);
}

static bool has_hash_of(const struct s3_request *request, struct str bytes)
{
	uint8_t want[SHA256_BYTES];

	sha256_of(bytes, want);
	return memcmp(want, request->sha256, sizeof(want)) == 0;
}

static void test_into_file(void)
{
	static const struct said works_once[] = { WORKS, { .method = NULL } };
	static const struct said cut_then_works[] = {
		SAYS("GET", "200 OK", NULL, "something else, and longer", .how = CUT_OFF),
		WORKS,
		{ .method = NULL }
	};
	static const struct said missing[] = {
		SAYS("GET", "404 Not Found", NULL, CODE("NoSuchKey")), { .method = NULL }
	};
	AUTO(close) int fd = new_file("what was there, and is longer than that");
	struct s3_request request;

	open_bucket();
	prepare(&request, GETS);
	request.into_fd = fd;
	play(KEY_PATH, works_once);
	ask(&request);
	OK(request.succeeded && request.size == 10, "a body comes into a file");
	is_in_file(fd, BODY, "and nothing else is in it");
	OK(has_hash_of(&request, STR(BODY)), "its hash is told");
	IS_INT(request.text.len, 0, "it is not kept twice");
	OK(request.date_ms > 0, "and the bucket's clock");
	IS_INT(counter_read(&s3_counts(s3)->received_bytes), 10, "its bytes are counted");
	s3_request_release(&request);

	prepare(&request, GETS);
	request.into_fd = fd;
	request.is_once = false;
	play(KEY_PATH, cut_then_works);
	ask(&request);
	OK(request.succeeded && request.size == 10, "what was cut off comes anew");
	is_in_file(fd, BODY, "and is alone");
	IS_INT(counter_read(&s3_counts(s3)->received_bytes), 10 + 26 + 10,
	       "what came of each try is counted");
	{
		struct time_sum sum = { .sum_us = 0 };
		uint64_t count = 0;

		time_histogram_add(&s3_counts(s3)->seconds[S3_GET], &sum);
		for (size_t i = 0; i <= TIME_BUCKETS; i++)
			count += sum.buckets[i];
		IS_INT(count, 3, "and how long it took");
		OK(sum.sum_us < UINT64_C(60000000), "which is not long");
	}
	OK(has_hash_of(&request, STR(BODY)), "its hash, too");
	s3_request_release(&request);

	prepare(&request, GETS);
	request.into_fd = fd;
	play(KEY_PATH, missing);
	ask(&request);
	is_in_file(fd, "", "nothing of an error is in the file");
	OK(has(buf_str(&request.text), "NoSuchKey"), "but in the text");
	s3_request_release(&request);
	close_bucket();
}

static void test_size_most(void)
{
	static const struct {
		uint64_t most;
		const char *holds;
	} cases[] = { { 0, BODY }, { 11, BODY }, { 10, BODY }, { 9, BODY }, { 4, "some " } };
	static const struct said said[] = { WORKS, { .method = NULL } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = new_file("");
		struct s3_request request;

		open_bucket();
		prepare(&request, GETS);
		request.into_fd = fd;
		request.size_most = cases[i].most;
		play(KEY_PATH, said);
		ask(&request);
		OK(request.succeeded && request.size == strlen(cases[i].holds),
		   "of 10 bytes where %" PRIu64 " may come: %zu", cases[i].most,
		   strlen(cases[i].holds));
		is_in_file(fd, cases[i].holds, "and these are there");
		s3_request_release(&request);
		close_bucket();
	}
}

#define LARGE 100000

/* It comes in pieces. */
static void test_large(void)
{
	static const struct {
		uint64_t most, size;
	} cases[] = { { 0, LARGE }, { LARGE, LARGE }, { LARGE - 1, LARGE }, { 50000, 50001 } };
	AUTO(free) char *media = xcalloc(LARGE, 1);

	for (size_t i = 0; i < LARGE; i++)
		media[i] = (char)(i % 251);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = new_file("");
		struct s3_request request;

		open_bucket();
		prepare(&request, GETS);
		request.into_fd = fd;
		request.size_most = cases[i].most;
		play(KEY_PATH, NULL);
		server.noticed = NULL;
		server.media = (struct str){ media, LARGE };
		next.raw = "HTTP/1.1 200 OK\r\nContent-Length: @L\r\n\r\n@M";
		next.then = THEN_KEEP;
		server.answers = &next;
		server.answer_count = 1;
		ask(&request);
		OK(request.succeeded && request.size == cases[i].size &&
			   lseek(fd, 0, SEEK_END) == (off_t)cases[i].size,
		   "of %d bytes where %" PRIu64 " may come: %" PRIu64, LARGE, cases[i].most,
		   cases[i].size);
		OK(has_hash_of(&request, (struct str){ media, (size_t)cases[i].size }),
		   "and the hash is theirs");
		s3_request_release(&request);
		server.media = STR_NONE;
		close_bucket();
	}
}

static atomic_int rooms_made;

static bool make_room(struct s3_request *request)
{
	rooms_made++;
	return true;
}

static bool make_no_room(struct s3_request *request)
{
	rooms_made++;
	return false;
}

static void test_full_disk(void)
{
	static const struct {
		const char *name;
		int number, times;
		bool (*make_room)(struct s3_request *request);
		bool succeeds;
		enum err_kind kind;
		int rooms_made;
	} cases[] = {
		{ "full, and room is made", ENOSPC, 2, make_room, true, ERR_INVALID, 2 },
		{ "a quota, and room is made", EDQUOT, 1, make_room, true, ERR_INVALID, 1 },
		{ "full, and none can be made", ENOSPC, 1, make_no_room, false, ERR_SCARCE, 1 },
		{ "a quota, and none can be made", EDQUOT, 1, make_no_room, false, ERR_SCARCE, 1 },
		{ "full, and nobody makes any", ENOSPC, 1, NULL, false, ERR_SCARCE, 0 },
		{ "broken: room is of no use", EIO, 1, make_room, false, ERR_INTERNAL, 0 },
		{ "a signal came", EINTR, 3, make_no_room, true, ERR_INVALID, 0 },
	};
	static const struct said said[] = { WORKS, { .method = NULL } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(close) int fd = new_file("");
		struct s3_request request;

		open_bucket();
		prepare(&request, GETS);
		request.is_once = false;
		request.into_fd = fd;
		request.make_room = cases[i].make_room;
		rooms_made = 0;
		write_errors = cases[i].times;
		write_number = cases[i].number;
		writes_are_short = true;
		play(KEY_PATH, said);
		ask(&request);
		write_errors = 0;
		writes_are_short = false;
		OK(request.succeeded == cases[i].succeeds &&
			   (request.succeeded || request.err.kind == cases[i].kind),
		   "%s: %s", cases[i].name, cases[i].succeeds ? "it is written" : "it is not");
		OK(rooms_made == cases[i].rooms_made && pause_count == 0, "nor asked for again");
		if (cases[i].succeeds)
			is_in_file(fd, BODY, "all of it");
		else
			OK(counted(S3_GET, S3_RESULT_OTHER) == 1 && told.aways == 0,
			   "and the bucket has no part in it");
		s3_request_release(&request);
		close_bucket();
	}
}

/* ---- what is sent ---- */

static void test_sent(void)
{
	static const struct said proved[] = { SAYS("PUT", "200 OK", "ETag: " MD5 "\r\n", ""),
					      { .method = NULL } };
	static const struct said by_head[] = { SAYS("PUT", "200 OK", "ETag: " MD5 "\r\n", ""),
					       SAYS("HEAD", "200 OK", NULL, BODY),
					       { .method = NULL } };
	AUTO(close) int fd = new_file(BODY);
	struct s3_request request;

	open_bucket();
	prepare(&request, PUTS);
	request.bytes = STR_NONE;
	request.sends_file = true;
	request.file_fd = fd;
	request.file_size = strlen(BODY);
	request.content_type = "audio/mpeg";
	snprintf(request.file_sha256, sizeof(request.file_sha256), "%s", "5ha");
	snprintf(request.file_md5, sizeof(request.file_md5), "%.32s", &MD5[1]);
	play(KEY_PATH, proved);
	ask(&request);
	OK(request.succeeded, "a file is put, and its MD5 is the answer's ETag");
	OK(has(str_of(server.all), "PUT " KEY_PATH " HTTP/1.1"), "under its key");
	OK(has(str_of(server.all), "A " BODY), "the bytes of it");
	OK(has(str_of(server.all), "Content-Type: audio/mpeg"), "its type is said");
	OK(has(str_of(server.all), "X-Amz-Content-Sha256: 5ha"), "and its hash");
	OK(has(str_of(server.all), "X-Amz-Date: 20") &&
		   has(str_of(server.all), "Authorization: AWS4-HMAC-SHA256 Credential=id/"),
	   "it is signed");
	IS_INT(counter_read(&s3_counts(s3)->sent_bytes), strlen(BODY), "its size is counted");
	s3_request_release(&request);

	prepare(&request, PUTS);
	request.bytes = STR_NONE;
	request.sends_file = true;
	request.file_fd = fd;
	request.file_size = strlen(BODY);
	play(KEY_PATH, by_head);
	ask(&request);
	OK(request.succeeded, "one whose MD5 is not known");
	IS_STR(str_of(asked_methods), STR("PUT HEAD"), "is proved by a HEAD");
	OK(!has(str_of(server.all), "Content-Type:"), "and no type is said of it");
	s3_request_release(&request);

	prepare(&request, PUTS);
	play(KEY_PATH, proved);
	ask(&request);
	OK(request.succeeded && strcmp(asked_methods, "PUT") == 0, "bytes, too, have an MD5");
	OK(has(str_of(server.all), "X-Amz-Content-Sha256: " SHA256), "and their hash");
	OK(has(str_of(server.all), "A " BODY), "and are put");
	s3_request_release(&request);
	close_bucket();
}

static void test_md5(void)
{
	static const struct {
		const char *etag, *md5;
		bool is_it;
	} cases[] = {
		{ "\"00112233445566778899aabbccddeeff\"", "00112233445566778899aabbccddeeff",
		  true },
		{ "\"00112233445566778899AABBCCDDEEFF\"", "00112233445566778899aabbccddeeff",
		  true },
		{ "\"00112233445566778899aabbccddeefe\"", "00112233445566778899aabbccddeeff",
		  false },
		{ "\"00112233445566778899aabbccddeeff-1\"", "00112233445566778899aabbccddeeff",
		  false },
		{ "\"00112233445566778899aabbccddeef\"", "00112233445566778899aabbccddeeff",
		  false },
		{ "", "00112233445566778899aabbccddeeff", false },
		{ "\"00112233445566778899aabbccddeeff\"", "", false },
		{ "", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct s3_request request = { .status = 200 };

		str_fit(str_of(cases[i].etag), request.etag, sizeof(request.etag));
		OK(s3_has_md5(&request, cases[i].md5) == cases[i].is_it, "ETag %s is%s '%s'",
		   cases[i].etag, cases[i].is_it ? "" : " not", cases[i].md5);
	}
}

static void test_too_long(void)
{
	AUTO(free) char *media = xcalloc(S3_TEXT_MAX + 1, 1);
	struct s3_request request;

	open_bucket();
	prepare(&request, LISTS);
	request.is_once = false;
	play(ALL_PATH, NULL);
	server.noticed = NULL;
	memset(media, 'x', S3_TEXT_MAX + 1);
	server.media = (struct str){ media, S3_TEXT_MAX + 1 };
	next.raw = "HTTP/1.1 200 OK\r\nContent-Length: @L\r\n\r\n@M";
	next.then = THEN_KEEP;
	server.answers = &next;
	server.answer_count = 1;
	ask(&request);
	OK(!request.succeeded && request.err.kind == ERR_INTERNAL &&
		   has(str_of(request.err.text), "too long"),
	   "a page of a listing that is too long is none");
	OK(counted(S3_GET, S3_RESULT_FALSE) == 1 && pause_count == 0, "nor asked for again");
	s3_request_release(&request);
	server.media = STR_NONE;
	close_bucket();
}

int main(void)
{
	begin_tests();
	test_into_file();
	test_size_most();
	test_large();
	test_full_disk();
	test_sent();
	test_md5();
	test_too_long();
	return end_tests();
}
