#include "audit/open_plays.h"

#include "accounts/credentials.h"
#include "audit/audit_trail.h"
#include "audit/heard.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/*
 * 4,096 plays at once on a loop: with four places for each of them chance fills hardly a set.  What a request reads and
 * writes of a play is a line of memory, and stands apart from who plays: most plays are found in the line where they stand
 * if they can (first_place()), without a look at the keys of their set.  That line is named by who plays: so it is on its
 * way from memory while it is found out what they play.  Of the 4.5 MiB memory is taken by what was used.
 */
#define WAYS       8
#define SETS       (OPEN_PLAYS_PLACES / WAYS)
#define SILENCE_MS (90 * 1000)
#define SWEEP_MS   (10 * 1000) /* silence is looked for so often */
#define FLUSH_MS   250
#define ENTRIES    512 /* of one batch: two seconds of plays that all begin anew */

/* What a request reads and changes. */
struct play {
	uint64_t key; /* 0: the place is free */
	uint64_t user_id, credential_id, bytes;
	int64_t began_at_ms, last_at_ms; /* wall clock; began 0: admitted, nothing was sent yet */
	struct heard *heard;             /* NULL: nothing was reported */
	uint32_t requests;
	bool is_download;
	bool is_report; /* nobody has asked for media here: it is known by what was heard alone */
};
_Static_assert(sizeof(struct play) == LINE_BYTES, "a play is a line of memory");

/* What its entries say beside that. */
struct play_texts {
	char recording_sid[SID_SIZE];
	char address[AUDIT_ADDRESS_SIZE];
	char for_user[AUDIT_FOR_SIZE];
};

/* An entry of the audit on its way: the play as it was. */
enum entry_kind { ENTRY_BEGAN, ENTRY_ENDED, ENTRY_DOWNLOADED, ENTRY_HEARD, ENTRY_GAP };

struct entry {
	enum entry_kind kind;
	/* Of a gap: requests is how many were left out; the heard of an end is its own. */
	struct play play;
	struct play_texts texts;
};

struct batch {
	struct ledger_job job;
	struct open_plays *plays;
	size_t count;
	struct entry at[ENTRIES];
};

struct open_plays {
	const struct audit_trail *trail;
	struct loop *loop;
	struct mailbox *mailbox;
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct lines lines;               /* a struct play each; a set is WAYS of them */
	uint64_t keys[OPEN_PLAYS_PLACES]; /* 0: free */
	struct play_texts texts[OPEN_PLAYS_PLACES];
	struct batch *filling, *writing; /* writing: NULL when none is under way */
	struct batch *spare;
	uint32_t left_out; /* and not told of by an entry yet */
	struct counter left_out_in_all;
	bool is_ending; /* batches go out one after the other, and are freed when they are back */
	struct timer sweep_timer, flush_timer;
};

/* ---- to the ledger ---- */

static const char *kind_text(enum entry_kind kind)
{
	static const char *const texts[] = { [ENTRY_BEGAN] = "play_began",
					     [ENTRY_ENDED] = "play_ended",
					     [ENTRY_DOWNLOADED] = "downloaded",
					     [ENTRY_HEARD] = "heard",
					     [ENTRY_GAP] = "chain_gap" };

	return texts[kind];
}

static void write_body(const struct entry *entry, struct buf *out)
{
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	if (entry->kind == ENTRY_GAP) {
		json_int(&json, "left_out", entry->play.requests);
	} else if (entry->kind == ENTRY_ENDED || entry->kind == ENTRY_DOWNLOADED) {
		json_date(&json, "began_at", entry->play.began_at_ms);
		json_int(&json, "requests", entry->play.requests);
		json_int(&json, "sent_bytes", (int64_t)entry->play.bytes);
	}
	if (entry->play.heard && entry->kind != ENTRY_BEGAN)
		heard_write(entry->play.heard, &json);
	json_close(&json, '}');
}

static bool append(const struct audit_trail *trail, struct catalog *catalog,
		   struct audit_tail *tail, const struct entry *entry, struct err *err)
{
	const struct play *play = &entry->play;
	struct audit_entry row = { .user_id = (int64_t)play->user_id };
	struct credential_row credential;
	struct buf body;

