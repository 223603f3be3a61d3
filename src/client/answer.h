/*
 * What commands read of a server's answer, and how they print JSON.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* `otherwise` where it is not there, no text, or empty. */
const char *answer_text(const json_t *object, const char *key, const char *otherwise);
/* 0 where it is not there, or no number. */
json_int_t answer_number(const json_t *object, const char *key);

/* A line of JSON on standard output. */
void answer_print(const json_t *answer);
/* The same, as the one member of an object. */
void answer_print_as(const char *name, const json_t *value);

/* A list that is printed as it comes, the one member of an object. */
struct answer_list {
	bool is_json; /* else nothing of it is printed here */
	bool has_some;
};
void answer_list_begin(const struct answer_list *list, const char *name);
void answer_list_add(struct answer_list *list, const json_t *value);
void answer_list_end(const struct answer_list *list);

/* null for 0. */
json_t *answer_date(int64_t wall_ms);
/* Of a text that others wrote: JSON takes UTF-8 alone, and a terminal obeys control characters. */
json_t *answer_plain(const char *text);
