/*
 * One file of the store against its row.  Blocks: for a worker.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "chores/recordings_stored.h"
#include "chores/verifications.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct blob_store;

struct file_check {
	bool is_sound;
	enum store_fault_kind kind; /* unless it is sound: one of the losses */
	bool may_mend;              /* false: another file would not be readable either */
	uint64_t read;              /* bytes; 0 where its size told enough, or no digest is known */
	char reason[VERIFICATION_TEXT_SIZE];
};

/*
 * False: it is not the file's fault, and later it may be told: the store is away (its folders are not there), no descriptor is
 * left, we stop.
 */
bool file_check(struct blob_store *store, const struct recording_stored *row,
		const atomic_bool *is_stopping, struct file_check *out, struct err *err) MUST_CHECK;
