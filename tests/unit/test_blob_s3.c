/*
 * What comes from a bucket while something else happens: the bucket is a socket here, which answers when it is told to.
 */
#include "blob/blob_s3.h"

#include "base/mem.h"
#include "blob/blob_request.h"
#include "blob_folder.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY "some sound"

static int listener;
static struct blob_store *store;

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

/* Its connection, with the head of what is asked read. */
static int take_request(void)
{
	int fd = accept(listener, NULL, NULL);
	char head[8192];
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
	struct err err;
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
	struct err err;

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

int main(void)
{
	struct s3_options s3 = { .store = "s3://bucket/calls",
				 .access_key_id = "id",
				 .secret_access_key = "secret" };
	const struct blob_options options = { .data_dir = folder,
					      .s3 = &s3,
					      .cache_max_bytes = 1 << 20 };
	AUTO(free) char *endpoint = xasprintf("http://127.0.0.1:%u", open_bucket());
	struct blob_remote_facts facts;
	struct err err;

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
	blob_store_free(store);
	close(listener);
	folder_remove();
	return tap_end();
}
