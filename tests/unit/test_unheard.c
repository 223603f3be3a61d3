/*
 * What others had to tell when a batch could not even begin: it is heard behind that batch.  Run by tests/tools/postgres.
 */
#include "base/own.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "catalog/turn_news.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/feed.h"
#include "ledger/writer.h"
#include "must.h"
#include "tap.h"
#include "test_database.h"

static struct err err;
static struct catalog *other;
static struct writer writer;
static struct mailbox *mailbox;
static struct trouble trouble = TROUBLE_NONE;

static void others_turn(const char *call_sid)
{
	struct projection_change change = { .what = 1 };

	text_set(change.call_sid, SID_SIZE, str_of(call_sid));
	MUST(catalog_begin(other, &err));
	(void)catalog_next_sequence(other);
	turn_tell(other, &change);
	MUST(catalog_commit(other, &err));
}

static void exec(const char *sql)
{
	MUST(db_exec(other->db, sql, &err));
}

/* The last digits of the calls of which the feed was told since it began: "1 2". */
static struct str told(void)
{
	static struct feed_change changes[FEED_COMMIT_MAX];
	static char text[64];
	size_t count, len = 0;

	text[0] = '\0';
	MUST(feed_since(writer.feed, feed_oldest(writer.feed), changes, ARRAY_LEN(changes),
			&count));
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c", len ? " " : "",
					changes[i].change.call_sid[2]);
	return str_of(text);
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return true;
}

static void was_run(struct ledger_job *job)
{
}

/* Of the batch: was it written? */
static bool turn(bool has_news)
{
	struct ledger_job job = { .run = run_nothing, .done = was_run, .reply = mailbox };

	(void)writer_turn(&writer, &job, has_news);
	mailbox_drain(mailbox);
	return job.succeeded;
}

static void test_turns(void)
{
	others_turn("CA1");
	OK(turn(true), "a batch that is written");
	IS_STR(told(), STR("1"), "has heard as it began");
	others_turn("CA2");
	exec("ALTER TABLE processes RENAME TO hidden");
	OK(!turn(true), "one that cannot begin is not written");
	IS_STR(told(), STR("1 2"), "and what others had to tell is heard all the same");
	OK(!turn(false), "nor is the next");
	exec("ALTER TABLE hidden RENAME TO processes");
	others_turn("CA3");
	OK(!writer_turn(&writer, NULL, false), "where nobody says that others had turns");
	IS_STR(told(), STR("1 2"), "nobody looks");
	OK(!writer_turn(&writer, NULL, true), "where somebody does");
	IS_STR(told(), STR("1 2 3"), "they are heard without a batch, each once");
}

int main(void)
{
	char folder[] = "/tmp/callspool-test.XXXXXX", address[TEST_DATABASE_SIZE];
	const struct member_place place = { NULL };
	struct loop *loop;

	if (!mkdtemp(folder))
		return 1;
	test_database_make(folder, address);
	MUST(loop_new(&loop, &err) && mailbox_open(loop, &mailbox, &err));
	MUST(catalog_open(address, CATALOG_WRITE, &other, &err));
	MUST(catalog_enlist(other, &place, &err));
	others_turn("CA0");
	writer_init(&writer);
	writer.trouble = &trouble;
	MUST(catalog_open(address, CATALOG_WRITE, &writer.catalog, &err));
	MUST(catalog_enlist(writer.catalog, &place, &err));
	MUST(catalog_sequence(writer.catalog, &writer.heard, &err));
	writer.feed = feed_new(writer.heard);
	MUST(turns_hear(writer.catalog, &writer.heard, &writer.hearer, &err));
	writer.hears = true;
	test_turns();
	feed_free(writer.feed);
	writer_release(&writer);
	catalog_free(other);
	mailbox_free(mailbox);
	loop_free(loop);
	test_database_remove(folder, address);
	rmdir(folder);
	return tap_end();
}
