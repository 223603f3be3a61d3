#include "client/verify_store.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "client/access_client.h"
#include "client/progress_bar.h"
#include "http/form.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_MS     250
#define SETTLE_MS   30000 /* files that are adopted or removed, when all else is done */
#define TARGET_MAX  2048
#define PATIENCE_MS (2 * 60 * 1000) /* while it does not get on */

struct following {
	struct access_client client;
	struct progress_bar bar;
	char failure[200];        /* that was told last */
	int64_t failing_since_ms; /* monotonic; 0: it gets on */
};

static void pause_a_while(void)
{
	const struct timespec wait = { .tv_nsec = LOOK_MS * 1000000L };

	nanosleep(&wait, NULL);
}

/*
 * What keeps it from getting on, once.  False: it has lasted too long for who waits; of a server in this process nobody mounts a
 * disk meanwhile.
 */
static bool tell_failure(struct following *following, const json_t *pass, struct err *err)
{
	const char *text = json_string_value(json_object_get(pass, "failure"));
	AUTO(free) char *plain = text ? utf8_plain(str_of(text)) : NULL;
	int64_t now_ms = clock_monotonic_ms();

	if (!plain) {
		following->failing_since_ms = 0;
		return true;
	}
	if (following->failing_since_ms == 0)
		following->failing_since_ms = now_ms;
	if (following->client.own || now_ms - following->failing_since_ms > PATIENCE_MS)
		return err_set(err, ERR_UNAVAILABLE, "%s", plain);
	if (strcmp(plain, following->failure) == 0)
		return true;
	str_fit(str_of(plain), following->failure, sizeof(following->failure));
	fprintf(stderr, "callspool: %s; it is tried again\n", plain);
	return true;
}

/* Rows and folders in one: both are numbered, and a row takes as long as a folder. */
static void show(struct following *following, const json_t *pass, bool is_end)
{
	json_int_t rows = json_integer_value(json_object_get(pass, "rows"));
	json_int_t folders = json_integer_value(json_object_get(pass, "folders"));
	json_int_t done = json_integer_value(json_object_get(pass, "rows_done")) +
			  json_integer_value(json_object_get(pass, "folders_done"));
	json_int_t all = rows + folders;

	if (json_is_string(json_object_get(pass, "began_at")) && (is_end || done < all))
		progress_move(&following->bar.progress, (uint64_t)(is_end ? all : done),
			      (uint64_t)all);
}

static bool ask(struct following *following, const char *after, json_t **out, struct err *err)
{
	char path[TARGET_MAX];
	struct buf target;

	buf_over(&target, path, sizeof(path));
	buf_add_str(&target, STR("/api/verifications?after="));
	form_encode(&target, str_of(after));
	if (!buf_ok(&target))
		return err_set(err, ERR_INTERNAL, "a file's name is too long");
	return access_ask(&following->client, "GET", path, NULL, out, err);
}

/* Until the pass has come to its end. */
static bool follow(struct following *following, json_t **out_pass, struct err *err)
{
	json_t *answer, *pass;
	bool is_end, good;

	progress_bar_start(&following->bar, "rows and folders");
	for (;;) {
		if (!ask(following, "", &answer, err))
			return false;
		pass = json_object_get(answer, "asked");
		is_end = json_is_string(json_object_get(pass, "completed_at"));
		good = tell_failure(following, pass, err);
		show(following, pass, is_end);
		if (is_end)
			*out_pass = json_incref(pass);
		json_decref(answer);
		if (is_end || !good)
			return is_end;
		pause_a_while();
	}
}

static bool read_faults(struct following *following, json_t **out, struct err *err)
{
	json_t *faults = json_array(), *answer;
	char after[512] = "";
	bool more = true;

	while (more) {
		const json_t *page, *last;

		if (!ask(following, after, &answer, err)) {
			json_decref(faults);
			return false;
		}
		page = json_object_get(answer, "faults");
		last = json_array_get(page, json_array_size(page) - 1);
		json_array_extend(faults, json_object_get(answer, "faults"));
		more = json_is_true(json_object_get(answer, "more")) && last;
		if (more)
			str_fit(str_of(json_string_value(json_object_get(last, "file"))), after,
				sizeof(after));
		json_decref(answer);
	}
	*out = faults;
	return true;
}

static bool is_text(const json_t *fault, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(fault, key));

	return value && strcmp(value, text) == 0;
}

/* Is something being adopted or removed, for which no answer of Twilio's is waited for? */
static bool is_busy(const json_t *faults)
{
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i);

		if (is_text(fault, "state", "mending") &&
		    (is_text(fault, "kind", "unknown") || is_text(fault, "kind", "old")))
			return true;
	}
	return false;
}

static bool settle(struct following *following, json_t **out, struct err *err)
{
	int64_t until_ms = clock_monotonic_ms() + SETTLE_MS;

	while (read_faults(following, out, err)) {
		if (!is_busy(*out) || clock_monotonic_ms() >= until_ms)
			return true;
		json_decref(*out);
		pause_a_while();
	}
	return false;
}

static bool begin(struct following *following, bool mends, struct err *err)
{
	json_t *answer;

	if (!access_ask(&following->client, "POST", "/api/verifications",
			json_pack("{s:b}", "mend", mends), &answer, err))
		return false;
	json_decref(answer);
	return true;
}

bool verify_store_run(const struct verify_store *asked, struct verify_store_report *out,
		      struct err *err)
{
	struct following following = { .client = { .settings = asked->settings,
						   .does_verify = true } };
	struct verify_store_report report = { .pass = NULL };
	bool good = begin(&following, asked->mends, err) && follow(&following, &report.pass, err) &&
		    settle(&following, &report.faults, err);

	report.is_own = following.client.own != NULL;
	access_client_release(&following.client);
	if (good)
		*out = report;
	else
		verify_store_report_release(&report);
	return good;
}

void verify_store_report_release(struct verify_store_report *report)
{
	json_decref(report->pass);
	json_decref(report->faults);
}

bool verify_store_accept(const struct settings *settings, json_int_t *out_count, struct err *err)
{
	struct access_client client = { .settings = settings };
	json_t *answer;
	bool good = access_ask(&client, "POST", "/api/verifications/accept", NULL, &answer, err);

	access_client_release(&client);
	if (!good)
		return false;
	*out_count = json_integer_value(json_object_get(answer, "accepted"));
	json_decref(answer);
	return true;
}
