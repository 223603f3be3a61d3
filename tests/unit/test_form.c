#include "base/own.h"
#include "http/form.h"
#include "tap.h"

static const struct {
	const char *text;
	bool parses;
	const char *wanted; /* "name=value;" each, decoded */
} cases[] = {
	{ "", true, "" },
	{ "a=1", true, "a=1;" },
	{ "a=1&b=2", true, "a=1;b=2;" },
	{ "a=1&a=2", true, "a=1;a=2;" },
	{ "a", true, "a=;" },
	{ "a=", true, "a=;" },
	{ "=1", true, "=1;" },
	{ "&&a=1&&", true, "a=1;" },
	{ "a=b=c", true, "a=b=c;" },
	{ "a=b+c%20d", true, "a=b c d;" },
	{ "a=%2b%2B", true, "a=++;" },
	{ "From=%2B972501234567", true, "From=+972501234567;" },
	{ "%61=%c3%a9", true, "a=\xc3\xa9;" },
	{ "a%3Db=%26", true, "a=b=&;" },
	{ "a;b=1", true, "a;b=1;" },
	{ "a=%", false, NULL },
	{ "a=%4", false, NULL },
	{ "a=%zz", false, NULL },
	{ "a=%4g", false, NULL },
	{ "%=1", false, NULL },
	{ "a=1&b=%", false, NULL },
};

static void test_parse(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char memory[256], shown_memory[256];
		struct buf room, shown;
		struct form form;

		buf_over(&room, memory, sizeof(memory));
		buf_over(&shown, shown_memory, sizeof(shown_memory));
		IS_INT(form_parse(str_of(cases[i].text), &room, &form), cases[i].parses, "'%s'",
		       cases[i].text);
		if (!cases[i].parses)
			continue;
		for (size_t n = 0; n < form.count; n++) {
			buf_add_str(&shown, form.fields[n].name);
			buf_add_byte(&shown, '=');
			buf_add_str(&shown, form.fields[n].value);
			buf_add_byte(&shown, ';');
		}
		IS_STR(buf_str(&shown), str_of(cases[i].wanted), "the fields of '%s'",
		       cases[i].text);
	}
}

static void test_limits(void)
{
	char memory[FORM_FIELDS_MAX * 4 + 16], text[FORM_FIELDS_MAX * 2 + 2];
	struct buf room;
	struct form form;

	for (size_t i = 0; i < sizeof(text); i += 2)
		text[i] = 'a', text[i + 1] = '&';
	buf_over(&room, memory, sizeof(memory));
	OK(form_parse((struct str){ text, FORM_FIELDS_MAX * 2 }, &room, &form),
	   "as many fields as there may be");
	IS_INT(form.count, FORM_FIELDS_MAX, "all of them");
	OK(!form_parse((struct str){ text, FORM_FIELDS_MAX * 2 + 1 }, &room, &form),
	   "one field more");

	buf_over(&room, memory, 5);
	OK(!form_parse(STR("a=123"), &room, &form), "a room that is too small");

	buf_init(&room, 100000);
	buf_add_text(&room, "before");
	OK(form_parse(STR("a=1&b=%32"), &room, &form), "behind what is in the room already");
	IS_STR(form_field(&form, STR("b")), STR("2"), "a field by its name");
	OK(form_field(&form, STR("B")).at == NULL, "names have case");
	OK(form_field(&form, STR("c")).at == NULL, "no such field");
	buf_release(&room);
}

static void test_encode(void)
{
	char memory[256];
	struct buf buf;

	buf_over(&buf, memory, sizeof(memory));
	form_encode(&buf, STR("Az09-._~ +&=%/?#\xc3\xa9"));
	IS_STR(buf_str(&buf), STR("Az09-._~%20%2B%26%3D%25%2F%3F%23%C3%A9"),
	       "everything but unreserved characters");
	buf_clear(&buf);
	OK(url_decode(STR("a%2Fb+c"), &buf), "url_decode");
	IS_STR(buf_str(&buf), STR("a/b+c"), "'+' stays");
	OK(!url_decode(STR("%00"), &buf), "no NUL");
	OK(!url_decode(STR("%"), &buf), "no bad escape");
	OK(!url_decode(STR("%f"), &buf), "no half escape");
	IS_STR(buf_str(&buf), STR("a/b+c"), "and nothing is appended then");
}

static void test_read(void)
{
	static const struct {
		const char *text;
		const char *fields; /* NULL: malformed */
	} rows[] = {
		{ "", "" },
		{ "&&", "" },
		{ "a=1&b=2", "a:1;b:2;" },
		{ "&a=1&&b&", "a:1;b:;" },
		{ "a+b=%41%2B", "a b:A+;" },
		{ "a=1&b=%4", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(form_fields_release) struct form_fields form = { .count = 0 };
		char told_bytes[64];
		struct buf told;

		OK(form_read(str_of(rows[i].text), &form) == (rows[i].fields != NULL),
		   "'%s': well-formed or not", rows[i].text);
		buf_over(&told, told_bytes, sizeof(told_bytes));
		for (size_t at = 0; at < form.count; at++)
			buf_addf(&told, "%.*s:%.*s;", STR_ARG(form.at[at].name),
				 STR_ARG(form.at[at].value));
		IS_STR(buf_str(&told), str_of(rows[i].fields ? rows[i].fields : ""),
		       "'%s': its fields", rows[i].text);
	}
}

int main(void)
{
	test_parse();
	test_read();
	test_limits();
	test_encode();
	return tap_end();
}
