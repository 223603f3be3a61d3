#include "live/live_client.h"

#include "base/json.h"
#include "catalog/projection_change.h"
#include "tap.h"

#include <stdio.h>

#define BEGAN_AT 1700000000000

static struct live_row rows[LIVE_CHANGES_MAX];
static struct live_batch batch = { .rows = rows };
static char room[256 * 1024];
static struct buf text;
static struct json json;

/* Row n of commit 10 + n is call n, which began n seconds after BEGAN_AT. */
static struct live_row *add_row(unsigned what)
{
	size_t n = batch.count++;
	struct live_row *row = &rows[n];
	struct call *call = &row->call.call;

	*row = (struct live_row){ .what = what, .sequence = 10 + (int64_t)n, .is_there = true };
	call->id = (int64_t)n + 1;
	call->started_at_ms = BEGAN_AT + (int64_t)n * 1000;
	call->direction = CALL_INBOUND;
	call->group = RECORDING_GROUP_STORED;
	call->main_started_at_ms = call->started_at_ms;
	snprintf(row->sid, sizeof(row->sid), "CA%032zu", n);
	memcpy(call->call_sid, row->sid, SID_SIZE);
	row->json_at = batch.json.len;
	buf_addf(&batch.json, "{\"n\":%zu}", n);
	row->json_len = batch.json.len - row->json_at;
	batch.sequence = row->sequence;
	return row;
}

static void begin_batch(void)
{
	buf_release(&batch.json);
	buf_init(&batch.json, 1 << 20);
	batch.count = 0;
	batch.more = 0;
	batch.sequence = 0;
}

static bool tell(struct live_client *client, int64_t now_ms)
{
	buf_over(&text, room, sizeof(room));
	json_start(&json, &text);
	return live_client_add_batch(client, &batch, now_ms, &json);
}

static void begin(struct live_client *client)
{
	*client = (struct live_client){ .told = 0 };
	live_client_begin(client, 0);
}

static void test_interest(void)
{
	static struct retention_rules short_lived;
	static const struct {
		const char *name;
		struct call_filter filter;
		int64_t bottom_s; /* after BEGAN_AT; the call began 0 s after it */
		unsigned what;
		bool is_missing;
		const char *told;
	} cases[] = {
		{ "all calls", { 0 }, -1, PROJECTED_CALL, false, "R" },
		{ "one that the ledger does not have", { 0 }, -1, PROJECTED_CALL, true, "G" },
		{ "its direction", { .direction = CALL_INBOUND }, -1, PROJECTED_CALL, false, "R" },
		{ "the other direction",
		  { .direction = CALL_OUTBOUND },
		  -1,
		  PROJECTED_CALL,
		  false,
		  "" },
		{ "the other direction, since just now",
		  { .direction = CALL_OUTBOUND },
		  -1,
		  PROJECTED_CALL | PROJECTED_MOVED,
		  false,
		  "G" },
		{ "its recording's state",
		  { .has_group = true, .group = RECORDING_GROUP_STORED },
		  -1,
		  PROJECTED_RECORDING,
		  false,
		  "R" },
		{ "another state, and a recording changed",
		  { .has_group = true, .group = RECORDING_GROUP_NONE },
		  -1,
		  PROJECTED_RECORDING,
		  false,
		  "G" },
		{ "another state, and the call changed",
		  { .has_group = true, .group = RECORDING_GROUP_NONE },
		  -1,
		  PROJECTED_CALL,
		  false,
		  "" },
		{ "another state and direction",
		  { .direction = CALL_OUTBOUND, .has_group = true, .group = RECORDING_GROUP_NONE },
		  -1,
		  PROJECTED_RECORDING,
		  false,
		  "" },
		{ "what is held, and a recording changed",
		  { .fate = CALLS_HELD },
		  -1,
		  PROJECTED_RECORDING,
		  false,
		  "G" },
		{ "what is held, and the call changed",
		  { .fate = CALLS_HELD },
		  -1,
		  PROJECTED_CALL,
		  false,
		  "" },
		{ "what has expired",
		  { .fate = CALLS_EXPIRED, .retention = &short_lived },
		  -1,
		  PROJECTED_RECORDING,
		  false,
		  "R" },
		{ "a bottom where it is", { 0 }, 0, PROJECTED_CALL, false, "R" },
		{ "a bottom above it", { 0 }, 1, PROJECTED_CALL, false, "" },
		{ "a bottom above it, below which it moved",
		  { 0 },
		  1,
		  PROJECTED_CALL | PROJECTED_MOVED,
		  false,
		  "G" },
		{ "a bottom above it, and another state",
		  { .has_group = true, .group = RECORDING_GROUP_NONE },
		  1,
		  PROJECTED_RECORDING,
		  false,
		  "" },
		{ "before it began", { .to_ms = BEGAN_AT }, -1, PROJECTED_CALL, false, "" },
		{ "from when it began", { .from_ms = BEGAN_AT }, -1, PROJECTED_CALL, false, "R" },
	};

	short_lived = retention_rules_of(1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct live_client client;
		const char *told = "";

		begin_batch();
		add_row(cases[i].what)->is_there = !cases[i].is_missing;
		begin(&client);
		client.query.filter = cases[i].filter;
		if (cases[i].bottom_s >= 0)
			client.bottom =
				(struct call_cursor){ BEGAN_AT + cases[i].bottom_s * 1000, 1 };
		if (tell(&client, 0))
			told = strstr(text.at, "{\"n\":0}") ? "R"
			       : strstr(text.at, "\"CA0")   ? "G"
							    : "?";
		IS_STR(str_of(told), str_of(cases[i].told), "who shows %s", cases[i].name);
		IS_INT(client.told, 10, "is told up to there");
	}
}

