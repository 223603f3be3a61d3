/*
 * A server that a command asks (client/access_client.h), with canned answers, one after the other; what it is asked, and how far
 * the command shows that it is, are kept.  Nobody waits.
 *
 * Linked with --wrap of what is wrapped below.
 */
#pragma once

#include "base/mem.h"
#include "base/own.h"
#include "client/access_client.h"
#include "client/progress_bar.h"
#include "must.h"
#include "tap.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct err err;

static long asked_status;                          /* of an answer that fails */
static enum err_kind asked_kind = ERR_UNAVAILABLE; /* the same */
static void (*asked_looks)(void);                  /* when it is asked; NULL: nobody */
static const char *const *asked_answers;           /* JSON, up to NULL; "" fails */
static bool asked_is_own;                          /* the server is one in this process */
static char asked_all[8192];    /* "GET /path\n", with what was sent behind the path */
static unsigned asked_releases; /* of clients */
static char asked_shown[1024];  /* "what" of each bar, and "done/all" of each move behind it */
static int64_t asked_waited_ms, asked_longest_ms;
static int64_t asked_clock_ms = 1000, asked_takes_ms; /* an answer */
static struct access_client asked_by;                 /* as it was when it asked last */

static void asked_begin(const char *const *answers)
{
	asked_answers = answers;
	asked_all[0] = asked_shown[0] = '\0';
	asked_releases = 0;
	asked_waited_ms = asked_longest_ms = 0;
	asked_takes_ms = 1;
	asked_by = (struct access_client){ .settings = NULL };
}

__attribute__((format(printf, 3, 4))) static void asked_note(char *to, size_t size, const char *fmt,
							     ...)
{
	size_t used = strlen(to);
	va_list args;

	va_start(args, fmt);
	vsnprintf(to + used, size - used, fmt, args);
	va_end(args);
}

bool __wrap_access_ask(struct access_client *client, const char *method, const char *path,
		       json_t *body, json_t **out, struct err *why);
void __wrap_access_client_release(struct access_client *client);
void __wrap_progress_bar_start(struct progress_bar *bar, const char *what);
int __wrap_nanosleep(const struct timespec *wait, struct timespec *left);
int64_t __wrap_clock_monotonic_ms(void);

bool __wrap_access_ask(struct access_client *client, const char *method, const char *path,
		       json_t *body, json_t **out, struct err *why)
{
	char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	const char *answer = *asked_answers;

	asked_by = *client;
	asked_clock_ms += asked_takes_ms;
	asked_note(asked_all, sizeof(asked_all), "%s %s%s%s\n", method, path, text ? " " : "",
		   text ? text : "");
	free(text);
	json_decref(body);
	asked_answers += answer != NULL;
	if (asked_looks)
		asked_looks();
	client->status = answer && *answer ? 200 : asked_status;
	if (!answer || !*answer)
		return err_set(why, asked_kind, "the server does not answer");
	if (asked_is_own)
		client->own = (void *)client;
	*out = json_loads(answer, 0, NULL);
	return *out || err_set(why, ERR_INTERNAL, "no JSON: %s", answer);
}

void __wrap_access_client_release(struct access_client *client)
{
	asked_releases++;
}

static void asked_moved(struct progress *progress, uint64_t done, uint64_t all)
{
	asked_note(asked_shown, sizeof(asked_shown), " %" PRIu64 "/%" PRIu64, done, all);
}

void __wrap_progress_bar_start(struct progress_bar *bar, const char *what)
{
	*bar = (struct progress_bar){ .progress.moved = asked_moved, .what = what };
	asked_note(asked_shown, sizeof(asked_shown), "[%s]", what);
}

int __wrap_nanosleep(const struct timespec *wait, struct timespec *left)
{
	int64_t ms = wait->tv_sec * 1000 + wait->tv_nsec / 1000000;

	asked_clock_ms += ms;
	asked_waited_ms += ms;
	asked_longest_ms = ms > asked_longest_ms ? ms : asked_longest_ms;
	return 0;
}

int64_t __wrap_clock_monotonic_ms(void)
{
	return asked_clock_ms;
}

/* ---- what a person is told, on standard error ---- */

static int asked_stderr = -1, asked_memory = -1;

__attribute__((unused)) static void asked_listen(void)
{
	asked_stderr = dup(STDERR_FILENO);
	asked_memory = memfd_create("told", 0);
	if (asked_stderr < 0 || asked_memory < 0 || dup2(asked_memory, STDERR_FILENO) < 0)
		abort();
}

__attribute__((unused)) static struct str asked_heard(void)
{
	static char text[4096];
	ssize_t len;

	fflush(stderr);
	len = pread(asked_memory, text, sizeof(text), 0);
	if (len < 0 || dup2(asked_stderr, STDERR_FILENO) < 0)
		abort();
	close(asked_stderr);
	close(asked_memory);
	return (struct str){ text, (size_t)len };
}
