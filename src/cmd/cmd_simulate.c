/* callspool simulate: a stand-in for Twilio, for tests and for rehearsing a deployment. */
#include "cmd/commands.h"

#include "base/own.h"
#include "base/str.h"
#include "cli/cmd_wait.h"
#include "sim/sim.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

struct simulate_flags {
	const char *listen, *webhook_url, *signed_url;
	const char *public_key, *public_key_sid;
	uint64_t rate, calls, past, speed, page_size, seed;
	bool has_tour;
	struct cmd_texts faults;
};

static unsigned count_of(uint64_t number)
{
	return number > UINT_MAX ? UINT_MAX : (unsigned)number;
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
	struct simulate_flags given = { .listen = "127.0.0.1:8088", .seed = 1 };
	struct cmd_texts operands;
	struct err err;
	int status;

	if (!cmd_flags_read(&cmd_simulate, argc, argv, &given, &operands, &status))
		return status;

	struct sim_options options = {
		.listen = given.listen,
		.webhook_url = given.webhook_url,
		.signed_url = given.signed_url,
		.public_key_file = given.public_key,
		.public_key_sid = given.public_key_sid,
		.calls_per_minute = (double)given.rate,
		.calls_max = count_of(given.calls),
		.past_calls = count_of(given.past),
		.speed = (double)given.speed,
		.has_tour = given.has_tour,
		.page_size_max = count_of(given.page_size),
		.seed = given.seed,
		.faults = given.faults.at,
		.fault_count = given.faults.count,
		.account_sid = getenv("TWILIO_ACCOUNT_SID"),
		.auth_token = getenv("TWILIO_AUTH_TOKEN"),
		.api_key = getenv("TWILIO_API_KEY"),
		.api_secret = getenv("TWILIO_API_SECRET"),
	};

	return simulate(&options, &err) ? EXIT_GOOD : cmd_fail(&err);
}

#define AT(member) offsetof(struct simulate_flags, member)

static const struct cmd_flag flags[] = {
	{ "--listen", CMD_TEXT, AT(listen), "ADDRESS",
	  "where (127.0.0.1:8088); port 0 picks a free one" },
	{ "--webhook", CMD_TEXT, AT(webhook_url), "URL",
	  "where callbacks go, as http://127.0.0.1:8080" },
	{ "--signed-url", CMD_TEXT, AT(signed_url), "URL",
	  "what is signed in its place: the server's public_url" },
	{ "--encrypt", CMD_PATH, AT(public_key), "FILE",
	  "encrypts recordings for the public key in FILE, in PEM" },
	{ "--encrypt-sid", CMD_TEXT, AT(public_key_sid), "CR...", "the SID of that key" },
	{ "--rate", CMD_NUMBER, AT(rate), "N", "calls a minute (0)" },
	{ "--calls", CMD_NUMBER, AT(calls), "N", "so many, then no more (0: no end)" },
	{ "--past", CMD_NUMBER, AT(past), "N",
	  "calls of the last week that are there at start (0)" },
	{ "--tour", CMD_SWITCH, AT(has_tour), NULL,
	  "begins with a call of each kind, and of each state of a recording" },
	{ "--speed", CMD_NUMBER, AT(speed), "N", "how much faster than life calls go by (10)" },
	{ "--page-size", CMD_NUMBER, AT(page_size), "N",
	  "recordings or calls on a page of a list at most (1000)" },
	{ "--seed", CMD_NUMBER, AT(seed), "N", "the same seed, the same calls (1)" },
	{ "--fault", CMD_TEXTS, AT(faults), "RULE",
	  "a fault, as 429@10% or cut=50%#2; may be repeated" },
	{ 0 },
};

const struct cmd cmd_simulate = {
	.name = "simulate",
	.summary = "a stand-in for Twilio: API, media, signed callbacks, faults",
	.usage = "[--listen ADDRESS] [--webhook URL] [OPTION VALUE]...",
	.help = "Serves Twilio's Recordings and Calls API with real speech, places calls and sends signed callbacks,\n"
		"until SIGTERM or SIGINT.  TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN say as whom (docs/simulate.md).\n",
	.examples =
		"  callspool simulate --webhook http://127.0.0.1:8080 --rate 30 --fault 429@10%\n",
	.flags = flags,
	.run = run_simulate,
};
