/*
 * What is other than it was the last time: a line a check, for who watches.
 */
#pragma once

#include "doctor/report.h"
#include "doctor/terminal.h"

#include <stdint.h>

/* "12:03:04  !! first-bytes  ..."; nothing where all is as it was.  `at_ms`: wall clock. */
void report_changes_print(const struct report *before, const struct report *now, int64_t at_ms,
			  const struct terminal *terminal);
