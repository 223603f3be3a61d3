/*
 * callspool's own routes on a ledger that is the same at the beginning of each input, for a target that talks
 * to them.  Building them anew takes 15 ms, so that is done only where the last input changed the ledger, or people sign
 * in in another way.  Known in it are one token, one session, one link and one invitation: WEB_SECRETS.
 *
 * No thread runs: jobs of the ledger run where they are posted, and are answered by the loop, as always; passwords
 * are compared and not hashed; there is no fetching loop, and what it is asked is not there.  All of
 * that, and the clocks, is put in between by the linker (tests/fuzz/meson.build).
 */
#pragma once

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts/credentials.h"
#include "api/web.h"
#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/hashers.h"
#include "auth/rights.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "blob/blob_local.h"
#include "db/db.h"
#include "dispatch/fetcher.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "http/http_server.h"
#include "ledger/ledger.h"
#include "ledger/reserve.h"
#include "purge/clock_guard.h"
#include "purge/purge.h"
#include "rest/discovery.h"
#include "rest/upstream.h"
#include "twilio/accounts.h"
#include "web/routes.h"
#include "web/web_app.h"

#define WEB_TOKEN      "TokenOf1aaaabbbbccccddddeeeeffff"
#define WEB_SESSION    "Session1aaaabbbbccccddddeeeeffff"
#define WEB_LINK_TEXT  "LinkOf_1aaaabbbbccccddddeeeeffff"
#define WEB_INVITATION "Invited1aaaabbbbccccddddeeeeffff"
#define WEB_PASSWORD   "correct horse battery 7"
#define WEB_CALL       "CA00000000000000000000000000000001"
#define WEB_RECORDING  "RE00000000000000000000000000000001"
#define WEB_HASH       "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaA"

#define WEB_STARTED_AT_MS 1000000
#define WEB_WALL_AT_MS    1700000000000
#define LEDGER_MAX        (16 * 1024 * 1024)

/* The file of the ledger at the beginning of an input. */
struct template
{
	char *bytes;
	size_t len;
};

static struct {
	char folder[64];
	struct template of_nobody, of_people;
	int64_t now_ms;

	bool is_open, was_written;
	enum auth_mode mode;
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger *ledger;
	struct blob_store *store;
	struct reserve *reserve;
	struct accounts accounts;
	struct auth *auth;
	struct purge_env purge;
	struct web web;
	struct web_local *local;
	struct http_server *server;

	/* What goes wrong, where a test wants it. */
	unsigned fails_at; /* of the jobs of the ledger that are to come, which fails; 0: none */
	enum err_kind fails_by; /* how */
	unsigned leaves_at;     /* of them, while which is done leave() is called; 0: none */
	void (*leave)(void);
	bool hashers_are_full; /* no password is looked at */
	bool has_nobody;       /* people may sign in by passwords, and there is none yet */
	bool may_log_error;    /* what an operator must look after may come about */
	enum discovery_result (*discover)(void); /* what Twilio has; NULL: nothing */
} rooms;

static void rooms_must(bool good, const struct err *err)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", err->text);
	abort();
}

/* ---- what the linker puts in between ---- */

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_wall_ms(void);
void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...);
void __wrap_ledger_write(struct ledger *ledger, struct ledger_job *job);
void __wrap_ledger_read(struct ledger *ledger, struct ledger_job *job);
bool __wrap_hashers_start(unsigned count, const struct password_cost *cost, struct hashers **out,
			  struct err *err);
void __wrap_hashers_stop(struct hashers *hashers);
bool __wrap_hashers_have_room(struct hashers *hashers);
bool __wrap_hashers_post(struct hashers *hashers, struct hash_job *job, struct str network,
			 bool is_known_device);
void __wrap_fetcher_discover(struct fetcher *fetcher, struct discovery_request *request);
void __wrap_fetcher_read_upstream(const struct fetcher *fetcher, struct upstream_facts *out);
bool __wrap_fetcher_reconciles(const struct fetcher *fetcher);
const struct flight_counts *__wrap_fetcher_flight_counts(const struct fetcher *fetcher);
const struct peer_counts *__wrap_fetcher_peer_counts(const struct fetcher *fetcher);
void __wrap_fetcher_read_peer_trouble(const struct fetcher *fetcher, struct trouble_facts *out);
const struct loop_times *__wrap_fetcher_loop_times(const struct fetcher *fetcher);
struct workers *__wrap_fetcher_sealers(const struct fetcher *fetcher);
void __wrap_workers_post(struct workers *workers, struct job *job);
void __wrap_fetcher_retry(struct fetcher *fetcher, const char *recording_sid,
			  const char *request_id);
