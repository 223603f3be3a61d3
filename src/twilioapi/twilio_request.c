#include "twilioapi/twilio_request.h"

#include <stdio.h>
#include <string.h>

#include "api/forwarded.h"
#include "api/sid_param.h"
#include "api/web_error.h"
#include "http/exchange.h"
#include "http/form.h"
#include "twilio/sid.h"

static bool refuse(struct exchange *x, enum web_error error, const char *text)
{
	web_refuse(x, error, text, WEB_NO_RETRY);
	return false;
}

static bool sid_of_param(struct exchange *x, int param, const char *prefix, char out[SID_SIZE])
{
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[param], room);

	return sid_is(sid, prefix) && str_copy(sid, out, SID_SIZE);
}

bool twilio_request_of(struct exchange *x, const char *prefix, struct twilio_request *out)
{
	struct buf origin;

	if (!sid_of_param(x, 0, "AC", out->account_sid) ||
	    (prefix && !sid_of_param(x, 1, prefix, out->sid)))
		return refuse(x, WEB_NOT_FOUND, NULL);
	buf_over(&origin, out->origin, sizeof(out->origin));
	forwarded_add_origin(x, &origin);
	return true;
}

/* ---- lists ---- */

static bool is_of_page(struct str name)
{
	return str_eq(name, STR("Page")) || str_eq(name, STR("PageSize")) ||
	       str_eq(name, STR("PageToken"));
}

static bool read_filters(struct exchange *x, const struct form *form, twilio_filter *filter,
			 struct twilio_request *out)
{
	char text[160];

	for (size_t i = 0; i < form->count; i++) {
		const struct form_field *field = &form->fields[i];

		if (is_of_page(field->name) || filter(out, field->name, field->value))
			continue;
		snprintf(text, sizeof(text),
			 "The filter '%.*s' is not known or its value is malformed.",
			 STR_ARG(str_first(field->name, 60)));
		return refuse(x, WEB_BAD_REQUEST, text);
	}
	return true;
}

static bool read_page(struct exchange *x, const struct form *form, uint64_t size_max,
		      struct twilio_request *out)
{
	struct rest_page *page = &out->page;

	if (!rest_page_read(form_field(form, STR("PageSize")), form_field(form, STR("Page")),
			    form_field(form, STR("PageToken")), size_max, page) ||
	    (page->token.at && !str_copy(page->token, out->token, sizeof(out->token))))
		return refuse(x, WEB_BAD_REQUEST, "Page, PageSize or PageToken is malformed.");
	if (page->token.at)
		page->token = str_of(out->token);
	if (page->number > 0 && !page->token.at)
		return refuse(x, WEB_BAD_REQUEST,
			      "A page is found by the next_page_uri of the one before it.");
	return true;
}

bool twilio_list_of(struct exchange *x, const char *tail, uint64_t size_max, twilio_filter *filter,
		    struct twilio_request *out)
{
	char room_bytes[TWILIO_QUERY_MAX + FORM_FIELDS_MAX];
	struct form form;
	struct buf room;

	snprintf(out->path, sizeof(out->path), REST_ROOT "%s/%s", out->account_sid, tail);
	buf_over(&room, room_bytes, sizeof(room_bytes));
	if (!str_copy(x->request.query, out->query, sizeof(out->query)) ||
	    !form_parse(x->request.query, &room, &form))
		return refuse(x, WEB_BAD_REQUEST, "The query is malformed.");
	return read_page(x, &form, size_max, out) && read_filters(x, &form, filter, out);
}

void twilio_list_end(struct json *json, const struct twilio_request *request, size_t count,
		     struct str next)
{
	const struct rest_page_end end = { .path = str_of(request->path),
					   .query = str_of(request->query),
					   .count = count,
					   .next = next };

	rest_write_page(json, &request->page, &end);
}

bool twilio_is_of_account(const struct twilio_request *request, const char *account_sid)
{
	return account_sid[0] == '\0' || strcmp(account_sid, request->account_sid) == 0;
}
