#include "flights/unnamed_media.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "event/workers.h"
#include "flights/flight_env.h"

#include <stdlib.h>

struct removal {
	struct job job;
	struct blob_store *store;
	char recording_sid[SID_SIZE], path[RECORDING_PATH_SIZE];
	bool succeeded;
	struct err err;
};

static void run_removal(struct job *job)
{
	struct removal *removal = container_of(job, struct removal, job);

	removal->succeeded = blob_remove(removal->store, str_of(removal->path), &removal->err);
}

/* What was lost is often not there. */
static void removal_done(struct job *job)
{
	AUTO(free) struct removal *removal = container_of(job, struct removal, job);

	if (!removal->succeeded && removal->err.kind != ERR_NOT_FOUND)
		log_warn(NULL, "recording %s: an older file of it stays: %s",
			 removal->recording_sid, removal->err.text);
}

void unnamed_media_remove(const struct flight_env *env, const char *recording_sid, const char *path)
{
	struct removal *removal = xcalloc(1, sizeof(*removal));

	removal->job =
		(struct job){ .run = run_removal, .done = removal_done, .reply = env->mailbox };
	removal->store = env->store;
	memcpy(removal->recording_sid, recording_sid, SID_SIZE);
	snprintf(removal->path, sizeof(removal->path), "%s", path);
	if (env->sealers) {
		workers_post(env->sealers, &removal->job);
		return;
	}
	run_removal(&removal->job); /* at the end, when they have stopped */
	removal_done(&removal->job);
}
