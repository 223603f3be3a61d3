/*
 * What the checks of several processes say of what a server tells of them (/api/processes), and of what the others answer.
 */
#include "checkup/cluster_checks.h"

#include "checked.h"
#include "fake_place.h"

#define SAFE "'fsync':true,'full_page_writes':true,'synchronous_commit':'on','version':'15.4'"
#define OWN \
	"{'id':3,'is_own':true,'has_duties':true,'version':'1.0','prepares':true,'hears_by':'notify','clock_ahead_ms':0,'beats_missed':0}"
#define SHARED(processes) "{'shared':true,'processes':[" processes "]}"
#define OTHER(more)       "{'id':4,'version':'1.0','prepares':true,'hears_by':'notify'," more "}"
#define DATABASE(more)    "{'shared':true,'processes':[" OWN "],'database':{" more "}}"
#define STANDS_STILL                                             \
	"looked at: its number did not move in 2 beats of 2 s\n" \
	"expected: a beat every 2 s\n"

/* `tells`: with ' for ". */
static const struct {
	const char *name, *check, *tells, *says;
} cases[] = {
	{ "nothing to lose", "durability", DATABASE(SAFE),
	  "good: PostgreSQL 15.4: a commit is on its disk; no standby follows it that could take its "
	  "place\n" },
	{ "a standby that is waited for", "durability",
	  DATABASE(SAFE ",'synchronous_standby_names':'ANY 1 (*)','standbys':1"),
	  "good: PostgreSQL 15.4: a commit is on its disk, and on a standby's (ANY 1 (*))\n" },
	{ "a standby that applies it, too", "durability",
	  DATABASE("'fsync':true,'full_page_writes':true,'synchronous_commit':'remote_apply',"
		   "'version':'15.4','synchronous_standby_names':'one'"),
	  "good: PostgreSQL 15.4: a commit is on its disk, and on a standby's (one)\n" },
	{ "a commit waits for this disk, and there is no other", "durability",
	  DATABASE("'fsync':true,'full_page_writes':true,'synchronous_commit':'local',"
		   "'version':'15.4'"),
	  "good: PostgreSQL 15.4: a commit is on its disk; no standby follows it that could take its "
	  "place\n" },
	{ "a commit waits for this disk alone", "durability",
	  DATABASE("'fsync':true,'full_page_writes':true,'synchronous_commit':'local',"
		   "'synchronous_standby_names':'one'"),
	  "weakens: a commit does not wait until a standby has it on its disk\n"
	  "looked at: synchronous_commit = local\n"
	  "expected: on\n"
	  "means: A failover may lose what was answered 200 just before.\n"
	  "write: ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();\n"
	  "confirm: callspool doctor durability\n" },
	{ "a commit waits for nothing", "durability",
	  DATABASE("'fsync':true,'full_page_writes':true,'synchronous_commit':'off'"),
	  "breaks: webhooks are answered before the database has them on its disk\n"
	  "looked at: synchronous_commit = off\n"
	  "expected: on\n"
	  "means: The database's end loses what was answered 200 just before.\n"
	  "write: ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();\n"
	  "confirm: callspool doctor durability\n" },
	{ "nothing is synced, which is told alone", "durability",
	  DATABASE("'fsync':false,'full_page_writes':false,'synchronous_commit':'off'"),
	  "breaks: the database may lose what it has said it keeps: fsync is off\n"
	  "looked at: fsync = off\n"
	  "expected: on\n"
	  "means: After a power failure the ledger is damaged, and webhooks that were answered 200 are "
	  "gone.\n"
	  "write: ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();\n"
	  "confirm: callspool doctor durability\n" },
	{ "half pages", "durability",
	  DATABASE("'fsync':true,'full_page_writes':false,'synchronous_commit':'on'"),
	  "breaks: the database may lose what it has said it keeps: full_page_writes is off\n"
	  "looked at: full_page_writes = off\n"
	  "expected: on\n"
	  "means: After a power failure the ledger is damaged, and webhooks that were answered 200 are "
	  "gone.\n"
	  "write: ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();\n"
	  "confirm: callspool doctor durability\n" },
	{ "a standby that nobody waits for", "durability", DATABASE(SAFE ",'standbys':1"),
	  "weakens: a failover to a standby loses what was not copied to it yet\n"
	  "looked at: synchronous_standby_names is empty; 1 follow the server\n"
	  "expected: a standby that each commit waits for\n"
	  "write: ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; SELECT "
	  "pg_reload_conf();\n"
	  "confirm: callspool doctor durability\n" },

	{ "all beat", "processes", SHARED(OWN "," OTHER("'beats_missed':1")),
	  "good: 2: 3 (this one), 4\n" },
	{ "one does not", "processes",
	  SHARED(OWN "," OTHER("'beats_missed':2") ",{'id':5,'beats_missed':1}"),
	  "weakens: process 4 stands still\n" STANDS_STILL
	  "confirm: callspool doctor processes\n" },
	{ "of who has the duties the next check tells", "processes",
	  SHARED("{'id':3,'has_duties':true,'beats_missed':2}"), "good: 1: 3\n" },

	{ "who has the duties beats", "duties", SHARED(OWN),
	  "good: process 3 (this one) has them\n" },
	{ "another has them", "duties", SHARED("{'id':7,'beats_missed':1}," OWN),
	  "good: process 7 has them\n" },
	{ "who has the duties does not beat", "duties", SHARED("{'id':7,'beats_missed':2}," OWN),
	  "weakens: process 7 stands still, which has the duties\n" STANDS_STILL
	  "confirm: callspool doctor duties\n" },

	{ "one version", "versions", SHARED(OWN "," OTHER("'is_own':false")),
	  "good: all are 1.0\n" },
	{ "two versions", "versions", SHARED(OWN ",{'id':4,'version':'1.1'}"),
	  "weakens: processes of different versions serve from the ledger\n"
	  "looked at: 3 (this one): 1.0, 4: 1.1\n"
	  "expected: one version, but for the minutes of an upgrade\n"
	  "write: callspool upgrade\n"
	  "confirm: callspool doctor versions\n" },

	{ "two seconds are none", "process-clocks",
	  SHARED("{'id':3,'clock_ahead_ms':2000},{'id':4,'clock_ahead_ms':-2000},{'id':5}"),
	  "good: 2 of 3 are within 2 s of the database's\n" },
	{ "nobody knows", "process-clocks", SHARED("{'id':3}"),
	  "unchecked: no process has asked the database for the time yet\n" },
	{ "more than two seconds, either way", "process-clocks",
	  SHARED("{'id':3,'clock_ahead_ms':2001},{'id':4,'clock_ahead_ms':-100000},{'id':5,"
		 "'clock_ahead_ms':1}"),
	  "weakens: the clock of a process is not the database's\n"
	  "looked at: the clock of process 3 is 2.0 s ahead of the database's\n"
	  "expected: less than 2 s between them\n"
	  "write: timedatectl set-ntp true    # there, or where the database runs\n"
	  "confirm: timedatectl\n"
	  "weakens: the clock of a process is not the database's\n"
	  "looked at: the clock of process 4 is 100.0 s behind the database's\n"
	  "expected: less than 2 s between them\n"
	  "write: timedatectl set-ntp true    # there, or where the database runs\n"
	  "confirm: timedatectl\n" },

	{ "all listen", "listening", SHARED(OWN), "good: each hears of the others at once\n" },
	{ "one prepares nothing", "listening",
	  SHARED(OWN ",{'id':4,'hears_by':'notify','prepares':false}"),
	  "good: each hears of the others at once; prepared statements are given up\n" },
	{ "one hears nothing", "listening",
	  SHARED(OWN ",{'id':4,'hears_by':'poll','prepares':true}"),
	  "weakens: what other processes change is looked for, and not heard of\n"
	  "looked at: LISTEN delivers nothing to process 4\n"
	  "expected: a connection on which NOTIFY arrives\n"
	  "write: database_listen = postgresql://USER@SERVER/NAME    # the server itself, past the "
	  "pooler\n"
	  "confirm: callspool doctor listening\n" },
	{ "two do, behind a pooler", "listening",
	  SHARED("{'id':3,'is_own':true,'hears_by':'poll','prepares':false},{'id':4,'hears_by':'poll'}"),
	  "weakens: what other processes change is looked for, and not heard of\n"
	  "looked at: LISTEN delivers nothing to process 3 (this one), 4; prepared statements are "
	  "lost, too: a pooler in transaction mode\n"
	  "expected: a connection on which NOTIFY arrives\n"
	  "write: database_listen = postgresql://USER@SERVER/NAME    # the server itself, past the "
	  "pooler\n"
	  "confirm: callspool doctor listening\n" },

	{ "nobody listens for the others", "peers", SHARED(OWN "," OTHER("'is_own':false")),
	  "left out: no process has cluster_listen: what one fetches plays elsewhere once it is "
	  "stored\n" },
	{ "nobody else serves", "peers", SHARED("{'id':3,'is_own':true,'address':'10.0.0.1:1'}"),
	  "left out: no other process serves\n" },
	{ "one of the others does not listen", "peers",
	  SHARED("{'id':3,'is_own':true,'address':'10.0.0.1:1'},{'id':4},{'id':5}"),
	  "weakens: not every process can be asked for what it fetches\n"
	  "looked at: 4, 5\n"
	  "expected: cluster_listen at each of them\n"
	  "write: cluster_listen = ADDRESS:PORT    # there, in a private network\n"
	  "confirm: callspool doctor peers\n" },
};

