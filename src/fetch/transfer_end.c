#include "fetch/transfer_end.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "fetch/fetch_state.h"

/* ---- ends ---- */

static bool was_refused(const struct transfer *transfer)
{
	long why = 0;

	return transfer->easy &&
	       curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &why) == CURLE_OK &&
	       why == ECONNREFUSED;
}

void transfer_finish(struct transfer *transfer, enum transfer_outcome outcome, const char *fmt, ...)
{
	struct transfer_receiver *receiver = transfer->receiver;
	struct transfer_result result = {
		.outcome = outcome,
		.status = transfer->head.status,
		.bytes = transfer->bytes,
		.redirects = transfer->redirects,
		.first_byte_ms = transfer->head_at_ms ? transfer->head_at_ms - transfer->asked_at_ms
						      : -1,
		.total_ms = clock_monotonic_ms() - transfer->asked_at_ms,
		.is_refused = outcome == TRANSFER_NOT_CONNECTED && was_refused(transfer),
	};
	va_list args;

	va_start(args, fmt);
	vsnprintf(result.text, sizeof(result.text), fmt, args);
	va_end(args);
	transfer_leave(transfer);
	transfer->receiver = NULL;
	fetch_place(transfer, TRANSFER_ENDED);
	fetch_settle_soon(transfer->fetch);
	if (receiver->on_end)
		receiver->on_end(receiver, &result);
}

void transfer_finish_by_code(struct transfer *transfer, CURLcode code)
{
	enum transfer_outcome outcome = transfer_outcome_of_curl((int)code);
	const char *why = transfer->curl_text[0] ? transfer->curl_text : curl_easy_strerror(code);

	if (transfer->is_stopped) {
		transfer_finish(transfer, TRANSFER_STOPPED, "stopped by who asked for it");
		return;
	}
	if (outcome == TRANSFER_OK) {
		transfer_finish(transfer, TRANSFER_OK, "%s", "");
		return;
	}
	if (outcome == TRANSFER_NOT_CONNECTED && transfer->is_refused && !transfer->is_tried) {
		outcome = TRANSFER_REFUSED_ADDRESS;
		why = transfer->refused;
	}
	transfer_finish(transfer, outcome, "%s: %s", transfer->target.host, why);
}

/* ---- slowness ---- */

static uint64_t progress(const struct transfer *transfer)
{
	curl_off_t came = 0, went = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &came);
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &went);
	return (uint64_t)came + (uint64_t)went;
}

static void pulse_due(struct timer *timer);

static void pulse_again(struct transfer *transfer)
{
	timer_start(transfer->fetch->loop, &transfer->pulse,
		    transfer->fetch->stall_timeout_ms / STALL_PULSES, pulse_due);
}

void transfer_pulse(struct transfer *transfer)
{
	transfer->pulses = 0;
	transfer->samples[0] = progress(transfer);
	pulse_again(transfer);
}

static void pulse_due(struct timer *timer)
{
	struct transfer *transfer = container_of(timer, struct transfer, pulse);
	const struct fetch *fetch = transfer->fetch;
	uint64_t now = progress(transfer), *sample;
	uint64_t least = fetch->stall_bytes_per_s * (uint64_t)fetch->stall_timeout_ms / 1000;
	curl_off_t connected_us = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	if (connected_us == 0) { /* connecting has its own limit */
		transfer_pulse(transfer);
		return;
	}
	sample = &transfer->samples[++transfer->pulses % STALL_PULSES];
	if (transfer->pulses >= STALL_PULSES && now - *sample < least) {
		transfer_finish(transfer, TRANSFER_STALLED,
				"%s sent fewer than %" PRIu64 " bytes in %" PRId64 " ms",
				transfer->target.host, least, fetch->stall_timeout_ms);
		return;
	}
	*sample = now;
	pulse_again(transfer);
}

static void deadline_due(struct timer *timer)
{
	struct transfer *transfer = container_of(timer, struct transfer, deadline);

	transfer_finish(transfer, TRANSFER_TIME_LIMIT, "%s took longer than %" PRId64 " ms",
			transfer->target.host, transfer->time_limit_ms);
}

void transfer_limit_time(struct transfer *transfer)
{
	if (transfer->time_limit_ms > 0)
		timer_start(transfer->fetch->loop, &transfer->deadline, transfer->time_limit_ms,
			    deadline_due);
}
