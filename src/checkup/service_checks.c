#include "checkup/service_checks.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/report.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TEXT_MAX       1024
#define INODES_MIN     1000  /* files that may still be made */
#define CLOCK_APART_S  30    /* more, and what is signed or expires is judged by another time */
#define ANSWER_WAIT_MS 10000 /* /health takes milliseconds */

static void check_runs(struct deployment *deployment, struct report *report)
{
	if (deployment->server.version && !deployment->probe_failure) {
		report_good(report, "callspool %s runs on this data folder",
			    deployment->server.version);
		return;
	}
	if (deployment->probe_failure) {
		report_finding(report, &(struct finding){
					       .says = "callspool runs, but cannot write",
					       .looked_at = deployment->probe_failure,
					       .expected = "a token for the doctor, which is "
							   "written to the ledger",
					       .confirm = "callspool status",
				       });
		return;
	}
	report_finding(report, &(struct finding){
				       .says = "callspool does not run",
				       .looked_at = "the administrator's socket in the data folder",
				       .expected = "a server that answers there",
				       .write = "systemctl start callspool",
				       .confirm = "callspool health",
			       });
}

/* ---- does it answer? ---- */

/* A health check as callspool answers it, and nobody else does. */
static bool is_callspool(const struct http_answer *answer)
{
	struct str body = buf_str(&answer->body);

	return answer->status == 200 && str_find_str(body, STR("\"degraded\"")) < body.len &&
	       str_find_str(body, STR("\"version\"")) < body.len;
}

static const char *look(struct deployment *deployment, enum place_kind place, struct buf *looked,
			struct http_answer *answer)
{
	const struct place_ask ask = { .path = "/health",
				       .is_signed_out = true,
				       .limit_ms = ANSWER_WAIT_MS };

	deployment_ask(deployment, place, &ask, answer);
	buf_addf(looked, "GET %s/health: ", deployment->places[place].url);
	http_answer_describe(answer, looked);
	return looked->at;
}

static void check_answers(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	struct place *place = &deployment->places[PLACE_DIRECT];
	char text[TEXT_MAX];
	struct buf looked;

	buf_over(&looked, text, sizeof(text));
	if (!place->url) {
		if (deployment->server.version)
			report_left_out(report, "it listens on no TCP address");
		else
			report_lacking(report, "no server runs");
		place->silent = deployment->server.version ? NULL : "runs";
		return;
	}
	look(deployment, PLACE_DIRECT, &looked, &answer);
	if (is_callspool(&answer)) {
		report_good(report, "%s answers in %lld ms", place->url,
			    (long long)answer.total_ms);
		return;
	}
	place->silent = "answers";
	report_finding(report, &(struct finding){
				       .says = "callspool does not answer on the address that it "
					       "listens on",
				       .looked_at = text,
				       .expected = "200, and callspool's own health",
			       });
}

/* What a proxy answers in callspool's place, and why. */
static const struct {
	enum http_ask_end end;
	long status;
	const char *says, *write;
} public_failures[] = {
	{ HTTP_ASK_NO_NAME, 0, "the host of the public address has no address in the DNS", NULL },
	{ HTTP_ASK_NO_CONNECTION, 0, "nobody listens at the public address: the proxy does not run",
	  "systemctl start nginx" },
	{ HTTP_ASK_NO_TLS, 0, "the public address has no certificate that players accept", NULL },
	{ HTTP_ASK_LATE, 0, "the public address does not answer in time", NULL },
	{ HTTP_ASK_NO_ANSWER, 0, "what listens at the public address does not speak HTTP there",
	  NULL },
	{ HTTP_ASK_WHOLE, 502,
	  "the proxy answers 502: it does not reach callspool, or not on the port on which it listens",
	  NULL },
	{ HTTP_ASK_WHOLE, 503, "the proxy answers 503: it holds callspool to be down", NULL },
	{ HTTP_ASK_WHOLE, 504, "the proxy answers 504: it waits for callspool in vain", NULL },
	{ HTTP_ASK_WHOLE, 301, "the public address redirects: public_url is not where it leads",
	  NULL },
	{ HTTP_ASK_WHOLE, 302, "the public address redirects: public_url is not where it leads",
	  NULL },
	{ HTTP_ASK_WHOLE, 308, "the public address redirects: public_url is not where it leads",
	  NULL },
	{ HTTP_ASK_WHOLE, 404, "the proxy does not pass /health on to callspool", NULL },
	{ HTTP_ASK_WHOLE, 0, "somebody else answers at the public address", NULL },
};

