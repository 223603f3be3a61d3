/* A running ledger with what auth/ needs, for the tests of auth/: passwords at the least cost, one hasher. */
#pragma once

#include "auth/admission.h"
#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/password_hash.h"
#include "auth/people.h"
#include "running_ledger.h"

#define PASSWORD STR("correct horse battery 7")

static struct auth *auth;
static struct line_pairs *pairs, *other_pairs;
static struct admission *admission, *another_admission; /* of two loops, which share one here */
static int64_t session_idle_ms = 3600 * 1000; /* a test may set it before fixture_open() */

__attribute__((unused)) static void fixture_open(enum auth_mode mode)
{
	struct auth_options options = {
		.mode = mode,
		.session_idle_ms = session_idle_ms,
		.session_max_ms = 7 * 3600 * 1000,
		.password_min = 15,
		.password_memory_bytes = PASSWORD_MEMORY_LEAST,
		.password_passes = PASSWORD_PASSES_LEAST,
		.hashers = 1,
		.play_limit = 1000,
		.link_max_ms = 3600 * 1000,
	};

	running_open();
	MUST(auth_open(&options, folder, NULL, ledger, &auth, &err));
	pairs = line_pairs_new(KNOWN_PLACES, false);
	admission = admission_new(auth, loop, mailbox, line_pairs_left(pairs));
	other_pairs = line_pairs_new(KNOWN_PLACES, false);
	another_admission = admission_new(auth, loop, mailbox, line_pairs_left(other_pairs));
	MUST(ledger_start(ledger, &err));
}

__attribute__((unused)) static void fixture_close(void)
{
	AUTO(free) char *key = xasprintf("%s/audit.key", folder);

	ledger_stop(ledger);
	mailbox_drain(mailbox);
	admission_free(admission);
	admission_free(another_admission);
	line_pairs_free(pairs);
	line_pairs_free(other_pairs);
	auth_free(auth);
	unlink(key);
	running_remove();
}

/* ---- one job of the ledger, waited for ---- */

static bool job_is_done;

static void job_done(struct ledger_job *job)
{
	job_is_done = true;
}

static bool is_job_done(void)
{
	return job_is_done;
}

__attribute__((unused)) static bool write_job(struct ledger_job *job)
{
	job_is_done = false;
	job->done = job_done;
	job->reply = mailbox;
	ledger_write(ledger, job);
	return until(is_job_done) && job->succeeded;
}

/* ---- people ---- */

struct added_user {
	struct ledger_job job;
	struct user user;
	const char *hash;
};

static bool run_add_user(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct added_user *added = container_of(job, struct added_user, job);

	return users_add(catalog, &added->user, cause) &&
	       users_set_password(catalog, added->user.id, str_of(added->hash), cause);
}

/* A user who signs in with PASSWORD; the id. */
__attribute__((unused)) static int64_t add_user(const char *name, enum role role)
{
	static char hash[PASSWORD_HASH_SIZE];
	struct password_cost cost = { PASSWORD_MEMORY_LEAST, PASSWORD_PASSES_LEAST };
	struct added_user added = { .job = { .run = run_add_user }, .hash = hash };

	if (hash[0] == '\0')
		MUST(password_hash_make(&cost, PASSWORD, hash, &err));
	added.user = (struct user){ .source = USER_OWN, .role = (int)role, .made_at_ms = 1 };
	str_fit(str_of(name), added.user.name, sizeof(added.user.name));
	MUST(write_job(&added.job));
	return added.user.id;
}

__attribute__((unused)) static void change_user(struct people_change *change, const char *name,
						enum people_action action)
{
	struct auth_actor actor = { .rights = RIGHTS_ALL };

	MUST(people_change_init(change, auth, &actor, action, str_of(name), &err));
}
