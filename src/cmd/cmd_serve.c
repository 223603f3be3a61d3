/*
 * callspool serve: the server, and what stands between it and who runs it: signals and the service manager.
 */
#include "cmd/cmd_options.h"
#include "cmd/cmd_wait.h"
#include "cmd/confine.h"
#include "cmd/server.h"

#include "base/log.h"
#include "service/notify.h"
#include "service/passed_sockets.h"
#include "service/watchdog.h"

#include <stdlib.h>
#include <unistd.h>

struct service {
	struct cmd_options options;
	struct cmd_wait wait;
	struct notify *notify;     /* NULL before it is open */
	struct watchdog *watchdog; /* NULL: nobody watches */
	struct foothold *foothold;
	struct server *server;
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

static void end_server(struct service *service)
{
	watchdog_rest(service->watchdog);
	server_free(TAKE(service->server));
	watchdog_forget(service->watchdog);
}

static bool take_sockets(struct foothold_gift *out, struct err *err)
{
	struct passed_sockets passed = { .count = 0 };

	if (!passed_sockets_take(&passed, err))
		return false;
	foothold_gift_of_sockets(&passed, out);
	return true;
}

static bool open_foothold(struct service *service, struct err *err)
{
	enum foothold_kind kind = service->options.is_stdio ? FOOTHOLD_STDIO : FOOTHOLD_SERVER;
	struct foothold_gift gift = FOOTHOLD_NO_GIFT;

	if (!take_sockets(&gift, err))
		return false;
	if (foothold_open(&service->options.settings, kind, &gift, &service->foothold, err))
		return true;
	foothold_gift_release(&gift);
	return false;
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

static bool open_all(struct service *service, struct err *err)
{
	if (!server_check(&service->options.settings, err) ||
	    !confine_process(service->options.settings.core_dumps == AUTH_ON, err) ||
	    !cmd_wait_open(&service->wait, err) || !open_foothold(service, err))
		return false;
	open_service_manager(service);
	return start_server(service, err);
}

static void tell_ready(struct service *service)
{
	const char *url = server_url(service->server);

	if (service->options.is_stdio)
		return;
	cmd_say_listening("callspool", url);
	notify_ready(service->notify, url);
}

static bool serve(struct service *service, struct err *err)
{
	if (!open_all(service, err))
		return false;
	tell_ready(service);
	cmd_wait_run(&service->wait);
	notify_stopping(service->notify);
	log_info(NULL, "stopping");
	return true;
}

static void service_release(struct service *service)
{
	end_server(service);
	watchdog_free(service->watchdog);
	notify_free(service->notify);
	foothold_free(service->foothold);
	cmd_wait_release(&service->wait);
	cmd_options_release(&service->options);
}

static void hung_up(struct cmd_wait *wait)
{
	const struct service *service = container_of(wait, struct service, wait);

	if (service->server)
		server_reopen_logs(service->server);
}

static int run_serve(int argc, char **argv)
{
	struct service service = { .wait.hangup = hung_up };
	struct err err;
	int status = EXIT_GOOD;

	if (cmd_options_read(&cmd_serve, argc, argv, &service.options, &status) &&
	    (!cmd_options_resolve(&service.options, &err) || !serve(&service, &err)))
		status = cmd_fail(&err);
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
		"Prints one line when it is ready.  SIGHUP opens the access log anew.  Its settings: callspool config.\n",
	.examples =
		"  TWILIO_ACCOUNT_SID=AC... TWILIO_AUTH_TOKEN=... callspool serve --set auth=none\n"
		"  callspool serve --config /etc/callspool.conf\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_serve,
};
