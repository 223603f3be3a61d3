/* callspool serve: the server. */
#include "cmd/cmd_options.h"
#include "cmd/server.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/signals.h"

#include <signal.h>
#include <stdio.h>

/* What main's own loop waits for: a signal, or the end of the one connection of --stdio. */
struct waiting {
	struct loop *loop;
	struct signals signals;
};

static void signal_received(struct signals *signals, int number)
{
	struct waiting *waiting = container_of(signals, struct waiting, signals);

	if (number == SIGHUP)
		return; /* settings are read at start: a restart is cheap */
	loop_stop(waiting->loop);
}

static void stdio_ended(void *owner)
{
	struct waiting *waiting = owner;

	loop_stop(waiting->loop);
}

static bool serve(const struct cmd_options *options, struct waiting *waiting, struct err *err)
{
	struct server_options server_options = {
		.settings = &options->settings,
		.listen_fd = -1,
		.is_stdio = options->is_stdio,
		.ended = stdio_ended,
		.owner = waiting,
	};
	AUTO(server_free) struct server *server = NULL;

	if (!server_open(&server_options, &server, err) || !server_start(server, err))
		return false;
	if (!options->is_stdio) {
		printf("callspool is listening on %s\n", server_url(server));
		fflush(stdout);
	}
	loop_run(waiting->loop);
	log_info(NULL, "stopping");
	server_stop(server);
	return true;
}

static int run_serve(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	AUTO(loop_free) struct loop *loop = NULL;
	struct waiting waiting;
	struct err err;
	int status;
	bool good;

	if (!cmd_options_read(&cmd_serve, argc, argv, &options, &status))
		return status;
	if (options.operand_count > 0)
		return cmd_misused(&cmd_serve, "'%s' is too much", options.operands[0]);
	signals_block();
	if (!cmd_options_resolve(&options, &err) || !loop_new(&loop, &err))
		return cmd_fail(&err);
	waiting.loop = loop;
	if (!signals_start(loop, &waiting.signals, signal_received, &err))
		return cmd_fail(&err);
	good = serve(&options, &waiting, &err);
	signals_stop(&waiting.signals);
	return good ? 0 : cmd_fail(&err);
}

const struct cmd cmd_serve = {
	.name = "serve",
	.summary = "keep recordings and play them",
	.usage = "[--stdio] [--config FILE] [--set KEY=VALUE]...",
	.help = "Takes Twilio's webhooks, fetches the recordings and plays them, until SIGTERM or SIGINT.\n"
		"Prints one line when it is ready.  Its settings: callspool config.\n\n"
		"  --stdio           answer one connection on standard input and output, then end\n" CMD_OPTIONS_HELP
		"\nExample:\n"
		"  TWILIO_ACCOUNT_SID=AC... TWILIO_AUTH_TOKEN=... \\\n"
		"  callspool serve --set auth=none --set data_dir=/var/lib/callspool\n",
	.run = run_serve,
};
