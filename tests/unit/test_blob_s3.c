/*
 * What comes from a bucket while something else happens: the bucket is a socket here, which answers when it is told to.
 */
#include "blob/blob_s3.h"

#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob_marker.h"
#include "blob/blob_request.h"
#include "blob_folder.h"
#include "bucket_store.h"
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BODY        "some sound"
#define PATIENCE_MS 30000 /* a busy machine does not reach it */

static int listener;
static struct blob_store *store;
static struct err err;

/* ---- the bucket ---- */

static unsigned open_bucket(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		abort();
	return ntohs(address.sin_port);
}

static char head[8192]; /* of what was asked last */

/* Its connection, with the head of what is asked read. */
static int take_request(void)
{
	int fd = accept(listener, NULL, NULL);
	size_t len = 0;

	while (fd >= 0) {
		ssize_t n = read(fd, head + len, sizeof(head) - 1 - len);

		if (n <= 0)
			abort();
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return fd;
	}
	abort();
}

static void answer_it(int fd)
{
	static const char reply[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n" BODY;

	if (write(fd, reply, strlen(reply)) != (ssize_t)strlen(reply))
		abort();
	close(fd);
}

/* ---- who asks ---- */

struct asked {
	struct blob_request request;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_done;
};

static void asked_done(struct blob_request *request)
{
	struct asked *asked = container_of(request, struct asked, request);

	pthread_mutex_lock(&asked->mutex);
	asked->is_done = true;
	pthread_cond_signal(&asked->changed);
	pthread_mutex_unlock(&asked->mutex);
}

static void ask(struct asked *asked, const char *name)
{
	uint8_t digest[SHA256_BYTES];
	struct buf hex;

	*asked = (struct asked){ .mutex = PTHREAD_MUTEX_INITIALIZER,
				 .changed = PTHREAD_COND_INITIALIZER };
	asked->request = (struct blob_request){ .verb = BLOB_GET,
						.want_size = strlen(BODY),
						.done = asked_done };
	str_fit(str_of(name), asked->request.name, sizeof(asked->request.name));
	sha256_of(STR(BODY), digest);
	buf_over(&hex, asked->request.want_sha256, sizeof(asked->request.want_sha256));
	hex_add(&hex, digest, sizeof(digest));
	blob_ask(store, NULL, &asked->request);
}

static bool await_it(struct asked *asked)
{
	pthread_mutex_lock(&asked->mutex);
	while (!asked->is_done)
		pthread_cond_wait(&asked->changed, &asked->mutex);
	pthread_mutex_unlock(&asked->mutex);
	pthread_mutex_destroy(&asked->mutex);
	pthread_cond_destroy(&asked->changed);
	if (asked->request.succeeded)
		close(asked->request.fd);
	return asked->request.succeeded;
}

static bool is_here(const char *name)
{
	AUTO(close) int fd = -1;
	uint64_t size;

	return blob_open_here(store, str_of(name), &fd, &size, &err) && fd >= 0;
}

/* ---- what happens meanwhile ---- */

static void nothing(void)
{
}

static void forget_it(void)
{
	blob_here_forget(store, STR(CALL), STR(RECORDING));
}

static void compare(const char *with)
{
	AUTO(blob_folder_release) struct blob_folder names = { .count = 0 };

	if (!blob_here_walk(store, str_of(with), &names, &err))
		abort();
}

static void compare_it(void)
{
	compare("3f");
}

static void compare_others(void)
{
	compare("40");
	compare("");
}

static void doubt_it(void)
{
	blob_here_doubt(store, STR("3f"));
}

static void doubt_others(void)
{
	blob_here_doubt(store, STR("40"));
	blob_here_doubt(store, STR(""));
	blob_here_doubt(store, STR("3f/"));
}

static const struct {
	const char *name;
	void (*meanwhile)(void);
	bool is_kept;
} cases[] = {
	{ "nothing happens meanwhile", nothing, true },
	{ "others are compared with the ledger", compare_others, true },
	{ "it is removed", forget_it, false },
	{ "its folder is compared with the ledger", compare_it, true },
	{ "something of its folder may have been removed unheard", doubt_it, false },
	{ "of others", doubt_others, true },
};

/* ---- what is listed and removed: one question after another ---- */

#define FIRST            "3f/" CALL "." RECORDING ".1.mp3"
#define SECOND           "3f/" CALL "." RECORDING ".2.mp3"
#define KEY(key)         "<Contents><Key>calls/" key "</Key></Contents>"
#define FOLDER(key)      "<CommonPrefixes><Prefix>calls/" key "</Prefix></CommonPrefixes>"
#define LIST(page)       "<ListBucketResult>" page "</ListBucketResult>"
#define MORE             "<IsTruncated>true</IsTruncated>"
#define TOKEN            "<NextContinuationToken>t</NextContinuationToken>"
#define VERSION(key, id) "<Version><Key>calls/" key "</Key><VersionId>" id "</VersionId></Version>"
#define VERSIONS(page)   "<ListVersionsResult>" page "</ListVersionsResult>"
#define ERROR(code)      "<Error><Code>" code "</Code></Error>"

#define AT          "/bucket/calls/3f/" CALL "." RECORDING
#define KEY_ASKED   "calls%2F3f%2F" CALL "." RECORDING
#define VERSIONS_OF "GET /bucket?prefix=" KEY_ASKED
#define NO_PEAKS                                                    \
	{                                                           \
		VERSIONS_OF ".1.peaks&versions=", 200, VERSIONS("") \
	}
#define LIST_OF "GET /bucket?list-type=2&max-keys=100&prefix=calls%2F3f%2F"

enum what { WALK, WALK_STORE, LISTED, LISTED_BEHIND, REMOVE, STAT };

struct exchange {
	const char *asks; /* the first line, to its version */
	int status;
	const char *body;
};

#define EXCHANGES_MAX 5

static const struct {
	const char *name;
	enum what what;
	const char *said; /* names, each with a blank behind it; or the kind of the error */
	struct exchange exchanges[EXCHANGES_MAX];
} asked_of_bucket[] = {
	{ "a folder, whatever lies there, goes on with the token",
	  WALK,
	  FIRST " 3f/notes.txt ",
	  { { "GET /bucket?list-type=2&prefix=calls%2F3f%2F", 200, LIST(KEY(FIRST) MORE TOKEN) },
	    { "GET /bucket?continuation-token=t&list-type=2&prefix=calls%2F3f%2F", 200,
	      LIST(KEY("3f/notes.txt")) } } },
	{ "a page that does not say how to go on is the last",
	  WALK,
	  FIRST " ",
	  { { "GET /bucket?list-type=2&prefix=calls%2F3f%2F", 200, LIST(KEY(FIRST) MORE) } } },
	{ "one that is the last goes on nowhere",
	  WALK,
	  FIRST " ",
	  { { "GET /bucket?list-type=2&prefix=calls%2F3f%2F", 200, LIST(KEY(FIRST) TOKEN) } } },
	{ "of the store itself, what is none of its folders, nor its marks",
	  WALK_STORE,
	  "backup 3g ff0 notes.txt ",
	  { { "GET /bucket?delimiter=%2F&list-type=2&prefix=calls%2F", 200,
	      LIST(FOLDER("3f/") FOLDER("AB/") FOLDER("backup/") FOLDER("3g/") FOLDER("ff0/")
			   KEY("notes.txt") KEY("callspool.store") KEY("callspool.doctor")
				   KEY("") "<Contents><Key>elsewhere</Key></Contents>") } } },
	{ "what is no listing",
	  WALK,
	  "unavailable",
	  { { "GET /bucket?list-type=2&prefix=calls%2F3f%2F", 200, "<html></html>" } } },
	{ "names, and what has none of ours is passed over",
	  LISTED,
	  FIRST " " SECOND " ",
	  { { LIST_OF, 200, LIST(KEY(FIRST) KEY("3f/notes.txt") KEY(SECOND)) } } },
	{ "names go on behind the last key",
	  LISTED,
	  FIRST " " SECOND " ",
	  { { LIST_OF, 200, LIST(KEY(FIRST) KEY("3f/notes.txt") MORE) },
	    { LIST_OF "&start-after=calls%2F3f%2Fnotes.txt", 200, LIST(KEY(SECOND)) } } },
	{ "a page with nothing is the last", LISTED, "", { { LIST_OF, 200, LIST(MORE) } } },
	{ "names behind one",
	  LISTED_BEHIND,
	  SECOND " ",
	  { { LIST_OF "&start-after=" KEY_ASKED ".1.mp3", 200, LIST(KEY(SECOND)) } } },
	{ "every version of it is removed, and no other's",
	  REMOVE,
	  "",
	  { { VERSIONS_OF ".1.mp3&versions=", 200,
	      VERSIONS(VERSION(FIRST, "v1") VERSION(FIRST ".bak", "v2") VERSION(FIRST, "v3")) },
	    { "DELETE " AT ".1.mp3?versionId=v1", 204, "" },
	    { "DELETE " AT ".1.mp3?versionId=v3", 204, "" },
	    NO_PEAKS } },
	{ "in pages, as long as any is removed",
	  REMOVE,
	  "",
	  { { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS(VERSION(FIRST, "v1") MORE) },
	    { "DELETE " AT ".1.mp3?versionId=v1", 204, "" },
	    { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS(VERSION(FIRST ".bak", "v2") MORE) },
	    NO_PEAKS } },
	{ "one that somebody else has removed meanwhile is gone, too",
	  REMOVE,
	  "",
	  { { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS(VERSION(FIRST, "v1")) },
	    { "DELETE " AT ".1.mp3?versionId=v1", 404, ERROR("NoSuchVersion") },
	    NO_PEAKS } },
	{ "the only one, by its key where the version may not be removed",
	  REMOVE,
	  "",
	  { { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS(VERSION(FIRST, "null")) },
	    { "DELETE " AT ".1.mp3?versionId=null", 403, ERROR("AccessDenied") },
	    { "DELETE " AT ".1.mp3", 204, "" },
	    NO_PEAKS } },
	{ "another version not",
	  REMOVE,
	  "invalid",
	  { { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS(VERSION(FIRST, "v1")) },
	    { "DELETE " AT ".1.mp3?versionId=v1", 403, ERROR("AccessDenied") },
	    NO_PEAKS } },
	{ "none is there",
	  REMOVE,
	  "not found",
	  { { VERSIONS_OF ".1.mp3&versions=", 200, VERSIONS("") }, NO_PEAKS } },
	{ "a store that knows no versions",
	  REMOVE,
	  "",
	  { { VERSIONS_OF ".1.mp3&versions=", 501, ERROR("NotImplemented") },
	    { "HEAD " AT ".1.mp3", 200, "" },
	    { "DELETE " AT ".1.mp3", 204, "" },
	    { VERSIONS_OF ".1.peaks&versions=", 501, ERROR("NotImplemented") },
	    { "HEAD " AT ".1.peaks", 404, "" } } },
	{ "what it is asked is not answered with a size",
	  STAT,
	  "not found",
	  { { "HEAD " AT ".1.mp3", 404, "" } } },
};

static atomic_uint taken, wrong;

/* On a thread of its own. */
static void *answer_all(void *argument)
{
	const struct exchange *exchanges = argument;

	for (size_t i = 0; i < EXCHANGES_MAX && exchanges[i].asks; i++) {
		AUTO(free) char *reply = NULL;
		int fd = take_request();

		taken++;
		*strstr(head, " HTTP/1.1\r\n") = '\0';
		if (!str_eq(str_of(head), str_of(exchanges[i].asks))) {
			printf("# asked  %s\n# wanted %s\n", head, exchanges[i].asks);
			wrong++;
		}
		reply = xasprintf(
			"HTTP/1.1 %d It\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			exchanges[i].status, strlen(exchanges[i].body), exchanges[i].body);
		if (write(fd, reply, strlen(reply)) != (ssize_t)strlen(reply))
			abort();
		close(fd);
	}
	return NULL;
}

/* False: it failed. */
static bool ask_bucket(enum what what, struct buf *out)
{
	AUTO(blob_folder_release) struct blob_folder found = { .count = 0 };
	struct blob_names names = { .count = 0 };
	uint64_t size;
	bool is_done = false;

	switch (what) {
	case WALK:
	case WALK_STORE:
		is_done = blob_walk(store, what == WALK ? STR("3f") : STR(""), &found, &err);
		break;
	case LISTED:
	case LISTED_BEHIND:
		is_done = blob_list(store, STR("3f/"), what == LISTED ? STR("") : STR(FIRST),
				    &names, &err);
		break;
	case REMOVE:
		is_done = blob_remove(store, STR(FIRST), &err);
		break;
	case STAT:
		is_done = blob_stat(store, STR(FIRST), &size, &err);
		break;
	}
	for (size_t i = 0; i < found.count; i++)
		buf_addf(out, "%s ", found.names[i]);
	for (size_t i = 0; i < names.count; i++)
		buf_addf(out, "%s ", names.at[i]);
	return is_done;
}

static const char *kind_text(enum err_kind kind)
{
	return kind == ERR_NOT_FOUND     ? "not found"
	       : kind == ERR_INVALID     ? "invalid"
	       : kind == ERR_UNAVAILABLE ? "unavailable"
					 : "another";
}

static void test_asked(size_t i)
{
	const char *name = asked_of_bucket[i].name;
	struct exchange exchanges[EXCHANGES_MAX];
	unsigned wanted = 0;
	pthread_t answering;
	struct buf said;

	memcpy(exchanges, asked_of_bucket[i].exchanges, sizeof(exchanges));
	while (wanted < EXCHANGES_MAX && exchanges[wanted].asks)
		wanted++;
	taken = wrong = 0;
	if (pthread_create(&answering, NULL, answer_all, exchanges) != 0)
		abort();
	buf_init(&said, 4096);
	if (!ask_bucket(asked_of_bucket[i].what, &said)) {
		buf_clear(&said);
		buf_add_text(&said, kind_text(err.kind));
	}
	if (taken < wanted) { /* the bucket would wait for ever */
		printf("Bail out! %s: it asks %u times, and not %u: %s\n", name, taken, wanted,
		       err.text);
		exit(1);
	}
	pthread_join(answering, NULL);
	IS_STR(buf_str(&said), str_of(asked_of_bucket[i].said), "%s", name);
	IS_INT(wrong, 0, "%s: it is asked so", name);
	buf_release(&said);
}

/* ---- what arrives is put into a bucket that keeps it (bucket_store.h), and lies here, too ---- */

#define SOUND "the first part, and the second"

static bool reads(int fd, const char *bytes)
{
	char read[64];
	ssize_t n = pread(fd, read, sizeof(read), 0);

	return n == (ssize_t)strlen(bytes) && memcmp(read, bytes, (size_t)n) == 0;
}

static void test_sealed(void)
{
	AUTO(blob_arriving_free)
	struct blob_arriving *arriving = NULL, *left = NULL, *unnamed = NULL;
	AUTO(close) int reader = -1, here = -1, again = -1, scratch = -1;
	struct blob_content content = { .size = 0 };
	uint8_t digest[SHA256_BYTES];
	struct blob_names names;
	uint64_t size = 0, swept = 9;

	OK(blob_arriving_open(store, STR(RECORDING), 1, &arriving, &err) &&
		   blob_arriving_write(arriving, STR("the first part, and "), &err) &&
		   arriving->size == 20,
	   "what arrives is a file here: %s", err.text);
	OK(blob_arriving_write(arriving, STR("something else"), &err) && arriving->size == 34 &&
		   blob_arriving_truncate(arriving, 20, &err) && arriving->size == 20 &&
		   blob_arriving_write(arriving, STR("the second"), &err),
	   "which is cut back, and goes on: %s", err.text);
	OK(blob_arriving_reader(arriving, &reader, &err) && reads(reader, SOUND),
	   "it can be read meanwhile");
	OK(bucket_has("calls/" FIRST, NULL), "nothing of it is in the bucket");
	OK(blob_arriving_seal(arriving, STR(FIRST), &err) == BLOB_SEALED, "sealed: %s", err.text);
	OK(bucket_has("calls/" FIRST, SOUND), "it is in the bucket, all of it");
	OK(blob_stat(store, STR(FIRST), &size, &err) && size == strlen(SOUND), "of its size");
	OK(blob_open_here(store, STR(FIRST), &here, &size, &err) && here >= 0 &&
		   size == strlen(SOUND) && reads(here, SOUND),
	   "and lies here");
	sha256_of(STR(SOUND), digest);
	OK(blob_read_content(store, STR(FIRST), 0, NULL, &content, &err) &&
		   content.size == strlen(SOUND) &&
		   memcmp(content.sha256, digest, sizeof(digest)) == 0,
	   "the bucket is read for what it holds: %s", err.text);
	OK(blob_write_beside(store, STR(FIRST), STR("peaks"), &err) &&
		   bucket_has("calls/3f/" CALL "." RECORDING ".1.peaks", "peaks"),
	   "a waveform is put beside it: %s", err.text);
	OK(blob_list(store, STR("3f/"), STR(""), &names, &err) && names.count == 2,
	   "both are listed");

	OK(blob_forget_here(store, STR(FIRST)), "what lies here is forgotten");
	OK(!is_here(FIRST), "and is not here any more");
	OK(blob_open_read(store, STR(FIRST), &again, &size, &err) && size == strlen(SOUND) &&
		   reads(again, SOUND),
	   "it is brought from the bucket: %s", err.text);
	OK(blob_remove(store, STR(FIRST), &err) && bucket_has("calls/" FIRST, NULL) &&
		   bucket_has("calls/3f/" CALL "." RECORDING ".1.peaks", NULL) && !is_here(FIRST),
	   "it is removed, with what lies beside it, there and here: %s", err.text);
	OK(!blob_remove(store, STR(FIRST), &err) && err.kind == ERR_NOT_FOUND, "once: %s",
	   err.text);

	OK(blob_arriving_open_unnamed(store, STR(RECORDING), 2, &unnamed, &err) &&
		   blob_arriving_write(unnamed, STR(SOUND), &err) && unnamed->size == strlen(SOUND),
	   "what has no name while it arrives: %s", err.text);
	OK(blob_arriving_seal(unnamed, STR(SECOND), &err) == BLOB_SEALED &&
		   bucket_has("calls/" SECOND, SOUND) && is_here(SECOND),
	   "is sealed as well: %s", err.text);
	OK(blob_sweep_arriving(store, &swept, &err) && swept == 0, "nothing was left behind");

	OK(blob_scratch(store, &scratch, &err) && scratch >= 0, "there is room to pass things on");
	OK(!blob_arriving_take(store, STR(RECORDING), 9, &left, &err) && err.kind == ERR_NOT_FOUND,
	   "what nobody has left is not taken: %s", err.text);
}

#define OURS   "0123456789abcdef0123456789abcdef"
#define OTHERS "fedcba9876543210fedcba9876543210"
#define MARKER "calls/callspool.store"

#define PAGE "<html>Welcome to this network</html>"

/* What answers for the bucket, and is to be taken for the recording. */
static const struct {
	const char *name;
	const char *answer, *marker; /* NULL: as it was */
	struct blob_want want;       /* sha256: "of it" stands for that */
	enum err_kind kind;          /* where said is NULL */
	const char *said;            /* the bytes that were opened */
	unsigned gets;
} wanted[] = {
	{ "what was stored", NULL, NULL, { sizeof(SOUND) - 1, 0, "of it" }, 0, SOUND, 1 },
	{ "of a digest that is not known", NULL, NULL, { sizeof(SOUND) - 1, 0, "" }, 0, SOUND, 1 },
	{ "of which nothing is known", PAGE, NULL, { 0, 0, NULL }, 0, PAGE, 1 },
	{ "no more than there may be", PAGE, NULL, { 0, 5, NULL }, 0, "<html>", 1 },
	{ "a page in its place",
	  PAGE,
	  NULL,
	  { sizeof(SOUND) - 1, 0, "of it" },
	  ERR_INVALID,
	  NULL,
	  3 },
	{ "a page, by its length", PAGE, NULL, { sizeof(SOUND) - 1, 0, "" }, ERR_INVALID, NULL, 3 },
	{ "a page, by its digest", PAGE, NULL, { 0, 0, "of it" }, ERR_INVALID, NULL, 3 },
	{ "a page in place of all",
	  PAGE,
	  PAGE,
	  { sizeof(SOUND) - 1, 0, "of it" },
	  ERR_UNAVAILABLE,
	  NULL,
	  2 },
};

static void test_wanted(size_t i)
{
	const char *name = wanted[i].name;
	struct blob_want want = wanted[i].want;
	AUTO(close) int fd = -1;
	uint8_t digest[SHA256_BYTES];
	char sha256[SHA256_HEX];
	uint64_t size = 0;
	struct buf hex;
	bool is_open;

	sha256_of(STR(SOUND), digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	if (want.sha256 && want.sha256[0])
		want.sha256 = sha256;
	blob_here_drop(store, STR(SECOND));
	bucket_put("calls/" SECOND, wanted[i].answer ? wanted[i].answer : SOUND);
	bucket_put(MARKER, wanted[i].marker ? wanted[i].marker : BLOB_MARKER_TEXT "id: " OURS "\n");
	pthread_mutex_lock(&bucket.mutex);
	bucket.gets = 0;
	pthread_mutex_unlock(&bucket.mutex);
	is_open = blob_open_wanted(store, STR(SECOND), &want, &fd, &size, &err);
	if (wanted[i].said)
		OK(is_open && size == strlen(wanted[i].said) && reads(fd, wanted[i].said), "%s: %s",
		   name, is_open ? "opened" : err.text);
	else
		OK(!is_open && err.kind == wanted[i].kind, "%s: %s", name,
		   is_open ? "opened" : err.text);
	IS_INT(bucket_count(&bucket.gets), wanted[i].gets, "%s: asked so often", name);
	OK(!is_here(SECOND), "%s: it is not kept for who does not play it", name);
}

/* What lies here is not as long as it was. */
static void test_cut_here(void)
{
	AUTO(free) char *path = xasprintf("%s/cache/" FIRST, folder);
	const struct blob_want want = { .size = strlen(SOUND) };
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	AUTO(close) int fd = -1;
	uint64_t size = 0;

	if (!blob_arriving_open(store, STR(RECORDING), 1, &arriving, &err) ||
	    !blob_arriving_write(arriving, STR(SOUND), &err) ||
	    blob_arriving_seal(arriving, STR(FIRST), &err) != BLOB_SEALED || truncate(path, 5) < 0)
		abort();
	OK(blob_open_wanted(store, STR(FIRST), &want, &fd, &size, &err) && reads(fd, SOUND),
	   "what was cut here is brought anew: %s", err.text);
}

static bool is_young(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 && about.st_mtim.tv_sec > time(NULL) - 3600;
}

/* What a start finds is in the order in which it was last changed, and what is played since is the last to go. */
static void test_used(const struct blob_options *options)
{
	const struct timespec long_ago[] = { { .tv_nsec = UTIME_OMIT },
					     { .tv_sec = time(NULL) - 7200 } };
	AUTO(free) char *path = xasprintf("%s/cache/" SECOND, folder);
	struct blob_remote_facts facts = { .hits = 9 };
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	if (utimensat(AT_FDCWD, path, long_ago, 0) < 0 || !blob_open(options, &store, &err))
		abort();
	blob_here_used(store, STR(FIRST)); /* which is not here */
	blob_here_used(store, STR(SECOND));
	while (!is_young(path) && clock_monotonic_ms() < end_ms)
		(void)poll(NULL, 0, 2);
	OK(is_young(path), "what is played on from here is known to be used");
	OK(blob_remote_read(store, &facts) && facts.hits == 0, "and was not asked for anew");
	blob_store_free(store);
}

/* Whose it is; what is not known just now does not keep a server from its start, and is told. */
static void test_claimed(void)
{
	static const struct {
		const char *marker; /* NULL: there is none */
		const char *refuses;
		bool is_used, is_claimed, is_trouble;
		const char *name;
	} claims[] = {
		{ NULL, "", false, true, false, "an empty bucket" },
		{ NULL, "", true, true, true, "a bucket that lost its marker" },
		{ NULL, MARKER, false, true, true, "a bucket that refuses us" },
		{ BLOB_MARKER_TEXT "id: " OURS "\n", "", true, true, false, "ours" },
		{ BLOB_MARKER_TEXT "id: " OTHERS "\n", "", true, false, false, "another's" },
	};

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		struct trouble_facts facts;

		trouble_worked(&store->writing);
		blob_store_know(store, OURS, claims[i].is_used);
		bucket_empty();
		pthread_mutex_lock(&bucket.mutex);
		if (claims[i].marker)
			object_put(STR(MARKER), str_of(claims[i].marker));
		str_fit(str_of(claims[i].refuses), bucket.refuses, sizeof(bucket.refuses));
		pthread_mutex_unlock(&bucket.mutex);
		err.text[0] = '\0';
		OK(blob_store_claim(store, &err) == claims[i].is_claimed, "%s: %s (%s)",
		   claims[i].name, claims[i].is_claimed ? "it may be" : "it may not be", err.text);
		trouble_read(&store->writing, 60000, &facts);
		OK((facts.for_ms >= 0) == claims[i].is_trouble, "%s: %s", claims[i].name,
		   claims[i].is_trouble ? "that is told" : "no trouble");
		if (claims[i].is_trouble)
			IS_STR(str_of(facts.text), str_of(err.text), "%s: in words",
			       claims[i].name);
	}
	bucket_empty();
}

static void test_bucket_that_keeps(const struct blob_options *options)
{
	if (!blob_open(options, &store, &err))
		abort();
	test_claimed();
	blob_store_free(store);
	if (!blob_open(options, &store, &err))
		abort();
	blob_store_know(store, OURS, false);
	test_sealed();
	blob_store_free(store);
	test_used(options);
	if (!blob_open(options, &store, &err))
		abort();
	blob_store_know(store, OURS, true);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		test_wanted(i);
	test_cut_here();
	blob_store_free(store);
	bucket_stop();
}

int main(void)
{
	struct s3_options s3 = { .store = "s3://bucket/calls",
				 .access_key_id = "id",
				 .secret_access_key = "secret" };
	const struct blob_options options = { .data_dir = folder,
					      .s3 = &s3,
					      .cache_max_bytes = 1 << 20 };
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", open_bucket());
	AUTO(free) char *kept = NULL;
	struct blob_remote_facts facts;

	folder_make();
	s3.endpoint = endpoint;
	if (!blob_open(&options, &store, &err))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[BLOB_NAME_SIZE];
		struct asked asked;
		int fd;

		snprintf(name, sizeof(name), "3f/" CALL "." RECORDING ".%zu.mp3", i + 1);
		ask(&asked, name);
		fd = take_request();
		cases[i].meanwhile();
		answer_it(fd);
		OK(await_it(&asked), "it came: %s", cases[i].name);
		OK(is_here(name) == cases[i].is_kept, "and is%s kept",
		   cases[i].is_kept ? "" : " not");
	}
	OK(blob_remote_read(store, &facts) && facts.misses == ARRAY_LEN(cases),
	   "what was brought was not here, and nothing else is counted so");
	for (size_t i = 0; i < ARRAY_LEN(asked_of_bucket); i++)
		test_asked(i);
	blob_store_free(store);
	close(listener);
	kept = bucket_start();
	s3.endpoint = kept;
	test_bucket_that_keeps(&options);
	folder_remove();
	return tap_end();
}
