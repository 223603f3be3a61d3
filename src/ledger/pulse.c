#include "ledger/pulse.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/processes.h"
#include "catalog/silent_holders.h"
#include "cluster/listening.h"
#include "cluster/members.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SUSPECTED_MS (2 * MEMBER_BEAT_MS)
#define RETURN_MS    20000 /* between two tries to go past the pooler again */

struct pulse {
	struct pulse_owner owner;
	char *path,
		*past; /* past: leads to the same ledger, and is preferred; NULL: there is none */
	struct catalog *catalog;
	pthread_t thread;
	bool is_running;
	int wake_fd;
	atomic_bool is_stopping, is_to_beat, is_eldest;
	_Atomic int64_t looked_at_ms;             /* of the last look that was answered */
	_Atomic int64_t suspect, suspected_at_ms; /* who, and when it was last said */
	pthread_mutex_t lock;                     /* of `sight`, held for a copy */
	struct pulse_sight sight;

	/* The thread's. */
	struct pulse_sight seen;
	struct listening listening;
	bool is_fenced, is_past;
	int64_t left_at_ms; /* monotonic: when the way past was last tried in vain */
};

/* ---- two ways to one ledger ---- */

/* This process is listed there, too; nothing is made where it is not. */
static bool is_this_ledger(const char *address, const struct pulse_owner *owner, struct err *err)
{
	AUTO(catalog_free) struct catalog *catalog = NULL;
	int64_t sequence;
	bool is_listed = false;

	if (!catalog_open(address, CATALOG_READ, &catalog, err))
		return false;
	catalog_enlist_as(catalog, atomic_load(owner->process), owner->place);
	if (!members_look(catalog, &sequence, &is_listed, err))
		return false;
	return is_listed || err_set(err, ERR_INVALID, "it is another ledger than that of database");
}

static bool open_way(const struct pulse *pulse, bool is_past, struct catalog **out, struct err *err)
{
	if (is_past && !is_this_ledger(pulse->past, &pulse->owner, err))
		return err_context(err, "database_listen");
	if (!catalog_open(is_past ? pulse->past : pulse->path, CATALOG_WRITE, out, err))
		return false;
	catalog_enlist_as(*out, atomic_load(pulse->owner.process), pulse->owner.place);
	return true;
}

static bool take_way(struct pulse *pulse, bool is_past, struct err *err)
{
	struct catalog *catalog = NULL;

	if (is_past)
		pulse->left_at_ms = clock_monotonic_ms();
	if (!open_way(pulse, is_past, &catalog, err))
		return false;
	catalog_free(pulse->catalog);
	pulse->catalog = catalog;
	pulse->is_past = is_past;
	pulse->listening = (struct listening){ .connection = 0 };
	return true;
}

/* Who does not beat is taken for dead, whichever way it is that leads nowhere. */
static bool leave_past(struct pulse *pulse, const struct err *why)
{
	struct err err;

	if (!pulse->is_past || !take_way(pulse, false, &err))
		return false;
	pulse->left_at_ms = clock_monotonic_ms();
	log_warn(NULL, "database_listen does not answer (%s): doing without it", why->text);
	return true;
}

static void return_past(struct pulse *pulse)
{
	struct err err;

	if (!pulse->past || pulse->is_past || clock_monotonic_ms() - pulse->left_at_ms < RETURN_MS)
		return;
	if (take_way(pulse, true, &err))
		log_info(NULL, "database_listen answers again");
	else
		log_debug(NULL, "%s", err.text);
}

/* False: it is to end. */
static bool wait_a_while(struct pulse *pulse)
{
	uint64_t ignored;

	listening_wait(&pulse->listening, pulse->catalog, pulse->wake_fd);
	if (read(pulse->wake_fd, &ignored, sizeof(ignored)) < 0)
		ignored = 0; /* it was not that */
	return !atomic_load(&pulse->is_stopping);
}

