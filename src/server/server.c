/*
 * Threads: main (signals, this file), one serving loop a core, the fetching loop and its sealers
 * (dispatch/fetcher.c), the keeping loop and its worker (keeping/keeper.c), the verifying loop and its
 * worker (verify/verifier.c), the ledger's writer, readers and checkpointer (ledger/ledger.c).
 *
 * Taking apart: each step below may still post to those that are stopped after it, never to
 * those before.
 *
 *	serving loops finish and end -> fetching loop ends -> sealers, keeping, writer and readers run dry
 *	-> what they posted is delivered -> everything is freed
 */
#include "server/server.h"

#include "accesslog/access_log.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "audit/audit_duty.h"
#include "auth/auth.h"
#include "auth/throttle.h"
#include "backup/restore.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/network.h"
#include "blob/blob_s3.h"
#include "cluster/members.h"
#include "dispatch/fetcher.h"
#include "doctor/canary.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "fetch/fetch.h"
#include "foothold/foothold.h"
#include "http/http_server.h"
#include "keeping/keeper.h"
#include "ledger/ledger.h"
#include "ledger/reserve.h"
#include "migrate/migration.h"
#include "notify/notifier.h"
#include "play/probes.h"
#include "purge/clock_guard.h"
#include "purge/purge.h"
#include "purge/purge_duty.h"
#include "purge/upstream_deletion.h"
#include "rebuild/rebuild.h"
#include "rest/rest_env.h"
#include "retention/retention.h"
#include "server/descriptors.h"
#include "server/first_administrator.h"
#include "server/peer_place.h"
#include "server/place.h"
#include "server/self_examination.h"
#include "server/server_accounts.h"
#include "server/server_store.h"
#include "service/watchdog.h"
#include "twilio/accounts.h"
#include "vault/vault.h"
#include "verify/verifier.h"
#include "web/disk_trend.h"
#include "web/web_app.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One serving loop. */
struct serving {
	struct server *server;
	struct loop *loop;
	struct mailbox *mailbox;
	struct web_local *local;
	struct http_server *http;
	struct http_server *peer_http; /* for other processes; NULL: none */
	unsigned open_count;           /* of the two, what has not stopped yet */
	pthread_t thread;
	bool is_running;
	struct mail stop;
};

struct server {
	struct server_options options;
	struct settings settings; /* those of the options, fitted to what the system allows */
	struct foothold *foothold, *own_foothold; /* own: opened here */
	struct peer_place peer_place;
	struct accounts accounts;
	struct retention *retention;
	struct server_hosts hosts;
	struct blob_store *store;
	struct ledger *ledger;
	struct reserve *reserve;
	struct fetcher *fetcher;
	struct keeper *keeper;
	struct verifier *verifier;
	struct vault *vault;
	struct notifier *notifier; /* NULL: nobody is to be told */
	struct clock_guard *clock_guard;
	struct vouched_clock vouched_clock;
	struct date_listener dates;
	struct purge_env purge;
	struct purge_duty *purge_duty;               /* NULL: a command */
	struct upstream_deletion *upstream_deletion; /* the same */
	struct auth *auth;
	struct probes *probes;
	struct self_examination *self_examination; /* NULL: a command, or one connection alone */
	struct audit_duty *audit_duty;
	struct access_log *access_log; /* NULL: none is wanted */
	struct disk_trend *disk_trend;
	struct web web;
	bool is_started; /* and not stopped yet */
	bool has_successor;
	unsigned serving_count;
	struct serving *serving;
};

char *server_path(const struct settings *settings, const char *name)
{
	return xasprintf("%s/%s", settings->data_dir, name);
}

char *server_ledger(const struct settings *settings)
{
	return settings->database ? xstrdup(settings->database)
				  : server_path(settings, SERVER_LEDGER);
}

bool server_has_ledger(const struct settings *settings, struct err *err)
{
	AUTO(free) char *ledger = server_path(settings, SERVER_LEDGER);

	return settings->database || access(ledger, F_OK) == 0 ||
	       err_set(err, ERR_NOT_FOUND,
		       "there is no ledger in '%s': start callspool serve once, or set data_dir",
		       settings->data_dir);
}

