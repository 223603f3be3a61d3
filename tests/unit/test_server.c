/*
 * A whole server, opened, started and stopped in this process: what it is refused for, what runs in it and what does not in a
 * command, and what a change of settings reaches.  Whatever it is made of can be had fail.
 */
#include "server/server.h"

#include "accesslog/access_log.h"
#include "api/web.h"
#include "auth/auth.h"
#include "auth/throttle.h"
#include "backup/restore.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/fetcher.h"
#include "doctor/canary.h"
#include "http/http_server.h"
#include "keeping/cache_upkeep.h"
#include "keeping/keeper.h"
#include "keeping/sweep.h"
#include "ledger/ledger.h"
#include "ledger/reserve.h"
#include "must.h"
#include "notify/notifier.h"
#include "purge/clock_guard.h"
#include "rebuild/rebuild.h"
#include "retention/retention.h"
#include "server/first_administrator.h"
#include "server/self_examination.h"
#include "server/server_store.h"
#include "service/watchdog.h"
#include "tap.h"
#include "vault/vault.h"
#include "verify/verifier.h"
#include "web/web_app.h"

#include <curl/curl.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";

/* ---- what it is made of ---- */

static const char *failing; /* the part that fails; NULL: none */
static char called[2048];   /* parts that were opened or started, " name" each */

static bool fails(const char *part, struct err *why)
{
	size_t used = strlen(called);

	snprintf(called + used, sizeof(called) - used, " %s", part);
	return failing && strcmp(failing, part) == 0 && !err_set(why, ERR_INTERNAL, "%s", part);
}

static bool was_called(const char *part)
{
	AUTO(free) char *word = xasprintf(" %s ", part);
	AUTO(free) char *all = xasprintf("%s ", called);

	return strstr(all, word) != NULL;
}

