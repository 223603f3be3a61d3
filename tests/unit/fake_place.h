/*
 * A place that a deployment is asked at: a server on a thread of its own, on loopback or on a socket of a folder, that says what
 * a test tells it to, right or wrong.  One request a connection, one connection at a time.
 *
 *	static const struct page pages[] = { { "GET /health ", NULL, "200 OK", "{}" }, { 0 } };
 *
 *	place_start(&place);
 *	place_say(&place, pages);
 *	...
 *	place_stop(&place);
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/own.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Of requests that begin so, and hold that: the first row that fits.  A request that none fits is answered 404. */
struct page {
	const char *begins; /* "GET /health "; NULL: the end of the table */
	const char *holds;  /* of the request; NULL: whatever it holds */
	const char *
		head; /* "200 OK", and header lines behind CRLF; "": it is closed without a word; "HTTP/...": all of it, as it stands */
	const char *body; /* Content-Length is said of it; NULL: none */
};

struct fake_place {
	int fd;
	char url[64];
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	const struct page *pages;
	/* Instead of pages: adds the whole answer.  NULL: pages. */
	void (*answer)(struct fake_place *place, struct str request, struct buf *out);
	char last[8192],
		all[16384]; /* the last request; the first line of each, with its line end */
	size_t count;
};

#define PLACE_BYTES_MAX ((size_t)4 * 1024 * 1024)

static void place_add_page(const struct page *page, struct buf *out)
{
	const char *body = page->body ? page->body : "";

	if (strncmp(page->head, "HTTP/", 5) == 0)
		buf_addf(out, "%s%s", page->head, body);
	else if (page->head[0])
		buf_addf(out, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			 page->head, strlen(body), body);
}

/* NULL: none fits. */
static const struct page *place_find(const struct page *page, struct str request)
{
	while (page && page->begins &&
	       (!str_starts(request, str_of(page->begins)) ||
		(page->holds && str_find_str(request, str_of(page->holds)) == request.len)))
		page++;
	return page && page->begins ? page : NULL;
}

static void place_say_page(const struct page *pages, struct str request, struct buf *out)
{
	static const struct page none = { "", NULL, "404 Not Found", "" };
	const struct page *page = place_find(pages, request);

	place_add_page(page ? page : &none, out);
}

static bool place_is_whole(struct str request)
{
	size_t head = str_find_str(request, STR("\r\n\r\n")) + 4;
	size_t at = str_find_str(request, STR("Content-Length: ")) + 16;
	struct str number = str_after(request, at);
	uint64_t body = 0;

	if (head > request.len)
		return false;
	if (at < head && !str_to_u64(str_first(number, str_find(number, '\r')), &body))
		abort();
	return request.len >= head + body;
}

static void place_remember(struct fake_place *place, struct str request)
{
	size_t used = strlen(place->all);

	place->count++;
	str_fit(request, place->last, sizeof(place->last));
	snprintf(place->all + used, sizeof(place->all) - used, "%.*s\n",
		 STR_ARG(str_first(request, str_find(request, '\r'))));
}

static void place_serve_one(struct fake_place *place, int fd)
{
	AUTO(buf_release) struct buf in, out;
	char piece[4096];
	size_t sent = 0;
	ssize_t n = 1;

	buf_init(&in, PLACE_BYTES_MAX);
	buf_init(&out, PLACE_BYTES_MAX);
	while (n > 0 && !place_is_whole(buf_str(&in))) {
		n = read(fd, piece, sizeof(piece));
		if (n > 0)
			buf_add(&in, piece, (size_t)n);
	}
	if (n <= 0)
		return;
	pthread_mutex_lock(&place->mutex);
	place_remember(place, buf_str(&in));
	if (place->answer)
		place->answer(place, buf_str(&in), &out);
	else
		place_say_page(place->pages, buf_str(&in), &out);
	pthread_mutex_unlock(&place->mutex);
	while (n > 0 && sent < out.len) {
		n = send(fd, out.at + sent, out.len - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
}

static void *place_serve(void *argument)
{
	struct fake_place *place = argument;
	int fd;

	while ((fd = accept4(place->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		place_serve_one(place, fd);
		close(fd);
	}
	return NULL;
}

static void place_begin(struct fake_place *place)
{
	pthread_mutex_init(&place->mutex, NULL);
	if (listen(place->fd, 64) < 0 ||
	    pthread_create(&place->thread, NULL, place_serve, place) != 0)
		abort();
}

__attribute__((unused)) static void place_start(struct fake_place *place)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*place = (struct fake_place){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (place->fd < 0 || bind(place->fd, (const void *)&address, sizeof(address)) < 0 ||
	    getsockname(place->fd, (void *)&address, &len) < 0)
		abort();
	snprintf(place->url, sizeof(place->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	place_begin(place);
}

/* As the administrator's socket. */
__attribute__((unused)) static void place_start_at(struct fake_place *place, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*place = (struct fake_place){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (!str_copy(str_of(path), address.sun_path, sizeof(address.sun_path)) || place->fd < 0 ||
	    bind(place->fd, (const void *)&address, sizeof(address)) < 0)
		abort();
	place_begin(place);
}

/* From now on; what was asked before is forgotten. */
__attribute__((unused)) static void place_say(struct fake_place *place, const struct page *pages)
{
	pthread_mutex_lock(&place->mutex);
	place->pages = pages;
	place->last[0] = place->all[0] = '\0';
	place->count = 0;
	pthread_mutex_unlock(&place->mutex);
}

/* Of requests since place_say(). */
__attribute__((unused)) static size_t place_count(struct fake_place *place)
{
	size_t count;

	pthread_mutex_lock(&place->mutex);
	count = place->count;
	pthread_mutex_unlock(&place->mutex);
	return count;
}

/* All of it; for free(). */
__attribute__((unused)) static char *place_last(struct fake_place *place)
{
	char *last;

	pthread_mutex_lock(&place->mutex);
	last = str_dup(str_of(place->last));
	pthread_mutex_unlock(&place->mutex);
	return last;
}

/* Does the last request hold that? */
__attribute__((unused)) static bool place_was_told(struct fake_place *place, const char *part)
{
	bool was_told;

	pthread_mutex_lock(&place->mutex);
	was_told = strstr(place->last, part) != NULL;
	pthread_mutex_unlock(&place->mutex);
	return was_told;
}

/* "GET /health HTTP/1.1\n", of each request since place_say(); for free(). */
__attribute__((unused)) static char *place_all(struct fake_place *place)
{
	char *all;

	pthread_mutex_lock(&place->mutex);
	all = str_dup(str_of(place->all));
	pthread_mutex_unlock(&place->mutex);
	return all;
}

__attribute__((unused)) static void place_stop(struct fake_place *place)
{
	shutdown(place->fd, SHUT_RDWR);
	pthread_join(place->thread, NULL);
	close(place->fd);
	pthread_mutex_destroy(&place->mutex);
}
