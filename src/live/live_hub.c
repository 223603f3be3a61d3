#include "live/live_hub.h"

#include "accounts/credentials.h"
#include "api/web.h"
#include "api/web_counts.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "event/loop.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>

/* Of one user or token on one loop: a browser with as many pages is none. */
#define OF_USER_MAX   100
#define USER_KEY_SIZE 32
#define MESSAGE_MAX   (1024 * 1024)

struct live_hub {
	const struct web *web;
	struct loop *loop;
	struct mailbox *mailbox;
	struct web_counts *counts;
	struct ledger_listener listener;
	bool is_stopped;

	size_t count;        /* of all four lists */
	struct map users;    /* of struct live_user: whose they are */
	struct list clients; /* who is told; during a walk those whom it has not come to */
	struct list visited; /* ... and those whom it has */
	struct list joining; /* in the order in which they came */
	struct timer tick, walk;

	struct live_changes *pending;
	int64_t heard;            /* the latest commit that the feed told here */
	struct live_read read;    /* of what is told to all */
	struct live_batch *batch; /* of the walk that is on; NULL: it is one without news */
	bool is_walking;
	int64_t walk_sequence; /* whom it has come to is told up to here */
	int64_t offered;       /* the latest batch that was told, or is being told */

	struct list reading;           /* of those who joined: whom join_read is for */
	struct live_read join_read;    /* of what came since the first of them was here last */
	struct live_batch *join_batch; /* what it came to, for as long as some are in `reading` */
	int64_t join_snapshot;
	struct timer join_turn;
	struct feed_change *since; /* FEED_COMMIT_MAX, on the way from the feed */

	struct live_progress progress; /* of the walk that is on */
	struct live_progress all;      /* ... and with what did not move */
	bool is_all_seen;
	uint64_t arriving_turn;
	int64_t progress_at_ms;
	struct buf message;
};

static int64_t now_ms(const struct live_hub *hub)
{
	return loop_now_ms(hub->loop);
}

/* ---- a message ---- */

static void open_message(struct live_hub *hub, struct json *json)
{
	buf_clear(&hub->message);
	json_start(json, &hub->message);
	json_open(json, NULL, '{');
}

/* The client may be gone afterwards when false is returned, or when it has one answer. */
static bool send_message(struct live_client *client, struct json *json)
{
	struct live_hub *hub = client->hub;

	json_close(json, '}');
	client->told_at_ms = now_ms(hub);
	client->is_greeted = true;
	counter_add(&hub->counts->live_messages, 1);
	return buf_ok(&hub->message) && client->channel->send(client, buf_str(&hub->message));
}

static void tell_seq(struct live_client *client)
{
	struct json json;

	open_message(client->hub, &json);
	live_client_add_seq(client, &json);
	(void)!send_message(client, &json);
}

static void tell_reset(struct live_client *client)
{
	struct json json;

	client->more = 0;
	open_message(client->hub, &json);
	live_client_add_seq(client, &json);
	json_bool(&json, "reset", true);
	(void)!send_message(client, &json);
}

/* True: it was told something. */
static bool tell_batch(struct live_client *client, const struct live_batch *batch)
{
	struct live_hub *hub = client->hub;
	bool is_one_answer = client->channel->is_one_answer;
	struct json json;

	open_message(hub, &json);
	if (!live_client_add_batch(client, batch, now_ms(hub), &json))
		return false;
	if (is_one_answer)
		(void)!live_client_add_progress(client, &hub->progress, &json);
	if (!send_message(client, &json) && !is_one_answer)
		client->more += batch->count + batch->more + 1;
	return true;
}

/* All that is arriving, moved or not, as of this walk. */
static const struct live_progress *look_at_all(struct live_hub *hub)
{
	struct live_progress *all = &hub->all;
	uint64_t turn = 0;

	if (hub->is_all_seen)
		return all;
	hub->is_all_seen = true;
	all->count = arriving_moved(hub->web->arriving, &turn, all->at, LIVE_ARRIVING_MAX);
	live_progress_write(all);
	return all;
}

