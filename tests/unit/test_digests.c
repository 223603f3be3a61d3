#include "keeping/digests.h"

#define COUNT 70 /* more than two pages; and than the 64 files that once ended all of it */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "sweep_recordings.h"
#include "tap.h"

#define SOUND "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd"

static struct sweep_table table;
static struct sweep *digests;
static unsigned waited_for; /* the number of a recording */

static void write_file(unsigned n)
{
	write_bytes(n, STR("sound"));
}

static bool has_digest(unsigned n)
{
	struct recording recording;

	find(n, &recording);
	return recording.sha256[0] != '\0';
}

static bool is_digested(void)
{
	return has_digest(waited_for);
}

static bool get_digest(unsigned n)
{
	waited_for = n;
	return sweep_until(is_digested);
}

/* ---- the ledger's word of it ---- */

static unsigned told_digests;

static void changed(struct ledger_listener *listener, const struct projection_change *change,
		    int64_t sequence)
{
	char sid[SID_SIZE];

	if (change->what == PROJECTED_RECORDING &&
	    str_eq(str_of(change->recording_sid), sid_of("RE", COUNT, sid)) &&
	    str_eq(str_of(change->call_sid), sid_of("CA", COUNT, sid)))
		told_digests++;
	sweep_changed(digests, change->what);
}

static bool last_is_told(void)
{
	return told_digests > 0;
}

/* ---- the tests ---- */

static void open_all(void)
{
	static struct ledger_listener listener;
	AUTO(free) char *path = NULL;

	table = digests_table;
	table.pace.quiet_ms = table.pace.again_ms = 1;
	sweep_env_open(fill);
	path = xasprintf("%s/ledger.db", folder);
	told_digests = 0;
	listener = (struct ledger_listener){ .mailbox = env.mailbox, .changed = changed };
	ledger_listen(env.ledger, &listener);
	must(ledger_start(env.ledger, &err) && catalog_open(path, CATALOG_READ, &reader, &err));
	digests = sweep_new(&env, &table);
}

static void close_all(void)
{
	sweep_env_stop();
	catalog_free(TAKE(reader));
	sweep_free(digests);
	sweep_env_free();
}

static void test_all(void)
{
	struct recording recording;

	open_all();
	for (unsigned n = 1; n <= COUNT; n++)
		write_file(n);
	sweep_wake(digests);
	OK(get_digest(COUNT) && get_digest(1), "all that is stored gets its digest");
	find(COUNT / 2, &recording);
	IS_STR(str_of(recording.sha256), STR(SOUND), "the SHA-256 of its bytes");
	OK(sweep_until(last_is_told), "whoever serves it hears of it");
	close_all();
}

static atomic_uint first_tries;

static bool work_counted(struct sweep_item *item, struct err *why)
{
	char sid[SID_SIZE];

	if (str_eq(str_of(item->recording_sid), sid_of("RE", 1, sid)))
		first_tries++;
	return digests_table.work(item, why);
}

/* The page of the first try has ended then: it was held up, and began anew. */
static bool was_tried_again(void)
{
	return first_tries >= 2;
}

static void test_no_descriptor(void)
{
	struct rlimit limit, none;

	open_all();
	table.work = work_counted;
	for (unsigned n = 1; n <= COUNT; n++)
		write_file(n);
	has_digest(1); /* the reader's files are open from now on */
	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = limit;
	none.rlim_cur = 3;
	must(setrlimit(RLIMIT_NOFILE, &none) == 0);
	sweep_wake(digests);
	OK(sweep_until(was_tried_again) && !has_digest(1),
	   "no descriptor is left: there is no digest");
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	OK(get_digest(1) && get_digest(COUNT), "there are some again: nothing was passed over");
	close_all();
}

/* All files are lost but the last. */
static void test_lost(void)
{
	struct storing storing;

	open_all();
	write_file(COUNT);
	sweep_wake(digests);
	OK(get_digest(COUNT), "that so many are lost keeps the next from nothing");
	write_file(COUNT / 2);
	store_anew(&storing, COUNT / 2);
	OK(get_digest(COUNT / 2), "stored anew it gets its digest, for the ledger tells of it");
	OK(!has_digest(1), "those stay without");
	close_all();
}

static void test_mended(void)
{
	open_all();
	table.pace.retry_first_ms = table.pace.retry_most_ms = 5;
	write_file(COUNT);
	sweep_wake(digests);
	OK(get_digest(COUNT), "others cannot be read");
	write_file(1);
	OK(get_digest(1), "what can be read again gets its digest");
	close_all();
}

/* It would be what the recording is compared with from then on. */
static void test_other_length(void)
{
	open_all();
	table.pace.retry_first_ms = table.pace.retry_most_ms = 5;
	write_bytes(1, STR("a page in its place"));
	write_bytes(2, STR("so"));
	write_file(COUNT);
	sweep_wake(digests);
	OK(get_digest(COUNT), "others have not the length that was stored");
	OK(!has_digest(1) && !has_digest(2), "and are given no digest");
	write_file(1);
	OK(get_digest(1), "what has it again is");
	close_all();
}

int main(void)
{
	test_all();
	test_no_descriptor();
	test_lost();
	test_mended();
	test_other_length();
	return tap_end();
}
