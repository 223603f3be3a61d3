/* What an agent that lends keys answers: what is taken can be sent in a head, and texts end. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "s3/s3_lent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void is_sendable(const char *text, size_t size)
{
	assert(memchr(text, '\0', size) && text[0] != '\0');
	for (; *text; text++)
		assert(*text > ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = { (const char *)bytes, len };
	char role[S3_LENT_ROLE_SIZE], token[64];
	struct s3_lent lent;
	struct err err;

	if (s3_lent_read(text, &lent, &err)) {
		is_sendable(lent.access_key_id, sizeof(lent.access_key_id));
		is_sendable(lent.secret_access_key, sizeof(lent.secret_access_key));
		is_sendable(lent.session_token, sizeof(lent.session_token));
		assert(lent.expires_at_ms >= 0);
	}
	if (s3_lent_line(text, token, sizeof(token)))
		assert(memchr(token, '\0', sizeof(token)) && !strpbrk(token, "\r\n\t"));
	if (s3_lent_role(text, role)) {
		is_sendable(role, sizeof(role));
		assert(!strchr(role, '/') && !strchr(role, '?'));
	}
	return 0;
}
