/*
 * The simulated Twilio on a loop of its own, asked over plain sockets; and a webhook
 * that checks what it sends.
 */
#include "sim/sim.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "event/loop.h"
#include "http/form.h"
#include "http/http_server.h"
#include "http/reply.h"
#include "tap.h"
#include "twilio/callback.h"
#include "twilio/rest.h"
#include "twilio/signature.h"

#define RE         "REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RE_CUT     "REcccccccccccccccccccccccccccccccc"
#define CA         "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BASE       "/2010-04-01/Accounts/" SIM_ACCOUNT_SID
#define ANSWER_MAX (1u << 20)
#define PUBLIC_URL "https://calls.example.com"

/* ---- the webhook: all of it on the loop's thread, but for what is atomic ---- */

static atomic_int calls_told, recordings_told, signatures_wrong, refused_left;

static enum signature_result signature_of(const struct exchange *x, const struct form *form)
{
	struct twilio_param params[FORM_FIELDS_MAX];
	struct str token = STR(SIM_AUTH_TOKEN);
	struct signed_request request = { .public_url = STR(PUBLIC_URL),
					  .target = x->request.target,
					  .signature = x->request.known[HTTP_X_TWILIO_SIGNATURE],
					  .kind = SIGNED_FORM,
					  .params = params,
					  .param_count = form->count };

	for (size_t i = 0; i < form->count; i++)
		params[i] = (struct twilio_param){ form->fields[i].name, form->fields[i].value };
	return signature_check(&request, &token, 1);
}

static void webhook_post(struct exchange *x)
{
	AUTO(buf_release) struct buf room = { 0 };
	struct form form;

	buf_init(&room, 65536);
	if (!form_parse(x->request.body, &room, &form) ||
	    signature_of(x, &form) != SIGNATURE_GOOD) {
		signatures_wrong++;
		reply_begin(x, 403);
	} else if (refused_left > 0) {
		refused_left--;
		reply_begin(x, 503);
	} else {
		if (str_ends(x->request.path, STR("recording-status")))
			recordings_told++;
		else
			calls_told++;
		reply_begin(x, 200);
	}
	reply_send(x, STR("<Response/>"));
}

static void webhook_refuse(struct exchange *x, int status, const char *code, const char *text,
			   const char *allow)
{
	reply_begin(x, status);
	reply_send(x, STR(""));
}

static const struct http_route webhook_routes[] = {
	{ BIT(HTTP_POST), "/webhook/recording-status", webhook_post, 65536, NULL, 1 },
	{ BIT(HTTP_POST), "/webhook/call-status", webhook_post, 65536, NULL, 1 },
};
static const struct http_app webhook = { .routes = webhook_routes,
					 .route_count = ARRAY_LEN(webhook_routes),
					 .refuse = webhook_refuse };

/* ---- a client ---- */

static uint16_t port_of(const char *url)
{
	struct str text = str_of(url), piece = STR_NONE;
	uint64_t port = 0;

	while (str_cut(&text, ':', &piece))
		;
	return str_to_u64(piece, &port) ? (uint16_t)port : 0;
}

struct answer {
	char *bytes;
	int status;
	struct str body;
};

static void answer_release_at(struct answer *answer)
{
	free(answer->bytes);
}

/* One request on one connection; what comes until it ends, or `patience_ms` pass without a byte. */
static struct answer ask_for(uint16_t port, const char *method, const char *path,
			     const char *headers, const char *body, int patience_ms)
{
	AUTO(close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(free)
	char *request = xasprintf(
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
		method, path, headers, strlen(body), body);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct answer answer = { .bytes = xcalloc(1, ANSWER_MAX + 1) };
	size_t len = 0;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    send(fd, request, strlen(request), 0) != (ssize_t)strlen(request))
		return answer;
	while (len < ANSWER_MAX &&
	       poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, patience_ms) == 1) {
		ssize_t n = recv(fd, answer.bytes + len, ANSWER_MAX - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}

	struct str all = { answer.bytes, len };
	uint64_t status = 0;

	if (str_to_u64(str_first(str_after(all, 9), 3), &status))
		answer.status = (int)status;
	answer.body = str_after(all, str_find_str(all, STR("\r\n\r\n")) + 4);
	return answer;
}

