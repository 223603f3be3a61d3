#include "sim/sim_faults.h"

#include "tap.h"

#define RE  "RE0123456789abcdef0123456789abcdef"
#define RE2 "RE0123456789abcdef0123456789abcde0"

static const struct {
	const char *text;
	enum sim_fault_kind kind;
	enum sim_target target;
	uint32_t rate, times;
	int status;
	int64_t number;
	const char *value;
} good[] = {
	{ "429", SIM_FAULT_STATUS, SIM_TARGET_MEDIA, 1000000, 0, 429, 0, "" },
	{ "429@10%", SIM_FAULT_STATUS, SIM_TARGET_MEDIA, 100000, 0, 429, 0, "" },
	{ "503=7@0.5%#3:api", SIM_FAULT_STATUS, SIM_TARGET_API, 5000, 3, 503, 7, "" },
	{ "404#2:" RE, SIM_FAULT_STATUS, SIM_TARGET_RECORDING, 1000000, 2, 404, 0, "" },
	{ "401:all", SIM_FAULT_STATUS, SIM_TARGET_ALL, 1000000, 0, 401, 0, "" },
	{ " slow=4000 ", SIM_FAULT_SLOW, SIM_TARGET_MEDIA, 1000000, 0, 0, 4000, "" },
	{ "delay=250ms", SIM_FAULT_DELAY, SIM_TARGET_MEDIA, 1000000, 0, 0, 250, "" },
	{ "delay=2s#1", SIM_FAULT_DELAY, SIM_TARGET_MEDIA, 1000000, 1, 0, 2000, "" },
	{ "length=+500", SIM_FAULT_LENGTH, SIM_TARGET_MEDIA, 1000000, 0, 0, 500, "" },
	{ "length=-500@100%", SIM_FAULT_LENGTH, SIM_TARGET_MEDIA, 1000000, 0, 0, -500, "" },
	{ "page=xml", SIM_FAULT_PAGE, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "xml" },
	{ "redirect", SIM_FAULT_REDIRECT, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "redirect=http://localhost:9000@50%#4:" RE, SIM_FAULT_REDIRECT, SIM_TARGET_RECORDING,
	  500000, 4, 0, 0, "http://localhost:9000" },
	{ "redirect=https://[::1]:9000", SIM_FAULT_REDIRECT, SIM_TARGET_MEDIA, 1000000, 0, 0, 0,
	  "https://[::1]:9000" },
	{ "type=text/html", SIM_FAULT_TYPE, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "text/html" },
	{ "no-length", SIM_FAULT_NO_LENGTH, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "empty", SIM_FAULT_EMPTY, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "close", SIM_FAULT_CLOSE, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "hang", SIM_FAULT_HANG, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "ranges", SIM_FAULT_RANGES, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "changed@50%", SIM_FAULT_CHANGED, SIM_TARGET_MEDIA, 500000, 0, 0, 0, "" },
	{ "drop-callback@20%", SIM_FAULT_DROP, SIM_TARGET_MEDIA, 200000, 0, 0, 0, "" },
	{ "duplicate-callback", SIM_FAULT_DUPLICATE, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
	{ "reorder-callback", SIM_FAULT_REORDER, SIM_TARGET_MEDIA, 1000000, 0, 0, 0, "" },
};

static const char *const bad[] = {
	"",           "nothing",  "200",
	"600",        "429=",     "429=x",
	"429@",       "429@10",   "429@101%",
	"429@-1%",    "429#0",    "429#x",
	"429#",       "slow",     "slow=0",
	"slow=fast",  "cut",      "cut=",
	"cut=101%",   "cut=x%",   "stall=-1",
	"length",     "length=0", "length=++5",
	"page",       "page=pdf", "redirect=ftp://x",
	"redirect=",  "delay=5",  "hang=1",
	"empty=1",    "type",     "429:RE12",
	"429:nobody", "429\n503",
};

static void check_reading(void)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct sim_fault fault = { 0 };
		struct err err = { 0 };

		OK(sim_fault_read(str_of(good[i].text), &fault, &err), "'%s' is a rule %s",
		   good[i].text, err.text);
		IS_INT(fault.kind, good[i].kind, "its kind");
		IS_INT(fault.target, good[i].target, "its target");
		IS_INT(fault.rate, good[i].rate, "its rate");
		IS_INT(fault.times, good[i].times, "its times");
		IS_INT(fault.status, good[i].status, "its status");
		IS_INT(fault.number, good[i].number, "its number");
		IS_STR(str_of(fault.value), str_of(good[i].value), "its text");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sim_fault fault;
		struct err err = { 0 };

		OK(!sim_fault_read(str_of(bad[i]), &fault, &err), "text %zu is no rule", i);
		IS_INT(err.kind, ERR_INVALID, "its kind of error");
	}
}

