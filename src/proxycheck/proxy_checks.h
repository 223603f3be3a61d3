/*
 * The group `proxy`: nginx's configuration, judged.
 *
 * Each check looks at what is in force for the requests of doctor/proxy_view.h.  A fault is told by one check: where two could
 * tell of it, the one nearer to its cause does.
 */
#pragma once

#include "doctor/check.h"

extern const struct check_group proxy_checks;
