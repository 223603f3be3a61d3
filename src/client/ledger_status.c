#include "client/ledger_status.h"

#include "base/json.h"
#include "base/own.h"
#include "blob/blob.h"
#include "catalog/catalog.h"
#include "catalog/events.h"
#include "server/server.h"
#include "web/health.h"
#include "web/web_health.h"

#include <stdint.h>

bool ledger_status(const struct settings *settings, struct buf *out, struct err *err)
{
	AUTO(free) char *path = server_ledger(settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	AUTO(blob_store_free) struct blob_store *store = NULL;
	struct health_facts facts = { .min_free_bytes = settings->web.min_free_bytes };
	struct json json;

	if (!catalog_open(path, CATALOG_READ, &catalog, err) ||
	    !server_store_open(settings, &store, err) ||
	    !web_health_read(catalog, store, NULL, &facts, err) ||
	    !events_last_webhook_at(catalog, INT64_MAX, &facts.last_webhook_at_ms, err))
		return false;
	json_start(&json, out);
	health_write(&facts, HEALTH_STATUS, &json);
	buf_add_byte(out, '\n');
	return true;
}
