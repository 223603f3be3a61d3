/*
 * Which calls somebody asks for, as they write it: the filters of the list and of events, and the places in the list.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "listing/calls_list.h"

#include <stdbool.h>

struct exchange;

#define CALL_QUERY_NUMBER_MAX 127 /* what a person may type */

/* Zeroed it asks for everything.  The filter's texts lie in it: it stays where it is. */
struct call_query {
	struct call_filter filter;
	char number[CALL_QUERY_NUMBER_MAX + 1];
	char call_sid[SID_SIZE];
};

/*
 * direction (inbound, outbound, all), from and to (RFC 3339), state (none, pending, stored, absent, failed,
 * deleted, held, expired, on_the_way: the last two need filter.retention, which is the caller's to set), number (digits as a person types them), call (a call SID).  False: no such name, or its value is
 * malformed.
 */
bool call_query_read(struct call_query *query, struct str name, struct str value) MUST_CHECK;
/*
 * The whole query of a request, each field by `read`: by call_query_read(), or by the caller, whose struct `query` lies in.
 * False: the request was refused, with the name of the field that `read` was false for.
 */
bool call_query_of(struct exchange *x, struct call_query *query,
		   bool (*read)(struct call_query *query, struct str name,
				struct str value)) MUST_CHECK;
/* Its number has too few digits to search by: the list refuses it (calls_list()), and so does who follows by it. */
bool call_query_is_vague(const struct call_query *query);

/* A place in the list as text, "STARTED_MS.ID", and back. */
#define CALL_KEY_SIZE 48
struct str call_key(const struct call_cursor *place, char room[CALL_KEY_SIZE]);
bool call_key_read(struct str text, struct call_cursor *out) MUST_CHECK;