#define PART(name, parameters, arguments)                             \
	bool __real_##name parameters;                                \
	bool __wrap_##name parameters;                                \
	bool __wrap_##name parameters                                 \
	{                                                             \
		return !fails(#name, why) && __real_##name arguments; \
	}

PART(reserve_open, (const char *path, struct reserve **out, struct err *why), (path, out, why))
PART(ledger_open_reserved,
     (const char *path, struct reserve *reserve, struct ledger **out, struct err *why),
     (path, reserve, out, why))
PART(ledger_start, (struct ledger * ledger, struct err *why), (ledger, why))
PART(clock_guard_load, (struct clock_guard * guard, struct catalog *catalog, struct err *why),
     (guard, catalog, why))
PART(fetcher_open,
     (const struct flight_options *options, struct ledger *ledger, struct blob_store *store,
      const struct accounts *accounts, struct fetcher **out, struct err *why),
     (options, ledger, store, accounts, out, why))
PART(keeper_open,
     (struct ledger * ledger, struct blob_store *store, struct keeper **out, struct err *why),
     (ledger, store, out, why))
PART(verifier_start, (struct verifier * verifier, struct err *why), (verifier, why))
PART(notifier_open, (const struct notifier_parts *parts, struct notifier **out, struct err *why),
     (parts, out, why))
PART(notifier_start, (struct notifier * notifier, struct err *why), (notifier, why))
PART(auth_open,
     (const struct auth_options *options, const char *data_dir, const char *public_url,
      struct ledger *ledger, struct auth **out, struct err *why),
     (options, data_dir, public_url, ledger, out, why))
PART(self_examination_open,
     (const struct settings *settings, struct self_examination **out, struct err *why),
     (settings, out, why))
PART(canary_start, (struct canary * canary, struct err *why), (canary, why))
PART(server_store_prepare,
     (const struct settings *settings, uint64_t most, struct blob_store **out, struct err *why),
     (settings, most, out, why))
PART(vault_open, (const struct vault_options *options, struct vault **out, struct err *why),
     (options, out, why))
PART(first_administrator_invite,
     (struct auth * auth, const char *url, const char *data_dir, struct err *why),
     (auth, url, data_dir, why))

static uint64_t keeps_free;

bool __real_access_log_open(const char *where, uint64_t keep_free_bytes, struct access_log **out,
			    struct err *why);
bool __wrap_access_log_open(const char *where, uint64_t keep_free_bytes, struct access_log **out,
			    struct err *why);
bool __wrap_access_log_open(const char *where, uint64_t keep_free_bytes, struct access_log **out,
			    struct err *why)
{
	keeps_free = keep_free_bytes;
	return !fails("access_log_open", why) &&
	       __real_access_log_open(where, keep_free_bytes, out, why);
}

static enum fetcher_work fetches;
static enum keeper_work keeps;
static int64_t verifies_every_ms;
static bool claims;
static const struct web *web;
static struct http_server *https[8];
static size_t http_count;

bool __real_fetcher_start(struct fetcher *fetcher, enum fetcher_work work, struct err *why);
bool __wrap_fetcher_start(struct fetcher *fetcher, enum fetcher_work work, struct err *why);
bool __wrap_fetcher_start(struct fetcher *fetcher, enum fetcher_work work, struct err *why)
{
	fetches = work;
	return !fails("fetcher_start", why) && __real_fetcher_start(fetcher, work, why);
}

bool __real_keeper_start(struct keeper *keeper, enum keeper_work work, struct err *why);
bool __wrap_keeper_start(struct keeper *keeper, enum keeper_work work, struct err *why);
bool __wrap_keeper_start(struct keeper *keeper, enum keeper_work work, struct err *why)
{
	keeps = work;
	return !fails("keeper_start", why) && __real_keeper_start(keeper, work, why);
}

bool __real_verifier_open(const struct verify_options *options, struct ledger *ledger,
			  struct blob_store *store, struct vouched_clock *clock,
			  struct verifier **out, struct err *why);
bool __wrap_verifier_open(const struct verify_options *options, struct ledger *ledger,
			  struct blob_store *store, struct vouched_clock *clock,
			  struct verifier **out, struct err *why);
bool __wrap_verifier_open(const struct verify_options *options, struct ledger *ledger,
			  struct blob_store *store, struct vouched_clock *clock,
			  struct verifier **out, struct err *why)
{
	verifies_every_ms = options->every_ms;
	return !fails("verifier_open", why) &&
	       __real_verifier_open(options, ledger, store, clock, out, why);
}

bool __real_server_store_tell(const char *data_dir, struct blob_store *store, struct ledger *ledger,
			      bool is_to_claim, struct err *why);
bool __wrap_server_store_tell(const char *data_dir, struct blob_store *store, struct ledger *ledger,
			      bool is_to_claim, struct err *why);
bool __wrap_server_store_tell(const char *data_dir, struct blob_store *store, struct ledger *ledger,
			      bool is_to_claim, struct err *why)
{
	claims = is_to_claim;
	return !fails("server_store_tell", why) &&
	       __real_server_store_tell(data_dir, store, ledger, is_to_claim, why);
}

bool __real_http_server_open(struct loop *loop, const struct http_app *app,
			     struct http_local *local, const struct http_options *options,
			     struct http_server **out, struct err *why);
bool __wrap_http_server_open(struct loop *loop, const struct http_app *app,
			     struct http_local *local, const struct http_options *options,
			     struct http_server **out, struct err *why);
bool __wrap_http_server_open(struct loop *loop, const struct http_app *app,
			     struct http_local *local, const struct http_options *options,
			     struct http_server **out, struct err *why)
{
	if (fails("http_server_open", why) ||
	    !__real_http_server_open(loop, app, local, options, out, why))
		return false;
	web = (const struct web *)((const char *)app - offsetof(struct web, app));
	https[http_count++] = *out;
	return true;
}

static unsigned swept; /* sweeps that were begun with */
static bool cache_is_kept;

void __real_sweep_wake(struct sweep *sweep);
void __wrap_sweep_wake(struct sweep *sweep);
void __wrap_sweep_wake(struct sweep *sweep)
{
	swept++;
	__real_sweep_wake(sweep);
}

void __real_sweep_begin_behind(struct sweep *sweep, int64_t after);
void __wrap_sweep_begin_behind(struct sweep *sweep, int64_t after);
void __wrap_sweep_begin_behind(struct sweep *sweep, int64_t after)
{
	swept++;
	__real_sweep_begin_behind(sweep, after);
}

void __real_cache_upkeep_start(struct cache_upkeep *upkeep);
void __wrap_cache_upkeep_start(struct cache_upkeep *upkeep);
void __wrap_cache_upkeep_start(struct cache_upkeep *upkeep)
{
	cache_is_kept = true;
	__real_cache_upkeep_start(upkeep);
}

/* ---- its settings ---- */

static struct settings_source *source;

/* Pairs of a key and its value, up to NULL, beside those that every server here has. */
static struct settings settings_of(const char *const *pairs)
{
	const char *const always[] = { "data_dir",
				       folder,
				       "listen",
				       "127.0.0.1:0",
				       "threads",
				       "2",
				       "twilio.account_sid",
				       "AC00000000000000000000000000000001",
				       "twilio.auth_token",
				       "0123",
				       "twilio.api_url",
				       "http://127.0.0.1:1",
				       "min_free",
				       "0",
				       NULL };
	struct settings settings;

	settings_source_free(source);
	source = settings_source_new();
	MUST(settings_put(source, "auth", "none", "test", &err));
	for (const char *const *at = always; *at; at += 2)
		MUST(settings_put(source, at[0], at[1], "test", &err));
	for (; pairs && *pairs; pairs += 2)
		MUST(settings_put(source, pairs[0], pairs[1], "test", &err));
	MUST(settings_resolve(source, &settings, &err));
	return settings;
}

static struct server *open_server(const struct server_options *options)
{
	struct server *server = NULL;

	called[0] = '\0';
	http_count = 0;
	swept = 0;
	cache_is_kept = false;
	web = NULL;
	return server_open(options, &server, &err) ? server : NULL;
}

static void clear_folder(void)
{
	AUTO(free) char *all = xasprintf("exec rm -rf %s/*", folder);

	if (system(all) != 0)
		abort();
}

static void touch(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "we");

	if (!file || fclose(file) != 0)
		abort();
}

