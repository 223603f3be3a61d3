#include "ledger/membership.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/attempts.h"
#include "cluster/leases.h"
#include "cluster/members.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

/* More are looked at the next time: they are as many as flights. */
#define LOOKED_AT_MAX 512

struct membership {
	struct membership_env env;
	struct timer beat, timer;
	struct ledger_job job;
	struct lease_row rows[LOOKED_AT_MAX];
	size_t count;
	struct lease_row idle[LOOKED_AT_MAX]; /* that had no flight at the last look */
	size_t idle_count;
	size_t given_count; /* of rows: to be given back */
};

static void look(struct timer *timer);

static void look_again(struct membership *self)
{
	timer_start(self->env.loop, &self->timer, LEASES_LOOK_MS, look);
}

static bool run_give_back(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct membership *self = container_of(job, struct membership, job);
	int64_t now_ms = clock_wall_ms();

	for (size_t i = 0; i < self->given_count; i++) {
		struct str sid = str_of(self->rows[i].recording_sid);
		bool is_given = lease_end(catalog, sid, err);

		if (!is_given && err->kind != ERR_CONFLICT)
			return false;
		if (is_given ? !attempts_give_up(catalog, sid, now_ms, err)
			     : !attempts_close_flights(catalog, sid, now_ms, err))
			return false;
	}
	ledger_job_let_go(job, catalog);
	return true;
}

static void given_back(struct ledger_job *job)
{
	struct membership *self = container_of(job, struct membership, job);

	if (!job->succeeded)
		log_debug(NULL, "cannot give leases back: %s", job->err.text);
	look_again(self);
}

/* One that was had again between two looks is another one, whose flight may be about to begin. */
static bool was_idle(const struct membership *self, const struct lease_row *row)
{
	for (size_t i = 0; i < self->idle_count; i++)
		if (self->idle[i].recording_id == row->recording_id &&
		    self->idle[i].since_ms == row->since_ms)
			return true;
	return false;
}

/* What has a flight is passed over; what had none twice comes to the front of rows. */
static void sort_out(struct membership *self)
{
	struct lease_row idle[LOOKED_AT_MAX];
	size_t idle_count = 0;

	self->given_count = 0;
	for (size_t i = 0; i < self->count; i++) {
		struct lease_row row = self->rows[i];

		if (self->env.has_flight(self->env.owner, row.recording_sid))
			continue;
		if (was_idle(self, &row))
			self->rows[self->given_count++] = row;
		else
			idle[idle_count++] = row;
	}
	memcpy(self->idle, idle, idle_count * sizeof(*idle));
	self->idle_count = idle_count;
}

static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct membership *self = container_of(job, struct membership, job);

	return leases_own(catalog, 0, self->rows, LOOKED_AT_MAX, &self->count, err);
}

static void looked(struct ledger_job *job)
{
	struct membership *self = container_of(job, struct membership, job);

	if (job->succeeded)
		sort_out(self);
	if (!job->succeeded || self->given_count == 0) {
		look_again(self);
		return;
	}
	self->job = (struct ledger_job){ .run = run_give_back,
					 .done = given_back,
					 .reply = self->env.mailbox };
	ledger_write(self->env.ledger, &self->job);
}

static void look(struct timer *timer)
{
	struct membership *self = container_of(timer, struct membership, timer);

	self->job = (struct ledger_job){
		.run = run_look, .done = looked, .reply = self->env.mailbox, .is_quick = true
	};
	ledger_write(self->env.ledger, &self->job);
}

/* Who hangs does not beat, and others take over what it fetches. */
static void beat(struct timer *timer)
{
	struct membership *self = container_of(timer, struct membership, beat);

	ledger_beat(self->env.ledger);
	timer_start(self->env.loop, timer, MEMBER_BEAT_MS, beat);
}

struct membership *membership_start(const struct membership_env *env)
{
	struct membership *self;

	if (!ledger_is_shared(env->ledger))
		return NULL;
	self = xcalloc(1, sizeof(*self));
	self->env = *env;
	timer_start(env->loop, &self->beat, 0, beat);
	look_again(self);
	return self;
}

void membership_free(struct membership *self)
{
	if (!self)
		return;
	timer_stop(&self->beat);
	timer_stop(&self->timer);
	free(self);
}
