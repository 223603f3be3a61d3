/*
 * callspool serve: the server, and what stands between it and who runs it: signals, the service manager, and the
 * process that comes after it (service/successor.h) or came before (service/handover.h).
 *
 * The foothold, the lock and the sockets, outlives the server: where a successor fails after it was let have everything,
 * a new server is put together on it.
 */
#include "cmd/commands.h"

#include "cli/cmd_options.h"
#include "cli/cmd_wait.h"
#include "server/confine.h"
#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "migrate/migration.h"
#include "service/handover.h"
#include "service/notify.h"
#include "service/passed_sockets.h"
#include "service/successor.h"
#include "service/watchdog.h"

#include <stdlib.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
/* Of a move of the ledger: longer than this nobody waits for an answer. */
#define SWITCH_MS    8000
#define MOVE_SETS    4 /* database, store: of two moves, of media and of the ledger */
#define AGAIN_MS     1000
#define AGAIN_TIMES  10
#define AGAIN_LOG_MS 60000

struct service {
	struct cmd_options options;
	struct cmd_wait wait;
	char **argv;               /* of the whole process, as it was started; ours */
	char *binary;              /* where it was started from */
	struct notify *notify;     /* NULL before it is open */
	struct watchdog *watchdog; /* NULL: nobody watches */
	struct foothold *foothold;
	struct successor *successor; /* ours; NULL with --stdio */
	struct migration *migration; /* NULL with --stdio */
	char *sets[MOVE_SETS];       /* what moves add to the settings */
	size_t sets_taken;           /* those that the settings refer to */
	struct server *server;       /* NULL while a successor has everything */
	struct timer again;          /* what could not be put together is tried again */
	unsigned tries;              /* that are left */
	bool is_moved;               /* ... without end */
	int64_t again_told_ms;       /* when that was said in the log; 0: not yet */
	int predecessor_fd;          /* -1: we are nobody's successor */
	bool has_failed;             /* a server could not be put together anew */
	struct err err;
};

static void stdio_ended(void *owner)
{
	cmd_wait_end(owner);
}

/* ---- the server ---- */

static bool start_server(struct service *service, struct err *err)
{
	struct server_options options = {
		.settings = &service->options.settings,
		.foothold = service->foothold,
		.successor = service->successor,
		.migration = service->migration,
		.is_stdio = service->options.is_stdio,
		.ended = stdio_ended,
		.owner = &service->wait,
	};

	if (!server_open(&options, &service->server, err) || !server_start(service->server, err))
		return false;
	if (!options.is_stdio)
		server_watch(service->server, service->watchdog);
	return true;
}

/* The requests of serving loops are answered while their mailboxes are there. */
static void end_server(struct service *service, void (*in_between)(struct successor *successor))
{
	watchdog_rest(service->watchdog);
	if (service->server)
		server_stop(service->server);
	if (service->successor)
		in_between(service->successor);
	server_free(TAKE(service->server));
	watchdog_forget(service->watchdog);
}

/* ---- the process that comes after ---- */

static void describe(void *owner, struct handover_message *out)
{
	const struct service *service = owner;

	foothold_describe(service->foothold, out);
}

static void let_go(void *owner)
{
	struct service *service = owner;

	timer_stop(&service->again);
	if (service->server)
		server_expect_successor(service->server);
	end_server(service, successor_drain);
}

static void give_up(struct service *service)
{
	/* Whatever it is, it is no wrong setting, with which the service manager would not start us again. */
	service->has_failed = true;
	service->err.kind = ERR_UNAVAILABLE;
	cmd_wait_end(&service->wait);
}

/* The loop turns between two tries, for the watchdog and for signals. */
static void serve_again(struct timer *timer)
{
	struct service *service = container_of(timer, struct service, again);
	int64_t now_ms;

	if (start_server(service, &service->err)) {
		log_info(NULL, "serving again on %s", server_url(service->server));
		return;
	}
	end_server(service, successor_drain);
	if (service->err.kind != ERR_UNAVAILABLE || (!service->is_moved && --service->tries == 0)) {
		give_up(service);
		return;
	}
	now_ms = clock_monotonic_ms();
	if (service->again_told_ms == 0 || now_ms - service->again_told_ms >= AGAIN_LOG_MS) {
		log_warn(NULL, "cannot serve yet, and it is tried again each second: %s",
			 service->err.text);
		service->again_told_ms = now_ms;
	}
	timer_start(service->wait.loop, timer, AGAIN_MS, serve_again);
}

