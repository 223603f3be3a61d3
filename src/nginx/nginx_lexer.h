/*
 * nginx's configuration language as words: ngx_conf_read_token() of nginx, told as tokens.
 *
 * What differs from what one would write oneself, and is nginx's: a quote opens only where a word begins; '}' inside a
 * word belongs to it; "${" never opens a block; a backslash keeps the next byte from ending the word, but goes away only
 * before a quote, a backslash, t, r and n; what follows a quoted word must be a space, ';', '{' or ')'.  Bytes are bytes:
 * nothing here knows UTF-8.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nginx_token {
	NGINX_WORD,
	NGINX_SEMICOLON,
	NGINX_OPEN,
	NGINX_CLOSE,
	NGINX_END,    /* of the text */
	NGINX_BROKEN, /* `problem` says why, `token_line` where: nothing can be read behind it */
};

struct nginx_lexer {
	struct str text;
	size_t at;     /* the next byte */
	uint32_t line; /* its line, from 1 */
	bool was_quoted;
	/* Of the last token. */
	size_t token_at;     /* its first byte, the quote included */
	uint32_t token_line; /* where it begins */
	struct str word;     /* of NGINX_WORD: as it stands there, without its quotes */
	bool has_escapes;    /* a backslash is in it */
	char problem[96];
};

void nginx_lexer_init(struct nginx_lexer *lexer, struct str text);
enum nginx_token nginx_lexer_next(struct nginx_lexer *lexer);
/*
 * Behind the NGINX_OPEN of a *_by_lua_block: skips to behind its closing brace, as Lua sees it (strings, long brackets
 * and comments may hold braces).  False: it never ends.
 */
bool nginx_lexer_skip_lua(struct nginx_lexer *lexer);
/* Writes what nginx makes of a word with backslashes; `to` has room for word.len bytes.  Returns how many. */
size_t nginx_unescape(struct str word, char *to);
