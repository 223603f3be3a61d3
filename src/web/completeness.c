#include "web/completeness.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/recordings_queue.h"
#include "twilio/accounts.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000 /* accounts that are looked at where no server says which there are */

/* ---- reading ---- */

static void add_row(struct completeness *out, const struct reconciliation *row)
{
	if (row->completed_at_ms == 0)
		out->is_listed = false;
	if (row->since_ms > out->since_ms)
		out->since_ms = row->since_ms;
	if (out->listed_at_ms == 0 || row->completed_at_ms < out->listed_at_ms)
		out->listed_at_ms = row->completed_at_ms;
	if (row->failing_since_ms == 0 ||
	    (out->failing_since_ms != 0 && out->failing_since_ms <= row->failing_since_ms))
		return;
	out->failing_since_ms = row->failing_since_ms;
	memcpy(out->failure, row->failure, sizeof(out->failure));
	memcpy(out->failing_account, row->account_sid, SID_SIZE);
}

static bool read_accounts(struct catalog *catalog, const struct accounts *accounts,
			  struct completeness *out, struct err *err)
{
	out->is_listed = accounts->count > 0;
	for (size_t i = 0; i < accounts->count; i++) {
		struct reconciliation row;

		if (!reconciliations_find(catalog, str_of(accounts->at[i].account_sid), &row, err))
			return false;
		add_row(out, &row);
	}
	return true;
}

static bool read_rows(struct catalog *catalog, struct completeness *out, struct err *err)
{
	AUTO(free) struct reconciliation *rows = xcalloc(ROWS_MAX, sizeof(*rows));
	size_t count;

	if (!reconciliations_list(catalog, rows, ROWS_MAX, &count, err))
		return false;
	out->is_listed = count > 0;
	for (size_t i = 0; i < count; i++)
		add_row(out, &rows[i]);
	return true;
}

bool completeness_read(struct catalog *catalog, const struct accounts *accounts,
		       struct completeness *out, struct err *err)
{
	struct completeness read = { .is_listed = false };

	if (!(accounts ? read_accounts(catalog, accounts, &read, err)
		       : read_rows(catalog, &read, err)) ||
	    !queue_count_expired(catalog, &read.expired, err))
		return false;
	if (!read.is_listed)
		read.since_ms = read.listed_at_ms = 0;
	*out = read;
	return true;
}

/* ---- telling ---- */

int64_t completeness_expected(const struct completeness *completeness,
			      const struct catalog_counts *counts)
{
	return counts->recordings[RECORDING_QUEUED] + counts->recordings[RECORDING_WAITING] +
	       counts->recordings[RECORDING_STORED] + counts->recordings[RECORDING_DEAD] -
	       completeness->expired;
}

static int64_t waiting(const struct completeness *completeness, const struct catalog_counts *counts)
{
	return counts->recordings[RECORDING_QUEUED] + counts->recordings[RECORDING_WAITING] -
	       completeness->expired;
}

static void add_missing(struct buf *buf, int64_t count, const char *why)
{
	if (count > 0)
		buf_addf(buf, ", %lld %s", (long long)count, why);
}

void completeness_tell(const struct completeness *completeness, const struct catalog_counts *counts,
		       char out[COMPLETENESS_TEXT_SIZE])
{
	int64_t all = completeness_expected(completeness, counts),
		here = counts->recordings[RECORDING_STORED];
	char date[ISO_DATE_SIZE];
	struct buf buf;

	if (completeness->is_unknown) {
		str_fit(STR("not known: the ledger does not answer just now"), out,
			COMPLETENESS_TEXT_SIZE);
		return;
	}
	buf_over(&buf, out, COMPLETENESS_TEXT_SIZE);
	buf_addf(&buf, "%s%lld of %lld recordings", here == all ? "all " : "", (long long)here,
		 (long long)all);
	clock_iso_date(completeness->since_ms, date);
	if (!completeness->is_listed)
		buf_add_text(&buf, " that webhooks told of");
	else if (completeness->since_ms != 0)
		buf_addf(&buf, " since %s", date);
	buf_add_text(&buf, here == 1 && all == 1 ? " is here" : " are here");
	add_missing(&buf, waiting(completeness, counts), "to be fetched");
	add_missing(&buf, counts->recordings[RECORDING_DEAD], "given up");
	add_missing(&buf, completeness->expired, "older than they are kept");
	buf_add_byte(&buf, '\0');
}

void completeness_write(const struct completeness *completeness,
			const struct catalog_counts *counts, struct json *json)
{
	char text[COMPLETENESS_TEXT_SIZE];

	completeness_tell(completeness, counts, text);
	json_open(json, "complete", '{');
	json_text(json, "text", str_of(text));
	json_int(json, "recordings", completeness_expected(completeness, counts));
	json_int(json, "here", counts->recordings[RECORDING_STORED]);
	json_int(json, "to_be_fetched", waiting(completeness, counts));
	json_int(json, "given_up", counts->recordings[RECORDING_DEAD]);
	json_int(json, "expired", completeness->expired);
	json_bool(json, "listed", completeness->is_listed);
	json_date(json, "since", completeness->since_ms);
	json_date(json, "listed_at", completeness->listed_at_ms);
	json_date(json, "failing_since", completeness->failing_since_ms);
	json_text(json, "failure",
		  completeness->failing_since_ms != 0 ? str_of(completeness->failure) : STR_NONE);
	json_close(json, '}');
}
