/*
 * callspool doctor: asks the server that runs what it is, puts together what is to be examined, and prints what came of it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"
#include "doctor/deployment.h"
#include "doctor/examination.h"

#include <stdbool.h>

struct doctor_request {
	const struct settings *settings;
	const char *url;        /* through the proxy, in place of public_url; NULL: that */
	const char *nginx_conf; /* NULL: none */
	const char *proxy_read_timeout, *proxy_send_timeout, *proxy_connect_timeout,
		*proxy_keepalive; /* as a setting says durations; NULL: not said */
	struct examination examination;
	const char *settings_options; /* of the command, as report.h has them; NULL: none */
	bool is_json, is_list;
	bool is_watch;     /* again and again, until it is ended; tells what has changed */
	const char *every; /* a duration: how often; NULL: 60 s */
};

/* Prints on standard output.  ERR_INVALID: what was asked for makes no sense. */
bool doctor_client_run(const struct doctor_request *request, enum doctor_verdict *out,
		       struct err *err) MUST_CHECK;
