/* A rule of the simulated Twilio's faults. */
#include <stdlib.h>

#include "sim/sim_faults.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_faults faults = { .seed = 1 };
	struct sim_fault_hits hits = { 0 };
	struct sim_plan plan;
	struct err err;

	if (!sim_faults_add(&faults, (struct str){ (const char *)data, size }, &err))
		return 0;
	for (int request = SIM_REQUEST_MEDIA; request <= SIM_REQUEST_CALLBACK; request++)
		sim_faults_plan(&faults, (enum sim_request)request, STR_NONE, &hits, &plan);
	if (sim_place_in(&faults.at[0].place, 1000) > 1000)
		abort();
	return 0;
}
