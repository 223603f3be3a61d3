/*
 * What would be printed on a terminal of so many columns.
 *
 *	pseudo_terminal_open(&pseudo, 40);
 *	... fprintf(pseudo.to, ...)
 *	AUTO(free) char *text = pseudo_terminal_close(&pseudo);
 */
#pragma once

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct pseudo_terminal {
	FILE *to;
	int from;
	pthread_t reader; /* what nobody reads would hold up who prints */
	char text[65536];
	size_t len;
};

static void *pseudo_terminal_read(void *arg)
{
	struct pseudo_terminal *pseudo = arg;
	ssize_t got;

	/* EIO: the other side was closed. */
	while ((got = read(pseudo->from, pseudo->text + pseudo->len,
			   sizeof(pseudo->text) - 1 - pseudo->len)) > 0)
		pseudo->len += (size_t)got;
	return NULL;
}

__attribute__((unused)) static void pseudo_terminal_open(struct pseudo_terminal *pseudo,
							 unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct termios mode;
	int to;

	*pseudo = (struct pseudo_terminal){ .len = 0 };
	if (openpty(&pseudo->from, &to, NULL, NULL, &size) < 0 || tcgetattr(to, &mode) < 0) {
		perror("openpty");
		exit(1);
	}
	cfmakeraw(&mode); /* line ends as they are written */
	pseudo->to = fdopen(to, "w");
	if (tcsetattr(to, TCSANOW, &mode) < 0 || !pseudo->to ||
	    pthread_create(&pseudo->reader, NULL, pseudo_terminal_read, pseudo) != 0) {
		perror("a terminal");
		exit(1);
	}
}

/* All that was printed; for free(). */
__attribute__((unused)) static char *pseudo_terminal_close(struct pseudo_terminal *pseudo)
{
	fclose(pseudo->to);
	pthread_join(pseudo->reader, NULL);
	close(pseudo->from);
	return xmemdup0(pseudo->text, pseudo->len);
}
