#include "auth/hashers.h"

#include "base/clock.h"
#include "event/loop.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COST ((struct password_cost){ PASSWORD_MEMORY_LEAST, PASSWORD_PASSES_LEAST })
#define JOBS 200

static struct loop *loop;
static struct mailbox *mailbox;
static struct err err;
static char folder[] = "/tmp/callspool-test.XXXXXX";
static char fifo[sizeof(folder) + 8];
static struct password_rules slow_rules = { .least = 8, .breached_file = fifo };

/* What came back, in order: the password is the name of the job. */
static struct {
	char name[16];
	bool succeeded, is_right;
	enum err_kind kind;
} back[JOBS];
static unsigned back_count, awaited;

static void done(struct hash_job *job)
{
	snprintf(back[back_count].name, sizeof(back[0].name), "%s", job->password);
	back[back_count].succeeded = job->succeeded;
	back[back_count].is_right = job->is_right;
	back[back_count++].kind = job->err.kind;
	hash_job_free(job);
	if (back_count >= awaited)
		loop_stop(loop);
}

static struct hash_job *job_new(const char *name)
{
	struct hash_job *job = hash_job_new(str_of(name));

	job->reply = mailbox;
	job->done = done;
	job->checks = true;
	return job;
}

static bool post_job(struct hashers *hashers, struct hash_job *job, const char *network,
		     bool is_known)
{
	bool was_taken = hashers_post(hashers, job, str_of(network), is_known);

	if (!was_taken)
		hash_job_free(job);
	return was_taken;
}

static bool post(struct hashers *hashers, const char *name, const char *network, bool is_known)
{
	return post_job(hashers, job_new(name), network, is_known);
}

/* One that is answered without a hash, for the password is too short: 64 of them take no time. */
static bool post_cheap(struct hashers *hashers, const char *name, const char *network,
		       bool is_known)
{
	static const struct password_rules rules = { .least = 15 };
	struct hash_job *job = job_new(name);

	job->checks = false;
	job->makes = true;
	job->rules = &rules;
	return post_job(hashers, job, network, is_known);
}

static struct hashers *start(void)
{
	struct hashers *hashers;

