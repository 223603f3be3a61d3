#include "live/live_socket.h"

#include "base/mem.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "live/live_hub.h"
#include "live/live_wish.h"
#include "websocket/websocket.h"

#include <stdlib.h>

struct live_socket {
	struct websocket socket;
	struct live_client client;
	struct loop *loop;
	int64_t pinged_at_ms;
};

static struct live_socket *socket_of(struct live_client *client)
{
	return container_of(client, struct live_socket, client);
}

/* ---- as the hub sees it ---- */

static void close_socket(struct live_socket *self, enum websocket_code code, const char *why)
{
	live_hub_leave(&self->client);
	websocket_close(&self->socket, code, str_of(why));
}

static bool is_ready(struct live_client *client)
{
	struct live_socket *self = socket_of(client);
	int64_t now_ms = loop_now_ms(self->loop);

	if (now_ms > websocket_heard_at_ms(&self->socket) + LIVE_SILENT_MS) {
		close_socket(self, WEBSOCKET_GOING_AWAY, "nothing was heard");
		return false;
	}
	if (websocket_is_behind(&self->socket))
		return false;
	if (now_ms > self->pinged_at_ms + LIVE_PING_MS) {
		self->pinged_at_ms = now_ms;
		websocket_ping(&self->socket);
	}
	return true;
}

static bool send_text(struct live_client *client, struct str json)
{
	return websocket_send(&socket_of(client)->socket, json);
}

static void end(struct live_client *client, enum live_end why)
{
	static const struct {
		enum websocket_code code;
		const char *text;
	} ends[] = {
		[LIVE_END_SIGNED_OUT] = { WEBSOCKET_POLICY, "sign in again" },
		[LIVE_END_STOP] = { WEBSOCKET_GOING_AWAY, "the server stops" },
		[LIVE_END_RESTART] = { WEBSOCKET_RESTART, "the server restarts" },
	};

	close_socket(socket_of(client), ends[why].code, ends[why].text);
}

static const struct live_channel channel = { .is_ready = is_ready, .send = send_text, .end = end };

/* ---- as the client sees it ---- */

/* The filter's texts lie beside it. */
static void take_query(struct call_query *to, const struct call_query *from)
{
	*to = *from;
	if (from->filter.number.at)
		to->filter.number = str_of(to->number);
	if (from->filter.call_sid.at)
		to->filter.call_sid = str_of(to->call_sid);
}

static void received(struct websocket *socket, struct str text)
{
	struct live_socket *self = container_of(socket, struct live_socket, socket);
	struct live_client *client = &self->client;
	struct live_wish wish;

	if (!client->hub)
		return;
	if (!live_client_may_wish(client, loop_now_ms(self->loop))) {
		close_socket(self, WEBSOCKET_POLICY, "too many messages");
		return;
	}
	if (!live_wish_read(text, &wish)) {
		close_socket(self, WEBSOCKET_POLICY, "a message that is not known");
		return;
	}
	if (wish.has_filter)
		take_query(&client->query, &wish.query);
	if (wish.has_bottom)
		client->bottom = wish.bottom;
	client->has_id = wish.has_id;
	client->id = wish.id;
	live_hub_ask_anew(client, wish.has_after ? wish.after : client->told);
}

static void gone(struct websocket *socket)
{
	struct live_socket *self = container_of(socket, struct live_socket, socket);

	live_hub_leave(&self->client);
	free(self);
}

void live_client_of_request(const struct live_request *request, const struct live_hub *hub,
			    const struct live_channel *of, struct live_client *client)
{
	*client = (struct live_client){ .channel = of,
					.bottom = request->bottom,
					.who = request->who,
					.is_new = !request->has_after,
					.told = request->has_after ? request->after
								   : live_hub_sequence(hub) };
	take_query(&client->query, &request->query);
}

void live_socket_open(struct exchange *x, struct str key, const struct live_request *request,
		      struct live_hub *hub)
{
	struct live_socket *self = xcalloc(1, sizeof(*self));

	self->socket.received = received;
	self->socket.gone = gone;
	self->loop = exchange_loop(x);
	self->pinged_at_ms = loop_now_ms(self->loop);
	live_client_of_request(request, hub, &channel, &self->client);
	websocket_accept(x, key, &self->socket);
	live_hub_join(hub, &self->client);
}
