#include "nginx/nginx_lexer.h"

#include "base/buf.h"
#include "tap.h"

static const struct {
	const char *name, *text, *tokens; /* a word in <>; "!" and the problem when it is broken */
} cases[] = {
	{ "a directive", "listen 80;", "<listen><80>;" },
	{ "spaces of all kinds", "\ta \r\n\tb\n;", "<a><b>;" },
	{ "a block", "http{server{}}", "<http>{<server>{}}" },
	{ "a closing brace inside a word belongs to it", "a b};", "<a><b}>;" },
	{ "a comment ends with its line", "a # ; {\n b;#", "<a><b>;" },
	{ "a '#' inside a word is no comment", "a b#c;", "<a><b#c>;" },
	{ "quotes keep spaces and signs", "a 'x ; { }' \"y ' z\";", "<a><x ; { }><y ' z>;" },
	{ "a quote inside a word is a byte of it", "a b\"c d;", "<a><b\"c><d>;" },
	{ "an empty quoted word is a word", "a '';", "<a><>;" },
	{ "a brace behind a dollar opens no block", "a ${b}c;", "<a><${b}c>;" },
	{ "nor do several", "a $${{b;", "<a><$${{b>;" },
	{ "a brace behind another byte does", "a b{", "<a><b>{" },
	{ "a backslash guards what would end a word", "a b\\ c\\;d\\{;", "<a><b\\ c\\;d\\{>;" },
	{ "and goes before a quote, itself, t, r, n", "a \"\\\"\\\\\\t\\r\\n\\d\";",
	  "<a><\"\\\t\r\n\\d>;" },
	{ "also without quotes", "a \\\"b\\'\\.c;", "<a><\"b'\\.c>;" },
	{ "a brace behind a guarded dollar", "a \\${b};", "<a><\\$>{<b}>;" },
	{ "')' may follow a quoted word, and begins another", "if ($a = \"b\"){",
	  "<if><($a><=><b><)>{" },
	{ "nothing else may", "a \"b\"c;", "<a><b>!unexpected \"c\" right behind a quoted word" },
	{ "nor a comment", "a \"b\"# c", "<a><b>!unexpected \"#\" right behind a quoted word" },
	{ "nor a byte that nobody can read", "a \"b\"\xff",
	  "<a><b>!unexpected byte 0xff right behind a quoted word" },
	{ "a file may end behind a quoted word", "a \"b\"", "<a><b>" },
	{ "but not inside a plain one", "a b", "<a>!the file ends in the middle of a word" },
	{ "nor inside quotes", "a 'b\\'", "<a>!a quote that is never closed" },
	{ "nor behind a backslash", "a \\", "<a>!the file ends in the middle of a word" },
	{ "bytes that are no UTF-8", "a \xe9\xff\x80;", "<a><\xe9\xff\x80>;" },
	{ "nothing", "", "" },
	{ "spaces alone", " \n\t", "" },
};

static void show(struct nginx_lexer *lexer, struct buf *out)
{
	char plain[256];

	for (;;) {
		switch (nginx_lexer_next(lexer)) {
		case NGINX_WORD:
			buf_add_byte(out, '<');
			buf_add(out, plain, nginx_unescape(lexer->word, plain));
			buf_add_byte(out, '>');
			break;
		case NGINX_SEMICOLON:
			buf_add_byte(out, ';');
			break;
		case NGINX_OPEN:
			buf_add_byte(out, '{');
			break;
		case NGINX_CLOSE:
			buf_add_byte(out, '}');
			break;
		case NGINX_END:
			return;
		case NGINX_BROKEN:
			buf_addf(out, "!%s", lexer->problem);
			return;
		}
	}
}

/* What stands behind the text, as of another file, is none of it. */
static void test_end(void)
{
	static const struct {
		const char *name, *text;
		size_t len;
		const char *tokens;
	} ends[] = {
		{ "of a word", "a b;", 3, "<a>!the file ends in the middle of a word" },
		{ "of a quoted word", "a 'b';", 5, "<a><b>" },
		{ "behind a backslash", "a \\;;", 3, "<a>!the file ends in the middle of a word" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct nginx_lexer lexer;
		char array[512];
		struct buf out;

		buf_over(&out, array, sizeof(array));
		nginx_lexer_init(&lexer, str_first(str_of(ends[i].text), ends[i].len));
		show(&lexer, &out);
		IS_STR(buf_str(&out), str_of(ends[i].tokens), "the end %s", ends[i].name);
	}
}

static void test_tokens(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nginx_lexer lexer;
		char array[512];
		struct buf out;

		buf_over(&out, array, sizeof(array));
		nginx_lexer_init(&lexer, str_of(cases[i].text));
		show(&lexer, &out);
		IS_STR(buf_str(&out), str_of(cases[i].tokens), "%s", cases[i].name);
	}
}

static const struct {
	const char *name, *text; /* what follows the opening brace */
	const char *rest;        /* NULL: never closed */
} lua_cases[] = {
	{ "braces are counted", " local t = { a = {} } } x;", " x;" },
	{ "not in strings", " s = \"}\" .. '}' .. '\\'}' } x;", " x;" },
	{ "right behind a string", " s = 'x'} y;", " y;" },
	{ "not in long strings", " s = [[ } ]] .. [==[ ]] } ]=] ]==] } x;", " x;" },
	{ "not in a comment", " -- }\n } x;", " x;" },
	{ "not in a long comment", " --[[ }\n } ]] } x;", " x;" },
	{ "an index is no long string", " t[1] = a[b[2]] } x;", " x;" },
	{ "never closed", " { }", NULL },
	{ "a string that never ends", " ' }", NULL },
	{ "a long string that never ends", " [=[ }]] }", NULL },
};

static void test_lua(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lua_cases); i++) {
		struct nginx_lexer lexer;

		nginx_lexer_init(&lexer, str_of(lua_cases[i].text));
		bool is_closed = nginx_lexer_skip_lua(&lexer);

		OK(is_closed == (lua_cases[i].rest != NULL), "Lua: %s", lua_cases[i].name);
		if (is_closed)
			IS_STR(str_after(lexer.text, lexer.at), str_of(lua_cases[i].rest),
			       "Lua: %s: what follows", lua_cases[i].name);
	}
}

static void test_lines(void)
{
	struct nginx_lexer lexer;

	nginx_lexer_init(&lexer, STR("# one\n\n a\n'b\nc'\n;"));
	IS_INT(nginx_lexer_next(&lexer), NGINX_WORD, "a word below a comment");
	IS_INT(lexer.token_line, 3, "is on line 3");
	IS_INT(nginx_lexer_next(&lexer), NGINX_WORD, "a word of two lines");
	IS_INT(lexer.token_line, 4, "begins on line 4");
	IS_INT(nginx_lexer_next(&lexer), NGINX_SEMICOLON, "what ends it");
	IS_INT(lexer.token_line, 6, "is on line 6");
}

int main(void)
{
	test_tokens();
	test_end();
	test_lua();
	test_lines();
	return tap_end();
}
