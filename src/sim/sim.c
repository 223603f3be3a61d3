#include "sim/sim.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "fetch/fetch.h"
#include "http/reply.h"
#include "sim/sim_api.h"
#include "sim/sim_callback.h"
#include "sim/sim_calls.h"
#include "sim/sim_cipher.h"
#include "sim/sim_control.h"
#include "sim/sim_faults.h"
#include "sim/sim_play.h"
#include "sim/sim_reply.h"
#include "sim/sim_speech.h"
#include "sim/sim_state.h"
#include "sim/sim_tour.h"

#define SPEED         10
#define PAGE_SIZE_MAX 1000 /* as Twilio has it */
#define PAST_MS       (7 * INT64_C(86400000))
#define BODY_MAX      (1u << 20)

#define GET     (BIT(HTTP_GET) | BIT(HTTP_HEAD))
#define POST    BIT(HTTP_POST)
#define DELETE  BIT(HTTP_DELETE)
#define ANYBODY 1 /* access: nobody is asked for credentials */
#define ACCOUNT "/2010-04-01/Accounts/{}"

static const struct http_route routes[] = {
	{ GET, ACCOUNT "/Recordings.json", sim_get_recordings, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Recordings/{}.json", sim_get_recording, 0, NULL, ANYBODY },
	{ DELETE, ACCOUNT "/Recordings/{}.json", sim_delete_recording, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Recordings/{}.mp3", sim_get_mp3, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Recordings/{}.wav", sim_get_wav, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Recordings/{}", sim_get_wav, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Calls.json", sim_get_calls, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Calls/{}.json", sim_get_call, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Calls/{}/Recordings.json", sim_get_call_recordings, 0, NULL, ANYBODY },
	{ GET, ACCOUNT "/Calls/{}/Recordings/{}.json", sim_get_recording, 0, NULL, ANYBODY },
	{ DELETE, ACCOUNT "/Calls/{}/Recordings/{}.json", sim_delete_recording, 0, NULL, ANYBODY },

	{ POST, "/simulate/calls", sim_post_calls, BODY_MAX, NULL, ANYBODY },
	{ POST, "/simulate/callbacks/{}", sim_post_callback, BODY_MAX, NULL, ANYBODY },
	{ GET, "/simulate/faults", sim_get_faults, 0, NULL, ANYBODY },
	{ POST, "/simulate/faults", sim_post_faults, BODY_MAX, NULL, ANYBODY },
	{ DELETE, "/simulate/faults", sim_delete_faults, 0, NULL, ANYBODY },
	{ GET, "/simulate/requests", sim_get_requests, 0, NULL, ANYBODY },
	{ DELETE, "/simulate/requests", sim_delete_requests, 0, NULL, ANYBODY },
	{ GET, "/simulate/media/{}.mp3", sim_get_pristine, 0, NULL, ANYBODY },
	{ GET, "/simulate/media/{}.wav", sim_get_pristine, 0, NULL, ANYBODY },
};

static void refuse(struct exchange *x, int status, const char *code, const char *text,
		   const char *allow)
{
	if (status == 404)
		sim_reply_not_found(x);
	else
		sim_reply_error(x, status, status == 405 ? 20004 : 20001, "%s", text);
}

static const struct http_app app = {
	.routes = routes,
	.route_count = ARRAY_LEN(routes),
	.refuse = refuse,
};

static bool faults_start(struct sim *sim, const struct sim_options *options, struct err *err)
{
	sim->faults.seed = sim->seed ^ UINT64_C(0x5eed0ff1);
	for (size_t i = 0; i < options->fault_count; i++)
		if (!sim_faults_add(&sim->faults, str_of(options->faults[i]), err))
			return false;
	return true;
}

static char *copy_of(const char *text, const char *otherwise)
{
	return text ? xstrdup(text) : otherwise ? xstrdup(otherwise) : NULL;
}

static bool settings_take(struct sim *sim, const struct sim_options *options, struct err *err)
{
	sim->account_sid = copy_of(options->account_sid, SIM_ACCOUNT_SID);
	sim->auth_token = copy_of(options->auth_token, SIM_AUTH_TOKEN);
	sim->api_key = copy_of(options->api_key, NULL);
	sim->api_secret = copy_of(options->api_secret, NULL);
	if (!sid_is_account(str_of(sim->account_sid)))
		return err_set(err, ERR_INVALID, "an account SID is AC and 32 hexadecimal digits");
	sim->speed = options->speed > 0 ? options->speed : SPEED;
	sim->seed = options->seed;
	if (sim->seed == 0)
		random_bytes(&sim->seed, sizeof(sim->seed));
	if (options->calls_per_minute < 0 || options->calls_per_minute > 60000)
		return err_set(err, ERR_INVALID, "calls a minute are 0 to 60000");
	if (options->calls_per_minute > 0)
		sim->interval_ms = (int64_t)(60000 / options->calls_per_minute);
	sim->calls_left = options->calls_max;
	sim->page_size_max = options->page_size_max > 0 ? options->page_size_max : PAGE_SIZE_MAX;
	sim->calls_are_endless = options->calls_max == 0;
	return true;
}

/* Calls of the past, spread evenly, the oldest first. */
static bool past_place(struct sim *sim, const struct sim_options *options, struct err *err)
{
	int64_t past_ms = options->past_ms > 0 ? options->past_ms : PAST_MS;

	for (unsigned i = 0; i < options->past_calls; i++) {
		struct sim_wish wish = sim_wish_any();
		struct sim_call *call;

		wish.is_past = true;
		wish.has_callbacks = false;
		wish.age_ms = past_ms / options->past_calls * (options->past_calls - i);
		if (!sim_place(sim, &wish, &call, err))
			return false;
	}
	return true;
}

static bool api_start(struct sim *sim, const char *listen, struct err *err)
{
	struct http_options options = HTTP_OPTIONS_DEFAULT;
	struct str address = str_of(listen);
	size_t colon = address.len;
	unsigned port;

	options.stop_timeout_ms = 0;
	options.send_timeout_ms = 3600000; /* a stalled body is what some tests want */
	if (!http_listen_tcp(listen, &sim->listen_fd, &port, err) ||
	    !http_server_open(sim->loop, &app, &sim->local, &options, &sim->server, err))
		return false;
	http_server_listen(sim->server, sim->listen_fd, HTTP_LISTEN_TCP);
	while (colon > 0 && address.at[colon - 1] != ':')
		colon--;
	sim->url = xasprintf("http://%.*s:%u", (int)(colon > 0 ? colon - 1 : 0), listen, port);
	return true;
}

bool sim_start(struct loop *loop, const struct sim_options *options, struct sim **out,
	       struct err *err)
{
	AUTO(sim_stop) struct sim *sim = xcalloc(1, sizeof(*sim));

	sim->loop = loop;
	sim->listen_fd = -1;
	sim->speech = sim_speech_new();
	if (options->public_key_file &&
	    !sim_cipher_open(options->public_key_file, options->public_key_sid, &sim->cipher, err))
		return false;
	if (!settings_take(sim, options, err) || !faults_start(sim, options, err) ||
	    !api_start(sim, options->listen, err) ||
	    !sim_sender_open(&sim->sender, loop, options->webhook_url, options->signed_url,
			     sim->auth_token, &sim->faults, err) ||
	    !past_place(sim, options, err))
		return false;
	if (options->has_tour && !sim_tour_start(sim, err))
		return false;
	sim_calls_start(sim);
	*out = TAKE(sim);
	return true;
}

const char *sim_url(const struct sim *sim)
{
	return sim->url;
}

void sim_stop(struct sim *sim)
{
	if (!sim)
		return;
	sim_sender_close(&sim->sender);
	http_server_free(sim->server); /* each sending is told that its client is gone */
	if (sim->listen_fd >= 0)
		close(sim->listen_fd);
	sim_tour_stop(sim);
	sim_calls_stop(sim);
	sim_cipher_free(sim->cipher);
	sim_speech_free(sim->speech);
	free(sim->url);
	free(sim->account_sid);
	free(sim->auth_token);
	free(sim->api_key);
	free(sim->api_secret);
	free(sim);
}