	str_fit(str_of(kind_text(entry->kind)), row.kind, sizeof(row.kind));
	memcpy(row.address, entry->texts.address, sizeof(row.address));
	memcpy(row.for_user, entry->texts.for_user, sizeof(row.for_user));
	memcpy(row.recording_sid, entry->texts.recording_sid, sizeof(row.recording_sid));
	if (play->credential_id != 0) {
		if (credentials_find_id(catalog, (int64_t)play->credential_id, &credential, err))
			memcpy(row.credential, credential.name, sizeof(row.credential));
		else if (err->kind != ERR_NOT_FOUND)
			return false;
	}
	buf_over(&body, row.body, sizeof(row.body));
	write_body(entry, &body);
	return audit_trail_write_behind(trail, catalog, tail, &row, err);
}

static bool run_batch(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct batch *batch = container_of(job, struct batch, job);
	const struct audit_trail *trail = batch->plays->trail;
	struct audit_tail tail;

	if (!audit_trail_end(trail, catalog, &tail, err))
		return false;
	for (size_t i = 0; i < batch->count; i++)
		if (!append(trail, catalog, &tail, &batch->at[i], err))
			return false;
	return true;
}

static void flush(struct open_plays *plays);

static void leave_out(struct open_plays *plays, size_t count)
{
	plays->left_out += (uint32_t)count;
	counter_add(&plays->left_out_in_all, count);
}

static void batch_empty(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->at[i].play.heard);
	batch->count = 0;
}

static void batch_free(struct batch *batch)
{
	if (batch)
		batch_empty(batch);
	free(batch);
}

static void batch_written(struct ledger_job *job)
{
	struct batch *batch = container_of(job, struct batch, job);
	struct open_plays *plays = batch->plays;

	if (!job->succeeded) {
		log_error(NULL, "%zu entries of the audit cannot be written: %s", batch->count,
			  job->err.text);
		leave_out(plays, batch->count);
	}
	batch_empty(batch);
	if (plays->is_ending && batch != plays->writing) {
		free(batch);
		return;
	}
	plays->writing = NULL;
	plays->spare = batch;
	if (!plays->is_ending && plays->filling->count > 0)
		flush(plays);
}

static void flush(struct open_plays *plays)
{
	struct batch *batch = plays->filling;

	if (plays->writing || batch->count == 0)
		return;
	plays->writing = batch;
	plays->filling = plays->spare;
	plays->spare = NULL;
	batch->job = (struct ledger_job){ .run = run_batch,
					  .done = batch_written,
					  .reply = plays->mailbox };
	ledger_write(plays->trail->ledger, &batch->job);
}

static struct batch *batch_new(struct open_plays *plays)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));

	batch->plays = plays;
	return batch;
}

/* The server stops: what is there goes, whether another batch is under way or not. */
static void flush_last(struct open_plays *plays)
{
	struct batch *batch = plays->filling;

	plays->filling = batch_new(plays);
	batch->job = (struct ledger_job){ .run = run_batch,
					  .done = batch_written,
					  .reply = plays->mailbox };
	ledger_write(plays->trail->ledger, &batch->job);
}

static void flush_due(struct timer *timer)
{
	flush(container_of(timer, struct open_plays, flush_timer));
}

/* Takes the play's heard, which is NULL but at its end. */
static void add_entry(struct open_plays *plays, enum entry_kind kind, const struct play *play,
		      const struct play_texts *texts)
{
	struct batch *batch;

	if (plays->filling->count == ENTRIES && plays->is_ending)
		flush_last(plays);
	batch = plays->filling;
	if (batch->count == ENTRIES) {
		leave_out(plays, 1);
		free(play->heard);
		return;
	}
	if (plays->left_out > 0 && batch->count + 1 < ENTRIES) {
		batch->at[batch->count++] =
			(struct entry){ .kind = ENTRY_GAP,
					.play = { .requests = plays->left_out } };
		plays->left_out = 0;
	}
	batch->at[batch->count++] = (struct entry){ .kind = kind, .play = *play, .texts = *texts };
	if (!plays->is_ending && !timer_is_on(&plays->flush_timer))
		timer_start(plays->loop, &plays->flush_timer, FLUSH_MS, flush_due);
}

/* ---- plays ---- */

