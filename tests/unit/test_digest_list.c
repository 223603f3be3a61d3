#include "backup/digest_list.h"

#include "base/own.h"
#include "blob_folder.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ONE   "0011223344556677889900112233445566778899001122334455667788990011"
#define TWO   "aabbccddeeff77889900112233445566778899001122334455667788990011ff"
#define HEAD  "# callspool-backup 1 sequence=8 made=2026-11-28T14:06:53.123Z recordings=4\n"
#define MORE  "# callspool-backup 1 made=2026-11-28T14:06:53.123Z colour=blue\n"
#define FIRST HEAD ONE "  ledger.db\n"

static struct err err;

static void put(const char *text)
{
	AUTO(free) char *path = NULL;
	FILE *file;

	if (asprintf(&path, "%s/" DIGEST_LIST_NAME, folder) < 0 || !(file = fopen(path, "w")))
		abort();
	fputs(text, file);
	fclose(file);
}

/* How many recordings it lists; -1: it is refused. */
static int count(void)
{
	AUTO(digest_list_free) struct digest_list *list = NULL;
	struct digest_list_head head;
	struct digest_list_line line;
	bool is_end = false;
	int n = 0;

	if (!digest_list_open(folder, &list, &head, &err))
		return -1;
	for (; digest_list_next(list, &line, &is_end, &err); n++)
		if (is_end)
			return n;
	return -1;
}

static void test_foreign(void)
{
	static const struct {
		const char *text;
		int count;
		const char *name;
	} cases[] = {
		{ FIRST "# end\n", 0, "no recording" },
		{ FIRST TWO "  recordings/" NAME "\n# end\n", 1, "one" },
		{ MORE ONE "  ledger.db\n# end\n", 0, "a word of a later version" },
		{ "", -1, "nothing" },
		{ ONE "  ledger.db\n# end\n", -1, "no head" },
		{ HEAD, -1, "no ledger" },
		{ HEAD "# end\n", -1, "its end in place of the ledger" },
		{ HEAD ONE "  other.db\n# end\n", -1, "another ledger" },
		{ "# callspool-backup 2 made=2026-11-28T14:06:53.123Z\n" ONE "  ledger.db\n", -1,
		  "another form" },
		{ "# callspool-backup 1 sequence=x made=2026-11-28T14:06:53.123Z\n" ONE
		  "  ledger.db\n",
		  -1, "a number that is none" },
		{ "# callspool-backup 1 sequence=1\n" ONE "  ledger.db\n# end\n", -1, "no date" },
		{ FIRST, -1, "cut off before its end" },
		{ FIRST TWO "  recordings/" NAME, -1, "cut off within a line" },
		{ FIRST TWO "  recordings/../../etc/passwd\n# end\n", -1, "a path that leads out" },
		{ FIRST TWO "  /etc/passwd\n# end\n", -1, "a path from the root" },
		{ FIRST TWO "  recordings/" NAME "/x\n# end\n", -1, "a path that goes on" },
		{ FIRST TWO " *recordings/" NAME "\n# end\n", -1, "one space" },
		{ FIRST "ff  recordings/" NAME "\n# end\n", -1, "half a digest" },
		{ FIRST "A" ONE "  recordings/" NAME "\n# end\n", -1, "more than a digest" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put(cases[i].text);
		IS_INT(count(), cases[i].count, "%s", cases[i].name);
	}
	OK(err.kind == ERR_INVALID, "in words: %s", err.text);
}

static void test_round_trip(void)
{
	static const struct digest_list_head head = {
		.sequence = 17, .made_at_ms = 1700000000123, .recordings = 2, .ledger_sha256 = ONE
	};
	AUTO(digest_list_writer_free) struct digest_list_writer *writer = NULL;
	AUTO(digest_list_free) struct digest_list *list = NULL;
	char old[128], new[128];
	struct digest_list_head found;
	struct digest_list_line line;
	bool is_end;

	snprintf(old, sizeof(old), "%s/" DIGEST_LIST_NEW, folder);
	snprintf(new, sizeof(new), "%s/" DIGEST_LIST_NAME, folder);
	unlink(new);
	OK(!digest_list_open(folder, &list, &found, &err) && err.kind == ERR_NOT_FOUND,
	   "none is there: %s", err.text);
	OK(digest_list_begin(folder, &head, &writer, &err), "a list is begun");
	digest_list_add(writer, NAME, TWO);
	OK(digest_list_end(writer, &err) && rename(old, new) == 0, "and ended");
	OK(digest_list_open(folder, &list, &found, &err), "it can be read: %s", err.text);
	OK(found.sequence == 17 && found.made_at_ms == 1700000000123 && found.recordings == 2,
	   "its head");
	IS_STR(str_of(found.ledger_sha256), STR(ONE), "the ledger's digest");
	OK(digest_list_next(list, &line, &is_end, &err) && !is_end, "a recording");
	IS_STR(str_of(line.name), STR(NAME), "its name");
	IS_STR(str_of(line.sha256), STR(TWO), "its digest");
	OK(digest_list_next(list, &line, &is_end, &err) && is_end, "its end");
}

/* A writer that is let go of, ended or not, gives its file back. */
static void test_given_back(void)
{
	const struct digest_list_head head = { .sequence = 8,
					       .made_at_ms = 1,
					       .ledger_sha256 = ONE };
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC), again;

	close(lowest);
	for (int i = 0; i < 2; i++) {
		AUTO(digest_list_writer_free) struct digest_list_writer *writer = NULL;

		OK(digest_list_begin(folder, &head, &writer, &err) &&
			   (i == 0 || digest_list_end(writer, &err)),
		   "a list is begun%s", i == 0 ? "" : ", and ended");
	}
	again = open("/dev/null", O_RDONLY | O_CLOEXEC);
	IS_INT(again, lowest, "the writers' files are closed");
	close(again);
	digest_list_writer_free(NULL);
}

/* Room comes back before the end: the line that was lost is one all the same, and why it was. */
static void test_no_room(void)
{
	AUTO(digest_list_writer_free) struct digest_list_writer *writer = NULL;
	const struct digest_list_head head = { .sequence = 8,
					       .made_at_ms = 1,
					       .ledger_sha256 = ONE };
	struct rlimit all, little;

	if (getrlimit(RLIMIT_FSIZE, &all) < 0)
		abort();
	little = all;
	little.rlim_cur = 1000;
	signal(SIGXFSZ, SIG_IGN);
	OK(digest_list_begin(folder, &head, &writer, &err), "a list is begun: %s", err.text);
	setrlimit(RLIMIT_FSIZE, &little);
	for (int i = 0; i < 1000; i++)
		digest_list_add(writer, NAME, TWO);
	setrlimit(RLIMIT_FSIZE, &all);
	errno = 0;
	OK(!digest_list_end(writer, &err) &&
		   str_find_str(str_of(err.text), str_of(strerror(EFBIG))) < strlen(err.text),
	   "what failed first is told: %s", err.text);
}

int main(void)
{
	folder_make();
	test_foreign();
	test_round_trip();
	test_given_back();
	test_no_room();
	folder_remove();
	return tap_end();
}
