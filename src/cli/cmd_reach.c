#include "cli/cmd_reach.h"

#include "client/admin_client.h"
#include "server/confine.h"

static bool may_ask(const struct cmd_options *options, int *out_status)
{
	struct err err;

	if (admin_may_ask(&options->settings, &err))
		return true;
	cmd_fail(&err);
	*out_status = EXIT_UNCHECKED;
	return false;
}

bool cmd_reach(struct cmd_options *options, int *out_status)
{
	struct err err;

	if (cmd_options_resolve(options, &err))
		return may_ask(options, out_status);
	*out_status = cmd_fail(&err);
	return false;
}

bool cmd_reach_confined(struct cmd_options *options, int *out_status)
{
	struct err err;

	if (cmd_options_resolve(options, &err) &&
	    confine_process(options->settings.core_dumps == AUTH_ON, &err))
		return may_ask(options, out_status);
	*out_status = cmd_fail(&err);
	return false;
}
