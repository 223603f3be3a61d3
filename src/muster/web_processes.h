/*
 * GET /api/processes: who serves from the ledger beside this one, and on what their promises rest, for who looks after them
 * (docs/scaling.md).  Of a ledger in a file: that there is nobody else.
 */
#pragma once

struct exchange;

void web_processes(struct exchange *x);