void __wrap_fetcher_import(struct fetcher *fetcher);
void __wrap_verifier_wake(struct verifier *verifier);

int64_t __wrap_clock_monotonic_ms(void)
{
	return rooms.now_ms;
}

int64_t __wrap_clock_monotonic_us(void)
{
	return rooms.now_ms * 1000;
}

int64_t __wrap_clock_wall_ms(void)
{
	return WEB_WALL_AT_MS + rooms.now_ms;
}

/* No request may bring about what an operator must look after. */
void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...)
{
	if (rooms.may_log_error)
		return;
	fprintf(stderr, "an error is logged: %s\n", fmt);
	abort();
}

static void rooms_run_job(struct ledger *ledger, struct ledger_job *job)
{
	struct err err;

	if (rooms.leaves_at > 0 && --rooms.leaves_at == 0)
		rooms.leave();
	if (rooms.fails_at > 0 && --rooms.fails_at == 0)
		job->succeeded = err_set(&err, rooms.fails_by, "it was to fail");
	else
		job->succeeded = ledger_write_now(ledger, job, &err);
	if (!job->succeeded)
		job->err = err;
	else if (!catalog_sequence(ledger_catalog(ledger), &job->sequence, &err))
		abort();
}

void __wrap_ledger_write(struct ledger *ledger, struct ledger_job *job)
{
	rooms_run_job(ledger, job);
	rooms.was_written |= job->succeeded;
	if (job->succeeded && job->change.what != 0)
		feed_tell(ledger_feed(ledger), &job->change, 1, job->sequence);
	ledger_job_answer(job);
}

void __wrap_ledger_read(struct ledger *ledger, struct ledger_job *job)
{
	rooms_run_job(ledger, job);
	ledger_job_answer(job);
}

bool __wrap_hashers_start(unsigned count, const struct password_cost *cost, struct hashers **out,
			  struct err *err)
{
	*out = xmalloc(1); /* nobody looks into it */
	return true;
}

void __wrap_hashers_stop(struct hashers *hashers)
{
	free(hashers);
}

static void rooms_hashed(struct mail *mail)
{
	struct hash_job *job = container_of(mail, struct hash_job, mail);

	if (job->done)
		job->done(job);
	else
		hash_job_free(job);
}

bool __wrap_hashers_have_room(struct hashers *hashers)
{
	return !rooms.hashers_are_full;
}

bool __wrap_hashers_post(struct hashers *hashers, struct hash_job *job, struct str network,
			 bool is_known_device)
{
	struct str password = { job->password, job->password_len }, wanted = password;

	if (rooms.hashers_are_full)
		return false;
	if (job->new_password)
		wanted = (struct str){ job->new_password, job->new_password_len };
	job->is_right = job->checks && job->hash[0] && str_eq(password, STR(WEB_PASSWORD));
	job->succeeded = true;
	if (job->makes && (!job->checks || job->is_right)) {
		if (job->rules)
			job->succeeded = password_judge(job->rules, str_of(job->name), wanted,
							&job->fault, &job->err);
		str_fit(STR(WEB_HASH), job->new_hash, sizeof(job->new_hash));
	}
	job->mail.deliver = rooms_hashed;
	mailbox_post(job->reply, &job->mail);
	return true;
}

static void rooms_discovered(struct mail *mail)
{
	struct discovery_request *request = container_of(mail, struct discovery_request, mail);

	request->result = rooms.discover ? rooms.discover() : DISCOVERY_NOT_THERE;
	if (request->answered)
		request->answered(request);
	free(request);
}

void __wrap_fetcher_discover(struct fetcher *fetcher, struct discovery_request *request)
{
	request->mail.deliver = rooms_discovered;
	mailbox_post(request->reply, &request->mail);
}

void __wrap_fetcher_read_upstream(const struct fetcher *fetcher, struct upstream_facts *out)
{
	*out = (struct upstream_facts){ .refused_count = 0 };
}

bool __wrap_fetcher_reconciles(const struct fetcher *fetcher)
{
	return false;
}

const struct flight_counts *__wrap_fetcher_flight_counts(const struct fetcher *fetcher)
{
	return NULL;
}

void __wrap_fetcher_read_peer_trouble(const struct fetcher *fetcher, struct trouble_facts *out)
{
	*out = (struct trouble_facts){ .for_ms = -1 };
}

const struct peer_counts *__wrap_fetcher_peer_counts(const struct fetcher *fetcher)
{
	return NULL;
}

