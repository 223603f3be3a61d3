#include "event/loop.h"
#include "event/workers.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define JOBS 1000

static struct loop *loop;
static struct mailbox *mailbox;
static pthread_t loop_thread;
static int done_count, on_loop, ran_on_loop;

struct square {
	struct job job;
	int number, result;
};
static struct square squares[JOBS];

static void run_square(struct job *job)
{
	struct square *square = container_of(job, struct square, job);

	square->result = square->number * square->number;
	if (pthread_equal(pthread_self(), loop_thread))
		square->result = -1;
}

static void square_done(struct job *job)
{
	struct square *square = container_of(job, struct square, job);

	on_loop += pthread_equal(pthread_self(), loop_thread) != 0;
	ran_on_loop += square->result != square->number * square->number;
	if (++done_count == JOBS)
		loop_stop(loop);
}

/* ---- one job posted more than once ---- */

static struct held {
	struct job job;
	pthread_mutex_t *waits_for;
	atomic_int runs;
} held[3];

static int held_done, held_wanted;

static void run_held(struct job *job)
{
	struct held *one = container_of(job, struct held, job);

	if (one->waits_for) {
		pthread_mutex_lock(one->waits_for);
		pthread_mutex_unlock(one->waits_for);
	}
	one->runs++;
}

static void held_is_done(struct job *job)
{
	if (++held_done == held_wanted)
		loop_stop(loop);
}

/* What stood behind a job in the queue once is not run again with it. */
static void test_again(void)
{
	static pthread_mutex_t shut = PTHREAD_MUTEX_INITIALIZER;
	struct workers *workers;
	struct err err;

	if (!workers_start("held", 1, &workers, &err))
		exit(1);
	pthread_mutex_lock(&shut);
	held[0].waits_for = &shut;
	held_wanted = 3;
	for (int i = 0; i < 3; i++) {
		held[i].job =
			(struct job){ .run = run_held, .done = held_is_done, .reply = mailbox };
		workers_post(workers, &held[i].job);
	}
	pthread_mutex_unlock(&shut);
	loop_run(loop);
	OK(held[0].runs == 1 && held[1].runs == 1 && held[2].runs == 1, "three jobs in a row");
	held_wanted = 4;
	workers_post(workers, &held[1].job);
	loop_run(loop);
	workers_stop(workers);
	OK(held[1].runs == 2 && held[2].runs == 1 && held_done == 4, "one of them again, alone");
}

static int freed;

static void run_freed(struct job *job)
{
	freed++;
	free(job);
}

/* Nobody is told of it: it is run()'s to free, and the sanitizer objects if it is looked at afterwards. */
static void test_freed(void)
{
	struct workers *workers;
	struct err err;

	if (!workers_start("freed", 1, &workers, &err))
		exit(1);
	for (int i = 0; i < 3; i++) {
		struct job *job = calloc(1, sizeof(*job));

		if (!job)
			exit(1);
		job->run = run_freed;
		workers_post(workers, job);
	}
	workers_stop(workers);
	IS_INT(freed, 3, "a job may free itself");
}

int main(void)
{
	struct workers *workers;
	struct err err;

	loop_thread = pthread_self();
	if (!loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err) ||
	    !workers_start("squares", 2, &workers, &err))
		return 1;
	for (int i = 0; i < JOBS; i++) {
		squares[i] = (struct square){
			.job = { .run = run_square, .done = square_done, .reply = mailbox },
			.number = i
		};
		workers_post(workers, &squares[i].job);
	}
	loop_run(loop);
	workers_stop(workers);
	IS_INT(on_loop, JOBS, "done() runs on the loop");
	IS_INT(ran_on_loop, 0, "run() does not, and did its work");
	test_again();
	test_freed();
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
