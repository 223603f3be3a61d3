#include "flights/seeks.h"

#include "base/log.h"
#include "blob/blob.h"
#include "fetch/fetch.h"
#include "flights/download.h"
#include "flights/flight_env.h"
#include "peer/peers.h"
#include "twilio/accounts.h"

#include <errno.h>
#include <unistd.h>

#define LOOK_MS        250  /* a wish is looked at again so often, and a speed is known after it */
#define UNUSED_MS      1000 /* a seek that no player was on for so long makes room */
#define LEAVE_ALONE_MS 5000 /* after one failed */

static void seek_end(struct seek *seek)
{
	if (seek->id == 0)
		return;
	transfer_cancel(seek->transfer);
	close(seek->fd);
	*seek = (struct seek){ .fd = -1 };
}

/* ---- the answer ---- */

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct seek *seek = container_of(receiver, struct seek, receiver);
	uint64_t length = seek->seeks->arrival->length;

	seek->is_right = head->status == 206 && !head->is_encoded && head->has_range &&
			 head->range_first == seek->first && head->range_total >= 0 &&
			 (uint64_t)head->range_total == length;
	return seek->is_right ? TRANSFER_GO_ON : TRANSFER_STOP;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct seek *seek = container_of(receiver, struct seek, receiver);

	while (bytes.len > 0) {
		ssize_t n = pwrite(seek->fd, bytes.at, bytes.len, (off_t)seek->arrived);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return TRANSFER_STOP; /* no room: the flight finds out, too, and says so */
		seek->arrived += (uint64_t)n;
		bytes = str_after(bytes, (size_t)n);
	}
	seek->seeks->moved(seek->seeks);
	return TRANSFER_GO_ON;
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct seek *seek = container_of(receiver, struct seek, receiver);
	struct seeks *seeks = seek->seeks;

	seek->transfer = NULL;
	if (result->outcome == TRANSFER_OK)
		return;
	log_debug(NULL, "recording %s: the part from byte %llu on ended early: %s",
		  seeks->recording_sid, (unsigned long long)seek->first, result->text);
	seeks->not_before_ms = loop_now_ms(seeks->env->loop) + LEAVE_ALONE_MS;
	if (seek->arrived == seek->first)
		seek_end(seek);
}

/* ---- beginning one ---- */

/* A free slot; or one whose seek nobody uses; or none. */
static struct seek *find_slot(struct seeks *seeks)
{
	int64_t now_ms = loop_now_ms(seeks->env->loop);
	struct seek *oldest = &seeks->at[0];

	for (int i = 0; i < SEEKS_MAX; i++) {
		if (seeks->at[i].id == 0)
			return &seeks->at[i];
		if (seeks->at[i].used_at_ms < oldest->used_at_ms)
			oldest = &seeks->at[i];
	}
	if (now_ms - oldest->used_at_ms < UNUSED_MS)
		return NULL;
	seek_end(oldest);
	return oldest;
}

/* Twilio's: of the same bytes, or all of other ones, which are refused by their head. */
static bool ask(struct seek *seek, struct seeks *seeks, uint64_t first, struct err *err)
{
	const struct flight_env *env = seeks->env;
	struct download_address address;
	struct transfer_request request = {
		.method = TRANSFER_GET,
		.url = address.url,
		.auth_for = seeks->account->api_url,
		.user = address.user,
		.password = address.password,
		.ranged = true,
		.first = first,
		.last = TRANSFER_OPEN,
		.if_range = seeks->arrival->validator,
	};

	return download_address(seeks->account, seeks->recording_sid, download_format(env, false),
				seeks->channels, &address, err) &&
	       transfer_start(env->fetch, &request, &seek->receiver, &seek->transfer, err);
}

static bool may_not_follow(struct transfer_receiver *receiver, const char *url)
{
	return false;
}

static bool begin(struct seek *seek, struct seeks *seeks, uint64_t first, struct err *err)
{
	const struct flight_env *env = seeks->env;

	if (!blob_scratch(env->store, &seek->fd, err))
		return false;
	seek->receiver = (struct transfer_receiver){ .on_head = on_head,
						     .on_bytes = on_bytes,
						     .on_end = on_end };
	seek->seeks = seeks;
	seek->id = ++seeks->last_id;
	seek->first = seek->arrived = first;
	seek->used_at_ms = loop_now_ms(env->loop);
	if (!seeks->whom)
		return ask(seek, seeks, first, err);
	seek->receiver.may_follow = may_not_follow;
	return peers_ask(env->peers, seeks->whom, seeks->recording_sid, first,
			 seeks->arrival->validator, &seek->receiver, &seek->transfer, err);
}

static void start(struct seeks *seeks)
{
	struct seek *seek = find_slot(seeks);
	struct err err;

	if (!seek)
		return;
	if (!begin(seek, seeks, seeks->wanted, &err)) {
		log_warn(NULL, "recording %s: no part of it can be fetched ahead: %s",
			 seeks->recording_sid, err.text);
		seek_end(seek);
		seeks->not_before_ms = loop_now_ms(seeks->env->loop) + LEAVE_ALONE_MS;
		return;
	}
	log_debug(NULL, "recording %s: fetching from byte %llu on for a player",
		  seeks->recording_sid, (unsigned long long)seeks->wanted);
	seeks->wanted = 0;
}

