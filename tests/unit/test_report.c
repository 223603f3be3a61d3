/*
 * What the doctor prints of its results: for people, in a file and on a terminal, for machines, and for who watches.  The
 * groups are this test's own.
 */
#include "doctor/report.h"

#include "base/mem.h"
#include "base/own.h"
#include "doctor/report_changes.h"
#include "doctor/report_json.h"
#include "doctor/report_text.h"
#include "pseudo_terminal.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void run_nothing(struct deployment *deployment, struct report *report)
{
}

static const struct check services[] = {
	{ "runs", "does it run?", "Nobody hears anything.", "Start it.", RANK_SERVER, run_nothing },
	{ "a-name-of-20-letters", "is it long?", "It is.", "Shorten it.", RANK_LIMITS,
	  run_nothing },
};
static const struct check proxies[] = {
	{ "buffers", "are there buffers?", "Plays wait.", "Turn it off.", RANK_PROXY, run_nothing },
};
static const struct check_group service_group = {
	.name = "services", .title = "Services", .checks = services, .count = 2
};
static const struct check_group proxy_group = {
	.name = "proxy", .title = "The proxy", .checks = proxies, .count = 1
};
const struct check_group *const doctor_groups[] = { &service_group, &proxy_group };
const size_t doctor_groups_count = 2;

static void now_of(struct report *report, const struct check_group *group, size_t check)
{
	report->group = group;
	report->check = &group->checks[check];
}

static void fill(struct report *report)
{
	report->doctor_options = " --nginx-conf n";
	report->settings_options = " --config c";
	now_of(report, &service_group, 0);
	report_good(report, "it runs since %d", 7);
	now_of(report, &service_group, 1);
	report_left_out(report, "nobody asked");
	report_left_out(report, "nobody asked");
	report_left_out(report, "nobody wants it so"); /* to the 45th column */
	report_left_out(report, "nobody asked for it");
	report_limit(report, "player", "waits for a head", -1, "nobody\033 knows");
	report_limit(report, "proxy", "waits", INT64_MAX, "a.conf:3");
	report_limit(report, "callspool", "waits", 0, "play_wait");
	now_of(report, &proxy_group, 0);
	report_left_out(report, "nobody asked for it");
	report_finding(report, &(struct finding){ .severity = SEVERITY_WEAKENS,
						  .says = "it buffers",
						  .looked_at = "a.conf:3",
						  .expected = "it does not",
						  .write = "proxy_buffering off;\nand reload" });
	report_finding(report, &(struct finding){ .severity = SEVERITY_BREAKS,
						  .says = "it buffers a lot",
						  .consequence = "Nothing is heard.",
						  .confirm = "callspool doctor buffers" });
	report_finding(report, &(struct finding){ .severity = SEVERITY_BREAKS,
						  .says = "it buffers more",
						  .confirm = "nginx -t" });
	report_unchecked(report, "nobody was there");
}

static const char whole_text[] =
	"Services\n"
	"  ok  runs               it runs since 7\n"
	"  --  a-name-of-20-letters nobody asked\n"
	"  --  a-name-of-20-letters nobody wants it so\n"
	"  --  a-name-of-20-letters nobody asked for it\n"
	"\n"
	"The proxy\n"
	"  --  buffers            nobody asked for it\n"
	"  !!  buffers            it buffers\n"
	"      looked at  a.conf:3\n"
	"      expected   it does not\n"
	"      means      Plays wait.\n"
	"      write      proxy_buffering off;\n"
	"                 and reload\n"
	"      confirm    callspool doctor buffers --nginx-conf n --config c\n"
	"  !!  buffers            it buffers a lot\n"
	"      means      Nothing is heard.\n"
	"      cure       Turn it off.\n"
	"      confirm    callspool doctor buffers --config c\n"
	"  !!  buffers            it buffers more\n"
	"      means      Plays wait.\n"
	"      cure       Turn it off.\n"
	"      confirm    nginx -t\n"
	"  ??  buffers            nobody was there\n"
	"      player     waits for a head                              ?   nobody? knows\n"
	"      proxy      waits                                   for ever   a.conf:3\n"
	"      callspool  waits                                      0 ms   play_wait\n"
	"\n"
	"it buffers a lot.\n"
	"1 good, 3 findings, 1 could not be checked, 5 left out.\n";

