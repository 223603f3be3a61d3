/* How Twilio encrypted a recording, by either spelling: what is taken is whole, and the same when it is read once more. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/own.h"
#include "twilio/encryption_details.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the API would write what was taken. */
static void write_again(const struct encryption_details *details, struct buf *out)
{
	buf_addf(out, "{\"encryption_public_key_sid\":\"%s\",\"encryption_cek\":\"",
		 details->public_key_sid);
	base64_add(out, details->cek, details->cek_len);
	buf_add_text(out, "\",\"encryption_iv\":\"");
	base64_add(out, details->iv, sizeof(details->iv));
	buf_add_text(out, "\"}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_release) struct buf text = { 0 };
	struct encryption_details details, again;
	struct err err;

	if (!encryption_details_read((struct str){ (const char *)data, size }, &details, &err))
		return 0;
	if (details.cek_len == 0 || details.cek_len > ENCRYPTION_CEK_MAX ||
	    strlen(details.public_key_sid) != SID_LEN)
		abort();
	buf_init(&text, 2 * ENCRYPTION_TEXT);
	write_again(&details, &text);
	if (!encryption_details_read(buf_str(&text), &again, &err) ||
	    !encryption_details_equal(&details, &again))
		abort();
	return 0;
}
