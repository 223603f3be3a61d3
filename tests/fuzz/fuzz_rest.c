/* Answers of a REST API that is not ours: pages, single resources, errors. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "twilio/rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = { (const char *)data, size };
	AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };
	AUTO(rest_document_release) struct rest_document one = { 0 };
	AUTO(rest_document_release) struct rest_document other = { 0 };
	AUTO(buf_release) struct buf url = { 0 };
	struct rest_recording recording;
	struct rest_call call;
	struct rest_error error;
	struct err err;

	buf_init(&url, 4096);
	if (rest_read_recordings(body, &page, &err) && page.next_page_uri.at &&
	    !rest_next_page_url(&url, STR("https://api.twilio.com"), page.next_page_uri, &err))
		buf_clear(&url);
	if (!rest_read_recording(body, &one, &recording, &err))
		one.root = NULL;
	if (!rest_read_call(body, &other, &call, &err))
		other.root = NULL;
	if (rest_read_error(body, &error) && !memchr(error.message, 0, sizeof(error.message)))
		abort();
	return 0;
}