static const char *authorization(void)
{
	static char line[256];
	struct str both = STR(SIM_ACCOUNT_SID ":" SIM_AUTH_TOKEN);
	struct buf buf;

	buf_over(&buf, line, sizeof(line));
	buf_add_text(&buf, "Authorization: Basic ");
	base64_add(&buf, (const uint8_t *)both.at, both.len);
	buf_add_text(&buf, "\r\n");
	return line;
}

static struct answer get(uint16_t port, const char *path)
{
	return ask_for(port, "GET", path, authorization(), "", 5000);
}

static struct answer post(uint16_t port, const char *path, const char *body)
{
	return ask_for(port, "POST", path, "Content-Type: application/json\r\n", body, 5000);
}

static bool holds(const struct answer *answer, const char *part)
{
	struct str all = str_of(answer->bytes);

	return str_find_str(all, str_of(part)) < all.len;
}

/* Until the condition holds; a minute is more than any machine needs. */
#define WAIT_FOR(condition, ...)                                        \
	do {                                                            \
		int64_t until_ms = clock_monotonic_ms() + 60000;        \
		while (!(condition) && clock_monotonic_ms() < until_ms) \
			poll(NULL, 0, 5);                               \
		OK(condition, __VA_ARGS__);                             \
	} while (0)

/* ---- what is checked ---- */

static void check_api(uint16_t port)
{
	AUTO(answer_release)
	struct answer placed = post(port, "/simulate/calls",
				    "{\"call_sid\":\"" CA "\",\"recording_sid\":\"" RE
				    "\",\"duration\":20,\"from\":\"+12025550100\"}");
	AUTO(answer_release)
	struct answer again = post(port, "/simulate/calls", "{\"call_sid\":\"" CA "\"}");
	AUTO(answer_release) struct answer one = get(port, BASE "/Recordings/" RE ".json");
	AUTO(answer_release) struct answer call = get(port, BASE "/Calls/" CA ".json");
	AUTO(answer_release)
	struct answer anonymous = ask_for(port, "GET", BASE "/Recordings.json", "", "", 5000);
	AUTO(answer_release)
	struct answer missing =
		get(port, BASE "/Recordings/RE00000000000000000000000000000000.json");
	AUTO(answer_release)
	struct answer missing_media =
		get(port, BASE "/Recordings/RE00000000000000000000000000000000");
	AUTO(rest_document_release) struct rest_document document = { 0 }, call_document = { 0 };
	struct rest_recording recording;
	struct rest_call read;
	struct rest_error error;
	struct err err = { 0 };

	IS_INT(placed.status, 201, "a call is placed");
	IS_INT(again.status, 400, "not twice with one SID");
	OK(rest_read_recording(one.body, &document, &recording, &err), "its recording is shown %s",
	   err.text);
	IS_STR(recording.call_sid, STR(CA), "with its call");
	IS_STR(recording.status, STR("completed"), "completed");
	IS_INT(recording.duration_s, 20, "as long as asked for");
	OK(rest_read_call(call.body, &call_document, &read, &err), "the call is shown %s",
	   err.text);
	IS_STR(read.from, STR("+12025550100"), "with who called");
	IS_INT(anonymous.status, 401, "not without credentials");
	OK(rest_read_error(anonymous.body, &error) && error.code == 20003, "which the body says");
	IS_INT(missing.status, 404, "what is not there");
	OK(rest_read_error(missing.body, &error) && error.code == 20404 &&
		   missing.body.at[0] == '{',
	   "is an error in JSON");
	OK(rest_read_error(missing_media.body, &error) && error.code == 20404 &&
		   missing_media.body.at[0] == '<',
	   "and in XML without .json");
}

/* Follows next_page_uri to the end; how many there were, all of them different and newest first. */
static void check_pages(uint16_t port)
{
	char next[512] = BASE "/Recordings.json?PageSize=7";
	int64_t last_ms = INT64_MAX;
	size_t count = 0;
	bool is_ordered = true;

	while (next[0] != '\0') {
		AUTO(answer_release) struct answer answer = get(port, next);
		AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };
		struct err err = { 0 };

		if (!rest_read_recordings(answer.body, &page, &err)) {
			OK(false, "a page: %s", err.text);
			return;
		}
		for (size_t i = 0; i < page.count; i++) {
			is_ordered = is_ordered && page.recordings[i].created_at_ms <= last_ms;
			last_ms = page.recordings[i].created_at_ms;
		}
		count += page.count;
		if (!page.next_page_uri.at || !str_copy(page.next_page_uri, next, sizeof(next)))
			next[0] = '\0';
	}
	OK(is_ordered, "pages go from the newest to the oldest");
	OK(count > 30 && count < 60, "and there are %zu of about 40", count);
}