const char *server_url(const struct server *server)
{
	return server->foothold->url;
}

/* ---- opening ---- */

static bool open_foothold(struct server *server, struct err *err)
{
	enum foothold_kind kind = server->options.is_stdio     ? FOOTHOLD_STDIO
				  : server->options.is_command ? FOOTHOLD_COMMAND
							       : FOOTHOLD_SERVER;

	server->foothold = server->options.foothold;
	if (server->foothold)
		return true;
	if (!foothold_open(&server->settings, kind, NULL, &server->own_foothold, err))
		return false;
	server->foothold = server->own_foothold;
	return true;
}

static void stdio_ended(struct http_server *http);

static bool open_peers(struct server *server, struct serving *serving, struct err *err)
{
	if (!http_server_open(serving->loop, &server->web.peer_app, &serving->local->local,
			      &server->settings.http, &serving->peer_http, err))
		return false;
	http_server_listen(serving->peer_http, server->foothold->cluster.fd, HTTP_LISTEN_TCP);
	return true;
}

static bool open_serving(struct server *server, struct serving *serving, struct err *err)
{
	serving->server = server;
	if (!loop_new(&serving->loop, err) || !mailbox_open(serving->loop, &serving->mailbox, err))
		return false;
	serving->local = web_local_new(&server->web, serving->loop, serving->mailbox);
	if (!http_server_open(serving->loop, &server->web.app, &serving->local->local,
			      &server->settings.http, &serving->http, err))
		return false;
	serving->local->http = serving->http;
	for (size_t i = 0; i < server->foothold->count; i++)
		http_server_listen(serving->http, server->foothold->at[i].fd,
				   server->foothold->at[i].is_unix ? HTTP_LISTEN_UNIX
								   : HTTP_LISTEN_TCP);
	return !server->web.peer_token || open_peers(server, serving, err);
}

static unsigned count_loops(const struct server *server)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (server->options.is_stdio || server->options.is_command)
		return 1;
	if (server->settings.threads > 0)
		return server->settings.threads;
	return cores > 0 ? (unsigned)cores : 1;
}

/* What only those who read it can tell. */
static bool check_settings(const struct settings *settings, struct err *err)
{
	for (const char *const *network = settings->web.trusted_proxies; *network; network++)
		if (strcmp(*network, FORWARDED_UNIX) != 0 && !network_is_valid(str_of(*network)))
			return err_set(err, ERR_INVALID,
				       "trusted_proxies: '%s' is neither an address nor a network",
				       *network);
	if (!notify_options_check(&settings->notify, err) || !blob_check(&settings->s3, err))
		return false;
	if (settings->flights.ca_file && access(settings->flights.ca_file, R_OK) < 0)
		return err_set(err, ERR_INVALID, "fetch.ca_file: cannot read '%s': %s",
			       settings->flights.ca_file, strerror(errno));
	return true;
}

/* An empty ledger is not begun, nor a damaged one opened, where another is on its way. */
static bool check_restored(const struct settings *settings, struct err *err)
{
	static const struct {
		const char *name, *command;
	} begun[] = {
		{ RESTORE_UNFINISHED, "restore" },
		{ REBUILD_UNFINISHED, "rebuild" },
		{ REBUILD_WHOLE, "rebuild" },
	};

	for (size_t i = 0; i < ARRAY_LEN(begun); i++) {
		AUTO(free) char *unfinished = server_path(settings, begun[i].name);

		if (access(unfinished, F_OK) == 0)
			return err_set(
				err, ERR_CONFLICT,
				"a %s in '%s' has not come to its end: run callspool %s again",
				begun[i].command, settings->data_dir, begun[i].command);
	}
	return true;
}

/* What lies in the folder belongs to the ledger that lies there, or was moved from there; in another one it is nobody's. */
static bool check_database(const struct settings *settings, struct err *err)
{
	AUTO(free) char *ledger = server_path(settings, SERVER_LEDGER);
	bool was_moved = false;

	if (!migration_settle(settings->data_dir, ledger, settings->database, settings->s3.store,
			      &was_moved, err))
		return false;
	return !settings->database || was_moved || access(ledger, F_OK) < 0 ||
	       err_set(err, ERR_CONFLICT,
		       "'%s' has a ledger of its own, and `database` names another one: give that one a "
		       "data_dir of its own",
		       settings->data_dir);
}

