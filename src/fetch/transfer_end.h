/*
 * How a transfer comes to its end: what ends it tells its receiver, once, here.
 *
 * Slowness is ours, not libcurl's, whose own limit is counted in whole seconds and ends
 * with the same code as a connection that was never made.
 *
 * Thread: the loop's; outside of libcurl's callbacks unless said otherwise.
 */
#pragma once

#include "base/compiler.h"
#include "fetch/transfer_outcome.h"

#include <curl/curl.h>

struct transfer;

/* It is over: leaves libcurl, is ENDED, and calls on_end with this outcome and text. */
void transfer_finish(struct transfer *transfer, enum transfer_outcome outcome, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The same for what libcurl, or the guard, or the receiver inside of it made of the last hop. */
void transfer_finish_by_code(struct transfer *transfer, CURLcode code);

/* From anywhere: the stall limit runs from now.  The transfer has an easy handle. */
void transfer_pulse(struct transfer *transfer);
/* The time limit, if it has one, runs from now. */
void transfer_limit_time(struct transfer *transfer);
