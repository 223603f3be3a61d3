/* Any lines: no crash, slices that lie in the line or in the room, and a story that counts each once. */
#include "proxylog/log_story.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct str slice, const char *at, size_t size)
{
	return !slice.at || (slice.at >= at && slice.at + slice.len <= at + size);
}

static void check(struct str line)
{
	static char room[LOG_LINE_ROOM];
	const struct str *slices[4];
	struct log_line read;

	log_line_read(line, room, &read);
	slices[0] = &read.message;
	slices[1] = &read.request;
	slices[2] = &read.request_id;
	slices[3] = &read.range;
	for (int i = 0; i < 4; i++)
		if (!lies_in(*slices[i], line.at, line.len) &&
		    !lies_in(*slices[i], room, sizeof(room)))
			abort();
	if (read.status < 0 || read.status > 999 || log_cause_of(&read) >= LOG_CAUSES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log_story *story;
	struct str rest = { (const char *)data, size }, line;
	struct log_told before, after;
	uint64_t lines = 0;

	if (!story)
		story = log_story_new();
	log_story_tell(story, &before);
	while (size > 0 && str_cut(&rest, '\n', &line)) {
		lines += line.len > 0;
		if (line.len > 0)
			check(line);
		log_story_add(story, line);
	}
	log_story_tell(story, &after);
	if (after.lines != before.lines + lines || after.known > after.lines)
		abort();
	(void)log_story_failure(story, 0);
	(void)log_story_worst(story);
	return 0;
}
