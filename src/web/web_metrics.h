/*
 * GET /metrics: what Prometheus reads (metrics/families.h).
 */
#pragma once

struct exchange;

void web_metrics(struct exchange *x);
