#include "live/live_wish.h"

#include <jansson.h>
#include <string.h>

static struct str text_of(const json_t *value)
{
	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){ json_string_value(value), json_string_length(value) };
}

static bool read_filter(json_t *filter, struct live_wish *out)
{
	const char *name;
	json_t *value;

	if (!json_is_object(filter))
		return false;
	out->has_filter = true;
	json_object_foreach(filter, name, value) if (!json_is_string(value) ||
						     !call_query_read(&out->query, str_of(name),
								      text_of(value))) return false;
	return !call_query_is_vague(&out->query);
}

static bool read_bottom(const json_t *value, struct live_wish *out)
{
	out->has_bottom = true;
	return json_is_null(value) ||
	       (json_is_string(value) && call_key_read(text_of(value), &out->bottom));
}

static bool read_number(const json_t *value, bool *out_has, int64_t *out)
{
	*out_has = json_is_integer(value) && json_integer_value(value) >= 0;
	*out = json_integer_value(value);
	return *out_has;
}

static bool read_member(const char *name, json_t *value, struct live_wish *out)
{
	if (strcmp(name, "filter") == 0)
		return read_filter(value, out);
	if (strcmp(name, "bottom") == 0)
		return read_bottom(value, out);
	if (strcmp(name, "after") == 0)
		return read_number(value, &out->has_after, &out->after);
	return strcmp(name, "id") == 0 && read_number(value, &out->has_id, &out->id);
}

static bool read_object(json_t *object, struct live_wish *out)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) if (!read_member(name, value, out)) return false;
	return json_is_object(object);
}

bool live_wish_read(struct str text, struct live_wish *out)
{
	json_error_t error;
	json_t *object = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	bool is_good;

	memset(out, 0, sizeof(*out));
	is_good = object && read_object(object, out);
	json_decref(object);
	return is_good;
}
