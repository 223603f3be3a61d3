#include "auth/admission.h"

#include "auth/credential.h"
#include "auth/last_seen.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/network.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define NOBODY_S        5   /* a random secret that is unknown will not become known */
#define PROXY_S         300 /* the proxy may have taken a user's group meanwhile */
#define PROXY_NAME_MAX  (USER_NAME_SIZE - 1)
#define QUERY_TEXT_SIZE 128 /* a credential, or a proxy's name and two bytes */

/* One credential that a reader looks up, and all who wait for it. */
struct query {
	struct ledger_job job;
	struct map_node node; /* key: the tag */
	struct admission *admission;
	struct list waiters;
	enum known_source source;
	uint64_t tag[2];
	char text[QUERY_TEXT_SIZE];
	size_t text_len;
	char network[NETWORK_TEXT_SIZE];
	int64_t stale_before; /* a change of this number came while it was under way */
	struct known found;   /* filled by the reader; kind 0: nobody */
};

struct admission {
	struct auth *auth;
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger_listener listener;
	struct known_table *table;
	struct map queries;
	struct last_seen *last_seen;
};

static uint32_t now_s(const struct admission *admission)
{
	return (uint32_t)(loop_wall_ms(admission->loop) / 1000);
}

static uint32_t in_seconds(int64_t at_ms)
{
	return at_ms <= 0 || at_ms / 1000 >= UINT32_MAX ? UINT32_MAX : (uint32_t)(at_ms / 1000);
}

/* When a session that is seen at `now_ms` would be over if it were not seen again. */
static uint32_t idle_end_s(const struct admission *admission, int64_t now_ms)
{
	int64_t idle_ms = admission->auth->options.session_idle_ms;

	return idle_ms == INT64_MAX ? UINT32_MAX : in_seconds(now_ms + idle_ms);
}

/* ---- the warm way ---- */

void admission_expect(const struct admission *admission, enum known_source source, struct str text,
		      struct admission_sight *out)
{
	known_tag(admission->table, source, text, out->tag);
	out->place = known_place(admission->table, out->tag);
	known_expect(admission->table, out->place);
}

const struct known *admission_look(struct admission *admission, const struct admission_sight *sight)
{
	uint32_t now = now_s(admission);
	struct known *entry;

	if (!ledger_hears(admission->auth->ledger))
		return NULL; /* it may have been revoked elsewhere */
	entry = known_find_at(admission->table, sight->place, sight->tag, now);
	if (!entry || entry->kind == 0)
		return entry;
	if (now > entry->idle_s)
		return NULL; /* another loop may have seen it since */
	if (entry->seen_s == now)
		return entry; /* a player's next piece: all of it is as it was */
	entry->seen_s = now;
	if (entry->kind == CREDENTIAL_SESSION)
		entry->idle_s = idle_end_s(admission, loop_wall_ms(admission->loop));
	return entry;
}

/* ---- what the ledger says: on a reader's thread ---- */

static bool is_for_source(enum credential_kind kind, enum known_source source)
{
	static const enum credential_kind kinds[KNOWN_SOURCES] = {
		[KNOWN_COOKIE] = CREDENTIAL_SESSION,   [KNOWN_BEARER] = CREDENTIAL_TOKEN,
		[KNOWN_BASIC] = CREDENTIAL_TOKEN,      [KNOWN_LINK] = CREDENTIAL_LINK,
		[KNOWN_LINK_VISIT] = CREDENTIAL_VISIT,
	};

	return kinds[source] == kind || (source == KNOWN_BEARER && kind == CREDENTIAL_DOCTOR);
}

static void sid_bytes(const char *sid, uint8_t out[KNOWN_SID_BYTES])
{
	memset(out, 0, KNOWN_SID_BYTES);
	if (sid[0] != '\0')
		(void)!hex_decode(str_after(str_of(sid), 2), out, KNOWN_SID_BYTES);
}

/* When it is over: a link whose play was begun plays on to the end of its window. */
static int64_t over_at_ms(const struct credential_row *row)
{
	if (row->expires_at_ms == 0)
		return 0;
	return row->window_until_ms > row->expires_at_ms ? row->window_until_ms
							 : row->expires_at_ms;
}

