/*
 * POST /api/health/check: the server examines itself now.  Answered when it is done, with what GET /api/health then has as
 * `checks`.
 */
#pragma once

struct exchange;

void web_health_check(struct exchange *x);
