/* The files of the page, as bytes of the binary: ui/dist, by tools/embed-page. */
#pragma once

#include <stdint.h>

struct web_page_file {
	const char *name; /* "main.7XOX7KBU.js"; in the order of strcmp() */
	const char *type; /* Content-Type */
	const char *tag;  /* of its bytes */
	uint32_t offset;  /* in web_pages_bytes: as it is, behind that as gzip */
	uint32_t size;
	uint32_t packed_size; /* 0: gzip makes it no smaller */
};
extern const struct web_page_file web_page_files[];
extern const unsigned web_page_file_count;
extern const char web_pages_bytes[] __attribute__((visibility("hidden")));
extern const char web_pages_policy[]; /* Content-Security-Policy of a page */
