/* callspool nginx: a right configuration, one that is checked, and what nginx does with a request. */
#include "cmd/commands.h"

#include "base/buf.h"
#include "base/own.h"
#include "cli/cmd_options.h"
#include "client/doctor_client.h"
#include "nginx/nginx_conf.h"
#include "nginx/nginx_request.h"
#include "nginx/nginx_site.h"
#include "proxycheck/nginx_explain.h"

#include <stdio.h>

#define REPEATED_MAX   4096
#define HEADERS_MAX    CMD_TEXTS_MAX
#define TEXT_BYTES_MAX (16u << 20)

struct nginx_command {
	struct cmd_options options;      /* first: flags are read into all of it */
	const char *explained, *checked; /* configurations; "-" */
	bool is_beside;
	const char *method, *client;
	struct cmd_texts urls, headers;
};

static bool read_request(const struct nginx_command *command, const char *url,
			 struct nginx_header *headers, struct nginx_request *out, struct err *err)
{
	if (!nginx_request_of_url(str_of(url), out, err))
		return false;
	out->headers = headers;
	for (size_t i = 0; i < command->headers.count; i++) {
		struct nginx_header header;

		if (!nginx_header_of_line(str_of(command->headers.at[i]), &header, err))
			return false;
		if (str_eq_nocase(header.name, STR("Host")))
			out->host = header.value;
		else
			headers[out->header_count++] = header;
	}
	if (command->method)
		out->method = str_of(command->method);
	if (command->client)
		out->client = str_of(command->client);
	return true;
}

static bool explain_one(const struct nginx_command *command, const struct nginx_conf *conf,
			const char *url, struct buf *out, struct err *err)
{
	struct nginx_header headers[HEADERS_MAX];
	struct nginx_request request;
	struct nginx_visit visit;

	if (!read_request(command, url, headers, &request, err))
		return false;
	nginx_visit_start(&visit, conf, &request);
	nginx_visit_follow(&visit);
	if (command->options.is_json)
		nginx_explain_json(&visit, out);
	else
		nginx_explain_text(&visit, out);
	nginx_visit_release(&visit);
	buf_add_byte(out, '\n');
	return true;
}

static int explain(const struct nginx_command *command)
{
	struct nginx_conf_options options = { .path = command->explained };
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	__attribute__((cleanup(buf_release_at))) struct buf out = { 0 };
	struct err err;

	buf_init(&out, TEXT_BYTES_MAX);
	if (command->urls.count == 0)
		return cmd_misused(&cmd_nginx, "--explain needs --url");
	if (!nginx_conf_read(&options, &conf, &err))
		return cmd_fail(&err);
	for (size_t i = 0; i < command->urls.count; i++)
		if (!explain_one(command, conf, command->urls.at[i], &out, &err))
			return cmd_fail(&err);
	fwrite(out.at, 1, out.len, stdout);
	return EXIT_GOOD;
}

static int print_site(struct nginx_command *command)
{
	const struct settings *settings = &command->options.settings;
	__attribute__((cleanup(buf_release_at))) struct buf out;
	struct err err;

	buf_init(&out, TEXT_BYTES_MAX);
	if (!cmd_options_resolve(&command->options, &err))
		return cmd_fail(&err);

	struct nginx_site_options options = {
		.listen = settings->listen[0],
		.public_url = settings->web.public_url,
		.user_header = settings->auth.user_header,
		.groups_header = settings->auth.groups_header,
		.play_wait_ms = settings->web.play_wait_ms,
		.keepalive_ms = settings->http.keepalive_timeout_ms,
		.is_beside = command->is_beside,
	};

	if (!nginx_site_write(&options, &out, &err))
		return cmd_fail(&err);
	fwrite(out.at, 1, out.len, stdout);
	return EXIT_GOOD;
}

/* The doctor's group `proxy`. */
static int check(struct nginx_command *command)
{
	static const char *const names[] = { "proxy" };
	struct doctor_request request = { .settings = &command->options.settings,
					  .nginx_conf = command->checked,
					  .url = command->urls.count > 0 ? command->urls.at[0]
									 : NULL,
					  .examination = { .names = names, .names_count = 1 },
					  .is_json = command->options.is_json };
	enum doctor_verdict verdict;
	char repeated_text[REPEATED_MAX];
	struct buf repeated;
	struct err err;

	buf_over(&repeated, repeated_text, sizeof(repeated_text));
	cmd_options_repeat(&command->options, &repeated);
	request.settings_options = buf_ok(&repeated) ? repeated.at : NULL;
	if (!cmd_options_resolve(&command->options, &err) ||
	    !doctor_client_run(&request, &verdict, &err))
		return cmd_fail(&err);
	if (verdict == VERDICT_GOOD)
		return EXIT_GOOD;
	return verdict == VERDICT_FINDINGS ? EXIT_FINDINGS : EXIT_UNCHECKED;
}

static int run_nginx(int argc, char **argv)
{
	struct nginx_command command = { 0 };
	int status;

	if (!cmd_options_read(&cmd_nginx, argc, argv, &command.options, &status))
		return status;
	if (command.explained)
		status = explain(&command);
	else if (command.checked)
		status = check(&command);
	else
		status = print_site(&command);
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--beside", CMD_SWITCH, offsetof(struct nginx_command, is_beside), NULL,
	  "recordings and webhooks alone, for the server block of another product" },
	{ "--check", CMD_PATH, offsetof(struct nginx_command, checked), "FILE",
	  "what is wrong in this configuration, or in what nginx -T prints; - is standard input" },
	{ "--explain", CMD_PATH, offsetof(struct nginx_command, explained), "FILE",
	  "what nginx does with each --url by this configuration; - is standard input" },
	{ "--url", CMD_TEXTS, offsetof(struct nginx_command, urls), "URL",
	  "a request; may be repeated" },
	{ "--method", CMD_TEXT, offsetof(struct nginx_command, method), "METHOD", "of it; GET" },
	{ "--client", CMD_TEXT, offsetof(struct nginx_command, client), "ADDRESS",
	  "whom it comes from; 203.0.113.7" },
	{ "--header", CMD_TEXTS, offsetof(struct nginx_command, headers), "'NAME: VALUE'",
	  "of it; may be repeated" },
	{ "--json", CMD_SWITCH, offsetof(struct nginx_command, options.is_json), NULL, "as JSON" },
	{ 0 },
};

const struct cmd cmd_nginx = {
	.name = "nginx",
	.summary = "print nginx's configuration for this deployment, or check one",
	.usage = "[--beside] | --check FILE | --explain FILE --url URL...",
	.help = "Prints a configuration of nginx that is right for the settings in force: addresses, names, and limits that\n"
		"follow from callspool's own.  --check reads one as nginx does, and says what it does to a player and what\n"
		"to write instead: callspool doctor proxy.  --explain tells of single requests to which server and location\n"
		"they come, what is sent on, and what is in force there, with file and line.\n"
		"Exit status: 2 public_url has a path, below which the page does not work.\n",
	.examples =
		"  callspool nginx >/etc/nginx/conf.d/callspool.conf\n"
		"  callspool nginx --beside >/etc/nginx/snippets/callspool.conf\n"
		"  nginx -VT 2>&1 | callspool nginx --check -\n"
		"  callspool nginx --explain /etc/nginx/nginx.conf --url https://calls.example.com/health\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_nginx,
};
