#include "live/live_poll.h"

#include "api/web_error.h"
#include "api/web_read.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "live/live_client.h"
#include "live/live_hub.h"
#include "live/live_socket.h"

#include <stdlib.h>

struct live_poll {
	struct live_client client;
	struct parked parked;
	struct exchange *x;
};

static struct live_poll *poll_of(struct live_client *client)
{
	return container_of(client, struct live_poll, client);
}

/* The exchange, which is answered by whoever asks; the poll is no more. */
static struct exchange *leave(struct live_poll *self)
{
	struct exchange *x = self->x;

	live_hub_leave(&self->client);
	free(self);
	return x;
}

static bool is_ready(struct live_client *client)
{
	return true;
}

static bool send_answer(struct live_client *client, struct str json)
{
	web_send_json(leave(poll_of(client)), json);
	return true;
}

static void end(struct live_client *client, enum live_end why)
{
	struct exchange *x = leave(poll_of(client));

	if (why == LIVE_END_SIGNED_OUT)
		web_refuse(x, WEB_UNAUTHENTICATED, NULL, WEB_NO_RETRY);
	else
		web_refuse(x, WEB_OVERLOADED, "The server is being restarted; try again soon.",
			   WEB_NO_RETRY);
}

static const struct live_channel channel = {
	.is_ready = is_ready, .send = send_answer, .end = end, .is_one_answer = true
};

static void gone(struct parked *parked)
{
	(void)leave(container_of(parked, struct live_poll, parked));
}

void live_poll_open(struct exchange *x, const struct live_request *request, struct live_hub *hub)
{
	struct live_poll *self = xcalloc(1, sizeof(*self));

	self->x = x;
	self->parked.gone = gone;
	live_client_of_request(request, hub, &channel, &self->client);
	exchange_park(x, &self->parked);
	live_hub_join(hub, &self->client);
}