/*
 * What does not answer just now is asked again: a few times, for whoever starts us anew does so, too; and without end after a move, for
 * the settings file still names the old ledger, which opens no more.
 */
static void put_together(struct service *service)
{
	service->tries = AGAIN_TIMES;
	service->again_told_ms = 0;
	serve_again(&service->again);
}

static void resume(void *owner, const struct err *why)
{
	put_together(owner);
}

static void succeeded(void *owner, pid_t pid)
{
	struct service *service = owner;

	log_info(NULL, "process %lld serves now", (long long)pid);
	notify_send(service->notify, "MAINPID=%lld", (long long)pid);
	service->foothold->is_given = true;
	cmd_wait_end(&service->wait);
}

static char **secrets(void *owner)
{
	const struct service *service = owner;

	return settings_environment_secrets(service->options.source);
}

static bool open_successor(struct service *service, struct err *err)
{
	const struct successor_options options = {
		.binary = service->binary,
		.serve_ms = SUCCESSOR_SERVE_MS,
		.argv = service->argv,
		.secrets = secrets,
		.on = { .describe = describe,
			.let_go = let_go,
			.resume = resume,
			.succeeded = succeeded,
			.owner = service },
	};

	return successor_open(service->wait.loop, &options, &service->successor, err);
}

/* ---- the ledger is moved ---- */

static bool prepare_settings(struct service *service, const char *to, const char *store,
			     struct cmd_options *out, struct err *err)
{
	size_t count = service->sets_taken;
	char **sets = &service->sets[count];

	for (size_t i = count; i < MOVE_SETS; i++)
		free(TAKE(service->sets[i]));
	if (count + 2 > MOVE_SETS)
		return err_set(err, ERR_CONFLICT, "it was moved too often: start it anew");
	if (to[0])
		service->sets[count++] = xasprintf("database=%s", to);
	if (store[0])
		service->sets[count++] = xasprintf("store=%s", store);
	return cmd_options_besides(&service->options, sets[0], sets[1], out, err);
}

static bool prepare_move(struct service *service, struct cmd_options *out, struct err *err)
{
	struct migration_status status;

	migration_read(service->migration, &status);
	return prepare_settings(service, status.to, status.store, out, err);
}

/* For whoever this process starts in its place, too. */
static void take_settings(struct service *service, const struct cmd_options *moved)
{
	size_t count = 0;

	cmd_options_release(&service->options);
	service->options = *moved;
	service->is_moved = true;
	while (service->argv[count])
		count++;
	for (size_t i = service->sets_taken; i < MOVE_SETS && service->sets[i]; i++) {
		service->sets_taken = i + 1;
		service->argv[count++] = xstrdup("--set");
		service->argv[count++] = xstrdup(service->sets[i]);
		log_warn(
			NULL,
			"the ledger was moved: the settings file has to say, before the next start: %s",
			service->sets[i]);
	}
}

/* The sockets stay; whoever connects meanwhile waits. */
static void switch_over(void *owner)
{
	struct service *service = owner;
	int64_t until_ms = clock_monotonic_ms() + SWITCH_MS, least_ms;
	struct migration_status status;
	struct cmd_options moved;
	struct err err;

	if (!service->server)
		return;
	if (!prepare_move(service, &moved, &err)) {
		migration_refuse(service->migration, &err);
		return;
	}
	/* It was started for the old ledger, and its request waits on a loop that ends. */
	successor_abandon(service->successor, "the ledger is being moved: ask again");
	log_info(NULL, "the switch of the ledger begins: whoever connects waits");
	server_expect_successor(service->server);
	end_server(service, successor_drain);
	least_ms = clock_monotonic_ms() +
		   MIGRATION_SWITCH_LEAST_MS; /* where drain_timeout has taken most of it */
	if (migration_switch(service->migration, until_ms > least_ms ? until_ms : least_ms, &status,
			     &err))
		take_settings(service, &moved);
	else
		cmd_options_release(&moved);
	put_together(service);
}

static bool open_migration(struct service *service, struct err *err)
{
	const struct migration_callbacks on = { .switch_over = switch_over, .owner = service };

	return service->options.is_stdio ||
	       migration_open(service->wait.loop, &on, &service->migration, err);
}

