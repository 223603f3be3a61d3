#include "checkup/cluster_checks.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "doctor/http_ask.h"
#include "doctor/report.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX         2048
#define BEAT_MS          2000 /* cluster/members.h */
#define BEATS_MISSED_MAX 1    /* more, and it does not merely come late */
#define PEER_WAIT_MS     5000
#define PEER_PROBE       "/internal/media/RE00000000000000000000000000000000"
#define CLOCK_APART_MS   2000 /* more, and what is to be done when is told by another time */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* NULL: there is nothing to check, and the report says why. */
static const json_t *processes(const struct deployment *deployment, struct report *report)
{
	if (!deployment->processes)
		report_lacking(report, "no server runs that could tell who serves beside it");
	else if (!is_true(deployment->processes, "shared"))
		report_left_out(report, "the ledger is a file: nobody else serves from it");
	else
		return json_object_get(deployment->processes, "processes");
	return NULL;
}

static void add_name(struct buf *out, const json_t *process)
{
	buf_addf(out, "%s%lld%s", buf_str(out).len > 0 ? ", " : "",
		 (long long)number(process, "id"), is_true(process, "is_own") ? " (this one)" : "");
}

/* As a list; "": there is none of which that is so.  NULL: all. */
static void name_those(const json_t *all, bool (*is_so)(const json_t *process), char out[TEXT_MAX])
{
	const json_t *process;
	struct buf list;
	size_t i;

	buf_over(&list, out, TEXT_MAX);
	json_array_foreach(all, i, process)
	{
		if (!is_so || is_so(process))
			add_name(&list, process);
	}
}

/* ---- the database ---- */

static bool find_unsafe(const json_t *database, struct report *report)
{
	static const char *const settings[] = { "fsync", "full_page_writes" };

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		AUTO(free)
		char *says = xasprintf("the database may lose what it has said it keeps: "
				       "%s is off",
				       settings[i]);
		AUTO(free) char *looked = xasprintf("%s = off", settings[i]);
		AUTO(free)
		char *write = xasprintf("ALTER SYSTEM SET %s = on; SELECT pg_reload_conf();",
					settings[i]);

		if (is_true(database, settings[i]))
			continue;
		report_finding(report,
			       &(struct finding){
				       .says = says,
				       .looked_at = looked,
				       .expected = "on",
				       .consequence =
					       "After a power failure the ledger is damaged, "
					       "and webhooks that were answered 200 are gone.",
				       .write = write,
			       });
		return true;
	}
	return false;
}

/* synchronous_commit: what a COMMIT waits for, with and without standbys that it names. */
static bool find_unsynced(const json_t *database, struct report *report)
{
	const char *commit = text(database, "synchronous_commit");
	bool has_names = text(database, "synchronous_standby_names")[0] != '\0';
	bool is_off = strcmp(commit, "off") == 0;
	AUTO(free) char *looked = xasprintf("synchronous_commit = %s", commit);

	if (!is_off &&
	    (!has_names || strcmp(commit, "on") == 0 || strcmp(commit, "remote_apply") == 0))
		return false;
	report_finding(
		report,
		&(struct finding){
			.severity = is_off ? SEVERITY_BREAKS : SEVERITY_WEAKENS,
			.says = is_off ? "webhooks are answered before the database has them on its disk"
				       : "a commit does not wait until a standby has it on its disk",
			.looked_at = looked,
			.expected = "on",
			.consequence =
				is_off ? "The database's end loses what was answered 200 just "
					 "before."
				       : "A failover may lose what was answered 200 just before.",
			.write =
				"ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();",
		});
	return true;
}

static void check_durability(struct deployment *deployment, struct report *report)
{
	const json_t *database = json_object_get(deployment->processes, "database");
	const char *names = text(database, "synchronous_standby_names");
	int64_t standbys = number(database, "standbys");
	AUTO(free)
	char *looked = xasprintf("synchronous_standby_names is empty; %lld follow the server",
				 (long long)standbys);

	if (!processes(deployment, report) || find_unsafe(database, report) ||
	    find_unsynced(database, report))
		return;
	if (names[0] == '\0' && standbys > 0) {
		report_finding(
			report,
			&(struct finding){
				.severity = SEVERITY_WEAKENS,
				.says = "a failover to a standby loses what was not copied to it yet",
				.looked_at = looked,
				.expected = "a standby that each commit waits for",
				.write =
					"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; "
					"SELECT pg_reload_conf();",
			});
		return;
	}
	if (names[0] != '\0')
		report_good(report,
			    "PostgreSQL %s: a commit is on its disk, and on a standby's (%s)",
			    text(database, "version"), names);
	else
		report_good(
			report,
			"PostgreSQL %s: a commit is on its disk; no standby follows it that could "
			"take its place",
			text(database, "version"));
}

/* ---- those who serve ---- */

static bool stands_still(const json_t *process)
{
	return number(process, "beats_missed") > BEATS_MISSED_MAX;
}

