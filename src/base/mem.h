/*
 * Memory.  Running out of it ends the process: sizes that an outsider controls are
 * capped long before, so it is a crash for the service manager to restart, not a
 * branch that nobody tests.  Free with free().
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xmemdup0(const char *at, size_t len); /* a copy of len bytes, NUL-terminated */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Lets the system have the pages that hold nothing any more: milliseconds, so after a crowd only. */
void mem_give_back(void);
