/*
 * Looking again at recordings that were stored although they are not as long as Twilio announced.
 *
 * Some of them were fetched before Twilio had finished them.  So each is looked at once more, by its
 * length alone: another than that of the stored file means other bytes, and it is fetched anew, as
 * another generation.  One is asked for at a time, and of what gives no answer the question is put off, for
 * a day at most.  The plan is in the ledger (catalog/rechecks.h) and outlives the process.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include <stdint.h>

struct flight_env;
struct recheck;

/* What Twilio had not finished when it was fetched, it has finished by then. */
#define RECHECK_AFTER_MS (10 * 60 * 1000)

/* Begins to look when the loop runs. */
struct recheck *recheck_start(const struct flight_env *env);
/* After the mailbox of env was closed. */
void recheck_free(struct recheck *recheck);