static void tell_still(const json_t *process, const char *says, const char *consequence,
		       struct report *report)
{
	AUTO(free)
	char *looked = xasprintf("its number did not move in %lld beats of %d s",
				 (long long)number(process, "beats_missed"), BEAT_MS / 1000);

	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = says,
				       .looked_at = looked,
				       .expected = "a beat every 2 s",
				       .consequence = consequence,
			       });
}

/* Who has the duties is the next check's. */
static void check_processes(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process;
	char names[TEXT_MAX];
	size_t i, found = 0;

	if (!all)
		return;
	name_those(all, NULL, names);
	json_array_foreach(all, i, process)
	{
		AUTO(free)
		char *says =
			xasprintf("process %lld stands still", (long long)number(process, "id"));

		if (is_true(process, "has_duties") || !stands_still(process))
			continue;
		tell_still(process, says, NULL, report);
		found++;
	}
	if (found == 0)
		report_good(report, "%zu: %s", json_array_size(all), names);
}

static void check_duties(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process = json_array_get(all, 0);
	AUTO(free)
	char *says = xasprintf("process %lld stands still, which has the duties",
			       (long long)number(process, "id"));

	if (!all)
		return;
	if (stands_still(process)) {
		tell_still(process, says, NULL, report);
		return;
	}
	report_good(report, "process %lld%s has them", (long long)number(process, "id"),
		    is_true(process, "is_own") ? " (this one)" : "");
}

static void check_versions(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process;
	const char *own = deployment->server.version ? deployment->server.version : "";
	char seen[TEXT_MAX];
	struct buf list;
	size_t i, others = 0;

	if (!all)
		return;
	buf_over(&list, seen, sizeof(seen));
	json_array_foreach(all, i, process)
	{
		add_name(&list, process);
		buf_addf(&list, ": %s", text(process, "version"));
		others += strcmp(text(process, "version"), own) != 0;
	}
	if (others == 0) {
		report_good(report, "all are %s", own);
		return;
	}
	report_finding(report,
		       &(struct finding){
			       .severity = SEVERITY_WEAKENS,
			       .says = "processes of different versions serve from the ledger",
			       .looked_at = seen,
			       .expected = "one version, but for the minutes of an upgrade",
			       .write = "callspool upgrade",
		       });
}

/* ---- clocks ---- */

static void check_process_clocks(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process;
	size_t i, known = 0, found = 0;

	if (!all)
		return;
	json_array_foreach(all, i, process)
	{
		int64_t ahead_ms = number(process, "clock_ahead_ms");
		AUTO(free)
		char *looked = xasprintf("the clock of process %lld is %.1f s %s the database's",
					 (long long)number(process, "id"),
					 (double)(ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000,
					 ahead_ms < 0 ? "behind" : "ahead of");

		known += json_is_integer(json_object_get(process, "clock_ahead_ms"));
		if (ahead_ms >= -CLOCK_APART_MS && ahead_ms <= CLOCK_APART_MS)
			continue;
		found++;
		report_finding(report,
			       &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = "the clock of a process is not the database's",
				       .looked_at = looked,
				       .expected = "less than 2 s between them",
				       .write = "timedatectl set-ntp true    # there, or where the "
						"database runs",
				       .confirm = "timedatectl",
			       });
	}
	if (found > 0)
		return;
	if (known == 0)
		report_unchecked(report, "no process has asked the database for the time yet");
	else
		report_good(report, "%zu of %zu are within 2 s of the database's", known,
			    json_array_size(all));
}

/* ---- how they reach it ---- */

static bool polls(const json_t *process)
{
	return strcmp(text(process, "hears_by"), "poll") == 0;
}

static void check_listening(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process;
	char names[TEXT_MAX];
	size_t i, nameless = 0;

	if (!all)
		return;
	name_those(all, polls, names);
	json_array_foreach(all, i, process) nameless += !is_true(process, "prepares");
	if (names[0] == '\0') {
		report_good(report, "each hears of the others at once%s",
			    nameless > 0 ? "; prepared statements are given up" : "");
		return;
	}
	AUTO(free)
	char *looked = xasprintf("LISTEN delivers nothing to process %s%s", names,
				 nameless > 0 ? "; prepared statements are lost, too: a pooler in "
						"transaction mode"
					      : "");

	report_finding(
		report,
		&(struct finding){
			.severity = SEVERITY_WEAKENS,
			.says = "what other processes change is looked for, and not heard of",
			.looked_at = looked,
			.expected = "a connection on which NOTIFY arrives",
			.write = "database_listen = postgresql://USER@SERVER/NAME    # the "
				 "server itself, past the pooler",
		});
}

/* ---- how they reach each other ---- */

/* A callspool's own refusal, of somebody who shows no token. */
static bool is_peer(const struct http_answer *answer)
{
	struct str body = buf_str(&answer->body);

	return answer->status == 401 && str_find_str(body, STR("\"unauthenticated\"")) < body.len;
}

