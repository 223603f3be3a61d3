#include "blob/blob_flaky.h"

#include <pthread.h>

#include "base/mem.h"
#include "blob/blob_driver.h"

struct blob_flaky {
	struct blob_store store;
	struct blob_store *inner;
	pthread_mutex_t lock; /* of what follows: workers and loops call */
	struct blob_failure failure;
	bool is_set;
	uint64_t seen; /* calls that the failure is about, since it was set */
	uint64_t calls[BLOB_CALL_ANY + 1];
};

struct flaky_arriving {
	struct blob_arriving arriving;
	struct blob_arriving *inner;
};

static struct blob_flaky *flaky_of(struct blob_store *store)
{
	return container_of(store, struct blob_flaky, store);
}

static struct flaky_arriving *flaky_arriving_of(struct blob_arriving *arriving)
{
	return container_of(arriving, struct flaky_arriving, arriving);
}

/* Counts the call; true: it is to fail, as *out says. */
static bool must_fail(struct blob_store *store, enum blob_call call, struct blob_failure *out)
{
	struct blob_flaky *flaky = flaky_of(store);
	bool fails = false;

	pthread_mutex_lock(&flaky->lock);
	flaky->calls[call]++;
	flaky->calls[BLOB_CALL_ANY]++;
	*out = flaky->failure;
	if (flaky->is_set && (out->call == call || out->call == BLOB_CALL_ANY)) {
		uint64_t number = flaky->seen++;

		fails = number >= out->after && number - out->after < out->count;
	}
	pthread_mutex_unlock(&flaky->lock);
	return fails;
}

/* True: the call goes on.  False: err is set. */
static bool passes(struct blob_store *store, enum blob_call call, struct err *err)
{
	struct blob_failure failure;

	if (!must_fail(store, call, &failure))
		return true;
	return err_set(err, failure.kind, "failed on purpose");
}

static struct blob_arriving *arriving_over(struct blob_store *store, struct blob_arriving *inner)
{
	struct flaky_arriving *mine = xcalloc(1, sizeof(*mine));

	mine->arriving =
		(struct blob_arriving){ .store = store, .fd = inner->fd, .size = inner->size };
	mine->inner = inner;
	return &mine->arriving;
}

static bool flaky_arriving_open(struct blob_store *store, const char *base,
				struct blob_arriving **out, struct err *err)
{
	struct blob_store *inner = flaky_of(store)->inner;
	struct blob_arriving *theirs;

	if (!passes(store, BLOB_CALL_ARRIVING_OPEN, err) ||
	    !inner->driver->arriving_open(inner, base, &theirs, err))
		return false;
	*out = arriving_over(store, theirs);
	return true;
}

static bool flaky_arriving_open_unnamed(struct blob_store *store, const char *base,
					struct blob_arriving **out, struct err *err)
{
	struct blob_store *inner = flaky_of(store)->inner;
	struct blob_arriving *theirs;

	if (!passes(store, BLOB_CALL_ARRIVING_OPEN, err) ||
	    !inner->driver->arriving_open_unnamed(inner, base, &theirs, err))
		return false;
	*out = arriving_over(store, theirs);
	return true;
}

static bool flaky_arriving_take(struct blob_store *store, const char *base,
				struct blob_arriving **out, struct err *err)
{
	struct blob_store *inner = flaky_of(store)->inner;
	struct blob_arriving *theirs;

	if (!passes(store, BLOB_CALL_ARRIVING_OPEN, err) ||
	    !inner->driver->arriving_take(inner, base, &theirs, err))
		return false;
	*out = arriving_over(store, theirs);
	return true;
}

static bool flaky_arriving_write(struct blob_arriving *arriving, struct str bytes, struct err *err)
{
	struct blob_arriving *inner = flaky_arriving_of(arriving)->inner;
	bool done = passes(arriving->store, BLOB_CALL_WRITE, err) &&
		    blob_arriving_write(inner, bytes, err);

	arriving->size = inner->size;
	return done;
}

static bool flaky_arriving_truncate(struct blob_arriving *arriving, uint64_t size, struct err *err)
{
	struct blob_arriving *inner = flaky_arriving_of(arriving)->inner;
	bool done = passes(arriving->store, BLOB_CALL_TRUNCATE, err) &&
		    blob_arriving_truncate(inner, size, err);

	arriving->size = inner->size;
	return done;
}

static bool flaky_arriving_reader(struct blob_arriving *arriving, int *out_fd, struct err *err)
{
	return passes(arriving->store, BLOB_CALL_READER, err) &&
	       blob_arriving_reader(flaky_arriving_of(arriving)->inner, out_fd, err);
}

static bool flaky_scratch(struct blob_store *store, int *out_fd, struct err *err)
{
	return passes(store, BLOB_CALL_ARRIVING_OPEN, err) &&
	       blob_scratch(flaky_of(store)->inner, out_fd, err);
}

static enum blob_seal_result flaky_arriving_seal(struct blob_arriving *arriving, const char *name,
						 struct err *err)
{
	struct blob_arriving *inner = flaky_arriving_of(arriving)->inner;
	struct blob_failure failure;
	enum blob_seal_result result;

