#include "client/log_client.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "client/progress_bar.h"
#include "proxylog/log_file.h"
#include "proxylog/log_json.h"
#include "proxylog/log_story.h"
#include "proxylog/log_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX  512
#define REPORT_MAX (4 * 1024 * 1024)

struct files {
	char *paths[FILES_MAX];
	size_t count;
	uint64_t all_bytes;
};

static void files_release(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
}

/* Takes the path; false: it is not there. */
static bool add_file(struct files *files, char *path)
{
	if (files->count == FILES_MAX || (strcmp(path, "-") != 0 && access(path, F_OK) < 0)) {
		free(path);
		return false;
	}
	files->all_bytes += log_file_size(path);
	files->paths[files->count++] = path;
	return true;
}

/* FILE.1, FILE.2.gz and so on, until there is neither; the oldest first. */
static void add_rotated(struct files *files, const char *path)
{
	size_t first = files->count, last;

	for (unsigned i = 1; i < FILES_MAX; i++)
		if (!add_file(files, xasprintf("%s.%u", path, i)) &&
		    !add_file(files, xasprintf("%s.%u.gz", path, i)))
			break;
	last = files->count;
	while (first + 1 < last) {
		char *older = files->paths[--last];

		files->paths[last] = files->paths[first];
		files->paths[first++] = older;
	}
}

static bool find_files(const struct log_request *request, struct files *out, struct err *err)
{
	for (size_t i = 0; i < request->paths_count; i++) {
		const char *path = request->paths[i];

		if (strcmp(path, "-") != 0)
			add_rotated(out, path);
		if (!add_file(out, xstrdup(path)))
			return err_set(err, ERR_NOT_FOUND, "there is no '%s'", path);
	}
	return true;
}

struct reading {
	struct log_file_lines lines;
	struct log_story *story;
};

static void take_line(struct log_file_lines *lines, struct str line)
{
	log_story_add(container_of(lines, struct reading, lines)->story, line);
}

static bool read_files(const struct files *files, struct log_story *story, struct err *err)
{
	struct reading reading = { .lines.line = take_line, .story = story };
	struct progress_bar bar;
	uint64_t done_bytes = 0;

	progress_bar_start(&bar, "bytes");
	for (size_t i = 0; i < files->count; i++) {
		struct log_told before, after;
		const struct log_file file = { .path = files->paths[i],
					       .progress = files->all_bytes ? &bar.progress : NULL,
					       .done_bytes = &done_bytes,
					       .all_bytes = files->all_bytes };

		log_story_tell(story, &before);
		if (!log_file_read(&file, &reading.lines, err))
			return false;
		log_story_tell(story, &after);
		/* What was rotated away long ago may be empty. */
		if (after.known == before.known &&
		    (after.lines > before.lines || files->count == 1))
			log_story_note_strange(story, files->paths[i]);
	}
	return true;
}

static void print(struct log_story *story, bool is_json)
{
	__attribute__((cleanup(buf_release_at))) struct buf text;
	struct json json;

	buf_init(&text, REPORT_MAX);
	if (!is_json) {
		log_text_print(story, stdout);
		return;
	}
	json_start(&json, &text);
	log_json_write(story, &json);
	printf("%s\n", text.at);
}

bool log_client_run(const struct log_request *request, enum doctor_verdict *out, struct err *err)
{
	AUTO(log_story_free) struct log_story *story = log_story_new();
	struct files files = { .count = 0 };
	bool is_good = find_files(request, &files, err) && read_files(&files, story, err);

	files_release(&files);
	if (!is_good)
		return false;
	print(story, request->is_json);
	*out = log_story_verdict(story);
	return true;
}
