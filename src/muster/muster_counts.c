#include "muster/muster_counts.h"

#include "base/mem.h"
#include "base/own.h"
#include "cluster/roll.h"
#include "ledger/ledger.h"
#include "metrics/families.h"

#include <stdlib.h>

static bool know(const struct ledger *ledger, struct metrics_company *out, int64_t *out_process)
{
	AUTO(free) struct ledger_company *company = xcalloc(1, sizeof(*company));
	const struct pulse_sight *sight = &company->sight;

	*out = (struct metrics_company){ .processes = 1, .hears = true, .has_duties = true };
	if (!ledger_company(ledger, company))
		return false;
	*out = (struct metrics_company){
		.beats = sight->beats,
		.burials = sight->burials,
		.funerals = sight->funerals,
		.clock_ahead_ms = sight->members.own.clock_ahead_ms,
		.hears = sight->members.own.hears,
		.has_duties = ledger_has_duties(ledger),
	};
	*out_process = company->process;
	return true;
}

void muster_know(const struct ledger *ledger, struct metrics_company *out)
{
	int64_t process;

	(void)know(ledger, out, &process);
}

bool muster_count(const struct ledger *ledger, struct catalog *catalog, struct metrics_company *out,
		  struct err *err)
{
	struct roll_sums sums;
	int64_t process;

	if (!know(ledger, out, &process))
		return true;
	if (!roll_count(catalog, process, &sums, err))
		return false;
	out->processes = sums.processes;
	out->leases = sums.leases;
	out->streams_behind = sums.streams_behind;
	return true;
}
