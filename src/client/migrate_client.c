#include "client/migrate_client.h"

#include "base/own.h"
#include "client/admin_client.h"
#include "client/answer.h"
#include "client/progress_bar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX (64 * 1024)
#define LOOK_MS    250
#define ASKS       20 /* a server that stops to listen may cut questions off */

/* ---- asking ---- */

static enum err_kind kind_of(const char *code)
{
	if (strcmp(code, "bad_request") == 0)
		return ERR_INVALID;
	if (strcmp(code, "conflict") == 0)
		return ERR_CONFLICT;
	return strcmp(code, "overloaded") == 0 ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

bool migrate_client_refused(const json_t *answer, struct err *err)
{
	return err_set(err, kind_of(answer_text(answer, "code", "")), "%s",
		       answer_text(answer, "error", "the server's answer is not understood"));
}

static bool ask(const struct migrate_client *asked, const struct admin_request *request,
		json_t **out, struct err *err)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	long status = 0;
	json_t *answer;

	buf_init(&body, ANSWER_MAX);
	if (!admin_ask(asked->settings, request, &status, &body, err))
		return false;
	answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
	if (status == 200 && answer) {
		*out = answer;
		return true;
	}
	if (status == 404)
		err_set(err, ERR_INVALID, "the running server is of a version that moves nothing");
	else
		(void)migrate_client_refused(answer, err);
	json_decref(answer);
	return false;
}

static bool show(const struct migrate_client *asked, json_t **out, struct err *err)
{
	static const struct admin_request request = { .method = "GET",
						      .path = "/api/migration",
						      .time_limit_s = ADMIN_NO_LIMIT };

	for (int i = 1;; i++) {
		if (ask(asked, &request, out, err))
			return true;
		if (err->kind != ERR_UNAVAILABLE || i == ASKS)
			return false;
	}
}

static bool begin(const struct migrate_client *asked, json_t **out, struct err *err)
{
	struct admin_request request = { .method = "POST", .path = "/api/migration" };
	json_t *body = json_pack("{s:s, s:s, s:b}", "to", asked->to ? asked->to : "", "store",
				 asked->store ? asked->store : "", "verify", asked->verifies);
	char *text = json_dumps(body, JSON_COMPACT);
	bool is_good;

	json_decref(body);
	request.body = text;
	is_good = text ? ask(asked, &request, out, err)
		       : err_set(err, ERR_INVALID, "the address is no text in UTF-8");
	free(text);
	return is_good;
}

/* ---- until it has come to its end ---- */

const char *migrate_client_words(const char *phase)
{
	static const struct {
		const char *phase, *words;
	} all[] = {
		{ "media", "recordings brought" },
		{ "verifies", "recordings read back" },
		{ "rows", "rows copied" },
		{ "compares", "rows compared" },
		{ "follows", "rows, and what changes meanwhile" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].phase, phase) == 0)
			return all[i].words;
	return "rows";
}

static bool is_state(const json_t *status, const char *state)
{
	return strcmp(answer_text(status, "state", ""), state) == 0;
}

struct following {
	struct progress_bar bar;
	char phase[32], waits_for[256];
};

static void look(struct following *following, const json_t *status)
{
	const char *phase = answer_text(status, "phase", "");
	const char *waits_for = answer_text(json_object_get(status, "failed"), "error", "");
	uint64_t all = (uint64_t)answer_number(status, "all");
	uint64_t done = (uint64_t)answer_number(status, "done");

	if (strcmp(phase, following->phase) != 0) {
		str_fit(str_of(phase), following->phase, sizeof(following->phase));
		progress_bar_start(&following->bar, migrate_client_words(phase));
	}
	if (is_state(status, "running") && all > 0 && done < all)
		progress_move(&following->bar.progress, done, all);
	if (is_state(status, "running") && waits_for[0] &&
	    strcmp(waits_for, following->waits_for) != 0)
		fprintf(stderr, "callspool: %s; it is tried again\n", waits_for);
	str_fit(str_of(waits_for), following->waits_for, sizeof(following->waits_for));
}

static bool follow(const struct migrate_client *asked, json_t **inout, struct err *err)
{
	const struct timespec wait = { .tv_nsec = LOOK_MS * 1000000L };
	struct following following = { .phase = "" };

	while (is_state(*inout, "running") || is_state(*inout, "switching")) {
		look(&following, *inout);
		nanosleep(&wait, NULL);
		json_decref(TAKE(*inout));
		if (!show(asked, inout, err))
			return false;
	}
	return true;
}

bool migrate_client_run(const struct migrate_client *asked, json_t **out, struct err *err)
{
	static const struct admin_request pause = { .method = "POST",
						    .path = "/api/migration/pause" };
	static const struct admin_request cancel = { .method = "DELETE", .path = "/api/migration" };

	switch (asked->what) {
	case MIGRATE_SHOW:
		return show(asked, out, err);
	case MIGRATE_PAUSE:
		return ask(asked, &pause, out, err) && follow(asked, out, err);
	case MIGRATE_CANCEL:
		return ask(asked, &cancel, out, err) && follow(asked, out, err);
	case MIGRATE_BEGIN:
		break;
	}
	return begin(asked, out, err) && follow(asked, out, err);
}
