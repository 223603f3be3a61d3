#include "live/web_events.h"

#include "access/web_admit.h"
#include "api/web.h"
#include "api/web_error.h"
#include "auth/admission.h"
#include "http/reply.h"
#include "live/call_query.h"
#include "live/live_hub.h"
#include "live/live_poll.h"
#include "live/live_socket.h"
#include "websocket/websocket_handshake.h"

#define FULL_RETRY_S 5

static bool read_after(struct str text, struct live_request *request)
{
	request->has_after = str_to_i64(text, &request->after) && request->after >= 0;
	return request->has_after;
}

static bool read_field(struct call_query *query, struct str name, struct str value)
{
	struct live_request *request = container_of(query, struct live_request, query);

	if (str_eq(name, STR("after")))
		return read_after(value, request);
	if (str_eq(name, STR("bottom")))
		return call_key_read(value, &request->bottom);
	return call_query_read(query, name, value);
}

/* Refuses the request itself when it returns false. */
static bool read_query(struct exchange *x, struct live_request *request)
{
	if (!call_query_of(x, &request->query, read_field))
		return false;
	if (call_query_is_vague(&request->query)) {
		web_refuse(x, WEB_BAD_REQUEST, "A number needs more digits to be followed by.",
			   WEB_NO_RETRY);
		return false;
	}
	return true;
}

/* What admitted it may have ended in the very turn in which it did: the loop's table has no such entry then. */
static bool is_known_still(struct exchange *x, struct live_request *request)
{
	const struct web_caller *caller = web_caller_of(x);

	if (caller)
		request->who = caller->known;
	if (request->who.kind == 0 || admission_has(web_local_of(x)->admission, &request->who))
		return true;
	web_refuse(x, WEB_OVERLOADED, NULL, 1);
	return false;
}

static bool has_room(struct exchange *x, const struct live_request *request)
{
	switch (live_hub_room(web_local_of(x)->hub, &request->who)) {
	case LIVE_ROOM:
		return true;
	case LIVE_FULL_OF_USER:
		web_refuse(x, WEB_RATE_LIMITED,
			   "You are being told of changes in too many places at once.",
			   FULL_RETRY_S);
		return false;
	case LIVE_FULL:
	case LIVE_STOPPED:
		break;
	}
	web_refuse(x, WEB_OVERLOADED, NULL, FULL_RETRY_S);
	return false;
}

/* Said at once, where a long poll's answer would let the client wait for nothing. */
static void refuse_protocol(struct exchange *x, const char *text)
{
	reply_begin(x, 426);
	reply_header(x, STR("Upgrade"), STR("websocket"));
	reply_header(x, STR("Sec-WebSocket-Version"), STR("13"));
	web_refuse_begun(x, WEB_UPGRADE_REQUIRED, text);
}

void web_events(struct exchange *x)
{
	struct live_request request = { .has_after = false };
	struct live_hub *hub = web_local_of(x)->hub;
	struct str key;
	enum websocket_wish wish = websocket_wish_of(&x->request, &key);

	if (wish == WEBSOCKET_MALFORMED) {
		web_refuse(x, WEB_BAD_REQUEST, "This is not the handshake of a WebSocket.",
			   WEB_NO_RETRY);
		return;
	}
	if (wish == WEBSOCKET_OTHER_VERSION) {
		refuse_protocol(x, NULL);
		return;
	}
	if (wish == WEBSOCKET_STRIPPED) {
		refuse_protocol(x, "A proxy in between does not let WebSockets through: it took "
				   "\"Upgrade\" out of the request.");
		return;
	}
	if (!read_query(x, &request) || !is_known_still(x, &request) || !has_room(x, &request))
		return;
	if (wish == WEBSOCKET_WANTED)
		live_socket_open(x, key, &request, hub);
	else
		live_poll_open(x, &request, hub);
}
