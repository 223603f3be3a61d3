#include "server/descriptors.h"

#include "base/log.h"

#include <limits.h>
#include <sys/resource.h>

#define ASSUMED 1024 /* where the system does not say */
#define OWN     40   /* ledger, loops, mailboxes, listeners, standard streams */
#define KEPT_MAX \
	1024 /* files of flights: two descriptors each, and one for each loop with players */
#define CACHE_PART 4 /* a quarter of all is for what the loops' caches keep open */
#define KEPT_PART  16
#define OF_BUCKET  200 /* 64 requests: a socket, a file that comes, one that is given on */
#define FOLLOWED_MAX \
	256 /* what other processes fetch and is played here: a socket, a file to write and to read, one more for each loop */
#define OF_FOLLOWED 4

static uint64_t raise_limit(void)
{
	struct rlimit limit;
	rlim_t had;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return ASSUMED;
	had = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return limit.rlim_max;
	log_warn(NULL, "the limit of open files stays at %llu", (unsigned long long)had);
	return had;
}

/* `players` is what connections and the files that are played may have, our own included. */
static unsigned fit_cache(unsigned wanted, uint64_t all, uint64_t players, unsigned loops)
{
	uint64_t theirs = players > OWN ? (players - OWN) / 2 : 0;
	uint64_t most = (all / CACHE_PART < theirs ? all / CACHE_PART : theirs) / loops;

	if (wanted <= most)
		return wanted;
	if (most == 0)
		most = 1;
	log_info(NULL, "cache_entries is %llu in place of %u: only %llu files can be open",
		 (unsigned long long)most, wanted, (unsigned long long)all);
	return (unsigned)most;
}

/*
 * The part that players cannot take: what flights may need at once (a file to write, one to read, a
 * socket, a duplicate on its way; the files of as many that wait for the disk), the files of parts that
 * wait, the process's own.
 */
static uint64_t spare(const struct flight_options *flights, bool has_bucket, bool has_peers,
		      uint64_t all)
{
	uint64_t at_once = (uint64_t)flights->concurrency + flights->player_slots;
	uint64_t wanted = 6 * at_once + 2 * (uint64_t)flights->kept_files_max + OWN +
			  (has_bucket ? OF_BUCKET : 0) +
			  (has_peers ? OF_FOLLOWED * (uint64_t)flights->followed_max : 0);
	uint64_t least = all / 8, most = all / 4;

	return wanted < least ? least : wanted > most ? most : wanted;
}

static int fd_number(uint64_t number)
{
	return number > INT_MAX ? INT_MAX : (int)number;
}

void descriptors_share(struct settings *settings, unsigned loops)
{
	uint64_t all = raise_limit(), kept = all / KEPT_PART, left;

	settings->flights.kept_files_max = kept > KEPT_MAX ? KEPT_MAX : (unsigned)kept;
	settings->flights.followed_max = kept > FOLLOWED_MAX ? FOLLOWED_MAX : (unsigned)kept;
	/* Connections end a step lower, so that those who are here can be served when no more are let in. */
	left = spare(&settings->flights, settings->s3.store != NULL, settings->database != NULL,
		     all);
	settings->http.connection_fd_max = fd_number(all - left - left / 2);
	settings->http.file_fd_max = fd_number(all - left);
	settings->web.cache_entries =
		fit_cache(settings->web.cache_entries, all, all - left - left / 2, loops);
	settings->web.file_fd_max = settings->http.file_fd_max;
}
