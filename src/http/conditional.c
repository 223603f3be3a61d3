#include "http/conditional.h"

#include "base/clock.h"

static struct str skip_blanks(struct str text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
		text = str_after(text, 1);
	return text;
}

/*
 * Takes the next entity-tag off a list: `"..."` or `W/"..."`, up to a comma or the end.  False at the end,
 * and at anything that is no entity-tag: what cannot be read matches nothing.
 */
static bool next_tag(struct str *rest, struct str *out_tag, bool *out_weak)
{
	size_t quote;

	*rest = skip_blanks(*rest);
	while (rest->len > 0 && rest->at[0] == ',') /* empty elements (RFC 9110, 5.6.1) */
		*rest = skip_blanks(str_after(*rest, 1));
	*out_weak = str_starts(*rest, STR("W/"));
	if (*out_weak)
		*rest = str_after(*rest, 2);
	if (rest->len < 2 || rest->at[0] != '"')
		return false;
	quote = str_find(str_after(*rest, 1), '"');
	if (quote + 1 >= rest->len)
		return false;
	*out_tag = str_first(*rest, quote + 2);
	*rest = skip_blanks(str_after(*rest, quote + 2));
	return rest->len == 0 || rest->at[0] == ',';
}

/* RFC 9110, 8.8.3.2.  Ours may be weak, too. */
static bool list_has(struct str list, struct str etag, bool strong)
{
	bool ours_weak = str_starts(etag, STR("W/")), weak;
	struct str opaque = ours_weak ? str_after(etag, 2) : etag, tag;

	if (!etag.at)
		return false;
	while (next_tag(&list, &tag, &weak))
		if (str_eq(tag, opaque) && !(strong && (weak || ours_weak)))
			return true;
	return false;
}

/* "*", or one of the tags of one of the header's lines: it may come in several. */
static bool header_matches(const struct http_request *request, struct str name, struct str etag,
			   bool strong)
{
	for (uint32_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (str_eq_nocase(header->name, name) &&
		    (str_eq(header->value, STR("*")) || list_has(header->value, etag, strong)))
			return true;
	}
	return false;
}

static int64_t whole_seconds(int64_t ms)
{
	return ms / 1000;
}

enum conditional_result conditional_check(const struct http_request *request,
					  const struct validators *now)
{
	bool reading = request->method == HTTP_GET || request->method == HTTP_HEAD;
	int64_t date_ms;

	if (request->known[HTTP_IF_MATCH].at) {
		if (!header_matches(request, STR("if-match"), now->etag, true))
			return CONDITIONAL_FAILED;
	} else if (request->known[HTTP_IF_UNMODIFIED_SINCE].at && now->modified_at_ms &&
		   clock_parse_http_date(request->known[HTTP_IF_UNMODIFIED_SINCE], &date_ms) &&
		   whole_seconds(now->modified_at_ms) > whole_seconds(date_ms)) {
		return CONDITIONAL_FAILED;
	}

	if (request->known[HTTP_IF_NONE_MATCH].at) {
		if (header_matches(request, STR("if-none-match"), now->etag, false))
			return reading ? CONDITIONAL_NOT_MODIFIED : CONDITIONAL_FAILED;
	} else if (reading && request->known[HTTP_IF_MODIFIED_SINCE].at && now->modified_at_ms &&
		   clock_parse_http_date(request->known[HTTP_IF_MODIFIED_SINCE], &date_ms) &&
		   whole_seconds(now->modified_at_ms) <= whole_seconds(date_ms)) {
		return CONDITIONAL_NOT_MODIFIED;
	}
	return CONDITIONAL_GO_ON;
}

bool conditional_range_counts(const struct http_request *request, const struct validators *now)
{
	struct str value = request->known[HTTP_IF_RANGE], rest = value, tag;
	int64_t date_ms;
	bool weak;

	if (!value.at)
		return true;
	if (str_starts(value, STR("\"")) || str_starts(value, STR("W/")))
		return next_tag(&rest, &tag, &weak) && rest.len == 0 &&
		       list_has(value, now->etag, true);
	/* A date counts when it is the very one that we send, not when it is later (13.1.5). */
	return now->modified_at_ms && clock_parse_http_date(value, &date_ms) &&
	       whole_seconds(now->modified_at_ms) == whole_seconds(date_ms);
}
