/* The log and the lines of a loop together, on real files. */
#include "accesslog/access_lines.h"
#include "base/file.h"
#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/signals.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[] = "/tmp/access-lines.XXXXXX";

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

struct fixture {
	struct loop *loop;
	struct mailbox *mailbox;
	struct access_log *log;
	struct access_lines *lines;
	struct err err;
};

static uint64_t keep_free_bytes;

static bool start(struct fixture *fixture, const char *where)
{
	*fixture = (struct fixture){ .loop = NULL };
	if (!access_log_open(where, keep_free_bytes, &fixture->log, &fixture->err))
		return false;
	if (!loop_new(&fixture->loop, &fixture->err) ||
	    !mailbox_open(fixture->loop, &fixture->mailbox, &fixture->err))
		exit(1);
	fixture->lines = access_lines_new(fixture->log, fixture->loop, fixture->mailbox);
	return true;
}

/* In the order of a server's end. */
static uint64_t stop(struct fixture *fixture)
{
	uint64_t lost;

	access_lines_end(fixture->lines);
	access_log_stop(fixture->log);
	lost = access_log_lost_count(fixture->log);
	mailbox_free(fixture->mailbox);
	access_lines_free(fixture->lines);
	access_log_free(fixture->log);
	loop_free(fixture->loop);
	return lost;
}

static void say(struct fixture *fixture, const char *target)
{
	const struct access_request request = { .method = STR("GET"), .target = str_of(target) };
	struct access_reply reply = { .status = 200, .id = STR("1") };

	access_lines_add(fixture->lines, &request, &reply);
}

/* How many lines there are, and how many of them name `target`. */
static unsigned count(const char *path, const char *target)
{
	AUTO(free) char *text = NULL;
	struct str rest, line;
	unsigned found = 0;
	struct err err;
	size_t len;

	if (!file_read(path, 16 * 1024 * 1024, &text, &len, &err))
		return 0;
	rest = (struct str){ text, len };
	while (str_cut(&rest, '\n', &line))
		found += line.len > 0 && str_find_str(line, str_of(target)) < line.len;
	return found;
}

static void test_file(void)
{
	AUTO(free) char *path = path_of("access.log");
	struct fixture fixture;
	struct stat info;

	OK(start(&fixture, path), "a file that is not there is made");
	for (int i = 0; i < 1000; i++)
		say(&fixture, "/first");
	IS_INT(stop(&fixture), 0, "nothing is lost");
	IS_INT(count(path, "/first"), 1000, "a thousand lines, in more than one batch");
	OK(stat(path, &info) == 0 && (info.st_mode & 07777) == 0640, "its mode is 0640");

	OK(start(&fixture, path), "and it is there");
	say(&fixture, "/second");
	stop(&fixture);
	IS_INT(count(path, "/first"), 1000, "what was there stays");
	IS_INT(count(path, "/second"), 1, "and goes on");
}

static void test_room(void)
{
	AUTO(free) char *path = path_of("room.log");
	struct fixture fixture;

	keep_free_bytes = UINT64_MAX;
	OK(start(&fixture, path), "a disk with less room than is to be left");
	keep_free_bytes = 0;
	say(&fixture, "/first");
	IS_INT(stop(&fixture), 1, "takes no line, and it is counted");
	IS_INT(count(path, "/first"), 0, "which is not there");
}

static void test_none(void)
{
	AUTO(free) char *nowhere = path_of("none/access.log");
	AUTO(free) char *fifo = path_of("no-reader");
	struct fixture fixture;
	struct access_log *log;
	struct err err;

	OK(access_log_open("off", 0, &log, &err) && !log, "off: there is none");
	access_log_reopen(log);
	access_log_stop(log);
	access_log_free(log);
	OK(!access_lines_new(NULL, NULL, NULL), "and no loop has lines");
	access_lines_end(NULL);
	access_lines_free(NULL);

	OK(!start(&fixture, nowhere) && fixture.err.kind == ERR_INVALID,
	   "a folder that is not there is a wrong setting");
	OK(!start(&fixture, folder), "and so is a folder");
	OK(mkfifo(fifo, 0600) == 0 && !start(&fixture, fifo), "and a pipe without a reader");
}

/* ---- on a running loop ---- */

struct looking {
	struct timer timer;
	struct loop *loop;
	const char *path, *target;
};

static void look(struct timer *timer)
{
	struct looking *looking = container_of(timer, struct looking, timer);

	if (count(looking->path, looking->target) > 0)
		loop_stop(looking->loop);
	else
		timer_start(looking->loop, timer, 5, look);
}

/* Runs the loop until the file has such a line, or is there where target is "". */
static void run_until(struct fixture *fixture, const char *path, const char *target)
{
	struct looking looking = { .loop = fixture->loop, .path = path, .target = target };

	timer_start(fixture->loop, &looking.timer, 0, look);
	loop_run(fixture->loop);
	timer_stop(&looking.timer);
}

