/* A size in the first 8 bytes, then a Range header: every range of a 206 lies within the body. */
#include <assert.h>
#include <stdint.h>

#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ranges ranges = { 0 };
	uint64_t size, total = 0;

	if (len < sizeof(size))
		return 0;
	memcpy(&size, bytes, sizeof(size));
	if (range_parse((struct str){ (const char *)bytes + sizeof(size), len - sizeof(size) },
			size, &ranges) != RANGE_SOME)
		return 0;
	assert(ranges.count > 0 && ranges.count <= RANGES_MAX);
	for (unsigned i = 0; i < ranges.count; i++) {
		assert(ranges.at[i].first <= ranges.at[i].last && ranges.at[i].last < size);
		total += ranges.at[i].last - ranges.at[i].first + 1;
	}
	assert(total <= size);
	return 0;
}
