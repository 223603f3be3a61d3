#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

NORETURN static void out_of_memory(void)
{
	static const char text[] = "level=error msg=\"out of memory\"\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written;
	abort();
}

void *xmalloc(size_t size)
{
	void *at = malloc(size ? size : 1);

	if (!at)
		out_of_memory();
	return at;
}

void *xcalloc(size_t count, size_t size)
{
	void *at = calloc(count ? count : 1, size ? size : 1);

	if (!at)
		out_of_memory();
	return at;
}

void *xrealloc(void *old, size_t size)
{
	void *at = realloc(old, size ? size : 1);

	if (!at)
		out_of_memory();
	return at;
}

char *xstrdup(const char *text)
{
	return xmemdup0(text, strlen(text));
}

char *xmemdup0(const char *at, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len > 0)
		memcpy(copy, at, len);
	copy[len] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}

void mem_give_back(void)
{
	malloc_trim(0);
}
