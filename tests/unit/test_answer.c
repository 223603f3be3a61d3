#include "client/answer.h"

#include "base/str.h"
#include "printed.h"
#include "tap.h"

static void test_reading(void)
{
	json_t *answer = json_pack("{s:s, s:s, s:i, s:n}", "text", "dana", "empty", "", "number", 7,
				   "nothing");

	IS_STR(str_of(answer_text(answer, "text", "-")), STR("dana"), "a text");
	IS_STR(str_of(answer_text(answer, "empty", "-")), STR("-"), "an empty one");
	IS_STR(str_of(answer_text(answer, "number", "-")), STR("-"), "a number is no text");
	IS_STR(str_of(answer_text(answer, "nothing", "-")), STR("-"), "nor is null");
	IS_STR(str_of(answer_text(answer, "other", "-")), STR("-"), "what is not there");
	OK(answer_text(answer, "other", NULL) == NULL, "it may be nothing at all");
	OK(answer_text(NULL, "text", NULL) == NULL, "as where there is no object");
	IS_INT(answer_number(answer, "number"), 7, "a number");
	IS_INT(answer_number(answer, "text"), 0, "a text is none");
	IS_INT(answer_number(answer, "other"), 0, "nor is what is not there");
	json_decref(answer);
}

static void print_list(bool is_json, unsigned count)
{
	struct answer_list list = { .is_json = is_json };

	take_stdout();
	answer_list_begin(&list, "queued");
	for (unsigned i = 0; i < count; i++) {
		json_t *one = i == 0 ? json_string("RE1") : json_pack("{s:i}", "n", i);

		answer_list_add(&list, one);
		json_decref(one);
	}
	answer_list_end(&list);
}

static void test_printing(void)
{
	json_t *answer = json_pack("{s:[i,i]}", "numbers", 1, 2), *text = json_string("x");

	take_stdout();
	answer_print(answer);
	IS_STR(printed(), STR("{\"numbers\":[1,2]}\n"), "a line of JSON");
	take_stdout();
	answer_print_as("text", text);
	IS_STR(printed(), STR("{\"text\":\"x\"}\n"), "as a member");
	print_list(true, 0);
	IS_STR(printed(), STR("{\"queued\":[]}\n"), "a list of nothing");
	print_list(true, 1);
	IS_STR(printed(), STR("{\"queued\":[\"RE1\"]}\n"), "of one");
	print_list(true, 3);
	IS_STR(printed(), STR("{\"queued\":[\"RE1\",{\"n\":1},{\"n\":2}]}\n"), "of several");
	print_list(false, 3);
	IS_STR(printed(), STR(""), "for people the caller prints");
	json_decref(answer);
	json_decref(text);
}

static void is_json(json_t *value, const char *want, const char *name)
{
	char text[200];
	size_t len = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);

	IS_STR(((struct str){ text, len }), str_of(want), "%s", name);
	json_decref(value);
}

int main(void)
{
	test_reading();
	test_printing();
	is_json(answer_date(0), "null", "no instant");
	is_json(answer_date(1700000000000), "\"2023-11-14T22:13:20.000Z\"", "an instant");
	is_json(answer_plain("dana"), "\"dana\"", "a text");
	is_json(answer_plain("a\x1b[2J"), "\"a?[2J\"", "what a terminal would obey");
	return tap_end();
}
