/*
 * ngx_http_rewrite_module: set, if, rewrite, return and break, in the order in which they stand.
 */
#include "nginx/nginx_visit.h"

#include "base/own.h"
#include "nginx/nginx_visit_private.h"

static enum nginx_step is_over(struct nginx_visit *visit, const struct nginx_directive *by,
			       unsigned status)
{
	visit->end = NGINX_ANSWERED;
	visit->by = by;
	visit->status = status;
	return NGINX_IS_OVER;
}

static enum nginx_step is_lost(struct nginx_visit *visit, const struct nginx_directive *by,
			       const char *why)
{
	nginx_doubt(visit, by, why);
	visit->end = NGINX_LOST;
	visit->by = by;
	return NGINX_IS_OVER;
}

static enum nginx_step run_return(struct nginx_visit *visit,
				  const struct nginx_directive *directive)
{
	uint64_t status;

	if (!str_to_u64(nginx_word(directive, 1), &status) || status > 999)
		status = 302; /* an address alone */
	return is_over(visit, directive, (unsigned)status);
}

static enum nginx_step run_set(struct nginx_visit *visit, const struct nginx_directive *directive)
{
	__attribute__((cleanup(buf_release_at))) struct buf value = { 0 };
	bool is_known;

	buf_init(&value, NGINX_VALUE_BYTES_MAX);
	is_known = nginx_value(visit, nginx_word(directive, 2), &value);
	nginx_visit_set(visit, str_after(nginx_word(directive, 1), 1), buf_str(&value), is_known);
	return NGINX_GO_ON;
}

/* What an `if` finds. */
enum truth {
	IS_TRUE,
	IS_FALSE,
	IS_UNKNOWN,
};

static enum truth truth_of(bool is_true)
{
	return is_true ? IS_TRUE : IS_FALSE;
}

/* An expression of this module that does not match leaves no groups of those before: others do. */
static enum nginx_match match(struct nginx_visit *visit, struct str pattern, bool ignores_case,
			      struct str subject)
{
	enum nginx_match found = nginx_visit_match(visit, pattern, ignores_case, subject);

	if (found == NGINX_MATCHES_NOT)
		visit->groups.count = 0;
	return found;
}

static enum truth matches(struct nginx_visit *visit, struct str sign, struct str pattern,
			  struct str subject)
{
	bool is_not = str_starts(sign, STR("!"));
	bool ignores_case = str_ends(sign, STR("*"));

	switch (match(visit, pattern, ignores_case, subject)) {
	case NGINX_MATCHES:
		return truth_of(!is_not);
	case NGINX_MATCHES_NOT:
		return truth_of(is_not);
	case NGINX_MATCH_UNKNOWN:
		break;
	}
	return IS_UNKNOWN;
}

static enum truth compare(struct nginx_visit *visit, struct str sign, struct str left,
			  struct str right)
{
	__attribute__((cleanup(buf_release_at))) struct buf value = { 0 };

	if (str_find(sign, '~') < sign.len)
		return matches(visit, sign, right, left);
	buf_init(&value, NGINX_VALUE_BYTES_MAX);
	if (!nginx_value(visit, right, &value))
		return IS_UNKNOWN;
	return truth_of(str_eq(left, buf_str(&value)) == !str_starts(sign, STR("!")));
}

/* The words of an `if` without its parentheses. */
static size_t condition_words(const struct nginx_directive *directive, struct str out[3])
{
	size_t count = 0;

	for (size_t i = 1; i < directive->word_count; i++) {
		struct str word = directive->words[i];

		if (i == 1 && str_starts(word, STR("(")))
			word = str_after(word, 1);
		if (i + 1 == directive->word_count && str_ends(word, STR(")")))
			word.len--;
		if (word.len == 0 && (i == 1 || i + 1 == directive->word_count))
			continue;
		if (count == 3)
			return 0;
		out[count++] = word;
	}
	return count;
}

static enum truth truth_of_value(struct str value)
{
	return truth_of(value.len > 0 && !str_eq(value, STR("0")));
}

static enum truth condition(struct nginx_visit *visit, const struct nginx_directive *directive)
{
	__attribute__((cleanup(buf_release_at))) struct buf left = { 0 };
	struct str words[3];
	size_t count = condition_words(directive, words);

	buf_init(&left, NGINX_VALUE_BYTES_MAX);
	if (count == 2 || count == 0)
		return IS_UNKNOWN; /* -f and its like: files of the proxy */
	if (!nginx_value(visit, words[0], &left))
		return IS_UNKNOWN;
	return count == 1 ? truth_of_value(buf_str(&left))
			  : compare(visit, words[1], buf_str(&left), words[2]);
}

