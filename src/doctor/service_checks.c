#include "doctor/service_checks.h"

#include "doctor/deployment.h"
#include "doctor/report.h"

static void check_runs(struct deployment *deployment, struct report *report)
{
	if (deployment->server.version) {
		report_good(report, "callspool %s runs on this data folder",
			    deployment->server.version);
		return;
	}
	report_finding(report, &(struct finding){
				       .says = "callspool does not run",
				       .looked_at = "the administrator's socket in the data folder",
				       .expected = "a server that answers there",
				       .write = "systemctl start callspool",
				       .confirm = "callspool health",
			       });
}

static const struct check checks[] = {
	{ .name = "runs",
	  .asks = "does a server run on this data folder?",
	  .meaning = "Nothing plays, and the proxy answers 502 for each request.",
	  .remedy = "Start it, and read in its log why it stopped.",
	  .rank = RANK_SERVER,
	  .run = check_runs },
};

const struct check_group service_checks = { "services", "Services", checks, ARRAY_LEN(checks) };
