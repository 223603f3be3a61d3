/*
 * What a client of /api/events says on its WebSocket: what is taken is whole, and its texts are its own.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "live/live_wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct live_wish wish;
	const struct call_filter *filter = &wish.query.filter;
	char room[CALL_KEY_SIZE];
	struct call_cursor again;

	if (!live_wish_read((struct str){ (const char *)data, size }, &wish))
		return 0;
	assert(!wish.has_after || wish.after >= 0);
	assert(!filter->number.at || (filter->number.at == wish.query.number &&
				      strlen(filter->number.at) == filter->number.len));
	assert(!filter->call_sid.at || (filter->call_sid.at == wish.query.call_sid &&
					filter->call_sid.len == SID_SIZE - 1));
	if (wish.bottom.id) {
		bool is_read = call_key_read(call_key(&wish.bottom, room), &again);

		assert(is_read && memcmp(&again, &wish.bottom, sizeof(again)) == 0);
	}
	return 0;
}
