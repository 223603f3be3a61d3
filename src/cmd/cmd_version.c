/* callspool version: what this binary is. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

static int run_version(int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		cmd_print_help(&cmd_version);
		return 0;
	}
	if (argc > 1)
		return cmd_misused(&cmd_version, "'%s' is too much", argv[1]);
	printf("callspool %s\n", CALLSPOOL_VERSION);
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "print the version",
	.usage = "",
	.help = "Prints the version of this binary.\n"
		"\nExample:\n  callspool version\n",
	.run = run_version,
};