static json_t *read_processes(const char *text)
{
	AUTO(free) char *json = xstrdup(text);
	json_t *all;

	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	all = json_loads(json, 0, NULL);
	if (!all) {
		printf("Bail out! no JSON: %s\n", json);
		exit(1);
	}
	return all;
}

static char *says_of(const char *check, const char *tells, const char *const names[][2],
		     bool is_chosen)
{
	struct deployment deployment = { .server = { .version = "1.0" },
					 .processes = tells ? read_processes(tells) : NULL };
	char *says = checked_as(&cluster_checks, check, &deployment, names, is_chosen);

	json_decref(deployment.processes);
	return says;
}

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(free) char *says = says_of(cases[i].check, cases[i].tells, NULL, false);

		IS_STR(str_of(says), str_of(cases[i].says), "%s: %s", cases[i].check,
		       cases[i].name);
	}
}

/* Of each check. */
static void test_nobody_else(void)
{
	for (size_t i = 0; i < cluster_checks.count; i++) {
		const char *check = cluster_checks.checks[i].name;
		AUTO(free)
		char *file = says_of(check, "{'shared':false,'processes':[]}", NULL, true);
		AUTO(free) char *none = says_of(check, NULL, NULL, false);
		AUTO(free) char *chosen = says_of(check, NULL, NULL, true);

		IS_STR(str_of(file),
		       STR("left out: the ledger is a file: nobody else serves from it\n"),
		       "%s: of a file nothing is to be checked", check);
		IS_STR(str_of(none),
		       STR("left out: no server runs that could tell who serves beside it\n"),
		       "%s: nobody tells", check);
		IS_STR(str_of(chosen),
		       STR("unchecked: no server runs that could tell who serves beside it\n"),
		       "%s: nobody tells, and it was asked for by name", check);
	}
}

