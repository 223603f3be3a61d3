#include "purge/left_alone.h"

#include "base/str.h"

#include <string.h>

static struct left_alone_row *find(struct left_alone *left_alone, const char *sid)
{
	for (size_t i = 0; i < LEFT_ALONE_ROOM; i++)
		if (left_alone->rows[i].sid[0] != '\0' && strcmp(left_alone->rows[i].sid, sid) == 0)
			return &left_alone->rows[i];
	return NULL;
}

/* A free one, else the one that is due first. */
static struct left_alone_row *make_room(struct left_alone *left_alone)
{
	struct left_alone_row *best = &left_alone->rows[0];

	for (size_t i = 0; i < LEFT_ALONE_ROOM; i++) {
		struct left_alone_row *row = &left_alone->rows[i];

		if (row->sid[0] == '\0')
			return row;
		if (row->until_ms < best->until_ms)
			best = row;
	}
	return best;
}

bool left_alone_failed(struct left_alone *left_alone, const char *sid, int64_t now_ms,
		       int64_t least_ms, int64_t most_ms)
{
	struct left_alone_row *row = find(left_alone, sid);
	bool is_first = !row;

	if (!row) {
		row = make_room(left_alone);
		*row = (struct left_alone_row){ .wait_ms = 0 };
		str_fit(str_of(sid), row->sid, sizeof(row->sid));
	}
	row->wait_ms = 2 * row->wait_ms;
	if (row->wait_ms < least_ms)
		row->wait_ms = least_ms;
	if (row->wait_ms > most_ms)
		row->wait_ms = most_ms;
	row->until_ms = now_ms + row->wait_ms;
	return is_first;
}

void left_alone_worked(struct left_alone *left_alone, const char *sid)
{
	struct left_alone_row *row = find(left_alone, sid);

	if (row)
		row->sid[0] = '\0';
}

bool left_alone_rests(const struct left_alone *left_alone, const char *sid, int64_t now_ms)
{
	for (size_t i = 0; i < LEFT_ALONE_ROOM; i++)
		if (strcmp(left_alone->rows[i].sid, sid) == 0)
			return now_ms < left_alone->rows[i].until_ms;
	return false;
}

int64_t left_alone_next_ms(const struct left_alone *left_alone, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < LEFT_ALONE_ROOM; i++) {
		const struct left_alone_row *row = &left_alone->rows[i];

		if (row->sid[0] != '\0' && row->until_ms > now_ms &&
		    row->until_ms - now_ms < next_ms)
			next_ms = row->until_ms - now_ms;
	}
	return next_ms;
}
