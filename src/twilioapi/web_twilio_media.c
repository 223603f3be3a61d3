#include "twilioapi/web_twilio_media.h"

#include "api/sid_param.h"
#include "api/web_error.h"
#include "http/exchange.h"
#include "play/web_media.h"
#include "play/web_play.h"
#include "twilio/sid.h"

static void serve(struct exchange *x, struct str format)
{
	char account_room[SID_PARAM_SIZE], room[SID_PARAM_SIZE];
	struct play_terms terms = { .account_sid = sid_param(x->request.params[0], account_room),
				    .format = format };
	struct str sid = sid_param(x->request.params[1], room);

	if (!sid_is_account(terms.account_sid) || !sid_is_recording(sid))
		web_refuse(x, WEB_NOT_FOUND, NULL, WEB_NO_RETRY);
	else
		web_media_serve(x, sid, &terms);
}

void web_twilio_media(struct exchange *x)
{
	serve(x, STR_NONE);
}

void web_twilio_mp3(struct exchange *x)
{
	serve(x, STR("mp3"));
}

void web_twilio_wav(struct exchange *x)
{
	serve(x, STR("wav"));
}
