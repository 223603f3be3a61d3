/*
 * What the doctor takes to be examined: put together from what a server says of itself over its socket, and without one from the
 * settings; and how it asks a place.
 */
#include "doctor/deployment.h"

#include "base/mem.h"
#include "base/own.h"
#include "fake_place.h"
#include "tap.h"

#include <string.h>

static int64_t now_ms = 1000000;

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return now_ms;
}

#define RECORDING "RE00000000000000000000000000000001"

static struct fake_place server, place;
static char folder[] = "/tmp/deployment.XXXXXX";
static char *socket_path;

#define CALLS  "GET /api/calls?state=stored&limit=1 "
#define PROBES "POST /api/probes "
#define STATUS "GET /api/status "
#define OTHERS "GET /api/processes "
#define MEDIA  "GET /api/calls/CA1/download "
#define BEGUN(size)                                                                         \
	"{\"version\":\"1.2\",\"public_url\":\"https://calls.test/\",\"direct_url\":"       \
	"\"http://0.0.0.0:8080\",\"auth\":\"proxy\",\"user_header\":\"X-User\",\"origin\":" \
	"\"https://crm.test\",\"min_free_bytes\":9437184000,"                               \
	"\"play_wait_ms\":1,\"keepalive_ms\":2,\"head_ms\":3,\"send_ms\":4,"                \
	"\"token\":\"t0\",\"sha256\":\"abc\",\"size\":" size ",\"flight_ms\":5,\"calls\":{" \
	"\"stored\":\"CA1\",\"flight\":\"CA2\",\"echo\":\"CA3\",\"missing\":\"CA4\"},"      \
	"\"webhook\":{\"path\":\"/webhook\",\"body\":\"a=b\",\"signature\":\"s\"}}"
#define ONE_CALL "{\"calls\":[{\"recordings\":[{\"recording_sid\":\"" RECORDING "\"}]}]}"

static const struct page running[] = {
	{ CALLS, NULL, "200 OK", ONE_CALL },
	{ PROBES, "{\"recording_sid\":\"" RECORDING "\"}", "200 OK", BEGUN("5") },
	{ STATUS, NULL, "200 OK", "{\"calls\":7}" },
	{ OTHERS, NULL, "200 OK", "{\"shared\":true}" },
	{ MEDIA, NULL, "200 OK", "sound" },
	{ 0 },
};

static struct deployment_options options_at(const char *path)
{
	return (struct deployment_options){
		.socket_path = path,
		.settings = { .public_url = "http://set.test", .play_wait_ms = 25000 },
		.machine = { .data_dir = "/data", .listen = "[::]:9000", .min_free_bytes = 512 },
		.proxy = PROXY_LIMITS_UNKNOWN,
		.nginx_conf = "/etc/nginx/nginx.conf",
		.ledger_status = json_pack("{s:i}", "calls", 1),
	};
}

static void test_running(void)
{
	const struct deployment_options options = options_at(socket_path);
	struct deployment deployment;

	place_say(&server, running);
	deployment_open(&options, &deployment);
	IS_STR(str_of(deployment.server.version), STR("1.2"), "the version");
	IS_STR(str_of(deployment.server.public_url), STR("https://calls.test/"), "public_url");
	IS_STR(str_of(deployment.server.auth), STR("proxy"), "how people sign in");
	IS_STR(str_of(deployment.server.user_header), STR("X-User"), "by which header");
	IS_STR(str_of(deployment.server.other_origin), STR("https://crm.test"), "another origin");
	IS_INT(deployment.machine.min_free_bytes, 9437184000, "min_free, as it is there now");
	IS_INT(deployment.server.play_wait_ms, 1, "play_wait");
	IS_INT(deployment.server.keepalive_ms, 2, "keepalive_timeout");
	IS_INT(deployment.server.head_ms, 3, "the wait for a head");
	IS_INT(deployment.server.send_ms, 4, "send_timeout");
	IS_STR(str_of(deployment.probe.stored), STR("CA1"), "what is stored");
	IS_STR(str_of(deployment.probe.flight), STR("CA2"), "what is in flight");
	IS_STR(str_of(deployment.probe.echo), STR("CA3"), "what echoes");
	IS_STR(str_of(deployment.probe.missing), STR("CA4"), "what is missing");
	IS_STR(str_of(deployment.probe.sha256), STR("abc"), "the digest");
	IS_INT(deployment.probe.size, 5, "its size");
	IS_INT(deployment.probe.flight_ms, 5, "how long a flight takes");
	IS_STR(str_of(deployment.probe.recording), STR(RECORDING), "the newest that is stored");
	IS_STR(str_of(deployment.probe.webhook_path), STR("/webhook"), "where a webhook goes");
	IS_STR(str_of(deployment.probe.webhook_body), STR("a=b"), "its body");
	IS_STR(str_of(deployment.probe.webhook_signature), STR("s"), "its signature");
	IS_STR(buf_str(&deployment.media), STR("sound"), "the media, as the server has it");
	IS_INT(json_integer_value(json_object_get(deployment.status, "calls")), 7,
	       "the status is the server's");
	OK(json_is_true(json_object_get(deployment.processes, "shared")), "who serves beside it");
	OK(!deployment.probe_failure, "nothing failed");
	IS_STR(str_of(deployment.places[PLACE_DIRECT].url), STR("http://127.0.0.1:8080"),
	       "an address that stands for all of them is this machine's own");
	IS_STR(str_of(deployment.places[PLACE_PUBLIC].url), STR("https://calls.test"),
	       "the public address has no slash at its end");
	IS_STR(str_of(deployment.places[PLACE_DIRECT].name), STR("directly"), "the one place");
	IS_STR(str_of(deployment.places[PLACE_PUBLIC].name), STR("through https://calls.test"),
	       "the other");
	IS_STR(str_of(deployment_proxy_pass(&deployment)), STR("http://127.0.0.1:8080"),
	       "what stands behind proxy_pass");
	deployment_close(&deployment);
}

