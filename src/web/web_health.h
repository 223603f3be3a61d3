/*
 * GET /health: 200 as long as it can play; `degraded` says that something is not as it should be.
 * GET /api/status: the causes and the counts, for those who may see them (`callspool status`).
 */
#pragma once

struct exchange;

void web_health(struct exchange *x);
void web_status(struct exchange *x);