static void check_media(uint16_t port)
{
	AUTO(answer_release)
	struct answer media = get(port, BASE "/Recordings/" RE ".mp3?RequestedChannels=2");
	AUTO(answer_release)
	struct answer mono = get(port, BASE "/Recordings/" RE ".mp3?RequestedChannels=1");
	AUTO(answer_release) struct answer wav = get(port, BASE "/Recordings/" RE);
	AUTO(answer_release) struct answer pristine = get(port, "/simulate/media/" RE ".mp3");
	AUTO(answer_release)
	struct answer single =
		post(port, "/simulate/calls",
		     "{\"recording_sid\":\"REbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"channels\":1}");
	AUTO(answer_release)
	struct answer refused =
		get(port,
		    BASE "/Recordings/REbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.mp3?RequestedChannels=2");

	IS_INT(media.status, 200, "media");
	OK(holds(&media, "Content-Type: audio/mpeg"), "are audio/mpeg");
	IS_INT(media.body.len, 68 + 288 * 278, "of 20 s at 32 kbit/s");
	OK(str_eq(media.body, pristine.body), "the same bytes as without faults");
	OK(mono.status == 200 && mono.body.len < media.body.len, "one channel is smaller");
	OK(holds(&wav, "Content-Type: audio/x-wav"), "without a suffix it is WAV");
	IS_INT(single.status, 201, "a recording of one channel");
	IS_INT(refused.status, 400, "cannot be had with two");
}

static void check_faults(uint16_t port)
{
	AUTO(answer_release)
	struct answer placed = post(port, "/simulate/calls",
				    "{\"recording_sid\":\"" RE_CUT
				    "\",\"duration\":20,\"callbacks\":false}");
	AUTO(answer_release)
	struct answer rules = post(port, "/simulate/faults",
				   "{\"rules\":[\"404#1:" RE_CUT "\",\"cut=50%#1:" RE_CUT
				   "\",\"slow=400000:" RE_CUT "\",\"hang:" RE "\"]}");
	AUTO(answer_release)
	struct answer bad = post(port, "/simulate/faults", "{\"rules\":[\"503\",\"nonsense\"]}");
	AUTO(answer_release) struct answer first = get(port, BASE "/Recordings/" RE_CUT ".mp3");
	AUTO(answer_release) struct answer second = get(port, BASE "/Recordings/" RE_CUT ".mp3");
	AUTO(answer_release) struct answer pristine = get(port, "/simulate/media/" RE_CUT ".mp3");
	AUTO(answer_release)
	struct answer hanging =
		ask_for(port, "GET", BASE "/Recordings/" RE ".mp3", authorization(), "", 100);
	AUTO(answer_release) struct answer counts = get(port, "/simulate/requests");

	IS_INT(placed.status, 201, "another recording");
	IS_INT(rules.status, 200, "rules are taken");
	IS_INT(bad.status, 400, "unless one is none; then none of them is");
	IS_INT(first.status, 404, "first it is not there");
	OK(holds(&second, "Content-Length: 80132\r\n") && second.status == 200,
	   "then a whole length is promised");
	OK(second.body.len > 30000 && second.body.len < 50000, "of which half comes: %zu",
	   second.body.len);
	OK(memcmp(second.body.at, pristine.body.at, second.body.len) == 0,
	   "and that half is right");
	IS_INT(hanging.status, 0, "the other one never answers");
	OK(holds(&counts, "\"" RE_CUT "\":{\"requests\":2,"), "two requests were counted");

	AUTO(answer_release)
	struct answer cleared = ask_for(port, "DELETE", "/simulate/faults", "", "", 5000);
	AUTO(answer_release) struct answer third = get(port, BASE "/Recordings/" RE_CUT ".mp3");

	IS_INT(cleared.status, 204, "rules are taken away");
	OK(str_eq(third.body, pristine.body), "and all is well");
}