static void wake(struct pulse *pulse)
{
	const uint64_t one = 1;

	if (write(pulse->wake_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it always */
}

/* Another number: what was counted of others was counted by somebody else. */
static void follow_process(struct pulse *pulse)
{
	int64_t process = atomic_load(pulse->owner.process);

	if (process == catalog_process(pulse->catalog))
		return;
	catalog_enlist_as(pulse->catalog, process, pulse->owner.place);
	pulse->seen.members = (struct members){ .count = 0 };
	atomic_store(&pulse->is_eldest, false);
	pulse->is_fenced = false;
}

static void show(struct pulse *pulse)
{
	pthread_mutex_lock(&pulse->lock);
	pulse->sight = pulse->seen;
	pthread_mutex_unlock(&pulse->lock);
}

void pulse_see(struct pulse *pulse, struct pulse_sight *out)
{
	pthread_mutex_lock(&pulse->lock);
	*out = pulse->sight;
	pthread_mutex_unlock(&pulse->lock);
}

static void tell_fenced(struct pulse *pulse)
{
	if (pulse->is_fenced)
		return;
	pulse->is_fenced = true;
	pulse->seen.funerals++;
	atomic_store(&pulse->is_eldest, false);
	log_warn(
		NULL,
		"process %lld was taken for dead, or left behind by a newer version: beginning anew",
		(long long)catalog_process(pulse->catalog));
	pulse->owner.fenced(pulse->owner.owner);
}

/* With each beat whatever the number is: a server that took the place of another may have given it to another turn. */
static void look(struct pulse *pulse, bool is_beat)
{
	int64_t sequence, heard_before = atomic_load(pulse->owner.heard);
	bool is_alive;
	struct err err;

	if (!members_look(pulse->catalog, &sequence, &is_alive, &err)) {
		log_debug(NULL, "cannot look for what others have written: %s", err.text);
		return;
	}
	atomic_store(&pulse->looked_at_ms, clock_boot_ms());
	if (sequence > atomic_load(pulse->owner.heard) || sequence < heard_before || is_beat)
		pulse->owner.news(pulse->owner.owner);
	if (!is_alive)
		tell_fenced(pulse);
}

static bool bury(struct pulse *pulse, const struct member *dead, bool *out_buried, struct err *err)
{
	if (!catalog_begin(pulse->catalog, err))
		return false;
	if (!member_bury(pulse->catalog, dead, clock_wall_ms(), out_buried, err)) {
		catalog_rollback(pulse->catalog);
		silent_holders_end(pulse->catalog); /* its own last transaction, perhaps */
		return false;
	}
	return catalog_commit(pulse->catalog, err);
}

/* Who was said to be no more within the last beats; 0: nobody. */
static int64_t suspect_of(const struct pulse *pulse)
{
	int64_t age_ms = clock_boot_ms() - atomic_load(&pulse->suspected_at_ms);

	return age_ms <= SUSPECTED_MS ? atomic_load(&pulse->suspect) : 0;
}

/* One a beat is enough. */
static void look_after_others(struct pulse *pulse)
{
	const struct member *dead = members_find_dead(&pulse->seen.members, suspect_of(pulse));
	bool was_buried = false;
	struct err err;

	if (dead && !bury(pulse, dead, &was_buried, &err))
		log_warn(NULL, "cannot bury process %lld: %s", (long long)dead->id, err.text);
	if (was_buried) {
		pulse->seen.burials++;
		log_warn(NULL, "process %lld did not move for %d s and is taken for dead",
			 (long long)dead->id, (int)dead->still * MEMBER_BEAT_MS / 1000);
	}
	if (was_buried || pulse->seen.members.has_lost)
		pulse->owner.orphans(pulse->owner.owner);
}

static bool beat_once(struct pulse *pulse, struct err *err)
{
	pulse->seen.members.own.hears = pulse->listening.is_proved;
	return members_beat(pulse->catalog, &pulse->seen.members, err);
}

static void beat(struct pulse *pulse)
{
	struct err err;
	bool was_taken;

	return_past(pulse);
	was_taken = beat_once(pulse, &err) ||
		    (err.kind != ERR_CONFLICT && leave_past(pulse, &err) && beat_once(pulse, &err));
	if (was_taken) {
		pulse->is_fenced = false; /* it may have begun anew under the number that it had */
		pulse->seen.beats++;
		atomic_store(&pulse->is_eldest, pulse->seen.members.is_eldest);
		look_after_others(pulse);
	} else if (err.kind == ERR_CONFLICT) {
		tell_fenced(pulse);
	} else {
		log_debug(NULL, "cannot beat: %s", err.text);
	}
}

static void *run_pulse(void *argument)
{
	struct pulse *pulse = argument;

	while (wait_a_while(pulse)) {
		follow_process(pulse);
		bool is_beat = atomic_exchange(&pulse->is_to_beat, false);

		if (is_beat)
			beat(pulse);
		if (atomic_load(&pulse->is_stopping))
			break; /* that may have taken seconds */
		if (!is_beat || !catalog_is_cut_off(pulse->catalog)) /* it would be as long again */
			look(pulse, is_beat);
		if (is_beat || pulse->is_fenced)
			show(pulse);
	}
	return NULL;
}

void pulse_beat(struct pulse *pulse)
{
	atomic_store(&pulse->is_to_beat, true);
	wake(pulse);
}

void pulse_suspect(struct pulse *pulse, int64_t process)
{
	atomic_store(&pulse->suspect, process);
	atomic_store(&pulse->suspected_at_ms, clock_boot_ms());
}

bool pulse_is_eldest(const struct pulse *pulse)
{
	return atomic_load(&pulse->is_eldest);
}

int64_t pulse_looked_at_ms(const struct pulse *pulse)
{
	return atomic_load(&pulse->looked_at_ms);
}

/* A way past that leads to another ledger is a mistake of who set it; one that leads nowhere just now is not. */
static bool open_first(struct pulse *pulse, struct err *err)
{
	struct err ignored;

	if (!pulse->past || take_way(pulse, true, err))
		return pulse->past || take_way(pulse, false, err);
	/* Who is listed nowhere was taken for dead while it started; that is found out, and it begins anew. */
	if (err->kind != ERR_UNAVAILABLE && is_this_ledger(pulse->path, &pulse->owner, &ignored))
		return false;
	log_warn(NULL, "%s: doing without it", err->text);
	return take_way(pulse, false, err);
}

bool pulse_start(const char *path, const char *past, const struct pulse_owner *owner,
		 struct pulse **out, struct err *err)
{
	struct pulse *pulse = xcalloc(1, sizeof(*pulse));

	pulse->owner = *owner;
	pulse->path = xstrdup(path);
	pulse->past = past ? xstrdup(past) : NULL;
	pthread_mutex_init(&pulse->lock, NULL);
	atomic_init(&pulse->looked_at_ms, clock_boot_ms());
	pulse->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pulse->wake_fd < 0) {
		(void)err_errno(err, "cannot make an eventfd");
		pulse_free(pulse);
		return false;
	}
	if (!open_first(pulse, err)) {
		pulse_free(pulse);
		return false;
	}
	if (pthread_create(&pulse->thread, NULL, run_pulse, pulse) != 0) {
		pulse_free(pulse);
		return err_set(err, ERR_INTERNAL, "cannot start the thread 'pulse'");
	}
	pthread_setname_np(pulse->thread, "pulse");
	pulse->is_running = true;
	*out = pulse;
	return true;
}

void pulse_expect_stop(struct pulse *pulse)
{
	if (!pulse)
		return;
	atomic_store(&pulse->is_stopping, true);
	wake(pulse);
}

void pulse_stop(struct pulse *pulse)
{
	if (!pulse)
		return;
	pulse_expect_stop(pulse);
	if (pulse->is_running)
		pthread_join(pulse->thread, NULL);
	pulse->is_running = false;
}

void pulse_free(struct pulse *pulse)
{
	if (!pulse)
		return;
	pulse_stop(pulse);
	catalog_free(pulse->catalog);
	if (pulse->wake_fd >= 0)
		close(pulse->wake_fd);
	pthread_mutex_destroy(&pulse->lock);
	free(pulse->past);
	free(pulse->path);
	free(pulse);
}
