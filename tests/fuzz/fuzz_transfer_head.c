/* The head of an answer, line by line: what it says of itself holds, and its texts end. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "fetch/transfer_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str rest = { (const char *)bytes, len }, line;
	struct transfer_head head;

	transfer_head_start(&head);
	while (str_cut(&rest, '\n', &line)) {
		transfer_head_line(&head, line, 784111777000);
		assert(head.status >= 0 && head.status <= 999);
		assert(head.content_length >= -1 && head.range_total >= -1 &&
		       head.retry_after_ms >= -1);
		assert(!head.has_range || head.range_first <= head.range_last);
		assert(!head.has_range || head.range_total < 0 ||
		       head.range_last < (uint64_t)head.range_total);
		assert(memchr(head.etag, '\0', sizeof(head.etag)) &&
		       (head.etag[0] || !head.etag_is_strong));
		assert(memchr(head.content_type, '\0', sizeof(head.content_type)));
		assert(memchr(head.last_modified, '\0', sizeof(head.last_modified)));
	}
	return 0;
}
