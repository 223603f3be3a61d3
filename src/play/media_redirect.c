#include "play/media_redirect.h"

#include "access/web_admit.h"
#include "auth/credential.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/own.h"
#include "blob/blob.h"
#include "http/conditional.h"
#include "http/exchange.h"
#include "http/range.h"
#include "http/reply.h"
#include "media/media.h"
#include "play/media_reply.h"

#include <stdatomic.h>
#include <stdint.h>

#define GRACE_S         (15 * 60)
#define ADDRESS_MAX     3500            /* of a head that has 4096 */
#define SLOWEST_BYTES_S 1000            /* of a sound whose length is not known: 8 kbit/s */
#define LONGEST_S       (6 * 24 * 3600) /* an address may be good for a week */
#define ANY_SIZE        (UINT64_MAX / 2)

static bool has_one_range_at_most(const struct http_request *request)
{
	struct str range = request->known[HTTP_RANGE];
	struct ranges ranges;

	return !range.at ||
	       (range_parse(range, ANY_SIZE, &ranges) == RANGE_SOME && ranges.count == 1);
}

/* It looks at what we answer. */
static bool is_doctor(const struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);

	return caller && caller->known.kind == CREDENTIAL_DOCTOR;
}

bool media_redirect_suits_request(const struct exchange *x)
{
	return x->request.method == HTTP_GET && !conditional_is_asked(&x->request) &&
	       !x->request.known[HTTP_IF_RANGE].at && has_one_range_at_most(&x->request) &&
	       !web_query_has(x, STR("redirect=0")) && !is_doctor(x) &&
	       blob_gives_addresses(web_local_of(x)->web->store);
}

static int64_t good_for_s(const struct media *media)
{
	int64_t length_s = media->duration_ms > 0 ? media->duration_ms / 1000 + 1
						  : (int64_t)(media->size / SLOWEST_BYTES_S) + 1;

	return (length_s < LONGEST_S ? length_s : LONGEST_S) + GRACE_S;
}

/*
 * No player is sent there then, which nobody would find out.  It is a session token of some thousand bytes: all else together is less than
 * that, a host's name (253), a prefix (512, as PREFIX_MAX has it), a key, and what is asked of the store, disposition included.
 */
static void tell_long_address(struct web *web)
{
	if (!atomic_exchange_explicit(&web->long_address_told, true, memory_order_relaxed))
		log_warn(
			NULL,
			"store_redirect: players are not sent to the bucket where the address, with the "
			"session token of the key in it, is longer than %d bytes",
			ADDRESS_MAX);
}

bool media_redirect_send(struct exchange *x, const struct media *media)
{
	AUTO(buf_release) struct buf address;
	char disposition[MEDIA_DISPOSITION_SIZE];
	struct media_reply reply;
	struct blob_address_terms terms = { .content_type = media_content_type(media).at,
					    .disposition = disposition,
					    .cache_control = MEDIA_CACHE_CONTROL,
					    .expires_s = good_for_s(media) };

	buf_init(&address, ADDRESS_MAX);
	media_reply_choose(x, media, &reply);
	if (reply.kind != MEDIA_REPLY_WHOLE && reply.kind != MEDIA_REPLY_RANGES)
		return false; /* there is no such range, and we know how long it is */
	media_reply_disposition(x, media, disposition);
	if (!blob_address(web_local_of(x)->web->store, str_of(media->path), &terms, &address)) {
		if (!buf_ok(&address))
			tell_long_address(web_local_of(x)->web);
		return false;
	}
	media_reply_note(x, media);
	reply_begin(x, 307);
	reply_header(x, STR("Location"), buf_str(&address));
	reply_header_lines(x,
			   STR("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"));
	media_reply_add_policies(x);
	reply_send(x, STR(""));
	return true;
}