const struct loop_times *__wrap_fetcher_loop_times(const struct fetcher *fetcher)
{
	return NULL;
}

struct workers *__wrap_fetcher_sealers(const struct fetcher *fetcher)
{
	return NULL;
}

static void rooms_worked(struct mail *mail)
{
	struct job *job = container_of(mail, struct job, mail);

	job->done(job);
}

void __wrap_workers_post(struct workers *workers, struct job *job)
{
	job->run(job);
	job->mail.deliver = rooms_worked;
	mailbox_post(job->reply, &job->mail);
}

void __wrap_fetcher_retry(struct fetcher *fetcher, const char *recording_sid,
			  const char *request_id)
{
}

void __wrap_fetcher_import(struct fetcher *fetcher)
{
}

void __wrap_verifier_wake(struct verifier *verifier)
{
}

/* ---- the ledger ---- */

static void rooms_path(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", rooms.folder, name);
}

static void add_credential(struct catalog *catalog, enum credential_kind kind, const char *text,
			   int64_t user_id)
{
	struct credential_row row = {
		.kind = kind, .user_id = user_id, .rights = RIGHTS_ALL, .made_at_ms = 1
	};
	struct err err;

	str_fit(credential_name(str_of(text)), row.name, sizeof(row.name));
	credential_hash(str_of(text), row.hash);
	if (kind == CREDENTIAL_LINK) {
		row.rights = RIGHT_PLAY;
		str_fit(STR(WEB_RECORDING), row.recording_sid, sizeof(row.recording_sid));
	}
	if (kind != CREDENTIAL_TOKEN)
		row.expires_at_ms = 2 * WEB_WALL_AT_MS;
	row.seen_at_ms = WEB_WALL_AT_MS;
	rooms_must(credentials_add(catalog, &row, &err), &err);
}

static int64_t add_user(struct catalog *catalog, const char *name, enum role role, const char *hash)
{
	struct user user = { .source = USER_OWN, .role = (int)role, .made_at_ms = 1 };
	struct err err;

	str_fit(str_of(name), user.name, sizeof(user.name));
	rooms_must(users_add(catalog, &user, &err), &err);
	if (hash)
		rooms_must(users_set_password(catalog, user.id, str_of(hash), &err), &err);
	return user.id;
}

static bool run_fill(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	add_credential(catalog, CREDENTIAL_SESSION, WEB_SESSION,
		       add_user(catalog, "ada", ROLE_ADMIN, WEB_HASH));
	add_credential(catalog, CREDENTIAL_INVITATION, WEB_INVITATION,
		       add_user(catalog, "lena", ROLE_LISTENER, NULL));
	add_credential(catalog, CREDENTIAL_TOKEN, WEB_TOKEN, 0);
	add_credential(catalog, CREDENTIAL_LINK, WEB_LINK_TEXT, 0);
	return true;
}

static void remove_ledger(void)
{
	static const char *const names[] = { "ledger.db", "ledger.db-wal", "ledger.db-shm" };
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		rooms_path(names[i], path);
		unlink(path);
	}
}

static void remove_folder(void)
{
	static const char *const names[] = { "audit.key", "reserve", "first-administrator",
					     "recordings", "arriving" };
	char path[128];

	remove_ledger();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		rooms_path(names[i], path);
		if (unlink(path) < 0)
			rmdir(path);
	}
	rmdir(rooms.folder);
}

/* Given up, so that no play waits for it. */
static void add_recording(const char *path)
{
	AUTO(db_free) struct db *db = NULL;
	struct err err;

	rooms_must(
		db_open(path, DB_WRITE, &db, &err) &&
			db_exec(db,
				"INSERT INTO calls (id, call_sid, status, direction, started_at_ms,"
				" started_rank, main_recording_id, is_main_fixed, recording_group,"
				" recordings, changed_seq) VALUES (1, '" WEB_CALL
				"', 0, 0, 1699999999000, 0, 1, 0, 4, 1, 0)",
				&err) &&
			db_exec(db,
				"INSERT INTO recordings (id, recording_sid, call_id, call_sid, state,"
				" upstream, is_held, is_duration_off, channels_wanted, tries,"
				" started_at_ms, changed_seq) VALUES (1, '" WEB_RECORDING
				"', 1, '" WEB_CALL "', 5, 0, 0, 0, 2, 3, 1699999999000, 0)",
				&err),
		&err);
}

