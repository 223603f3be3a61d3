/*
 * Sweeps over a list in memory: the reader lists it, the worker works on it, the writer marks it,
 * as with rows of the ledger.
 */
#include "keeping/sweep.h"

#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>

#include "sweep_fixture.h"
#include "tap.h"

#define ROWS_MAX 200
#define LONG_MS  600000 /* longer than any test: what waits for it does not come */

enum row_fault {
	ROW_GOOD,
	ROW_BROKEN,
	ROW_SCARCE,
	ROW_GONE,
	ROW_TAKEN,
	ROW_FORGOTTEN,
	ROW_UNWRITABLE,
	ROW_DISK_FULL
};

static struct row {
	int64_t place;
	_Atomic(enum row_fault) fault;
	atomic_bool is_done;
	atomic_uint worked;
	int64_t begun_at_ms;
} rows[ROWS_MAX];
static atomic_size_t row_count; /* what is below it may be listed */
static atomic_uint lists;
static unsigned started, started_most, looks;
static struct sweep *sweep;
static unsigned told; /* failures, one by one */

/* In place of the log's (see meson.build). */
void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_error(const struct log_tag *tag, const char *fmt, ...)
{
	told++;
}

struct entry {
	struct sweep_item item;
	struct row *row;
	struct timer timer;
};

static struct row *row_of(struct sweep_item *item)
{
	return container_of(item, struct entry, item)->row;
}

/* ---- the three functions ---- */

static bool list(struct sweep_page *page, struct catalog *catalog, struct err *why)
{
	lists++;
	for (size_t i = 0; i < row_count && page->count < page->size; i++) {
		struct sweep_item *item;

		if (rows[i].is_done || rows[i].place <= page->after)
			continue;
		item = sweep_page_add(page);
		item->place = rows[i].place;
		snprintf(item->recording_sid, SID_SIZE, "RE%lld", (long long)rows[i].place);
		container_of(item, struct entry, item)->row = &rows[i];
	}
	return true;
}

static bool work(struct sweep_item *item, struct err *why)
{
	struct row *row = row_of(item);

	row->worked++;
	if (row->fault == ROW_BROKEN)
		return err_set(why, ERR_INTERNAL, "broken");
	if (row->fault == ROW_GONE)
		return err_set(why, ERR_CONFLICT, "gone");
	return row->fault != ROW_SCARCE || err_set(why, ERR_SCARCE, "no descriptor is left");
}

static bool write_row(struct sweep_item *item, struct catalog *catalog, struct err *why)
{
	struct row *row = row_of(item);

	if (row->fault == ROW_TAKEN)
		return err_set(why, ERR_CONFLICT, "taken");
	if (row->fault == ROW_FORGOTTEN)
		return err_set(why, ERR_NOT_FOUND, "not in the ledger");
	if (row->fault == ROW_UNWRITABLE)
		return err_set(why, ERR_INTERNAL, "not written");
	if (row->fault == ROW_DISK_FULL)
		return err_set(why, ERR_UNAVAILABLE, "the disk is full");
	row->is_done = true;
	return true;
}

/* Two milliseconds later it is done. */
static void time_is_over(struct timer *timer)
{
	struct entry *entry = container_of(timer, struct entry, timer);
	struct err why;

	started--;
	sweep_item_end(&entry->item, work(&entry->item, &why), &why);
}

static void start(struct sweep_item *item)
{
	row_of(item)->begun_at_ms = loop_now_ms(item->env->loop);
	if (++started > started_most)
		started_most = started;
	timer_start(item->env->loop, &container_of(item, struct entry, item)->timer, 2,
		    time_is_over);
}

static const struct sweep_table plain = {
	.name = "rows",
	.failure = "cannot be done",
	.item_size = sizeof(struct entry),
	.page_size = 4,
	.woken_by = PROJECTED_STORED,
	.pace = { .wait_most_ms = 1,
		  .again_ms = 1,
		  .retry_first_ms = LONG_MS,
		  .retry_most_ms = LONG_MS },
	.list = list,
	.work = work,
	.write = write_row,
};
static struct sweep_table table;

/* ---- the list ---- */

static void add(enum row_fault fault)
{
	size_t n = row_count;

	rows[n].place = (int64_t)n + 1;
	rows[n].fault = fault;
	rows[n].is_done = false;
	rows[n].worked = 0;
	row_count = n + 1;
}

static void add_many(size_t count, enum row_fault fault)
{
	while (count-- > 0)
		add(fault);
}

