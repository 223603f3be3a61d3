/*
 * The threads that hash passwords: one by default, at the lowest priority.
 *
 * A hash takes 64 MiB and 80 ms of a core.  So memory is bounded by the number of threads, and
 * whoever plays does not notice: at nice 19 a hash beside a loop that saturates the same core costs the
 * loop 3 % of its plays.  Networks take turns; browsers that signed in before go first.
 *
 * A job whose asker left is done all the same: its place is given back only then, so that leaving early
 * gives nobody another try.
 */
#pragma once

#include "accounts/users.h"
#include "auth/password_hash.h"
#include "auth/password_rules.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/fair_queue.h"
#include "base/own.h"
#include "base/str.h"
#include "event/mailbox.h"

#include <stdbool.h>

#define HASHERS_QUEUE_MAX  64 /* at 80 ms each: five seconds for all of them */
#define HASHERS_OTHERS_MAX 48 /* strangers leave room for browsers that signed in before */
#define HASHERS_PEER_MAX   2  /* of one network */

struct hashers;

/* Embedded in who asks: done() finds it. */
struct hash_asker {
	char unused;
};

/*
 * One password to be checked, made, or both.  On the heap; freed by hash_job_free(), which the asker calls from
 * done(), or done() is NULL and the job frees itself.
 */
struct hash_job {
	struct mail mail;              /* internal */
	struct fair_queue_entry entry; /* internal */
	struct mailbox *reply;
	struct hash_asker *asker;
	void (*done)(struct hash_job *job); /* on the loop of `reply` */

	char *password; /* in guarded memory; see hash_job_new() */
	size_t password_len;
	char hash[PASSWORD_HASH_SIZE]; /* to check against; "": nobody's, which costs the same */
	bool checks;
	/* A new hash is wanted, where the check was good or none was asked for, and `rules` take the password. */
	bool makes;
	const struct password_rules *rules; /* NULL: none are asked */
	char name[USER_NAME_SIZE];          /* of the account, for the rules */
	char *new_password;                 /* the one that is made a hash of; NULL: the same */
	size_t new_password_len;

	bool succeeded; /* else err says why */
	struct err err;
	bool is_right;             /* the check was good */
	enum password_fault fault; /* why a new one was not taken */
	char new_hash
		[PASSWORD_HASH_SIZE]; /* "" unless one was made: asked for, or the old one was cheap */
};

bool hashers_start(unsigned count, const struct password_cost *cost, struct hashers **out,
		   struct err *err) MUST_CHECK;
/* What waits comes back undone (ERR_UNAVAILABLE), so the mailboxes outlive it. */
void hashers_stop(struct hashers *hashers);
DEFINE_AUTO(struct hashers *, hashers_stop)

/* Copies the password into guarded memory (guarded.h): it is wiped with the job. */
struct hash_job *hash_job_new(struct str password);
/* The same of the password that takes its place. */
void hash_job_set_new(struct hash_job *job, struct str password);
void hash_job_free(struct hash_job *job);

/* Whether one of a browser that nobody knows would be taken now, so far as all of them fill it.  Any thread. */
bool hashers_have_room(struct hashers *hashers);
/* False: too many wait, of this network or of all; the job stays the caller's.  Any thread. */
bool hashers_post(struct hashers *hashers, struct hash_job *job, struct str network,
		  bool is_known_device) MUST_CHECK;
