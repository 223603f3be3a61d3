/*
 * Everything that was given out and opens something: sessions, devices, API tokens, links, visits of
 * links, and invitations.  One table, so that they are found, listed, revoked and forgotten by the
 * same statements.
 *
 * Of a credential its public name is stored, and the SHA-256 of the whole (auth/credential.h): whoever reads
 * the table, or a backup of it, can use none of them.
 */
#pragma once

#include "accounts/users.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are stored. */
enum credential_kind {
	CREDENTIAL_SESSION = 1,    /* somebody signed in with a browser */
	CREDENTIAL_DEVICE = 2,     /* a browser that signed in before; opens nothing */
	CREDENTIAL_TOKEN = 3,      /* of a program */
	CREDENTIAL_LINK = 4,       /* opens one recording */
	CREDENTIAL_VISIT = 5,      /* of a link, by one browser; parent_id is the link's */
	CREDENTIAL_INVITATION = 6, /* lets somebody set the password of an account, once */
	CREDENTIAL_DOCTOR = 7,     /* a token of a minute: plays what the doctor plays */
};

#define CREDENTIAL_ROW_NAME_SIZE 9 /* 8 characters */
#define CREDENTIAL_NOTE_SIZE     201
#define CREDENTIAL_FOR_SIZE      65
#define CREDENTIAL_NETWORK_SIZE  48
#define CREDENTIAL_AGENT_SIZE    129

/* Options of a link, which its visits have, too. */
#define CREDENTIAL_SHOWS_NUMBERS 1 /* who called whom */
#define CREDENTIAL_WHOLE_CALL    2 /* it opens the other recordings of that one's call, too */

struct credential_row {
	int64_t id;
	enum credential_kind kind;
	char name[CREDENTIAL_ROW_NAME_SIZE];
	uint8_t hash[SHA256_BYTES];
	int64_t user_id;   /* whose it is; 0: nobody's */
	int64_t parent_id; /* 0: none */
	uint16_t rights;
	char recording_sid[SID_SIZE]; /* of a link and its visits */
	char note[CREDENTIAL_NOTE_SIZE];
	char for_user[CREDENTIAL_FOR_SIZE];            /* whom it was made for, as its maker says */
	int64_t made_by;                               /* the user's id; 0: a command */
	int64_t made_at_ms, seen_at_ms, expires_at_ms; /* 0: never */
	int64_t window_until_ms;  /* of a link or visit: until then what was begun plays on */
	int64_t plays, plays_max; /* plays_max 0: as often as you like */
	int options;
	char network[CREDENTIAL_NETWORK_SIZE], agent[CREDENTIAL_AGENT_SIZE];
};

/* All of *row but its id, which it is given; 0 and "" are stored as NULL. */
bool credentials_add(struct catalog *catalog, struct credential_row *row,
		     struct err *err) MUST_CHECK;

/*
 * By its public name; the caller compares the hash.  *out_user is the user it belongs to; its id is 0 where that
 * is nobody.  ERR_NOT_FOUND: there is none, whatever its expiry.
 */
bool credentials_find(struct catalog *catalog, struct str name, struct credential_row *out,
		      struct user *out_user, struct err *err) MUST_CHECK;

bool credentials_find_id(struct catalog *catalog, int64_t id, struct credential_row *out,
			 struct err *err) MUST_CHECK;

/* Newest first, of one kind, before `before_id` (0: from the newest); user_id 0: everybody's. */
bool credentials_list(struct catalog *catalog, enum credential_kind kind, int64_t user_id,
		      int64_t before_id, struct credential_row *out, size_t size, size_t *out_count,
		      struct err *err) MUST_CHECK;

/* It opens nothing any more, nor do its visits.  ERR_NOT_FOUND: there is none. */
bool credentials_end(struct catalog *catalog, int64_t id, struct err *err) MUST_CHECK;
/* All of that kind of a user, but `but_id`. */
bool credentials_end_of_user(struct catalog *catalog, int64_t user_id, enum credential_kind kind,
			     int64_t but_id, struct err *err) MUST_CHECK;
/* All of that kind, everybody's; *out_count went. */
bool credentials_end_kind(struct catalog *catalog, enum credential_kind kind, int64_t *out_count,
			  struct err *err) MUST_CHECK;
/* How many of that kind there are, expired ones included. */
bool credentials_count_kind(struct catalog *catalog, enum credential_kind kind, int64_t *out,
			    struct err *err) MUST_CHECK;
/* All but the `most` that were seen last. */
bool credentials_keep(struct catalog *catalog, int64_t user_id, enum credential_kind kind,
		      int64_t most, struct err *err) MUST_CHECK;
/* All visits of a link but `most`: those within the window of a play before the others, and then the newest. */
bool credentials_keep_visits(struct catalog *catalog, int64_t link_id, int64_t now_ms, int64_t most,
			     struct err *err) MUST_CHECK;
/* Moves seen_at_ms on, never back. */
bool credentials_seen(struct catalog *catalog, int64_t id, int64_t at_ms,
		      struct err *err) MUST_CHECK;

enum link_play {
	LINK_PLAYS,   /* counted, or within the window of a play that was */
	LINK_EXPIRED, /* and no play was begun in time */
	LINK_USED_UP,
	LINK_GONE, /* revoked: there is no row */
};
/*
 * Somebody asks for the media of a link, or of a visit of it, whose recording lasts `length_ms`.  The first time counts
 * as a play of the link and opens a window of the length and an hour, so that neither the expiry nor the last play
 * ends what was begun.
 */
bool credentials_link_play(struct catalog *catalog, int64_t id, int64_t now_ms, int64_t length_ms,
			   enum link_play *out, struct err *err) MUST_CHECK;
/* What the play would be answered; counts nothing. */
bool credentials_link_judge(struct catalog *catalog, int64_t id, int64_t now_ms,
			    enum link_play *out, struct err *err) MUST_CHECK;

/* Those that were over before `before_ms`, at most `most`; *out_count went. */
bool credentials_forget(struct catalog *catalog, int64_t before_ms, int64_t most,
			int64_t *out_count, struct err *err) MUST_CHECK;