	if (!hashers_start(1, &COST, &hashers, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	back_count = awaited = 0;
	return hashers;
}

/* The hasher is busy from here to let_go(): it waits for somebody who writes to the list of breached passwords. */
static void hold(struct hashers *hashers)
{
	struct hash_job *job = job_new("the one that waits");

	job->checks = false;
	job->makes = true;
	job->rules = &slow_rules;
	if (!hashers_post(hashers, job, STR("held"), true))
		exit(1);
}

static void let_go(void)
{
	int fd = open(fifo, O_WRONLY | O_CLOEXEC); /* returns when the hasher has it open */

	close(fd);
}

static void await(unsigned count)
{
	awaited = count;
	if (back_count < count)
		loop_run(loop);
}

static void test_order(void)
{
	static const char *const want[] = { "known", "a1", "b1", "c1", "a2" };
	struct hashers *hashers = start();

	hold(hashers);
	OK(post_cheap(hashers, "a1", "a", false) && post_cheap(hashers, "a2", "a", false) &&
		   post_cheap(hashers, "b1", "b", false) && post_cheap(hashers, "c1", "c", false),
	   "four wait");
	OK(post_cheap(hashers, "known", "d", true), "and one from a browser that is known");
	let_go();
	await(6);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		IS_STR(str_of(back[i + 1].name), str_of(want[i]),
		       "the known one first, then the networks in turn: %zu", i);
	hashers_stop(hashers);
}

static void test_full(void)
{
	struct hashers *hashers = start();
	unsigned taken = 0, known = 0, waiting;

	hold(hashers);
	OK(post_cheap(hashers, "x", "one", false) && post_cheap(hashers, "x", "one", false),
	   "two of a network");
	OK(!post_cheap(hashers, "x", "one", false), "a third of the same is one too many");
	OK(hashers_have_room(hashers), "there is room for others");
	for (unsigned i = 0; i < 2 * HASHERS_QUEUE_MAX; i++) {
		char network[16];

		snprintf(network, sizeof(network), "n%u", i);
		taken += post_cheap(hashers, "x", network, false);
	}
	IS_INT(taken + 2, HASHERS_OTHERS_MAX, "so many strangers wait, and no more");
	OK(!hashers_have_room(hashers), "which can be asked");
	for (unsigned i = 0; i < 2 * HASHERS_QUEUE_MAX; i++) {
		char network[16];

		snprintf(network, sizeof(network), "k%u", i);
		known += post_cheap(hashers, "known", network, true);
	}
	OK(known > 0, "a browser that is known is taken all the same");
	waiting = taken + 2 + known;
	/* The thread may not have taken up yet the one that holds it: then that waits, too. */
	OK(waiting == HASHERS_QUEUE_MAX || waiting == HASHERS_QUEUE_MAX - 1,
	   "and in all so many wait: %u", waiting);
	let_go();
	await(waiting + 1);
	OK(hashers_have_room(hashers) && post_cheap(hashers, "x", "one", false),
	   "then there is room again");
	await(waiting + 2);
	hashers_stop(hashers);
}

static void test_stopping(void)
{
	struct hashers *hashers = start();
	unsigned undone = 0;

	hold(hashers);
	for (unsigned i = 0; i < 3; i++) {
		char network[16];

		snprintf(network, sizeof(network), "n%u", i);
		OK(post(hashers, "waits", network, i == 2), "one waits");
	}
	awaited = JOBS;
	let_go();
	hashers_stop(hashers);
	mailbox_drain(mailbox);
	IS_INT(back_count, 4, "all came back");
	for (unsigned i = 0; i < back_count; i++)
		undone += !back[i].succeeded && back[i].kind == ERR_UNAVAILABLE;
	OK(undone > 0, "and what was not begun says that the server stops");
}

static void test_checking(void)
{
	struct hashers *hashers = start();
	struct hash_job *right = job_new("right"), *wrong = job_new("wrong");
	char hash[PASSWORD_HASH_SIZE];

	if (!password_hash_make(&COST, STR("right"), hash, &err))
		exit(1);
	memcpy(right->hash, hash, sizeof(hash));
	memcpy(wrong->hash, hash, sizeof(hash));
	OK(hashers_post(hashers, right, STR("a"), false) &&
		   hashers_post(hashers, wrong, STR("b"), false),
	   "two are asked");
	await(2);
	OK(back[0].succeeded && back[0].is_right, "the right one is right");
	OK(back[1].succeeded && !back[1].is_right, "the wrong one is wrong");
	OK(post(hashers, "a password that nobody can type\n", "c", false), "nobody's is asked");
	await(3);
	OK(back[2].succeeded && !back[2].is_right, "nobody's is never right");
	hashers_stop(hashers);
}

/* The nice value of the thread of that name; -100: there is none. */
static int nice_of(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	int found = -100;

	while (tasks && (entry = readdir(tasks))) {
		char path[300], line[600] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) && strstr(line, name)) {
			struct str rest = str_after(str_of(line), str_find(str_of(line), ')') + 2);
			struct str field = STR_NONE;
			int64_t nice = 0;

			for (int i = 3; i <= 19; i++) /* proc(5): nice is field 19 */
				(void)!str_cut(&rest, ' ', &field);
			found = str_to_i64(field, &nice) ? (int)nice : -99;
		}
		fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static void test_planted(void)
{
	static const char *const hashes[] = {
		"x",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdA",
	};
	struct hashers *hashers = start();

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		struct hash_job *job = job_new("planted");

		job->makes = true; /* were it right */
		snprintf(job->hash, sizeof(job->hash), "%s", hashes[i]);
		OK(post_job(hashers, job, "a", false), "the hash is %s", hashes[i]);
		await((unsigned)i + 1);
		OK(!back[i].succeeded && !back[i].is_right && back[i].kind == ERR_INVALID,
		   "nothing can be said of the password");
	}
	hashers_stop(hashers);
}

static void test_priority(void)
{
	struct hashers *hashers = start();
	int own = nice_of("(test_hashers)"); /* whoever runs the tests may be as patient */

	OK(post(hashers, "x", "a", false), "one is asked");
	await(1); /* the thread has begun */
	IS_INT(nice_of("(hasher)"), 19, "it hashes at the lowest priority");
	IS_INT(nice_of("(test_hashers)"), own, "and nobody else changes his own for it");
	hashers_stop(hashers);
}

int main(void)
{
	if (sodium_init() < 0 || !loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err) ||
	    !mkdtemp(folder))
		return 1;
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	if (mkfifo(fifo, 0600) != 0)
		return 1;
	test_order();
	test_full();
	test_stopping();
	test_checking();
	test_planted();
	test_priority();
	unlink(fifo);
	rmdir(folder);
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
