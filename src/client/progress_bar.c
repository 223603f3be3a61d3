#include "client/progress_bar.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH   30
#define EACH_MS 100

static void draw(const struct progress_bar *bar, uint64_t done, uint64_t all)
{
	uint64_t filled = all ? done * WIDTH / all : WIDTH;

	fprintf(stderr, "\r[");
	for (uint64_t i = 0; i < WIDTH; i++)
		fputc(i < filled ? '#' : ' ', stderr);
	fprintf(stderr, "] %llu of %llu %s%s", (unsigned long long)done, (unsigned long long)all,
		bar->what, done == all ? "\n" : "");
}

static void moved(struct progress *progress, uint64_t done, uint64_t all)
{
	struct progress_bar *bar = container_of(progress, struct progress_bar, progress);
	int64_t now_ms = clock_monotonic_ms();

	if (!bar->is_shown || (done != all && now_ms - bar->drawn_at_ms < EACH_MS))
		return;
	bar->drawn_at_ms = now_ms;
	draw(bar, done, all);
}

void progress_bar_start(struct progress_bar *bar, const char *what)
{
	*bar = (struct progress_bar){ .progress.moved = moved,
				      .what = what,
				      .is_shown = isatty(STDERR_FILENO) };
}
