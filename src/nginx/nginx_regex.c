#include "nginx/nginx_regex.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_MAX    200000u
#define HEAP_KIB_MAX 8192u

struct nginx_regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

static struct nginx_regex *prepared(pcre2_code *code)
{
	struct nginx_regex *regex = xcalloc(1, sizeof(*regex));

	regex->code = code;
	regex->match = pcre2_match_data_create_from_pattern(code, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	if (!regex->match || !regex->limits) {
		nginx_regex_free(regex);
		return NULL;
	}
	pcre2_set_match_limit(regex->limits, STEPS_MAX);
	pcre2_set_heap_limit(regex->limits, HEAP_KIB_MAX);
	return regex;
}

struct nginx_regex *nginx_regex_new(struct str pattern, bool ignores_case)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.at ? pattern.at : ""), pattern.len,
					 ignores_case ? PCRE2_CASELESS : 0, &error, &at, NULL);

	return code ? prepared(code) : NULL;
}

void nginx_regex_free(struct nginx_regex *regex)
{
	if (!regex)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	free(regex);
}

static struct str group_of(struct str subject, const PCRE2_SIZE *bounds)
{
	if (bounds[0] == PCRE2_UNSET || bounds[1] < bounds[0])
		return STR_NONE;
	return (struct str){ subject.at + bounds[0], bounds[1] - bounds[0] };
}

enum nginx_match nginx_regex_match(const struct nginx_regex *regex, struct str subject,
				   struct nginx_groups *out)
{
	struct str text = { subject.at ? subject.at : "", subject.len };
	int count = pcre2_match(regex->code, (PCRE2_SPTR)text.at, text.len, 0, 0, regex->match,
				regex->limits);
	const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(regex->match);

	if (count == PCRE2_ERROR_NOMATCH)
		return NGINX_MATCHES_NOT;
	if (count < 0)
		return NGINX_MATCH_UNKNOWN;
	*out = (struct nginx_groups){ .count = (size_t)count };
	if (out->count > NGINX_GROUPS_MAX)
		out->count = NGINX_GROUPS_MAX;
	for (size_t i = 0; i < out->count; i++)
		out->at[i] = group_of(text, &bounds[2 * i]);
	return NGINX_MATCHES;
}

bool nginx_regex_name(const struct nginx_regex *regex, size_t i, struct str *out_name,
		      size_t *out_group)
{
	uint32_t count, size;
	PCRE2_SPTR table;

	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
	if (i >= count)
		return false;
	table += i * size;
	*out_group = (size_t)table[0] << 8 | table[1];
	*out_name = str_of((const char *)table + 2);
	return true;
}
