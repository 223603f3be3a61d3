/*
 * What flights run in: a loop, a ledger with its threads, a store that fails where it is told to,
 * fetch, and a server on loopback in Twilio's place (fetch_server.h).  One a process.  On PostgreSQL (test_database.h) it is one
 * of several that may serve from the ledger.
 */
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "blob/blob_flaky.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "catalog/attempts.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "cluster/members.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "fetch/fetch.h"
#include "fetch_server.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "rest/rest_env.h"
#include "tap.h"
#include "test_database.h"
#include "told.h"
#include "twilio/accounts.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define API     "/2010-04-01/Accounts/" ACCOUNT
#define MEDIA   API "/Recordings/" RECORDING ".mp3?RequestedChannels=2"

#define FIXTURE_TICK_MS 2 /* conditions are looked at so often */
#define FIXTURE_MOST_MS \
	60000 /* a sanitizer's build on a busy machine; far above FIXTURE_STALL_MS */
#define FIXTURE_STALL_MS 10000 /* an upstream that hangs is given up after so long */

static struct flight_env env;
static struct rest_env rest_env; /* what is the same of it */
static struct server server;
static struct accounts accounts;
static struct account account;
static struct catalog *reader;
static struct err err;
static struct timer fixture_timer;
static char fixture_path[TEST_DATABASE_SIZE]; /* of the ledger */

static void must(bool succeeded)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

static void fixture_tick(struct timer *timer)
{
	loop_stop(env.loop);
}

/* Runs the loop until it is so. */
static void until(bool (*is_so)(void))
{
	int64_t end_ms = clock_monotonic_ms() + FIXTURE_MOST_MS;

	while (!is_so()) {
		if (clock_monotonic_ms() > end_ms) {
			printf("Bail out! what was waited for does not come\n");
			exit(1);
		}
		timer_start(env.loop, &fixture_timer, FIXTURE_TICK_MS, fixture_tick);
		loop_run(env.loop);
	}
	timer_stop(&fixture_timer);
}

/* ---- the ledger ---- */

/* One write, waited for. */
struct fixture_write {
	struct ledger_job job;
	const void *what;
	bool is_done;
};

static struct fixture_write fixture_write;

static void fixture_written(struct ledger_job *job)
{
	fixture_write.is_done = true;
}

static bool fixture_is_written(void)
{
	return fixture_write.is_done;
}

__attribute__((unused)) static void write_now(bool (*run)(struct ledger_job *job,
							  struct catalog *catalog, struct err *err),
					      const void *what)
{
	fixture_write = (struct fixture_write){
		.job = { .run = run, .done = fixture_written, .reply = env.mailbox },
		.what = what,
	};
	ledger_write(env.ledger, &fixture_write.job);
	until(fixture_is_written);
	err = fixture_write.job.err;
	must(fixture_write.job.succeeded);
}

static bool fixture_append(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	int64_t seq;

	return events_append(catalog, fixture_write.what, &seq, why);
}

static bool fixture_is_projected(void)
{
	struct catalog_counts counts;

	must(catalog_begin(reader, &err) && catalog_counts(reader, &counts, &err));
	catalog_rollback(reader);
	return counts.events_waiting == 0;
}

/* Appends the event, and waits until it is projected. */
__attribute__((unused)) static void tell(const struct event *event)
{
	write_now(fixture_append, event);
	until(fixture_is_projected);
}

/* The `completed` callback of RECORDING, of so many seconds. */
__attribute__((unused)) static void tell_completed(int64_t duration_s)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.account_sid = STR(ACCOUNT);
	event.call_sid = STR(CALL);
	event.recording_sid = STR(RECORDING);
	event.status = STR("completed");
	event.duration_s = duration_s;
	event.started_at_ms = clock_wall_ms() - 60000;
	tell(&event);
}

/* RECORDING, as the ledger has it. */
__attribute__((unused)) static struct recording recorded(void)
{
	struct recording recording = { .generation = 0 };

	must(catalog_begin(reader, &err) &&
	     recordings_find(reader, STR(RECORDING), &recording, &err));
	catalog_rollback(reader);
	return recording;
}

/* ---- the server ---- */

__attribute__((unused)) static struct str audio_read(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/audio/%s", getenv("TEST_DATA"), name);
	char *bytes = NULL;
	size_t len;

	must(file_read(path, 1 << 20, &bytes, &len, &err));
	return (struct str){ bytes, len };
}

__attribute__((unused)) static void server_answers(const struct answer *answers, size_t count)
{
	server.answers = answers;
	server.answer_count = count;
}

/* ---- life cycle ---- */

static void fixture_start(void)
{
	static const char *const hosts[] = { "127.0.0.1", NULL };
	struct fetch_options fetch_options = { .allowed_hosts = hosts,
					       .stall_timeout_ms = FIXTURE_STALL_MS };
	const struct member_place place = { .name = "unit" };
	struct blob_store *local;

	folder_make();
	test_database_make(folder, fixture_path);
	must(loop_new(&env.loop, &err) && mailbox_open(env.loop, &env.mailbox, &err));
	server_start(&server, env.loop, NULL, 0);
	account = (struct account){ .account_sid = xstrdup(ACCOUNT),
				    .auth_token = xstrdup("0123"),
				    .api_url = xasprintf("http://127.0.0.1:%u", server.ports[0]) };
	accounts = (struct accounts){ .at = &account, .count = 1 };
	must(blob_local_open(folder, &local, &err));
	env.store = blob_flaky_new(local);
	env.accounts = &accounts;
	env.options = (struct flight_options){ .format = "mp3",
					       .concurrency = 4,
					       .player_slots = 2,
					       .give_up_after_ms = 3600000,
					       .retry_first_ms = 100,
					       .retry_most_ms = 1000,
					       .kept_files_max = 4,
					       .followed_max = 4 };
	must(fetch_new(env.loop, &fetch_options, &env.fetch, &err) &&
	     ledger_open(fixture_path, &env.ledger, &err) &&
	     (!on_postgres() || ledger_enlist(env.ledger, &place, &err)) &&
	     workers_start("sealer", 1, &env.sealers, &err) && ledger_start(env.ledger, &err) &&
	     catalog_open(fixture_path, CATALOG_READ, &reader, &err));
	rest_env = (struct rest_env){ .loop = env.loop,
				      .mailbox = env.mailbox,
				      .fetch = env.fetch,
				      .ledger = env.ledger,
				      .accounts = env.accounts };
}

/* Everything that the test started on top is freed by `release`, once nothing comes in any more. */
static void fixture_stop(void (*release)(void))
{
	workers_stop(env.sealers);
	ledger_stop(env.ledger);
	mailbox_free(env.mailbox);
	if (release)
		release();
	fetch_free(env.fetch);
	server_stop(&server);
	catalog_free(reader);
	ledger_free(env.ledger);
	loop_free(env.loop);
	blob_store_free(env.store);
	free(account.account_sid);
	free(account.auth_token);
	free(account.api_url);
	test_database_remove(folder, fixture_path);
	folder_remove();
}
