#include "ledger/projector.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "ledger/disk_failure.h"

static int64_t back_off_ms(unsigned tries)
{
	int64_t wait_ms = PROJECTOR_FIRST_MS;

	while (tries-- > 1 && wait_ms < PROJECTOR_MOST_MS)
		wait_ms *= 2;
	return wait_ms < PROJECTOR_MOST_MS ? wait_ms : PROJECTOR_MOST_MS;
}

static bool commit(struct catalog *catalog, struct err *err)
{
	if (catalog_commit(catalog, err))
		return true;
	if (err->kind == ERR_INTERNAL && catalog_is_local(catalog))
		disk_failure_end(err);
	return false;
}

static bool begin(struct projector *self, struct catalog *catalog, struct catalog_ahead *ahead,
		  struct err *err)
{
	return self->begin ? self->begin(self, ahead, err)
			   : catalog_begin_ahead(catalog, ahead, err);
}

static void succeeded(struct projector *self)
{
	if (self->again_at_ms && !self->is_disk_full)
		log_info(NULL, "events are projected again");
	self->events_max = 0;
	self->failing_event = 0;
	self->tries = 0;
	self->is_careful = self->is_disk_full = false;
	self->again_at_ms = 0;
}

static bool set_aside(struct projector *self, struct catalog *catalog, const struct err *reason,
		      struct err *err)
{
	bool was_ours;

	if (!begin(self, catalog, NULL, err))
		return false;
	if (!projection_set_aside(catalog, self->failing_stream, self->failing_event,
				  clock_wall_ms(), reason->text, err)) {
		catalog_rollback(catalog);
		return false;
	}
	was_ours = catalog_has_changed(catalog);
	if (!commit(catalog, err))
		return false;
	if (was_ours)
		log_error(NULL, "an event is set aside, after %u tries: %s", self->tries,
			  reason->text);
	else
		log_debug(NULL, "an event that failed here was passed by another process");
	succeeded(self);
	return true;
}

/* Of a full disk the reserve tells, once. */
static void tell(const struct projector *self, const struct err *err)
{
	if (self->is_disk_full || self->tries > 1)
		log_debug(NULL, "cannot project events: %s", err->text);
	else
		log_warn(NULL, "cannot project events: %s: trying again", err->text);
}

/* True: it is out of the way. */
static bool failed(struct projector *self, struct catalog *catalog, int64_t event,
		   const struct err *err, int64_t now_ms)
{
	struct err cannot;

	if (event != self->failing_event || self->done.failed_stream != self->failing_stream)
		self->tries = 0;
	self->failing_event = event;
	self->failing_stream = self->done.failed_stream;
	self->is_disk_full = err->kind == ERR_UNAVAILABLE;
	self->tries++;
	self->again_at_ms = now_ms + back_off_ms(self->tries);
	tell(self, err);
	if (event == 0 || self->is_disk_full || self->tries < PROJECTOR_TRIES)
		return false;
	if (set_aside(self, catalog, err, &cannot))
		return true;
	log_warn(NULL, "cannot set an event aside: %s: trying again", cannot.text);
	return false;
}

/* Nothing was committed: there is nothing to tell, and no number. */
static void forget(struct projection_result *done)
{
	done->count = 0;
	done->sequence = 0;
}

static bool run(struct projector *self, struct catalog *catalog, size_t events_max, struct err *err)
{
	return self->is_careful ? projection_run_carefully(catalog, events_max, &self->done, err)
				: projection_run_ahead(catalog, &self->ahead, &self->done, err);
}

/* Nobody knows yet which event cannot be applied: true, it is looked for at once. */
static bool looks_closer(struct projector *self, const struct err *err)
{
	self->is_careful |= self->done.is_unclear && err->kind != ERR_UNAVAILABLE;
	return self->is_careful && self->done.is_unclear;
}

/* A server that was too slow for so many may do half of them. */
static void take_fewer(struct projector *self, const struct catalog *catalog, size_t events_max)
{
	if (!catalog_is_local(catalog) && events_max > 1)
		self->events_max = events_max / 2;
}

static bool begin_batch(struct projector *self, struct catalog *catalog, size_t events_max,
			struct err *err)
{
	struct catalog_ahead *ahead = projection_ahead(&self->ahead, events_max);

	return begin(self, catalog, self->is_careful ? NULL : ahead, err);
}

/* A batch, or what of it comes before the event that cannot be applied. */
static bool apply(struct projector *self, struct catalog *catalog, int64_t now_ms)
{
	struct projection_result *done = &self->done;
	size_t events_max = self->events_max ? self->events_max : PROJECTION_EVENTS_MAX;
	struct err err;

	if (!begin_batch(self, catalog, events_max, &err))
		return failed(self, catalog, 0, &err, now_ms);
	if (!run(self, catalog, events_max, &err)) {
		catalog_rollback(catalog);
		forget(done);
		if (looks_closer(self, &err))
			return true;
		if (err.kind == ERR_UNAVAILABLE) {
			take_fewer(self, catalog, events_max);
			return failed(self, catalog, 0, &err, now_ms);
		}
		self->events_max = done->failed_event ? done->events : 0;
		return self->events_max > 0 ||
		       failed(self, catalog, done->failed_event, &err, now_ms);
	}
	if (done->events == 0 && !catalog_has_changed(catalog)) {
		catalog_rollback(catalog);
		forget(done);
		succeeded(self);
		return false;
	}
	if (!commit(catalog, &err)) {
		forget(done);
		if (err.kind == ERR_UNAVAILABLE)
			take_fewer(self, catalog, events_max);
		return looks_closer(self, &err) || failed(self, catalog, 0, &err, now_ms);
	}
	succeeded(self);
	return done->more;
}

bool projector_turn(struct projector *self, struct catalog *catalog, bool was_written,
		    int64_t now_ms)
{
	bool more;

	forget(&self->done);
	if (now_ms < self->again_at_ms && !(was_written && self->is_disk_full))
		return false;
	more = apply(self, catalog, now_ms);
	projection_ahead_release(&self->ahead);
	return more;
}

int64_t projector_wait_ms(const struct projector *self, int64_t now_ms)
{
	if (self->again_at_ms == 0)
		return -1;
	return self->again_at_ms > now_ms ? self->again_at_ms - now_ms : 0;
}
