#include "auth/links.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define GRACE_MS (INT64_C(60) * 60 * 1000) /* LINK_GRACE_MS of accounts/credentials.c */

static int64_t length_of(const struct recording *recording)
{
	if (recording->duration_ms > 0)
		return recording->duration_ms;
	return recording->duration_s > 0 ? recording->duration_s * 1000 : 0;
}

/* ---- what it opens ---- */

static size_t parts_max(const struct credential_row *row)
{
	return row->options & CREDENTIAL_WHOLE_CALL ? LINK_PARTS_MAX : 1;
}

/* The recordings that a link or a visit opens, oldest first, at most parts_max(); none that the ledger does not know. */
static bool read_parts(struct catalog *catalog, const struct credential_row *row,
		       struct recording *out, size_t *out_count, struct err *err)
{
	char call_sid[SID_SIZE];

	*out_count = 0;
	if (!recordings_find(catalog, str_of(row->recording_sid), &out[0], err))
		return err->kind == ERR_NOT_FOUND;
	*out_count = 1;
	if (parts_max(row) == 1 || out[0].call_sid[0] == '\0')
		return true;
	memcpy(call_sid, out[0].call_sid, sizeof(call_sid));
	return recordings_list_of_call(catalog, str_of(call_sid), out, parts_max(row), out_count,
				       err);
}

/* How long it takes to hear all of it. */
static int64_t length_of_all(const struct recording *parts, size_t count)
{
	int64_t ms = 0;

	for (size_t i = 0; i < count; i++)
		ms += length_of(&parts[i]);
	return ms;
}

static bool opens(const struct credential_row *row, const struct recording *parts, size_t count,
		  const char *recording_sid)
{
	if (strcmp(row->recording_sid, recording_sid) == 0)
		return true; /* whether the ledger has it or not: the play says so */
	for (size_t i = 0; i < count; i++)
		if (strcmp(parts[i].recording_sid, recording_sid) == 0)
			return true;
	return false;
}

/* ---- opening ---- */

static enum link_play judge(const struct credential_row *row, int64_t now_ms)
{
	if (now_ms <= row->window_until_ms)
		return LINK_PLAYS;
	if (row->expires_at_ms != 0 && now_ms > row->expires_at_ms)
		return LINK_EXPIRED;
	if (row->plays_max != 0 && row->plays >= row->plays_max)
		return LINK_USED_UP;
	return LINK_PLAYS;
}

/* LINK_GONE: there is none, or the secret is another. */
static bool find_link(struct link_open *open, struct catalog *catalog, struct credential_row *out,
		      struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	struct user owner;

	open->result = LINK_GONE;
	if (!credentials_find(catalog, credential_name(str_of(open->text)), out, &owner, err))
		return err->kind == ERR_NOT_FOUND;
	credential_hash(str_of(open->text), hash);
	if (out->kind == CREDENTIAL_LINK && bytes_equal_secret(hash, out->hash, sizeof(hash)))
		open->result = judge(out, clock_wall_ms());
	return true;
}

static bool read_recording(struct link_open *open, struct catalog *catalog, const char *sid,
			   struct err *err)
{
	struct recording recording;

	if (!recordings_find(catalog, str_of(sid), &recording, err))
		return false;
	open->started_at_ms = recording.started_at_ms;
	open->duration_ms = length_of(&recording);
	open->call = (struct call){ .id = 0 };
	if (recording.call_sid[0] == '\0' ||
	    calls_find(catalog, str_of(recording.call_sid), &open->call, err))
		return true;
	return err->kind == ERR_NOT_FOUND;
}

static bool is_to_be_heard(enum recording_state state)
{
	return state == RECORDING_STORED || state == RECORDING_QUEUED || state == RECORDING_WAITING;
}

