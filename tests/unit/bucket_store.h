/*
 * A bucket that keeps what it is given, on a thread of its own: for who asks and waits.  What is put has to have the hash that
 * it came with, as a bucket wants it; nobody's signature is looked at.
 *
 * One connection after the other, each for one request.
 */
#pragma once

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "s3/s3_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUCKET_OBJECTS_MAX 512
#define BUCKET_KEY_SIZE    256

struct bucket_object {
	char key[BUCKET_KEY_SIZE]; /* the prefix of the store included */
	char *bytes;
	size_t len;
};

static struct bucket {
	int listener;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	struct bucket_object objects[BUCKET_OBJECTS_MAX];
	size_t count;
	unsigned puts, gets, deletes; /* of objects */
	char spoils
		[BUCKET_KEY_SIZE]; /* what is put there is kept with another first byte; "": none */
	char refuses[BUCKET_KEY_SIZE]; /* 403 for what has this in its key; "": none */
	char hangs[BUCKET_KEY_SIZE];   /* no answer for what has this in its key; "": none */
	int hanging;                   /* the connection that waits for one; -1: none */
} bucket = { .mutex = PTHREAD_MUTEX_INITIALIZER, .hanging = -1 };

/* ---- objects; the mutex is held ---- */

static struct bucket_object *object_find(struct str key)
{
	for (size_t i = 0; i < bucket.count; i++)
		if (str_eq(str_of(bucket.objects[i].key), key))
			return &bucket.objects[i];
	return NULL;
}

static void object_remove(struct bucket_object *object)
{
	free(object->bytes);
	*object = bucket.objects[--bucket.count];
}

static void object_put(struct str key, struct str bytes)
{
	struct bucket_object *object = object_find(key);

	if (object)
		object_remove(object);
	if (bucket.count == BUCKET_OBJECTS_MAX)
		abort();
	object = &bucket.objects[bucket.count++];
	str_fit(key, object->key, sizeof(object->key));
	object->bytes = str_dup(bytes);
	object->len = bytes.len;
	if (bucket.spoils[0] && strstr(object->key, bucket.spoils) && bytes.len > 0)
		object->bytes[0] ^= 1;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct bucket_object *)a)->key,
		      ((const struct bucket_object *)b)->key);
}

/* ---- one request ---- */

/* Of "/bucket/calls/3f/x?query": "%2F" is '/', and nothing else is written so here. */
static void unescape(struct str from, char *to, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < from.len && len + 1 < size; i++) {
		bool is_slash = str_starts(str_after(from, i), STR("%2F"));

		to[len++] = is_slash ? '/' : from.at[i];
		i += is_slash ? 2 : 0;
	}
	to[len] = '\0';
}

static void query_find(struct str query, struct str name, char *out, size_t size)
{
	struct str piece;

	out[0] = '\0';
	while (str_cut(&query, '&', &piece))
		if (str_starts(piece, name))
			unescape(str_after(piece, name.len), out, size);
}

static void answer_list(struct str query, struct buf *out)
{
	char prefix[BUCKET_KEY_SIZE], after[BUCKET_KEY_SIZE];
	struct buf page;

	query_find(query, STR("prefix="), prefix, sizeof(prefix));
	query_find(query, STR("start-after="), after, sizeof(after));
	qsort(bucket.objects, bucket.count, sizeof(bucket.objects[0]), by_key);
	buf_init(&page, 1 << 20);
	buf_add_text(&page, "<ListBucketResult><IsTruncated>false</IsTruncated>");
	for (size_t i = 0; i < bucket.count; i++)
		if (str_starts(str_of(bucket.objects[i].key), str_of(prefix)) &&
		    strcmp(bucket.objects[i].key, after) > 0)
			buf_addf(&page, "<Contents><Key>%s</Key></Contents>",
				 bucket.objects[i].key);
	buf_add_text(&page, "</ListBucketResult>");
	buf_addf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", page.len);
	buf_add_str(out, buf_str(&page));
	buf_release(&page);
}

