/* What another process answers, head and body: what is taken for media can be written, and texts end. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "peer/peer_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void look_at_head(struct str text)
{
	static const struct peer_want wants[] = { { .first = 0 },
						  { .first = 100, .is_matched = true } };
	struct str line;
	struct transfer_head head;
	struct peer_head own = { 0 };
	struct peer_media media;

	transfer_head_start(&head);
	while (str_cut(&text, '\n', &line)) {
		peer_head_line(&own, line);
		transfer_head_line(&head, line, 784111777000);
		assert(own.generation >= 0 && own.generation_at_ms >= 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		if (peer_answer_read(&head, &own, &wants[i], &media) != PEER_MEDIA)
			continue;
		assert(media.generation > 0 && media.generation_at_ms > 0 && media.size > 0);
		assert(media.position == 0 || media.position == wants[i].first);
		assert(media.position < media.size);
		assert((media.etag[0] == '\0') == (media.size == PEER_SIZE_UNKNOWN));
		assert(memchr(media.etag, '\0', sizeof(media.etag)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str all = { (const char *)bytes, len };
	size_t end = str_find_str(all, STR("\r\n\r\n"));
	struct peer_reason reason;

	look_at_head(str_first(all, end));
	peer_reason_read(str_after(all, end + 4), &reason);
	assert(memchr(reason.code, '\0', sizeof(reason.code)));
	assert(memchr(reason.text, '\0', sizeof(reason.text)));
	assert(reason.code[0] != '\0' || reason.text[0] == '\0');
	return 0;
}