static void test_reopening(void)
{
	AUTO(free) char *path = path_of("rotated.log");
	AUTO(free) char *moved = path_of("rotated.log.1");
	struct fixture fixture;

	OK(start(&fixture, path), "it is opened");
	say(&fixture, "/before");
	run_until(&fixture, path, "/before");
	IS_INT(count(path, "/before"), 1, "a line is written by itself, a moment later");
	OK(rename(path, moved) == 0, "the file is moved away");
	say(&fixture, "/meanwhile");
	run_until(&fixture, moved, "/meanwhile");
	IS_INT(count(moved, "/meanwhile"), 1, "until it is told, it goes on with the old one");
	access_log_reopen(fixture.log);
	access_log_reopen(fixture.log);
	say(&fixture, "/after");
	run_until(&fixture, path, "/after");
	IS_INT(count(moved, "/after"), 0, "then with a new one");

	OK(chmod(folder, 0700) == 0 && unlink(path) == 0 && mkdir(path, 0700) == 0,
	   "a folder takes its place");
	access_log_reopen(fixture.log);
	say(&fixture, "/lost");
	IS_INT(stop(&fixture), 0, "what cannot be opened anew is written on as it is");
	rmdir(path);
}

/* ---- what does not take lines ---- */

static void test_full_disk(void)
{
	struct fixture fixture;

	OK(start(&fixture, "/dev/full"), "a device without room");
	for (int i = 0; i < 10; i++)
		say(&fixture, "/lost");
	IS_INT(stop(&fixture), 10, "its lines are counted as lost");
}

struct reader {
	pthread_t thread;
	int fd;
	unsigned lines;
	bool all_whole;
	bool by_packet; /* and each write ends with a line */
};

static void *read_lines(void *argument)
{
	struct reader *reader = argument;
	char text[4096];
	size_t begun = 0;
	ssize_t n;

	while ((n = read(reader->fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (begun == 0 && text[i] != 'u') /* unix: */
				reader->all_whole = false;
			begun = text[i] == '\n' ? 0 : begun + 1;
			reader->lines += text[i] == '\n';
		}
		if (reader->by_packet && begun > 0)
			reader->all_whole = false;
	}
	reader->all_whole = reader->all_whole && begun == 0;
	return NULL;
}

/* Its reader takes nothing at first: the loop must not wait, and what it had no room for is counted. */
static void test_slow_reader(void)
{
	AUTO(free) char *path = path_of("pipe");
	struct reader reader = { .all_whole = true };
	struct fixture fixture;
	unsigned said = 0;
	uint64_t lost;

	OK(mkfifo(path, 0600) == 0, "a pipe");
	reader.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	OK(reader.fd >= 0 && start(&fixture, path), "with a reader");
	while (access_log_lost_count(fixture.log) < 5) {
		say(&fixture, "/much");
		said++;
	}
	OK(said > ACCESS_BATCHES_MAX * 100, "%u lines had room", said);
	fcntl(reader.fd, F_SETFL, 0);
	if (pthread_create(&reader.thread, NULL, read_lines, &reader) != 0)
		exit(1);
	lost = stop(&fixture);
	pthread_join(reader.thread, NULL);
	IS_INT(reader.lines, said - lost, "all that are not counted as lost came");
	OK(reader.all_whole, "and each of them whole");
	close(reader.fd);
}

/* Others write there, too: a line of theirs must not come in the middle of one of ours. */
static void test_shared(void)
{
	struct reader reader = { .all_whole = true, .by_packet = true };
	int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), ends[2];
	struct fixture fixture;

	/* Each write is a packet, and a read takes one. */
	OK(pipe2(ends, O_DIRECT | O_CLOEXEC) == 0 && dup2(ends[1], STDERR_FILENO) >= 0,
	   "standard error is a pipe");
	close(ends[1]);
	reader.fd = ends[0];
	OK(start(&fixture, "stderr"), "and the log goes there");
	for (int i = 0; i < 1000; i++)
		say(&fixture, "/shared");
	if (pthread_create(&reader.thread, NULL, read_lines, &reader) != 0)
		exit(1);
	IS_INT(stop(&fixture), 0, "nothing is lost");
	dup2(kept, STDERR_FILENO);
	close(kept);
	pthread_join(reader.thread, NULL);
	IS_INT(reader.lines, 1000, "all came");
	OK(reader.all_whole, "and no write ends within a line");
	close(reader.fd);
}

static void clean_up(void)
{
	static const char *const names[] = { "access.log", "no-reader", "rotated.log",
					     "rotated.log.1", "pipe" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(free) char *path = path_of(names[i]);

		unlink(path);
	}
	rmdir(folder);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	signals_block();
	signal(SIGPIPE, SIG_IGN);
	test_file();
	test_room();
	test_none();
	test_reopening();
	test_full_disk();
	test_slow_reader();
	test_shared();
	clean_up();
	return tap_end();
}
