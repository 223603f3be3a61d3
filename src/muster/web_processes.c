#include "muster/web_processes.h"

#include "api/web.h"
#include "api/web_read.h"
#include "base/mem.h"
#include "cluster/roll.h"
#include "http/exchange.h"
#include "ledger/ledger.h"

/* Own beats in a row in which the number of that process stood still. */
static unsigned beats_missed(const struct ledger_company *company, int64_t id)
{
	const struct members *members = &company->sight.members;

	for (size_t i = 0; i < members->count; i++)
		if (members->at[i].id == id)
			return members->at[i].still;
	return 0;
}

static void add_process(struct json *json, const struct roll *roll,
			const struct ledger_company *company, size_t at)
{
	const struct roll_row *row = &roll->at[at];
	bool is_own = row->id == company->process;
	/* Its own it knows as it is now; of others, as they said with their last beat. */
	const struct member_standing *standing = is_own ? &company->sight.members.own
							: &row->standing;

	json_open(json, NULL, '{');
	json_int(json, "id", row->id);
	json_bool(json, "is_own", is_own);
	json_text(json, "version", str_of(row->version));
	json_text(json, "instance", row->place[0] ? str_of(row->place) : STR_NONE);
	json_text(json, "address", row->address[0] ? str_of(row->address) : STR_NONE);
	json_date(json, "started_at", row->started_at_ms);
	json_int(json, "beats", row->beat);
	json_int(json, "beats_missed", beats_missed(company, row->id));
	json_bool(json, "has_duties", at == 0);
	if (standing->is_clock_known)
		json_int(json, "clock_ahead_ms", standing->clock_ahead_ms);
	else
		json_nothing(json, "clock_ahead_ms");
	json_text(json, "hears_by", standing->hears ? STR("listen") : STR("poll"));
	json_bool(json, "prepares", standing->prepares);
	json_int(json, "leases", row->leases);
	json_int(json, "events_waiting", row->events_waiting);
	json_close(json, '}');
}

static void add_database(struct json *json, const struct durability *durability)
{
	json_open(json, "database", '{');
	json_text(json, "version", str_of(durability->server_version));
	json_bool(json, "fsync", durability->has_fsync);
	json_bool(json, "full_page_writes", durability->has_full_page_writes);
	json_text(json, "synchronous_commit", str_of(durability->synchronous_commit));
	json_text(json, "synchronous_standby_names", str_of(durability->standby_names));
	json_int(json, "standbys", durability->standbys);
	json_close(json, '}');
}

static bool make_shared(struct json *json, struct catalog *catalog,
			const struct ledger_company *company, struct err *err)
{
	AUTO(free) struct roll *roll = xcalloc(1, sizeof(*roll));
	struct durability durability;

	if (!roll_read(catalog, roll, err) || !durability_read(catalog, &durability, err))
		return false;
	add_database(json, &durability);
	json_int(json, "streams_behind", roll->streams_behind);
	json_open(json, "processes", '[');
	for (size_t i = 0; i < roll->count; i++)
		add_process(json, roll, company, i);
	json_close(json, ']');
	return true;
}

static bool make_processes(struct web_read *read, struct catalog *catalog, struct json *json,
			   struct err *err)
{
	AUTO(free) struct ledger_company *company = xcalloc(1, sizeof(*company));
	bool is_shared = ledger_company(read->web->ledger, company);

	json_open(json, NULL, '{');
	json_bool(json, "success", true);
	json_bool(json, "shared", is_shared);
	if (is_shared && !make_shared(json, catalog, company, err))
		return false;
	json_close(json, '}');
	return true;
}

void web_processes(struct exchange *x)
{
	struct web_read *read = xcalloc(1, sizeof(*read));

	read->make = make_processes;
	read->not_found = WEB_INTERNAL;
	web_read_start(read, x);
}
