/*
 *	GET    /api/migration         how far it is
 *	POST   /api/migration         {"to": "postgresql://…", "store": "s3://…"}: begin, or go on
 *	POST   /api/migration/pause
 *	DELETE /api/migration         give it up
 */
#pragma once

#include "http/exchange.h"

void web_migration_show(struct exchange *x);
void web_migration_begin(struct exchange *x);
void web_migration_pause(struct exchange *x);
void web_migration_cancel(struct exchange *x);
