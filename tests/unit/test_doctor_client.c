/* doctor: what a command asks the examination for, and how what comes of it is printed; again and again, where one watches. */
#include "client/doctor_client.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"
#include "ledger_fixture.h"
#include "printed.h"
#include "tap.h"

#include <poll.h>
#include <sys/wait.h>

static struct err err;
static struct ledger ledger;
static struct settings settings;

/* ---- the examination, which only notes what it is asked ---- */

static const struct check check = { .name = "runs", .asks = "?", .meaning = "m", .remedy = "r" };
static const struct check_group group = { .name = "g", .title = "G", .checks = &check, .count = 1 };

static struct {
	unsigned runs, opened, closed;
	struct deployment_options options;
	bool has_status;
	char doctor_options[512], settings_options[128], socket_path[256];
	size_t names_count;
	bool is_watched;
} asked;

static bool fails; /* the check finds something */

void __wrap_deployment_open(const struct deployment_options *options, struct deployment *out);
void __wrap_deployment_close(struct deployment *deployment);
void __wrap_examination_run(const struct examination *examination, struct deployment *deployment,
			    struct report *report);
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms);

void __wrap_deployment_open(const struct deployment_options *options, struct deployment *out)
{
	asked.opened++;
	asked.options = *options;
	asked.has_status = json_is_object(options->ledger_status);
	str_fit(str_of(options->socket_path), asked.socket_path, sizeof(asked.socket_path));
	json_decref(options->ledger_status);
}

void __wrap_deployment_close(struct deployment *deployment)
{
	asked.closed++;
}

void __wrap_examination_run(const struct examination *examination, struct deployment *deployment,
			    struct report *report)
{
	asked.runs++;
	asked.names_count = examination->names_count;
	asked.is_watched = examination->watch != NULL;
	str_fit(report->doctor_options ? str_of(report->doctor_options) : STR("(none)"),
		asked.doctor_options, sizeof(asked.doctor_options));
	str_fit(report->settings_options ? str_of(report->settings_options) : STR("(none)"),
		asked.settings_options, sizeof(asked.settings_options));
	report->group = &group;
	report->check = &check;
	if (fails)
		report_finding(report, &(struct finding){ .says = "it is away",
							  .looked_at = "there",
							  .expected = "here" });
	else
		report_good(report, "it is there");
	if (examination->watch)
		examination->watch->told(examination->watch, report, 0);
}

static int polls_left;
static int polled_ms;

/* A watch has no end: so the process does, and says by its status how long it was to wait. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
	polled_ms = ms;
	if (polls_left-- == 0)
		_exit(ms == 1000 ? 11 : ms == 60000 ? 12 : ms == 604800000 ? 13 : 14);
	fails = !fails;
	return 0;
}

static bool run(const struct doctor_request *request, enum doctor_verdict *out,
		struct str *printed_out)
{
	bool is_good;

	memset(&asked, 0, sizeof(asked));
	take_stdout();
	is_good = doctor_client_run(request, out, &err);
	*printed_out = printed();
	return is_good;
}

static bool holds(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

/* ---- what is asked for ---- */

