#include "client/exit_status.h"

#include "base/compiler.h"

static const char *const meanings[] = {
	[EXIT_GOOD] = "good",
	[EXIT_OUR_FAULT] = "our fault: disk, database or a bug",
	[EXIT_WRONG_USAGE] = "wrong usage or a wrong setting",
	[EXIT_NOT_FOUND] = "no such thing",
	[EXIT_CONFLICT] = "conflict with what is there, as another server on the same data folder",
	[EXIT_NO_ANSWER] = "somebody else does not answer",
	[EXIT_DEGRADED] = "running, but degraded",
	[EXIT_FINDINGS] = "findings",
	[EXIT_UNCHECKED] = "could not be checked",
};

enum exit_status exit_status_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_INVALID:
		return EXIT_WRONG_USAGE;
	case ERR_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case ERR_CONFLICT:
		return EXIT_CONFLICT;
	case ERR_UNAVAILABLE:
	case ERR_SCARCE:
		return EXIT_NO_ANSWER;
	case ERR_INTERNAL:
		break;
	}
	return EXIT_OUR_FAULT;
}

const char *exit_status_meaning(unsigned status)
{
	return status < ARRAY_LEN(meanings) ? meanings[status] : NULL;
}

void exit_status_print(FILE *to)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		fprintf(to, "  %zu  %s\n", i, meanings[i]);
}
