#include "web/web_media.h"

#include "http/exchange.h"
#include "media/media_cache.h"
#include "twilio/sid.h"
#include "web/expiry.h"
#include "web/media_reply.h"
#include "web/web.h"
#include "web/web_error.h"
#include "web/web_play.h"

/* call_sid: the recording must be of this call; at == NULL when any will do. */
static void serve(struct exchange *x, struct str sid, struct str call_sid)
{
	struct web_local *local = web_local_of(x);
	const struct media *media = media_cache_get(local->media_cache, sid);
	struct media_reply reply;

	if (!media || (call_sid.at && !str_eq(str_of(media->call_sid), call_sid))) {
		web_play_start(x, sid, call_sid);
		return;
	}
	if (expiry_has_passed(local, media->started_at_ms, media->is_held)) {
		web_refuse(x, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
		return;
	}
	media_reply_choose(x, media, &reply);
	media_reply_send(x, media, &reply);
}

void web_recording_media(struct exchange *x)
{
	struct str sid = x->request.params[0];

	if (!sid_is_recording(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	serve(x, sid, STR_NONE);
}

/* `recording=RE...` of the query; at == NULL when it is not there. */
static struct str asked_recording(const struct exchange *x)
{
	struct str rest = x->request.query, piece;

	while (str_cut(&rest, '&', &piece))
		if (str_starts(piece, STR("recording=")))
			return str_after(piece, sizeof("recording=") - 1);
	return STR_NONE;
}

void web_call_download(struct exchange *x)
{
	struct str call_sid = x->request.params[0], recording_sid = asked_recording(x);

	if (!sid_is_call(call_sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a call SID: CA and 32 hexadecimal digits.", WEB_NO_RETRY);
		return;
	}
	if (!recording_sid.at) {
		serve(x, call_sid, STR_NONE);
		return;
	}
	if (!sid_is_recording(recording_sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "recording is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	serve(x, recording_sid, call_sid);
}
