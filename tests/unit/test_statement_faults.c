/*
 * What the rooms with SQL say when any one call of the database fails: that they failed, and why.  The rest of catalog/ and
 * accounts/ is in test_catalog_faults.c.  Of the processes of one ledger there is something on a server alone.
 */
#include "accounts/audit.h"
#include "accounts/credentials.h"
#include "accounts/sign_in_failures.h"
#include "accounts/users.h"
#include "catalog/attempts.h"
#include "catalog/call_asks.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "catalog/recordings.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_hold.h"
#include "catalog/recordings_queue.h"
#include "catalog/recordings_waveform.h"
#include "catalog/removals.h"
#include "catalog/streams.h"
#include "catalog/turn_news.h"
#include "chores/imports.h"
#include "chores/notices_expired.h"
#include "chores/notices_queue.h"
#include "chores/reconciliations.h"
#include "chores/recordings_age.h"
#include "chores/recordings_locked.h"
#include "chores/recordings_stored.h"
#include "chores/removals_due.h"
#include "chores/rescue.h"
#include "chores/upkeep.h"
#include "chores/upstream_deletions.h"
#include "chores/verifications.h"
#include "cluster/leases.h"
#include "cluster/members.h"
#include "cluster/roll.h"
#include "ledger_fixture.h"
#include "listing/calls_list.h"
#include "listing/recordings_list.h"
#include "refused_calls.h"
#include "tap.h"

#define NOON   1700000000000
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PAGE   4

static struct err err;
static struct ledger ledger;
static char call_sid[SID_SIZE], recording_sid[SID_SIZE], account_sid[SID_SIZE];
static size_t count;
static int64_t number;
static bool truth;

/* ---- what is to be done before ---- */

static bool begin_attempt(void)
{
	const struct attempt_begin begin = { .recording_sid = str_of(recording_sid),
					     .began_at_ms = NOON };

	return attempts_begin(ledger.writer, &begin, &number, &err);
}

static bool store(void)
{
	const struct recording_media media = {
		.stored_at_ms = NOON + 9000,
		.generation = 7,
		.generation_at_ms = NOON + 8000,
		.size = 1234,
		.duration_ms = 3000,
		.channels = 2,
		.format = "mp3",
		.path = "3f/CA1.RE1.7.mp3",
	};

	return recordings_mark_stored(ledger.writer, str_of(recording_sid), &media, &err);
}

static bool die(void)
{
	return recordings_mark_dead(ledger.writer, str_of(recording_sid), "key_missing", "b", &err);
}

static bool hold(void)
{
	const struct recording_hold one = { STR("dana"), NOON, STR("a claim") };

	return recordings_hold(ledger.writer, str_of(recording_sid), &one, &truth, &err);
}

static bool find(struct recording *out)
{
	return recordings_find(ledger.writer, str_of(recording_sid), out, &err);
}

/* ---- catalog/ ---- */