/* What the events need on a full disk is theirs: the reserve, and as much again till it is taken anew. */
static bool open_access_log(struct server *server, struct err *err)
{
	return server->options.is_command ||
	       access_log_open(server->settings.access_log, 2 * reserve_size_bytes(server->reserve),
			       &server->access_log, err);
}

/* In a command's process only what it asks for is compared. */
static bool open_verifier(struct server *server, struct err *err)
{
	struct verify_options options = server->settings.verify;

	if (server->options.is_command)
		options.every_ms = INT64_MAX;
	return verifier_open(&options, server->ledger, server->store, &server->vouched_clock,
			     &server->verifier, err);
}

static bool open_vault(const struct settings *settings, struct vault **out, struct err *err)
{
	AUTO(free) char *own = server_path(settings, VAULT_FOLDER);
	const struct vault_options options = { .key_path = settings->private_key_file,
					       .own_folder = own };

	return vault_open(&options, out, err);
}

static bool open_notifier(struct server *server, struct err *err)
{
	const struct settings *settings = &server->settings;
	struct notifier_parts parts = {
		.options = &settings->notify,
		.public_url = settings->web.public_url,
		.ca_file = settings->flights.ca_file,
		.ledger = server->ledger,
		.retention = server->retention,
		.clock = &server->vouched_clock,
		.is_command = server->options.is_command,
	};

	return notifier_open(&parts, &server->notifier, err);
}

/* ---- what is removed by age ---- */

static bool vouched_now(struct vouched_clock *clock, int64_t *out_ms, struct err *err)
{
	struct server *server = container_of(clock, struct server, vouched_clock);

	return clock_guard_now(server->clock_guard, out_ms, err);
}

static void date_heard(struct date_listener *listener, int64_t date_ms)
{
	struct server *server = container_of(listener, struct server, dates);

	if (clock_guard_heard(server->clock_guard, date_ms) && server->purge_duty)
		purge_duty_wake(server->purge_duty);
}

static void open_purge(struct server *server)
{
	server->dates.heard = date_heard;
	fetch_listen_dates(fetcher_rest_env(server->fetcher)->fetch, &server->dates);
	server->purge = (struct purge_env){ .ledger = server->ledger,
					    .retention = server->retention,
					    .trail = &server->auth->audit,
					    .guard = server->clock_guard };
	if (server->options.is_command)
		return;
	server->purge_duty = purge_duty_new(&server->purge, keeper_loop(server->keeper),
					    keeper_mailbox(server->keeper));
	server->upstream_deletion = upstream_deletion_new(
		&server->purge, fetcher_rest_env(server->fetcher), server->store,
		fetcher_sealers(server->fetcher), &server->settings.upstream_deletion);
}

static bool enlist(struct server *server, struct err *err)
{
	const struct peer_place *peer_place = &server->peer_place;
	bool is_asked = peer_place->address[0] != '\0';
	char name[PLACE_SIZE] = "";
	const struct member_place place = { .name = name,
					    .address = is_asked ? peer_place->address : NULL,
					    .token = is_asked ? peer_place->token : NULL };

	if (server->options.is_command || !server->settings.database)
		return true;
	ledger_hear_at(server->ledger, server->settings.database_listen);
	return place_read(server->settings.data_dir, name, err) &&
	       ledger_enlist(server->ledger, &place, err);
}

bool server_store_open(const struct settings *settings, struct blob_store **out, struct err *err)
{
	return server_store_prepare(settings, 0, out, err);
}

