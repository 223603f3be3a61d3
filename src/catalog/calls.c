#include "catalog/calls.h"

#include "catalog/catalog_private.h"

static const struct {
	enum call_status status;
	const char *text;
} statuses[] = {
	{ CALL_QUEUED, "queued" },       { CALL_INITIATED, "initiated" },
	{ CALL_RINGING, "ringing" },     { CALL_IN_PROGRESS, "in-progress" },
	{ CALL_CANCELED, "canceled" },   { CALL_FAILED, "failed" },
	{ CALL_NO_ANSWER, "no-answer" }, { CALL_BUSY, "busy" },
	{ CALL_COMPLETED, "completed" },
};

const char *call_status_text(enum call_status status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "";
}

enum call_status call_status_from_text(struct str text)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (str_eq(text, str_of(statuses[i].text)))
			return statuses[i].status;
	return CALL_STATUS_UNKNOWN;
}

bool call_status_is_final(enum call_status status)
{
	return status >= CALL_CANCELED;
}

enum call_direction call_direction_from_text(struct str text)
{
	if (str_eq(text, STR("trunking-terminating")))
		return CALL_INBOUND;
	if (str_eq(text, STR("trunking-originating")))
		return CALL_OUTBOUND;
	if (str_starts(text, STR("inbound")))
		return CALL_INBOUND;
	if (str_starts(text, STR("outbound"))) /* -api, -dial, and what may come */
		return CALL_OUTBOUND;
	return CALL_DIRECTION_UNKNOWN;
}

bool calls_find(struct catalog *catalog, struct str call_sid, struct call *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
			"SELECT " CALL_COLUMNS " FROM" CALLS_WITH_MAIN " WHERE c.call_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, call_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		call_read(find, 0, out);
		return true;
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no call '%.*s' in the ledger",
			       STR_ARG(call_sid));
	case DB_FAILED:
		break;
	}
	return false;
}
