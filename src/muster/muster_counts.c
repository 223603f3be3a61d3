#include "muster/muster_counts.h"

#include "base/mem.h"
#include "base/own.h"
#include "cluster/roll.h"
#include "ledger/ledger.h"
#include "metrics/families.h"

#include <stdlib.h>

bool muster_count(const struct ledger *ledger, struct catalog *catalog, struct metrics_company *out,
		  struct err *err)
{
	AUTO(free) struct ledger_company *company = xcalloc(1, sizeof(*company));
	const struct pulse_sight *sight = &company->sight;
	struct roll_sums sums;

	*out = (struct metrics_company){ .processes = 1, .hears = true, .has_duties = true };
	if (!ledger_company(ledger, company))
		return true;
	if (!roll_count(catalog, company->process, &sums, err))
		return false;
	*out = (struct metrics_company){
		.processes = sums.processes,
		.leases = sums.leases,
		.streams_behind = sums.streams_behind,
		.beats = sight->beats,
		.burials = sight->burials,
		.funerals = sight->funerals,
		.clock_ahead_ms = sight->members.own.clock_ahead_ms,
		.hears = sight->members.own.hears,
		.has_duties = ledger_has_duties(ledger),
	};
	return true;
}
