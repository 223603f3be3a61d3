/*
 * A PostgreSQL that says nothing: what is found out of it, and how long that takes.  Run by tests/tools/postgres.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "tap.h"
#include "test_database.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PUT "INSERT INTO t (name, n) VALUES ($1, $2)"

#include "database_calls.h"

/* The server's socket lies in a folder, and `way` leads there: who is connected stays so when it leads elsewhere. */
static char own_folder[] = "/tmp/callspool-way.XXXXXX", server_folder[80],
	    way[sizeof(own_folder) + 2];
static char hole_path[sizeof(way) + 20];
static int hole = -1;

static void must(int failed, const char *what)
{
	if (failed >= 0)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void way_close(void)
{
	if (hole >= 0) {
		close(hole);
		hole = -1;
		must(unlink(hole_path), hole_path);
		must(rmdir(way), way);
	} else {
		must(unlink(way), way);
	}
}

static void way_open(void)
{
	must(symlink(server_folder, way), way);
}

/* Whoever comes there is let in, and nobody says anything. */
static void way_into_hole(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", hole_path);
	must(mkdir(way, 0700), way);
	hole = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(hole, (struct sockaddr *)&address, sizeof(address)), hole_path);
	must(listen(hole, 8), "listen");
}

/* The tests' address, with that host. */
static char *address_by(const char *host)
{
	struct str whole = str_of(getenv("CALLSPOOL_TEST_DATABASE"));
	size_t at = str_find_str(whole, STR("host=")) + strlen("host=");
	struct str rest = str_after(whole, at);
	struct str folder = str_first(rest, str_find(rest, '&'));

	str_fit(folder, server_folder, sizeof(server_folder));
	return xasprintf("%.*s%s%.*s", STR_ARG(str_first(whole, at)), host,
			 STR_ARG(str_after(rest, folder.len)));
}

static void test_reader(void)
{
	AUTO(db_free) struct db *reader = opened(DB_READ);

	OK(number(reader, "SELECT COUNT(pg_terminate_backend(pg_backend_pid()))") < 0 &&
		   db_connection(reader) == 0 && !db_is_unreachable(reader),
	   "of a connection that was lost nobody knows why: %s", err.text);
	OK(db_begin(reader, &err) && db_connection(reader) != 0, "there is another one");
	way_close();
	OK(number(reader, "SELECT 1 FROM pg_sleep(20)") < 0 && err.kind == ERR_UNAVAILABLE,
	   "a server that is silent, and to be found no more, is not waited for: %s", err.text);
	OK(db_is_unreachable(reader), "it is away");
	db_rollback(reader);
	way_open();
	OK(db_begin(reader, &err) && !db_is_unreachable(reader), "until it is back: %s", err.text);
	db_rollback(reader);
}

/* Of two hosts: that the other one is there says nothing of the one that is asked. */
static void test_another_host(void)
{
	AUTO(free) char *both = xasprintf("%s,%s", way, server_folder);
	AUTO(free) char *address = address_by(both);
	AUTO(db_free) struct db *reader = NULL;

	OK(db_open(address, DB_READ, &reader, &err), "a reader of two hosts: %s", err.text);
	way_close();
	OK(number(reader, "SELECT 1 FROM pg_sleep(7)") < 0 && db_is_unreachable(reader),
	   "the first is silent and gone, and not waited for: %s", err.text);
	OK(db_begin(reader, &err), "the second is had at once: %s", err.text);
	db_rollback(reader);
	way_open();
}

static void test_answer_meanwhile(void)
{
	AUTO(db_free) struct db *reader = opened(DB_READ);

	way_close();
	way_into_hole();
	OK(number(reader, "SELECT 1 FROM pg_sleep(4.5)") == 1 && !db_is_unreachable(reader),
	   "what comes while it is asked whether it is there is heard: %s", err.text);
	way_close();
	way_open();
}

static void test_writer(void)
{
	AUTO(db_free) struct db *writer = opened(DB_WRITE);
	int64_t began_ms;

	way_close();
	OK(number(writer, "SELECT 1 FROM pg_sleep(4)") == 1, "a writer waits, and does not ask: %s",
	   err.text);
	way_into_hole();
	OK(number(writer, "SELECT COUNT(pg_terminate_backend(pg_backend_pid()))") < 0,
	   "its connection is lost: %s", err.text);
	began_ms = clock_monotonic_ms();
	OK(!db_begin(writer, &err) && db_is_unreachable(writer),
	   "where nobody answers there is no other one: %s", err.text);
	OK(clock_monotonic_ms() - began_ms < 8000, "which is found out once: %lld ms",
	   (long long)(clock_monotonic_ms() - began_ms));
	way_close();
	way_open();
	OK(db_begin(writer, &err), "until somebody does: %s", err.text);
	db_rollback(writer);
}

int main(void)
{
	AUTO(free) char *address = NULL;

	if (!mkdtemp(own_folder))
		return 1;
	snprintf(way, sizeof(way), "%s/a", own_folder);
	snprintf(hole_path, sizeof(hole_path), "%s/.s.PGSQL.5432", way);
	address = address_by(way);
	database = address;
	way_open();
	test_reader();
	test_another_host();
	test_answer_meanwhile();
	test_writer();
	way_close();
	rmdir(own_folder);
	return tap_end();
}
