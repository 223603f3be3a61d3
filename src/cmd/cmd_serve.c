/* callspool serve: the server. */
#include "cmd/cmd_options.h"
#include "cmd/cmd_wait.h"
#include "cmd/confine.h"
#include "cmd/server.h"

#include "base/log.h"

struct serve_wait {
	struct cmd_wait wait;
	struct server *server; /* borrowed; NULL: it does not run */
};

static void serve_wait_release_at(struct serve_wait *self)
{
	cmd_wait_release(&self->wait);
}

static void stdio_ended(void *owner)
{
	cmd_wait_end(owner);
}

static void hung_up(struct cmd_wait *wait)
{
	struct server *server = container_of(wait, struct serve_wait, wait)->server;

	if (server)
		server_reopen_logs(server);
}

static bool serve(const struct cmd_options *options, struct serve_wait *self, struct err *err)
{
	struct cmd_wait *wait = &self->wait;
	struct server_options server_options = {
		.settings = &options->settings,
		.listen_fd = -1,
		.is_stdio = options->is_stdio,
		.ended = stdio_ended,
		.owner = wait,
	};
	AUTO(server_free) struct server *server = NULL;

	if (!server_open(&server_options, &server, err) || !server_start(server, err))
		return false;
	if (!options->is_stdio)
		cmd_say_listening("callspool", server_url(server));
	self->server = server;
	cmd_wait_run(wait);
	self->server = NULL;
	log_info(NULL, "stopping");
	server_stop(server);
	return true;
}

static int run_serve(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	AUTO(serve_wait_release) struct serve_wait self = { .wait.hangup = hung_up };
	struct err err;
	int status;

	if (!cmd_options_read(&cmd_serve, argc, argv, &options, &status))
		return status;
	if (!cmd_options_resolve(&options, &err) ||
	    !confine_process(options.settings.core_dumps == AUTH_ON, &err) ||
	    !cmd_wait_open(&self.wait, &err) || !serve(&options, &self, &err))
		return cmd_fail(&err);
	return 0;
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