static void drop(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);

	unlink(path);
}

/* ---- names ---- */

static void test_names(void)
{
	struct settings settings = { .data_dir = folder };
	AUTO(free) char *path = server_path(&settings, "a");
	AUTO(free) char *own = server_ledger(&settings);
	AUTO(free) char *other = NULL;

	OK(strncmp(path, folder, strlen(folder)) == 0 && strcmp(path + strlen(folder), "/a") == 0,
	   "a file of the data folder");
	OK(strcmp(own + strlen(folder), "/ledger.db") == 0, "its ledger is one");
	OK(!server_has_ledger(&settings, &err) && err.kind == ERR_NOT_FOUND,
	   "which is not there: %s", err.text);
	touch(SERVER_LEDGER);
	OK(server_has_ledger(&settings, &err), "or is");
	drop(SERVER_LEDGER);
	settings.database = "postgresql://x/y";
	other = server_ledger(&settings);
	OK(strcmp(other, settings.database) == 0 && server_has_ledger(&settings, &err),
	   "but where a database has it");
}

/* ---- what it is refused for ---- */

static void test_check(void)
{
	static const struct {
		const char *name, *pairs[5], *says; /* NULL: it would open */
	} rows[] = {
		{ "nothing is wrong", { NULL }, NULL },
		{ "proxies: networks, and the socket",
		  { "trusted_proxies", "10.0.0.0/8 ::1 unix" },
		  NULL },
		{ "a proxy that is no address",
		  { "trusted_proxies", "10.0.0.0/8 nginx" },
		  "trusted_proxies: 'nginx'" },
		{ "certificates that can be read", { "fetch.ca_file", "/dev/null" }, NULL },
		{ "certificates that are not there",
		  { "fetch.ca_file", "/nowhere/ca.pem" },
		  "fetch.ca_file" },
		{ "keys that are not there",
		  { "twilio.private_key_file", "/nowhere" },
		  "/nowhere" },
		{ "accounts that are not there",
		  { "twilio.accounts_file", "/nowhere" },
		  "twilio.accounts_file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings settings = settings_of(rows[i].pairs);
		bool is_good = server_check(&settings, &err);

		OK(is_good == !rows[i].says, "%s: %s", rows[i].name, is_good ? "" : err.text);
		if (rows[i].says)
			OK(!is_good && strstr(err.text, rows[i].says), "... it says what");
		if (i == 2 || i == 4) {
			const struct server_options options = { .settings = &settings };

			OK(!open_server(&options) && strstr(err.text, rows[i].says) &&
				   !was_called("reserve_open"),
			   "... nor does it open");
		}
	}
}

static void test_begun(void)
{
	static const struct {
		const char *name, *command;
	} rows[] = {
		{ RESTORE_UNFINISHED, "callspool restore" },
		{ REBUILD_UNFINISHED, "callspool rebuild" },
		{ REBUILD_WHOLE, "callspool rebuild" },
	};
	struct settings settings = settings_of(NULL);
	const struct server_options options = { .settings = &settings };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		touch(rows[i].name);
		OK(!open_server(&options) && err.kind == ERR_CONFLICT &&
			   strstr(err.text, rows[i].command) && !was_called("ledger_open_reserved"),
		   "another ledger is on its way: %s", err.text);
		drop(rows[i].name);
	}
	{
		struct settings other = settings_of(
			(const char *const[]){ "database", "postgresql:///none", NULL });
		const struct server_options of_other = { .settings = &other };

		touch(SERVER_LEDGER);
		OK(!open_server(&of_other) && err.kind == ERR_CONFLICT &&
			   strstr(err.text, "has a ledger of its own"),
		   "a database beside a ledger: %s", err.text);
		drop(SERVER_LEDGER);
	}
	clear_folder();
}