static bool open_rooms(struct server *server, struct err *err)
{
	struct settings *settings = &server->settings;
	AUTO(free) char *ledger_path = server_ledger(settings);
	AUTO(free) char *reserve_path = server_path(settings, SERVER_RESERVE);

	if (!server_accounts_load(settings, &server->accounts, err) ||
	    !open_vault(settings, &server->vault, err))
		return false;
	server_hosts_collect(settings, &server->accounts, &server->hosts);
	settings->flights.media_hosts = server->hosts.named;
	settings->flights.allowed_hosts = server->hosts.at;
	server->clock_guard = clock_guard_new();
	server->vouched_clock.now = vouched_now;
	server->retention = retention_new(&settings->rules);
	settings->flights.retention = server->retention;
	peer_place_make(settings, server->foothold->cluster.fd, &server->peer_place);
	if (!server_store_prepare(settings, settings->cache_max_bytes, &server->store, err) ||
	    !reserve_open(reserve_path, &server->reserve, err) || !open_access_log(server, err) ||
	    !ledger_open_reserved(ledger_path, settings->database ? NULL : server->reserve,
				  &server->ledger, err) ||
	    !enlist(server, err) ||
	    !server_store_tell(settings->data_dir, server->store, server->ledger,
			       !server->options.is_command, err) ||
	    !clock_guard_load(server->clock_guard, ledger_catalog(server->ledger), err))
		return false;
	if (!server->options.is_command)
		server_store_warn(settings);
	if (!fetcher_open(&settings->flights, server->ledger, server->store, &server->accounts,
			  &server->fetcher, err) ||
	    !keeper_open(server->ledger, server->store, &server->keeper, err) ||
	    !open_verifier(server, err) || !open_notifier(server, err) ||
	    !auth_open(&settings->auth, settings->data_dir, settings->web.public_url,
		       server->ledger, &server->auth, err))
		return false;
	open_purge(server);
	if (settings->auth.mode == AUTH_PASSWORD &&
	    !first_administrator_invite(server->auth,
					settings->web.public_url ? settings->web.public_url
								 : server->foothold->url,
					settings->data_dir, err))
		return false;

	fetcher_use_vault(server->fetcher, server->vault);
	keeper_watch_keys(server->keeper, server->vault);
	server->probes = probes_new();
	server->disk_trend = disk_trend_new();
	if (!server->options.is_command && !server->options.is_stdio &&
	    !self_examination_open(settings, &server->self_examination, err))
		return false;
	server->web = (struct web){
		.options = settings->web,
		.retention = server->retention,
		.purge = &server->purge,
		.ledger = server->ledger,
		.fetcher = server->fetcher,
		.verifier = server->verifier,
		.arriving = fetcher_arriving(server->fetcher),
		.store = server->store,
		.vault = server->vault,
		.keeper = server->options.is_command ? NULL : server->keeper,
		.reserve = server->reserve,
		.accounts = &server->accounts,
		.auth = server->auth,
		.probes = server->probes,
		.notifier = server->notifier,
		.canary = self_examination_canary(server->self_examination),
		.own_url = server->foothold->url,
		.access_log = server->access_log,
		.keeping_times = keeper_loop_times(server->keeper),
		.successor = server->options.successor,
		.migration = server->options.migration,
		.disk_trend = server->disk_trend,
		.peer_token = server->peer_place.address[0] ? server->peer_place.token : NULL,
	};
	web_init(&server->web);
	return true;
}

bool server_check(const struct settings *settings, struct err *err)
{
	__attribute__((cleanup(accounts_release_at))) struct accounts accounts = { 0 };
	AUTO(vault_free) struct vault *vault = NULL;
	AUTO(free) char *ledger_path = server_ledger(settings);

	return check_settings(settings, err) && server_accounts_load(settings, &accounts, err) &&
	       open_vault(settings, &vault, err) && catalog_check(ledger_path, err);
}

