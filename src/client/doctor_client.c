#include "client/doctor_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/shell_word.h"
#include "base/str.h"
#include "client/admin_client.h"
#include "client/ledger_status.h"
#include "doctor/report_changes.h"
#include "doctor/report_json.h"
#include "doctor/report_text.h"
#include "server/deployment_settings.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX       (1024 * 1024)
#define OPTIONS_MAX    4096
#define REPORT_MAX     (8 * 1024 * 1024)
#define EVERY_MS       (60 * 1000)
#define EVERY_LEAST_MS 1000
#define EVERY_MOST_MS  (INT64_C(7) * 24 * 60 * 60 * 1000)

static bool read_limit(const char *option, const char *text, struct proxy_limit *out,
		       struct err *err)
{
	*out = PROXY_LIMIT_UNKNOWN;
	if (!text)
		return true;
	out->source = option;
	return str_to_duration_ms(str_of(text), &out->ms) ||
	       err_set(err, ERR_INVALID, "%s %s: expected a duration, as 60s", option, text);
}

static bool read_limits(const struct doctor_request *request, struct proxy_limits *out,
			struct err *err)
{
	return read_limit("--proxy-read-timeout", request->proxy_read_timeout, &out->read, err) &&
	       read_limit("--proxy-send-timeout", request->proxy_send_timeout, &out->send, err) &&
	       read_limit("--proxy-connect-timeout", request->proxy_connect_timeout, &out->connect,
			  err) &&
	       read_limit("--proxy-keepalive", request->proxy_keepalive, &out->keepalive, err);
}

static void add_option(const char *name, const char *value, struct buf *out)
{
	if (!value)
		return;
	buf_addf(out, " %s ", name);
	shell_word_add(out, str_of(value));
}

/* What this run looks at, so that it can be looked at again. */
static void add_options(const struct doctor_request *request, struct buf *out)
{
	add_option("--url", request->url, out);
	add_option("--nginx-conf", request->nginx_conf, out);
	add_option("--proxy-read-timeout", request->proxy_read_timeout, out);
	add_option("--proxy-send-timeout", request->proxy_send_timeout, out);
	add_option("--proxy-connect-timeout", request->proxy_connect_timeout, out);
	add_option("--proxy-keepalive", request->proxy_keepalive, out);
}

/* NULL: there is none that can be read. */
static json_t *read_ledger(const struct settings *settings)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct err err;

	buf_init(&body, BODY_MAX);
	if (!ledger_status(settings, &body, &err))
		return NULL;
	return json_loadb(body.at, body.len, 0, NULL);
}

static void print_json(const struct report *report)
{
	__attribute__((cleanup(buf_release_at))) struct buf text;
	struct json json;

	buf_init(&text, REPORT_MAX);
	json_start(&json, &text);
	if (report) {
		json_open(&json, NULL, '{');
		report_json_write(report, &json);
		json_close(&json, '}');
	} else {
		report_json_list(&json);
	}
	printf("%s\n", text.at);
}

static void print_list(const struct doctor_request *request)
{
	struct report_text text;

	if (request->is_json) {
		print_json(NULL);
		return;
	}
	report_text_start(&text, stdout);
	report_text_list(&text);
}

static void examine(const struct doctor_request *request, const struct deployment_options *options,
		    struct examination_watch *watch, struct report *report)
{
	struct deployment_options fresh = *options;
	struct examination examination = request->examination;
	struct deployment deployment;
	char options_text[OPTIONS_MAX];
	struct buf own;

	buf_over(&own, options_text, sizeof(options_text));
	add_options(request, &own);
	report->doctor_options = buf_ok(&own) ? own.at : NULL;
	report->settings_options = request->settings_options;
	fresh.ledger_status = read_ledger(request->settings);
	examination.watch = watch;
	deployment_open(&fresh, &deployment);
	examination_run(&examination, &deployment, report);
	deployment_close(&deployment);
	report->doctor_options = NULL; /* gone with this */
}

static void examine_once(const struct doctor_request *request,
			 const struct deployment_options *options, struct report *report)
{
	struct report_text text;

	if (request->is_json) {
		examine(request, options, NULL, report);
		print_json(report);
		return;
	}
	report_text_start(&text, stdout);
	examine(request, options, &text.watch, report);
	report_text_end(&text, report);
}

/* Until a signal ends the process. */
static void keep_watching(const struct doctor_request *request,
			  const struct deployment_options *options, int64_t every_ms,
			  struct report *before)
{
	struct terminal terminal;

	terminal_start(&terminal, stdout);
	for (;;) {
		struct report now = { .count = 0 };

		(void)poll(NULL, 0, (int)every_ms);
		examine(request, options, NULL, &now);
		if (request->is_json)
			print_json(&now);
		else
			report_changes_print(before, &now, clock_wall_ms(), &terminal);
		fflush(stdout);
		report_release(before);
		*before = now;
	}
}

static bool read_every(const struct doctor_request *request, int64_t *out_ms, struct err *err)
{
	*out_ms = EVERY_MS;
	if (request->is_watch && request->nginx_conf && strcmp(request->nginx_conf, "-") == 0)
		return err_set(
			err, ERR_INVALID,
			"--watch reads nginx's configuration each time: name a file in place of -");
	if (!request->every)
		return true;
	return (str_to_duration_ms(str_of(request->every), out_ms) && *out_ms >= EVERY_LEAST_MS &&
		*out_ms <= EVERY_MOST_MS) ||
	       err_set(err, ERR_INVALID, "--every %s: expected a duration from 1s to 7d",
		       request->every);
}

bool doctor_client_run(const struct doctor_request *request, enum doctor_verdict *out,
		       struct err *err)
{
	__attribute__((cleanup(report_release_at))) struct report report = { .count = 0 };
	AUTO(free) char *socket_path = NULL;
	AUTO(close) int folder_fd = -1;
	struct deployment_options options = { .url = request->url,
					      .nginx_conf = request->nginx_conf };
	int64_t every_ms;

	*out = VERDICT_GOOD;
	if (!examination_validate(&request->examination, err) ||
	    !read_limits(request, &options.proxy, err) || !read_every(request, &every_ms, err))
		return false;
	if (request->is_list) {
		print_list(request);
		return true;
	}
	if (!admin_may_ask(request->settings, err) ||
	    !admin_address(request->settings, &socket_path, &folder_fd, err))
		return false;
	options.socket_path = socket_path;
	deployment_settings(request->settings, &options);
	examine_once(request, &options, &report);
	fflush(stdout);
	*out = examination_verdict(&report);
	if (request->is_watch)
		keep_watching(request, &options, every_ms, &report);
	return true;
}