static void test_failing(void)
{
	static const char *const opened[] = {
		"vault_open",
		"server_store_prepare",
		"reserve_open",
		"access_log_open",
		"ledger_open_reserved",
		"server_store_tell",
		"clock_guard_load",
		"fetcher_open",
		"keeper_open",
		"verifier_open",
		"notifier_open",
		"auth_open",
		"http_server_open",
		"first_administrator_invite",
		"self_examination_open",
	};
	static const char *const started[] = { "ledger_start",   "fetcher_start",  "keeper_start",
					       "notifier_start", "verifier_start", "canary_start" };
	static const char *const password[] = { "auth", "password", NULL };
	struct settings settings;
	const struct server_options options = { .settings = &settings };

	for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
		failing = opened[i];
		/* Nobody is invited where nobody signs in. */
		settings = settings_of(strstr(failing, "invite") ? password : NULL);
		OK(!open_server(&options) && strstr(err.text, failing),
		   "%s fails: it does not open", failing);
		clear_folder();
	}
	failing = NULL;
	settings = settings_of(NULL);
	for (size_t i = 0; i < ARRAY_LEN(started); i++) {
		struct server *server = open_server(&options);

		failing = started[i];
		OK(server && !server_start(server, &err) && strstr(err.text, failing),
		   "%s fails: it does not start", failing);
		server_free(server);
		clear_folder();
	}
	failing = NULL;
}

