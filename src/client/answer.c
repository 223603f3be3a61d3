#include "client/answer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"

#include <stdio.h>

const char *answer_text(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : otherwise;
}

json_int_t answer_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void answer_print(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
}

void answer_print_as(const char *name, const json_t *value)
{
	printf("{\"%s\":", name);
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	printf("}\n");
}

void answer_list_begin(const struct answer_list *list, const char *name)
{
	if (list->is_json)
		printf("{\"%s\":[", name);
}

void answer_list_add(struct answer_list *list, const json_t *value)
{
	if (list->is_json && list->has_some)
		putchar(',');
	if (list->is_json)
		json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	list->has_some = true;
}

void answer_list_end(const struct answer_list *list)
{
	if (list->is_json)
		printf("]}\n");
}

json_t *answer_date(int64_t wall_ms)
{
	char text[ISO_DATE_SIZE];

	if (wall_ms == 0)
		return json_null();
	clock_iso_date(wall_ms, text);
	return json_string(text);
}

json_t *answer_plain(const char *text)
{
	AUTO(free) char *plain = utf8_plain(str_of(text));

	return json_string(plain);
}
