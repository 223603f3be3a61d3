/*
 * Whose page asks.  The first byte is three switches; the lines behind it are Origin, Sec-Fetch-Site, -Mode and -Dest
 * (empty: absent), an address of our own, and an origin that is listed.
 *
 * Whatever they are: a page that is neither ours nor listed changes nothing and opens no WebSocket, what may be changed
 * may be read, and headers that came twice are believed in nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "auth/origin.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_line(struct str *rest)
{
	struct str line = STR_NONE;

	if (!str_cut(rest, '\n', &line) || line.len == 0)
		return STR_NONE;
	return line;
}

/* As browsers write it, so that it can be compared byte by byte. */
static void check_own(struct str own)
{
	bool is_http = str_starts(own, STR("http://"));
	struct str host = str_after(own, is_http ? 7 : 8);
	char text[ORIGIN_MAX];
	struct buf again;

	assert(is_http || str_starts(own, STR("https://")));
	assert(host.len > 0 || str_ends(own, STR("//")));
	for (size_t i = 0; i < host.len; i++)
		assert(!strchr("/?#@", host.at[i]) || host.at[i] == '\0');
	for (size_t i = 0; i < own.len; i++)
		assert(own.at[i] == ascii_lower(own.at[i]));
	buf_over(&again, text, sizeof(text));
	if (host.len > 0 && !str_ends(own, is_http ? STR(":80") : STR(":443")))
		assert(origin_of_url(own, &again) && str_eq(buf_str(&again), own));
}

static void check(struct origin_request request, struct str own, const char *const *listed)
{
	bool is_admitted = origin_is_admitted(&request, own, listed);
	bool is_own = request.origin.at && own.len > 0 && str_eq(request.origin, own);

	assert(!is_admitted || !request.is_doubled);
	assert(!is_admitted || !request.is_websocket || is_own || request.is_reading);
	assert(!is_admitted || !request.is_websocket || request.origin.at);
	if (is_admitted && request.origin.at)
		assert(is_own || (request.is_reading && origin_is_listed(request.origin, listed)));
	if (is_admitted && !request.origin.at && !request.is_reading)
		assert(!request.site.at || str_eq(request.site, STR("same-origin")) ||
		       str_eq(request.site, STR("none")));
	if (is_admitted && !request.is_reading) {
		request.is_reading = true;
		assert(origin_is_admitted(&request, own, listed));
	}
	if (!is_admitted && is_own)
		assert(request.is_doubled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct origin_request request = { .is_doubled = false };
	char own_text[ORIGIN_MAX];
	struct buf own;

	if (size == 0)
		return 0;
	request.is_doubled = data[0] & 1;
	request.is_reading = data[0] & 2;
	request.is_websocket = data[0] & 4;
	rest = str_after(rest, 1);
	request.origin = next_line(&rest);
	request.site = next_line(&rest);
	request.mode = next_line(&rest);
	request.dest = next_line(&rest);
	buf_over(&own, own_text, sizeof(own_text));
	if (origin_of_url(next_line(&rest), &own))
		check_own(buf_str(&own));
	else
		buf_clear(&own);

	struct str entry = next_line(&rest);
	AUTO(free) char *text = xasprintf("%.*s", STR_ARG(entry));
	const char *const listed[] = { text, NULL };

	check(request, buf_str(&own), listed);
	check(request, buf_str(&own), NULL);
	return 0;
}
