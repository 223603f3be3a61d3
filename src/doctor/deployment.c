#include "doctor/deployment.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_OLD_MS   (40 * 1000) /* of the minute that it lasts */
#define SERVER_WAIT_MS 10000

void deployment_ask_server(const struct deployment *deployment, const struct place_ask *ask,
			   struct http_answer *out)
{
	AUTO(free) char *url = xasprintf("http://callspool%s", ask->path);
	const struct http_ask request = {
		.method = ask->method,
		.url = url,
		.unix_path = deployment->socket_path,
		.headers = ask->headers,
		.body = ask->body,
		.limit_ms = ask->limit_ms > 0 ? ask->limit_ms : SERVER_WAIT_MS,
		.is_cancelled = deployment->is_cancelled,
	};

	http_ask(&request, out);
}

/* NULL: not answered with 200 and JSON. */
static json_t *ask_json(const struct deployment *deployment, const char *path, const char *body,
			struct http_answer *out)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct place_ask ask = { .method = body ? "POST" : NULL,
				       .path = path,
				       .headers = body ? headers : NULL,
				       .body = body };

	deployment_ask_server(deployment, &ask, out);
	if (out->status != 200)
		return NULL;
	return json_loadb(out->body.at, out->body.len, 0, NULL);
}

static json_t *get_json(const struct deployment *deployment, const char *path)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };

	return ask_json(deployment, path, NULL, &answer);
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *newest_recording(const json_t *calls)
{
	const json_t *call = json_array_get(json_object_get(calls, "calls"), 0);

	return text(json_array_get(json_object_get(call, "recordings"), 0), "recording_sid");
}

static void read_probes(struct deployment *deployment)
{
	const json_t *begun = deployment->begun, *calls = json_object_get(begun, "calls");
	const json_t *webhook = json_object_get(begun, "webhook");

	deployment->probe = (struct probe_facts){
		.stored = text(calls, "stored"),
		.flight = text(calls, "flight"),
		.echo = text(calls, "echo"),
		.missing = text(calls, "missing"),
		.sha256 = text(begun, "sha256"),
		.size = number(begun, "size"),
		.flight_ms = number(begun, "flight_ms"),
		.recording = newest_recording(deployment->calls),
		.webhook_path = text(webhook, "path"),
		.webhook_body = text(webhook, "body"),
		.webhook_signature = text(webhook, "signature"),
	};
}

static void read_facts(struct deployment *deployment)
{
	const json_t *begun = deployment->begun;

	deployment->server = (struct server_facts){
		.version = text(begun, "version"),
		.public_url = text(begun, "public_url"),
		.direct_url = text(begun, "direct_url"),
		.auth = text(begun, "auth"),
		.user_header = text(begun, "user_header"),
		.other_origin = text(begun, "origin"),
		.play_wait_ms = number(begun, "play_wait_ms"),
		.keepalive_ms = number(begun, "keepalive_ms"),
		.head_ms = number(begun, "head_ms"),
		.send_ms = number(begun, "send_ms"),
	};
	/* What its settings said at the start may have changed since; one of before does not say. */
	if (json_object_get(begun, "min_free_bytes"))
		deployment->machine.min_free_bytes = (uint64_t)number(begun, "min_free_bytes");
}

static void keep_token(struct deployment *deployment, const json_t *begun)
{
	const char *token = text(begun, "token");

	free(deployment->token);
	deployment->token = token ? xasprintf("Authorization: Bearer %s", token) : NULL;
	deployment->token_at_ms = clock_monotonic_ms();
}

static json_t *begin(const struct deployment *deployment, struct http_answer *answer)
{
	const char *recording = newest_recording(deployment->calls);
	AUTO(free)
	char *body = recording ? xasprintf("{\"recording_sid\":\"%s\"}", recording) : xstrdup("{}");

	return ask_json(deployment, "/api/probes", body, answer);
}

/* All else that the server says of itself stays as it was while it runs. */
static void renew_token(struct deployment *deployment)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	json_t *begun;

	if (!deployment->begun || clock_monotonic_ms() - deployment->token_at_ms < TOKEN_OLD_MS)
		return;
	begun = begin(deployment, &answer);
	if (begun)
		keep_token(deployment, begun);
	json_decref(begun);
}

/* An address to connect to: one that stands for all of them is this machine's own. */
static char *reachable(const char *url)
{
	struct str rest = str_of(url);
	size_t at;

	if (!url || !str_starts(rest, STR("http")))
		return NULL;
	at = str_find_str(rest, STR("://0.0.0.0:"));
	if (at < rest.len)
		return xasprintf("%.*s://127.0.0.1:%s", (int)at, url, url + at + 11);
	at = str_find_str(rest, STR("://[::]:"));
	if (at < rest.len)
		return xasprintf("%.*s://[::1]:%s", (int)at, url, url + at + 8);
	return xstrdup(url);
}