static void tell_public_failure(struct deployment *deployment, const struct http_answer *answer,
				const char *looked_at, struct report *report)
{
	AUTO(free)
	char *own = xasprintf("proxy_pass %s;", deployment_proxy_pass(deployment));
	const char *write = answer->status == 502 || answer->status == 404 ? own : NULL;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(public_failures) &&
	       (public_failures[i].end != answer->end ||
		(public_failures[i].status != answer->status)))
		i++;
	report_finding(report,
		       &(struct finding){
			       .says = public_failures[i].says,
			       .looked_at = looked_at,
			       .expected =
				       "200, and callspool's own health, as it answers directly",
			       .write = public_failures[i].write ? public_failures[i].write : write,
		       });
}

static void check_public(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	struct place *place = &deployment->places[PLACE_PUBLIC];
	char text[TEXT_MAX];
	const char *cause;
	struct buf looked;

	buf_over(&looked, text, sizeof(text));
	if (!place->url) {
		place->silent = "public-url";
		report_lacking(report, "there is no public address: set public_url, or give --url");
		return;
	}
	look(deployment, PLACE_PUBLIC, &looked, &answer);
	if (is_callspool(&answer)) {
		report_good(report, "%s answers in %lld ms", place->url,
			    (long long)answer.total_ms);
		return;
	}
	place->silent = "public";
	cause = deployment->server.version ? deployment->places[PLACE_DIRECT].silent : "runs";
	if (cause && (answer.status >= 502 || answer.end == HTTP_ASK_NO_CONNECTION)) {
		report_lacking(report, "it follows from %s", cause);
		return;
	}
	tell_public_failure(deployment, &answer, text, report);
}

static void check_public_url(struct deployment *deployment, struct report *report)
{
	const char *url = deployment->server.public_url;

	if (url) {
		report_good(report, "%s", url);
		return;
	}
	report_finding(report,
		       &(struct finding){
			       .says = "public_url is not set, so that every webhook is refused",
			       .looked_at = "the setting public_url",
			       .expected = "the address that Twilio and players use",
			       .write = "public_url = https://calls.example.com",
		       });
}

/* ---- what callspool says of itself ---- */

/* Other checks look at these themselves, and say what to do. */
static bool is_told_elsewhere(const char *cause)
{
	static const char *const beginnings[] = {
		"Webhooks are refused",   "Twilio refuses",    "Twilio does not answer",
		"There are dead letters", "A recording waits", "Twilio's list",
		"The disk has less room",
	};

	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
		if (str_starts(str_of(cause), str_of(beginnings[i])))
			return true;
	return false;
}

static void check_health(struct deployment *deployment, struct report *report)
{
	const json_t *cause;
	size_t i, count = 0;

	if (!deployment->status) {
		report_unchecked(report, "neither a server nor a ledger says how it does");
		return;
	}
	json_array_foreach(json_object_get(deployment->status, "causes"), i, cause)
	{
		if (is_told_elsewhere(json_string_value(cause)))
			continue;
		count++;
		report_finding(report, &(struct finding){
					       .severity = SEVERITY_WEAKENS,
					       .says = json_string_value(cause),
					       .looked_at = "callspool's own health",
					       .confirm = "callspool status",
				       });
	}
	if (count == 0)
		report_good(report, "nothing else that callspool knows of is wrong");
}

/* ---- the disk ---- */

static bool try_write(const char *folder, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/doctor.XXXXXX", folder);
	AUTO(close) int fd = mkostemp(path, O_CLOEXEC);
	bool is_good;

	if (fd < 0)
		return err_errno(err, "cannot make a file in '%s'", folder);
	is_good = (write(fd, "?", 1) == 1 && fsync(fd) == 0) ||
		  err_errno(err, "cannot write to '%s'", folder);
	unlink(path);
	return is_good;
}

static void check_store(struct deployment *deployment, struct report *report)
{
	const char *folder = deployment->machine.data_dir;
	struct err err;

	if (access(folder, F_OK) < 0) {
		report_unchecked(report, "'%s' is not there", folder);
		return;
	}
	if (try_write(folder, &err)) {
		report_good(report, "%s takes a file, and makes it durable", folder);
		return;
	}
	report_finding(report, &(struct finding){
				       .says = "the data folder cannot be written to",
				       .looked_at = err.text,
				       .expected = "a file that is made, written and made durable",
			       });
}