static bool is_over(const struct credential_row *row, const struct query *query, int64_t now_ms)
{
	int64_t over_ms = over_at_ms(row);
	int64_t seen_ms = row->seen_at_ms ? row->seen_at_ms : row->made_at_ms;
	int64_t idle_ms = query->admission->auth->options.session_idle_ms;

	/* Of a link the row says what became of it: expired and used up are other answers than unknown. */
	if (row->kind != CREDENTIAL_LINK && over_ms != 0 && now_ms > over_ms)
		return true;
	return row->kind == CREDENTIAL_SESSION &&
	       now_ms - seen_ms - last_seen_lag_ms(idle_ms) > idle_ms;
}

static void fill(struct query *query, const struct credential_row *row, const struct user *user,
		 int64_t now_ms)
{
	struct known *found = &query->found;

	found->kind = (uint8_t)row->kind;
	found->credential_id = (uint64_t)row->id;
	found->user_id = (uint64_t)user->id;
	found->rights = user->id ? row->rights & role_rights((enum role)user->role) : row->rights;
	found->expires_s = in_seconds(row->kind == CREDENTIAL_LINK ? 0 : over_at_ms(row));
	found->seen_s = (uint32_t)(now_ms / 1000);
	found->idle_s = row->kind == CREDENTIAL_SESSION ? idle_end_s(query->admission, now_ms)
							: UINT32_MAX;
	sid_bytes(row->recording_sid, found->sid);
}

/* Is the link of that name the one that the visit is of? */
static bool is_visit_of(struct catalog *catalog, const struct credential_row *visit,
			struct str link_name, bool *out, struct err *err)
{
	struct credential_row link;

	*out = false;
	if (!credentials_find_id(catalog, visit->parent_id, &link, err))
		return err->kind == ERR_NOT_FOUND;
	*out = str_eq(str_of(link.name), link_name);
	return true;
}

static bool find_credential(struct query *query, struct catalog *catalog, struct err *err)
{
	struct str text = { query->text, query->text_len };
	struct str link_name = str_first(text, CREDENTIAL_NAME_LEN);
	bool is_of_link = true;
	uint8_t hash[SHA256_BYTES];
	int64_t now_ms = clock_wall_ms();
	struct credential_row row;
	struct user user;

	if (query->source == KNOWN_LINK_VISIT)
		text = str_after(text, CREDENTIAL_NAME_LEN);
	if (!credentials_find(catalog, credential_name(text), &row, &user, err))
		return err->kind == ERR_NOT_FOUND;
	credential_hash(text, hash);
	if (!bytes_equal_secret(hash, row.hash, sizeof(hash)) ||
	    !is_for_source(row.kind, query->source) || is_over(&row, query, now_ms))
		return true;
	if (row.kind == CREDENTIAL_VISIT &&
	    !is_visit_of(catalog, &row, link_name, &is_of_link, err))
		return false;
	if (!is_of_link)
		return true;
	if (row.user_id != 0 && (user.id == 0 || user.is_disabled))
		return true;
	fill(query, &row, &user, now_ms);
	return true;
}

/* "user NUL rights": the text of whom a trusted proxy names. */
static bool read_proxy_text(const struct query *query, struct str *out_name, uint16_t *out_rights)
{
	struct str text = { query->text, query->text_len };
	size_t end = str_find(text, '\0');

	if (text.len != end + 1 + sizeof(*out_rights))
		return false;
	*out_name = str_first(text, end);
	memcpy(out_rights, text.at + end + 1, sizeof(*out_rights));
	return true;
}

static void fill_proxy_user(struct query *query, const struct user *user, uint16_t rights)
{
	uint32_t now = (uint32_t)(clock_wall_ms() / 1000);

	if (user->is_disabled)
		return;
	query->found.kind = CREDENTIAL_SESSION;
	query->found.user_id = (uint64_t)user->id;
	query->found.rights = rights;
	query->found.seen_s = now;
	query->found.expires_s = query->found.idle_s = now + PROXY_S;
}

static bool find_proxy_user(struct query *query, struct catalog *catalog, struct err *err)
{
	struct str name;
	struct user user;
	uint16_t rights;

	if (!read_proxy_text(query, &name, &rights))
		return true;
	if (!users_find_name(catalog, USER_BY_PROXY, name, &user, err))
		return err->kind == ERR_NOT_FOUND;
	fill_proxy_user(query, &user, rights);
	return true;
}