/* True: it was told something.  A long poll waits a little for more, and is told how all of them are then. */
static bool tell_progress(struct live_client *client)
{
	struct live_hub *hub = client->hub;
	const struct live_progress *progress = &hub->progress;
	bool is_one_answer = client->channel->is_one_answer;
	struct json json;

	client->owes_progress |= is_one_answer && progress->count > 0;
	if (client->owes_progress) {
		if (is_one_answer && now_ms(hub) < client->joined_at_ms + LIVE_POLL_STEP_MS)
			return false;
		client->owes_progress = false;
		progress = look_at_all(hub);
	}
	open_message(hub, &json);
	if (is_one_answer)
		live_client_add_seq(client, &json);
	if (!live_client_add_progress(client, progress, &json))
		return false;
	(void)!send_message(client, &json);
	return true;
}

/* ---- who is told ---- */

static bool is_over(const struct live_client *client)
{
	const struct known *who = &client->who;
	uint32_t now_s = (uint32_t)(loop_wall_ms(client->hub->loop) / 1000);

	return who->kind != 0 && (now_s > who->expires_s || now_s > who->idle_s);
}

/*
 * A poll is answered, and judged anew with the next: its copy of when who asks is to be asked for again, or was last here, may be
 * older than what is known by now.
 */
static void end_over(struct live_client *client)
{
	if (client->channel->is_one_answer)
		tell_seq(client);
	else
		client->channel->end(client, LIVE_END_SIGNED_OUT);
}

static bool is_quiet(const struct live_client *client)
{
	int64_t most_ms = client->channel->is_one_answer ? LIVE_POLL_MS : LIVE_QUIET_MS;

	return now_ms(client->hub) >= client->told_at_ms + most_ms;
}

/* For filters by what has expired: the setting may change while somebody follows. */
static void take_retention(const struct live_hub *hub, struct live_client *client)
{
	client->query.filter.retention = retention_now(hub->web->retention);
}

/* What a walk has for one client.  It may be gone afterwards. */
static void visit(struct live_hub *hub, struct live_client *client)
{
	const struct live_batch none = { .sequence = hub->walk_sequence };
	const struct live_batch *batch = hub->batch ? hub->batch : &none;
	bool is_one_answer = client->channel->is_one_answer;

	take_retention(hub, client);
	if (is_over(client)) {
		end_over(client);
		return;
	}
	if (!client->channel->is_ready(client)) {
		if (client->hub)
			live_client_pass_batch(client, batch);
		client->owes_progress |= hub->progress.count > 0;
		return;
	}
	if (tell_batch(client, batch) && (is_one_answer || !client->hub))
		return;
	if (!tell_progress(client) && is_quiet(client))
		tell_seq(client);
}

/* ---- a walk over all clients ---- */

static void walk_on(struct timer *timer);

static void end_walk(struct live_hub *hub)
{
	LIST_EACH (item, &hub->visited) {
		list_remove(item);
		list_append(&hub->clients, item);
	}
	live_batch_free(TAKE(hub->batch));
	hub->progress.count = 0;
	hub->is_walking = false;
}

static void walk(struct live_hub *hub)
{
	int64_t until_us = clock_monotonic_us() + LIVE_TURN_US;
	struct list *first;

	while ((first = list_first(&hub->clients)) != NULL) {
		struct live_client *client = container_of(first, struct live_client, link);

		list_remove(first);
		list_append(&hub->visited, first);
		visit(hub, client);
		if (clock_monotonic_us() > until_us) {
			timer_start(hub->loop, &hub->walk, 0, walk_on);
			return;
		}
	}
	end_walk(hub);
}

static void walk_on(struct timer *timer)
{
	walk(container_of(timer, struct live_hub, walk));
}