	if (!must_fail(arriving->store, BLOB_CALL_SEAL, &failure))
		return blob_arriving_seal(inner, str_of(name), err);
	if (!failure.is_sync) {
		err_set(err, failure.kind, "failed on purpose");
		return BLOB_UNSEALED;
	}
	result = blob_arriving_seal(inner, str_of(name), err);
	if (result == BLOB_SEALED)
		err_set(err, ERR_INTERNAL, "not synced on purpose");
	return BLOB_UNSYNCED;
}

static void flaky_arriving_free(struct blob_arriving *arriving)
{
	struct flaky_arriving *mine = flaky_arriving_of(arriving);

	blob_arriving_free(mine->inner);
	free(mine);
}

static bool flaky_sweep_arriving(struct blob_store *store, uint64_t *out_removed, struct err *err)
{
	return passes(store, BLOB_CALL_SWEEP, err) &&
	       blob_sweep_arriving(flaky_of(store)->inner, out_removed, err);
}

static bool flaky_open_read(struct blob_store *store, const char *name,
			    const struct blob_want *want, int *out_fd, uint64_t *out_size,
			    struct err *err)
{
	return passes(store, BLOB_CALL_OPEN_READ, err) &&
	       blob_open_wanted(flaky_of(store)->inner, str_of(name), want, out_fd, out_size, err);
}

static bool flaky_has_place(struct blob_store *store, const char *name)
{
	return blob_has_place(flaky_of(store)->inner, str_of(name));
}

static bool flaky_list(struct blob_store *store, struct str prefix, struct str after,
		       struct blob_names *out, struct err *err)
{
	return passes(store, BLOB_CALL_LIST, err) &&
	       blob_list(flaky_of(store)->inner, prefix, after, out, err);
}

static bool flaky_walk(struct blob_store *store, const char *folder, struct blob_folder *out,
		       struct err *err)
{
	return passes(store, BLOB_CALL_LIST, err) &&
	       blob_walk(flaky_of(store)->inner, str_of(folder), out, err);
}

static bool flaky_remove(struct blob_store *store, const char *name, struct err *err)
{
	return passes(store, BLOB_CALL_REMOVE, err) &&
	       blob_remove(flaky_of(store)->inner, str_of(name), err);
}

static bool flaky_sync_place(struct blob_store *store, const char *name, struct err *err)
{
	return passes(store, BLOB_CALL_SYNC_PLACE, err) &&
	       blob_sync_place(flaky_of(store)->inner, str_of(name), err);
}

static char *flaky_path(struct blob_store *store, const char *name)
{
	struct blob_store *inner = flaky_of(store)->inner;

	return inner->driver->path(inner, name);
}

static bool flaky_free_bytes(struct blob_store *store, uint64_t *out, struct err *err)
{
	return passes(store, BLOB_CALL_FREE_BYTES, err) &&
	       blob_free_bytes(flaky_of(store)->inner, out, err);
}

static void flaky_free(struct blob_store *store)
{
	struct blob_flaky *flaky = flaky_of(store);

	blob_store_free(flaky->inner);
	pthread_mutex_destroy(&flaky->lock);
	free(flaky);
}

static const struct blob_driver flaky_driver = {
	.name = "flaky",
	.store_free = flaky_free,
	.arriving_open = flaky_arriving_open,
	.arriving_open_unnamed = flaky_arriving_open_unnamed,
	.arriving_take = flaky_arriving_take,
	.arriving_write = flaky_arriving_write,
	.arriving_truncate = flaky_arriving_truncate,
	.arriving_reader = flaky_arriving_reader,
	.scratch = flaky_scratch,
	.arriving_seal = flaky_arriving_seal,
	.arriving_free = flaky_arriving_free,
	.sweep_arriving = flaky_sweep_arriving,
	.open_read = flaky_open_read,
	.has_place = flaky_has_place,
	.list = flaky_list,
	.walk = flaky_walk,
	.remove = flaky_remove,
	.sync_place = flaky_sync_place,
	.path = flaky_path,
	.free_bytes = flaky_free_bytes,
};

struct blob_store *blob_flaky_new(struct blob_store *inner)
{
	struct blob_flaky *flaky = xcalloc(1, sizeof(*flaky));

	flaky->store = (struct blob_store)BLOB_STORE(&flaky_driver);
	flaky->inner = inner;
	pthread_mutex_init(&flaky->lock, NULL);
	return &flaky->store;
}

void blob_flaky_fail(struct blob_store *store, const struct blob_failure *failure)
{
	struct blob_flaky *flaky = flaky_of(store);

	pthread_mutex_lock(&flaky->lock);
	flaky->is_set = failure != NULL;
	if (failure)
		flaky->failure = *failure;
	flaky->seen = 0;
	pthread_mutex_unlock(&flaky->lock);
}

uint64_t blob_flaky_calls(struct blob_store *store, enum blob_call call)
{
	struct blob_flaky *flaky = flaky_of(store);
	uint64_t calls;

	pthread_mutex_lock(&flaky->lock);
	calls = flaky->calls[call];
	pthread_mutex_unlock(&flaky->lock);
	return calls;
}
