/* The files of the pages, as bytes of the binary (src/web/page). */
#pragma once

#include "base/str.h"

struct web_page_file {
	const char *pattern; /* of its route (web/routes.c) */
	const char *type;
	const char *at, *end;
};
extern const struct web_page_file web_page_files[];
extern const unsigned web_page_file_count;
