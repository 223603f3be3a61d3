/*
 * A request in Twilio's form: whose account, which page, and what its answer says of its own address.
 */
#pragma once

#include "api/web_read.h"
#include "auth/origin.h"
#include "base/compiler.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "twilio/rest_write.h"

#include <stdbool.h>

struct exchange;

#define TWILIO_QUERY_MAX 1024
#define TWILIO_PATH_SIZE 160
#define TWILIO_TOKEN_MAX 80

/* Filled on the loop, used on a reader's thread. */
struct twilio_request {
	struct web_read read;
	char account_sid[SID_SIZE];
	char sid[SID_SIZE];           /* the one that is asked for, or whose list it is; "" */
	char origin[ORIGIN_MAX + 64]; /* what addresses of media begin with */
	/* of lists */
	char path[TWILIO_PATH_SIZE], query[TWILIO_QUERY_MAX];
	char token[TWILIO_TOKEN_MAX];
	struct rest_page page;
};

/* A filter of the list's own.  False: it is not known, or its value is malformed. */
typedef bool twilio_filter(struct twilio_request *request, struct str name, struct str value);

/* Both refuse by themselves, as Twilio does: an address that cannot be is not found.  prefix: of params[1]; NULL: there is none. */
bool twilio_request_of(struct exchange *x, const char *prefix,
		       struct twilio_request *out) MUST_CHECK;
/* tail: of the list's address, behind the account. */
bool twilio_list_of(struct exchange *x, const char *tail, uint64_t size_max, twilio_filter *filter,
		    struct twilio_request *out) MUST_CHECK;

/* What stands behind the rows.  next: the token of the next page; at == NULL: there is none. */
void twilio_list_end(struct json *json, const struct twilio_request *request, size_t count,
		     struct str next);
/* Is a row of this account's?  One of which no account is known is everybody's. */
bool twilio_is_of_account(const struct twilio_request *request, const char *account_sid);