static bool run_query(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct query *query = container_of(job, struct query, job);

	query->found = (struct known){ .tag = { query->tag[0], query->tag[1] },
				       .source = (uint8_t)query->source };
	return query->source == KNOWN_PROXY ? find_proxy_user(query, catalog, err)
					    : find_credential(query, catalog, err);
}

/* ---- the first sight of somebody whom a proxy names: on the writer ---- */

static bool run_add_proxy_user(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct query *query = container_of(job, struct query, job);
	struct user user = { .source = USER_BY_PROXY, .made_at_ms = clock_wall_ms() };
	struct auth_actor actor = { .user_id = 0 };
	struct str name;
	uint16_t rights;

	if (!read_proxy_text(query, &name, &rights) ||
	    !str_copy(name, user.name, sizeof(user.name)))
		return err_set(err, ERR_INVALID, "the proxy's name is malformed");
	user.role = rights & RIGHT_ADMIN ? ROLE_ADMIN : ROLE_LISTENER;
	if (!users_find_name(catalog, USER_BY_PROXY, name, &user, err)) {
		if (err->kind != ERR_NOT_FOUND || !users_add(catalog, &user, err))
			return false;
		actor.user_id = user.id;
		if (!auth_audit(query->admission->auth, catalog, &actor, "user_added", NULL,
				"{\"source\":\"proxy\"}", err))
			return false;
	}
	query->found =
		(struct known){ .tag = { query->tag[0], query->tag[1] }, .source = KNOWN_PROXY };
	fill_proxy_user(query, &user, rights);
	return true;
}

/* ---- the answer: on the loop ---- */

static void query_free(struct query *query)
{
	map_remove(&query->admission->queries, &query->node);
	free(query);
}

static void answer(struct query *query, enum admission_result result)
{
	const struct known *entry = result == ADMISSION_KNOWN ? &query->found : NULL;
	struct list *first;

	while ((first = list_first(&query->waiters)) != NULL) {
		struct admission_waiter *waiter =
			container_of(first, struct admission_waiter, link);

		list_remove(first);
		waiter->answered(waiter, result, entry, 0);
	}
	query_free(query);
}

static void remember_nobody(struct query *query)
{
	struct admission *admission = query->admission;
	int64_t wait_ms;

	query->found.expires_s = query->found.idle_s = now_s(admission) + NOBODY_S;
	known_put(admission->table, &query->found, now_s(admission));
	/* The try is taken now that it turned out to be one; whether another is left counts next time. */
	(void)!throttle_take(admission->auth->throttle, THROTTLE_UNKNOWN, str_of(query->network),
			     loop_now_ms(admission->loop), &wait_ms);
}

static void query_done(struct ledger_job *job);

static void query_send(struct query *query)
{
	query->job = (struct ledger_job){ .run = run_query,
					  .done = query_done,
					  .reply = query->admission->mailbox };
	ledger_read(query->admission->auth->ledger, &query->job);
}

static void query_add_proxy_user(struct query *query)
{
	query->job = (struct ledger_job){ .run = run_add_proxy_user,
					  .done = query_done,
					  .reply = query->admission->mailbox };
	ledger_write(query->admission->auth->ledger, &query->job);
}

static void query_done(struct ledger_job *job)
{
	struct query *query = container_of(job, struct query, job);
	struct admission *admission = query->admission;

	if (!job->succeeded) {
		answer(query, auth_is_for_now("look up who asks", &job->err) ? ADMISSION_BUSY
									     : ADMISSION_FAILED);
		return;
	}
	if (job->sequence < query->stale_before) {
		query_send(query);
		return;
	}
	if (query->found.kind == 0 && query->source == KNOWN_PROXY && job->run == run_query) {
		query_add_proxy_user(query);
		return;
	}
	if (query->found.kind == 0) {
		remember_nobody(query);
		answer(query, ADMISSION_NOBODY);
		return;
	}
	known_put(admission->table, &query->found, now_s(admission));
	answer(query, ADMISSION_KNOWN);
}

/* ---- asking ---- */

static struct query *query_new(struct admission *admission, enum known_source source,
			       const uint64_t tag[2], struct str text, struct str network)
{
	struct query *query = xcalloc(1, sizeof(*query));

	query->admission = admission;
	query->source = source;
	query->tag[0] = tag[0];
	query->tag[1] = tag[1];
	memcpy(query->text, text.at, text.len);
	query->text_len = text.len;
	str_fit(network, query->network, sizeof(query->network));
	list_init(&query->waiters);
	map_add(&admission->queries, &query->node,
		(struct str){ (const char *)query->tag, sizeof(query->tag) });
	return query;
}

