/* callspool version: what this binary is. */
#include "cmd/commands.h"

#include <stdio.h>

static int run_version(int argc, char **argv)
{
	struct cmd_texts operands;
	int status;

	if (!cmd_flags_read(&cmd_version, argc, argv, NULL, &operands, &status))
		return status;
	printf("callspool %s\n", CALLSPOOL_VERSION);
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "",
	.help = "Prints the version of this binary.\n",
	.examples = "  callspool version\n",
	.run = run_version,
};