static void answer_error(struct buf *out, const char *status, const char *code)
{
	AUTO(free) char *body = xasprintf("<Error><Code>%s</Code></Error>", code);

	buf_addf(out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
}

static void add_head(struct buf *out, const struct bucket_object *object)
{
	AUTO(md5_free) struct md5 *md5 = md5_new();
	char hex[MD5_HEX];

	md5_add(md5, object->bytes, object->len);
	md5_end(md5, hex);
	buf_addf(out, "HTTP/1.1 200 OK\r\nETag: \"%s\"\r\nContent-Length: %zu\r\n\r\n", hex,
		 object->len);
}

static void answer_get(struct str method, struct str key, struct buf *out)
{
	const struct bucket_object *object = object_find(key);
	bool is_head = str_eq(method, STR("HEAD"));

	bucket.gets += !is_head;
	if (!object && is_head) {
		buf_add_text(out, "HTTP/1.1 404 Not Found\r\n\r\n");
	} else if (!object) {
		answer_error(out, "404 Not Found", "NoSuchKey");
	} else {
		add_head(out, object);
		if (!is_head)
			buf_add(out, object->bytes, object->len);
	}
}

static void answer_put(struct str head, struct str key, struct str body, struct buf *out)
{
	uint8_t digest[SHA256_BYTES];
	char sha256[SHA256_HEX];
	AUTO(md5_free) struct md5 *md5 = md5_new();
	char hex_md5[MD5_HEX];
	struct buf hex;

	bucket.puts++;
	sha256_of(body, digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	if (str_find_str(head, str_of(sha256)) == head.len) {
		answer_error(out, "400 Bad Request", "XAmzContentSHA256Mismatch");
		return;
	}
	object_put(key, body);
	md5_add(md5, body.at, body.len);
	md5_end(md5, hex_md5);
	buf_addf(out, "HTTP/1.1 200 OK\r\nETag: \"%s\"\r\nContent-Length: 0\r\n\r\n", hex_md5);
}

static void answer_delete(struct str key, struct buf *out)
{
	struct bucket_object *object = object_find(key);

	bucket.deletes++;
	if (object)
		object_remove(object);
	buf_add_text(out, "HTTP/1.1 204 No Content\r\n\r\n");
}

/* False: there is no answer. */
static bool bucket_answer(struct str request, struct str body, struct buf *out)
{
	struct str method, target, path, query;
	char key[BUCKET_KEY_SIZE];

	method = str_first(request, str_find(request, ' '));
	target = str_after(request, method.len + 1);
	target = str_first(target, str_find(target, ' '));
	path = str_first(target, str_find(target, '?'));
	query = str_after(target, path.len + 1);
	unescape(str_after(path, strlen("/bucket/")), key, sizeof(key));
	if (bucket.hangs[0] && strstr(key, bucket.hangs))
		return false;
	if (bucket.refuses[0] && strstr(key, bucket.refuses))
		answer_error(out, "403 Forbidden", "AccessDenied");
	else if (str_starts(query, STR("versions")) || str_starts(query, STR("versioning")))
		answer_error(out, "501 Not Implemented", "NotImplemented");
	else if (query.len > 0)
		answer_list(query, out);
	else if (str_eq(method, STR("PUT")))
		answer_put(request, str_of(key), body, out);
	else if (str_eq(method, STR("DELETE")))
		answer_delete(str_of(key), out);
	else
		answer_get(method, str_of(key), out);
	return true;
}

/* ---- its thread ---- */

/* Head and body; 0: it was closed. */
static size_t bucket_read(int fd, struct buf *in)
{
	for (;;) {
		struct str all = buf_str(in);
		size_t head = str_find_str(all, STR("\r\n\r\n")) + 4;
		size_t at = str_find_str(all, STR("Content-Length: "));
		uint64_t body = 0;
		char piece[16384];
		ssize_t n;

		if (at < head && head <= all.len) {
			struct str number = str_after(all, at + 16);

			if (!str_to_u64(str_first(number, str_find(number, '\r')), &body))
				body = 0;
		}
		if (head <= all.len && all.len >= head + body)
			return head;
		n = read(fd, piece, sizeof(piece));
		if (n <= 0)
			return 0;
		buf_add(in, piece, (size_t)n);
	}
}

/* The connection ends with the answer, and says so. */
static void bucket_send(int fd, struct str answer)
{
	size_t line = str_find(answer, '\n') + 1;
	struct buf out;
	size_t sent = 0;

	buf_init(&out, 1 << 22);
	buf_add_str(&out, str_first(answer, line));
	buf_add_text(&out, "Connection: close\r\n");
	buf_add_str(&out, str_after(answer, line));
	while (sent < out.len) {
		ssize_t n = send(fd, out.at + sent, out.len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	buf_release(&out);
}

static void bucket_serve(int fd)
{
	struct buf in, out;
	bool is_answered = true;
	size_t head;

	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 22);
	head = bucket_read(fd, &in);
	if (head > 0) {
		pthread_mutex_lock(&bucket.mutex);
		is_answered = bucket_answer(str_first(buf_str(&in), head),
					    str_after(buf_str(&in), head), &out);
		if (!is_answered && bucket.hanging >= 0)
			close(bucket.hanging);
		if (!is_answered)
			bucket.hanging = fd;
		pthread_mutex_unlock(&bucket.mutex);
	}
	if (is_answered) {
		bucket_send(fd, buf_str(&out));
		close(fd);
	}
	buf_release(&in);
	buf_release(&out);
}

static void *bucket_run(void *argument)
{
	for (;;) {
		int fd = accept4(bucket.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		bucket_serve(fd);
	}
}

/* ---- for tests ---- */

/* Its address; for free(). */
static char *bucket_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	bucket.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bucket.listener < 0 ||
	    bind(bucket.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(bucket.listener, 64) < 0 ||
	    getsockname(bucket.listener, (struct sockaddr *)&address, &len) < 0 ||
	    pthread_create(&bucket.thread, NULL, bucket_run, NULL) != 0)
		abort();
	return xasprintf("http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void bucket_empty(void)
{
	pthread_mutex_lock(&bucket.mutex);
	while (bucket.count > 0)
		object_remove(&bucket.objects[0]);
	bucket.puts = bucket.gets = bucket.deletes = 0;
	bucket.spoils[0] = bucket.refuses[0] = bucket.hangs[0] = '\0';
	pthread_mutex_unlock(&bucket.mutex);
}

static void bucket_stop(void)
{
	shutdown(bucket.listener, SHUT_RDWR);
	pthread_join(bucket.thread, NULL);
	close(bucket.listener);
	if (bucket.hanging >= 0)
		close(bucket.hanging);
	bucket_empty();
}

/* What has this in its key from now on; "": nothing. */
__attribute__((unused)) static void bucket_does(char *what, const char *key)
{
	pthread_mutex_lock(&bucket.mutex);
	str_fit(str_of(key), what, BUCKET_KEY_SIZE);
	pthread_mutex_unlock(&bucket.mutex);
}

__attribute__((unused)) static void bucket_put(const char *key, const char *bytes)
{
	pthread_mutex_lock(&bucket.mutex);
	object_put(str_of(key), str_of(bytes));
	pthread_mutex_unlock(&bucket.mutex);
}

__attribute__((unused)) static void bucket_remove(const char *key)
{
	struct bucket_object *object;

	pthread_mutex_lock(&bucket.mutex);
	object = object_find(str_of(key));
	if (object)
		object_remove(object);
	pthread_mutex_unlock(&bucket.mutex);
}

/* NULL: is there none of that key? */
__attribute__((unused)) static bool bucket_has(const char *key, const char *bytes)
{
	const struct bucket_object *object;
	bool has;

	pthread_mutex_lock(&bucket.mutex);
	object = object_find(str_of(key));
	has = object ? bytes && str_eq((struct str){ object->bytes, object->len }, str_of(bytes))
		     : !bytes;
	pthread_mutex_unlock(&bucket.mutex);
	return has;
}

__attribute__((unused)) static unsigned bucket_count(const unsigned *what)
{
	unsigned count;

	pthread_mutex_lock(&bucket.mutex);
	count = *what;
	pthread_mutex_unlock(&bucket.mutex);
	return count;
}
