/*
 * What lies where in the log, in bytes:
 *
 *	0 .. moved_bytes -- in the file, too
 *	moved_bytes .. catalog_log_bytes() -- in the log alone
 *
 * A reader of an old snapshot keeps what is newer than it from being moved; then the log grows
 * on, and the writer tries again each time it has grown by RETRY_BYTES.
 */
#include "ledger/checkpointer.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog.h"
#include "ledger/disk_failure.h"

#include <pthread.h>
#include <stdlib.h>

#define SHORT_BYTES (512 * 1024) /* the writer moves it within a few milliseconds */
#define RETRY_BYTES (256 * 1024)
/* Then the writer moves what is left, whatever it is: it must not outrun the passes for ever. */
#define PASSES_MAX 4

struct checkpointer {
	struct catalog *catalog; /* the thread's */
	pthread_t thread;
	bool is_running;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t asked;
	bool is_stopping, is_asked, has_failed;
	int64_t left_bytes; /* what the last pass could not move */
	struct err err;

	/* The writer's. */
	unsigned passes; /* since the log was begun */
	int64_t moved_bytes;
	int64_t asked_at_bytes; /* the log, when the pass was asked for; 0: none was */
	int64_t quiet_below_bytes;
	bool is_failing;
};

/* ---- the thread ---- */

static bool wait_for_pass(struct checkpointer *self)
{
	bool is_asked;

	pthread_mutex_lock(&self->mutex);
	while (!self->is_asked && !self->is_stopping)
		pthread_cond_wait(&self->asked, &self->mutex);
	is_asked = !self->is_stopping;
	pthread_mutex_unlock(&self->mutex);
	return is_asked;
}

static void *run(void *argument)
{
	struct checkpointer *self = argument;

	while (wait_for_pass(self)) {
		int64_t left_bytes = 0;
		struct err err;
		bool is_well = catalog_checkpoint(self->catalog, &left_bytes, &err);

		pthread_mutex_lock(&self->mutex);
		self->has_failed = !is_well;
		self->left_bytes = left_bytes;
		if (!is_well)
			self->err = err;
		self->is_asked = false;
		pthread_mutex_unlock(&self->mutex);
	}
	return NULL;
}

/* ---- the writer's side ---- */

static void ask(struct checkpointer *self, int64_t log_bytes)
{
	self->asked_at_bytes = log_bytes;
	self->passes++;
	pthread_mutex_lock(&self->mutex);
	self->is_asked = true;
	pthread_cond_signal(&self->asked);
	pthread_mutex_unlock(&self->mutex);
}

/*
 * A full disk is told once, and tried again when the log has grown by as much as started it.  Anything
 * else may be a sync that failed: what earlier passes moved is in the file and was not synced yet, and would
 * not be moved again.
 */
static void failed(struct checkpointer *self, int64_t log_bytes, const struct err *err)
{
	if (err->kind == ERR_INTERNAL)
		disk_failure_end(err);
	if (!self->is_failing)
		log_warn(NULL, "the ledger's log stays long: %s", err->text);
	self->is_failing = true;
	self->passes = 0;
	self->quiet_below_bytes = log_bytes + CATALOG_LOG_BYTES;
}

/* False: a pass is under way. */
static bool take_pass(struct checkpointer *self, int64_t log_bytes)
{
	bool is_under_way, has_failed;
	int64_t left_bytes;
	struct err err;

	if (self->asked_at_bytes == 0)
		return true;
	pthread_mutex_lock(&self->mutex);
	is_under_way = self->is_asked;
	has_failed = self->has_failed;
	left_bytes = self->left_bytes;
	err = self->err;
	pthread_mutex_unlock(&self->mutex);
	if (is_under_way)
		return false;
	if (has_failed)
		failed(self, log_bytes, &err);
	else if (self->asked_at_bytes > left_bytes)
		self->moved_bytes = self->asked_at_bytes - left_bytes;
	self->asked_at_bytes = 0;
	return true;
}

static void move_rest(struct checkpointer *self, struct catalog *writers, int64_t log_bytes)
{
	int64_t left_bytes;
	struct err err;

	if (!catalog_checkpoint(writers, &left_bytes, &err)) {
		failed(self, log_bytes, &err);
		return;
	}
	if (self->is_failing)
		log_info(NULL, "the ledger's log is moved again");
	self->is_failing = false;
	self->passes = 0;
	self->moved_bytes = log_bytes - left_bytes;
	self->quiet_below_bytes = log_bytes + RETRY_BYTES; /* should it not be begun anew */
}

void checkpointer_turn(struct checkpointer *self, struct catalog *writers)
{
	int64_t log_bytes = catalog_log_bytes(writers);

	if (log_bytes < self->moved_bytes) { /* begun anew */
		self->moved_bytes = self->quiet_below_bytes = 0;
		self->passes = 0;
	}
	if (log_bytes < CATALOG_LOG_BYTES || !take_pass(self, log_bytes) ||
	    log_bytes < self->quiet_below_bytes)
		return;
	if (log_bytes - self->moved_bytes > SHORT_BYTES && self->passes < PASSES_MAX)
		ask(self, log_bytes);
	else
		move_rest(self, writers, log_bytes);
}

/* ---- life cycle ---- */

bool checkpointer_start(const char *path, struct checkpointer **out, struct err *err)
{
	struct checkpointer *self = xcalloc(1, sizeof(*self));
	int failed_start;

	pthread_mutex_init(&self->mutex, NULL);
	pthread_cond_init(&self->asked, NULL);
	if (!catalog_open(path, CATALOG_CHECKPOINT, &self->catalog, err)) {
		checkpointer_free(self);
		return false;
	}
	failed_start = pthread_create(&self->thread, NULL, run, self);
	if (failed_start) {
		checkpointer_free(self);
		return err_set(err, ERR_INTERNAL, "cannot start the checkpointer (error %d)",
			       failed_start);
	}
	self->is_running = true;
	pthread_setname_np(self->thread, "checkpointer");
	*out = self;
	return true;
}

void checkpointer_free(struct checkpointer *self)
{
	if (!self)
		return;
	pthread_mutex_lock(&self->mutex);
	self->is_stopping = true;
	pthread_cond_signal(&self->asked);
	pthread_mutex_unlock(&self->mutex);
	if (self->is_running)
		pthread_join(self->thread, NULL);
	catalog_free(self->catalog);
	pthread_cond_destroy(&self->asked);
	pthread_mutex_destroy(&self->mutex);
	free(self);
}
