/* What stands on a command line, and what is said where it is wrong. */
#include "cli/cmd_flags.h"

#include "base/buf.h"
#include "cli/cmd.h"
#include "cli/cmd_options.h"
#include "client/exit_status.h"
#include "tap.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 80

struct read {
	struct cmd_options options;
	const char *from;
	uint64_t rate, plays;
	struct cmd_texts faults;
	bool is_json;
};

static const struct cmd_flag flags[] = {
	{ "--name", CMD_TEXT, offsetof(struct read, from), "NAME", "a name" },
	{ "--from", CMD_PATH, offsetof(struct read, from), "DIR", "a folder" },
	{ "--rate", CMD_NUMBER, offsetof(struct read, rate), "N", "how many" },
	{ "--plays", CMD_COUNT, offsetof(struct read, plays), "N", "how often" },
	{ "--fault", CMD_TEXTS, offsetof(struct read, faults), "FAULT", "what fails" },
	{ "--json", CMD_SWITCH, offsetof(struct read, is_json), NULL, "as JSON" },
	{ 0 },
};
static const struct cmd take = { .name = "take",
				 .summary = "takes it",
				 .usage = "A [B]",
				 .help = "Takes it.\n",
				 .examples = "  callspool take a\n",
				 .flags = flags,
				 .operands_max = 2 },
			set = { .name = "set",
				.summary = "sets it",
				.usage = "",
				.help = "Sets it.\n",
				.examples = "  callspool set\n  callspool set --set a=b\n",
				.takes_settings = true };

/* ---- what is said on a stream ---- */

static char said[16384];
static int kept[3]; /* by the descriptor that it is of */

static void listen_to(FILE *stream)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	fflush(stream);
	kept[fileno(stream)] = dup(fileno(stream));
	if (fd < 0 || kept[fileno(stream)] < 0 || dup2(fd, fileno(stream)) < 0)
		exit(1);
	close(fd);
}

static struct str heard_of(FILE *stream)
{
	ssize_t n;

	fflush(stream);
	n = pread(fileno(stream), said, sizeof(said), 0);
	if (n < 0 || dup2(kept[fileno(stream)], fileno(stream)) < 0)
		exit(1);
	close(kept[fileno(stream)]);
	return (struct str){ said, (size_t)n };
}

/* ---- a command line ---- */

/* Blanks between its words; "''" is an empty one. */
static int split(char *line, char *argv[ARGS_MAX])
{
	int argc = 0;

	for (char *rest = line; rest;) {
		argv[argc] = strsep(&rest, " ");
		if (strcmp(argv[argc], "''") == 0)
			argv[argc][0] = '\0';
		argc++;
	}
	return argc;
}

static bool read_line(const struct cmd *cmd, const char *line, struct read *out,
		      struct cmd_texts *operands, int *status, struct str *told)
{
	static char room[4096];
	char *argv[ARGS_MAX];
	bool goes_on;
	int argc;

	snprintf(room, sizeof(room), "%s", line);
	argc = split(room, argv);
	*out = (struct read){ .rate = 7 };
	*status = -1;
	operands->count = 99;
	listen_to(stderr);
	goes_on = cmd_flags_read(cmd, argc, argv, out, operands, status);
	*told = heard_of(stderr);
	return goes_on;
}

static const struct {
	const char *name, *line, *from;
	uint64_t rate;
	size_t faults;
	bool is_json;
	size_t operands;
	const char *last; /* operand, or fault where there is no operand */
} good[] = {
	{ "nothing", "take", NULL, 7, 0, false, 0, NULL },
	{ "one operand", "take a", NULL, 7, 0, false, 1, "a" },
	{ "as many as there may be", "take a b", NULL, 7, 0, false, 2, "b" },
	{ "a value behind its flag", "take --from x", "x", 7, 0, false, 0, NULL },
	{ "a value in its word", "take --from=x", "x", 7, 0, false, 0, NULL },
	{ "a value with an equals sign", "take --from=x=y", "x=y", 7, 0, false, 0, NULL },
	{ "an empty value", "take --from=", "", 7, 0, false, 0, NULL },
	{ "an empty value in a word of its own", "take --from ''", "", 7, 0, false, 0, NULL },
	{ "a value that looks like a flag", "take --from --json", "--json", 7, 0, false, 0, NULL },
	{ "a number", "take --rate 12", NULL, 12, 0, false, 0, NULL },
	{ "a text", "take --name Zo\xc3\xab", "Zo\xc3\xab", 7, 0, false, 0, NULL },
	{ "a path that is no text", "take --from=caf\xe9", "caf\xe9", 7, 0, false, 0, NULL },
	{ "a switch", "take --json", NULL, 7, 0, true, 0, NULL },
	{ "all of them, and operands between", "take a --json --from x b --rate=0", "x", 0, 0, true,
	  2, "b" },
	{ "one that may be repeated", "take --fault a --fault=b --fault c", NULL, 7, 3, false, 0,
	  "c" },
	{ "behind -- all are operands", "take -- --json -", NULL, 7, 0, false, 2, "-" },
	{ "the second of them, too", "take --json -- --", NULL, 7, 0, true, 1, "--" },
	{ "a dash is an operand", "take -", NULL, 7, 0, false, 1, "-" },
	{ "an empty operand", "take ''", NULL, 7, 0, false, 1, "" },
	{ "help behind -- is none", "take -- --help", NULL, 7, 0, false, 1, "--help" },
};

