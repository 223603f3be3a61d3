#include "access/web_audit.h"

#include "access/web_admit.h"
#include "accounts/audit.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/form.h"
#include "http/http_parse.h"
#include "twilio/sid.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE 100

struct audit_page {
	struct web_read read; /* first: freed as one */
	struct audit_filter filter;
	char user_name[USER_NAME_SIZE], kind[AUDIT_KIND_SIZE], recording_sid[SID_SIZE];
};

static void add_entry(struct json *json, const struct audit_entry *entry)
{
	json_open(json, NULL, '{');
	json_date(json, "at", entry->at_ms);
	json_text(json, "kind", str_of(entry->kind));
	json_text(json, "user", str_of(entry->user_name));
	json_text(json, "credential", str_of(entry->credential));
	json_text(json, "for", str_of(entry->for_user));
	json_text(json, "recording_sid", str_of(entry->recording_sid));
	json_text(json, "network", str_of(entry->network));
	json_text(json, "address", str_of(entry->address));
	json_text(json, "body", str_of(entry->body));
	json_int(json, "chain", entry->chain);
	json_int(json, "seq", entry->seq);
	json_close(json, '}');
}

static bool find_user(struct audit_page *audit, struct catalog *catalog, struct err *err)
{
	struct user user;

	if (audit->user_name[0] == '\0')
		return true;
	if (!users_find_name(catalog, USER_OWN, str_of(audit->user_name), &user, err) &&
	    (err->kind != ERR_NOT_FOUND ||
	     !users_find_name(catalog, USER_BY_PROXY, str_of(audit->user_name), &user, err)))
		return false;
	audit->filter.user_id = user.id;
	return true;
}

static bool make_audit(struct web_read *read, struct catalog *catalog, struct json *json,
		       struct err *err)
{
	struct audit_page *audit = container_of(read, struct audit_page, read);
	AUTO(free) struct audit_entry *entries = xcalloc(PAGE, sizeof(*entries));
	const struct audit_entry *last;
	char next[80];
	size_t count;

	if (!find_user(audit, catalog, err) ||
	    !audit_list(catalog, &audit->filter, entries, PAGE, &count, err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, "entries", '[');
	for (size_t i = 0; i < count; i++)
		add_entry(json, &entries[i]);
	json_close(json, ']');
	last = count == PAGE ? &entries[count - 1] : NULL;
	if (last)
		snprintf(next, sizeof(next), "%lld.%lld.%lld", (long long)last->at_ms,
			 (long long)last->chain, (long long)last->seq);
	json_text(json, "next", last ? str_of(next) : STR_NONE);
	json_close(json, '}');
	return true;
}

/* "at.chain.seq", as `next` of the page before says it. */
static bool read_before(struct str text, struct audit_filter *filter)
{
	struct str at, chain;

	return str_cut(&text, '.', &at) && str_cut(&text, '.', &chain) &&
	       str_to_i64(at, &filter->before_at_ms) && str_to_i64(chain, &filter->before_chain) &&
	       text.at && str_to_i64(text, &filter->before_seq);
}

static bool read_field(struct audit_page *audit, const struct form_field *field)
{
	struct audit_filter *filter = &audit->filter;

	if (str_eq(field->name, STR("kind")))
		return str_copy(field->value, audit->kind, sizeof(audit->kind));
	if (str_eq(field->name, STR("user")))
		return str_copy(field->value, audit->user_name, sizeof(audit->user_name));
	if (str_eq(field->name, STR("recording")))
		return sid_is_recording(field->value) &&
		       str_copy(field->value, audit->recording_sid, sizeof(audit->recording_sid));
	if (str_eq(field->name, STR("since")))
		return clock_parse_date(field->value, &filter->since_ms);
	if (str_eq(field->name, STR("until")))
		return clock_parse_date(field->value, &filter->until_ms);
	if (str_eq(field->name, STR("before")))
		return read_before(field->value, filter);
	return false;
}

static bool read_query(const struct exchange *x, struct audit_page *audit)
{
	char room[HTTP_TARGET_MAX], *at = room;
	struct str rest = x->request.query;
	struct form_field field;
	enum form_next next;

	while ((next = form_next(&rest, &at, &field)) == FORM_FIELD)
		if (!read_field(audit, &field))
			return false;
	audit->filter.kind = audit->kind;
	audit->filter.recording_sid = audit->recording_sid;
	return next == FORM_END;
}

void web_audit(struct exchange *x)
{
	struct audit_page *audit = xcalloc(1, sizeof(*audit));

	if (!read_query(x, audit)) {
		free(audit);
		web_refuse(x, WEB_BAD_REQUEST, "The query is malformed.", WEB_NO_RETRY);
		return;
	}
	audit->read.make = make_audit;
	audit->read.not_found = WEB_NOT_FOUND;
	web_read_start(&audit->read, x);
}
