/*
 * The pulse: keeps this process alive in the eyes of the others, looks after them (cluster/members.h), and hears that
 * they have written.
 *
 * Of what they wrote it says "look" and nothing more: who looks reads all that came, in order (catalog/turn_news.h).  So what it
 * hears twice, or late, does no harm.  It beats when it is told to, by what must not look alive while it
 * hangs; and it looks without being told.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cluster/members.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pulse;

/* What it says, on its own thread. */
struct pulse_owner {
	const _Atomic int64_t *process; /* its number (catalog/processes.h), as it is now */
	const char *place;              /* where it serves from (struct member_place) */
	const _Atomic int64_t *heard;   /* the turn up to which all is known */
	void *owner;
	void (*news)(void *owner); /* others have had a turn */
	void (*fenced)(
		void *owner); /* that process is no more: it needs another number; said once */
	void (*orphans)(void *owner); /* another process is no more, and may have left events */
};

/*
 * `past`: another address of the same ledger, which leads past a pooler: it is taken where it answers; NULL: none.  ERR_INVALID:
 * it is of another one.
 */
bool pulse_start(const char *path, const char *past, const struct pulse_owner *owner,
		 struct pulse **out, struct err *err) MUST_CHECK;
void pulse_expect_stop(struct pulse *pulse); /* its thread begins to end; NULL does nothing */
void pulse_stop(struct pulse *pulse);        /* ends the thread; NULL does nothing */
void pulse_free(struct pulse *pulse);        /* the same */

void pulse_beat(struct pulse *pulse); /* any thread */
/* ledger_suspect(); any thread. */
void pulse_suspect(struct pulse *pulse, int64_t process);
/* Does this process do what is done once for all?  False before the first beat.  Any thread. */
bool pulse_is_eldest(const struct pulse *pulse);
/* What it has seen with its last beat, and since the start; a plain value. */
struct pulse_sight {
	struct members members;
	uint64_t beats;    /* that the server took */
	uint64_t burials;  /* of others, by this process */
	uint64_t funerals; /* its own: how often it was taken for dead */
};
void pulse_see(struct pulse *pulse, struct pulse_sight *out); /* any thread */
/* When it could see last whether others have written, or began, by clock_boot_ms().  Any thread. */
int64_t pulse_looked_at_ms(const struct pulse *pulse);