/* Is a seek under way that comes by soon? */
static bool is_covered(const struct seeks *seeks, uint64_t byte)
{
	for (int i = 0; i < SEEKS_MAX; i++) {
		const struct seek *seek = &seeks->at[i];

		if (seek->id != 0 && seek->first <= byte &&
		    (byte <= seek->arrived || seek->transfer))
			return true;
	}
	return false;
}

/* Would a player wait too long for the flight to come by? */
static bool is_far(const struct seeks *seeks, int64_t now_ms)
{
	uint64_t here = seeks->arrival->file->size;
	uint64_t came = here - seeks->since_size;
	int64_t took_ms = now_ms - seeks->since_ms;

	if (now_ms - seeks->wanted_at_ms >= SEEK_WORTH_MS)
		return true;
	if (seeks->since_ms == 0 || took_ms < LOOK_MS)
		return false; /* too early to tell */
	return (seeks->wanted - here) * (uint64_t)took_ms > came * SEEK_WORTH_MS;
}

static void look(struct seeks *seeks);

static void look_again(struct timer *timer)
{
	look(container_of(timer, struct seeks, timer));
}

static void look(struct seeks *seeks)
{
	int64_t now_ms;

	if (seeks->wanted == 0 || !seeks->is_on)
		return;
	now_ms = loop_now_ms(seeks->env->loop);
	/* What the flight brings next is nothing to be asked for beside it, however long it stands still. */
	if (!seeks->arrival->file || seeks->wanted <= seeks->arrival->file->size ||
	    is_covered(seeks, seeks->wanted)) {
		seeks->wanted = 0;
		return;
	}
	if (seeks->arrival->validator[0] != '\0' &&
	    seeks->arrival->length != DOWNLOAD_LENGTH_UNKNOWN &&
	    seeks->wanted < seeks->arrival->length && now_ms >= seeks->not_before_ms &&
	    is_far(seeks, now_ms))
		start(seeks);
	if (seeks->wanted != 0)
		timer_start(seeks->env->loop, &seeks->timer, LOOK_MS, look_again);
}

/* ---- from the flight ---- */

static void go_on(struct seeks *seeks, const struct flight_env *env, const struct arrival *arrival,
		  const char *recording_sid, void (*moved)(struct seeks *seeks))
{
	seeks->env = env;
	seeks->arrival = arrival;
	seeks->recording_sid = recording_sid;
	seeks->moved = moved;
	seeks->is_on = true;
	seeks->since_ms = 0;
	look(seeks);
}

void seeks_go_on(struct seeks *seeks, const struct flight_env *env, const struct arrival *arrival,
		 const struct account *account, const char *recording_sid, int channels,
		 void (*moved)(struct seeks *seeks))
{
	seeks->account = account;
	seeks->channels = channels;
	seeks->whom = NULL;
	go_on(seeks, env, arrival, recording_sid, moved);
}

void seeks_follow(struct seeks *seeks, const struct flight_env *env, const struct arrival *arrival,
		  const struct peer_address *whom, const char *recording_sid,
		  void (*moved)(struct seeks *seeks))
{
	seeks->whom = whom;
	go_on(seeks, env, arrival, recording_sid, moved);
}

void seeks_rest(struct seeks *seeks)
{
	seeks->is_on = false;
	timer_stop(&seeks->timer);
}

void seeks_release(struct seeks *seeks)
{
	seeks_rest(seeks);
	seeks->wanted = 0;
	for (int i = 0; i < SEEKS_MAX; i++)
		seek_end(&seeks->at[i]);
}

void seeks_want(struct seeks *seeks, uint64_t byte)
{
	if (!seeks->env || byte == 0)
		return;
	if (seeks->wanted == 0)
		seeks->wanted_at_ms = loop_now_ms(seeks->env->loop);
	seeks->wanted = byte;
	look(seeks);
}

void seeks_used(struct seeks *seeks, uint32_t id)
{
	for (int i = 0; i < SEEKS_MAX; i++)
		if (id != 0 && seeks->at[i].id == id)
			seeks->at[i].used_at_ms = loop_now_ms(seeks->env->loop);
}

void seeks_flight_moved(struct seeks *seeks)
{
	uint64_t here;

	if (!seeks->env)
		return; /* there are none where it comes from */
	here = seeks->arrival->file->size;
	if (seeks->since_ms == 0) {
		seeks->since_ms = loop_now_ms(seeks->env->loop);
		seeks->since_size = here;
	}
	for (int i = 0; i < SEEKS_MAX; i++)
		if (seeks->at[i].id != 0 && here >= seeks->at[i].arrived &&
		    here > seeks->at[i].first)
			seek_end(&seeks->at[i]);
	if (seeks->wanted != 0 && !timer_is_on(&seeks->timer))
		look(seeks);
}