static void open_sweep(void)
{
	row_count = 0;
	lists = started = started_most = looks = told = 0;
	sweep_env_open(NULL);
	must(ledger_start(env.ledger, &err));
	sweep = sweep_new(&env, &table);
}

static void close_sweep(void)
{
	sweep_env_stop();
	sweep_free(sweep);
	sweep_env_free();
}

static bool all_good_are_done(void)
{
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].fault == ROW_GOOD && !rows[i].is_done)
			return false;
	return true;
}

/* For what must not happen. */
static bool some_time_is_over(void)
{
	return ++looks == 20;
}

static bool last_is_worked(void)
{
	return rows[row_count - 1].worked > 0;
}

static bool first_is_worked_twice(void)
{
	return rows[0].worked >= 2;
}

static bool first_is_worked_thrice(void)
{
	return rows[0].worked >= 3;
}

static bool every_row_once(enum row_fault fault)
{
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].fault == fault && rows[i].worked != 1)
			return false;
	return true;
}

/* ---- the tests ---- */

static void test_pages(void)
{
	table = plain;
	open_sweep();
	add_many(10, ROW_GOOD);
	OK(rows[0].worked == 0, "nothing is begun before it is woken");
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "ten rows in pages of four");
	OK(every_row_once(ROW_GOOD), "each was worked on once");
	add(ROW_GOOD);
	sweep_changed(sweep, PROJECTED_CALL);
	sweep_changed(sweep, PROJECTED_CALL | PROJECTED_STORED);
	OK(sweep_until(all_good_are_done), "one more, after a change that it is woken by");
	OK(every_row_once(ROW_GOOD), "the others are not looked at again");
	close_sweep();
}

static void test_woken_by(void)
{
	table = plain;
	open_sweep();
	add(ROW_GOOD);
	for (int i = 0; i < 5; i++)
		sweep_changed(sweep, PROJECTED_CALL | PROJECTED_RECORDING);
	OK(sweep_until(some_time_is_over) && lists == 0, "other changes do not wake it");
	sweep_changed(sweep, PROJECTED_STORED);
	for (int i = 0; i < 5; i++)
		sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "this one does");
	IS_INT(lists, 1, "however often it is woken at once, it lists once");
	close_sweep();
}

/* Once 64 files that could not be read ended all of it until the next start. */
static void test_many_broken(void)
{
	table = plain;
	open_sweep();
	add_many(150, ROW_BROKEN);
	add(ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "150 that fail do not keep the next from being done");
	add(ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "nor what comes later");
	OK(every_row_once(ROW_BROKEN), "those that failed are passed over meanwhile");
	IS_INT(told, 64, "of so many the first 64 are told one by one");
	OK(every_row_once(ROW_GOOD), "and what is done is done once");
	close_sweep();
}

static void test_retry(void)
{
	table = plain;
	table.pace.retry_first_ms = 20;
	table.pace.retry_most_ms = 30;
	open_sweep();
	add_many(6, ROW_BROKEN);
	add_many(6, ROW_UNWRITABLE);
	sweep_wake(sweep);
	OK(sweep_until(last_is_worked) && sweep_until(first_is_worked_thrice),
	   "what failed is tried again, and again");
	IS_INT(told, 12, "and told once");
	for (size_t i = 0; i < row_count; i++)
		rows[i].fault = ROW_GOOD;
	OK(sweep_until(all_good_are_done), "until it succeeds, all of it");
	close_sweep();
}

static bool first_is_worked_often(void)
{
	return rows[0].worked >= 5;
}

static void test_back_off(void)
{
	int64_t begun_at_ms;

	table = plain;
	table.pace.retry_first_ms = 40; /* long beside what a try takes */
	open_sweep();
	add(ROW_BROKEN);
	begun_at_ms = loop_now_ms(env.loop);
	sweep_wake(sweep);
	OK(sweep_until(first_is_worked_often), "four more tries");
	OK(loop_now_ms(env.loop) - begun_at_ms >= 40 + 80 + 160 + 320, "after waits that double");
	close_sweep();
}

static bool woken_again_and_done(void)
{
	sweep_wake(sweep);
	return all_good_are_done();
}

static void test_never_quiet(void)
{
	table = plain;
	table.pace.quiet_ms = LONG_MS;
	table.pace.wait_most_ms = 20;
	open_sweep();
	add(ROW_GOOD);
	OK(sweep_until(woken_again_and_done), "woken all the time, it begins all the same");
	close_sweep();
}

