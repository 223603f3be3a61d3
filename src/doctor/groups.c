#include "doctor/check.h"

#include "doctor/service_checks.h"

/* In the order in which they are run and told: what is near to the cause first. */
const struct check_group *const doctor_groups[] = {
	&service_checks,
};

const size_t doctor_groups_count = ARRAY_LEN(doctor_groups);