static void look_at_flights(struct live_hub *hub)
{
	if (now_ms(hub) < hub->progress_at_ms + LIVE_PROGRESS_MS)
		return;
	hub->progress_at_ms = now_ms(hub);
	hub->progress.count = arriving_moved(hub->web->arriving, &hub->arriving_turn,
					     hub->progress.at, LIVE_ARRIVING_MAX);
	live_progress_write(&hub->progress);
}

/* batch: taken; NULL: nothing has changed up to `sequence`. */
static void begin_walk(struct live_hub *hub, struct live_batch *batch, int64_t sequence)
{
	hub->batch = batch;
	hub->walk_sequence = sequence;
	if (batch)
		hub->offered = sequence;
	hub->is_walking = true;
	hub->is_all_seen = false;
	look_at_flights(hub);
	walk(hub);
}

/* ---- what has changed ---- */

static void read_done(struct live_read *read, struct live_batch *batch, int64_t snapshot)
{
	struct live_hub *hub = container_of(read, struct live_hub, read);
	int64_t sequence = batch->sequence;

	if (hub->is_stopped)
		live_batch_free(batch);
	else
		begin_walk(hub, batch, sequence);
}

static void begin_read(struct live_hub *hub)
{
	struct live_changes *changes = hub->pending;

	changes->sequence = hub->heard;
	hub->pending = live_changes_new();
	live_read_start(&hub->read, hub->web, hub->mailbox, changes);
}

/* Who waits for a reader waits no longer than others: a poll is answered, a socket pinged, who may not any more ended. */
static void look_after(struct list *clients)
{
	LIST_EACH (item, clients) {
		struct live_client *client = container_of(item, struct live_client, link);

		if (is_over(client))
			end_over(client);
		else if (!client->channel->is_one_answer)
			(void)!client->channel->is_ready(client);
		else if (is_quiet(client))
			tell_seq(client);
	}
}

static void tick(struct timer *timer)
{
	struct live_hub *hub = container_of(timer, struct live_hub, tick);

	if (hub->count == 0) {
		live_changes_free(hub->pending);
		hub->pending = live_changes_new();
		buf_release(&hub->message);
		return;
	}
	timer_start(hub->loop, timer, LIVE_TICK_MS, tick);
	look_after(&hub->joining);
	look_after(&hub->reading);
	if (hub->is_walking)
		return;
	if (live_read_is_on(&hub->read)) {
		look_after(&hub->clients);
		return;
	}
	if (live_changes_is_empty(hub->pending))
		begin_walk(hub, NULL, hub->heard);
	else
		begin_read(hub);
}

/* Theirs is known no longer: they may come back and show it again. */
static void end_known(struct live_hub *hub, struct list *clients,
		      const struct projection_change *change)
{
	LIST_EACH (item, clients) {
		struct live_client *client = container_of(item, struct live_client, link);
		const struct known *who = &client->who;

		if (((change->what & PROJECTED_ALL) && who->kind != 0) ||
		    ((change->what & PROJECTED_CREDENTIAL) && who->credential_id != 0 &&
		     who->credential_id == (uint64_t)change->credential_id) ||
		    ((change->what & PROJECTED_USER) && who->user_id != 0 &&
		     who->user_id == (uint64_t)change->user_id))
			client->channel->end(client, LIVE_END_SIGNED_OUT);
	}
}

static void changed(struct ledger_listener *listener, const struct projection_change *change,
		    int64_t sequence)
{
	struct live_hub *hub = container_of(listener, struct live_hub, listener);

	hub->heard = sequence;
	if (hub->count == 0)
		return;
	live_changes_add(hub->pending, change, sequence);
	if (!(change->what & (PROJECTED_CREDENTIAL | PROJECTED_USER | PROJECTED_ALL)))
		return;
	end_known(hub, &hub->clients, change);
	end_known(hub, &hub->visited, change);
	end_known(hub, &hub->joining, change);
	end_known(hub, &hub->reading, change);
}

/* ---- joining ---- */

