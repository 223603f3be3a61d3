#include "paths.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX    (16 << 20)
#define REQUEST_MAX 2048

static bool read_line(struct str line, const struct load_options *options, struct one_path *out)
{
	struct load_options own = *options;
	size_t space = str_find(line, ' '), tab = str_find(line, '\t');
	char path[REQUEST_MAX], header[REQUEST_MAX], text[REQUEST_MAX];
	struct str request;

	if (!str_to_u64(str_first(line, space), &out->length) ||
	    !str_copy(str_after(str_first(line, tab), space + 1), path, sizeof(path)) ||
	    !str_copy(str_after(line, tab + 1), header, sizeof(header)))
		return false;
	own.path = path;
	if (tab < line.len)
		own.header = header;
	request = load_request(&own, text, sizeof(text));
	out->text = str_dup(request); /* no longer than it is: there may be thousands */
	out->request = (struct str){ out->text, request.len };
	return true;
}

bool paths_read(struct paths *paths, const struct load_options *options)
{
	AUTO(free) char *text = NULL;
	struct str left;
	struct err err;

	if (!file_read(options->paths, FILE_MAX, &text, &left.len, &err)) {
		fprintf(stderr, "bench-load: %s\n", err.text);
		return false;
	}
	left.at = text;
	while (left.len > 0) {
		size_t end = str_find(left, '\n');

		paths->at = xrealloc(paths->at, (paths->count + 1) * sizeof(*paths->at));
		if (!read_line(str_first(left, end), options, &paths->at[paths->count])) {
			fprintf(stderr, "bench-load: '%.*s' is no length and path\n",
				STR_ARG(str_first(left, end)));
			return false;
		}
		paths->count++;
		left = str_after(left, end < left.len ? end + 1 : end);
	}
	if (paths->count == 0)
		fprintf(stderr, "bench-load: '%s' is empty\n", options->paths);
	return paths->count > 0;
}

void paths_free(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->at[i].text);
	free(paths->at);
}

const struct one_path *paths_next(struct paths *paths)
{
	const struct one_path *one = &paths->at[paths->next];

	paths->next = (paths->next + 1) % paths->count;
	return one;
}
