/* migrate: what is asked of the server, until when it is looked on, and what its refusals are. */
#include "client/migrate_client.h"

#include "client/answer.h"
#include "client/progress_bar.h"

#include "admin_answers.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char shown[512]; /* "[what]" of each bar, and " done/all" of each move */
static int64_t waited_ms;
static unsigned waits;

void __wrap_progress_bar_start(struct progress_bar *bar, const char *what);
int __wrap_nanosleep(const struct timespec *wait, struct timespec *left);

static void moved(struct progress *progress, uint64_t done, uint64_t all)
{
	size_t used = strlen(shown);

	snprintf(shown + used, sizeof(shown) - used, " %" PRIu64 "/%" PRIu64, done, all);
}

void __wrap_progress_bar_start(struct progress_bar *bar, const char *what)
{
	size_t used = strlen(shown);

	*bar = (struct progress_bar){ .progress.moved = moved, .what = what };
	snprintf(shown + used, sizeof(shown) - used, "[%s]", what);
}

int __wrap_nanosleep(const struct timespec *wait, struct timespec *left)
{
	waited_ms += wait->tv_sec * 1000 + wait->tv_nsec / 1000000;
	waits++;
	return 0;
}

static json_t *status;

static bool run(const struct migrate_client *asked, const struct admin_answer *answers,
		size_t count)
{
	admin_begin(answers, count);
	shown[0] = '\0';
	waited_ms = waits = 0;
	json_decref(status);
	status = NULL;
	return migrate_client_run(asked, &status, &err);
}
#define RUN(asked, answers) run(asked, answers, ARRAY_LEN(answers))

#define STATE(state) "{\"state\":\"" state "\"}"
#define RUNS(phase, done, all) \
	"{\"state\":\"running\",\"phase\":\"" phase "\",\"done\":" #done ",\"all\":" #all "}"
#define SHOW "GET /api/migration\n"

static const struct migrate_client show = { .what = MIGRATE_SHOW };

static void test_asked(void)
{
	static const struct admin_answer over[] = { { 200, STATE("idle"), 0 } };
	static const struct admin_answer running[] = { { 200, STATE("running"), 0 } };
	static const struct {
		struct migrate_client asked;
		const char *name, *asks;
	} rows[] = {
		{ { .what = MIGRATE_SHOW }, "to be shown", SHOW },
		{ { .what = MIGRATE_PAUSE }, "to rest", "POST /api/migration/pause\n" },
		{ { .what = MIGRATE_CANCEL }, "to be called off", "DELETE /api/migration\n" },
		{ { .what = MIGRATE_BEGIN, .to = "postgres://x" },
		  "to another database",
		  "POST /api/migration {\"to\":\"postgres://x\",\"store\":\"\",\"verify\":false}\n" },
		{ { .what = MIGRATE_BEGIN, .store = "s3://calls", .verifies = true },
		  "to a bucket, read back",
		  "POST /api/migration {\"to\":\"\",\"store\":\"s3://calls\",\"verify\":true}\n" },
	};
	static const struct migrate_client no_text = { .what = MIGRATE_BEGIN, .to = "\xff" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(RUN(&rows[i].asked, over), "it is asked %s", rows[i].name);
		IS_STR(str_of(admin_asked), str_of(rows[i].asks), "... so");
		OK(waits == 0 && strcmp(answer_text(status, "state", ""), "idle") == 0,
		   "... and it is over at once");
	}
	OK(RUN(&show, running) && admin_asks == 1 && waits == 0,
	   "nobody looks on who is only shown it");
	OK(admin_limit_s == ADMIN_NO_LIMIT, "however long that takes");
	OK(!RUN(&no_text, over) && admin_asks == 0 && err.kind == ERR_INVALID,
	   "an address that is no text: %s", err.text);
}

static void test_following(void)
{
	static const struct admin_answer answers[] = {
		{ 200, RUNS("media", 0, 0), 0 },
		{ 200, RUNS("media", 3, 8), 0 },
		{ 200, RUNS("media", 8, 8), 0 },
		{ 200, RUNS("verifies", 1, 8), 0 },
		{ 200, RUNS("rows", 2, 9), 0 },
		{ 200, RUNS("rows", 9, 9), 0 },
		{ 200, RUNS("compares", 0, 9), 0 },
		{ 200, RUNS("follows", 1, 2), 0 },
		{ 200, "{\"state\":\"switching\",\"phase\":\"follows\",\"done\":1,\"all\":2}", 0 },
		{ 200, STATE("moved"), 0 },
	};
	static const struct admin_answer fails[] = { { 200, STATE("running"), 0 },
						     { 500, NULL, 0 } };
	static const struct admin_answer refused[] = { { 409, "{\"code\":\"conflict\"}", 0 } };
	static const enum migrate_what all[] = { MIGRATE_BEGIN, MIGRATE_PAUSE, MIGRATE_CANCEL };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct migrate_client asked = { .what = all[i] };

		OK(RUN(&asked, answers), "it is looked on");
		OK(strcmp(answer_text(status, "state", ""), "moved") == 0, "until it is done");
		IS_STR(str_of(shown),
		       STR("[recordings brought] 3/8[recordings read back] 1/8[rows copied] 2/9[rows "
			   "compared] 0/9[rows, and what changes meanwhile] 1/2"),
		       "phase by phase");
		OK(waits == 9 && waited_ms >= 9 * 50 && waited_ms <= 9 * 2000,
		   "with a wait between two looks");
		OK(!RUN(&asked, fails) && !status && admin_asks == 2,
		   "it cannot be looked on any more: %s", err.text);
		OK(!RUN(&asked, refused) && !status && admin_asks == 1, "nor where it was refused");
	}
	IS_STR(str_of(migrate_client_words("another")), STR("rows"), "a phase that is not known");
}

