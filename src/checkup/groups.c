#include "checkup/groups.h"

#include "checkup/bucket_checks.h"
#include "checkup/cluster_checks.h"
#include "checkup/limit_checks.h"
#include "checkup/playback_checks.h"
#include "checkup/service_checks.h"
#include "checkup/strategy_checks.h"
#include "proxycheck/proxy_checks.h"

/* In the order in which they are run and told: what is near to the cause first. */
const struct check_group *const doctor_groups[] = {
	&service_checks, &cluster_checks,  &bucket_checks,   &proxy_checks,
	&limit_checks,   &playback_checks, &strategy_checks,
};

const size_t doctor_groups_count = ARRAY_LEN(doctor_groups);
