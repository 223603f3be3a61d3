#include "blob/blob_request.h"

#include <stdio.h>
#include <string.h>

#include "blob/blob_flaky.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "tap.h"

#define MANY 40 /* more than a page */

static struct blob_store *store;
static struct loop *loop;
static struct mailbox *mailbox;
static struct workers *workers;
static struct blob_names names;
static struct err err;

static void must(bool succeeded)
{
	if (succeeded)
		return;
	printf("Bail out! %s\n", err.text);
	exit(1);
}

static void answered(struct blob_request *request)
{
	loop_stop(loop);
}

/* Asks, and runs the loop until it is answered. */
static bool ask(struct blob_request *request)
{
	request->done = answered;
	request->reply = mailbox;
	blob_ask(store, workers, request);
	loop_run(loop);
	return request->succeeded;
}

static void name_it(int64_t generation, char out[BLOB_NAME_SIZE])
{
	must(blob_name_make(STR(CALL), STR(RECORDING), generation, STR("mp3"), out, &err));
}

static bool put(int64_t generation, struct str bytes)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	struct blob_request request = { .verb = BLOB_PUT };

	must(blob_arriving_open(store, STR(RECORDING), generation, &arriving, &err) &&
	     blob_arriving_write(arriving, bytes, &err));
	request.arriving = arriving;
	name_it(generation, request.name);
	return ask(&request) && request.sealed == BLOB_SEALED;
}

static void test_one(void)
{
	struct blob_request request = { .verb = BLOB_STAT };
	char bytes[8] = "";

	name_it(17, request.name);
	OK(!ask(&request) && request.err.kind == ERR_NOT_FOUND, "it is not there");
	OK(put(17, STR("sound")), "put");
	OK(ask(&request) && request.size == 5, "its size is told");
	request.verb = BLOB_GET;
	OK(ask(&request) && request.size == 5 && pread(request.fd, bytes, 8, 0) == 5,
	   "a descriptor of it");
	IS_STR(str_of(bytes), STR("sound"), "with its bytes");
	close(request.fd);
	request.verb = BLOB_REMOVE;
	OK(ask(&request), "removed");
	request.verb = BLOB_GET;
	OK(!ask(&request) && request.err.kind == ERR_NOT_FOUND && request.fd == -1, "gone");
}

static void test_failing(void)
{
	struct blob_request request = { .verb = BLOB_REMOVE };

	must(put(18, STR("sound")));
	name_it(18, request.name);
	blob_flaky_fail(store, &(struct blob_failure){ .call = BLOB_CALL_REMOVE,
						       .count = 1,
						       .kind = ERR_UNAVAILABLE });
	OK(!ask(&request) && request.err.kind == ERR_UNAVAILABLE, "a failure is told");
	OK(ask(&request), "and the next is none");
	blob_flaky_fail(store, &(struct blob_failure){
				       .call = BLOB_CALL_LIST, .count = 1, .kind = ERR_INTERNAL });
	request = (struct blob_request){ .verb = BLOB_LIST, .prefix = "3f/", .names = &names };
	OK(!ask(&request) && request.err.kind == ERR_INTERNAL, "of a list, too");
}

static void test_list(void)
{
	struct blob_request request = { .verb = BLOB_LIST, .prefix = "3f/" CALL, .names = &names };
	char last[BLOB_NAME_SIZE];
	bool is_sorted = true;

	for (int64_t generation = 1; generation <= MANY; generation++)
		must(put(generation, STR("x")));
	OK(ask(&request) && names.count == BLOB_LIST_MAX, "a page");
	for (size_t i = 1; i < names.count; i++)
		is_sorted = is_sorted && strcmp(names.at[i - 1], names.at[i]) < 0;
	OK(is_sorted, "in the order of their bytes");
	name_it(1, last);
	IS_STR(str_of(names.at[0]), str_of(last), "from the first");
	memcpy(last, names.at[BLOB_LIST_MAX - 1], sizeof(last));
	memcpy(request.name, last, sizeof(last));
	OK(ask(&request) && names.count == MANY - BLOB_LIST_MAX, "the rest, behind its last");
	OK(strcmp(names.at[0], last) > 0, "and not that one again");
	request = (struct blob_request){ .verb = BLOB_LIST, .prefix = "3f/CA3F1", .names = &names };
	OK(ask(&request) && names.count == 0, "another prefix");
	snprintf(request.prefix, sizeof(request.prefix), "ee/");
	OK(ask(&request) && names.count == 0, "a folder that is not there holds nothing");
	snprintf(request.prefix, sizeof(request.prefix), "3f");
	OK(!ask(&request) && request.err.kind == ERR_INVALID, "a prefix that is too short");
	snprintf(request.prefix, sizeof(request.prefix), "../");
	OK(!ask(&request) && request.err.kind == ERR_INVALID, "a prefix that is no folder of ours");
}

int main(void)
{
	struct blob_store *inner;

	folder_make();
	must(blob_local_open(folder, &inner, &err) && loop_new(&loop, &err) &&
	     mailbox_open(loop, &mailbox, &err) && workers_start("asked", 1, &workers, &err));
	store = blob_flaky_new(inner);
	test_one();
	test_failing();
	test_list();
	workers_stop(workers);
	mailbox_free(mailbox);
	loop_free(loop);
	blob_store_free(store);
	folder_remove();
	return tap_end();
}
