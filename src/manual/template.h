/*
 * A text with slots: @word@ in it, of small letters, is replaced by what the slot of that name writes.  Anything else
 * between two @ stands as it is.
 */
#pragma once

#include "manual/manual.h"

struct template_slot {
	const char *name;
	void (*fill)(const struct manual *manual, struct buf *out);
};

/* The table of slots ends with one without a name. */
void template_write(const char *text, const struct template_slot *slots,
		    const struct manual *manual, struct buf *out);
