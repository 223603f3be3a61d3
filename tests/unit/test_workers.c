#include "event/loop.h"
#include "event/workers.h"
#include "tap.h"

#include <pthread.h>

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
	mailbox_free(mailbox);
	loop_free(loop);
	return tap_end();
}
