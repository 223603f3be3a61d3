/*
 * POST /api/notices/retry: webhooks to notify_url that were given up wait again, the one of an id or all of them, and the
 * receiver is tried at once, though it answered 410.
 */
#pragma once

#include "http/exchange.h"

void web_notices_retry(struct exchange *x);
