/*
 * A connection that breaks when COMMIT is on its way: before the server has it, or after, with the answer lost; and a
 * server that takes its time.  What
 * catalog_commit() says is what happened.  Run by tests/tools/postgres.
 */
#include "base/clock.h"
#include "catalog/attempts.h"
#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PORT "5432"

static struct err err;

/* Between us and the server; cuts the connection at the next COMMIT once it is armed. */
static enum cut { CUT_NEVER, CUT_BEFORE, CUT_AFTER } armed;
static char own_folder[] = "/tmp/callspool-cut.XXXXXX", server_folder[80];
static char commit_name[24];
static const char *cut_word; /* and whoever says this; NULL: nobody */

static int socket_of(const char *own, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(out->sun_path, sizeof(out->sun_path), "%s/.s.PGSQL." PORT, own);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static bool pass(int from, int to, bool is_ours)
{
	char bytes[65536];
	ssize_t size = read(from, bytes, sizeof(bytes));
	enum cut cut = __atomic_load_n(&armed, __ATOMIC_SEQ_CST);
	const char *word = __atomic_load_n(&cut_word, __ATOMIC_SEQ_CST);
	bool is_cut = is_ours && size > 0 && cut != CUT_NEVER &&
		      memmem(bytes, (size_t)size, commit_name, strlen(commit_name));

	if (size <= 0 || (is_ours && word && memmem(bytes, (size_t)size, word, strlen(word))))
		return false;
	if (is_cut)
		__atomic_store_n(&armed, CUT_NEVER, __ATOMIC_SEQ_CST);
	if (!(is_cut && cut == CUT_BEFORE) && send(to, bytes, (size_t)size, MSG_NOSIGNAL) != size)
		return false;
	if (is_cut && cut == CUT_AFTER) /* the answer is there, and nobody hears it */
		(void)poll(&(struct pollfd){ .fd = to, .events = POLLIN }, 1, 10000);
	return !is_cut;
}

static void *relay(void *argument)
{
	int client = (int)(intptr_t)argument;
	struct sockaddr_un address;
	int server = socket_of(server_folder, &address);
	struct pollfd ends[2] = { { .fd = client, .events = POLLIN },
				  { .fd = server, .events = POLLIN } };

	if (connect(server, (struct sockaddr *)&address, sizeof(address)) == 0)
		while (poll(ends, 2, -1) > 0 && (!ends[0].revents || pass(client, server, true)) &&
		       (!ends[1].revents || pass(server, client, false)))
			;
	close(client);
	close(server);
	return NULL;
}

static void *listen_for_us(void *argument)
{
	int listener = (int)(intptr_t)argument, client;
	pthread_t thread;

	while ((client = accept(listener, NULL, NULL)) >= 0)
		if (pthread_create(&thread, NULL, relay, (void *)(intptr_t)client) == 0)
			pthread_detach(thread);
	return NULL;
}

static int start_listening(pthread_t *out)
{
	struct sockaddr_un address;
	int listener = socket_of(own_folder, &address);

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0 ||
	    pthread_create(out, NULL, listen_for_us, (void *)(intptr_t)listener) != 0) {
		printf("Bail out! no proxy: %s\n", strerror(errno));
		exit(1);
	}
	return listener;
}

/* Through the proxy: "host" is its folder. */
static void name_addresses(struct ledger *ledger)
{
	struct str path = str_of(ledger->path), host = STR("host=");
	size_t at = str_find_str(path, host) + host.len;
	struct str rest = str_after(path, at);
	struct str folder = str_first(rest, str_find(rest, '&'));
	char through[TEST_DATABASE_SIZE];

	snprintf(server_folder, sizeof(server_folder), "%.*s", STR_ARG(folder));
	snprintf(through, sizeof(through), "%.*s%s%.*s", STR_ARG(str_first(path, at)), own_folder,
		 STR_ARG(str_after(rest, folder.len)));
	memcpy(ledger->path, through, sizeof(through));
}

/* The name that db_postgres.c gives to that statement. */
static void name_commit(void)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *text = "COMMIT"; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	snprintf(commit_name, sizeof(commit_name), "cs_%016llx", (unsigned long long)hash);
}

