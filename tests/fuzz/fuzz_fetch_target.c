/* A URL that somebody sent: if it is read, it is http or https, and reads the same once more. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "fetch/fetch_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO(free) char *url = xmemdup0((const char *)bytes, len);
	struct fetch_target target = { 0 }, again = { 0 };
	struct err err;

	if (!fetch_target_read(url, len % 2, &target, &err))
		return 0;
	assert(str_starts(str_of(target.url), target.is_https ? STR("https://") : STR("http://")));
	assert(target.port != 0 && target.host[0] != '\0');
	assert(strpbrk(target.url, "\r\n ") == NULL && strpbrk(target.host, "/@\r\n ") == NULL);
	if (!fetch_target_read(target.url, false, &again, &err))
		abort();
	assert(fetch_target_same_origin(&target, &again));
	fetch_target_release(&target);
	fetch_target_release(&again);
	return 0;
}