static const char whole_json[] =
	"{\"verdict\":\"findings\",\"says\":\"it buffers a lot\",\"good\":1,\"findings\":3,\"unchecked\":1,"
	"\"limits\":["
	"{\"who\":\"player\",\"what\":\"waits for a head\",\"seconds\":null,\"source\":\"nobody\\u001b knows\"},"
	"{\"who\":\"proxy\",\"what\":\"waits\",\"seconds\":null,\"source\":\"a.conf:3\"},"
	"{\"who\":\"callspool\",\"what\":\"waits\",\"seconds\":0.000,\"source\":\"play_wait\"}],"
	"\"checks\":["
	"{\"group\":\"services\",\"check\":\"runs\",\"result\":\"good\",\"detail\":\"it runs since 7\"},"
	"{\"group\":\"services\",\"check\":\"a-name-of-20-letters\",\"result\":\"left_out\",\"because\":\"nobody asked\"},"
	"{\"group\":\"services\",\"check\":\"a-name-of-20-letters\",\"result\":\"left_out\",\"because\":\"nobody asked\"},"
	"{\"group\":\"services\",\"check\":\"a-name-of-20-letters\",\"result\":\"left_out\",\"because\":\"nobody wants it so\"},"
	"{\"group\":\"services\",\"check\":\"a-name-of-20-letters\",\"result\":\"left_out\",\"because\":\"nobody asked for it\"},"
	"{\"group\":\"proxy\",\"check\":\"buffers\",\"result\":\"left_out\",\"because\":\"nobody asked for it\"},"
	"{\"group\":\"proxy\",\"check\":\"buffers\",\"result\":\"finding\",\"severity\":\"weakens\",\"says\":\"it buffers\","
	"\"looked_at\":\"a.conf:3\",\"expected\":\"it does not\",\"consequence\":\"Plays wait.\","
	"\"write\":\"proxy_buffering off;\\u000aand reload\",\"remedy\":\"Turn it off.\","
	"\"confirm\":\"callspool doctor buffers --nginx-conf n --config c\"},"
	"{\"group\":\"proxy\",\"check\":\"buffers\",\"result\":\"finding\",\"severity\":\"breaks\",\"says\":\"it buffers a lot\","
	"\"looked_at\":null,\"expected\":null,\"consequence\":\"Nothing is heard.\",\"write\":null,"
	"\"remedy\":\"Turn it off.\",\"confirm\":\"callspool doctor buffers --config c\"},"
	"{\"group\":\"proxy\",\"check\":\"buffers\",\"result\":\"finding\",\"severity\":\"breaks\",\"says\":\"it buffers more\","
	"\"looked_at\":null,\"expected\":null,\"consequence\":\"Plays wait.\",\"write\":null,"
	"\"remedy\":\"Turn it off.\",\"confirm\":\"nginx -t\"},"
	"{\"group\":\"proxy\",\"check\":\"buffers\",\"result\":\"unchecked\",\"because\":\"nobody was there\"}]}";

static void print_whole(const struct report *report, FILE *to)
{
	struct report_text text;

	report_text_start(&text, to);
	for (size_t i = 0; i < report->count; i++)
		if (i == 0 || report->results[i].check != report->results[i - 1].check) {
			struct report part = *report;

			/* Check by check, as they are heard; the limits come with the last. */
			part.count = i;
			while (part.count < report->count &&
			       report->results[part.count].check == report->results[i].check)
				part.count++;
			part.limits_count = part.count == report->count ? report->limits_count : 0;
			text.watch.told(&text.watch, &part, i);
		}
	report_text_end(&text, report);
}

static char *in_a_file(const struct report *report)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	print_whole(report, to);
	fclose(to);
	return text;
}

static void test_whole(void)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 }, copied = { 0 };
	AUTO(buf_release) struct buf buf;
	struct json json;

	fill(&report);
	report_copy(&report, &copied);
	buf_init(&buf, 65536);
	json_start(&json, &buf);
	json_open(&json, NULL, '{');
	report_json_write(&report, &json);
	json_close(&json, '}');
	IS_STR(buf_str(&buf), str_of(whole_json), "for machines");

	AUTO(free) char *text = in_a_file(&report);

	IS_STR(str_of(text), str_of(whole_text), "for people");
	report_release(&report);
	IS_INT(report.count, 0, "nothing is left");

	AUTO(free) char *of_copy = in_a_file(&copied);

	/* A command that confirms is the original's own. */
	OK(strstr(of_copy, "      confirm    callspool doctor buffers --nginx-conf n --config c\n"),
	   "a copy has what the original had");
	IS_STR(str_of(of_copy), str_of(whole_text), "all of it");
}