/* All up to `told` is told: from here on it hears what all hear. */
static void is_joined(struct live_client *client)
{
	struct live_hub *hub = client->hub;

	client->is_joining = false;
	list_remove(&client->link);
	list_append(hub->is_walking ? &hub->visited : &hub->clients, &client->link);
}

/* What it hears first: where nothing else was told, the number; but a long poll that asks what came waits for it. */
static void greet(struct live_client *client)
{
	is_joined(client);
	/* Else the number would pass over what was not told: both are told by the next walk. */
	if (client->more == 0 && !client->is_greeted &&
	    (!client->channel->is_one_answer || client->is_new))
		tell_seq(client);
}

static void reset(struct live_client *client)
{
	client->told = feed_sequence(ledger_feed(client->hub->web->ledger));
	is_joined(client);
	tell_reset(client);
}

/* What came after `told`, as far as the feed has it.  NULL: some of it is forgotten, or was never told. */
static struct live_changes *collect_since(struct live_hub *hub, int64_t told)
{
	struct feed *feed = ledger_feed(hub->web->ledger);
	AUTO(live_changes_free) struct live_changes *changes = live_changes_new();
	size_t count;

	changes->sequence = told;
	do {
		if (!feed_since(feed, changes->sequence, hub->since, FEED_COMMIT_MAX, &count))
			return NULL;
		for (size_t i = 0; i < count; i++)
			live_changes_add(changes, &hub->since[i].change, hub->since[i].sequence);
	} while (count > 0);
	return TAKE(changes);
}

/* Of all who wait, as far as the feed has it. */
static int64_t lowest_told(const struct live_hub *hub, int64_t most)
{
	int64_t oldest = feed_oldest(ledger_feed(hub->web->ledger)), lowest = most;

	LIST_EACH (item, &hub->joining) {
		int64_t told = container_of(item, struct live_client, link)->told;

		if (told >= oldest && told < lowest)
			lowest = told;
	}
	return lowest;
}

/* One read for all who have missed no more; of too much to be read each has a count of their own. */
static void read_since(struct live_hub *hub, int64_t told, struct live_changes *changes)
{
	LIST_EACH (item, &hub->joining) {
		struct live_client *client = container_of(item, struct live_client, link);

		if (client->told < told || (changes->more > 0 && client->told != told))
			continue;
		client->is_asked_anew = false;
		list_remove(item);
		list_append(&hub->reading, item);
	}
	live_read_start(&hub->join_read, hub->web, hub->mailbox, changes);
}

/* The first has missed `changes`: as much as others have, if that is not too much. */
static void read_for_all(struct live_hub *hub, const struct live_client *first,
			 struct live_changes *changes)
{
	AUTO(live_changes_free) struct live_changes *own = changes, *more = NULL;
	int64_t lowest = lowest_told(hub, first->told);

	if (lowest < first->told)
		more = collect_since(hub, lowest);
	if (more && more->more == 0)
		read_since(hub, lowest, TAKE(more));
	else
		read_since(hub, first->told, TAKE(own));
}

/* It has joined, or is gone, or a reader is asked for what it missed. */
static void join(struct live_hub *hub, struct live_client *client)
{
	AUTO(live_changes_free) struct live_changes *changes = NULL;

	if (client->told > live_hub_sequence(hub)) {
		/* Of a commit that the feed is about to hear of, or of another ledger: the ledger itself says which. */
		changes = live_changes_new();
		changes->sequence = client->told;
		read_for_all(hub, client, TAKE(changes));
		return;
	}
	changes = collect_since(hub, client->told);
	if (!changes) {
		reset(client);
	} else if (live_changes_is_empty(changes)) {
		client->is_asked_anew = false;
		client->told = changes->sequence;
		greet(client);
	} else {
		read_for_all(hub, client, TAKE(changes));
	}
}