static void check_disk(struct deployment *deployment, struct report *report)
{
	const struct machine_facts *machine = &deployment->machine;
	struct statvfs disk;
	char text[TEXT_MAX];
	uint64_t free_bytes;

	if (statvfs(machine->data_dir, &disk) < 0) {
		report_unchecked(report, "'%s' is not there", machine->data_dir);
		return;
	}
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	snprintf(text, sizeof(text), "%s: %llu MiB and %llu files are free", machine->data_dir,
		 (unsigned long long)(free_bytes >> 20), (unsigned long long)disk.f_favail);
	if (free_bytes < machine->min_free_bytes) {
		AUTO(free)
		char *expected = xasprintf("at least min_free, %llu MiB",
					   (unsigned long long)(machine->min_free_bytes >> 20));

		report_finding(report, &(struct finding){
					       .says = "the disk is full: no recording is fetched",
					       .looked_at = text,
					       .expected = expected,
					       .confirm = "df -h",
				       });
		return;
	}
	/* File systems that make them as they are needed say 0 of 0. */
	if (disk.f_files > 0 && disk.f_favail < INODES_MIN) {
		report_finding(report, &(struct finding){
					       .says = "the disk has no room for more files",
					       .looked_at = text,
					       .expected = "at least 1000 that can be made",
					       .confirm = "df -i",
				       });
		return;
	}
	report_good(report, "%s", text);
}

/* ---- Twilio ---- */

static char *basic(const struct machine_facts *machine)
{
	AUTO(free) char *plain = xasprintf("%s:%s", machine->user, machine->password);
	char text[512];
	struct buf encoded;

	buf_over(&encoded, text, sizeof(text));
	buf_add_text(&encoded, "Authorization: Basic ");
	base64_add(&encoded, (const uint8_t *)plain, strlen(plain));
	explicit_bzero(plain, strlen(plain));
	return xstrdup(text);
}

static void ask_twilio(const struct deployment *deployment, struct http_answer *out)
{
	const struct machine_facts *machine = &deployment->machine;
	AUTO(free)
	char *url = xasprintf("%s/2010-04-01/Accounts/%s/Recordings.json?PageSize=1",
			      machine->api_url, machine->account_sid);
	AUTO(free) char *authorization = basic(machine);
	const char *const headers[] = { authorization, NULL };
	const struct http_ask ask = { .url = url,
				      .headers = headers,
				      .proxy = machine->proxy,
				      .ca_file = machine->ca_file,
				      .limit_ms = ANSWER_WAIT_MS,
				      .is_cancelled = deployment->is_cancelled };

	http_ask(&ask, out);
	explicit_bzero(authorization, strlen(authorization));
}

static void tell_twilio_failure(const struct machine_facts *machine,
				const struct http_answer *answer, struct report *report)
{
	bool is_refused = answer->status == 401 || answer->status == 403;
	char text[TEXT_MAX];
	struct buf looked;

	buf_over(&looked, text, sizeof(text));
	buf_addf(&looked, "%s, account %s: ", machine->api_url, machine->account_sid);
	http_answer_describe(answer, &looked);
	report_finding(report,
		       &(struct finding){
			       .says = is_refused ? "Twilio refuses the credentials"
						  : "Twilio cannot be reached",
			       .looked_at = text,
			       .expected = "200, and a list of recordings",
			       .consequence =
				       "What is stored plays. What is not comes only when this "
				       "is mended: until then a play of it is answered with the "
				       "reason.",
			       .write = is_refused ? "twilio.auth_token_file = FILE" : NULL,
		       });
}

/* The credentials are the server's alone: it says how Twilio answered it. */
static void judge_by_server(const struct deployment *deployment, struct report *report)
{
	const json_t *cause;
	size_t i;

	if (!deployment->server.version) {
		report_unchecked(report,
				 "this command does not know the credentials, and no server runs");
		return;
	}
	json_array_foreach(json_object_get(deployment->status, "causes"), i, cause)
	{
		if (!str_starts(str_of(json_string_value(cause)), STR("Twilio ")))
			continue;
		report_finding(report, &(struct finding){
					       .says = json_string_value(cause),
					       .looked_at = "callspool's own health",
					       .expected = "credentials that Twilio takes",
				       });
		return;
	}
	report_good(report, "callspool has no trouble with it");
}

static void check_twilio(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct machine_facts *machine = &deployment->machine;

	/* None serves without an account: one that runs has its own, whatever this command was given. */
	if (!machine->account_sid && !machine->accounts_file && !deployment->server.version) {
		report_finding(report, &(struct finding){
					       .says = "no Twilio account is set",
					       .looked_at = "the setting twilio.account_sid",
					       .expected = "the account whose calls are recorded",
					       .write = "twilio.account_sid = AC...",
				       });
		return;
	}
	if (!machine->account_sid || !machine->user || !machine->password) {
		judge_by_server(deployment, report);
		return;
	}
	ask_twilio(deployment, &answer);
	if (answer.status == 200)
		report_good(report, "%s answers account %s in %lld ms", machine->api_url,
			    machine->account_sid, (long long)answer.total_ms);
	else
		tell_twilio_failure(machine, &answer, report);
}

/* ---- the clocks ---- */