static int64_t count(struct ledger *ledger, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(ledger->writer->db, sql, &stmt, &err));
	return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
}

static bool write_event(struct ledger *ledger, bool is_turn)
{
	char sid[SID_SIZE];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = sid_text("CA", 1, sid);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &seq, &err));
	if (is_turn)
		(void)catalog_next_sequence(ledger->writer);
	return catalog_commit(ledger->writer, &err);
}

static void test_cut(struct ledger *ledger, enum cut cut, bool is_turn, bool is_kept)
{
	const char *what = is_turn ? "a turn" : "events alone";
	int64_t events = count(ledger, "SELECT COUNT(*) FROM events"), after;
	bool was_told;

	__atomic_store_n(&armed, cut, __ATOMIC_SEQ_CST);
	was_told = write_event(ledger, is_turn);
	OK(__atomic_load_n(&armed, __ATOMIC_SEQ_CST) == CUT_NEVER, "%s: the line was cut", what);
	OK(was_told == is_kept, "%s: the commit is told %s", what,
	   is_kept ? "as done" : "as not done");
	if (!is_kept)
		OK(err.kind == ERR_UNAVAILABLE, "%s: and may be tried again: %s", what, err.text);
	after = count(ledger, "SELECT COUNT(*) FROM events");
	IS_INT(after, events + is_kept, "%s: and so it is", what);
	OK(write_event(ledger, is_turn), "%s: the next goes on: %s", what, err.text);
	IS_INT(count(ledger, "SELECT COUNT(*) FROM events"), after + 1, "%s: behind it", what);
}

static bool end_attempt(struct ledger *ledger, int64_t id)
{
	const struct attempt_end end = { .id = id, .ended_at_ms = 1, .outcome = "interrupted" };

	MUST(catalog_begin(ledger->writer, &err));
	MUST(attempts_end(ledger->writer, &end, &err));
	return catalog_commit(ledger->writer, &err);
}

/* It writes nothing by which it could be found. */
static void test_without_number(struct ledger *ledger)
{
	int64_t id;

	MUST(db_exec(ledger->writer->db,
		     "ALTER TABLE attempts DROP CONSTRAINT attempts_recording_id_fkey; "
		     "INSERT INTO attempts (recording_id, began_at_ms) VALUES (1, 1)",
		     &err));
	id = count(ledger, "SELECT MAX(id) FROM attempts");
	__atomic_store_n(&armed, CUT_BEFORE, __ATOMIC_SEQ_CST);
	OK(!end_attempt(ledger, id) && err.kind == ERR_UNAVAILABLE,
	   "a turn that only ends an attempt: the commit is not told as done: %s", err.text);
	OK(catalog_is_in_doubt(ledger->writer), "but as one in doubt");
	IS_INT(count(ledger, "SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL"), 1,
	       "it was not done");
	OK(end_attempt(ledger, id), "the next is: %s", err.text);
	__atomic_store_n(&armed, CUT_BEFORE, __ATOMIC_SEQ_CST);
	MUST(catalog_begin(ledger->writer, &err));
	OK(catalog_commit(ledger->writer, &err), "a turn that changes nothing is in no doubt: %s",
	   err.text);
}

/* The server is still at it when we have ceased to wait: its disk stands still, or as here, a trigger does. */
static void hold_commits(struct ledger *ledger, const char *how)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS "
		 "'BEGIN PERFORM %s; RETURN NULL; END'; "
		 "CREATE CONSTRAINT TRIGGER stand_still AFTER INSERT ON events DEFERRABLE "
		 "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stand_still()",
		 how);
	MUST(db_exec(ledger->writer->db, sql, &err));
}

static void release_commits(struct ledger *ledger)
{
	MUST(db_exec(ledger->writer->db,
		     "DROP TRIGGER stand_still ON events; DROP FUNCTION stand_still", &err));
}

static void test_slow(struct ledger *ledger)
{
	int64_t events = count(ledger, "SELECT COUNT(*) FROM events");

	hold_commits(ledger, "pg_sleep(11)");
	OK(write_event(ledger, true), "a commit that takes longer than we and one look wait: %s",
	   err.text);
	OK(!catalog_is_in_doubt(ledger->writer), "is in no doubt");
	IS_INT(count(ledger, "SELECT COUNT(*) FROM events"), events + 1, "it is done");
	release_commits(ledger);
}