/* Nobody is there, or who is there makes no token. */
static void test_not_running(void)
{
	static const struct page refusing[] = { { PROBES, NULL, "503 Full", "no" },
						{ STATUS, NULL, "200 OK", "{\"calls\":7}" },
						{ 0 } };
	struct deployment_options options = options_at("/nonexistent/socket");
	struct deployment deployment;

	options.url = "http://given.test//";
	deployment_open(&options, &deployment);
	OK(!deployment.server.version && !deployment.probe_failure, "no server runs");
	IS_INT(deployment.server.play_wait_ms, 25000, "the settings are those that it would have");
	IS_INT(deployment.machine.min_free_bytes, 512, "and so is min_free");
	IS_INT(json_integer_value(json_object_get(deployment.status, "calls")), 1,
	       "the status is the ledger's");
	OK(!deployment.processes && deployment.media.len == 0 && !deployment.probe.stored,
	   "nothing can be played");
	OK(!deployment.places[PLACE_DIRECT].url, "it listens nowhere");
	IS_STR(str_of(deployment.places[PLACE_PUBLIC].url), STR("http://given.test"),
	       "an address that is given takes the place of the setting");
	IS_STR(str_of(deployment_proxy_pass(&deployment)), STR("http://[::1]:9000"),
	       "where it would listen");
	deployment_close(&deployment);

	options = options_at(socket_path);
	place_say(&server, refusing);
	deployment_open(&options, &deployment);
	OK(deployment.server.version && !deployment.server.version[0],
	   "a server runs, of whatever version");
	OK(deployment.probe_failure && str_starts(str_of(deployment.probe_failure), STR("503, ")),
	   "and why it made no token");
	IS_STR(str_of(deployment.places[PLACE_PUBLIC].url), STR("http://set.test"),
	       "the public address is that of the settings");
	deployment_close(&deployment);
}

/* One of a version before, which does not say all of it. */
static void test_older(void)
{
	static const struct page older[] = { { PROBES, NULL, "200 OK", "{\"version\":\"1.1\"}" },
					     { 0 } };
	const struct deployment_options options = options_at(socket_path);
	struct deployment deployment;

	place_say(&server, older);
	deployment_open(&options, &deployment);
	IS_STR(str_of(deployment.server.version), STR("1.1"), "a server of before");
	IS_INT(deployment.machine.min_free_bytes, 512, "is taken to have the min_free that is set");
	deployment_close(&deployment);
}

/* What is of another size than was said is not what plays are compared with. */
static void test_media_of_another_size(void)
{
	static const struct page longer[] = { { PROBES, NULL, "200 OK", BEGUN("6") },
					      { MEDIA, NULL, "200 OK", "sound" },
					      { 0 } };
	static const struct page refused[] = { { PROBES, NULL, "200 OK", BEGUN("5") },
					       { MEDIA, NULL, "404 None", "sound" },
					       { 0 } };
	const struct page *const pages[] = { longer, refused };

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		const struct deployment_options options = options_at(socket_path);
		struct deployment deployment;

		place_say(&server, pages[i]);
		deployment_open(&options, &deployment);
		IS_INT(deployment.media.len, 0, "media that is not what was promised, case %zu", i);
		OK(!deployment.probe.recording, "and nothing else is stored");
		deployment_close(&deployment);
	}
}

