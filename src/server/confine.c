#include "server/confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>

bool confine_process(bool dumps_core, struct err *err)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, "cannot give up new privileges");
	if (dumps_core)
		return true;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "cannot keep the process from being dumped");
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(err, "cannot limit core dumps");
	return true;
}