#define LOCK "4711, 4712"

static void test_not_known(struct ledger *ledger)
{
	AUTO(catalog_free) struct catalog *other = NULL;
	int64_t events = count(ledger, "SELECT COUNT(*) FROM events");

	MUST(catalog_open(ledger->path, CATALOG_WRITE, &other, &err));
	MUST(db_exec(other->db, "SELECT pg_advisory_lock(" LOCK ")", &err));
	/* As a disk would: whoever waits for a lock in a turn is let wait for some seconds only. */
	hold_commits(ledger, "set_config(''lock_timeout'', ''0'', true), "
			     "pg_advisory_xact_lock(" LOCK ")");
	ledger->writer->doubt_ms = 1;
	OK(!write_event(ledger, true) && err.kind == ERR_UNAVAILABLE,
	   "one that does not come to an end is told as not done: %s", err.text);
	OK(catalog_is_in_doubt(ledger->writer), "and as one in doubt");
	MUST(db_exec(other->db, "SELECT pg_advisory_unlock(" LOCK ")", &err));
	MUST(catalog_begin(ledger->writer, &err));
	OK(!catalog_is_in_doubt(ledger->writer), "the next begins without");
	catalog_rollback(ledger->writer);
	IS_INT(count(ledger, "SELECT COUNT(*) FROM events"), events + 1, "it was done after all");
	release_commits(ledger);
}

/* Each new connection is made, and breaks at the first question. */
static void test_breaks_at_once(struct ledger *ledger)
{
	int64_t began_ms = clock_monotonic_ms();

	__atomic_store_n(&cut_word, "pg_backend_pid", __ATOMIC_SEQ_CST);
	__atomic_store_n(&armed, CUT_BEFORE, __ATOMIC_SEQ_CST);
	ledger->writer->doubt_ms = 1;
	OK(!write_event(ledger, true) && err.kind == ERR_UNAVAILABLE,
	   "a server that breaks each connection is given up: %s", err.text);
	OK(clock_monotonic_ms() - began_ms < 30000, "in time");
	__atomic_store_n(&cut_word, NULL, __ATOMIC_SEQ_CST);
	OK(write_event(ledger, true), "and taken up again: %s", err.text);
}

/* Whether it tells its timeline is asked once, when it is opened: what is not answered is no answer. */
static void test_opened_in_a_hiccup(struct ledger *ledger)
{
	AUTO(catalog_free) struct catalog *other = NULL;

	__atomic_store_n(&cut_word, "pg_walfile_name", __ATOMIC_SEQ_CST);
	OK(!catalog_open(ledger->path, CATALOG_WRITE, &other, &err) && err.kind == ERR_UNAVAILABLE,
	   "a ledger whose server breaks off while it is opened is not open: %s", err.text);
	__atomic_store_n(&cut_word, NULL, __ATOMIC_SEQ_CST);
	MUST(catalog_open(ledger->path, CATALOG_WRITE, &other, &err));
	OK(other->tells_timeline, "then it is, and knows the timeline");
}

int main(void)
{
	struct ledger ledger;
	pthread_t thread;
	int listener;

	if (!mkdtemp(own_folder))
		return 1;
	name_commit();
	ledger_open(&ledger);
	name_addresses(&ledger);
	listener = start_listening(&thread);
	ledger_reopen(&ledger);
	for (int is_turn = 0; is_turn < 2; is_turn++) {
		test_cut(&ledger, CUT_BEFORE, is_turn, false);
		test_cut(&ledger, CUT_AFTER, is_turn, true);
	}
	test_without_number(&ledger);
	test_slow(&ledger);
	test_not_known(&ledger);
	test_breaks_at_once(&ledger);
	test_opened_in_a_hiccup(&ledger);
	ledger_remove(&ledger);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	{
		struct sockaddr_un address;

		close(socket_of(own_folder, &address));
		unlink(address.sun_path);
	}
	rmdir(own_folder);
	return tap_end();
}