static struct play *at(const struct open_plays *plays, size_t place)
{
	return (struct play *)line_at(plays->lines, place);
}

static void end(struct open_plays *plays, unsigned place)
{
	struct play *play = at(plays, place);

	if (plays->keys[place] == 0)
		return;
	if (play->began_at_ms != 0)
		add_entry(plays, ENTRY_ENDED, play, &plays->texts[place]);
	else if (play->heard)
		add_entry(plays, ENTRY_HEARD, play, &plays->texts[place]);
	play->heard = NULL;
	plays->keys[place] = play->key = 0;
}

static uint64_t key_of(const struct open_plays *plays, const struct play_request *request)
{
	struct {
		uint64_t user_id, credential_id;
		char recording_sid[SID_SIZE];
		bool is_download;
		char for_user[AUDIT_FOR_SIZE];
	} text = { .user_id = request->user_id,
		   .credential_id = request->credential_id,
		   .is_download = request->is_download };
	size_t for_len = request->for_user.len < AUDIT_FOR_SIZE ? request->for_user.len
								: AUDIT_FOR_SIZE - 1;
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t key;

	str_fit(str_of(request->recording_sid), text.recording_sid, sizeof(text.recording_sid));
	str_fit(request->for_user, text.for_user, sizeof(text.for_user));
	/* What comes last counts as far as it goes: nearly always not at all. */
	crypto_shorthash(hash, (const uint8_t *)&text, offsetof(typeof(text), for_user) + for_len,
			 plays->key);
	memcpy(&key, hash, sizeof(key));
	if (request->near != 0) /* 50 bits of the hash are left to tell its plays apart */
		key = key - key % OPEN_PLAYS_PLACES + (request->near - 1) % OPEN_PLAYS_PLACES;
	return key ? key : 1;
}

/* Where a play stands if it can: while a quarter of the places is taken, six of seven do. */
static unsigned first_place(uint64_t key)
{
	return (unsigned)(key % OPEN_PLAYS_PLACES);
}

/* The first place of the set in which it stands else: by other bits, for there may be many of one caller. */
static unsigned set_of(uint64_t key)
{
	return (unsigned)(key / OPEN_PLAYS_PLACES % SETS) * WAYS;
}

static struct play *find(struct open_plays *plays, uint64_t key)
{
	struct play *first = at(plays, first_place(key));
	unsigned set;

	if (first->key == key)
		return first;
	set = set_of(key);
	for (unsigned way = 0; way < WAYS; way++)
		if (plays->keys[set + way] == key)
			return at(plays, set + way);
	return NULL;
}

/* A free place, or that of the play that is silent for longest. */
static unsigned place_for(struct open_plays *plays, uint64_t key)
{
	unsigned place = first_place(key), set = set_of(key);

	if (plays->keys[place] == 0)
		return place;
	for (unsigned way = 0; way < WAYS; way++) {
		if (plays->keys[set + way] == 0)
			return set + way;
		if (at(plays, set + way)->last_at_ms < at(plays, place)->last_at_ms)
			place = set + way;
	}
	end(plays, place);
	return place;
}

static struct play *begin(struct open_plays *plays, const struct play_request *request,
			  uint64_t key)
{
	unsigned place = place_for(plays, key);
	struct play *play = at(plays, place);
	struct play_texts *texts = &plays->texts[place];

	plays->keys[place] = key;
	*play = (struct play){ .key = key,
			       .user_id = request->user_id,
			       .credential_id = request->credential_id,
			       .last_at_ms = loop_wall_ms(plays->loop),
			       .is_download = request->is_download };
	str_fit(str_of(request->recording_sid), texts->recording_sid, sizeof(texts->recording_sid));
	str_fit(request->address, texts->address, sizeof(texts->address));
	str_fit(request->for_user, texts->for_user, sizeof(texts->for_user));
	return play;
}

void open_plays_begin(struct open_plays *plays, const struct play_request *request, uint64_t key)
{
	struct play *play = find(plays, key);

	if (!play) {
		begin(plays, request, key);
		return;
	}
	play->is_report = false;
}