/* A command starts what it asks for, and no more. */
static void test_commands(void)
{
	static const struct {
		const char *name;
		bool lists, verifies, removes;
	} rows[] = {
		{ "one that asks", false, false, false },
		{ "one that lists", true, false, false },
		{ "one that verifies", false, true, false },
		{ "one that removes", false, false, true },
	};
	static const struct {
		const char *part;
		size_t row; /* ARRAY_LEN(rows): none */
	} failures[] = { { "fetcher_start", 1 }, { "verifier_start", 2 }, { "keeper_start", 3 } };
	struct settings settings = settings_of((const char *const[]){ "auth", "password", NULL });

	/* Of a folder in which a server was once. */
	server_free(open_server(&(struct server_options){ .settings = &settings }));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct server_options options = { .settings = &settings,
							.is_command = true,
							.does_list = rows[i].lists,
							.does_verify = rows[i].verifies,
							.does_remove = rows[i].removes };
		struct server *server = open_server(&options);

		OK(server && http_count == 1 && !claims, "%s: one loop, and the store is not its%s",
		   rows[i].name, server ? "" : err.text);
		if (!server)
			return;
		OK(verifies_every_ms == INT64_MAX && !was_called("access_log_open") &&
			   !was_called("self_examination_open") &&
			   !was_called("first_administrator_invite") && !web->keeper &&
			   !web->canary && !web->access_log,
		   "%s: nothing of a server that serves", rows[i].name);
		called[0] = '\0';
		OK(server_start(server, &err), "%s: it starts", rows[i].name);
		OK(was_called("fetcher_start") == rows[i].lists &&
			   was_called("verifier_start") == rows[i].verifies &&
			   was_called("keeper_start") == rows[i].removes &&
			   !was_called("notifier_start") && !was_called("canary_start"),
		   "%s:%s", rows[i].name, called);
		OK(!rows[i].lists || fetches == FETCHER_LISTS, "%s: nothing is fetched",
		   rows[i].name);
		OK(!rows[i].removes || keeps == KEEPER_REMOVES, "%s: nothing else is kept",
		   rows[i].name);
		OK(swept == (rows[i].removes ? 1 : 0) && !cache_is_kept,
		   "%s: sweeps that begin: %u", rows[i].name, swept);
		server_stop(server);
		server_free(server);
	}
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		const struct server_options options = { .settings = &settings,
							.is_command = true,
							.does_list = i == 0,
							.does_verify = i == 1,
							.does_remove = i == 2 };
		struct server *server = open_server(&options);

		failing = failures[i].part;
		OK(server && !server_start(server, &err), "%s: %s fails",
		   rows[failures[i].row].name, failing);
		failing = NULL;
		server_free(server);
	}
	clear_folder();
}

/* ---- one that serves ---- */

static char watched[512];
static struct watchdog_pulse *writer;

void __wrap_watchdog_watch_loop(struct watchdog *watchdog, const char *name,
				struct mailbox *mailbox);
void __wrap_watchdog_watch(struct watchdog *watchdog, struct watchdog_pulse *pulse);

void __wrap_watchdog_watch_loop(struct watchdog *watchdog, const char *name,
				struct mailbox *mailbox)
{
	size_t used = strlen(watched);

	snprintf(watched + used, sizeof(watched) - used, "%s%s\n", mailbox ? "" : "NULL ", name);
}

void __wrap_watchdog_watch(struct watchdog *watchdog, struct watchdog_pulse *pulse)
{
	writer = pulse;
}

static unsigned changes;

