/* callspool demo: a server and a simulated Twilio in one process, on a fresh folder. */
#include "cmd/commands.h"

#include "cli/cmd_options.h"
#include "cli/cmd_wait.h"
#include "server/server.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/http_server.h"
#include "sim/sim.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLS_PER_MINUTE 6
#define PAST_CALLS       60 /* more than a window shows, over some days */
#define PAST_MS          (3 * INT64_C(86400000))
#define SPEED            12 /* a call of half a minute is over in seconds */

struct demo {
	struct cmd_wait wait; /* the simulated Twilio runs on its loop */
	struct sim *sim;
	char *folder; /* made here, removed at the end; NULL when the user named one */
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* What may be there of a deployment, in the environment or in a file that it names. */
static const char *const of_deployment[] = {
	/* The simulated account is the only one, and has no API key. */
	"twilio.api_key", "twilio.api_secret", "twilio.auth_token_secondary",
	"twilio.accounts_file",
	/* Files that the server in earnest alone may read, perhaps. */
	"twilio.private_key_file", "audit.key_file", "audit.key_file_old",
	/* Where nothing that the demo invents or does may come. */
	"database", "database_listen", "cluster_listen", "store", "notify_url", "fetch.proxy",
	"access_log"
};

/* It takes nothing of a deployment: what --set says is meant for it. */
static bool leave_deployment(struct settings_source *source, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(of_deployment); i++)
		if (!settings_is_from(source, of_deployment[i], SETTINGS_FLAG) &&
		    !settings_put_back(source, of_deployment[i], "demo", err))
			return false;
	return true;
}

/* Calls that never were, on this machine alone: nothing that a sign-in would keep from anybody. */
static bool choose_auth(struct cmd_options *options, struct err *err)
{
	return !settings_is_from(options->source, "auth", SETTINGS_DEFAULT) ||
	       settings_put(options->source, "auth", "none", "demo", err);
}

static bool choose_folder(struct cmd_options *options, struct demo *demo, struct err *err)
{
	const char *parent = getenv("TMPDIR");

	if (settings_is_from(options->source, "data_dir", SETTINGS_FLAG))
		return true;
	AUTO(free) char *folder = xasprintf("%s/callspool-demo.XXXXXX", parent ? parent : "/tmp");

	if (!mkdtemp(folder))
		return err_errno(err, "cannot make a folder for the demo, '%s'", folder);
	demo->folder = TAKE(folder);
	return settings_put(options->source, "data_dir", demo->folder, "demo", err);
}

/* The simulated Twilio needs our address, and we its: our socket listens first. */
static bool start_sim(struct cmd_options *options, struct demo *demo, unsigned port,
		      struct err *err)
{
	AUTO(free) char *url = xasprintf("http://127.0.0.1:%u", port);
	struct sim_options sim_options = {
		.listen = "127.0.0.1:0",
		.webhook_url = url,
		.calls_per_minute = CALLS_PER_MINUTE,
		.speed = SPEED,
		.past_calls = PAST_CALLS,
		.past_ms = PAST_MS,
		.has_tour = true,
		.seed = 1,
	};

	return sim_start(demo->wait.loop, &sim_options, &demo->sim, err) &&
	       settings_put(options->source, "twilio.api_url", sim_url(demo->sim), "demo", err) &&
	       settings_put(options->source, "twilio.account_sid", SIM_ACCOUNT_SID, "demo", err) &&
	       settings_put(options->source, "twilio.auth_token", SIM_AUTH_TOKEN, "demo", err) &&
	       settings_put(options->source, "public_url", url, "demo", err);
}

static bool run(struct cmd_options *options, struct demo *demo, struct err *err)
{
	AUTO(close) int listen_fd = -1;
	AUTO(foothold_free) struct foothold *foothold = NULL;
	AUTO(server_free) struct server *server = NULL;
	struct foothold_gift gift = FOOTHOLD_NO_GIFT;
	struct server_options server_options = { .settings = &options->settings };
	unsigned port;

	/* Once before the demo's own settings: to know where to listen. */
	if (!leave_deployment(options->source, err) || !choose_auth(options, err) ||
	    !cmd_options_resolve(options, err) ||
	    !http_listen_tcp(options->settings.listen[0], &listen_fd, &port, err) ||
	    !choose_folder(options, demo, err) || !start_sim(options, demo, port, err) ||
	    !cmd_options_resolve(options, err))
		return false;

	gift.at[gift.count++] =
		(struct foothold_listener){ .fd = TAKE_FD(listen_fd),
					    .word = xstrdup(options->settings.listen[0]) };
	if (!foothold_open(&options->settings, FOOTHOLD_SERVER, &gift, &foothold, err)) {
		foothold_gift_release(&gift);
		return false;
	}
	server_options.foothold = foothold;
	if (!server_open(&server_options, &server, err) || !server_start(server, err))
		return false;
	cmd_say_listening("callspool", server_url(server));
	log_info(NULL, "a demo: a simulated Twilio at %s places calls; data in %s",
		 sim_url(demo->sim), options->settings.data_dir);
	if (options->settings.auth.mode == AUTH_NONE)
		log_info(NULL,
			 "nobody needs to sign in: a demo's calls never were, and it listens on "
			 "this machine alone (--set auth=password asks)");
	cmd_wait_run(&demo->wait);
	server_stop(server);
	return true;
}

static int run_demo(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	struct demo demo = { 0 };
	struct err err;
	int status;
	bool good;

	if (!cmd_options_read(&cmd_demo, argc, argv, &options, &status))
		return status;
	good = cmd_wait_open(&demo.wait, &err) && run(&options, &demo, &err);
	sim_stop(demo.sim);
	cmd_wait_release(&demo.wait);
	if (demo.folder)
		nftw(demo.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(demo.folder);
	return good ? 0 : cmd_fail(&err);
}

const struct cmd cmd_demo = {
	.name = "demo",
	.summary = "a server and a simulated Twilio, on a fresh folder",
	.usage = "[--set KEY=VALUE]...",
	.help = "Serves calls that a simulated Twilio places, fetches their recordings and plays them: no account,\n"
		"no other program.  The folder is a new one and is removed at the end, unless --set data_dir=FOLDER names one.\n"
		"It takes no account, ledger, bucket or proxy, and nobody to tell, from the environment: what is there for a\n"
		"server in earnest is not for invented calls.\n"
		"Nobody needs to sign in, as the calls never were; with auth=password the link for the first administrator\n"
		"is printed.\n",
	.examples = "  callspool demo\n"
		    "  callspool demo --set listen=127.0.0.1:9000\n"
		    "  callspool demo --set auth=password\n",
	.takes_settings = true,
	.is_apart =
		true, /* its calls must not come among those of a server that is installed here */
	.run = run_demo,
};
