#include "client/doctor_client.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "client/admin_client.h"
#include "client/ledger_status.h"
#include "doctor/report_json.h"
#include "doctor/report_text.h"
#include "twilio/accounts.h"

#include <jansson.h>
#include <stdio.h>

#define BODY_MAX   (1024 * 1024)
#define REPORT_MAX (8 * 1024 * 1024)

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

/* The credentials are copies: of them the command knows what it was given. */
static void describe_machine(const struct settings *settings, struct machine_facts *out)
{
	const struct account_options *account = &settings->account;

	*out = (struct machine_facts){
		.data_dir = settings->data_dir,
		.min_free_bytes = settings->web.min_free_bytes,
		.api_url = account->api_url ? account->api_url : ACCOUNT_API_URL,
		.account_sid = account->account_sid,
		.user = account->api_key ? account->api_key : account->account_sid,
		.password = account->api_key ? account->api_secret : account->auth_token,
	};
}

static void describe_settings(const struct settings *settings, struct server_facts *out)
{
	*out = (struct server_facts){
		.public_url = settings->web.public_url,
		.play_wait_ms = settings->web.play_wait_ms,
		.keepalive_ms = settings->http.keepalive_timeout_ms,
		.head_ms = settings->http.head_timeout_ms,
		.send_ms = settings->http.send_timeout_ms,
	};
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

static void examine(const struct doctor_request *request, struct deployment *deployment,
		    struct report *report)
{
	struct examination examination = request->examination;
	struct report_text text;

	if (request->is_json) {
		examination_run(&examination, deployment, report);
		print_json(report);
		return;
	}
	report_text_start(&text, stdout);
	examination.watch = &text.watch;
	examination_run(&examination, deployment, report);
	report_text_end(&text, report);
}

bool doctor_client_run(const struct doctor_request *request, enum verdict *out, struct err *err)
{
	__attribute__((cleanup(report_release_at))) struct report report = { .count = 0 };
	AUTO(free) char *socket_path = NULL;
	AUTO(close) int folder_fd = -1;
	struct deployment_options options = { .url = request->url,
					      .nginx_conf = request->nginx_conf };
	struct deployment deployment;

	*out = VERDICT_GOOD;
	if (!examination_validate(&request->examination, err) ||
	    !read_limits(request, &options.proxy, err))
		return false;
	if (request->is_list) {
		print_list(request);
		return true;
	}
	if (!admin_may_ask(request->settings, err) ||
	    !admin_address(request->settings, &socket_path, &folder_fd, err))
		return false;
	options.socket_path = socket_path;
	options.ledger_status = read_ledger(request->settings);
	describe_machine(request->settings, &options.machine);
	describe_settings(request->settings, &options.settings);
	deployment_open(&options, &deployment);
	examine(request, &deployment, &report);
	deployment_close(&deployment);
	*out = examination_verdict(&report);
	return true;
}
