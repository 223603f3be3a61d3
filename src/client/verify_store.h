/*
 * callspool verify: has the server compare the store with the ledger, looks on, and takes what it found.  Where no server
 * runs, one in this process does it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdbool.h>

struct verify_store {
	const struct settings *settings; /* borrowed */
	bool mends;
};

/* What came of it. */
struct verify_store_report {
	json_t *pass;   /* how many files and bytes: "asked" of GET /api/verifications */
	json_t *faults; /* an array: found now, and those that are not over since before */
	bool is_own;    /* nothing was fetched: the next start does so */
};
void verify_store_report_release(struct verify_store_report *report);

bool verify_store_run(const struct verify_store *asked, struct verify_store_report *out,
		      struct err *err) MUST_CHECK;
/* *out_count: so many that could not be mended are known from now on. */
bool verify_store_accept(const struct settings *settings, json_int_t *out_count,
			 struct err *err) MUST_CHECK;
