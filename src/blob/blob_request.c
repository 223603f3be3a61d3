#include "blob/blob_request.h"

#include "base/own.h"
#include "blob/blob_driver.h"

static bool answer(struct blob_store *store, struct blob_request *request)
{
	struct str name = str_of(request->name);
	struct err *err = &request->err;

	switch (request->verb) {
	case BLOB_PUT:
		request->sealed = blob_arriving_seal(request->arriving, name, err);
		return request->sealed == BLOB_SEALED;
	case BLOB_GET:
		return blob_open_read(store, name, &request->fd, &request->size, err);
	case BLOB_STAT:
		return blob_stat(store, name, &request->size, err);
	case BLOB_REMOVE:
		return blob_remove(store, name, err);
	case BLOB_LIST:
		return blob_list(store, str_of(request->prefix), name, request->names, err);
	}
	return err_set(err, ERR_INVALID, "not a verb: %d", (int)request->verb);
}

void blob_answer(struct blob_store *store, struct blob_request *request)
{
	request->fd = -1;
	request->succeeded = answer(store, request);
}

static void run(struct job *job)
{
	struct blob_request *request = container_of(job, struct blob_request, job);

	blob_answer(request->store, request);
}

static void done(struct job *job)
{
	struct blob_request *request = container_of(job, struct blob_request, job);

	request->done(request);
}

void blob_ask(struct blob_store *store, struct workers *workers, struct blob_request *request)
{
	request->store = store;
	request->fd = -1;
	list_init(&request->link);
	if (store->driver->ask && (request->verb == BLOB_PUT || request->verb == BLOB_GET) &&
	    blob_name_is_valid(str_of(request->name))) {
		store->driver->ask(store, request);
		return;
	}
	request->job = (struct job){ .run = run, .done = done, .reply = request->reply };
	workers_post(workers, &request->job);
}
