#include "client/doctor_client.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "client/admin_client.h"
#include "doctor/report_json.h"
#include "doctor/report_text.h"

#include <jansson.h>
#include <stdio.h>

#define BODY_MAX   (1024 * 1024)
#define REPORT_MAX (8 * 1024 * 1024)

/* What is examined, and what its texts are kept in. */
struct examined {
	struct deployment deployment;
	json_t *status; /* of the server that runs; NULL: none does */
};

static void release(struct examined *examined)
{
	json_decref(examined->status);
}

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

/* NULL: no server answers. */
static json_t *ask_server(const struct settings *settings)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct err err;

	buf_init(&body, BODY_MAX);
	if (!admin_get(settings, "/api/status", &body, &err))
		return NULL;
	return json_loadb(body.at, body.len, 0, NULL);
}

static bool put_together(const struct doctor_request *request, struct examined *out,
			 struct err *err)
{
	const struct settings *settings = request->settings;
	struct deployment *deployment = &out->deployment;

	if (!admin_may_ask(settings, err) || !read_limits(request, &deployment->proxy, err))
		return false;
	out->status = ask_server(settings);
	deployment->server = (struct server_facts){
		.version = json_string_value(json_object_get(out->status, "version")),
		.public_url = settings->web.public_url,
		.play_wait_ms = settings->web.play_wait_ms,
		.keepalive_ms = settings->http.keepalive_timeout_ms,
	};
	deployment->public_url = request->url ? request->url : settings->web.public_url;
	deployment->nginx_conf = request->nginx_conf;
	return true;
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
	struct examined examined = { .status = NULL };
	bool is_good;

	if (!examination_validate(&request->examination, err))
		return false;
	*out = VERDICT_GOOD;
	if (request->is_list) {
		print_list(request);
		return true;
	}
	is_good = put_together(request, &examined, err);
	if (is_good) {
		examine(request, &examined.deployment, &report);
		*out = examination_verdict(&report);
	}
	release(&examined);
	return is_good;
}
