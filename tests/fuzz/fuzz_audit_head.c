/* A line of somebody's log as a head of the audit: what was read is written again, and read as the same. */
#include <assert.h>
#include <stdint.h>

#include "audit/audit_chain.h"
#include "base/buf.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct audit_tail *head)
{
	struct audit_tail again = { .seq = 0 };
	struct buf line;

	buf_init(&line, 1000);
	buf_addf(&line,
		 "level=info msg=\"audit head chain=%lld seq=%lld mac=", (long long)head->chain,
		 (long long)head->seq);
	hex_add(&line, head->mac, sizeof(head->mac));
	buf_add_text(&line, "\"\r\n");
	assert(buf_ok(&line) && audit_head_of_line(buf_str(&line), &again));
	assert(again.chain == head->chain && again.seq == head->seq &&
	       memcmp(again.mac, head->mac, sizeof(head->mac)) == 0);
	buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line;

	while (str_cut(&rest, '\n', &line)) {
		struct audit_tail head;

		if (audit_head_of_line(line, &head))
			check(&head);
	}
	return 0;
}