/* ---- verdicts ---- */

static const struct {
	const char *name;
	bool is_chosen, is_good, is_unchecked, is_left_out;
	const char *end;
} verdicts[] = {
	{ "all is well", false, true, false, false,
	  "\nEvery call plays.\n1 good, 0 findings, 0 could not be checked.\n" },
	{ "a part is well", true, true, false, false,
	  "\nWhat was checked is as it should be.\n1 good, 0 findings, 0 could not be checked.\n" },
	{ "nothing to be checked", true, false, false, true,
	  "\nThere is nothing of this to be checked here.\n0 good, 0 findings, 0 could not be checked, 1 left out.\n" },
	{ "not all was checked", false, true, true, false,
	  "\nNo fault was found, but not all could be checked: buffers: nobody was there.\n"
	  "1 good, 0 findings, 1 could not be checked.\n" },
};

static void test_verdicts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		__attribute__((cleanup(report_release_at))) struct report report = { 0 };
		char *text = NULL;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		struct report_text printed;

		report.is_chosen = verdicts[i].is_chosen;
		now_of(&report, &proxy_group, 0);
		if (verdicts[i].is_good)
			report_good(&report, "good");
		if (verdicts[i].is_unchecked)
			report_unchecked(&report, "nobody was there");
		if (verdicts[i].is_left_out)
			report_left_out(&report, "nothing");
		report_text_start(&printed, to);
		report_text_end(&printed, &report);
		fclose(to);
		IS_STR(str_of(text), str_of(verdicts[i].end), "%s", verdicts[i].name);
		free(text);
	}
}

static void test_list(void)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	struct report_text printed;
	AUTO(buf_release) struct buf buf;
	struct json json;

	report_text_start(&printed, to);
	report_text_list(&printed);
	fclose(to);
	IS_STR(str_of(text),
	       STR("services\n"
		   "  runs                   does it run?\n"
		   "  a-name-of-20-letters   is it long?\n"
		   "\n"
		   "proxy\n"
		   "  buffers                are there buffers?\n"),
	       "the list, for people");
	free(text);
	buf_init(&buf, 65536);
	json_start(&json, &buf);
	report_json_list(&json);
	IS_STR(buf_str(&buf),
	       STR("[{\"group\":\"services\",\"checks\":["
		   "{\"name\":\"runs\",\"asks\":\"does it run?\",\"meaning\":\"Nobody hears anything.\",\"remedy\":\"Start it.\"},"
		   "{\"name\":\"a-name-of-20-letters\",\"asks\":\"is it long?\",\"meaning\":\"It is.\",\"remedy\":\"Shorten it.\"}]},"
		   "{\"group\":\"proxy\",\"checks\":["
		   "{\"name\":\"buffers\",\"asks\":\"are there buffers?\",\"meaning\":\"Plays wait.\",\"remedy\":\"Turn it off.\"}]}]"),
	       "the list, for machines");
}

static void test_many(void)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 };

	now_of(&report, &service_group, 0);
	for (int i = 0; i < 200; i++)
		report_good(&report, "%d", i);
	IS_INT(report_count(&report, RESULT_GOOD), 200, "as many as there are");
	IS_STR(str_of(report.results[199].detail), STR("199"), "to the last");
	OK(report_first(&report, RESULT_UNCHECKED) == NULL, "none was not checked");
	report_unchecked(&report, "first");
	report_unchecked(&report, "second");
	IS_STR(str_of(report_first(&report, RESULT_UNCHECKED)->detail), STR("first"),
	       "the first that was not");
}

/* ---- what is other than it was ---- */

enum said { SAYS_NOTHING, SAYS_GOOD, SAYS_OTHERWISE_GOOD, SAYS_BAD, SAYS_WORSE, SAYS_GOOD_AND_BAD };

