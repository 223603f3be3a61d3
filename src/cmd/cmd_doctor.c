/* callspool doctor: will it play, and if not, why? */
#include "cmd/commands.h"

#include "base/buf.h"
#include "cli/cmd_options.h"

#include "client/doctor_client.h"
#include "client/log_client.h"

#include <stdio.h>

#define REPEATED_MAX 4096

struct doctor_command {
	struct cmd_options options; /* first: flags are read into all of it */
	struct doctor_request request;
	struct cmd_texts logs;
};

static int exit_status_of_verdict(enum doctor_verdict verdict)
{
	switch (verdict) {
	case VERDICT_GOOD:
		return EXIT_GOOD;
	case VERDICT_FINDINGS:
		return EXIT_FINDINGS;
	case VERDICT_UNCHECKED:
		break;
	}
	return EXIT_UNCHECKED;
}

/* A log is told as it is: nothing is asked of a server, and no setting counts. */
static int run_logs(const struct doctor_command *command)
{
	const struct log_request request = { .paths = command->logs.at,
					     .paths_count = command->logs.count,
					     .is_json = command->options.is_json };
	enum doctor_verdict verdict;
	struct err err;

	if (command->options.operands.count > 0)
		return cmd_misused(&cmd_doctor, "--nginx-log explains logs: it runs no check");
	if (log_client_run(&request, &verdict, &err))
		return exit_status_of_verdict(verdict);
	cmd_fail(&err);
	return EXIT_UNCHECKED;
}

static int run(struct doctor_command *command)
{
	struct doctor_request *request = &command->request;
	enum doctor_verdict verdict;
	char repeated_text[REPEATED_MAX];
	struct buf repeated;
	struct err err;

	if (command->logs.count > 0)
		return run_logs(command);
	if (!cmd_options_resolve(&command->options, &err))
		return cmd_fail(&err);
	request->settings = &command->options.settings;
	request->is_json = command->options.is_json;
	buf_over(&repeated, repeated_text, sizeof(repeated_text));
	cmd_options_repeat(&command->options, &repeated);
	request->settings_options = buf_ok(&repeated) ? repeated.at : NULL;
	request->examination.names = command->options.operands.at;
	request->examination.names_count = command->options.operands.count;
	if (doctor_client_run(request, &verdict, &err))
		return exit_status_of_verdict(verdict);
	cmd_fail(&err);
	return err.kind == ERR_INVALID ? EXIT_WRONG_USAGE : EXIT_UNCHECKED;
}

static int run_doctor(int argc, char **argv)
{
	struct doctor_command command = { .request = { .is_list = false } };
	int status;

	if (!cmd_options_read(&cmd_doctor, argc, argv, &command.options, &status))
		return status;
	status = run(&command);
	cmd_options_release(&command.options);
	return status;
}

#define REQUEST(member) offsetof(struct doctor_command, request.member)

static const struct cmd_flag flags[] = {
	{ "--list", CMD_SWITCH, REQUEST(is_list), NULL,
	  "all groups and checks, and what each asks" },
	{ "--watch", CMD_SWITCH, REQUEST(is_watch), NULL,
	  "examine again and again, and tell what has changed" },
	{ "--every", CMD_TEXT, REQUEST(every), "TIME", "how often, with --watch (60s)" },
	{ "--url", CMD_TEXT, REQUEST(url), "URL", "play through this address; else public_url" },
	{ "--nginx-conf", CMD_PATH, REQUEST(nginx_conf), "FILE",
	  "nginx's configuration, or what nginx -T prints; - is standard input" },
	{ "--nginx-log", CMD_TEXTS, offsetof(struct doctor_command, logs), "FILE",
	  "explain logs of nginx, callspool, docker compose; gzipped, too; - is standard input" },
	{ "--proxy-read-timeout", CMD_TEXT, REQUEST(proxy_read_timeout), "TIME",
	  "how long another proxy waits for callspool: 60s" },
	{ "--proxy-send-timeout", CMD_TEXT, REQUEST(proxy_send_timeout), "TIME",
	  "how long it tries to send to it" },
	{ "--proxy-connect-timeout", CMD_TEXT, REQUEST(proxy_connect_timeout), "TIME",
	  "how long it tries to connect" },
	{ "--proxy-keepalive", CMD_TEXT, REQUEST(proxy_keepalive), "TIME",
	  "how long it keeps an idle connection" },
	{ "--json", CMD_SWITCH, offsetof(struct cmd_options, is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "will every call play, and if not, why?",
	.usage =
		"[GROUP|CHECK]... [--url URL] [--nginx-conf FILE] [--watch] [--json] | --list | --nginx-log FILE...",
	.help = "Examines a deployment from the disk to what a player hears through the public address, says of each\n"
		"finding what it means, what to write instead and how to confirm it, and ends with a verdict.\n"
		"--nginx-log tells what is behind each 502 and 504 in logs, old ones of other back ends included.\n"
		"GROUP or CHECK: only these, by the names of --list.  Without a server that runs it checks what it can.\n"
		"Exit status: 0 every call plays, 7 there are findings, 8 none, but something could not be checked;\n"
		"of --nginx-log 0 no request failed, 7 some did, 8 none, but a file cannot be read or is no log that is known.\n",
	.examples =
		"  callspool doctor\n"
		"  callspool doctor services playback --url https://calls.example.com\n"
		"  nginx -T | callspool doctor proxy --nginx-conf -\n"
		"  callspool doctor limits --proxy-read-timeout 30s\n"
		"  callspool doctor playback --watch --every 5m\n"
		"  callspool doctor --nginx-log /var/log/nginx/error.log --nginx-log /var/log/nginx/access.log\n"
		"  docker compose logs nginx backend | callspool doctor --nginx-log -\n",
	.flags = flags,
	.takes_settings = true,
	.operands_max = EXAMINATION_NAMES_MAX,
	.run = run_doctor,
};