bool server_open(const struct server_options *options, struct server **out, struct err *err)
{
	AUTO(server_free) struct server *server = xcalloc(1, sizeof(*server));

	server->options = *options;
	server->settings = *options->settings;
	if (options->is_command) { /* nobody signs in meanwhile */
		server->settings.auth.command_for = server->settings.auth.mode;
		server->settings.auth.mode = AUTH_UNSET;
	}
	if (!check_settings(options->settings, err))
		return false;
	server->serving_count = count_loops(server);
	descriptors_share(&server->settings, server->serving_count);
	server->serving = xcalloc(server->serving_count, sizeof(*server->serving));
	if (!open_foothold(server, err) || !check_restored(options->settings, err) ||
	    !check_database(options->settings, err) || !open_rooms(server, err))
		return false;

	for (unsigned i = 0; i < server->serving_count; i++)
		if (!open_serving(server, &server->serving[i], err))
			return false;
	if (server->foothold->admin_fd >= 0)
		http_server_listen(server->serving[0].http, server->foothold->admin_fd,
				   HTTP_LISTEN_ADMIN);
	if (!options->is_command)
		server->audit_duty = audit_duty_new(&server->auth->audit, &server->vouched_clock,
						    server->serving[0].loop,
						    server->serving[0].mailbox, AUDIT_DUTY_EACH_MS);
	*out = TAKE(server);
	return true;
}

/* ---- running ---- */

static void lend(struct server *server)
{
	const struct settings *settings = &server->settings;
	AUTO(free) char *ledger_file = NULL;
	struct migration_server lent = {
		.ledger = server->ledger,
		.s3 = settings->s3,
		.puts = settings->flights.concurrency / 4,
		.data_dir = settings->data_dir,
		.min_free_bytes = settings->flights.min_free_bytes,
	};

	if (!server->options.migration)
		return;
	lent.s3.ca_file = settings->flights.ca_file;
	lent.s3.proxy = settings->flights.proxy;
	if (!settings->database)
		lent.ledger_file = ledger_file = server_path(settings, SERVER_LEDGER);
	migration_attach(server->options.migration, &lent);
}

static void note_arrival(const struct server *server)
{
	AUTO(free) char *ledger_file = server_path(&server->settings, SERVER_LEDGER);

	if (server->options.migration)
		migration_arrived(server->options.migration, ledger_file);
}

static void *run_serving(void *argument)
{
	struct serving *serving = argument;

	loop_run(serving->loop);
	return NULL;
}

bool server_start(struct server *server, struct err *err)
{
	if (!ledger_start(server->ledger, err))
		return false;
	if (!server->options.is_command && (!fetcher_start(server->fetcher, FETCHER_FETCHES, err) ||
					    !keeper_start(server->keeper, KEEPER_KEEPS, err) ||
					    !notifier_start(server->notifier, err)))
		return false;
	if ((!server->options.is_command || server->options.does_verify) &&
	    !verifier_start(server->verifier, err))
		return false;
	if (server->options.does_list && !fetcher_start(server->fetcher, FETCHER_LISTS, err))
		return false;
	if (server->options.does_remove && !keeper_start(server->keeper, KEEPER_REMOVES, err))
		return false;
	server->is_started = true;
	lend(server);
	if (server->options.is_stdio)
		http_server_adopt(server->serving[0].http, STDIN_FILENO, STDOUT_FILENO,
				  stdio_ended);
	for (unsigned i = 0; i < server->serving_count; i++) {
		struct serving *serving = &server->serving[i];
		int failed = pthread_create(&serving->thread, NULL, run_serving, serving);

		if (failed)
			return err_set(err, ERR_INTERNAL,
				       "cannot start a serving thread (error %d)", failed);
		pthread_setname_np(serving->thread, "serving");
		serving->is_running = true;
	}
	if (server->self_examination &&
	    !canary_start(self_examination_canary(server->self_examination), err))
		return false;
	note_arrival(server);
	return true;
}

/* ---- the watchdog ---- */

/*
 * A disk may stall for half a minute, and what is in memory plays on meanwhile; a restart would have to read the ledger
 * from that same disk.
 */
#define WRITER_PATIENCE (10 * WATCHDOG_LOOKS)

/* The writer answers by a job that changes nothing: a transaction without a row, and without an fsync. */
struct writer_pulse {
	struct watchdog_pulse pulse;
	struct ledger *ledger;
	struct ledger_job job;
};

static bool turn_writer(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return true;
}

static void writer_turned(struct ledger_job *job)
{
	watchdog_answer(&container_of(job, struct writer_pulse, job)->pulse);
}

static void ask_writer(struct watchdog_pulse *pulse)
{
	struct writer_pulse *writer = container_of(pulse, struct writer_pulse, pulse);

	ledger_write(writer->ledger, &writer->job);
}

