#include "event/signals.h"

#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;
static int received[8], count;

static void note(struct signals *signals, int number)
{
	received[count++] = number;
	loop_stop(loop);
}

int main(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	struct signals signals;
	struct err err;
	int pair[2];

	signals_block(); /* without it the first one ends the test */
	if (!loop_new(&loop, &err) || pipe(pair) < 0)
		return 1;
	OK(signals_start(loop, &signals, note, &err), "signals are watched for");
	for (int i = 0; i < (int)ARRAY_LEN(numbers); i++) {
		raise(numbers[i]);
		loop_run(loop);
		OK(count == i + 1 && received[i] == numbers[i], "signal %d is told", numbers[i]);
	}
	close(pair[0]);
	OK(write(pair[1], "x", 1) < 0, "who writes to nobody hears so, and lives");
	close(pair[1]);
	signals_stop(&signals);
	IS_INT(signals.fd, -1, "no longer watched for");
	signals_stop(&signals);
	loop_free(loop);
	return tap_end();
}