/* ---- the process that came before ---- */

static bool await_word(const struct service *service, const char *word,
		       struct handover_message *out, struct err *err)
{
	const char *rest;

	if (handover_receive(service->predecessor_fd, out) == HANDOVER_MESSAGE &&
	    handover_is(out, word, &rest))
		return true;
	return err_set(err, ERR_UNAVAILABLE, "the server that was to be taken over from is gone");
}

static bool take_sockets(struct service *service, struct foothold_gift *out, struct err *err)
{
	struct passed_sockets passed = { .count = 0 };
	struct handover_message message;

	if (service->predecessor_fd >= 0)
		return await_word(service, HANDOVER_SOCKETS, &message, err) &&
		       foothold_gift_of_message(&message, out, err);
	if (!passed_sockets_take(&passed, err))
		return false;
	foothold_gift_of_sockets(&passed, out);
	return true;
}

static bool open_foothold(struct service *service, struct err *err)
{
	enum foothold_kind kind = service->options.is_stdio ? FOOTHOLD_STDIO : FOOTHOLD_SERVER;
	struct foothold_gift gift = FOOTHOLD_NO_GIFT;

	if (!take_sockets(service, &gift, err))
		return false;
	if (foothold_open(&service->options.settings, kind, &gift, &service->foothold, err))
		return true;
	foothold_gift_release(&gift);
	return false;
}

/* All that can go wrong without the ledger has gone wrong by now, and the other one has not stopped. */
static bool await_turn(struct service *service, struct err *err)
{
	struct handover_message message;

	if (service->predecessor_fd < 0)
		return true;
	return handover_say(service->predecessor_fd, err, HANDOVER_PREPARED " %s",
			    CALLSPOOL_VERSION) &&
	       await_word(service, HANDOVER_YOURS, &message, err);
}

/* Whether it hears us or not, we have everything, and serve. */
static void tell_predecessor(struct service *service, const char *url)
{
	struct err err;

	if (service->predecessor_fd < 0)
		return;
	if (!handover_say(service->predecessor_fd, &err, HANDOVER_SERVING " %s", url))
		log_debug(NULL, "%s", err.text);
	service->foothold->is_given = false;
	close(TAKE_FD(service->predecessor_fd));
}

static void tell_failure(const struct service *service, const struct err *err)
{
	struct err lost;

	if (service->predecessor_fd >= 0 &&
	    !handover_say(service->predecessor_fd, &lost, HANDOVER_FAILED " %d %s", (int)err->kind,
			  err->text))
		log_debug(NULL, "%s", lost.text);
}

/* ---- the whole ---- */

static void open_service_manager(struct service *service)
{
	int64_t watchdog_ms = watchdog_time_ms();
	struct err err;

	/* A mistake of who starts us, and no reason to serve nobody. */
	if (!notify_open(getenv("NOTIFY_SOCKET"), &service->notify, &err))
		log_warn(NULL, "%s", err.text);
	if (watchdog_ms > 0)
		service->watchdog =
			watchdog_start(service->wait.loop, service->notify, watchdog_ms);
}

/*
 * A move that had come to its mark, and then was killed before anybody was served from the new place: it goes on, for nobody was told yet
 * what the settings file has to say.
 */
static bool follow_move(struct service *service, struct err *err)
{
	AUTO(free) char *ledger = server_path(&service->options.settings, SERVER_LEDGER);
	char to[MIGRATION_ADDRESS_SIZE], store[MIGRATION_ADDRESS_SIZE];
	struct cmd_options moved;

	if (service->options.settings.database || !migration_awaits(ledger, to, store) ||
	    (!to[0] && service->options.settings.s3.store))
		return true;
	if (!prepare_settings(service, to, store, &moved, err))
		return false;
	take_settings(service, &moved);
	return true;
}

static bool open_all(struct service *service, struct err *err)
{
	if (!follow_move(service, err) || !server_check(&service->options.settings, err) ||
	    !confine_process(service->options.settings.core_dumps == AUTH_ON, err) ||
	    !cmd_wait_open(&service->wait, err) || !open_foothold(service, err) ||
	    !await_turn(service, err) || !open_successor(service, err) ||
	    !open_migration(service, err))
		return false;
	open_service_manager(service);
	return start_server(service, err);
}

