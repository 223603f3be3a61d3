#include "auth/links.h"

#include "base/clock.h"

#include <sodium.h>

#define GRACE_MS (INT64_C(60) * 60 * 1000) /* LINK_GRACE_MS of accounts/credentials.c */

static int64_t length_of(const struct recording *recording)
{
	if (recording->duration_ms > 0)
		return recording->duration_ms;
	return recording->duration_s > 0 ? recording->duration_s * 1000 : 0;
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

static bool add_visit(struct link_open *open, struct catalog *catalog,
		      const struct credential_row *link, struct err *err)
{
	struct credential_row row = { .kind = CREDENTIAL_VISIT,
				      .parent_id = link->id,
				      .rights = RIGHT_PLAY,
				      .made_at_ms = clock_wall_ms() };
	int64_t until_ms = row.made_at_ms + open->duration_ms + GRACE_MS;

	row.expires_at_ms = link->expires_at_ms > until_ms ? link->expires_at_ms : until_ms;
	open->visit_expires_at_ms = row.expires_at_ms;
	memcpy(row.recording_sid, link->recording_sid, sizeof(row.recording_sid));
	memcpy(row.name, open->visit.name, sizeof(row.name));
	memcpy(row.hash, open->visit.hash, sizeof(row.hash));
	return credentials_add(catalog, &row, err);
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
	       add_visit(open, catalog, &link, err) &&
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

static bool run_play(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct link_play_job *play = container_of(job, struct link_play_job, job);
	struct credential_row row;
	struct recording recording = { .duration_s = 0 };

	if (!credentials_find_id(catalog, play->credential_id, &row, err)) {
		play->result = LINK_GONE;
		return err->kind == ERR_NOT_FOUND;
	}
	if (!recordings_find(catalog, str_of(row.recording_sid), &recording, err) &&
	    err->kind != ERR_NOT_FOUND)
		return false;
	play->window_until_ms = clock_wall_ms() + length_of(&recording) + GRACE_MS;
	return credentials_link_play(catalog, row.id, clock_wall_ms(), length_of(&recording),
				     &play->result, err);
}

void link_play_init(struct link_play_job *play, int64_t credential_id)
{
	*play = (struct link_play_job){ .job = { .run = run_play },
					.credential_id = credential_id };
}

static bool run_judge(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct link_play_job *play = container_of(job, struct link_play_job, job);

	return credentials_link_judge(catalog, play->credential_id, clock_wall_ms(), &play->result,
				      err);
}

void link_play_init_head(struct link_play_job *play, int64_t credential_id)
{
	*play = (struct link_play_job){ .job = { .run = run_judge },
					.credential_id = credential_id };
}
