/* A page of a listing, or an error, of any bytes: what is listed has a key, and its texts end. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/own.h"
#include "s3/s3_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = { (const char *)bytes, len };
	AUTO(s3_listing_release) struct s3_listing listing = { .count = 0 };
	struct s3_error error;

	if (s3_listing_read(text, &listing))
		for (size_t i = 0; i < listing.count; i++)
			assert(listing.at[i].key && strlen(listing.at[i].key) <= len);
	s3_error_read(text, &error);
	assert(strlen(error.code) < sizeof(error.code) &&
	       strlen(error.message) < sizeof(error.message));
	return 0;
}