static bool is_well_formed(enum known_source source, struct str text)
{
	if (source == KNOWN_PROXY)
		return text.len > 3 && text.len <= PROXY_NAME_MAX + 3;
	if (source == KNOWN_LINK_VISIT)
		return text.len == CREDENTIAL_NAME_LEN + CREDENTIAL_LEN &&
		       credential_is_well_formed(str_after(text, CREDENTIAL_NAME_LEN));
	return credential_is_well_formed(text);
}

bool admission_ask(struct admission *admission, enum known_source source, struct str text,
		   struct str network, struct admission_waiter *waiter, enum admission_result *out,
		   int64_t *out_wait_ms)
{
	struct map_node *node;
	struct query *query;
	uint64_t tag[2];

	list_init(&waiter->link);
	if (!is_well_formed(source, text)) {
		*out = ADMISSION_NOBODY;
		return true;
	}
	if (source != KNOWN_PROXY &&
	    !throttle_allows(admission->auth->throttle, THROTTLE_UNKNOWN, network,
			     loop_now_ms(admission->loop), out_wait_ms)) {
		*out = ADMISSION_THROTTLED;
		return true;
	}
	known_tag(admission->table, source, text, tag);
	node = map_find(&admission->queries, (struct str){ (const char *)tag, sizeof(tag) });
	query = node ? container_of(node, struct query, node)
		     : query_new(admission, source, tag, text, network);
	list_append(&query->waiters, &waiter->link);
	if (!node)
		query_send(query);
	return false;
}

bool admission_has(const struct admission *admission, const struct known *known)
{
	const struct known *entry = known_find(admission->table, known->tag, now_s(admission));

	return entry && entry->kind != 0 && entry->credential_id == known->credential_id &&
	       entry->user_id == known->user_id;
}

void admission_leave(struct admission_waiter *waiter)
{
	list_remove(&waiter->link);
}

/* ---- what changed ---- */

/* The numbers may have gone back where anything may have changed. */
static void age_queries(struct admission *admission, bool is_all, int64_t sequence)
{
	for (size_t i = 0; i < admission->queries.bucket_count; i++) {
		for (struct map_node *node = admission->queries.buckets[i]; node;
		     node = node->next) {
			struct query *query = container_of(node, struct query, node);

			if (is_all || query->stale_before < sequence)
				query->stale_before = sequence;
		}
	}
}

static void auth_changed(struct ledger_listener *listener, const struct projection_change *change,
			 int64_t sequence)
{
	struct admission *admission = container_of(listener, struct admission, listener);

	if (!(change->what & (PROJECTED_CREDENTIAL | PROJECTED_USER | PROJECTED_ALL)))
		return;
	if (change->what & PROJECTED_ALL)
		known_drop_all(admission->table);
	if (change->what & PROJECTED_CREDENTIAL)
		known_drop_credential(admission->table, (uint64_t)change->credential_id);
	if (change->what & PROJECTED_USER)
		known_drop_user(admission->table, (uint64_t)change->user_id);
	if (change->what & PROJECTED_LINK)
		known_drop_kind(admission->table, CREDENTIAL_VISIT);
	age_queries(admission, change->what & PROJECTED_ALL, sequence);
}

/* ---- life cycle ---- */

struct admission *admission_new(struct auth *auth, struct loop *loop, struct mailbox *mailbox,
				struct lines lines)
{
	struct admission *admission = xcalloc(1, sizeof(*admission));

	admission->auth = auth;
	admission->loop = loop;
	admission->mailbox = mailbox;
	admission->table = known_table_new(auth->known_key, lines);
	admission->listener =
		(struct ledger_listener){ .mailbox = mailbox, .changed = auth_changed };
	map_init(&admission->queries);
	ledger_listen(auth->ledger, &admission->listener);
	admission->last_seen = last_seen_new(auth->ledger, admission->table, loop, mailbox,
					     auth->options.session_idle_ms);
	return admission;
}

void admission_free(struct admission *admission)
{
	struct map_node *node;

	if (!admission)
		return;
	last_seen_free(admission->last_seen);
	while ((node = map_any(&admission->queries)) != NULL)
		query_free(container_of(node, struct query, node));
	map_release(&admission->queries);
	known_table_free(admission->table);
	free(admission);
}
