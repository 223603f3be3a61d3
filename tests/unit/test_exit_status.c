#include "client/exit_status.h"

#include "tap.h"

#include <string.h>

/* By number, as scripts compare them. */
static const struct {
	enum err_kind kind;
	int status;
	const char *name;
} kinds[] = {
	{ ERR_INTERNAL, 1, "our fault" },      { ERR_INVALID, 2, "wrong usage" },
	{ ERR_NOT_FOUND, 3, "no such thing" }, { ERR_CONFLICT, 4, "a conflict" },
	{ ERR_UNAVAILABLE, 5, "no answer" },   { ERR_SCARCE, 5, "no descriptor is left" },
};

int main(void)
{
	char text[2000] = "";
	struct str rest, line;
	unsigned status = 0;
	FILE *table;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		IS_INT(exit_status_of(kinds[i].kind), kinds[i].status, "%s", kinds[i].name);
	OK(EXIT_GOOD == 0 && EXIT_DEGRADED == 6 && EXIT_FINDINGS == 7 && EXIT_UNCHECKED == 8,
	   "what is no error has a status, too");

	table = fmemopen(text, sizeof(text), "w");
	exit_status_print(table);
	fclose(table);
	rest = str_of(text);
	while (str_cut(&rest, '\n', &line) && line.len > 0) {
		const char *meaning = exit_status_meaning(status);
		char want[200];

		snprintf(want, sizeof(want), "  %u  %s", status, meaning ? meaning : "nothing");
		IS_STR(line, str_of(want), "status %u stands in the table", status);
		status++;
	}
	IS_INT(status, EXIT_UNCHECKED + 1, "all of them do");
	OK(exit_status_meaning(EXIT_UNCHECKED) && !exit_status_meaning(EXIT_UNCHECKED + 1),
	   "there is no other");
	return tap_end();
}