/* By how much the other's clock goes before ours; false: it does not say. */
static bool clock_apart(const struct http_answer *answer, int64_t *out_s)
{
	struct str date = http_answer_header(answer, "Date");
	char text[64];
	time_t theirs;

	if (!date.at || !str_copy(date, text, sizeof(text)))
		return false;
	theirs = curl_getdate(text, NULL);
	*out_s = (int64_t)theirs - clock_wall_ms() / 1000;
	return theirs > 0;
}

static void judge_clock(const char *who, int64_t apart_s, struct report *report)
{
	char text[TEXT_MAX];

	if (apart_s >= -CLOCK_APART_S && apart_s <= CLOCK_APART_S) {
		report_good(report, "within %d s of %s", CLOCK_APART_S, who);
		return;
	}
	snprintf(text, sizeof(text), "the clock of %s is %lld s %s this machine's", who,
		 (long long)(apart_s < 0 ? -apart_s : apart_s),
		 apart_s < 0 ? "behind" : "ahead of");
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "the clocks do not agree",
				       .looked_at = text,
				       .expected = "less than 30 s between them",
				       .write = "timedatectl set-ntp true",
				       .confirm = "timedatectl",
			       });
}

static void check_clocks(struct deployment *deployment, struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	const struct machine_facts *machine = &deployment->machine;
	const struct http_ask ask = { .method = "HEAD",
				      .url = machine->api_url,
				      .proxy = machine->proxy,
				      .ca_file = machine->ca_file,
				      .limit_ms = ANSWER_WAIT_MS,
				      .is_cancelled = deployment->is_cancelled };
	int64_t apart_s;

	if (!machine->api_url) {
		report_lacking(report, "no Twilio account is set, whose clock could be asked");
		return;
	}
	http_ask(&ask, &answer);
	if (clock_apart(&answer, &apart_s))
		judge_clock("Twilio", apart_s, report);
	else
		report_unchecked(report, "Twilio does not say what time it is");
}

static const struct check checks[] = {
	{ .name = "runs",
	  .asks = "does a server run on this data folder, and write to its ledger?",
	  .meaning = "Nothing plays, and the proxy answers 502 for each request.",
	  .remedy = "Start it, and read in its log why it stopped.",
	  .rank = RANK_SERVER,
	  .run = check_runs },
	{ .name = "answers",
	  .asks = "does it answer on the address that it listens on?",
	  .meaning = "The proxy gets no answer, and makes 502 or 504 of it.",
	  .remedy = "Look at its log and at how many connections it has; start it anew.",
	  .rank = RANK_SERVER + 1,
	  .run = check_answers },
	{ .name = "store",
	  .asks = "can the data folder be written to?",
	  .meaning = "No webhook is taken and no recording is stored.",
	  .remedy = "Let the user that callspool runs as own the data folder.",
	  .rank = RANK_SERVER + 2,
	  .run = check_store },
	{ .name = "disk",
	  .asks = "is there room for recordings, in bytes and in files?",
	  .meaning = "What is stored plays; nothing more is fetched until there is room.",
	  .remedy = "Make room, a shorter retention, or a smaller min_free.",
	  .rank = RANK_SERVER + 3,
	  .run = check_disk },
	{ .name = "twilio",
	  .asks = "does Twilio answer, with these credentials?",
	  .meaning = "No recording can be fetched.",
	  .remedy = "Check the network to Twilio, and twilio.account_sid and twilio.auth_token.",
	  .rank = RANK_SERVER + 4,
	  .run = check_twilio },
	{ .name = "clocks",
	  .asks = "does this machine's clock agree with Twilio's?",
	  .meaning = "Recordings expire at the wrong time, and certificates and links are refused.",
	  .remedy = "Let the clock be set by NTP.",
	  .rank = RANK_SERVER + 5,
	  .run = check_clocks },
	{ .name = "health",
	  .asks = "does callspool itself know of anything that is wrong?",
	  .meaning = "It plays what it has, but not all is as it should be.",
	  .remedy = "See callspool status, and the log.",
	  .rank = RANK_STRATEGY,
	  .run = check_health },
	{ .name = "public-url",
	  .asks = "is public_url set?",
	  .meaning =
		  "Recordings come only by Twilio's list, a quarter of an hour late, and play late.",
	  .remedy = "Set public_url to the address that Twilio was given.",
	  .rank = RANK_PUBLIC,
	  .run = check_public_url },
	{ .name = "public",
	  .asks = "does callspool answer through the public address?",
	  .meaning = "Nothing plays, and no webhook arrives.",
	  .remedy = "See the proxy's error log: callspool doctor --nginx-log explains it.",
	  .rank = RANK_PUBLIC,
	  .run = check_public },
};

const struct check_group service_checks = {
	.name = "services",
	.title = "Services",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