/* "Twilio is down" in its ways, for the API as for media. */
static void check_api_faults(uint16_t port)
{
	static const struct {
		const char *rule;
		int status;
	} rows[] = {
		{ "503:api", 503 }, { "429=3:all", 429 },      { "close:api", 0 },
		{ "hang:all", 0 },  { "delay=20ms:api", 200 }, { "503", 200 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(free) char *rules = xasprintf("{\"rules\":[\"%s\"]}", rows[i].rule);
		AUTO(answer_release) struct answer added = post(port, "/simulate/faults", rules);
		AUTO(answer_release)
		struct answer list = ask_for(port, "GET", BASE "/Recordings.json", authorization(),
					     "", rows[i].status > 0 ? 5000 : 100);
		AUTO(answer_release)
		struct answer cleared = ask_for(port, "DELETE", "/simulate/faults", "", "", 5000);

		IS_INT(list.status, rows[i].status, "a list under '%s'", rows[i].rule);
		OK(added.status == 200 && cleared.status == 204, "the rule came and went");
	}
}

static void check_callbacks(uint16_t port)
{
	int calls = calls_told, recordings = recordings_told;

	WAIT_FOR(calls_told >= 3 && recordings_told >= 2, "callbacks of the calls so far");
	calls = calls_told;
	recordings = recordings_told;
	refused_left = 2;

	AUTO(answer_release)
	struct answer placed =
		post(port, "/simulate/calls", "{\"direction\":\"inbound\",\"speed\":1000}");

	IS_INT(placed.status, 201, "a call that goes through its stages");
	WAIT_FOR(calls_told >= calls + 3 && recordings_told >= recordings + 2,
		 "is told: ringing, in-progress, completed, and its recording twice");
	IS_INT(refused_left, 0, "although two were refused at first: they were retried");
	IS_INT(signatures_wrong, 0, "every signature was right");
}

static void check_delete(uint16_t port)
{
	AUTO(answer_release)
	struct answer gone =
		ask_for(port, "DELETE", BASE "/Recordings/" RE ".json", authorization(), "", 5000);
	AUTO(answer_release) struct answer after = get(port, BASE "/Recordings/" RE ".json");
	AUTO(answer_release)
	struct answer soft = get(port, BASE "/Recordings/" RE ".json?IncludeSoftDeleted=true");
	AUTO(answer_release) struct answer media = get(port, BASE "/Recordings/" RE ".mp3");

	IS_INT(gone.status, 204, "a recording is deleted");
	IS_INT(after.status, 404, "then it is not there");
	OK(soft.status == 200 && holds(&soft, "\"status\":\"deleted\""), "but its metadata are");
	IS_INT(media.status, 404, "and no media");
}

static void *run(void *loop)
{
	loop_run(loop);
	return NULL;
}

int main(void)
{
	struct http_options http_options = HTTP_OPTIONS_DEFAULT;
	struct http_server *server = NULL;
	struct http_local local;
	struct loop *loop = NULL;
	struct sim *sim = NULL;
	struct err err = { 0 };
	unsigned port = 0;
	int listen_fd = -1;
	pthread_t thread;
	char webhook_url[64];
	const char *const bad_rule[] = { "nonsense" };

	if (!loop_new(&loop, &err) ||
	    !http_server_open(loop, &webhook, &local, &http_options, &server, &err) ||
	    !http_listen_tcp("127.0.0.1:0", &listen_fd, &port, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	http_server_listen(server, listen_fd, false);
	snprintf(webhook_url, sizeof(webhook_url), "http://127.0.0.1:%u#rc=5&rp=5xx", port);

	struct sim_options options = { .listen = "127.0.0.1:0",
				       .webhook_url = webhook_url,
				       .signed_url = PUBLIC_URL,
				       .past_calls = 50,
				       .seed = 11,
				       .faults = bad_rule,
				       .fault_count = 1 };

	OK(!sim_start(loop, &options, &sim, &err), "a rule that is none is refused at start: %s",
	   err.text);
	options.fault_count = 0;
	if (!sim_start(loop, &options, &sim, &err)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	pthread_create(&thread, NULL, run, loop);
	check_api(port_of(sim_url(sim)));
	check_pages(port_of(sim_url(sim)));
	check_media(port_of(sim_url(sim)));
	check_faults(port_of(sim_url(sim)));
	check_api_faults(port_of(sim_url(sim)));
	check_callbacks(port_of(sim_url(sim)));
	check_delete(port_of(sim_url(sim)));
	loop_stop(loop);
	pthread_join(thread, NULL);
	sim_stop(sim);
	http_server_free(server);
	close(listen_fd);
	loop_free(loop);
	return tap_end();
}
