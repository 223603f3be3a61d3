/* callspool simulate: a stand-in for Twilio, for tests and for rehearsing a deployment. */
#include "cmd/cmd.h"
#include "cmd/cmd_wait.h"

#include "base/own.h"
#include "base/str.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

#define FAULTS_MAX 64

static bool take_text(struct sim_options *options, const char *name, const char *value)
{
	if (strcmp(name, "--listen") == 0)
		options->listen = value;
	else if (strcmp(name, "--webhook") == 0)
		options->webhook_url = value;
	else if (strcmp(name, "--signed-url") == 0)
		options->signed_url = value;
	else
		return false;
	return true;
}

static bool take_number(struct sim_options *options, const char *name, uint64_t value)
{
	if (strcmp(name, "--rate") == 0)
		options->calls_per_minute = (double)value;
	else if (strcmp(name, "--calls") == 0)
		options->calls_max = (unsigned)value;
	else if (strcmp(name, "--past") == 0)
		options->past_calls = (unsigned)value;
	else if (strcmp(name, "--speed") == 0)
		options->speed = (double)value;
	else if (strcmp(name, "--seed") == 0)
		options->seed = value;
	else
		return false;
	return true;
}

/* One option and its value; false when it is not known or the value does not fit. */
static bool take_option(struct sim_options *options, const char **faults, const char *name,
			const char *value)
{
	uint64_t number;

	if (strcmp(name, "--fault") == 0 && options->fault_count < FAULTS_MAX) {
		faults[options->fault_count++] = value;
		return true;
	}
	return take_text(options, name, value) ||
	       (str_to_u64(str_of(value), &number) && take_number(options, name, number));
}

static bool simulate(const struct sim_options *options, struct err *err)
{
	AUTO(cmd_wait_release) struct cmd_wait wait = { 0 };
	struct sim *sim = NULL;

	if (!cmd_wait_open(&wait, err) || !sim_start(wait.loop, options, &sim, err))
		return false;
	cmd_say_listening("callspool simulate", sim_url(sim));
	cmd_wait_run(&wait);
	sim_stop(sim);
	return true;
}

static int run_simulate(int argc, char **argv)
{
	const char *faults[FAULTS_MAX];
	struct sim_options options = {
		.listen = "127.0.0.1:8088",
		.account_sid = getenv("TWILIO_ACCOUNT_SID"),
		.auth_token = getenv("TWILIO_AUTH_TOKEN"),
		.api_key = getenv("TWILIO_API_KEY"),
		.api_secret = getenv("TWILIO_API_SECRET"),
		.seed = 1,
		.faults = faults,
	};
	struct err err;

	for (int at = 1; at < argc; at += 2) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			cmd_print_help(&cmd_simulate);
			return 0;
		}
		if (at + 1 == argc || !take_option(&options, faults, argv[at], argv[at + 1]))
			return cmd_misused(&cmd_simulate,
					   "the option '%s' is not known or its value is wrong",
					   argv[at]);
	}
	return simulate(&options, &err) ? 0 : cmd_fail(&err);
}

const struct cmd cmd_simulate = {
	.name = "simulate",
	.summary = "a stand-in for Twilio: API, media, signed callbacks, faults",
	.usage = "[--listen ADDRESS] [--webhook URL] [OPTION VALUE]...",
	.help = "Serves Twilio's Recordings and Calls API with real speech, places calls and sends signed callbacks,\n"
		"until SIGTERM or SIGINT.  TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN say as whom (docs/simulate.md).\n\n"
		"  --listen ADDRESS  where (127.0.0.1:8088); port 0 picks a free one\n"
		"  --webhook URL     where callbacks go, as http://127.0.0.1:8080\n"
		"  --signed-url URL  what is signed in its place: the server's public_url\n"
		"  --rate N          calls a minute (0)\n"
		"  --calls N         so many, then no more (0: no end)\n"
		"  --past N          calls of the last week that are there at start (0)\n"
		"  --speed N         how much faster than life calls go by (10)\n"
		"  --seed N          the same seed, the same calls (1)\n"
		"  --fault RULE      a fault, as 429@10% or cut=50%#2; may be repeated\n"
		"  --help            this text\n"
		"\nExample:\n"
		"  callspool simulate --webhook http://127.0.0.1:8080 --rate 30 --fault 429@10%\n",
	.run = run_simulate,
};
