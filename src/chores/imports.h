/*
 * What is to be read of Twilio's list because somebody asked for it, a row for each account, with the place that was
 * reached: so an import goes on there, whoever was killed meanwhile.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT_TEXT_SIZE 200
#define IMPORT_URL_SIZE  2048

/* A plain value.  Instants: wall clock. */
struct import {
	char account_sid[SID_SIZE];
	int64_t since_ms;    /* what was created on that day (GMT) or later; 0: all that there is */
	int64_t before_ms;   /* on that day or earlier; 0: no bound */
	int64_t asked_at_ms; /* 0: never */
	int64_t completed_at_ms;        /* 0: not yet */
	int64_t reached_ms;             /* the list was read back to there; 0: nothing of it */
	char next_url[IMPORT_URL_SIZE]; /* the page to go on with; "": from reached_ms */
	int64_t listed, found;          /* recordings; found: of these that were news */
	int64_t malformed,
		too_old; /* rows that are no recordings; listed, older than they are fetched */
	char failure[IMPORT_TEXT_SIZE]; /* why it does not get on; "" */
};

/* All zero but its account where there is no row. */
bool imports_find(struct catalog *catalog, struct str account_sid, struct import *out,
		  struct err *err) MUST_CHECK;
/* The writer: in the place of the account's row, if there is one. */
bool imports_set(struct catalog *catalog, const struct import *row, struct err *err) MUST_CHECK;