static bool ask_peer(const struct deployment *deployment, const json_t *process,
		     struct report *report)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer = { 0 };
	AUTO(free) char *url = xasprintf("http://%s" PEER_PROBE, text(process, "address"));
	const struct http_ask ask = { .url = url,
				      .limit_ms = PEER_WAIT_MS,
				      .is_cancelled = deployment->is_cancelled };
	AUTO(free)
	char *says = xasprintf("process %lld cannot be asked for what it fetches",
			       (long long)number(process, "id"));
	char looked[TEXT_MAX];
	struct buf list;

	http_ask(&ask, &answer);
	if (is_peer(&answer))
		return true;
	buf_over(&list, looked, sizeof(looked));
	buf_addf(&list, "GET %s: ", url);
	http_answer_describe(&answer, &list);
	report_finding(report, &(struct finding){
				       .severity = SEVERITY_WEAKENS,
				       .says = says,
				       .looked_at = looked,
				       .expected = "401, and callspool's own refusal",
				       .write = "cluster_address = HOST:PORT    # there: as this "
						"machine reaches its cluster_listen",
			       });
	return false;
}

static void check_peers(struct deployment *deployment, struct report *report)
{
	const json_t *all = processes(deployment, report), *process;
	size_t i, asked = 0, found = 0;
	char names[TEXT_MAX];
	struct buf silent;

	if (!all)
		return;
	buf_over(&silent, names, sizeof(names));
	json_array_foreach(all, i, process)
	{
		if (!text(process, "address")[0]) {
			add_name(&silent, process);
			continue;
		}
		asked++;
		if (!is_true(process, "is_own") && !ask_peer(deployment, process, report))
			found++;
	}
	if (asked == 0 || json_array_size(all) == 1) {
		report_left_out(report, asked == 0 ? "no process has cluster_listen: what one "
						     "fetches plays elsewhere once it is stored"
						   : "no other process serves");
		return;
	}
	if (silent.len > 0)
		report_finding(report, &(struct finding){
					       .severity = SEVERITY_WEAKENS,
					       .says = "not every process can be asked for what it "
						       "fetches",
					       .looked_at = names,
					       .expected = "cluster_listen at each of them",
					       .write = "cluster_listen = ADDRESS:PORT    # there, "
							"in a private network",
				       });
	else if (found == 0)
		report_good(report, "each of the others answers at its address");
}

static const struct check checks[] = {
	{ .name = "durability",
	  .asks = "does the database keep what it says it keeps?",
	  .meaning = "What was answered 200 just before is not in the ledger any more.",
	  .remedy = "Set it so on the database's server; each webhook then waits for it.",
	  .rank = RANK_SERVER + 6,
	  .run = check_durability },
	{ .name = "processes",
	  .asks = "do all beat that serve from the ledger?",
	  .meaning =
		  "What it fetches waits until it is taken for dead, within 16 s; who plays there waits.",
	  .remedy = "Look what hangs there: its fetching loop does not turn, or does not reach the "
		    "database.",
	  .rank = RANK_SERVER + 7,
	  .run = check_processes },
	{ .name = "duties",
	  .asks = "does somebody do what is done once for all?",
	  .meaning =
		  "Until it is taken for dead nobody reads Twilio's list, removes what is too old, "
		  "or tells notify_url.",
	  .remedy = "Look what hangs there; ended, it is followed by the next at once.",
	  .rank = RANK_SERVER + 8,
	  .run = check_duties },
	{ .name = "versions",
	  .asks = "are all of one version?",
	  .meaning = "They play and fetch; what the newer one can the older cannot.",
	  .remedy = "Upgrade the others, too, one after another.",
	  .rank = RANK_STRATEGY,
	  .run = check_versions },
	{ .name = "process-clocks",
	  .asks = "do their clocks agree with the database's?",
	  .meaning = "What is tried again, expires or is removed at a time is so too early or late "
		     "there.",
	  .remedy = "Let all clocks be set by NTP.",
	  .rank = RANK_STRATEGY,
	  .run = check_process_clocks },
	{ .name = "listening",
	  .asks = "does each hear at once of what the others change?",
	  .meaning =
		  "Lists and caches follow up to a quarter of a second late, and each process asks "
		  "the database four times a second.",
	  .remedy = "Name the server itself by database_listen, past the pooler.",
	  .rank = RANK_STRATEGY,
	  .run = check_listening },
	{ .name = "peers",
	  .asks = "can the others be asked for what they fetch?",
	  .meaning = "Who plays here what is on its way there waits until it is stored, or is told "
		     "that it is not.",
	  .remedy = "Let each reach the cluster_listen of the others, through firewalls, too.",
	  .rank = RANK_STRATEGY,
	  .run = check_peers },
};

const struct check_group cluster_checks = {
	.name = "cluster",
	.title = "Several processes",
	.checks = checks,
	.count = ARRAY_LEN(checks),
};
