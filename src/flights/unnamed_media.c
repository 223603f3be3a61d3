#include "flights/unnamed_media.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob_request.h"
#include "catalog/recordings.h"
#include "flights/flight_env.h"

#include <stdlib.h>

struct removal {
	struct blob_request request;
	char recording_sid[SID_SIZE];
};

/* What was lost is often not there. */
static void removal_done(struct blob_request *request)
{
	AUTO(free) struct removal *removal = container_of(request, struct removal, request);

	if (!request->succeeded && request->err.kind != ERR_NOT_FOUND)
		log_warn(NULL, "recording %s: an older file of it stays: %s",
			 removal->recording_sid, request->err.text);
}

void unnamed_media_remove(const struct flight_env *env, const char *recording_sid, const char *path)
{
	struct removal *removal = xcalloc(1, sizeof(*removal));
	struct blob_request *request = &removal->request;

	*request = (struct blob_request){ .verb = BLOB_REMOVE,
					  .done = removal_done,
					  .reply = env->mailbox };
	snprintf(request->name, sizeof(request->name), "%s", path);
	memcpy(removal->recording_sid, recording_sid, SID_SIZE);
	if (env->sealers) {
		blob_ask(env->store, env->sealers, request);
		return;
	}
	blob_answer(env->store, request); /* at the end, when they have stopped */
	removal_done(request);
}