void open_plays_heard(struct open_plays *plays, const struct play_request *request,
		      const struct heard *heard)
{
	uint64_t key = key_of(plays, request);
	struct play *play = find(plays, key);

	if (plays->is_ending)
		return;
	if (!play) {
		play = begin(plays, request, key);
		play->is_report = true;
	}
	if (!play->heard)
		play->heard = xcalloc(1, sizeof(*play->heard));
	heard_join(play->heard, heard);
	play->last_at_ms = loop_wall_ms(plays->loop);
}

void open_plays_expect(const struct open_plays *plays, unsigned place)
{
	__builtin_prefetch(at(plays, place), 1);
}

enum open_play open_plays_look(struct open_plays *plays, const struct play_request *request,
			       uint64_t *out_key)
{
	const struct play *play;

	*out_key = key_of(plays, request);
	play = find(plays, *out_key);
	/* Whoever only says to have heard it has not been let in. */
	if (play && !play->is_report)
		return OPEN_PLAY_ON;
	if (plays->filling->count == ENTRIES &&
	    plays->trail->options.when_full == AUDIT_FULL_REFUSES)
		return OPEN_PLAY_UNRECORDED;
	return OPEN_PLAY_NEW;
}

void open_plays_sent(struct open_plays *plays, uint64_t key, uint64_t sent_bytes)
{
	struct play *play = find(plays, key);
	int64_t now_ms = loop_wall_ms(plays->loop);

	if (!play)
		return; /* ended while this reply went on: the entry has what was sent before */
	play->last_at_ms = now_ms;
	play->requests++;
	play->bytes += sent_bytes;
	if (play->began_at_ms == 0) {
		struct play told = *play;

		play->began_at_ms = told.began_at_ms = now_ms;
		told.heard = NULL; /* is told at the end */
		add_entry(plays, play->is_download ? ENTRY_DOWNLOADED : ENTRY_BEGAN, &told,
			  &plays->texts[line_place(plays->lines, play)]);
	}
}

bool open_plays_is_on(struct open_plays *plays, const struct play_request *request)
{
	const struct play *play = find(plays, key_of(plays, request));

	return play && play->began_at_ms != 0;
}

uint64_t open_plays_left_out(const struct open_plays *plays)
{
	return counter_read(&plays->left_out_in_all);
}

static void sweep(struct timer *timer)
{
	struct open_plays *plays = container_of(timer, struct open_plays, sweep_timer);
	int64_t now_ms = loop_wall_ms(plays->loop);

	timer_start(plays->loop, timer, SWEEP_MS, sweep);
	for (unsigned place = 0; place < OPEN_PLAYS_PLACES; place++) {
		const struct play *play = at(plays, place);

		/* A clock that went back ends it, too: it may be silent for ever. */
		if (plays->keys[place] != 0 && (now_ms - play->last_at_ms > SILENCE_MS ||
						now_ms < play->last_at_ms - SILENCE_MS))
			end(plays, place);
	}
}

/* ---- life cycle ---- */

struct open_plays *open_plays_new(const struct audit_trail *trail, struct loop *loop,
				  struct mailbox *mailbox, struct lines lines)
{
	struct open_plays *plays = xcalloc(1, sizeof(*plays));

	assert(lines.count == OPEN_PLAYS_PLACES);
	plays->lines = lines;
	plays->trail = trail;
	plays->loop = loop;
	plays->mailbox = mailbox;
	plays->filling = batch_new(plays);
	plays->spare = batch_new(plays);
	random_bytes(plays->key, sizeof(plays->key));
	timer_start(loop, &plays->sweep_timer, SWEEP_MS, sweep);
	return plays;
}

void open_plays_end_all(struct open_plays *plays)
{
	plays->is_ending = true;
	timer_stop(&plays->flush_timer);
	for (unsigned place = 0; place < OPEN_PLAYS_PLACES; place++)
		end(plays, place);
	if (plays->filling->count > 0)
		flush_last(plays);
}

void open_plays_free(struct open_plays *plays)
{
	if (!plays)
		return;
	timer_stop(&plays->sweep_timer);
	timer_stop(&plays->flush_timer);
	for (unsigned place = 0; place < OPEN_PLAYS_PLACES; place++)
		if (plays->keys[place] != 0)
			free(at(plays, place)->heard);
	batch_free(plays->filling);
	batch_free(plays->writing);
	batch_free(plays->spare);
	free(plays);
}