static void test_once(void)
{
	struct live_client client;

	begin_batch();
	for (int i = 0; i < 3; i++)
		add_row(PROJECTED_CALL);
	begin(&client);
	client.told = 11;
	OK(tell(&client, 0) && strstr(text.at, "\"seq\":12,\"calls\":[{\"n\":2}],\"gone\":[]"),
	   "what it knows is not told again");
	OK(!tell(&client, 0), "nor is it a second time");
	client.told = 50;
	OK(!tell(&client, 0) && client.told == 50, "and its number does not fall");
	rows[0].is_there = false;
	snprintf(rows[0].sid, SID_SIZE, "RE%032d", 0);
	batch.count = 1;
	begin(&client);
	OK(!tell(&client, 0), "a recording of no call that is known is nothing to anybody");
}

static void fill_batch(size_t count)
{
	begin_batch();
	for (size_t i = 0; i < count; i++)
		add_row(PROJECTED_CALL);
}

static void test_how_much(void)
{
	struct live_client client;

	fill_batch(LIVE_ROWS_MAX);
	begin(&client);
	OK(tell(&client, 0) && strstr(text.at, "\"calls\":[") && client.rows_left == 0,
	   "a page of rows at once");
	fill_batch(1);
	client.told = 0;
	OK(tell(&client, 0) && strstr(text.at, "\"seq\":10,\"more\":1") == text.at,
	   "one more at the same time is counted");
	client.told = 0;
	OK(tell(&client, 1000 / LIVE_ROWS_PER_S - 1) && strstr(text.at, "\"more\":1"),
	   "and so it is a moment later");
	client.told = 0;
	OK(tell(&client, 1000 / LIVE_ROWS_PER_S) && strstr(text.at, "\"calls\":["),
	   "until a row is earned");
	fill_batch(LIVE_ROWS_PER_S + 1);
	client.told = 0;
	OK(tell(&client, 1000 + 1000 / LIVE_ROWS_PER_S) && strstr(text.at, "\"more\":21"),
	   "a second earns 20, and 21 are all counted");
	fill_batch(LIVE_ROWS_MAX + 1);
	client.told = 0;
	OK(tell(&client, 1000000) && strstr(text.at, "\"more\":101"),
	   "no more than a page is saved up");
	fill_batch(0);
	batch.more = 900;
	batch.sequence = 77;
	begin(&client);
	OK(tell(&client, 0) && strstr(text.at, "\"seq\":77,\"more\":900") == text.at,
	   "of a batch without rows the number is told");
}

static void test_behind(void)
{
	struct live_client client;

	fill_batch(3);
	begin(&client);
	live_client_pass_batch(&client, &batch);
	live_client_pass_batch(&client, &batch);
	OK(client.more == 3 && client.told == 12, "what it cannot take is counted, once");
	fill_batch(0);
	batch.sequence = 12;
	OK(tell(&client, 0) && strstr(text.at, "\"seq\":12,\"more\":3") == text.at,
	   "and told when it can");
	OK(!tell(&client, 0), "once");
	client.has_id = true;
	client.id = 5;
	json_start(&json, &text);
	buf_clear(&text);
	live_client_add_seq(&client, &json);
	live_client_add_seq(&client, &json);
	IS_STR(buf_str(&text), STR("\"seq\":12,\"id\":5,\"seq\":12"),
	       "what it sent is acknowledged once");
}

static void test_wishes(void)
{
	struct live_client client;
	unsigned wishes = 0;

	begin(&client);
	while (live_client_may_wish(&client, 0))
		wishes++;
	IS_INT(wishes, LIVE_WISHES_MAX, "it may ask for much at once");
	OK(!live_client_may_wish(&client, 1000 / LIVE_WISHES_PER_S - 1), "but not on and on");
	OK(live_client_may_wish(&client, 1000 / LIVE_WISHES_PER_S), "and again a moment later");
	OK(!live_client_may_wish(&client, 1000 / LIVE_WISHES_PER_S), "once");
}

static void test_progress(void)
{
	struct live_progress progress = { .count = 3 };
	struct live_client client;

	progress.at[0] = (struct arriving){ "RE1", "CA1", BEGAN_AT, 10, 100 };
	progress.at[1] =
		(struct arriving){ "RE2", "", BEGAN_AT + 5000, 20, ARRIVING_TOTAL_UNKNOWN };
	progress.at[2] = (struct arriving){ "RE3", "CA3", 0, 30, 300 };
	live_progress_write(&progress);
	begin(&client);
	client.bottom = (struct call_cursor){ BEGAN_AT + 1000, 1 };
	buf_over(&text, room, sizeof(room));
	json_start(&json, &text);
	OK(live_client_add_progress(&client, &progress, &json), "something of it is shown");
	IS_STR(buf_str(&text),
	       STR("\"progress\":[{\"recording_sid\":\"RE2\",\"call_sid\":null,\"bytes\":20,\"total\":null},"
		   "{\"recording_sid\":\"RE3\",\"call_sid\":\"CA3\",\"bytes\":30,\"total\":300}]"),
	       "all but what began below the bottom");
	client.query.filter.call_sid = STR("CA1");
	buf_clear(&text);
	json_start(&json, &text);
	OK(live_client_add_progress(&client, &progress, &json) && strstr(text.at, "RE2") &&
		   !strstr(text.at, "RE3"),
	   "who shows one call is told of what may be its own");
	progress.count = 1;
	buf_clear(&text);
	OK(!live_client_add_progress(&client, &progress, &json) && text.len == 0,
	   "else nothing is said");
}

int main(void)
{
	buf_init(&batch.json, 1 << 20);
	test_interest();
	test_once();
	test_how_much();
	test_behind();
	test_wishes();
	test_progress();
	buf_release(&batch.json);
	return tap_end();
}
