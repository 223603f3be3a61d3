#include "live/call_query.h"

#include "api/web_error.h"
#include "base/clock.h"
#include "catalog/recordings.h"
#include "http/exchange.h"
#include "http/form.h"
#include "numbers/number_digits.h"
#include "twilio/sid.h"

#include <stdio.h>
#include <string.h>

#define QUERY_ROOM 4096

static bool read_direction(struct str text, enum call_direction *out)
{
	if (str_eq(text, STR("all")))
		*out = CALL_DIRECTION_UNKNOWN;
	else if (str_eq(text, STR("inbound")))
		*out = CALL_INBOUND;
	else if (str_eq(text, STR("outbound")))
		*out = CALL_OUTBOUND;
	else
		return false;
	return true;
}

static bool read_number(struct call_query *query, struct str text)
{
	if (!str_copy(text, query->number, sizeof(query->number)))
		return false;
	query->filter.number = text.len > 0 ? str_of(query->number) : STR_NONE;
	return true;
}

static bool read_call(struct call_query *query, struct str text)
{
	if (!sid_is_call(text) || !str_copy(text, query->call_sid, SID_SIZE))
		return false;
	query->filter.call_sid = str_of(query->call_sid);
	return true;
}

static bool read_state(struct call_filter *filter, struct str text)
{
	static const struct {
		const char *text;
		enum call_fate fate;
	} fates[] = {
		{ "held", CALLS_HELD },
		{ "expired", CALLS_EXPIRED },
		{ "on_the_way", CALLS_ON_THE_WAY },
	};

	filter->fate = CALLS_OF_ANY_FATE;
	filter->has_group = recording_group_from_text(text, &filter->group);
	for (size_t i = 0; i < ARRAY_LEN(fates); i++)
		if (str_eq(text, str_of(fates[i].text)))
			filter->fate = fates[i].fate;
	return filter->has_group || filter->fate != CALLS_OF_ANY_FATE;
}

bool call_query_read(struct call_query *query, struct str name, struct str value)
{
	struct call_filter *filter = &query->filter;

	if (str_eq(name, STR("direction")))
		return read_direction(value, &filter->direction);
	if (str_eq(name, STR("from")))
		return clock_parse_date(value, &filter->from_ms);
	if (str_eq(name, STR("to")))
		return clock_parse_date(value, &filter->to_ms);
	if (str_eq(name, STR("number")))
		return read_number(query, value);
	if (str_eq(name, STR("state")))
		return read_state(filter, value);
	return str_eq(name, STR("call")) && read_call(query, value);
}

bool call_query_of(struct exchange *x, struct call_query *query,
		   bool (*read)(struct call_query *query, struct str name, struct str value))
{
	char room_bytes[QUERY_ROOM], text[160];
	struct form form;
	struct buf room;

	buf_over(&room, room_bytes, sizeof(room_bytes));
	if (!form_parse(x->request.query, &room, &form)) {
		web_refuse(x, WEB_BAD_REQUEST, "The query is malformed.", WEB_NO_RETRY);
		return false;
	}
	for (size_t i = 0; i < form.count; i++) {
		if (read(query, form.fields[i].name, form.fields[i].value))
			continue;
		snprintf(text, sizeof(text),
			 "The filter '%.*s' is not known or its value is malformed.",
			 STR_ARG(str_first(form.fields[i].name, 60)));
		web_refuse(x, WEB_BAD_REQUEST, text, WEB_NO_RETRY);
		return false;
	}
	return true;
}

bool call_query_is_vague(const struct call_query *query)
{
	struct digits sought = digits_of_search(query->filter.number);

	return query->filter.number.len > 0 && strlen(sought.text) < DIGITS_SEARCH_MIN;
}

struct str call_key(const struct call_cursor *place, char room[CALL_KEY_SIZE])
{
	snprintf(room, CALL_KEY_SIZE, "%lld.%lld", (long long)place->started_at_ms,
		 (long long)place->id);
	return str_of(room);
}

bool call_key_read(struct str text, struct call_cursor *out)
{
	size_t dot = str_find(text, '.');
	struct call_cursor place;

	if (!str_to_i64(str_first(text, dot), &place.started_at_ms) ||
	    !str_to_i64(str_after(text, dot + 1), &place.id) || place.started_at_ms < 0 ||
	    place.id < 1)
		return false;
	*out = place;
	return true;
}