#define CHANGE(name, parameters)          \
	void __wrap_##name parameters;    \
	void __wrap_##name parameters     \
	{                                 \
		(void)fails(#name, &err); \
		changes++;                \
	}

CHANGE(retention_change, (struct retention * retention, const struct retention_rules *rules))
CHANGE(web_change, (struct web * of, const struct web_options *options))
CHANGE(throttle_set_plays, (struct throttle * throttle, unsigned plays))
CHANGE(fetcher_change, (struct fetcher * fetcher, const struct flight_options *options))
CHANGE(verifier_change, (struct verifier * verifier, const struct verify_options *options))
CHANGE(canary_change, (struct canary * canary, int64_t every_ms))

static void test_loops(void)
{
	static const char *const rows[] = { "1", "3" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const pairs[] = { "threads", rows[i], NULL };
		struct settings settings = settings_of(pairs);
		const struct server_options options = { .settings = &settings };
		struct server *server = open_server(&options);

		OK(server && http_count == (size_t)(rows[i][0] - '0'), "%s loops serve", rows[i]);
		server_free(server);
	}
	{
		struct settings settings =
			settings_of((const char *const[]){ "threads", "0", NULL });
		const struct server_options options = { .settings = &settings };
		struct server *server = NULL;

		if (sysconf(_SC_NPROCESSORS_ONLN) <= (long)ARRAY_LEN(https)) {
			server = open_server(&options);
			OK(server && (long)http_count == sysconf(_SC_NPROCESSORS_ONLN),
			   "one for each processor, where nobody says");
			server_free(server);
		}
	}
	clear_folder();
}

static void test_serving(void)
{
	AUTO(free) char *secret = xasprintf("%s/secret", folder);
	struct settings settings, later;
	const struct server_options options = { .settings = &settings };
	struct server *server, *other;
	FILE *file = fopen(secret, "we");
	int fd_max[2];

	if (!file || fputs("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", file) < 0 ||
	    fclose(file) != 0 || chmod(secret, 0600) < 0)
		abort();
	settings = settings_of((const char *const[]){ "verify_every", "7d", "notify_url",
						      "http://127.0.0.1:1/", "notify_secret_file",
						      secret, NULL });
	server = open_server(&options);

	OK(server && http_count == 2 && claims, "it opens, and the store is its");
	OK(strncmp(server_url(server), "http://127.0.0.1:", 17) == 0, "where: %s",
	   server_url(server));
	OK(verifies_every_ms == settings.verify.every_ms && web->keeper && web->canary &&
		   !web->peer_token && !web->successor && !web->migration && web->ledger &&
		   strcmp(web->own_url, server_url(server)) == 0,
	   "its application has what it serves from");
	OK(reserve_size_bytes(web->reserve) > 0 &&
		   keeps_free == 2 * reserve_size_bytes(web->reserve),
	   "the access log leaves the disk what events need, twice");
	{
		struct http_server *first = https[0], *second = https[1];
		const struct web *of = web;

		other = open_server(&options);
		OK(!other && err.kind == ERR_CONFLICT, "the folder is its alone: %s", err.text);
		https[0] = first;
		https[1] = second;
		web = of;
	}
	called[0] = '\0';
	OK(server_start(server, &err) && fetches == FETCHER_FETCHES && keeps == KEEPER_KEEPS &&
		   was_called("notifier_start") && was_called("verifier_start") &&
		   was_called("canary_start"),
	   "it starts all:%s", called);
	OK(swept == 5 && cache_is_kept, "with each sweep: %u", swept);

	watched[0] = '\0';
	server_watch(server, NULL);
	IS_STR(str_of(watched),
	       STR("a serving loop\na serving loop\nthe fetching loop\nthe keeping loop\nthe "
		   "verifying loop\nthe notifying loop\n"),
	       "each of its loops is watched");
	OK(writer && strcmp(writer->name, "the writer") == 0 &&
		   writer->patience == 10 * WATCHDOG_LOOKS && !writer->has_answered,
	   "and the writer, with patience: a disk may stall");
	writer->ask(writer);
	while (!atomic_load(&writer->has_answered))
		sched_yield();
	OK(writer->has_answered, "which answers");

	for (int i = 0; i < 2; i++)
		fd_max[i] = https[i]->options.connection_fd_max;
	later = settings;
	later.http.keepalive_timeout_ms = 4321;
	later.http.connection_fd_max = later.http.file_fd_max = 1;
	called[0] = '\0';
	changes = 0;
	server_change(server, &later);
	IS_INT(changes, 6, "a change of settings reaches each part:%s", called);
	server_stop(server);
	for (int i = 0; i < 2; i++)
		OK(https[i]->options.keepalive_timeout_ms == 4321 &&
			   https[i]->options.connection_fd_max == fd_max[i] &&
			   https[i]->options.file_fd_max != 1 &&
			   https[i]->options.stop_timeout_ms == settings.http.stop_timeout_ms,
		   "and each loop, but for how descriptors are shared");
	free(writer);
	server_free(server);
	clear_folder();
}

static void test_successor(void)
{
	struct settings settings = settings_of(NULL);
	const struct server_options options = { .settings = &settings };
	struct server *server = open_server(&options);

	OK(server && settings.http.stop_timeout_ms != settings.http.drain_timeout_ms &&
		   server_start(server, &err),
	   "it serves");
	server_expect_successor(server);
	server_stop(server);
	OK(https[0]->options.stop_timeout_ms == settings.http.drain_timeout_ms &&
		   https[1]->options.stop_timeout_ms == settings.http.drain_timeout_ms,
	   "where another waits for its end it is sooner");
	server_free(server);
	clear_folder();
}

int main(void)
{
	if (!mkdtemp(folder) || sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	log_set_level(LOG_ERROR);
	test_names();
	test_check();
	test_begun();
	test_failing();
	test_commands();
	test_loops();
	test_serving();
	test_successor();
	settings_source_free(source);
	OK(rmdir(folder) == 0, "nothing is left behind");
	curl_global_cleanup();
	return tap_end();
}