static bool is_in_server(const struct nginx_directive *block)
{
	return nginx_is(block, STR("server"));
}

static enum nginx_step run_if(struct nginx_visit *visit, const struct nginx_directive *directive)
{
	switch (condition(visit, directive)) {
	case IS_FALSE:
		return NGINX_GO_ON;
	case IS_UNKNOWN:
		nginx_doubt(visit, directive,
			    "whether this holds could not be told, and it was taken not to");
		return NGINX_GO_ON;
	case IS_TRUE:
		break;
	}
	if (!is_in_server(nginx_block_of(directive)))
		visit->block = directive;
	return nginx_rewrite(visit, directive);
}

/* As it is written: an address in capitals is a path to nginx. */
static bool is_redirect(struct str replacement)
{
	return str_starts(replacement, STR("http://")) ||
	       str_starts(replacement, STR("https://")) || str_starts(replacement, STR("$scheme"));
}

/*
 * Arguments begin at a '?' that is written: one that a variable brings is of the path.  The old follow the new, unless what
 * is written ends in '?'.
 */
static bool make_target(struct nginx_visit *visit, struct str written, struct buf *path,
			struct buf *args)
{
	bool drops_old = str_ends(written, STR("?")), is_known;
	size_t query;

	if (drops_old)
		written.len--;
	query = str_find(written, '?');
	is_known = nginx_value(visit, str_first(written, query), path) &&
		   nginx_value(visit, str_after(written, query + 1), args);
	if (drops_old || visit->args.len == 0)
		return is_known;
	if (query < written.len)
		buf_add_byte(args, '&');
	buf_add(args, visit->args.at, visit->args.len);
	return is_known;
}

static enum nginx_step run_rewrite(struct nginx_visit *visit,
				   const struct nginx_directive *directive)
{
	__attribute__((cleanup(buf_release_at))) struct buf made = { 0 }, args = { 0 };
	struct str flag = nginx_word(directive, 3), replacement = nginx_word(directive, 2);
	AUTO(free) char *path = str_dup(buf_str(&visit->uri));
	enum nginx_match found = match(visit, nginx_word(directive, 1), false, str_of(path));

	if (found == NGINX_MATCHES_NOT)
		return NGINX_GO_ON;
	if (found == NGINX_MATCH_UNKNOWN)
		return is_lost(visit, directive, "its expression could not be followed");
	if (str_eq(flag, STR("permanent")))
		return is_over(visit, directive, 301);
	if (str_eq(flag, STR("redirect")) || is_redirect(replacement))
		return is_over(visit, directive, 302);
	buf_init(&made, NGINX_VALUE_BYTES_MAX);
	buf_init(&args, NGINX_VALUE_BYTES_MAX);
	if (!make_target(visit, replacement, &made, &args))
		return is_lost(visit, directive, "where it leads could not be told");
	if (made.len == 0)
		return is_over(visit, directive, 500);
	nginx_visit_move(visit, buf_str(&made), buf_str(&args));
	if (str_eq(flag, STR("last")))
		return NGINX_AGAIN;
	if (!str_eq(flag, STR("break")))
		return NGINX_GO_ON;
	visit->is_broken_off = true;
	return NGINX_STOP;
}

static enum nginx_step run(struct nginx_visit *visit, const struct nginx_directive *directive)
{
	if (nginx_is(directive, STR("set")))
		return run_set(visit, directive);
	if (nginx_is(directive, STR("if")))
		return run_if(visit, directive);
	if (nginx_is(directive, STR("rewrite")))
		return run_rewrite(visit, directive);
	if (nginx_is(directive, STR("return")))
		return run_return(visit, directive);
	if (nginx_is(directive, STR("break"))) {
		visit->is_broken_off |= visit->is_moved;
		return NGINX_STOP;
	}
	if (str_starts(nginx_name(directive), STR("rewrite_by_lua")) ||
	    str_starts(nginx_name(directive), STR("access_by_lua")))
		nginx_doubt(visit, directive, "Lua may answer, or change the request, here");
	return NGINX_GO_ON;
}

enum nginx_step nginx_rewrite(struct nginx_visit *visit, const struct nginx_directive *block)
{
	enum nginx_step step = NGINX_GO_ON;

	for (const struct nginx_directive *d = nginx_first(block); d && step == NGINX_GO_ON;
	     d = nginx_next(block, d))
		step = run(visit, d);
	return step;
}