static void watch_writer(struct server *server, struct watchdog *watchdog)
{
	struct writer_pulse *writer = xcalloc(1, sizeof(*writer));

	writer->pulse.ask = ask_writer;
	writer->pulse.name = "the writer";
	writer->pulse.patience = WRITER_PATIENCE;
	writer->ledger = server->ledger;
	writer->job.run = turn_writer;
	writer->job.done = writer_turned;
	writer->job.reply = server->serving[0].mailbox;
	watchdog_watch(watchdog, &writer->pulse);
}

void server_watch(struct server *server, struct watchdog *watchdog)
{
	for (unsigned i = 0; i < server->serving_count; i++)
		watchdog_watch_loop(watchdog, "a serving loop", server->serving[i].mailbox);
	watchdog_watch_loop(watchdog, "the fetching loop", fetcher_mailbox(server->fetcher));
	watchdog_watch_loop(watchdog, "the keeping loop", keeper_mailbox(server->keeper));
	watchdog_watch_loop(watchdog, "the verifying loop", verifier_mailbox(server->verifier));
	if (server->notifier)
		watchdog_watch_loop(watchdog, "the notifying loop",
				    notifier_mailbox(server->notifier));
	if (blob_store_mailbox(server->store))
		watchdog_watch_loop(watchdog, "the bucket's loop",
				    blob_store_mailbox(server->store));
	watch_writer(server, watchdog);
}

static void stdio_ended(struct http_server *http)
{
	const struct web_local *local = container_of(http->local, struct web_local, local);
	const struct server *server = container_of(local->web, struct server, web);

	server->options.ended(server->options.owner);
}

void server_reopen_logs(struct server *server)
{
	access_log_reopen(server->access_log);
}

void server_reread_keys(struct server *server)
{
	bool has_changed = false;
	struct err err;

	if (!vault_reread(server->vault, &has_changed, &err))
		log_warn(NULL, "the private keys are as they were: %s", err.text);
	if (!has_changed)
		return;
	log_info(NULL, "the private keys have changed");
	keeper_keys_changed(server->keeper);
}

/* ---- changing ---- */

/* Options on their way to a serving loop. */
struct serving_change {
	struct mail mail;
	struct http_server *http;
	struct http_options options;
};

static void change_serving(struct mail *mail)
{
	AUTO(free) struct serving_change *change = container_of(mail, struct serving_change, mail);
	struct http_options *options = &change->http->options;

	change->options.connection_fd_max = options->connection_fd_max;
	change->options.file_fd_max = options->file_fd_max;
	*options = change->options;
}

static void change_http(const struct serving *serving, struct http_server *http,
			const struct http_options *options)
{
	struct serving_change *change;

	if (!http)
		return;
	change = xcalloc(1, sizeof(*change));
	change->mail.deliver = change_serving;
	change->http = http;
	change->options = *options;
	mailbox_post(serving->mailbox, &change->mail);
}

void server_change(struct server *server, const struct settings *settings)
{
	for (unsigned i = 0; i < server->serving_count; i++) {
		const struct serving *serving = &server->serving[i];

		change_http(serving, serving->http, &settings->http);
		change_http(serving, serving->peer_http, &settings->http);
	}
	retention_change(server->retention, &settings->rules);
	if (server->purge_duty)
		purge_duty_wake(server->purge_duty);
	if (server->upstream_deletion)
		upstream_deletion_change(server->upstream_deletion, &settings->upstream_deletion);
	web_change(&server->web, &settings->web);
	throttle_set_plays(server->auth->throttle, settings->auth.play_limit);
	fetcher_change(server->fetcher, &settings->flights);
	verifier_change(server->verifier, &settings->verify);
	canary_change(self_examination_canary(server->self_examination), settings->canary_every_ms);
}

/* ---- taking apart ---- */

static void serving_stopped(struct http_server *http)
{
	const struct web_local *local = container_of(http->local, struct web_local, local);
	struct server *server = container_of(local->web, struct server, web);

	for (unsigned i = 0; i < server->serving_count; i++)
		if (server->serving[i].local == local && --server->serving[i].open_count == 0)
			loop_stop(http->loop);
}

