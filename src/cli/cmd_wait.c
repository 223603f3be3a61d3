#include "cli/cmd_wait.h"

#include <signal.h>
#include <stdio.h>

static void signal_received(struct signals *signals, int number)
{
	struct cmd_wait *wait = container_of(signals, struct cmd_wait, signals);

	if (number == SIGHUP && wait->hangup)
		wait->hangup(wait);
	else
		loop_stop(wait->loop);
}

bool cmd_wait_open(struct cmd_wait *wait, struct err *err)
{
	struct loop *loop = NULL;

	signals_block();
	if (!loop_new(&loop, err))
		return false;
	if (!signals_start(loop, &wait->signals, signal_received, err)) {
		loop_free(loop);
		return false;
	}
	wait->loop = loop;
	return true;
}

void cmd_wait_release(struct cmd_wait *wait)
{
	if (!wait->loop)
		return;
	signals_stop(&wait->signals);
	loop_free(TAKE(wait->loop));
}

void cmd_wait_run(struct cmd_wait *wait)
{
	loop_run(wait->loop);
}

void cmd_wait_end(struct cmd_wait *wait)
{
	loop_stop(wait->loop);
}

void cmd_say_listening(const char *who, const char *url)
{
	printf("%s is listening on %s\n", who, url);
	fflush(stdout);
	clearerr(stdout); /* nobody reads it, perhaps: what a server does is not printed */
}