static bool third_is_worked(void)
{
	return rows[2].worked >= 2;
}

static void test_held_up(void)
{
	table = plain;
	open_sweep();
	add_many(2, ROW_GOOD);
	add_many(2, ROW_SCARCE);
	add_many(3, ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(third_is_worked), "what is not the row's fault is tried again soon");
	OK(rows[0].is_done && rows[1].is_done, "those before it are written");
	OK(rows[3].worked == 0 && rows[4].worked == 0, "those behind it wait");
	rows[2].fault = rows[3].fault = ROW_GOOD;
	OK(sweep_until(all_good_are_done), "then it goes on, and passes over none");
	IS_INT(rows[0].worked, 1, "nor does it do any twice");
	close_sweep();
}

static void test_written(void)
{
	table = plain;
	table.pace.retry_first_ms = 1;
	open_sweep();
	add(ROW_DISK_FULL);
	add(ROW_TAKEN);
	add(ROW_GOOD);
	add(ROW_GONE);
	add(ROW_FORGOTTEN);
	sweep_wake(sweep);
	OK(sweep_until(first_is_worked_twice), "a full disk holds it up");
	rows[0].fault = ROW_GOOD;
	OK(sweep_until(all_good_are_done), "and it goes on when there is room");
	OK(sweep_until(last_is_worked), "with those behind it");
	rows[1].worked = rows[3].worked = rows[4].worked = 0;
	OK(sweep_until(some_time_is_over) && rows[1].worked == 0 && rows[3].worked == 0,
	   "what changed meanwhile is no failure: it is not tried again");
	IS_INT(rows[4].worked, 0, "nor is what the ledger has no more");
	OK(!rows[3].is_done, "nor is it written, where the work finds out");
	close_sweep();
}

static void test_restart(void)
{
	table = plain;
	open_sweep();
	add_many(6, ROW_GOOD);
	sweep_restart(sweep, rows[3].place);
	OK(sweep_until(last_is_worked), "begun behind a place");
	OK(rows[3].worked == 0 && rows[4].worked == 1, "what is before it is left out");
	sweep_restart(sweep, 0);
	OK(sweep_until(all_good_are_done), "begun at the start");
	add(ROW_BROKEN);
	sweep_wake(sweep);
	OK(sweep_until(last_is_worked), "one that fails");
	add(ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "and one behind it");
	IS_INT(rows[6].worked, 1, "once begun anew, it goes on where it was");
	close_sweep();
}

static void test_started_on_the_loop(void)
{
	table = plain;
	table.work = NULL;
	table.start = start;
	open_sweep();
	add_many(3, ROW_GOOD);
	add(ROW_BROKEN);
	add_many(3, ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "work that is begun on the loop");
	IS_INT(started_most, 4, "a page of it at once");
	OK(every_row_once(ROW_BROKEN) && every_row_once(ROW_GOOD), "each row once");
	close_sweep();
}

static void test_paced(void)
{
	table = plain;
	table.work = NULL;
	table.start = start;
	table.pace.item_ms = 10;
	open_sweep();
	add_many(6, ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "paced");
	for (size_t i = 1; i < row_count; i++)
		OK(rows[i].begun_at_ms - rows[i - 1].begun_at_ms >= 10,
		   "row %zu is begun no sooner than it may be", i);
	close_sweep();
}

static void test_nothing_to_work_on(void)
{
	table = plain;
	table.work = NULL;
	open_sweep();
	add_many(5, ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "rows that are only written");
	table.work = work;
	table.write = NULL;
	add_many(5, ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(last_is_worked), "rows that are only worked on");
	close_sweep();
}

/* The page that it belongs to is read already. */
static void start_and_wake(struct sweep_item *item)
{
	start(item);
	if (row_count > 1)
		return;
	add(ROW_GOOD);
	sweep_wake(sweep);
}

static void test_woken_while_busy(void)
{
	table = plain;
	table.work = NULL;
	table.start = start_and_wake;
	open_sweep();
	add(ROW_GOOD);
	sweep_wake(sweep);
	OK(sweep_until(all_good_are_done), "woken while it is busy, it looks again");
	IS_INT(row_count, 2, "for one more");
	close_sweep();
}

int main(void)
{
	test_pages();
	test_woken_by();
	test_many_broken();
	test_retry();
	test_back_off();
	test_never_quiet();
	test_held_up();
	test_written();
	test_restart();
	test_started_on_the_loop();
	test_paced();
	test_nothing_to_work_on();
	test_woken_while_busy();
	return tap_end();
}