/* Where the sockets outlive us, whoever connects waits for the next process: that must not be long. */
static void stop_http(struct serving *serving, struct http_server *http)
{
	const struct server *server = serving->server;

	if (!http)
		return;
	serving->open_count++;
	if (server->has_successor || server->foothold->is_passed)
		http->options.stop_timeout_ms = http->options.drain_timeout_ms;
	http_server_stop(http, serving_stopped);
}

static void stop_serving(struct mail *mail)
{
	struct serving *serving = container_of(mail, struct serving, stop);
	const struct server *server = serving->server;

	web_local_stop(serving->local, server->has_successor || server->foothold->is_passed);
	stop_http(serving, serving->http);
	stop_http(serving, serving->peer_http);
}

void server_expect_successor(struct server *server)
{
	server->has_successor = true;
}

void server_stop(struct server *server)
{
	bool was_started = server->is_started;

	/* While replies are finished it comes to the end of what it is at. */
	if (server->options.migration)
		migration_expect_stop(server->options.migration);
	/* It asks the loops, and answers those who wait on them. */
	canary_stop(self_examination_canary(server->self_examination));

	for (unsigned i = 0; i < server->serving_count; i++) {
		struct serving *serving = &server->serving[i];

		serving->stop.deliver = stop_serving;
		if (serving->is_running)
			mailbox_post(serving->mailbox, &serving->stop);
	}
	for (unsigned i = 0; i < server->serving_count; i++) {
		if (server->serving[i].is_running)
			pthread_join(server->serving[i].thread, NULL);
		server->serving[i].is_running = false;
	}
	for (unsigned i = 0; i < server->serving_count; i++)
		if (server->serving[i].local && server->is_started)
			web_local_end(server->serving[i].local);
	access_log_stop(server->access_log);
	server->is_started = false;
	if (server->options.migration)
		migration_detach(server->options.migration);
	upstream_deletion_stop(server->upstream_deletion);
	if (server->fetcher) {
		fetcher_stop(server->fetcher);
		blob_store_stop(server->store); /* what it puts is answered */
		fetcher_drain(server->fetcher); /* what was sealed last is committed still */
	}
	purge_duty_stop(server->purge_duty);
	if (server->keeper) {
		keeper_stop(server->keeper);
		keeper_drain(server->keeper);
	}
	if (server->verifier) {
		verifier_stop(server->verifier);
		verifier_drain(server->verifier);
	}
	notifier_stop(server->notifier);
	notifier_drain(server->notifier);
	if (server->ledger)
		ledger_stop(server->ledger);
	if (was_started)
		audit_duty_end(&server->auth->audit);
	if (server->fetcher)
		fetcher_drain(server->fetcher);
	if (server->keeper)
		keeper_drain(server->keeper);
	if (server->verifier)
		verifier_drain(server->verifier);
	notifier_drain(server->notifier);
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server_stop(server);
	for (unsigned i = 0; i < server->serving_count; i++) {
		http_server_free(server->serving[i].http);
		http_server_free(server->serving[i].peer_http);
		mailbox_free(server->serving[i].mailbox);
		web_local_free(server->serving[i].local);
	}
	upstream_deletion_free(server->upstream_deletion);
	fetcher_free(server->fetcher);
	purge_duty_free(server->purge_duty);
	keeper_free(server->keeper);
	verifier_free(server->verifier);
	vault_free(server->vault);
	notifier_free(server->notifier);
	audit_duty_free(server->audit_duty);
	auth_free(server->auth);
	for (unsigned i = 0; i < server->serving_count; i++)
		loop_free(server->serving[i].loop);
	free(server->serving);
	access_log_free(server->access_log);
	self_examination_free(server->self_examination);
	disk_trend_free(server->disk_trend);
	probes_free(server->probes);
	ledger_free(server->ledger);
	reserve_free(server->reserve);
	blob_store_free(server->store);
	clock_guard_free(server->clock_guard);
	retention_free(server->retention);
	accounts_release(&server->accounts);
	server_hosts_release(&server->hosts);
	foothold_free(server->own_foothold);
	free(server);
}
