/*
 * Sending players to the bucket for what is stored there (store_redirect = on): 307 to an address that is good for as long as the
 * recording lasts and a quarter of an hour more.
 *
 * Only a GET of all of it, or of one range, without a precondition, is sent there: a HEAD may not use the address of a GET, some
 * stores answer several ranges with the first alone, and not all know If-Range.  Those are answered as ever, and so are all while
 * the bucket does not answer; and who says `redirect=0`: scripts of a page, which may not read what comes from elsewhere.
 *
 * Who may play was asked before, and the audit has it; what is heard of it then is for the player to tell.
 */
#pragma once

#include "api/web.h"
#include "base/compiler.h"

#include <stdbool.h>

struct media;

/* Where players are sent there at all: media_redirect_suits(). */
bool media_redirect_suits_request(const struct exchange *x) MUST_CHECK;
/* Is it a request that is answered so, if it is for what is stored?  Such need no bytes of it here. */
static inline bool media_redirect_suits(const struct exchange *x)
{
	return web_local_of(x)->web->options.store_redirect == WEB_ON &&
	       media_redirect_suits_request(x);
}
/* Answers it; of one that suits.  False: it is to be answered as any other. */
bool media_redirect_send(struct exchange *x, const struct media *media) MUST_CHECK;