/* What it missed is here. */
static void join_with(struct live_hub *hub, struct live_client *client,
		      const struct live_batch *batch)
{
	bool is_one_answer = client->channel->is_one_answer;

	take_retention(hub, client);
	if (!client->channel->is_ready(client)) {
		if (client->hub)
			live_client_pass_batch(client, batch);
	} else if (tell_batch(client, batch) && is_one_answer) {
		return;
	}
	/* Else others were told more meanwhile: what that was is read for it, too. */
	if (client->hub && client->told >= hub->offered)
		greet(client);
}

/* It is told what was read, or waits behind the others again. */
static void hand_out(struct live_hub *hub, struct live_client *client)
{
	int64_t snapshot = hub->join_snapshot;

	list_remove(&client->link);
	list_append(&hub->joining, &client->link);
	if (client->is_asked_anew)
		return;
	/* Where the ledger cannot be read, the feed is all that is known. */
	if (client->told > (snapshot != 0 ? snapshot : live_hub_sequence(hub)))
		reset(client);
	else
		join_with(hub, client, hub->join_batch);
}

/* False: nobody waits. */
static bool join_one(struct live_hub *hub)
{
	struct list *reader = list_first(&hub->reading), *first = list_first(&hub->joining);

	if (!reader)
		live_batch_free(TAKE(hub->join_batch));
	if (reader)
		hand_out(hub, container_of(reader, struct live_client, link));
	else if (first)
		join(hub, container_of(first, struct live_client, link));
	return reader || first;
}

static void join_on(struct timer *timer);

static void join_next(struct live_hub *hub)
{
	int64_t until_us = clock_monotonic_us() + LIVE_TURN_US;

	while (!hub->is_stopped && !live_read_is_on(&hub->join_read) && join_one(hub))
		if (clock_monotonic_us() > until_us) {
			timer_start(hub->loop, &hub->join_turn, 0, join_on);
			return;
		}
}

static void join_on(struct timer *timer)
{
	join_next(container_of(timer, struct live_hub, join_turn));
}

static void join_read_done(struct live_read *read, struct live_batch *batch, int64_t snapshot)
{
	struct live_hub *hub = container_of(read, struct live_hub, join_read);

	live_batch_free(hub->join_batch);
	hub->join_batch = batch;
	hub->join_snapshot = snapshot;
	join_next(hub);
}

/* ---- coming and going ---- */

static void count_clients(struct live_hub *hub, const struct live_client *client, int by)
{
	struct gauge *gauge = client->channel->is_one_answer ? &hub->counts->live_polls
							     : &hub->counts->live_sockets;

	hub->count += (size_t)by;
	gauge_set(gauge, gauge_read(gauge) + by);
}

int64_t live_hub_sequence(const struct live_hub *hub)
{
	return feed_sequence(ledger_feed(hub->web->ledger));
}

/* How many of one user or token are here. */
struct live_user {
	struct map_node node;
	unsigned count;
	char key[USER_KEY_SIZE];
};

/* A program is counted apart from who made its token. */
static struct str user_key(const struct known *who, char room[USER_KEY_SIZE])
{
	bool is_one = who->kind == CREDENTIAL_TOKEN || who->user_id == 0;

	snprintf(room, USER_KEY_SIZE, "%d%c%llu", (int)who->kind, is_one ? 'c' : 'u',
		 (unsigned long long)(is_one ? who->credential_id : who->user_id));
	return str_of(room);
}

static struct live_user *find_user(const struct live_hub *hub, const struct known *who)
{
	char room[USER_KEY_SIZE];
	struct map_node *node = map_find(&hub->users, user_key(who, room));

	return node ? container_of(node, struct live_user, node) : NULL;
}

static struct live_user *come_of_user(struct live_hub *hub, const struct known *who)
{
	struct live_user *user = find_user(hub, who);

	if (!user) {
		user = xcalloc(1, sizeof(*user));
		map_add(&hub->users, &user->node, user_key(who, user->key));
	}
	user->count++;
	return user;
}