static void make_template(struct template *out, bool has_people)
{
	struct ledger_job fill = { .run = run_fill };
	struct ledger *ledger;
	char path[128];
	struct err err;

	remove_ledger();
	rooms_path("ledger.db", path);
	rooms_must(ledger_open(path, &ledger, &err), &err);
	if (has_people)
		rooms_must(ledger_write_now(ledger, &fill, &err), &err);
	ledger_free(ledger);
	add_recording(path);
	rooms_must(file_read(path, LEDGER_MAX, &out->bytes, &out->len, &err), &err);
}

/* Once: the folder, and the ledgers that inputs begin with. */
static void rooms_prepare(void)
{
	char path[128];
	struct err err;

	/* In memory, where there is such a folder: each input begins with a new file. */
	snprintf(rooms.folder, sizeof(rooms.folder), "%s/callspool-fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(rooms.folder))
		abort();
	atexit(remove_folder);
	log_set_level(LOG_ERROR);
	rooms_path("reserve", path);
	rooms.purge.guard = clock_guard_new();
	rooms_must(blob_local_open(rooms.folder, &rooms.store, &err) &&
			   reserve_open(path, &rooms.reserve, &err),
		   &err);
	make_template(&rooms.of_nobody, false);
	make_template(&rooms.of_people, true);
}

static void write_ledger(const struct template *template)
{
	char path[128];
	int fd;

	remove_ledger();
	rooms_path("ledger.db", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, template->bytes, template->len) != (ssize_t) template->len)
		abort();
	close(fd);
}

/* ---- from beginning to end of an input ---- */

static void rooms_build(enum auth_mode mode, const struct http_app *app)
{
	static const char *const admins[] = { "admins", NULL }, *const listeners[] = { "*", NULL };
	static const char *const proxies[] = { "127.0.0.1", NULL };
	static const char *const origins[] = { "https://b.example", NULL };
	struct auth_options options = { .mode = mode,
					.insecure_http = AUTH_ON,
					.session_idle_ms = 3600 * 1000,
					.session_max_ms = 7 * 3600 * 1000,
					.password_min = 15,
					.hashers = 1,
					.play_limit = 1000,
					.link_max_ms = 3600 * 1000,
					.user_header = "X-User",
					.groups_header = "X-Groups",
					.admins = admins,
					.listeners = listeners };
	struct http_options http = HTTP_OPTIONS_DEFAULT;
	char path[128];
	struct err err;

	rooms.now_ms = WEB_STARTED_AT_MS;
	rooms.mode = mode;
	rooms.is_open = true;
	rooms.was_written = false;
	/* Without sign-in nobody may have a password: auth_open() refuses it. */
	write_ledger(mode == AUTH_NONE || rooms.has_nobody ? &rooms.of_nobody : &rooms.of_people);
	rooms_path("ledger.db", path);
	rooms_must(loop_new(&rooms.loop, &err) && mailbox_open(rooms.loop, &rooms.mailbox, &err) &&
			   ledger_open(path, &rooms.ledger, &err) &&
			   auth_open(&options, rooms.folder, NULL, rooms.ledger, &rooms.auth, &err),
		   &err);
	rooms.purge.ledger = rooms.ledger;
	rooms.web = (struct web){ .options = { .play_wait_ms = 1000,
					       .trusted_proxies = proxies,
					       .cors_origins = origins,
					       .cache_entries = 10,
					       .events_max = 4 },
				  .ledger = rooms.ledger,
				  .store = rooms.store,
				  .reserve = rooms.reserve,
				  .accounts = &rooms.accounts,
				  .auth = rooms.auth,
				  .purge = &rooms.purge,
				  .own_url = "http://localhost" };
	web_init(&rooms.web);
	rooms.local = web_local_new(&rooms.web, rooms.loop, rooms.mailbox);
	rooms_must(http_server_open(rooms.loop, app, &rooms.local->local, &http, &rooms.server,
				    &err),
		   &err);
}

static void rooms_close(void)
{
	web_local_end(rooms.local);
	http_server_free(rooms.server);
	mailbox_drain(rooms.mailbox);
	web_local_free(rooms.local);
	auth_free(rooms.auth);
	ledger_free(rooms.ledger);
	mailbox_free(rooms.mailbox);
	loop_free(rooms.loop);
}

/* To be called at the beginning of each input. */
static void rooms_open(enum auth_mode mode, const struct http_app *app)
{
	if (rooms.is_open && (rooms.was_written || rooms.mode != mode)) {
		rooms_close();
		rooms.is_open = false;
	}
	if (!rooms.is_open)
		rooms_build(mode, app);
}