static void reload(struct cmd_wait *wait);

static void tell_ready(struct service *service)
{
	const char *url = server_url(service->server);
	bool is_successor = service->predecessor_fd >= 0;

	if (service->options.is_stdio)
		return;
	cmd_say_listening("callspool", url);
	tell_predecessor(service, url);
	notify_ready(service->notify, url);
	/* A SIGHUP since our start was the other one's. */
	if (is_successor)
		reload(&service->wait);
}

static bool serve(struct service *service, struct err *err)
{
	if (!open_all(service, err)) {
		tell_failure(service, err);
		return false;
	}
	tell_ready(service);
	cmd_wait_run(&service->wait);
	if (service->has_failed) {
		*err = service->err;
		return false;
	}
	if (!service->foothold->is_given) {
		notify_stopping(service->notify);
		log_info(NULL, "stopping");
	}
	return true;
}

static void service_release(struct service *service)
{
	if (service->successor && successor_end(service->successor))
		log_info(NULL, "the successor is told to stop, too");
	timer_stop(&service->again);
	end_server(service, successor_free);
	migration_free(service->migration);
	watchdog_free(service->watchdog);
	notify_free(service->notify);
	foothold_free(service->foothold);
	cmd_wait_release(&service->wait);
	cmd_options_release(&service->options);
	if (service->predecessor_fd >= 0)
		close(service->predecessor_fd);
	free(service->binary);
	for (size_t i = 0; i < MOVE_SETS; i++)
		free(service->sets[i]);
	for (size_t i = 0; service->argv[i]; i++)
		free(service->argv[i]);
	free(service->argv);
}

/* The program's name stands before the command's; with room for what a move adds. */
static char **arguments(int argc, char **argv)
{
	char **all = xcalloc((size_t)argc + 1 + 2 * MOVE_SETS + 1, sizeof(*all));

	for (int i = 0; i <= argc; i++)
		all[i] = xstrdup(argv[i - 1]);
	return all;
}

/* The path at which a newer one will lie, even when this one is removed. */
static char *own_binary(void)
{
	char path[PATH_MAX_BYTES];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return len > 0 ? xmemdup0(path, (size_t)len) : xstrdup("/usr/bin/callspool");
}

/* SIGHUP. */
static void reload(struct cmd_wait *wait)
{
	struct service *service = container_of(wait, struct service, wait);
	struct err err;

	notify_reloading(service->notify);
	if (service->server)
		server_reopen_logs(service->server);
	if (service->server)
		server_reread_keys(service->server);
	if (!cmd_options_reread(&service->options, &err)) {
		log_warn(NULL, "the settings are as they were: %s", err.text);
	} else {
		if (service->server)
			server_change(service->server, &service->options.settings);
		log_info(NULL, "the settings were read anew");
	}
	notify_ready(service->notify, service->foothold->url);
}

static int run_serve(int argc, char **argv)
{
	struct service service = {
		.wait.hangup = reload,
		.argv = arguments(argc, argv),
		.predecessor_fd = handover_inherited(),
	};
	struct err err;
	int status = EXIT_GOOD;

	service.binary = own_binary();
	if (!cmd_options_read(&cmd_serve, argc, argv, &service.options, &status))
		tell_failure(&service, &service.options.err);
	else if (!cmd_options_resolve(&service.options, &err)) {
		tell_failure(&service, &err);
		status = cmd_fail(&err);
	} else if (!serve(&service, &err)) {
		status = cmd_fail(&err);
	}
	service_release(&service);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--stdio", CMD_SWITCH, offsetof(struct cmd_options, is_stdio), NULL,
	  "answer one connection on standard input and output, then end" },
	{ 0 },
};

const struct cmd cmd_serve = {
	.name = "serve",
	.summary = "keep recordings and play them",
	.usage = "[--stdio] [--config FILE] [--set KEY=VALUE]...",
	.help = "Takes Twilio's webhooks, fetches the recordings and plays them, until SIGTERM or SIGINT.\n"
		"Prints one line when it is ready.  SIGHUP reads the settings and private keys anew and opens the access log again.  Its settings: callspool config.\n",
	.examples =
		"  TWILIO_ACCOUNT_SID=AC... TWILIO_AUTH_TOKEN=... callspool serve --set auth=none\n"
		"  callspool serve --config /etc/callspool.conf\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_serve,
};