/* While a server stops to listen it is asked again; what it says is told. */
static void test_refused(void)
{
	static const struct admin_answer cut[] = { { 0, NULL, ERR_UNAVAILABLE } };
	static const struct admin_answer returns[] = { { 0, NULL, ERR_UNAVAILABLE },
						       { 0, NULL, ERR_UNAVAILABLE },
						       { 200, STATE("moved"), 0 } };
	static const struct admin_answer none[] = { { 0, NULL, ERR_NOT_FOUND } };
	static const struct migrate_client pause = { .what = MIGRATE_PAUSE };
	static const struct {
		struct admin_answer answer;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ { 400, "{\"code\":\"bad_request\",\"error\":\"no such address\"}", 0 },
		  ERR_INVALID,
		  "no such address" },
		{ { 409, "{\"code\":\"conflict\",\"error\":\"it is under way\"}", 0 },
		  ERR_CONFLICT,
		  "it is under way" },
		{ { 503, "{\"code\":\"overloaded\",\"error\":\"wait\"}", 0 },
		  ERR_UNAVAILABLE,
		  "wait" },
		{ { 500, "{\"code\":\"internal\",\"error\":\"our bug\"}", 0 },
		  ERR_INTERNAL,
		  "our bug" },
		{ { 500, "{}", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 200, "no JSON", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 200, NULL, 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 201, STATE("idle"), 0 },
		  ERR_INTERNAL,
		  "the server's answer is not understood" },
		{ { 404, "{\"code\":\"not_found\",\"error\":\"no such URL\"}", 0 },
		  ERR_INVALID,
		  "the running server is of a version that moves nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(!run(&pause, &rows[i].answer, 1) && err.kind == rows[i].kind && !status,
		   "an answer with %ld", rows[i].answer.status);
		IS_STR(str_of(err.text), str_of(rows[i].text), "... says");
	}
	OK(RUN(&show, returns) && admin_asks == 3, "a question that is cut off is asked again");
	OK(!RUN(&show, cut) && err.kind == ERR_UNAVAILABLE, "not for ever: %s", err.text);
	IS_INT(admin_asks, 20, "that often");
	OK(!RUN(&pause, cut) && admin_asks == 1, "nor is what changes something");
	OK(!RUN(&show, none) && admin_asks == 1 && err.kind == ERR_NOT_FOUND,
	   "nor where no server is: %s", err.text);
}

#define FAILED(text) "{\"state\":\"running\",\"phase\":\"rows\",\"failed\":{\"error\":" text "}}"

static void test_failures(void)
{
	static const struct admin_answer answers[] = {
		{ 200, FAILED("\"it is full\""), 0 },
		{ 200, FAILED("\"it is full\""), 0 },
		{ 200, FAILED("null"), 0 },
		{ 200, FAILED("\"it is full\""), 0 },
		{ 200, FAILED("\"it is away\""), 0 },
		{ 200, "{\"state\":\"switching\",\"failed\":{\"error\":\"late\"}}", 0 },
		{ 200, STATE("moved"), 0 },
	};
	static const struct migrate_client begin = { .what = MIGRATE_BEGIN };
	int before = dup(STDERR_FILENO), memory = memfd_create("told", 0);
	char text[1024];
	ssize_t len;
	bool is_good;

	if (before < 0 || memory < 0 || dup2(memory, STDERR_FILENO) < 0)
		abort();
	is_good = RUN(&begin, answers);
	fflush(stderr);
	len = pread(memory, text, sizeof(text), 0);
	if (len < 0 || dup2(before, STDERR_FILENO) < 0)
		abort();
	close(before);
	close(memory);
	OK(is_good, "it gets on after all");
	IS_STR(((struct str){ text, (size_t)len }),
	       STR("callspool: it is full; it is tried again\ncallspool: it is full; it is tried "
		   "again\ncallspool: it is away; it is tried again\n"),
	       "what keeps it is told, once until it is another");
}

int main(void)
{
	test_asked();
	test_following();
	test_refused();
	test_failures();
	json_decref(status);
	return tap_end();
}