static void say(struct report *report, enum said said)
{
	now_of(report, &proxy_group, 0);
	if (said == SAYS_GOOD || said == SAYS_OTHERWISE_GOOD || said == SAYS_GOOD_AND_BAD)
		report_good(report, said == SAYS_OTHERWISE_GOOD ? "well" : "good");
	if (said >= SAYS_BAD)
		report_finding(report,
			       &(struct finding){ .says = said == SAYS_WORSE ? "worse" : "bad" });
	if (said == SAYS_GOOD_AND_BAD)
		report_finding(report, &(struct finding){ .says = "and more" });
}

static const struct {
	const char *name;
	enum said before, now;
	const char *line;
} changes[] = {
	{ "it was not looked at", SAYS_NOTHING, SAYS_GOOD,
	  "12:03:04  ok  buffers             good\n" },
	{ "it is good in other words", SAYS_GOOD, SAYS_OTHERWISE_GOOD, "" },
	{ "it is bad now", SAYS_GOOD, SAYS_BAD, "12:03:04  !!  buffers             bad\n" },
	{ "it is good now", SAYS_BAD, SAYS_GOOD, "12:03:04  ok  buffers             good\n" },
	{ "it is as bad", SAYS_BAD, SAYS_BAD, "" },
	{ "something else is bad", SAYS_BAD, SAYS_WORSE,
	  "12:03:04  !!  buffers             worse\n" },
	{ "two findings are told once", SAYS_GOOD, SAYS_GOOD_AND_BAD,
	  "12:03:04  !!  buffers             bad\n" },
	{ "the first finding counts", SAYS_GOOD_AND_BAD, SAYS_BAD, "" },
	{ "it is not looked at now", SAYS_BAD, SAYS_NOTHING, "" },
};

static void test_changes(void)
{
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		__attribute__((cleanup(report_release_at))) struct report before = { 0 },
									  now = { 0 };
		char *text = NULL;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		struct terminal terminal;

		terminal_start(&terminal, to);
		now_of(&before, &service_group, 0);
		report_unchecked(&before, "of another check");
		say(&before, changes[i].before);
		say(&now, changes[i].now);
		report_changes_print(&before, &now, INT64_C(1795953784999), &terminal);
		fclose(to);
		IS_STR(str_of(text), str_of(changes[i].line), "%s", changes[i].name);
		free(text);
	}
}

/* ---- on a terminal ---- */

#define GREEN  "\033[32m"
#define RED    "\033[1;31m"
#define YELLOW "\033[33m"
#define QUIET  "\033[2m"
#define STRONG "\033[1m"
#define END    "\033[0m"

static const char coloured[] = STRONG
	"Services" END "\n"
	"  " GREEN "ok" END "  runs               it runs since 7\n"
	"  " QUIET "--" END "  a-name-of-20-letters nobody asked\n"
	"  " QUIET "--" END "  a-name-of-20-letters nobody wants it so\n"
	"  " QUIET "--" END "  a-name-of-20-letters nobody asked for\n"
	"                         it\n"
	"\n" STRONG "The proxy" END "\n"
	"  " QUIET "--" END "  buffers            nobody asked for it\n"
	"  " RED "!!" END "  buffers            it buffers\n"
	"      " QUIET "looked at  " END "a.conf:3\n"
	"      " QUIET "expected   " END "it does not\n"
	"      " QUIET "means      " END "Plays wait.\n"
	"      " QUIET "write      " END STRONG "proxy_buffering off;" END "\n"
	"                 " STRONG "and reload" END "\n"
	"      " QUIET "confirm    " END STRONG
	"callspool doctor buffers --nginx-conf n --config c" END "\n"
	"  " RED "!!" END "  buffers            it buffers a lot\n"
	"      " QUIET "means      " END "Nothing is heard.\n"
	"      " QUIET "cure       " END "Turn it off.\n"
	"      " QUIET "confirm    " END STRONG "callspool doctor buffers --config c" END "\n"
	"  " RED "!!" END "  buffers            it buffers more\n"
	"      " QUIET "means      " END "Plays wait.\n"
	"      " QUIET "cure       " END "Turn it off.\n"
	"      " QUIET "confirm    " END STRONG "nginx -t" END "\n"
	"  " YELLOW "?"
	"?" END "  buffers            nobody was there\n"
	"      player     waits for a head                              ?   " QUIET
	"nobody? knows" END "\n"
	"      proxy      waits                                   for ever   " QUIET "a.conf:3" END
	"\n"
	"      callspool  waits                                      0 ms   " QUIET "play_wait" END
	"\n"
	"\n" RED "it buffers a lot.\n" END
	"1 good, 3 findings, 1 could not be checked, 5 left out.\n";

