/*
 * GET /api/audit[?kind=&user=&recording=&since=&until=&before=]: the entries, newest first.
 */
#pragma once

struct exchange;

void web_audit(struct exchange *x);
