#include "play/web_media.h"

#include "access/web_admit.h"
#include "access/web_link.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_error.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/form.h"
#include "http/http_parse.h"
#include "media/media_cache.h"
#include "play/media_redirect.h"
#include "play/media_reply.h"
#include "play/probe_play.h"
#include "play/web_play.h"
#include "retention/retention.h"
#include "twilio/sid.h"

void web_media_serve(struct exchange *x, struct str sid, const struct play_terms *terms)
{
	struct web_local *local = web_local_of(x);
	bool may_redirect = media_redirect_suits(x);
	const struct media *media = may_redirect ? media_cache_known(local->media_cache, sid)
						 : media_cache_get(local->media_cache, sid);
	struct media_reply reply;

	if (!media && probe_play(x, sid))
		return;
	if (!media || !play_terms_allow(terms, media)) {
		web_play_start(x, sid, terms);
		return;
	}
	x->source = PLAY_SOURCE_CACHE;
	if (retention_has_expired(local->web->retention, &media->kept, loop_wall_ms(local->loop))) {
		web_refuse(x, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
		return;
	}
	if (!web_may_play(x, media->recording_sid))
		return;
	probe_note_play(x);
	if (may_redirect && media_redirect_send(x, media))
		return;
	if (media->fd < 0) { /* it is to be had first */
		web_play_start(x, sid, terms);
		return;
	}
	media_reply_choose(x, media, &reply);
	media_reply_send(x, media, &reply);
}

static void play_of_link(struct exchange *x, const char *recording_sid)
{
	web_media_serve(x, str_of(recording_sid), NULL);
}

void web_link_media(struct exchange *x)
{
	web_link_play(x, play_of_link);
}

void web_recording_media(struct exchange *x)
{
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[0], room);

	if (!sid_is_recording(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	web_media_serve(x, sid, NULL);
}

/* `recording=RE...` of the query, decoded; at == NULL when it is not there.  False when malformed. */
static bool asked_recording(const struct exchange *x, char room[HTTP_TARGET_MAX], struct str *out)
{
	struct str rest = x->request.query;
	struct form_field field;
	enum form_next next;

	*out = STR_NONE;
	while ((next = form_next(&rest, &room, &field)) == FORM_FIELD)
		if (!out->at && str_eq(field.name, STR("recording")))
			*out = field.value;
	return next == FORM_END;
}

void web_call_download(struct exchange *x)
{
	char sid_room[SID_PARAM_SIZE], query_room[HTTP_TARGET_MAX];
	struct str call_sid = sid_param(x->request.params[0], sid_room), recording_sid;

	if (!asked_recording(x, query_room, &recording_sid)) {
		web_refuse(x, WEB_BAD_REQUEST, "The query is malformed.", WEB_NO_RETRY);
		return;
	}
	if (!sid_is_call(call_sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a call SID: CA and 32 hexadecimal digits.", WEB_NO_RETRY);
		return;
	}
	if (!recording_sid.at) {
		web_media_serve(x, call_sid, NULL);
		return;
	}
	if (!sid_is_recording(recording_sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "recording is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	web_media_serve(x, recording_sid, &(struct play_terms){ .call_sid = call_sid });
}
