/* callspool serve: the server. */
#include "cmd/cmd_options.h"
#include "cmd/cmd_wait.h"
#include "cmd/confine.h"
#include "cmd/server.h"

#include "base/log.h"

static void stdio_ended(void *owner)
{
	cmd_wait_end(owner);
}

static bool serve(const struct cmd_options *options, struct cmd_wait *wait, struct err *err)
{
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
	cmd_wait_run(wait);
	log_info(NULL, "stopping");
	server_stop(server);
	return true;
}

static int run_serve(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	AUTO(cmd_wait_release) struct cmd_wait wait = { .ignores_hangup = true };
	struct err err;
	int status;

	if (!cmd_options_read(&cmd_serve, argc, argv, &options, &status))
		return status;
	/* A hangup does nothing: settings are read at start, and a restart is cheap. */
	if (!cmd_options_resolve(&options, &err) ||
	    !confine_process(options.settings.core_dumps == AUTH_ON, &err) ||
	    !cmd_wait_open(&wait, &err) || !serve(&options, &wait, &err))
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
		"Prints one line when it is ready.  Its settings: callspool config.\n",
	.examples =
		"  TWILIO_ACCOUNT_SID=AC... TWILIO_AUTH_TOKEN=... callspool serve --set auth=none\n"
		"  callspool serve --config /etc/callspool.conf\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_serve,
};
