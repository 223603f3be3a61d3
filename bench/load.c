#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct option names[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "connections", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 's' },
	{ "path", required_argument, NULL, 'u' },
	{ "range", required_argument, NULL, 'r' },
	{ "status", required_argument, NULL, 'S' },
	{ "length", required_argument, NULL, 'l' },
	{ "pid", required_argument, NULL, 'P' },
	{ "rate", required_argument, NULL, 'R' },
	{ "pace", required_argument, NULL, 'b' },
	{ "webhooks", required_argument, NULL, 'w' },
	{ "first", required_argument, NULL, 'f' },
	{ "url", required_argument, NULL, 'U' },
	{ "account", required_argument, NULL, 'a' },
	{ "token", required_argument, NULL, 't' },
	{ "completed", required_argument, NULL, 'C' },
	{ "paths", required_argument, NULL, 'F' },
	{ "guesses", required_argument, NULL, 'g' },
	{ "guess-rate", required_argument, NULL, 'G' },
	{ "sleeps", no_argument, NULL, 'z' },
	{ 0 },
};

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!str_to_u64(str_of(text), &n)) {
		fprintf(stderr, "bench-load: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void read_option(struct load_options *options, int letter)
{
	switch (letter) {
	case 'p':
		options->port = (unsigned)number(optarg);
		break;
	case 'c':
		options->connections = (unsigned)number(optarg);
		break;
	case 's':
		options->seconds = strtod(optarg, NULL);
		break;
	case 'u':
		options->path = optarg;
		break;
	case 'r':
		options->range = optarg;
		break;
	case 'S':
		options->status = (int)number(optarg);
		break;
	case 'l':
		options->length = number(optarg);
		break;
	case 'P':
		if (options->pid_count < LOAD_PIDS_MAX)
			options->pids[options->pid_count++] = (unsigned)number(optarg);
		break;
	case 'R':
		options->rate = strtod(optarg, NULL);
		break;
	case 'b':
		options->pace = number(optarg);
		break;
	case 'w':
		options->webhooks.count = number(optarg);
		break;
	case 'f':
		options->webhooks.first = number(optarg);
		break;
	case 'U':
		options->webhooks.url = optarg;
		break;
	case 'a':
		options->webhooks.account = optarg;
		break;
	case 't':
		options->webhooks.token = optarg;
		break;
	case 'C':
		options->webhooks.completed_s = optarg;
		break;
	case 'F':
		options->paths = optarg;
		break;
	case 'g':
		options->guesses = number(optarg);
		break;
	case 'G':
		options->guess_rate = strtod(optarg, NULL);
		break;
	case 'z':
		options->sleeps = true;
		break;
	default:
		exit(2);
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct load_options options = { .connections = 64,
					.seconds = 2,
					.status = 200,
					.path = "/",
					.webhooks = { .url = "", .account = "", .token = "" } };
	int letter;

	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		read_option(&options, letter);
	options.mode = optind < argc ? argv[optind] : "";
	raise_descriptor_limit();
	if (str_eq(str_of(options.mode), STR("steady")))
		return load_steady(&options);
	if (str_eq(str_of(options.mode), STR("follow")))
		return load_follow(&options);
	if (str_eq(str_of(options.mode), STR("cold")))
		return load_cold(&options);
	if (str_eq(str_of(options.mode), STR("hold")))
		return load_hold(&options);
	fprintf(stderr,
		"usage: bench-load steady|cold|hold --port N [OPTION VALUE]... (bench/load.h)\n");
	return 2;
}
