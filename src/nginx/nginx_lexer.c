#include "nginx/nginx_lexer.h"

#include <stdio.h>

void nginx_lexer_init(struct nginx_lexer *lexer, struct str text)
{
	*lexer = (struct nginx_lexer){ .text = text, .line = 1 };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_over(const struct nginx_lexer *lexer)
{
	return lexer->at >= lexer->text.len;
}

static char here(const struct nginx_lexer *lexer)
{
	return lexer->text.at[lexer->at];
}

static void step(struct nginx_lexer *lexer)
{
	lexer->line += here(lexer) == '\n';
	lexer->at++;
}

static enum nginx_token broken(struct nginx_lexer *lexer, const char *problem)
{
	snprintf(lexer->problem, sizeof(lexer->problem), "%s", problem);
	return NGINX_BROKEN;
}

static enum nginx_token unexpected(struct nginx_lexer *lexer, char c)
{
	bool is_plain = c > ' ' && c < 0x7f;

	lexer->token_line = lexer->line;
	snprintf(lexer->problem, sizeof(lexer->problem),
		 is_plain ? "unexpected \"%c\" right behind a quoted word"
			  : "unexpected byte 0x%02x right behind a quoted word",
		 is_plain ? c : (unsigned char)c);
	return NGINX_BROKEN;
}

static void skip_comment(struct nginx_lexer *lexer)
{
	lexer->at += str_find(str_after(lexer->text, lexer->at), '\n');
}

static void skip_spaces(struct nginx_lexer *lexer)
{
	while (!is_over(lexer)) {
		if (here(lexer) == '#')
			skip_comment(lexer);
		else if (is_space(here(lexer)))
			step(lexer);
		else
			return;
	}
}

/* A backslash and what it guards. */
static void step_escape(struct nginx_lexer *lexer)
{
	lexer->has_escapes = true;
	step(lexer);
	if (!is_over(lexer))
		step(lexer);
}

static enum nginx_token word_until(struct nginx_lexer *lexer, size_t from)
{
	lexer->word = (struct str){ lexer->text.at + from, lexer->at - from };
	return NGINX_WORD;
}

static enum nginx_token cut_off(struct nginx_lexer *lexer)
{
	return broken(lexer, "the file ends in the middle of a word");
}

static enum nginx_token quoted_word(struct nginx_lexer *lexer, char quote)
{
	step(lexer);

	size_t from = lexer->at;

	while (!is_over(lexer) && here(lexer) != quote) {
		if (here(lexer) == '\\')
			step_escape(lexer);
		else
			step(lexer);
	}
	if (is_over(lexer))
		return broken(lexer, "a quote that is never closed");
	word_until(lexer, from);
	step(lexer);
	lexer->was_quoted = true;
	return NGINX_WORD;
}

static bool ends_word(char c, bool is_behind_dollar)
{
	return is_space(c) || c == ';' || (c == '{' && !is_behind_dollar);
}

static enum nginx_token plain_word(struct nginx_lexer *lexer)
{
	size_t from = lexer->at;
	bool is_behind_dollar = false; /* and behind any '{' that follow it */

	while (!is_over(lexer) && !ends_word(here(lexer), is_behind_dollar)) {
		char c = here(lexer);

		if (c != '{')
			is_behind_dollar = c == '$';
		if (c == '\\')
			step_escape(lexer);
		else
			step(lexer);
	}
	return is_over(lexer) ? cut_off(lexer) : word_until(lexer, from);
}

static enum nginx_token sign(struct nginx_lexer *lexer, enum nginx_token token)
{
	step(lexer);
	return token;
}

static bool may_follow_quoted(char c)
{
	return is_space(c) || c == ';' || c == '{' || c == ')';
}

enum nginx_token nginx_lexer_next(struct nginx_lexer *lexer)
{
	bool was_quoted = lexer->was_quoted;

	lexer->was_quoted = false;
	if (was_quoted && !is_over(lexer) && !may_follow_quoted(here(lexer)))
		return unexpected(lexer, here(lexer));
	skip_spaces(lexer);
	lexer->token_at = lexer->at;
	lexer->token_line = lexer->line;
	lexer->has_escapes = false;
	if (is_over(lexer))
		return NGINX_END;
	switch (here(lexer)) {
	case ';':
		return sign(lexer, NGINX_SEMICOLON);
	case '{':
		return sign(lexer, NGINX_OPEN);
	case '}':
		return sign(lexer, NGINX_CLOSE);
	case '"':
	case '\'':
		return quoted_word(lexer, here(lexer));
	default:
		return plain_word(lexer);
	}
}

/* "[[" or "[==[" here: the number of '=', else -1. */
static int long_bracket(const struct nginx_lexer *lexer)
{
	struct str rest = str_after(lexer->text, lexer->at);
	size_t n = 1;

	if (rest.len < 2 || rest.at[0] != '[')
		return -1;
	while (n < rest.len && rest.at[n] == '=')
		n++;
	return n < rest.len && rest.at[n] == '[' ? (int)(n - 1) : -1;
}

static bool closes_long_bracket(const struct nginx_lexer *lexer, int level)
{
	struct str rest = str_after(lexer->text, lexer->at);
	size_t n = 1;

	if (rest.len < (size_t)level + 2 || rest.at[0] != ']')
		return false;
	while (n <= (size_t)level && rest.at[n] == '=')
		n++;
	return n == (size_t)level + 1 && rest.at[n] == ']';
}

static void step_many(struct nginx_lexer *lexer, size_t n)
{
	while (n-- > 0 && !is_over(lexer))
		step(lexer);
}

static void skip_long_bracket(struct nginx_lexer *lexer, int level)
{
	step_many(lexer, (size_t)level + 2);
	while (!is_over(lexer) && !closes_long_bracket(lexer, level))
		step(lexer);
	step_many(lexer, (size_t)level + 2);
}

static void skip_lua_string(struct nginx_lexer *lexer, char quote)
{
	step(lexer);
	while (!is_over(lexer) && here(lexer) != quote)
		step_many(lexer, here(lexer) == '\\' ? 2 : 1);
	step_many(lexer, 1);
}

static void skip_lua_comment(struct nginx_lexer *lexer)
{
	step_many(lexer, 2);

	int level = long_bracket(lexer);

	if (level >= 0)
		skip_long_bracket(lexer, level);
	else
		skip_comment(lexer);
}

/* One piece of Lua that is no brace. */
static void skip_lua_piece(struct nginx_lexer *lexer)
{
	int level = long_bracket(lexer);

	if (here(lexer) == '"' || here(lexer) == '\'')
		skip_lua_string(lexer, here(lexer));
	else if (str_starts(str_after(lexer->text, lexer->at), STR("--")))
		skip_lua_comment(lexer);
	else if (level >= 0)
		skip_long_bracket(lexer, level);
	else
		step(lexer);
}

bool nginx_lexer_skip_lua(struct nginx_lexer *lexer)
{
	size_t depth = 1;

	while (!is_over(lexer)) {
		char c = here(lexer);

		if (c != '{' && c != '}') {
			skip_lua_piece(lexer);
			continue;
		}
		step(lexer);
		depth = c == '{' ? depth + 1 : depth - 1;
		if (depth == 0)
			return true;
	}
	return false;
}

/* What stands for backslash and c; false: the backslash stays. */
static bool unescaped(char c, char *out)
{
	static const char from[] = "\"'\\trn", to[] = "\"'\\\t\r\n";
	const char *found = c ? strchr(from, c) : NULL;

	if (!found)
		return false;
	*out = to[found - from];
	return true;
}

size_t nginx_unescape(struct str word, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] == '\\' && i + 1 < word.len && unescaped(word.at[i + 1], &to[n])) {
			i++;
			n++;
		} else {
			to[n++] = word.at[i];
		}
	}
	return n;
}
