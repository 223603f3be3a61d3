/*
 * Long work on a terminal: [#####     ] 12 of 300 files.  On anything else it is quiet.
 */
#pragma once

#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
	struct progress progress;
	const char *what; /* is counted: "files" */
	bool is_shown;
	int64_t drawn_at_ms;
};

/* Standard error is looked at. */
void progress_bar_start(struct progress_bar *bar, const char *what);