/* A token lasts a minute: after 40 s it is made anew, and all else stays as it was. */
static void test_token(void)
{
	static const struct page again[] = {
		{ PROBES, "{\"recording_sid\":\"" RECORDING "\"}", "200 OK",
		  "{\"token\":\"t1\",\"version\":\"9\"}" },
		{ 0 },
	};
	static const struct {
		int64_t after_ms;
		const char *header;
		size_t made;
	} rows[] = {
		{ 0, "\r\nAuthorization: Bearer t0\r\n", 0 },
		{ 39999, "\r\nAuthorization: Bearer t0\r\n", 0 },
		{ 40000, "\r\nAuthorization: Bearer t1\r\n", 1 },
		{ 79999, "\r\nAuthorization: Bearer t1\r\n", 1 },
		{ 80000, "\r\nAuthorization: Bearer t1\r\n", 2 },
	};
	const struct deployment_options options = options_at(socket_path);
	const struct place_ask ask = { .path = "/x" };
	struct deployment deployment;

	place_say(&server, running);
	place_say(&place, NULL);
	now_ms = 1000000;
	deployment_open(&options, &deployment);
	deployment.places[PLACE_PUBLIC].url = place.url;
	place_say(&server, again);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };

		now_ms = 1000000 + rows[i].after_ms;
		deployment_ask(&deployment, PLACE_PUBLIC, &ask, &answer);
		OK(place_was_told(&place, rows[i].header), "the token after %lld ms",
		   (long long)rows[i].after_ms);
		IS_INT(place_count(&server), rows[i].made, "so often it was made anew by then");
	}
	IS_STR(str_of(deployment.server.version), STR("1.2"), "all else stays as it was");
	deployment_close(&deployment);
}

static void test_listen(void)
{
	static const struct {
		const char *listen, *pass;
	} rows[] = {
		{ "127.0.0.1:80", "http://127.0.0.1:80" },
		{ "0.0.0.0:81", "http://127.0.0.1:81" },
		{ "unix:/run/callspool/http", "http://unix:/run/callspool/http" },
		{ NULL, "http://127.0.0.1:8080" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deployment_options options = options_at("/nonexistent/socket");
		struct deployment deployment;

		options.machine.listen = rows[i].listen;
		deployment_open(&options, &deployment);
		IS_STR(str_of(deployment_proxy_pass(&deployment)), str_of(rows[i].pass),
		       "it would listen on %s", rows[i].listen ? rows[i].listen : "nothing");
		deployment_close(&deployment);
	}
}

/* Signed in unless that is not wanted, with the headers that are given, and nothing else. */
static void test_ask(void)
{
	static const char *const headers[] = { "A: 1", "B: 2", "C: 3", "D: 4", "E: 5",
					       "F: 6", "G: 7", "H: 8", "I: 9", NULL };
	static const struct page pages[] = { { "GET /x ", NULL, "200 OK", "x" }, { 0 } };
	struct place_ask ask = { .path = "/x", .headers = headers };
	const struct deployment_options options = options_at(socket_path);
	struct deployment deployment;

	place_say(&server, running);
	place_say(&place, pages);
	deployment_open(&options, &deployment);
	deployment.places[PLACE_PUBLIC].url = place.url;
	for (int i = 0; i < 2; i++) {
		__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };

		ask.is_signed_out = i == 1;
		deployment_ask(&deployment, PLACE_PUBLIC, &ask, &answer);
		IS_INT(answer.status, 200, "it is asked");
		IS_INT(place_was_told(&place, "\r\nAuthorization: Bearer t0\r\n"), i == 0,
		       "with the doctor's token, or without");
		OK(place_was_told(&place, "\r\nA: 1\r\n") && place_was_told(&place, "\r\nH: 8\r\n"),
		   "with as many headers as there is room for");
		OK(!place_was_told(&place, "\r\nI: 9") && !place_was_told(&place, "\r\nAccept:"),
		   "and with no other");
	}
	deployment_close(&deployment);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	socket_path = xasprintf("%s/socket", folder);
	place_start_at(&server, socket_path);
	place_start(&place);
	test_running();
	test_not_running();
	test_older();
	test_media_of_another_size();
	test_token();
	test_listen();
	test_ask();
	place_stop(&server);
	place_stop(&place);
	unlink(socket_path);
	rmdir(folder);
	free(socket_path);
	return tap_end();
}
