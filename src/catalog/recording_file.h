/*
 * A stored file for which something is still to be done: an item of recordings_digest.h and recordings_waveform.h.
 */
#pragma once

#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdint.h>

/* A plain value. */
struct recording_file {
	int64_t changed_seq; /* of its recording's last change: for the next page */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE];
	int64_t generation;
	char path[RECORDING_PATH_SIZE];
	uint64_t size;
	char sha256[65]; /* hexadecimal; "" until it is computed */
};
