#include "event/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void watched_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void signals_block(void)
{
	sigset_t set;

	watched_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void signal_ready(struct watch *watch, uint32_t events)
{
	struct signals *signals = container_of(watch, struct signals, watch);
	struct signalfd_siginfo info;

	while (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		signals->received(signals, (int)info.ssi_signo);
}

bool signals_start(struct loop *loop, struct signals *signals,
		   void (*received)(struct signals *signals, int signal), struct err *err)
{
	sigset_t set;

	watched_set(&set);
	signals->received = received;
	signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0)
		return err_errno(err, "cannot watch for signals");
	watch_start(loop, &signals->watch, signals->fd, EPOLLIN, signal_ready);
	return true;
}

void signals_stop(struct signals *signals)
{
	watch_stop(&signals->watch);
	if (signals->fd >= 0)
		close(signals->fd);
	signals->fd = -1;
}
