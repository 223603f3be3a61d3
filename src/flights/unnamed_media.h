/*
 * A stored file that the ledger does not name, or no longer: what a recording had before it was
 * fetched anew, and what was sealed for a recording that is not to be kept any more.
 *
 * Thread: the fetching loop.
 */
#pragma once

struct flight_env;

/* Removes it on a sealer.  A failure is logged: nothing else depends on it. */
void unnamed_media_remove(const struct flight_env *env, const char *recording_sid,
			  const char *path);
