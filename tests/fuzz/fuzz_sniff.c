/* Any bytes, cut anywhere: no crash, and the same answer as in one piece. */
#include "audio/sniff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sniff whole, split;
	size_t at = 0;

	sniff_init(&whole);
	sniff_feed(&whole, data, size);
	sniff_end(&whole);

	sniff_init(&split);
	for (size_t piece = 1; at < size; piece = piece * 3 % 71) {
		size_t here = size - at < piece ? size - at : piece;

		sniff_feed(&split, data + at, here);
		at += here;
	}
	sniff_end(&split);

	if (whole.kind != split.kind || sniff_duration_ms(&whole) != sniff_duration_ms(&split) ||
	    whole.is_cut != split.is_cut)
		abort();
	return 0;
}