static void check_places(void)
{
	static const struct {
		const char *text;
		uint64_t size, place;
	} rows[] = {
		{ "cut=50%", 1000, 500 },
		{ "cut=0%", 1000, 0 },
		{ "cut=100%", 1000, 1000 },
		{ "cut=12.5%", 1000, 125 },
		{ "cut=10", 1000, 10 },
		{ "cut=2000", 1000, 1000 },
		{ "cut=50%", 0, 0 },
		{ "cut=99%", UINT64_C(1) << 40, (UINT64_C(1) << 40) / 1000 * 990 + 768 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_fault fault;
		struct err err;

		OK(sim_fault_read(str_of(rows[i].text), &fault, &err), "%s", rows[i].text);
		OK(sim_place_in(&fault.place, rows[i].size) >=
				   rows[i].place - (rows[i].size > 1000 ? 1000 : 0) &&
			   sim_place_in(&fault.place, rows[i].size) <= rows[i].place,
		   "the place in %llu", (unsigned long long)rows[i].size);
	}
	IS_INT(sim_place_in(&(struct sim_place){ 0 }, 77), 77,
	       "a place that is not given is the end");
}

static void add(struct sim_faults *faults, const char *text)
{
	struct err err;

	if (!sim_faults_add(faults, str_of(text), &err))
		OK(false, "%s", err.text);
}

static void check_planning(void)
{
	struct sim_faults faults = { .seed = 1 };
	struct sim_fault_hits hits = { 0 }, other = { 0 };
	struct sim_plan plan;

	add(&faults, "404#2");
	add(&faults, "503#1");
	add(&faults, "slow=100#1");
	add(&faults, "cut=50%:" RE2);
	add(&faults, "429:api");
	add(&faults, "drop-callback#1");

	static const int statuses[] = { 404, 404, 503, 0, 0 };
	static const uint64_t speeds[] = { 0, 0, 0, 100, 0 };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		sim_faults_plan(&faults, SIM_REQUEST_MEDIA, STR(RE), &hits, &plan);
		IS_INT(plan.status, statuses[i], "request %zu: the first rule that still counts",
		       i + 1);
		IS_INT(plan.bytes_per_s, speeds[i], "a body is slow once, when there is one");
		OK(!plan.cut.is_given, "but not what is for another");
	}
	sim_faults_plan(&faults, SIM_REQUEST_MEDIA, STR(RE2), &other, &plan);
	IS_INT(plan.status, 404, "another recording has its own count");
	OK(!plan.cut.is_given, "and nothing becomes of a body that there is not");
	sim_faults_plan(&faults, SIM_REQUEST_API, STR_NONE, NULL, &plan);
	IS_INT(plan.status, 429, "the API has its own");
	OK(!plan.is_dropped && plan.bytes_per_s == 0, "and not the media's");
	sim_faults_plan(&faults, SIM_REQUEST_CALLBACK, STR(RE), &hits, &plan);
	OK(plan.is_dropped && plan.status == 0, "a callback is dropped");
	sim_faults_plan(&faults, SIM_REQUEST_CALLBACK, STR(RE), &hits, &plan);
	OK(!plan.is_dropped, "once");
	sim_faults_clear(&faults);
	sim_faults_plan(&faults, SIM_REQUEST_API, STR_NONE, NULL, &plan);
	IS_INT(plan.status, 0, "cleared: nothing");
}

static void check_rate(void)
{
	struct sim_faults faults = { .seed = 1 }, again = { .seed = 1 };
	unsigned hits = 0;
	bool is_same = true;

	add(&faults, "429@10%");
	add(&again, "429@10%");
	for (unsigned i = 0; i < 10000; i++) {
		struct sim_plan plan, repeated;

		sim_faults_plan(&faults, SIM_REQUEST_MEDIA, STR(RE), NULL, &plan);
		sim_faults_plan(&again, SIM_REQUEST_MEDIA, STR(RE), NULL, &repeated);
		hits += plan.status == 429;
		is_same = is_same && plan.status == repeated.status;
	}
	OK(hits > 900 && hits < 1100, "a tenth is about a tenth: %u of 10000", hits);
	OK(is_same, "the same seed, the same chances");
}

static void check_bound(void)
{
	struct sim_faults faults = { .seed = 1 };
	struct err err;

	for (unsigned i = 0; i < SIM_FAULTS_MAX; i++)
		add(&faults, "503");
	OK(!sim_faults_add(&faults, STR("503"), &err), "there is an end to rules");
	IS_INT(err.kind, ERR_CONFLICT, "which says so");
}

int main(void)
{
	check_reading();
	check_places();
	check_planning();
	check_rate();
	check_bound();
	return tap_end();
}
