/*
 * What becomes of faults that are being mended (chores/verifications.h).
 *
 * What was lost is fetched again by a flight; here is seen that it is stored anew.  Where Twilio has it no more, an older generation
 * that is whole takes its place (other_files.h); without one a file that is damaged, and still audio, is better than none.  Either is
 * adopted under another generation, for its bytes are not those that the old one named.  A file of an unknown recording is
 * adopted.  A file that no row names any more is removed.  What cannot be read is tried a few times, then told; the next
 * pass that can read it goes on.
 *
 * A pass looks at all of them, which may be as many as there are recordings: by jobs of a few hundred, between which readers
 * serve others.  One fault is mended at a time.  Thread: the loop of the env.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mender;
struct verify_env;

/* ended(): on the loop, once for each mender_start(): have all been looked at?  waits: some are not over. */
struct mender *mender_new(const struct verify_env *env, void *owner,
			  void (*ended)(void *owner, bool waits));
void mender_start(struct mender *mender);
/* At ended(): for how long this pass held readers of the ledger, all in all. */
int64_t mender_held_us(const struct mender *mender);
/* Before the workers and the ledger stop: what is adopted just now gets no further. */
void mender_abandon(struct mender *mender);
void mender_free(struct mender *mender); /* after the loop, workers and ledger; NULL does nothing */