#define PROBE "GET /internal/media/RE00000000000000000000000000000000 "
#define WRONG_PEER(answer)                                                                      \
	"weakens: process 4 cannot be asked for what it fetches\n"                              \
	"looked at: GET http://PEER/internal/media/RE00000000000000000000000000000000: " answer \
	"\n"                                                                                    \
	"expected: 401, and callspool's own refusal\n"                                          \
	"write: cluster_address = HOST:PORT    # there: as this machine reaches its "           \
	"cluster_listen\n"                                                                      \
	"confirm: callspool doctor peers\n"

static void test_peers(void)
{
	static const struct {
		const char *name, *head, *body, *says;
	} answers[] = {
		{ "a callspool refuses who shows no token", "401 Unauthorized",
		  "{\"code\":\"unauthenticated\"}",
		  "good: each of the others answers at its address\n" },
		{ "somebody else refuses", "401 Unauthorized", "no",
		  WRONG_PEER("401, Content-Length 2, 2 bytes in N ms") },
		{ "another answer in the same words", "200 OK", "{\"code\":\"unauthenticated\"}",
		  WRONG_PEER("200, Content-Length 26, 26 bytes in N ms") },
	};
	struct fake_place place;

	place_start(&place);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct page pages[] = { { PROBE, NULL, answers[i].head, answers[i].body },
					      { 0 } };
		const char *const names[][2] = { { place.url + 7, "PEER" }, { NULL, NULL } };
		AUTO(free)
		char *tells = xasprintf("{'shared':true,'processes':[{'id':3,'is_own':true,"
					"'address':'127.0.0.1:1'},{'id':4,'address':'%s'}]}",
					place.url + 7);
		AUTO(free) char *says = NULL;

		place_say(&place, pages);
		says = says_of("peers", tells, names, false);
		IS_STR(str_of(says), str_of(answers[i].says), "peers: %s", answers[i].name);
		OK(!place_was_told(&place, "Authorization"), "peers: it is asked without a token");
		IS_INT(place_count(&place), 1,
		       "peers: the other is asked once, and this one never");
	}
	place_stop(&place);
}

int main(void)
{
	test_cases();
	test_nobody_else();
	test_peers();
	return tap_end();
}
