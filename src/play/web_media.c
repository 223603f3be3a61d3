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

/* Answers from what this loop knows to be stored; false: it knows of none, or must have it first. */
static bool serve_known(struct exchange *x, struct str sid, const struct play_terms *terms)
{
	struct web_local *local = web_local_of(x);
	bool may_redirect = media_redirect_suits(x);
	const struct media *media = media_cache_known(local->media_cache, sid);
	struct media_reply reply;

	if (!media || (media->fd < 0 && !may_redirect) ||
	    (terms && !play_terms_allow(terms, media)))
		return false;
	x->source = PLAY_SOURCE_CACHE;
	if (retention_has_expired(local->web->retention, &media->kept, loop_wall_ms(local->loop))) {
		web_refuse(x, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
		return true;
	}
	if (!web_may_play(x, media->recording_sid))
		return true;
	probe_note_play(x);
	if (may_redirect && media_redirect_send(x, media))
		return true;
	if (media->fd < 0)
		return false;
	media_reply_choose(x, media, &reply);
	media_reply_send(x, media, &reply);
	return true;
}

static void serve_other(struct exchange *x, struct str sid, const struct play_terms *terms)
{
	if (!probe_play(x, sid))
		web_play_start(x, sid, terms);
}

void web_media_serve(struct exchange *x, struct str sid, const struct play_terms *terms)
{
	if (!serve_known(x, sid, terms))
		serve_other(x, sid, terms);
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

	/* What is known by such a name is a SID: the others alone are looked at more closely. */
	if (str_starts(sid, STR("RE")) && serve_known(x, sid, NULL))
		return;
	if (!sid_is_recording(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	serve_other(x, sid, NULL);
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
