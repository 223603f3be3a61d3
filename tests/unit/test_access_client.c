/* What commands ask of a server: what its statuses are, and when it is served in this process. */
#include "client/access_client.h"

#include "admin_answers.h"

#include <unistd.h>

static char folder[] = "/tmp/callspool-test.XXXXXX";
static struct settings settings = { .data_dir = folder };
static json_t *answer;

static bool ask(struct access_client *client, const struct admin_answer *answers, size_t count)
{
	admin_begin(answers, count);
	json_decref(answer);
	answer = NULL;
	return access_ask(client, "POST", "/api/users", json_pack("{s:i}", "a", 1), &answer, &err);
}
#define ASK(client, answers) ask(client, answers, ARRAY_LEN(answers))

static void test_statuses(void)
{
	static const struct {
		struct admin_answer answer;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ { 400, "{\"error\":\"no\"}", 0 }, ERR_INVALID, "no" },
		{ { 422, "{\"error\":\"no\"}", 0 }, ERR_INVALID, "no" },
		{ { 404, "{\"error\":\"no\"}", 0 }, ERR_NOT_FOUND, "no" },
		{ { 409, "{\"error\":\"no\"}", 0 }, ERR_CONFLICT, "no" },
		{ { 429, "{\"error\":\"no\"}", 0 }, ERR_UNAVAILABLE, "no" },
		{ { 503, "{\"error\":\"no\"}", 0 }, ERR_UNAVAILABLE, "no" },
		{ { 500, "{\"error\":\"no\"}", 0 }, ERR_INTERNAL, "no" },
		{ { 403, "{}", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 200, "[1]", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 200, "{", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
		{ { 201, "{}", 0 }, ERR_INTERNAL, "the server's answer is not understood" },
	};
	static const struct admin_answer good[] = { { 200, "{\"id\":7}", 0 } };
	struct access_client client = { .settings = &settings };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(!ask(&client, &rows[i].answer, 1) && !answer && err.kind == rows[i].kind,
		   "an answer with %ld, %s", rows[i].answer.status, rows[i].answer.body);
		IS_STR(str_of(err.text), str_of(rows[i].text), "... says");
		OK(client.status == rows[i].answer.status && client.is_remote && !client.own,
		   "... and is one");
	}
	OK(ASK(&client, good) && client.status == 200 && admin_limit_s == 0, "a good one");
	IS_INT(json_integer_value(json_object_get(answer, "id")), 7, "is given back");
	IS_STR(str_of(admin_asked), STR("POST /api/users {\"a\":1}\n"), "to what was asked");
	client.waits = true;
	OK(ASK(&client, good) && admin_limit_s == ADMIN_NO_LIMIT, "however long it takes");
	access_client_release(&client);
}

/* Who has answered before is not served for. */
static void test_gone(void)
{
	static const struct admin_answer gone[] = { { 0, NULL, ERR_NOT_FOUND } };
	static const struct admin_answer stuck[] = { { 0, NULL, ERR_UNAVAILABLE } };
	static const struct admin_answer bad[] = { { 503, "{}", 0 } };
	struct access_client client = { .settings = &settings };

	OK(!ASK(&client, stuck) && admin_asks == 1 && err.kind == ERR_UNAVAILABLE &&
		   strcmp(err.text, "nobody answers") == 0 && !client.is_remote,
	   "a server that does not answer is not served for: %s", err.text);
	IS_INT(client.status, 0, "there was no answer");
	OK(!ASK(&client, gone) && admin_asks == 1 && err.kind == ERR_NOT_FOUND &&
		   strstr(err.text, "there is no ledger") && !client.own,
	   "nor is one of a folder without a ledger: %s", err.text);
	OK(!ASK(&client, bad) && client.is_remote && client.status == 503, "one answers");
	OK(!ASK(&client, gone) && admin_asks == 1 && err.kind == ERR_UNAVAILABLE &&
		   strstr(err.text, "the server is gone") && !client.own,
	   "and is gone: %s", err.text);
	IS_INT(client.status, 0, "that was no answer");
	access_client_release(&client);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	test_statuses();
	test_gone();
	json_decref(answer);
	rmdir(folder);
	return tap_end();
}