static void check_good(void)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct cmd_texts operands;
		const char *last = NULL;
		struct read read;
		struct str told;
		int status;

		OK(read_line(&take, good[i].line, &read, &operands, &status, &told) &&
			   told.len == 0,
		   "%s: %s", good[i].name, good[i].line);
		IS_STR(str_of(read.from), str_of(good[i].from), "%s: a text", good[i].name);
		IS_INT(read.rate, good[i].rate, "%s: a number", good[i].name);
		IS_INT(read.faults.count, good[i].faults, "%s: texts", good[i].name);
		IS_INT(read.is_json, good[i].is_json, "%s: a switch", good[i].name);
		IS_INT(operands.count, good[i].operands, "%s: operands", good[i].name);
		if (operands.count > 0 && operands.count < 99)
			last = operands.at[operands.count - 1];
		else if (read.faults.count > 0)
			last = read.faults.at[read.faults.count - 1];
		IS_STR(str_of(last), str_of(good[i].last), "%s: the last", good[i].name);
	}
}

static const struct {
	const char *name, *line, *told;
} wrong[] = {
	{ "one operand too many", "take a b c", "unexpected argument 'c'" },
	{ "a flag that is not", "take --nonsense", "unknown option '--nonsense'" },
	{ "a flag that is almost one", "take --form x",
	  "unknown option '--form'; did you mean '--from'?" },
	{ "almost help", "take --hepl", "unknown option '--hepl'; did you mean '--help'?" },
	{ "with a value", "take --jsn=x", "unknown option '--jsn'; did you mean '--json'?" },
	{ "a switch with a value", "take --json=yes", "--json takes no value" },
	{ "a switch with an empty one", "take --json=", "--json takes no value" },
	{ "no value", "take --from", "--from needs a value" },
	{ "no value behind others", "take a --json --rate", "--rate needs a value" },
	{ "twice", "take --from x --from y", "--from is given twice" },
	{ "a switch twice", "take --json a --json", "--json is given twice" },
	{ "no number", "take --rate x", "--rate x: expected a number" },
	{ "less than nothing", "take --rate -1", "--rate -1: expected a number" },
	{ "a text in Latin-1", "take --name Zo\xeb", "--name is not UTF-8" },
	{ "a text in its word", "take --name=90d\xa0", "--name is not UTF-8" },
	{ "a count of nothing", "take --plays 0", "--plays 0: expected a number, 1 or more" },
	{ "no count", "take --plays often", "--plays often: expected a number, 1 or more" },
	{ "a count that no integer holds", "take --plays 9223372036854775808",
	  "--plays 9223372036854775808: expected a number, 1 or more" },
	{ "settings, where none are taken", "take --set a=b", "unknown option '--set'" },
	{ "one dash", "take -j", "unknown option '-j'" },
};

static void check_wrong(void)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct cmd_texts operands;
		struct read read;
		char wanted[256];
		struct str told;
		int status;

		OK(!read_line(&take, wrong[i].line, &read, &operands, &status, &told), "%s: %s",
		   wrong[i].name, wrong[i].line);
		IS_INT(status, EXIT_WRONG_USAGE, "%s: its exit status", wrong[i].name);
		snprintf(wanted, sizeof(wanted), "callspool take: %s\nTry: callspool take --help\n",
			 wrong[i].told);
		IS_STR(told, str_of(wanted), "%s: what is said", wrong[i].name);
		IS_INT(operands.count, 99, "%s: no operand is told", wrong[i].name);
	}
}

/* As many as there is room for, and one more. */
static void check_many(void)
{
	for (int more = 0; more <= 1; more++) {
		char line[1024];
		struct buf all;
		struct cmd_texts operands;
		struct read read;
		struct str told;
		int status;

		buf_over(&all, line, sizeof(line));
		buf_add_text(&all, "take");
		for (int i = 0; i < CMD_TEXTS_MAX + more; i++)
			buf_add_text(&all, " --fault=x");
		IS_INT(read_line(&take, line, &read, &operands, &status, &told), !more,
		       "%d of one flag", CMD_TEXTS_MAX + more);
		IS_INT(read.faults.count, CMD_TEXTS_MAX, "%d are kept", CMD_TEXTS_MAX);
		IS_INT(str_find_str(told, STR("--fault is given more than 64 times")) < told.len,
		       more, "more are refused");
	}
}