static void leave_user(struct live_hub *hub, struct live_user *user)
{
	if (--user->count > 0)
		return;
	map_remove(&hub->users, &user->node);
	free(user);
}

enum live_room live_hub_room(const struct live_hub *hub, const struct known *who)
{
	const struct live_user *user;

	if (hub->is_stopped)
		return LIVE_STOPPED;
	if (hub->count >= hub->web->options.events_max)
		return LIVE_FULL;
	user = find_user(hub, who);
	if (who->kind != 0 && user && user->count >= OF_USER_MAX)
		return LIVE_FULL_OF_USER;
	return LIVE_ROOM;
}

static void queue_to_join(struct live_hub *hub, struct live_client *client)
{
	client->is_joining = true;
	client->is_greeted = false;
	list_append(&hub->joining, &client->link);
	join_next(hub);
}

void live_hub_join(struct live_hub *hub, struct live_client *client)
{
	client->hub = hub;
	list_init(&client->link);
	live_client_begin(client, now_ms(hub));
	client->user = come_of_user(hub, &client->who);
	count_clients(hub, client, 1);
	if (!timer_is_on(&hub->tick))
		timer_start(hub->loop, &hub->tick, LIVE_TICK_MS, tick);
	queue_to_join(hub, client);
}

void live_hub_ask_anew(struct live_client *client, int64_t told)
{
	struct live_hub *hub = client->hub;

	if (told < client->told)
		client->more = 0; /* it is read again */
	client->told = told;
	client->is_greeted = false;
	if (client->is_joining) {
		client->is_asked_anew = true;
		return;
	}
	list_remove(&client->link);
	queue_to_join(hub, client);
}

void live_hub_leave(struct live_client *client)
{
	struct live_hub *hub = TAKE(client->hub);

	if (!hub)
		return;
	list_remove(&client->link);
	leave_user(hub, TAKE(client->user));
	count_clients(hub, client, -1);
}

/* ---- life cycle ---- */

struct live_hub *live_hub_new(const struct web *web, struct loop *loop, struct mailbox *mailbox,
			      struct web_counts *counts)
{
	struct live_hub *hub = xcalloc(1, sizeof(*hub));

	hub->web = web;
	hub->loop = loop;
	hub->mailbox = mailbox;
	hub->counts = counts;
	map_init(&hub->users);
	list_init(&hub->clients);
	list_init(&hub->visited);
	list_init(&hub->joining);
	list_init(&hub->reading);
	hub->pending = live_changes_new();
	hub->read.done = read_done;
	hub->join_read.done = join_read_done;
	hub->since = xcalloc(FEED_COMMIT_MAX, sizeof(*hub->since));
	buf_init(&hub->message, MESSAGE_MAX);
	hub->heard = hub->offered = live_hub_sequence(hub);
	hub->listener = (struct ledger_listener){ .mailbox = mailbox, .changed = changed };
	ledger_listen(web->ledger, &hub->listener);
	return hub;
}

static void end_all(struct list *clients, enum live_end why)
{
	LIST_EACH (item, clients) {
		struct live_client *client = container_of(item, struct live_client, link);

		client->channel->end(client, why);
	}
}

void live_hub_stop(struct live_hub *hub, bool is_restart)
{
	enum live_end why = is_restart ? LIVE_END_RESTART : LIVE_END_STOP;

	hub->is_stopped = true;
	end_all(&hub->clients, why);
	end_all(&hub->visited, why);
	end_all(&hub->joining, why);
	end_all(&hub->reading, why);
}

void live_hub_free(struct live_hub *hub)
{
	if (!hub)
		return;
	timer_stop(&hub->tick);
	timer_stop(&hub->walk);
	timer_stop(&hub->join_turn);
	map_release(&hub->users);
	live_read_release(&hub->read);
	live_read_release(&hub->join_read);
	live_batch_free(hub->batch);
	live_batch_free(hub->join_batch);
	live_changes_free(hub->pending);
	buf_release(&hub->message);
	free(hub->since);
	free(hub);
}