static void test_terminal(void)
{
	__attribute__((cleanup(report_release_at))) struct report report = { 0 };
	struct pseudo_terminal pseudo;

	fill(&report);
	pseudo_terminal_open(&pseudo, 45);
	print_whole(&report, pseudo.to);

	AUTO(free) char *text = pseudo_terminal_close(&pseudo);

	IS_STR(str_of(text), str_of(coloured), "in colours, and as narrow as the terminal");
}

static const struct {
	const char *name, *no_colour, *term;
	unsigned short columns;
	bool has_colour;
	unsigned width;
} terminals[] = {
	{ "a terminal", NULL, "xterm", 90, true, 90 },
	{ "one of a type that nobody told", NULL, NULL, 90, true, 90 },
	{ "one that knows no colours", NULL, "dumb", 90, false, 90 },
	{ "colours that are not wanted", "1", "xterm", 90, false, 90 },
	{ "NO_COLOR that is empty", "", "xterm", 90, true, 90 },
	{ "the widest", NULL, "xterm", 100, true, 100 },
	{ "a wider one", NULL, "xterm", 101, true, 100 },
	{ "the narrowest", NULL, "xterm", 40, true, 40 },
	{ "a narrower one", NULL, "xterm", 39, true, 80 },
	{ "one of no width", NULL, "xterm", 0, true, 80 },
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void test_terminals(void)
{
	for (size_t i = 0; i < ARRAY_LEN(terminals); i++) {
		struct pseudo_terminal pseudo;
		struct terminal terminal;

		set("NO_COLOR", terminals[i].no_colour);
		set("TERM", terminals[i].term);
		pseudo_terminal_open(&pseudo, terminals[i].columns);
		terminal_start(&terminal, pseudo.to);
		IS_INT(terminal.has_colour, terminals[i].has_colour, "%s: colours",
		       terminals[i].name);
		IS_INT(terminal.width, terminals[i].width, "%s: width", terminals[i].name);
		free(pseudo_terminal_close(&pseudo));
	}
	set("NO_COLOR", NULL);
	set("TERM", "xterm");
}

/* Words from column 4 on, with 6 before each further line, in 40 columns. */
static const struct {
	const char *name, *words, *text;
} wrapped[] = {
	{ "to the last column", "aaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbb",
	  "aaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbb\n" },
	{ "one more", "aaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb",
	  "aaaaaaaaaaaaaaaaaa\n      bbbbbbbbbbbbbbbbbb\n" },
	{ "further lines begin elsewhere", "aaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb ccccccccccccccc",
	  "aaaaaaaaaaaaaaaaaa\n      bbbbbbbbbbbbbbbbbb ccccccccccccccc\n" },
	{ "and end there", "aaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb cccccccccccccccc",
	  "aaaaaaaaaaaaaaaaaa\n      bbbbbbbbbbbbbbbbbb\n      cccccccccccccccc\n" },
	{ "characters are counted, and not bytes",
	  "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4 bbbbbbbbbbbbbbbbb",
	  "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4 bbbbbbbbbbbbbbbbb\n" },
	{ "a word that is too long is not broken",
	  "a bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c",
	  "a\n      bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n      c\n" },
	{ "lines that were written", "a\nb c", "a\n      b c\n" },
	{ "and count from there", "aaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbb ccccccccccccccc",
	  "aaaaaaaaaaaaaaaaaa\n      bbbbbbbbbbbbbbbbbb ccccccccccccccc\n" },
	{ "nothing", "", "\n" },
};

static void test_wrapped(void)
{
	for (size_t i = 0; i < ARRAY_LEN(wrapped); i++) {
		char *text = NULL;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		struct terminal terminal = { .to = to, .width = 40 };

		terminal_words(&terminal, wrapped[i].words, 4, 6);
		fclose(to);
		IS_STR(str_of(text), str_of(wrapped[i].text), "%s", wrapped[i].name);
		free(text);
	}
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	set("NO_COLOR", NULL);
	set("TERM", "xterm");
	test_whole();
	test_verdicts();
	test_list();
	test_many();
	test_changes();
	test_terminal();
	test_terminals();
	test_wrapped();
	return tap_end();
}
