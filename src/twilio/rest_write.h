/*
 * What Twilio's REST API answers, written: resources, what stands beside the rows of a list, errors.  rest.h reads the
 * same.  The fields are those of Twilio's OpenAPI document (api v2010), null where there is nothing to say.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/json.h"
#include "base/str.h"
#include "twilio/rest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REST_ROOT "/2010-04-01/Accounts/"

/* All but "price" and "encryption_details", which are the caller's, as is the end of the object. */
void rest_open_recording(struct json *json, const struct rest_recording *recording);
void rest_write_call(struct json *json, const struct rest_call *call);

/* ---- lists ---- */

#define REST_PAGE_SIZE 50 /* where none is asked for */

struct rest_page {
	uint64_t size, number;
	struct str token; /* what the page before ended with; at == NULL on the first */
};
/* Of the query's fields, at == NULL where one is not there.  False: malformed. */
bool rest_page_read(struct str size, struct str number, struct str token, uint64_t size_max,
		    struct rest_page *out) MUST_CHECK;

/* The other members of the object that holds the rows. */
struct rest_page_end {
	struct str path, query; /* of the request */
	size_t count;           /* rows on this page */
	struct str next;        /* token of the next page; at == NULL: there is none */
	bool has_previous;      /* pages can be asked for by their number alone */
};
void rest_write_page(struct json *json, const struct rest_page *page,
		     const struct rest_page_end *end);

/* Bounds of a date, which a query names as "Field", "Field<", "Field>"; 0: none. */
struct rest_bounds {
	int64_t from_ms, before_ms;
};
enum rest_bound { REST_BOUND_OTHER, REST_BOUND_TAKEN, REST_BOUND_MALFORMED };
/*
 * One field of a query.  "2024-01-31" is a day of GMT, all of which is meant; with a time it is an instant.  Twilio's own
 * "Field>=date" is read as that field: the sign belongs to its name.
 */
enum rest_bound rest_bound_read(const char *field, struct str name, struct str value,
				struct rest_bounds *bounds) MUST_CHECK;

/* ---- errors ---- */

/* The code that Twilio has for a status. */
int rest_code_of_status(int status);
/* JSON, or as on media addresses XML. */
void rest_write_error(struct buf *body, bool is_json, int status, int code, struct str message);
/* Its Content-Type. */
struct str rest_error_type(bool is_json);
