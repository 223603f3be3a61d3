/*
 * What is printed on standard output, for the tests of what prints.
 */
#pragma once

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int stdout_fd;
static FILE *taken;

/* What is printed from now on, up to printed(). */
static void take_stdout(void)
{
	fflush(stdout);
	taken = tmpfile();
	stdout_fd = dup(STDOUT_FILENO);
	if (!taken || dup2(fileno(taken), STDOUT_FILENO) < 0)
		exit(1);
}

/* Valid until the next call. */
static struct str printed(void)
{
	static char text[256 * 1024];
	ssize_t n;

	fflush(stdout);
	dup2(stdout_fd, STDOUT_FILENO);
	close(stdout_fd);
	n = pread(fileno(taken), text, sizeof(text), 0);
	fclose(taken);
	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}