static void check_counts(void)
{
	static const struct {
		const char *line;
		uint64_t plays;
	} counts[] = { { "take", 0 },
		       { "take --plays 1", 1 },
		       { "take --plays=9223372036854775807", INT64_MAX } };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct cmd_texts operands;
		struct read read;
		struct str told;
		int status;

		OK(read_line(&take, counts[i].line, &read, &operands, &status, &told), "%s",
		   counts[i].line);
		IS_INT(read.plays, counts[i].plays, "%s: how often", counts[i].line);
	}
}

static void check_settings_flags(void)
{
	struct cmd_texts operands;
	struct read read;
	struct str told;
	int status;

	OK(read_line(&set, "set --set a=b --config=c --set d=e", &read, &operands, &status, &told),
	   "settings, where they are taken");
	IS_STR(str_of(read.options.config_path), STR("c"), "their file");
	IS_INT(read.options.sets.count, 2, "as often as one likes");
	OK(!read_line(&set, "set --config c --config d", &read, &operands, &status, &told),
	   "one file");
	OK(!read_line(&set, "set x", &read, &operands, &status, &told),
	   "no operand where there is none");
	OK(!read_line(&set, "set --conifg c", &read, &operands, &status, &told) &&
		   str_find_str(told, STR("did you mean '--config'?")) < told.len,
	   "almost one of them");
}

/* ---- help ---- */

static void check_help(void)
{
	static const char *const lines[] = { "take --help", "take a -h",
					     "take --json --help x y z" };
	struct cmd_texts operands;
	struct read read;
	struct str told;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		bool goes_on;
		int status;

		listen_to(stdout);
		goes_on = read_line(&take, lines[i], &read, &operands, &status, &told);
		told = heard_of(stdout);
		OK(!goes_on, "help ends it: %s", lines[i]);
		IS_INT(status, EXIT_GOOD, "and is no fault");
		IS_STR(told,
		       STR("Usage: callspool take A [B]\n\nTakes it.\n\nOptions:\n"
			   "  --name NAME       a name\n"
			   "  --from DIR        a folder\n"
			   "  --rate N          how many\n"
			   "  --plays N         how often\n"
			   "  --fault FAULT     what fails\n"
			   "  --json            as JSON\n"
			   "  --help            this text\n\nExample:\n  callspool take a\n"),
		       "it says how it is called, and one example");
	}
	listen_to(stdout);
	cmd_print_help(&set);
	IS_STR(heard_of(stdout),
	       STR("Usage: callspool set\n\nSets it.\n\nOptions:\n"
		   "  --config FILE     settings from this file (else CALLSPOOL_CONFIG names one)\n"
		   "  --set KEY=VALUE   one setting; may be repeated\n"
		   "  --help            this text\n\n"
		   "Examples:\n  callspool set\n  callspool set --set a=b\n"),
	       "with settings, without operands, with two examples");
}

/* ---- commands ---- */

static void check_commands(void)
{
	static const struct cmd *const commands[] = { &take, &set };
	static const struct {
		const char *name, *told;
	} unknown[] = {
		{ "takes", "callspool: unknown command 'takes'; did you mean 'take'?\n"
			   "Try: callspool --help\n" },
		{ "hlep", "callspool: unknown command 'hlep'; did you mean 'help'?\n"
			  "Try: callspool --help\n" },
		{ "nonsense", "callspool: unknown command 'nonsense'\nTry: callspool --help\n" },
		{ "", "callspool: unknown command ''\nTry: callspool --help\n" },
	};
	struct err err;

	OK(cmd_find(commands, 2, "take") == &take && cmd_find(commands, 2, "set") == &set,
	   "the first and the last");
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		listen_to(stderr);
		OK(!cmd_find(commands, 2, unknown[i].name), "none is '%s'", unknown[i].name);
		IS_STR(heard_of(stderr), str_of(unknown[i].told), "which is told");
	}
	err_set(&err, ERR_NOT_FOUND, "no \033[1mcall\n");
	listen_to(stderr);
	IS_INT(cmd_fail(&err), EXIT_NOT_FOUND, "an error has its exit status");
	IS_INT(memchr(heard_of(stderr).at, '\033', 10) != NULL, 0, "and steers nobody's terminal");
}

int main(void)
{
	check_good();
	check_wrong();
	check_many();
	check_counts();
	check_settings_flags();
	check_help();
	check_commands();
	return tap_end();
}
