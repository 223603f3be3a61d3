/* How many descriptors there are, and whose they are. */
#include "server/descriptors.h"

#include "tap.h"

#include <limits.h>
#include <string.h>
#include <sys/resource.h>

/* In place of the system's (see meson.build). */
static struct rlimit limit;
static bool is_unknown, is_kept; /* getrlimit fails; setrlimit does */

int __wrap_getrlimit64(__rlimit_resource_t of, struct rlimit *out);
int __wrap_setrlimit64(__rlimit_resource_t of, const struct rlimit *now);

int __wrap_getrlimit64(__rlimit_resource_t of, struct rlimit *out)
{
	if (of != RLIMIT_NOFILE || is_unknown)
		return -1;
	*out = limit;
	return 0;
}

int __wrap_setrlimit64(__rlimit_resource_t of, const struct rlimit *now)
{
	if (of != RLIMIT_NOFILE || is_kept)
		return -1;
	limit = *now;
	return 0;
}

static struct settings settings;

/* Few flights: 36 descriptors and the process's own 40, beside files that are kept. */
static void share(rlim_t soft, rlim_t hard, unsigned cache_entries, unsigned loops)
{
	settings.flights.concurrency = 4;
	settings.flights.player_slots = 2;
	settings.web.cache_entries = cache_entries;
	limit = (struct rlimit){ .rlim_cur = soft, .rlim_max = hard };
	descriptors_share(&settings, loops);
}

static void test_shares(void)
{
	static const struct {
		const char *name;
		rlim_t all;
		bool has_bucket, has_peers;
		unsigned kept, followed;
		int connections, files;
	} rows[] = {
		{ "as usual", 1024, false, false, 64, 64, 718, 820 },
		{ "a bucket needs more, but not more than a quarter", 1024, true, false, 64, 64,
		  640, 768 },
		{ "as do others on the database", 1024, false, true, 64, 64, 640, 768 },
		{ "a bucket, with room for it", 4096, true, false, 256, 256, 2914, 3308 },
		{ "others on the database, with room for them", 16384, false, true, 1024, 256,
		  11662, 13236 },
		{ "both", 16384, true, true, 1024, 256, 11362, 13036 },
		{ "neither", 16384, false, false, 1024, 256, 13198, 14260 },
		{ "files that are kept are 1024 at most", 32768, false, false, 1024, 256, 26624,
		  28672 },
		{ "an eighth at least is no player's", 65536, false, false, 1024, 256, 53248,
		  57344 },
		{ "a handful", 64, false, false, 4, 4, 40, 48 },
		{ "more than an int holds", (rlim_t)1 << 40, false, false, 1024, 256, INT_MAX,
		  INT_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		settings.s3.store = rows[i].has_bucket ? "s3://bucket" : NULL;
		settings.database = rows[i].has_peers ? "postgresql://" : NULL;
		share(256, rows[i].all, 1, 1);
		OK(limit.rlim_cur == rows[i].all && limit.rlim_max == rows[i].all,
		   "%s: the limit is raised as far as it goes", rows[i].name);
		IS_INT(settings.flights.kept_files_max, rows[i].kept, "%s: files that are kept",
		       rows[i].name);
		IS_INT(settings.flights.followed_max, rows[i].followed, "%s: what others fetch",
		       rows[i].name);
		IS_INT(settings.http.connection_fd_max, rows[i].connections,
		       "%s: up to there connections are let in", rows[i].name);
		IS_INT(settings.http.file_fd_max, rows[i].files, "%s: up to there files are played",
		       rows[i].name);
		IS_INT(settings.web.file_fd_max, rows[i].files, "%s: wherever", rows[i].name);
	}
	settings.s3.store = NULL;
	settings.database = NULL;
}

static void test_cache(void)
{
	static const struct {
		const char *name;
		rlim_t all;
		unsigned loops, wanted, had;
	} rows[] = {
		{ "less than fits", 1024, 1, 100, 100 },
		{ "as much as fits", 1024, 1, 256, 256 },
		{ "one more", 1024, 1, 257, 256 },
		{ "each loop has one", 1024, 2, 1000, 128 },
		{ "a part that is none", 1024, 3, 1000, 85 },
		{ "players need the half of theirs", 160, 1, 1000, 30 },
		{ "where there is next to nothing it holds one", 64, 2, 1000, 1 },
		{ "none is wanted", 64, 2, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		share(64, rows[i].all, rows[i].wanted, rows[i].loops);
		IS_INT(settings.web.cache_entries, rows[i].had, "what a cache holds: %s",
		       rows[i].name);
	}
}

static void test_limits(void)
{
	is_kept = true;
	share(1024, 4096, 1, 1);
	IS_INT(settings.http.file_fd_max, 820,
	       "a limit that cannot be raised is the one that counts");
	is_kept = false;
	is_unknown = true;
	share(4096, 4096, 1, 1);
	IS_INT(settings.http.file_fd_max, 820, "one that is not known is taken to be 1024");
	is_unknown = false;
}

int main(void)
{
	test_shares();
	test_cache();
	test_limits();
	return tap_end();
}