static bool list_parts(struct link_open *open, struct catalog *catalog,
		       const struct credential_row *link, struct err *err)
{
	AUTO(free) struct recording *parts = NULL;
	size_t count;

	open->part_count = 0; /* the writer may run a job once more */
	if (!(link->options & CREDENTIAL_WHOLE_CALL))
		return true;
	parts = xcalloc(parts_max(link), sizeof(*parts));
	if (!read_parts(catalog, link, parts, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct link_part *part;

		if (!is_to_be_heard(parts[i].state))
			continue;
		assert(open->part_count < LINK_PARTS_MAX);
		part = &open->parts[open->part_count];
		memcpy(part->recording_sid, parts[i].recording_sid, SID_SIZE);
		part->started_at_ms = parts[i].started_at_ms;
		part->duration_ms = length_of(&parts[i]);
		part->kept = recording_kept(&parts[i]);
		open->part_count++;
	}
	return true;
}

static bool add_visit(struct link_open *open, struct catalog *catalog,
		      const struct credential_row *link, struct err *err)
{
	struct credential_row row = { .kind = CREDENTIAL_VISIT,
				      .parent_id = link->id,
				      .rights = RIGHT_PLAY,
				      .made_at_ms = clock_wall_ms() };
	int64_t length_ms = open->part_count ? 0 : open->duration_ms, until_ms;

	for (size_t i = 0; i < open->part_count; i++)
		length_ms += open->parts[i].duration_ms;
	until_ms = row.made_at_ms + length_ms + GRACE_MS;
	row.expires_at_ms = link->expires_at_ms > until_ms ? link->expires_at_ms : until_ms;
	open->visit_expires_at_ms = row.expires_at_ms;
	row.options = link->options;
	memcpy(row.recording_sid, link->recording_sid, sizeof(row.recording_sid));
	memcpy(row.name, open->visit.name, sizeof(row.name));
	memcpy(row.hash, open->visit.hash, sizeof(row.hash));
	/* Room is made before: where all others are being heard, the new one stays all the same. */
	return credentials_keep_visits(catalog, link->id, row.made_at_ms, LINK_VISITS_MAX - 1,
				       err) &&
	       credentials_add(catalog, &row, err);
}

static bool run_open(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct link_open *open = container_of(job, struct link_open, job);
	struct credential_row link;

	if (!find_link(open, catalog, &link, err))
		return false;
	if (open->result != LINK_PLAYS)
		return true;
	open->expires_at_ms = link.expires_at_ms;
	open->shows_numbers = link.options & CREDENTIAL_SHOWS_NUMBERS;
	memcpy(open->actor.credential, link.name, sizeof(open->actor.credential));
	return read_recording(open, catalog, link.recording_sid, err) &&
	       list_parts(open, catalog, &link, err) && add_visit(open, catalog, &link, err) &&
	       auth_audit(open->auth, catalog, &open->actor, "link_opened", link.recording_sid,
			  NULL, err);
}

bool link_open_init(struct link_open *open, struct auth *auth, const struct auth_actor *actor,
		    struct str name, struct str secret)
{
	char text[CREDENTIAL_SIZE];
	struct buf buf;
	bool good;

	*open = (struct link_open){ .job = { .run = run_open }, .auth = auth, .actor = *actor };
	buf_over(&buf, text, sizeof(text));
	buf_add_str(&buf, name);
	buf_add_str(&buf, secret);
	good = buf_ok(&buf) && name.len == CREDENTIAL_NAME_LEN &&
	       credential_is_well_formed(buf_str(&buf));
	if (good) {
		memcpy(open->text, text, sizeof(open->text));
		credential_make(&open->visit);
	}
	sodium_memzero(text, sizeof(text));
	return good;
}

/* ---- playing ---- */

/* *out_length_ms: of all that the link opens. */
static bool read_play(struct link_play_job *play, struct catalog *catalog, int64_t *out_length_ms,
		      struct err *err)
{
	AUTO(free) struct recording *parts = NULL;
	struct credential_row row;
	size_t count;

	play->result = LINK_GONE;
	if (!credentials_find_id(catalog, play->credential_id, &row, err))
		return err->kind == ERR_NOT_FOUND;
	parts = xcalloc(parts_max(&row), sizeof(*parts));
	if (!read_parts(catalog, &row, parts, &count, err))
		return false;
	if (opens(&row, parts, count, play->recording_sid))
		play->result = LINK_PLAYS;
	*out_length_ms = length_of_all(parts, count);
	return true;
}

static bool run_play(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct link_play_job *play = container_of(job, struct link_play_job, job);
	int64_t length_ms;

	if (!read_play(play, catalog, &length_ms, err))
		return false;
	if (play->result != LINK_PLAYS)
		return true;
	play->window_until_ms = clock_wall_ms() + length_ms + GRACE_MS;
	return credentials_link_play(catalog, play->credential_id, clock_wall_ms(), length_ms,
				     &play->result, err);
}

static bool run_judge(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct link_play_job *play = container_of(job, struct link_play_job, job);
	int64_t length_ms;

	if (!read_play(play, catalog, &length_ms, err))
		return false;
	return play->result != LINK_PLAYS ||
	       credentials_link_judge(catalog, play->credential_id, clock_wall_ms(), &play->result,
				      err);
}

void link_play_init(struct link_play_job *play, int64_t credential_id, const char *recording_sid)
{
	*play = (struct link_play_job){ .job = { .run = run_play },
					.credential_id = credential_id };
	memcpy(play->recording_sid, recording_sid, sizeof(play->recording_sid));
}

void link_play_init_head(struct link_play_job *play, int64_t credential_id,
			 const char *recording_sid)
{
	link_play_init(play, credential_id, recording_sid);
	play->job.run = run_judge;
}
