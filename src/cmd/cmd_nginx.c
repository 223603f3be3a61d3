/* callspool nginx: what nginx does with a request. */
#include "cmd/cmd_options.h"

#include "base/buf.h"
#include "base/own.h"
#include "nginx/nginx_conf.h"
#include "nginx/nginx_explain.h"
#include "nginx/nginx_request.h"

#include <stdio.h>

#define HEADERS_MAX    CMD_TEXTS_MAX
#define TEXT_BYTES_MAX (16u << 20)

struct nginx_command {
	struct cmd_options options; /* first: flags are read into all of it */
	const char *explained;      /* a configuration; "-" */
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

static int run_nginx(int argc, char **argv)
{
	struct nginx_command command = { 0 };
	int status;

	if (!cmd_options_read(&cmd_nginx, argc, argv, &command.options, &status))
		return status;
	status = command.explained ? explain(&command) : cmd_misused(&cmd_nginx, "nothing to do");
	cmd_options_release(&command.options);
	return status;
}

static const struct cmd_flag flags[] = {
	{ "--explain", CMD_TEXT, offsetof(struct nginx_command, explained), "FILE",
	  "what nginx does with each --url by this configuration; - is standard input" },
	{ "--url", CMD_TEXTS, offsetof(struct nginx_command, urls), "URL",
	  "a request; may be repeated" },
	{ "--method", CMD_TEXT, offsetof(struct nginx_command, method), "METHOD", "of it; GET" },
	{ "--client", CMD_TEXT, offsetof(struct nginx_command, client), "ADDRESS",
	  "whom it comes from; 203.0.113.7" },
	{ "--header", CMD_TEXTS, offsetof(struct nginx_command, headers), "'NAME: VALUE'",
	  "of it; may be repeated" },
	{ "--json", CMD_SWITCH, offsetof(struct nginx_command, options.is_json), NULL,
	  "as JSON, a line a request" },
	{ 0 },
};

const struct cmd cmd_nginx = {
	.name = "nginx",
	.summary = "what nginx does with a request",
	.usage = "--explain FILE --url URL... [--method METHOD] [--header LINE]... [--json]",
	.help = "Reads a configuration as nginx does, and tells what becomes of a request.\n",
	.examples =
		"  nginx -T | callspool nginx --explain - --url https://calls.example.com/api/calls\n",
	.flags = flags,
	.takes_settings = true,
	.run = run_nginx,
};