static bool give_up_attempt(void)
{
	return begin_attempt() &&
	       attempts_give_up(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool close_flights(void)
{
	return begin_attempt() &&
	       attempts_close_flights(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool last_ask(void)
{
	struct call_ask ask;

	return call_asks_set(ledger.writer, str_of(call_sid), NOON, &err) &&
	       call_asks_last(ledger.writer, &ask, &truth, &err);
}

static bool last_event_of(void)
{
	return events_last_of(ledger.writer, 0, &number, &err);
}

static bool list_dead(void)
{
	static struct recording_dead out[PAGE];

	return die() && recordings_list_dead(ledger.writer, 0, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool lose(void)
{
	struct recording seen;

	return store() && find(&seen) &&
	       recordings_mark_lost(ledger.writer, &seen, NOON, "a", &err);
}

static bool replace(void)
{
	struct recording seen;

	return store() && find(&seen) && recordings_mark_replaced(ledger.writer, &seen, NOON, &err);
}

static bool set_request(void)
{
	return recordings_set_request(ledger.writer, str_of(recording_sid), STR("r"), &err);
}

static bool set_digest(void)
{
	return store() && recordings_set_digest(ledger.writer, str_of(recording_sid), 7,
						"0123456789abcdef0123456789abcdef"
						"0123456789abcdef0123456789abcdef",
						&err);
}

static bool lift_hold(void)
{
	return hold() && recordings_lift_hold(ledger.writer, str_of(recording_sid), &err);
}

static bool count_expired(void)
{
	return recordings_mark_expired(ledger.writer, str_of(recording_sid), &err) &&
	       queue_count_expired(ledger.writer, &number, &err) && number == 1;
}

static bool count_backfill(void)
{
	return queue_count_backfill(ledger.writer, NOON, &number, &err);
}

static bool read_dues(void)
{
	struct queue_dues dues = { .now_ms = NOON, .beyond_ms = NOON + DAY_MS };
	bool is_read = queue_ask_dues(ledger.writer, &dues, &err) &&
		       queue_read_dues(ledger.writer, &dues, &number, &truth, &err);

	queue_dues_release(&dues);
	return is_read;
}

static bool without_waveform(void)
{
	static struct recording_file out[PAGE];

	return store() &&
	       recordings_without_waveform_newest(ledger.writer, RECORDING_NEVER, out, PAGE, &count,
						  &err) &&
	       count == 1;
}

static bool purge(void)
{
	return store() && recordings_mark_purged(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool claim_in_shares(void)
{
	static struct queue_row out[QUEUE_CLAIM_MAX];
	struct queue_share share = { .most = 2, .most_backfill = 1 };
	const struct queue_claim claim = { .now_ms = NOON * 2,
					   .most = 4,
					   .most_backfill = 2,
					   .shares = &share,
					   .share_count = 1 };

	memcpy(share.account_sid, account_sid, SID_SIZE);
	return queue_claim(ledger.writer, &claim, out, &count, &err) && count == 1;
}

static bool recent_turns(void)
{
	return turns_recent(ledger.writer, 4, &number, &err);
}

/* ---- accounts/ ---- */

static struct user dana;

static bool add_user(void)
{
	dana = (struct user){ .name = "dana", .password_hash = "x", .made_at_ms = NOON };
	return users_add(ledger.writer, &dana, &err);
}

static bool find_user(void)
{
	struct user out;

	return add_user() && users_find(ledger.writer, dana.id, &out, &err);
}

static bool find_user_name(void)
{
	struct user out;

	return add_user() && users_find_name(ledger.writer, USER_OWN, STR("dana"), &out, &err);
}

static bool list_users(void)
{
	static struct user out[PAGE];

	return add_user() && users_list(ledger.writer, STR(""), out, PAGE, &count, &err) &&
	       count == 1;
}

static bool rename_user(void)
{
	return add_user() && users_rename(ledger.writer, dana.id, STR("dan"), &err);
}

static bool set_password(void)
{
	return add_user() && users_set_password(ledger.writer, dana.id, STR("y"), &err);
}

static bool any_user(void)
{
	return set_password() && users_any_enabled(ledger.writer, &truth, &err) && truth;
}

static bool any_admin(void)
{
	return set_password() && users_set_role(ledger.writer, dana.id, 2, &err) &&
	       users_any_admin(ledger.writer, &truth, &err) && truth;
}

static bool sign_in_user(void)
{
	return add_user() && users_signed_in(ledger.writer, dana.id, NOON, &err);
}

static bool set_role(void)
{
	return add_user() && users_set_role(ledger.writer, dana.id, 1, &err);
}

static bool disable_user(void)
{
	return add_user() && users_set_disabled(ledger.writer, dana.id, true, &err);
}

static bool delete_user(void)
{
	return add_user() && users_delete(ledger.writer, dana.id, &err);
}

static struct credential_row credential;

static bool add_link(void)
{
	if (!add_user())
		return false;
	credential = (struct credential_row){ .kind = CREDENTIAL_LINK,
					      .name = "abcdefgh",
					      .user_id = dana.id,
					      .expires_at_ms = NOON + 1 };
	return credentials_add(ledger.writer, &credential, &err);
}

/* Within the window of a play of the link that it is of. */
static bool add_visit(void)
{
	struct credential_row visit = { .kind = CREDENTIAL_VISIT,
					.name = "bcdefghi",
					.expires_at_ms = NOON + 1 };

	if (!add_link())
		return false;
	visit.parent_id = credential.id;
	if (!credentials_add(ledger.writer, &visit, &err))
		return false;
	credential.id = visit.id;
	return true;
}

static bool find_credential(void)
{
	struct credential_row out;
	struct user user;

	return add_link() && credentials_find(ledger.writer, STR("abcdefgh"), &out, &user, &err);
}

static bool find_credential_id(void)
{
	struct credential_row out;

	return add_link() && credentials_find_id(ledger.writer, credential.id, &out, &err);
}

static bool list_own(void)
{
	static struct credential_row out[PAGE];

	return add_link() &&
	       credentials_list(ledger.writer, CREDENTIAL_LINK, dana.id, 0, out, PAGE, &count,
				&err) &&
	       count == 1;
}

static bool end_credential(void)
{
	return add_visit() && credentials_end(ledger.writer, credential.id, &err);
}

static bool end_of_user(void)
{
	return add_link() &&
	       credentials_end_of_user(ledger.writer, dana.id, CREDENTIAL_LINK, 0, &err);
}

static bool end_kind(void)
{
	return add_link() && credentials_end_kind(ledger.writer, CREDENTIAL_LINK, &number, &err) &&
	       number == 1;
}

static bool count_kind(void)
{
	return add_link() &&
	       credentials_count_kind(ledger.writer, CREDENTIAL_LINK, &number, &err) && number == 1;
}

static bool keep_none(void)
{
	return add_link() && credentials_keep(ledger.writer, dana.id, CREDENTIAL_LINK, 0, &err);
}

static bool keep_no_visits(void)
{
	return add_link() && credentials_keep_visits(ledger.writer, credential.id, NOON, 0, &err);
}

static bool see_credential(void)
{
	return add_link() && credentials_seen(ledger.writer, credential.id, NOON, &err);
}

static bool play_link(void)
{
	enum link_play play;

	return add_visit() &&
	       credentials_link_play(ledger.writer, credential.id, NOON, 1000, &play, &err) &&
	       play == LINK_PLAYS;
}

static bool judge_link(void)
{
	enum link_play play;

	return add_visit() &&
	       credentials_link_judge(ledger.writer, credential.id, NOON, &play, &err) &&
	       play == LINK_PLAYS;
}

static bool forget_credentials(void)
{
	return add_link() && credentials_forget(ledger.writer, NOON + DAY_MS, 4, &number, &err) &&
	       number == 1;
}

static bool find_failures(void)
{
	struct sign_in_failures failures;

	return sign_in_failures_add(ledger.writer, STR("key"), NOON, &err) &&
	       sign_in_failures_find(ledger.writer, STR("key"), &failures, &err);
}

static bool clear_failures(void)
{
	return sign_in_failures_clear(ledger.writer, STR("key"), &err);
}

static struct audit_entry entry;

static bool add_entry(void)
{
	entry = (struct audit_entry){
		.seq = 1, .at_ms = NOON, .kind = "a", .address = "203.0.113.7"
	};
	return audit_add_chain(ledger.writer, STR("key"), NOON, &entry.chain, &err) &&
	       audit_insert(ledger.writer, &entry, &err);
}

static bool list_chains(void)
{
	static struct audit_chain_row out[PAGE];

	return add_entry() && audit_chains(ledger.writer, 0, out, PAGE, &count, &err) && count == 1;
}

static bool find_tail(void)
{
	struct audit_tail out;

	return add_entry() && audit_tail(ledger.writer, entry.chain, &out, &err);
}

static bool find_tails(void)
{
	static struct audit_tail out[PAGE];

	return add_entry() && audit_tails(ledger.writer, 0, out, PAGE, &count, &err) && count == 1;
}

static bool read_entries(void)
{
	static struct audit_entry out[PAGE];

	return add_entry() && audit_read(ledger.writer, entry.chain, 0, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool list_entries(void)
{
	static struct audit_entry out[PAGE];
	const struct audit_filter filter = { .kind = "a" };

	return add_entry() && audit_list(ledger.writer, &filter, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool last_entry_before(void)
{
	struct audit_tail out;

	return add_entry() &&
	       audit_last_before(ledger.writer, entry.chain, NOON + 1, 4, &out, &err);
}

static bool forget_addresses(void)
{
	return add_entry() && audit_forget_addresses(ledger.writer, NOON + 1, 4, &number, &err) &&
	       number == 1;
}

/* ---- chores/ ---- */

static bool set_import(void)
{
	struct import row = { .since_ms = NOON };

	memcpy(row.account_sid, account_sid, SID_SIZE);
	return imports_set(ledger.writer, &row, &err) &&
	       imports_find(ledger.writer, str_of(account_sid), &row, &err);
}

static struct notice notice;

static bool due_notice(void)
{
	return die() && notices_due(ledger.writer, INT64_MAX, &notice, 1, &count, &err) &&
	       count == 1;
}

static bool next_due_notice(void)
{
	return die() && notices_next_due(ledger.writer, 0, &number, &err) && number > 0;
}

static bool count_notices(void)
{
	struct notice_counts counts;

	return die() && notices_count(ledger.writer, &counts, &err) && counts.waiting == 1;
}

static bool end_notice(void)
{
	return due_notice() && notices_end(ledger.writer, notice.seq, &err);
}

static bool fail_notice(void)
{
	struct notice_failure failure = { .at_ms = NOON, .failure = "a" };
	bool waited;

	if (!due_notice())
		return false;
	failure.seq = notice.seq;
	return notices_failed(ledger.writer, &failure, &waited, &err);
}

static bool give_up_notices(void)
{
	return die() && notices_give_up(ledger.writer, INT64_MAX, NOON, PAGE, &count, &err) &&
	       count == 1;
}

static bool bring_forward(void)
{
	return die() && notices_bring_forward(ledger.writer, 1, NOON, PAGE, &count, &err) &&
	       count == 1;
}

static bool list_dead_notices(void)
{
	return fail_notice() && notices_list_dead(ledger.writer, 0, &notice, 1, &count, &err) &&
	       count == 1;
}

static bool forget_dead(void)
{
	return fail_notice() && notices_forget_dead(ledger.writer, NOON + 1, PAGE, &count, &err) &&
	       count == 1;
}

static bool revive_notice(void)
{
	return fail_notice() && notices_revive(ledger.writer, notice.seq, NOON, PAGE, &count, &err);
}

static bool revive_notices(void)
{
	return fail_notice() && notices_revive(ledger.writer, 0, NOON, PAGE, &count, &err) &&
	       count == 1;
}

static bool set_notify_state(void)
{
	struct notify_state state = { .since_ms = NOON, .rules = "a" };

	return notify_state_set(ledger.writer, &state, &err) &&
	       notify_state_find(ledger.writer, &state, &err);
}

static bool forget_notify_state(void)
{
	struct notify_state state = { 0 };

	return notify_state_set(ledger.writer, &state, &err);
}

static bool list_expiries(void)
{
	struct expiry_class class = { "", -1, -1 };
	struct expiry before = { 0 }, out;

	return store() && expiry_class_next(ledger.writer, &class, &truth, &err) && truth &&
	       expiries_list(ledger.writer, &class, &before, INT64_MAX, &out, 1, &count, &err) &&
	       count == 1 && expiries_note(ledger.writer, out.recording_id, &truth, &err) && truth;
}

static bool set_reconciliation(void)
{
	static struct reconciliation out[PAGE];
	struct reconciliation row = { .since_ms = NOON };

	memcpy(row.account_sid, account_sid, SID_SIZE);
	return reconciliations_set(ledger.writer, &row, &err) &&
	       reconciliations_find(ledger.writer, str_of(account_sid), &row, &err) &&
	       reconciliations_list(ledger.writer, out, PAGE, &count, &err) && count == 1 &&
	       reconciliations_failed(ledger.writer, str_of(account_sid), NOON, STR("a"), &err);
}

static bool list_by_age(void)
{
	struct age_range range = { .way = RETENTION_ANY_WAY };
	struct age_row out[PAGE];
	int64_t oldest_ms;
	uint64_t bytes = 0;

	number = 0;
	if (!store() || !ages_next_account(ledger.writer, "", range.account_sid, &truth, &err) ||
	    !truth)
		return false;
	range.way = RETENTION_INBOUND;
	return ages_list(ledger.writer, &range, AGE_START, INT64_MAX, out, PAGE, &count, &err) &&
	       count == 1 && ages_sum(ledger.writer, &range, INT64_MAX, &number, &bytes, &err) &&
	       number == 1 && ages_oldest(ledger.writer, &range, &oldest_ms, &err) && oldest_ms > 0;
}

static bool list_locked(void)
{
	static struct recording_locked out[PAGE];

	return recordings_set_encryption(ledger.writer, str_of(recording_sid), STR("{}"), &err) &&
	       die() && recordings_list_locked(ledger.writer, 0, out, PAGE, &count, &err) &&
	       recordings_count_locked(ledger.writer, &number, &err);
}

static bool list_stored(void)
{
	static struct recording_stored out[PAGE];

	return store() && recordings_list_stored(ledger.writer, 0, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool list_kept(void)
{
	static struct recording_stored out[PAGE];

	return store() && recordings_list_kept(ledger.writer, 0, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool list_named(void)
{
	static struct recording_stored out[PAGE];

	return store() && recordings_list_named(ledger.writer, 0, out, PAGE, &count, &err) &&
	       count == 1;
}

static bool removals_due(void)
{
	return purge() && removals_are_due(ledger.writer, &truth, &err) && truth;
}

static bool put_rescued(void)
{
	const struct rescue_value values[] = {
		{ .type = RESCUE_INT, .number = 9 },
		{ .type = RESCUE_TEXT, .bytes = STR("key") },
		{ .type = RESCUE_INT, .number = NOON },
		{ .type = RESCUE_INT, .number = 0 },
		{ .type = RESCUE_NULL },
	};

	return rescue_put(ledger.writer, RESCUE_AUDIT_CHAINS, 9, values, ARRAY_LEN(values), &truth,
			  &err) &&
	       truth;
}

static bool rescue_main_recording(void)
{
	return rescue_main(ledger.writer, str_of(call_sid), str_of(recording_sid), &err);
}

static bool leap(void)
{
	return rescue_leap(ledger.writer, 1000, &err);
}

static bool keep_up(void)
{
	struct upkeep row = { .at_ms = NOON };

	return upkeep_set(ledger.writer, UPKEEP_CLOCK, &row, &err) &&
	       upkeep_find(ledger.writer, UPKEEP_CLOCK, &row, &err);
}

static bool pause_purge(void)
{
	return upkeep_pause_purge(ledger.writer, UPKEEP_PAUSE_REBUILT, &err);
}

static bool keep_id(void)
{
	char id[UPKEEP_ID_SIZE];

	return upkeep_make_id(ledger.writer, UPKEEP_STORE, id, &err) &&
	       upkeep_find_id(ledger.writer, UPKEEP_STORE, id, &err) && id[0] &&
	       upkeep_set_id(ledger.writer, UPKEEP_MOVED_STORE, id, &err);
}

static bool keep_text(void)
{
	char text[UPKEEP_TEXT_SIZE];

	return upkeep_set_text(ledger.writer, UPKEEP_MOVED_STORE, "s3:", &err) &&
	       upkeep_find_text(ledger.writer, UPKEEP_MOVED_STORE, text, &err) && text[0];
}

static bool last_write(void)
{
	return upkeep_last_write(ledger.writer, &number, &err);
}

static bool delete_upstream(void)
{
	enum upstream_copy copy;

	return upstream_deletions_add(ledger.writer, recording_sid, NOON, 0, &err) &&
	       upstream_deletions_count(ledger.writer, 0, NULL, &number, &err) && number == 1 &&
	       upstream_deletions_has(ledger.writer, recording_sid, &truth, &err) && truth &&
	       upstream_deletions_bound(ledger.writer, 1, &err) &&
	       upstream_copy_set(ledger.writer, recording_sid, UPSTREAM_COPY_SPARED, &err) &&
	       upstream_copy_need(ledger.writer, recording_sid, &err) &&
	       upstream_copy_find(ledger.writer, recording_sid, &copy, &err) &&
	       copy == UPSTREAM_COPY_NEEDED;
}

static bool verify(void)
{
	struct verification row = { .asked_at_ms = NOON };

	return verifications_set(ledger.writer, VERIFICATION_ASKED, &row, &err) &&
	       verifications_find(ledger.writer, VERIFICATION_ASKED, &row, &err) &&
	       verifications_last_id(ledger.writer, &number, &err) && number > 0;
}

static struct store_fault fault;

static bool add_fault(void)
{
	fault = (struct store_fault){ .path = "3f/CA1.RE1.7.mp3",
				      .kind = STORE_FAULT_MISSING,
				      .state = STORE_FAULT_STAYS,
				      .found_at_ms = NOON,
				      .seen_at_ms = NOON };
	return store_faults_add(ledger.writer, &fault, &err);
}

static bool list_faults(void)
{
	struct store_fault_counts counts;

	return add_fault() &&
	       store_faults_list(ledger.writer, STORE_FAULT_STAYS, "", &fault, 1, &count, &err) &&
	       count == 1 &&
	       store_faults_list_since(ledger.writer, NOON, "", &fault, 1, &count, &err) &&
	       count == 1 && store_faults_find(ledger.writer, fault.path, &fault, &err) &&
	       store_faults_count(ledger.writer, &counts, &err);
}

static bool accept_faults(void)
{
	return add_fault() && store_faults_accept(ledger.writer, &number, &err) && number == 1;
}

static bool end_faults(void)
{
	return add_fault() && store_faults_end_unseen(ledger.writer, NOON + 1, NOON + 2, &err) &&
	       store_faults_set_state(ledger.writer, fault.path, STORE_FAULT_MENDED, "a", NOON,
				      &err) &&
	       store_faults_forget(ledger.writer, NOON + 3, &err) &&
	       store_faults_drop(ledger.writer, fault.path, &err);
}

static bool find_file(void)
{
	enum store_file file;

	return store() &&
	       store_file_find(ledger.writer, str_of(recording_sid), "3f/CA1.RE1.7.mp3", NOON,
			       &file, &err) &&
	       file == STORE_FILE_NAMED;
}

static bool find_old_file(void)
{
	enum store_file file;

	return store() && store_file_find(ledger.writer, str_of(recording_sid), "3f/CA1.RE1.6.mp3",
					  NOON, &file, &err);
}

/* ---- listing/ ---- */

static bool list_calls_of(const struct call_filter *filter)
{
	static struct call_row out[PAGE];
	const struct call_cursor begin = { 0, 0 }, end = { 1, 0 };
	struct call_page page;

	return calls_list(ledger.writer, filter, &begin, out, PAGE, &page, &err) &&
	       page.count == 1 &&
	       calls_list_newer(ledger.writer, filter, &end, out, PAGE, &page, &err) &&
	       page.count == 1;
}

static bool list_calls(void)
{
	return list_calls_of(&(struct call_filter){ .from_ms = 0 });
}

static bool list_inbound(void)
{
	return list_calls_of(&(struct call_filter){ .direction = CALL_INBOUND });
}

static bool list_on_the_way(void)
{
	return list_calls_of(&(struct call_filter){
		.has_group = true, .group = RECORDING_GROUP_PENDING, .fate = CALLS_ON_THE_WAY });
}

static bool list_held(void)
{
	return hold() && list_calls_of(&(struct call_filter){ .fate = CALLS_HELD });
}

static bool list_expired(void)
{
	const struct retention_rules rules = retention_rules_of(DAY_MS);

	return store() &&
	       list_calls_of(&(struct call_filter){ .fate = CALLS_EXPIRED, .retention = &rules });
}

static bool search_number(void)
{
	return list_calls_of(&(struct call_filter){ .number = STR("5550001") });
}

static bool search_call(void)
{
	return list_calls_of(&(struct call_filter){ .call_sid = str_of(call_sid) });
}

static bool list_recordings_of(const struct recording_filter *filter)
{
	static struct recording out[PAGE];
	const struct recording_cursor begin = { 0, 0, 0 };
	struct recording_page page;

	return recordings_list(ledger.writer, filter, &begin, out, PAGE, &page, &err) &&
	       page.count == 1;
}

static bool list_recordings(void)
{
	return list_recordings_of(&(struct recording_filter){ .account_sid = str_of(account_sid) });
}

static bool list_recordings_of_call(void)
{
	return list_recordings_of(&(struct recording_filter){ .account_sid = str_of(account_sid),
							      .call_sid = str_of(call_sid) });
}

/* ---- cluster/, and what catalog/ knows of processes ---- */

static bool process_lives(void)
{
	return catalog_process_lives(ledger.writer, catalog_process(ledger.writer), &truth, &err) &&
	       truth;
}

static bool find_orphans(void)
{
	return catalog_find_orphans(ledger.writer, &err);
}

static bool take(void)
{
	return lease_take(ledger.writer, str_of(recording_sid), NOON, &truth, &err) && truth;
}

static bool begin_lease(void)
{
	struct recording recording;

	return find(&recording) &&
	       lease_begin(ledger.writer, &recording, NOON, 1000, &truth, &err) && !truth;
}

static bool check_lease(void)
{
	return take() && lease_check(ledger.writer, str_of(recording_sid), &err);
}

static bool end_lease(void)
{
	return take() && lease_end(ledger.writer, str_of(recording_sid), &err);
}

static bool shut_out(void)
{
	return lease_shut_out(ledger.writer, str_of(recording_sid), &err);
}

static bool find_holder(void)
{
	struct lease_holder holder;

	return take() && lease_find_holder(ledger.writer, str_of(recording_sid), &holder, &err) &&
	       holder.process_id != 0;
}

static bool list_own_leases(void)
{
	static struct lease_row out[PAGE];

	return take() && leases_own(ledger.writer, 0, out, PAGE, &count, &err) && count == 1;
}

static bool leave(void)
{
	return take() && member_leave(ledger.writer, NOON, &err);
}

static bool bury(void)
{
	const struct member member = { .id = catalog_process(ledger.writer) };

	return take() && member_bury(ledger.writer, &member, NOON, &truth, &err) && truth;
}

static bool look(void)
{
	return members_look(ledger.writer, &number, &truth, &err) && truth;
}

static bool beat(void)
{
	static struct members members;

	return members_beat(ledger.writer, &members, &err);
}

static bool read_roll(void)
{
	static struct roll roll;

	return roll_read(ledger.writer, &roll, &err) && roll.count == 1;
}

static bool count_roll(void)
{
	struct roll_sums sums;

	return roll_count(ledger.writer, catalog_process(ledger.writer), &sums, &err) &&
	       sums.processes == 1;
}

static bool read_durability(void)
{
	struct durability durability;

	return durability_read(ledger.writer, &durability, &err);
}

static const struct {
	bool (*attempt)(void);
	const char *name;
	bool is_of_server; /* there is something to ask of a ledger on a server alone */
} rows[] = {
	{ give_up_attempt, "an attempt is given up", false },
	{ close_flights, "attempts of flights are closed", false },
	{ last_ask, "the last call that is asked for", false },
	{ last_event_of, "the last event of a stream", false },
	{ list_dead, "what is dead", false },
	{ lose, "a file that is lost", false },
	{ replace, "a file that is fetched anew", false },
	{ set_request, "a recording's request", false },
	{ set_digest, "a digest", false },
	{ lift_hold, "a hold that is lifted", false },
	{ count_expired, "how many have expired", false },
	{ count_backfill, "how many wait of the backfill", false },
	{ read_dues, "what is due", false },
	{ without_waveform, "the newest without a waveform", false },
	{ purge, "a recording that is purged", false },
	{ claim_in_shares, "a claim in shares", false },
	{ recent_turns, "recent turns", false },

	{ add_user, "a user", false },
	{ find_user, "a user, found", false },
	{ find_user_name, "a user, found by name", false },
	{ list_users, "users", false },
	{ any_user, "is there any user", false },
	{ any_admin, "is there any administrator", false },
	{ rename_user, "another name", false },
	{ set_password, "another password", false },
	{ sign_in_user, "when a user signed in", false },
	{ set_role, "another role", false },
	{ disable_user, "a user who is disabled", false },
	{ delete_user, "a user who is deleted", false },
	{ find_credential, "a credential, found with its user", false },
	{ find_credential_id, "a credential, found", false },
	{ list_own, "a user's credentials", false },
	{ end_credential, "a credential that ends", false },
	{ end_of_user, "a user's credentials that end", false },
	{ end_kind, "credentials of a kind that end", false },
	{ count_kind, "how many there are of a kind", false },
	{ keep_none, "credentials that are too many", false },
	{ keep_no_visits, "visits that are too many", false },
	{ see_credential, "when a credential was seen", false },
	{ play_link, "a play of a link", false },
	{ judge_link, "what a play would be answered", false },
	{ forget_credentials, "credentials that are forgotten", false },
	{ find_failures, "failed sign-ins", false },
	{ clear_failures, "failed sign-ins that are forgiven", false },
	{ list_chains, "chains of the audit", false },
	{ find_tail, "the end of a chain", false },
	{ find_tails, "the ends of chains", false },
	{ read_entries, "entries of a chain", false },
	{ list_entries, "entries of a kind", false },
	{ last_entry_before, "the last entry before", false },
	{ forget_addresses, "addresses that are forgotten", false },

	{ set_import, "an import", false },
	{ due_notice, "a notice that is due", false },
	{ next_due_notice, "when the next notice is due", false },
	{ count_notices, "how many notices wait", false },
	{ end_notice, "a notice that was taken", false },
	{ fail_notice, "a notice that failed", false },
	{ give_up_notices, "notices that are given up", false },
	{ bring_forward, "notices that are due too late", false },
	{ list_dead_notices, "dead letters", false },
	{ forget_dead, "dead letters that are forgotten", false },
	{ revive_notice, "a dead letter that is told again", false },
	{ revive_notices, "all dead letters, told again", false },
	{ set_notify_state, "who is told", false },
	{ forget_notify_state, "nobody is told", false },
	{ list_expiries, "what is told to have expired", false },
	{ set_reconciliation, "a pass of an account", false },
	{ list_by_age, "recordings by age", false },
	{ list_locked, "recordings without a key", false },
	{ list_stored, "what is stored", false },
	{ list_kept, "what is kept", false },
	{ list_named, "what has a name", false },
	{ removals_due, "are there removals", false },
	{ put_rescued, "a row that is rescued", false },
	{ rescue_main_recording, "a main recording that is rescued", false },
	{ leap, "a leap", false },
	{ keep_up, "a row of upkeep", false },
	{ pause_purge, "a purge that pauses", false },
	{ keep_id, "an id of a store", false },
	{ keep_text, "a text of upkeep", false },
	{ last_write, "when it was written to", false },
	{ delete_upstream, "deletions at Twilio", false },
	{ verify, "a pass of verifying", false },
	{ list_faults, "faults of the store", false },
	{ accept_faults, "faults that are known", false },
	{ end_faults, "faults that are over", false },
	{ find_file, "a file of the store", false },
	{ find_old_file, "an old file of the store", false },

	{ list_calls, "calls", false },
	{ list_inbound, "inbound calls", false },
	{ list_on_the_way, "calls that are on the way", false },
	{ list_held, "calls that are held", false },
	{ list_expired, "calls that have expired", false },
	{ search_number, "calls of a number", false },
	{ search_call, "one call", false },
	{ list_recordings, "recordings", false },
	{ list_recordings_of_call, "recordings of a call", false },

	{ process_lives, "does a process live", true },
	{ find_orphans, "streams of the dead", true },
	{ take, "a lease", true },
	{ begin_lease, "a lease before a try", true },
	{ check_lease, "is the lease ours", true },
	{ end_lease, "a lease that ends", true },
	{ shut_out, "others, shut out", true },
	{ find_holder, "who has the lease", true },
	{ list_own_leases, "our leases", true },
	{ leave, "a process that leaves", true },
	{ bury, "a process that is buried", true },
	{ look, "a look at the turns", true },
	{ beat, "a beat", true },
	{ read_roll, "the roll", true },
	{ count_roll, "the roll, counted", true },
	{ read_durability, "how durable it is", true },
};

static void append(void)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, NOON);
	event.account_sid = str_of(account_sid);
	event.call_sid = str_of(call_sid);
	event.recording_sid = str_of(recording_sid);
	event.status = STR("completed");
	event.direction = STR("inbound");
	event.from = STR("+15555550001");
	event.started_at_ms = NOON;
	ledger_append(&ledger, &event);
}

int main(void)
{
	struct projection_result result;

	sid_text("AC", 1, account_sid);
	sid_text("CA", 1, call_sid);
	sid_text("RE", 1, recording_sid);
	ledger_open(&ledger);
	if (on_postgres())
		MUST(catalog_enlist(ledger.writer, &(struct member_place){ NULL }, &err));
	catalog_notify(ledger.writer, true);
	append();
	ledger_project(&ledger, &result);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!rows[i].is_of_server || on_postgres())
			test_each_refused(ledger.writer, rows[i].attempt, &err, rows[i].name);
	ledger_remove(&ledger);
	return tap_end();
}
