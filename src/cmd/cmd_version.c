/* callspool version: what this binary is. */
#include "cmd/cmd.h"

#include <stdio.h>

static int run_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("callspool %s\n", CALLSPOOL_VERSION);
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "",
	.help = "Prints the version of this binary.",
	.run = run_version,
};