static char *without_slash(const char *url)
{
	size_t len = url ? strlen(url) : 0;

	while (len > 0 && url[len - 1] == '/')
		len--;
	return url ? xasprintf("%.*s", (int)len, url) : NULL;
}

static void set_places(struct deployment *deployment, const struct deployment_options *options)
{
	AUTO(free)
	char *would = options->machine.listen ? xasprintf("http://%s", options->machine.listen)
					      : NULL;

	deployment->direct = reachable(deployment->server.direct_url);
	deployment->would_listen = reachable(would);
	deployment->base_url =
		without_slash(options->url ? options->url : deployment->server.public_url);
	snprintf(deployment->name, sizeof(deployment->name), "through %s",
		 deployment->base_url ? deployment->base_url : "the public address");
	deployment->places[PLACE_DIRECT] =
		(struct place){ .name = "directly", .url = deployment->direct };
	deployment->places[PLACE_PUBLIC] =
		(struct place){ .name = deployment->name, .url = deployment->base_url };
}

/* All plays are compared with this. */
static void fetch_media(struct deployment *deployment)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	AUTO(free)
	char *path = xasprintf("/api/calls/%s/download",
			       deployment->probe.stored ? deployment->probe.stored : "");
	const struct place_ask ask = { .path = path };
	struct buf empty;

	buf_init(&deployment->media, HTTP_ASK_BODY_MAX);
	if (!deployment->probe.stored)
		return;
	deployment_ask_server(deployment, &ask, &answer);
	if (answer.status != 200 || (int64_t)answer.body.len != deployment->probe.size)
		return;
	empty = deployment->media;
	deployment->media = answer.body;
	answer.body = empty;
}

static void tell_failure(struct deployment *deployment, const struct http_answer *answer)
{
	struct buf why;

	buf_over(&why, deployment->why, sizeof(deployment->why));
	http_answer_describe(answer, &why);
	deployment->probe_failure = deployment->why;
}

static bool is_running(const struct http_answer *answer)
{
	return answer->end != HTTP_ASK_NO_CONNECTION;
}

void deployment_open(const struct deployment_options *options, struct deployment *out)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };

	*out = (struct deployment){
		.server = options->settings,
		.machine = options->machine,
		.nginx_conf = options->nginx_conf,
		.proxy = options->proxy,
		.socket_path = options->socket_path,
		.is_cancelled = options->is_cancelled,
	};
	out->calls = get_json(out, "/api/calls?state=stored&limit=1");
	out->begun = begin(out, &answer);
	if (out->begun) {
		read_facts(out);
		read_probes(out);
		keep_token(out, out->begun);
	} else if (is_running(&answer)) {
		out->server.version = "";
		tell_failure(out, &answer);
	}
	out->status = get_json(out, "/api/status");
	if (out->status)
		json_decref(options->ledger_status);
	else
		out->status = options->ledger_status;
	out->processes = get_json(out, "/api/processes");
	set_places(out, options);
	fetch_media(out);
}

void deployment_close(struct deployment *deployment)
{
	json_decref(deployment->begun);
	json_decref(deployment->calls);
	json_decref(deployment->status);
	json_decref(deployment->processes);
	buf_release(&deployment->media);
	free(deployment->base_url);
	free(deployment->direct);
	free(deployment->would_listen);
	if (deployment->token)
		explicit_bzero(deployment->token, strlen(deployment->token));
	free(deployment->token);
}

const char *deployment_proxy_pass(const struct deployment *deployment)
{
	const char *direct = deployment->places[PLACE_DIRECT].url;

	if (direct)
		return direct;
	return deployment->would_listen ? deployment->would_listen : "http://127.0.0.1:8080";
}

void deployment_ask(struct deployment *deployment, enum place_kind place,
		    const struct place_ask *ask, struct http_answer *out)
{
	AUTO(free) char *url = xasprintf("%s%s", deployment->places[place].url, ask->path);
	const char *headers[PLACE_HEADERS_MAX + 2] = { NULL };
	struct http_ask request = { .method = ask->method,
				    .url = url,
				    .headers = headers,
				    .body = ask->body,
				    .takes_head_only = ask->takes_head_only,
				    .limit_ms = ask->limit_ms,
				    .is_cancelled = deployment->is_cancelled };
	size_t count = 0;

	renew_token(deployment);
	while (ask->headers && count < PLACE_HEADERS_MAX && ask->headers[count]) {
		headers[count] = ask->headers[count];
		count++;
	}
	if (!ask->is_signed_out && deployment->token)
		headers[count] = deployment->token;
	http_ask(&request, out);
}