static void test_refused(void)
{
	static const char *const names[] = { "nonsense" };
	static const struct {
		struct doctor_request request;
		const char *says; /* NULL: it is taken */
	} rows[] = {
		{ { .every = "1s" }, NULL },
		{ { .every = "999ms" }, "--every 999ms" },
		{ { .every = "7d" }, NULL },
		{ { .every = "604801s" }, "--every 604801s" },
		{ { .every = "often" }, "--every often" },
		{ { .every = "" }, "--every" },
		{ { .proxy_read_timeout = "60s" }, NULL },
		{ { .proxy_read_timeout = "60" }, "--proxy-read-timeout 60" },
		{ { .proxy_send_timeout = "x" }, "--proxy-send-timeout x" },
		{ { .proxy_connect_timeout = "x" }, "--proxy-connect-timeout x" },
		{ { .proxy_keepalive = "x" }, "--proxy-keepalive x" },
		{ { .examination = { .names = names, .names_count = 1 } }, "'nonsense'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doctor_request request = rows[i].request;
		enum doctor_verdict verdict = VERDICT_FINDINGS;
		struct str text;
		bool is_good;

		request.settings = &settings;
		is_good = run(&request, &verdict, &text);
		if (!rows[i].says) {
			OK(is_good && asked.runs == 1, "it is taken");
			continue;
		}
		OK(!is_good && err.kind == ERR_INVALID && strstr(err.text, rows[i].says),
		   "it makes no sense: %s", is_good ? "" : err.text);
		OK(asked.opened == 0 && asked.runs == 0 && text.len == 0,
		   "... and nothing is examined");
	}
}

static void test_asked(void)
{
	static const char *const names[] = { "services", "runs" };
	struct doctor_request request = { .settings = &settings };
	enum doctor_verdict verdict = VERDICT_FINDINGS;
	struct str text;

	OK(run(&request, &verdict, &text) && verdict == VERDICT_GOOD && asked.runs == 1 &&
		   asked.opened == 1 && asked.closed == 1,
	   "nothing is said: all is examined, once");
	OK(holds(text, "it is there") && asked.is_watched, "and printed as it is found");
	IS_STR(str_of(asked.doctor_options), STR(""), "with no options");
	IS_STR(str_of(asked.settings_options), STR("(none)"), "nor those of settings");
	OK(asked.options.proxy.read.ms == LIMIT_UNKNOWN && !asked.options.proxy.read.source &&
		   asked.options.proxy.send.ms == LIMIT_UNKNOWN &&
		   asked.options.proxy.connect.ms == LIMIT_UNKNOWN &&
		   asked.options.proxy.keepalive.ms == LIMIT_UNKNOWN && !asked.options.url &&
		   !asked.options.nginx_conf,
	   "and nothing is known of a proxy");
	OK(str_ends(str_of(asked.socket_path), STR(".sock")), "where a server is asked: %s",
	   asked.socket_path);
	IS_STR(str_of(asked.options.machine.data_dir), str_of(ledger.folder),
	       "and where its data lies");

	request.url = "https://calls.example.com";
	request.nginx_conf = "/etc/nginx/my site.conf";
	request.proxy_read_timeout = "60s";
	request.proxy_send_timeout = "61s";
	request.proxy_connect_timeout = "2s";
	request.proxy_keepalive = "75s";
	request.settings_options = " --config x";
	request.examination.names = names;
	request.examination.names_count = 2;
	fails = true;
	OK(run(&request, &verdict, &text) && verdict == VERDICT_FINDINGS &&
		   holds(text, "it is away"),
	   "all is said, and something is found");
	IS_STR(str_of(asked.doctor_options),
	       STR(" --url https://calls.example.com --nginx-conf '/etc/nginx/my site.conf'"
		   " --proxy-read-timeout 60s --proxy-send-timeout 61s --proxy-connect-timeout 2s"
		   " --proxy-keepalive 75s"),
	       "so that it can be looked at again");
	IS_STR(str_of(asked.settings_options), STR(" --config x"), "with the same settings");
	OK(asked.options.proxy.read.ms == 60000 && asked.options.proxy.send.ms == 61000 &&
		   asked.options.proxy.connect.ms == 2000 &&
		   asked.options.proxy.keepalive.ms == 75000,
	   "each limit is its own");
	IS_STR(str_of(asked.options.proxy.keepalive.source), STR("--proxy-keepalive"),
	       "and says where it is from");
	IS_INT(asked.names_count, 2, "of the checks that were named");

	request.is_json = true;
	OK(run(&request, &verdict, &text) && text.at[0] == '{' && holds(text, "\"it is away\"") &&
		   !asked.is_watched && verdict == VERDICT_FINDINGS,
	   "for machines");
	fails = false;
	request.is_list = true;
	OK(run(&request, &verdict, &text) && text.at[0] == '[' && asked.runs == 0 &&
		   verdict == VERDICT_GOOD,
	   "a list for machines examines nothing");
	request.is_json = false;
	OK(run(&request, &verdict, &text) && text.len > 0 && text.at[0] != '[' && asked.runs == 0,
	   "nor does one for people");
}

/* Without a server the ledger is read; where there is none nothing is known of it. */
static void test_ledger(void)
{
	const struct doctor_request request = { .settings = &settings };
	enum doctor_verdict verdict;
	struct str text;

	OK(run(&request, &verdict, &text) && asked.has_status, "the ledger's status is read");
	settings.database = "/nowhere/ledger.db";
	OK(run(&request, &verdict, &text) && asked.runs == 1 && !asked.has_status,
	   "without one it is examined all the same");
	settings.database = NULL;
}

/* ---- watching ---- */

static int watch(const char *every, bool is_json, int polls, struct str *out)
{
	const struct doctor_request request = {
		.settings = &settings, .is_watch = true, .every = every, .is_json = is_json
	};
	enum doctor_verdict verdict;
	int status = 0;
	pid_t child;

	polls_left = polls;
	fails = false;
	take_stdout();
	child = fork();
	if (child == 0) {
		_exit(doctor_client_run(&request, &verdict, &err) ? 1 : 2);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	*out = printed();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned count_of(struct str text, const char *part)
{
	unsigned count = 0;

	for (size_t i = 0; i + strlen(part) <= text.len; i++)
		count += memcmp(text.at + i, part, strlen(part)) == 0;
	return count;
}

static void test_watch(void)
{
	static const struct {
		const char *every;
		int status;
	} rows[] = { { NULL, 12 }, { "1s", 11 }, { "7d", 13 }, { "2s", 14 } };
	struct str text;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_INT(watch(rows[i].every, false, 0, &text), rows[i].status,
		       "every %s, and 60 s where nothing is said",
		       rows[i].every ? rows[i].every : "(nothing)");
	IS_INT(watch("1s", false, 3, &text), 11, "four times");
	IS_INT(count_of(text, "!!  runs"), 2, "what is found is told each time");
	IS_INT(count_of(text, "ok  runs"), 2, "and what is well again, behind the first look");
	IS_INT(watch("1s", true, 3, &text), 11, "the same for machines");
	IS_INT(count_of(text, "\"verdict\""), 4, "each time, in whole");
}

int main(void)
{
	static const char *const listen[] = { "127.0.0.1:8080", NULL };

	ledger_open(&ledger);
	settings.data_dir = ledger.folder;
	settings.listen = listen;
	test_refused();
	test_asked();
	test_ledger();
	test_watch();
	ledger_remove(&ledger);
	return tap_end();
}
