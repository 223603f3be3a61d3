#include "audit/audit_chain.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>

#define DAY_MS    (INT64_C(24) * 60 * 60 * 1000)
#define HEADS_MAX 6   /* so many fit into the body of one entry; more are told in more entries */
#define TAILS_MAX 256 /* chains of one day: a process that starts more often has other troubles */
#define PAGE      64

void audit_key_name(struct audit_key *key)
{
	uint8_t hash[SHA256_BYTES];
	struct buf buf;

	sha256_of((struct str){ (const char *)key->bytes, sizeof(key->bytes) }, hash);
	buf_over(&buf, key->id, sizeof(key->id));
	hex_add(&buf, hash, (sizeof(key->id) - 1) / 2);
}

/* ---- the mac ---- */

struct mac {
	crypto_auth_hmacsha256_state state;
};

static void mac_add_number(struct mac *mac, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	crypto_auth_hmacsha256_update(&mac->state, bytes, sizeof(bytes));
}

/* With its length in front, so that no two lists of fields are the same bytes. */
static void mac_add_text(struct mac *mac, const char *text)
{
	size_t len = strlen(text);

	mac_add_number(mac, len);
	crypto_auth_hmacsha256_update(&mac->state, (const uint8_t *)text, len);
}

static void mac_of_entry(const struct audit_key *key, const struct audit_entry *entry,
			 const uint8_t previous[SHA256_BYTES], uint8_t out[SHA256_BYTES])
{
	struct mac mac;

	crypto_auth_hmacsha256_init(&mac.state, key->bytes, sizeof(key->bytes));
	mac_add_number(&mac, (uint64_t)entry->chain);
	mac_add_number(&mac, (uint64_t)entry->seq);
	crypto_auth_hmacsha256_update(&mac.state, previous, SHA256_BYTES);
	mac_add_number(&mac, (uint64_t)entry->at_ms);
	mac_add_text(&mac, entry->kind);
	mac_add_number(&mac, (uint64_t)entry->user_id);
	mac_add_text(&mac, entry->user_name);
	mac_add_text(&mac, entry->credential);
	mac_add_text(&mac, entry->for_user);
	mac_add_text(&mac, entry->recording_sid);
	mac_add_text(&mac, entry->network);
	mac_add_text(&mac, entry->address_mac);
	mac_add_text(&mac, entry->body);
	crypto_auth_hmacsha256_final(&mac.state, out);
}

static void mac_of_address(const struct audit_key *key, const struct audit_entry *entry,
			   char out[SHA256_HEX])
{
	uint8_t bytes[SHA256_BYTES];
	struct mac mac;
	struct buf buf;

	crypto_auth_hmacsha256_init(&mac.state, key->bytes, sizeof(key->bytes));
	mac_add_text(&mac, "address"); /* never the mac of an entry */
	mac_add_number(&mac, (uint64_t)entry->chain);
	mac_add_number(&mac, (uint64_t)entry->seq);
	mac_add_text(&mac, entry->address);
	crypto_auth_hmacsha256_final(&mac.state, bytes);
	buf_over(&buf, out, SHA256_HEX);
	hex_add(&buf, bytes, sizeof(bytes));
}

/* ---- writing ---- */

bool audit_chain_append_behind(struct catalog *catalog, const struct audit_key *key,
			       struct audit_tail *tail, struct audit_entry *entry, struct err *err)
{
	entry->chain = tail->chain;
	entry->seq = tail->seq + 1;
	entry->address_mac[0] = '\0';
	if (entry->address[0] != '\0')
		mac_of_address(key, entry, entry->address_mac);
	mac_of_entry(key, entry, tail->mac, entry->mac);
	if (!audit_insert(catalog, entry, err))
		return false;
	tail->seq = entry->seq;
	tail->at_ms = entry->at_ms;
	memcpy(tail->mac, entry->mac, sizeof(tail->mac));
	return true;
}

bool audit_chain_append(struct catalog *catalog, const struct audit_key *key,
			struct audit_entry *entry, struct err *err)
{
	struct audit_tail tail;

	/* Asked each time: a transaction that was rolled back has then moved nothing. */
	return audit_tail(catalog, entry->chain, &tail, err) &&
	       audit_chain_append_behind(catalog, key, &tail, entry, err);
}

static void add_head(struct json *json, const struct audit_tail *tail)
{
	char mac[SHA256_HEX];
	struct buf buf;

	buf_over(&buf, mac, sizeof(mac));
	hex_add(&buf, tail->mac, sizeof(tail->mac));
	json_open(json, NULL, '{');
	json_int(json, "chain", tail->chain);
	json_int(json, "seq", tail->seq);
	json_text(json, "mac", str_of(mac));
	json_close(json, '}');
}

/* One entry of `kind` for each HEADS_MAX of the heads; one at least. */
static bool append_heads(struct catalog *catalog, const struct audit_key *key, int64_t chain,
			 const char *kind, int64_t now_ms, const struct audit_tail *tails,
			 size_t count, struct err *err)
{
	size_t done = 0;

	do {
		struct audit_entry entry = { .chain = chain, .at_ms = now_ms };
		struct json json;
		struct buf buf;

		str_fit(str_of(kind), entry.kind, sizeof(entry.kind));
		buf_over(&buf, entry.body, sizeof(entry.body));
		json_start(&json, &buf);
		json_open(&json, NULL, '{');
		json_text(&json, "key", str_of(key->id));
		json_open(&json, "heads", '[');
		for (size_t i = 0; i < HEADS_MAX && done < count; i++)
			add_head(&json, &tails[done++]);
		json_close(&json, ']');
		json_close(&json, '}');
		if (!buf_ok(&buf))
			return err_set(err, ERR_INTERNAL,
				       "the heads of the audit do not fit an entry");
		if (!audit_chain_append(catalog, key, &entry, err))
			return false;
	} while (done < count);
	return true;
}

static bool write_heads(struct catalog *catalog, const struct audit_key *key, int64_t chain,
			const char *kind, int64_t now_ms, struct err *err)
{
	AUTO(free) struct audit_tail *tails = xcalloc(TAILS_MAX, sizeof(*tails));
	size_t count;

	return audit_tails(catalog, now_ms - DAY_MS, tails, TAILS_MAX, &count, err) &&
	       append_heads(catalog, key, chain, kind, now_ms, tails, count, err);
}

bool audit_chain_begin(struct catalog *catalog, const struct audit_key *key, int64_t now_ms,
		       int64_t *out_chain, struct err *err)
{
	int64_t chain;

	if (!audit_add_chain(catalog, str_of(key->id), now_ms, &chain, err) ||
	    !write_heads(catalog, key, chain, "chain_began", now_ms, err))
		return false;
	*out_chain = chain;
	return true;
}

bool audit_chain_head(struct catalog *catalog, const struct audit_key *key, int64_t chain,
		      int64_t now_ms, struct audit_tail *out, struct err *err)
{
	return write_heads(catalog, key, chain, "head", now_ms, err) &&
	       audit_tail(catalog, chain, out, err);
}

static bool append_pruned(struct catalog *catalog, const struct audit_key *key, int64_t chain,
			  int64_t now_ms, const struct audit_tail *upto, struct err *err)
{
	return append_heads(catalog, key, chain, "audit_pruned", now_ms, upto, 1, err);
}

bool audit_chain_prune(struct catalog *catalog, const struct audit_key *key, int64_t chain,
		       int64_t before_ms, int64_t now_ms, int64_t most, int64_t *out_count,
		       struct err *err)
{
	struct audit_chain_row rows[PAGE];
	int64_t after = 0, gone = 0;
	size_t count = PAGE;

	while (count == PAGE && gone < most) {
		if (!audit_chains(catalog, after, rows, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count && gone < most; i++) {
			struct audit_tail upto;
			int64_t pruned;

			after = rows[i].chain;
			if (!audit_last_before(catalog, after, before_ms, most - gone, &upto, err))
				return false;
			if (upto.seq == 0)
				continue;
			if (!append_pruned(catalog, key, chain, now_ms, &upto, err) ||
			    !audit_prune(catalog, &upto, &pruned, err))
				return false;
			gone += pruned;
		}
	}
	*out_count = gone;
	return true;
}

/* ---- heads that were kept elsewhere ---- */

static bool take_field(struct str line, struct str name, struct str *out)
{
	size_t at = str_find_str(line, name);
	struct str rest = str_after(line, at + name.len);

	*out = str_first(rest, str_find(rest, ' '));
	return at < line.len;
}

bool audit_head_of_line(struct str line, struct audit_tail *out)
{
	struct str chain, seq, mac;
	struct audit_tail tail = { .seq = 0 };
	size_t begin = str_find_str(line, STR("audit head chain="));

	while (line.len > 0 && strchr("\r\n\"", line.at[line.len - 1]))
		line.len--;
	if (begin >= line.len)
		return false;
	line = str_after(line, begin);
	if (!take_field(line, STR("chain="), &chain) || !take_field(line, STR(" seq="), &seq) ||
	    !take_field(line, STR(" mac="), &mac) || !str_to_i64(chain, &tail.chain) ||
	    !str_to_i64(seq, &tail.seq) || !hex_decode(mac, tail.mac, sizeof(tail.mac)))
		return false;
	*out = tail;
	return true;
}

/* ---- verifying ---- */

struct heads {
	struct audit_tail *at;
	size_t count, size;
};

struct verifier {
	struct catalog *catalog;
	const struct audit_key *keys;
	size_t key_count;
	struct audit_report *report;
	struct heads heads;  /* what entries and logs say of chains */
	struct heads pruned; /* what audit_pruned entries say */
};

static void heads_add(struct heads *heads, const struct audit_tail *tail)
{
	if (heads->count == heads->size) {
		heads->size = heads->size ? 2 * heads->size : 64;
		heads->at = xrealloc(heads->at, heads->size * sizeof(*heads->at));
	}
	heads->at[heads->count++] = *tail;
}

/* The first place of a fault is told; the places come in the order of chains. */
static void found(struct verifier *verifier, int64_t chain, int64_t seq, const char *fault)
{
	struct audit_report *report = verifier->report;

	if (!report->is_whole)
		return;
	report->is_whole = false;
	report->chain = chain;
	report->seq = seq;
	str_fit(str_of(fault), report->fault, sizeof(report->fault));
}

static const struct audit_key *key_of(const struct verifier *verifier, const char *id)
{
	for (size_t i = 0; i < verifier->key_count; i++)
		if (strcmp(verifier->keys[i].id, id) == 0)
			return &verifier->keys[i];
	return NULL;
}

static void gather_head(struct heads *heads, json_t *head)
{
	const char *mac = json_string_value(json_object_get(head, "mac"));
	struct audit_tail tail = { .chain = json_integer_value(json_object_get(head, "chain")),
				   .seq = json_integer_value(json_object_get(head, "seq")) };

	if (mac && hex_decode(str_of(mac), tail.mac, sizeof(tail.mac)))
		heads_add(heads, &tail);
}

/* Of an entry whose mac is right: what it says is true. */
static void gather_heads(struct verifier *verifier, const struct audit_entry *entry)
{
	bool is_pruning = strcmp(entry->kind, "audit_pruned") == 0;
	json_t *body, *head;
	size_t i;

	if (!is_pruning && strcmp(entry->kind, "chain_began") != 0 &&
	    strcmp(entry->kind, "head") != 0)
		return;
	body = json_loads(entry->body, 0, NULL);
	json_array_foreach(json_object_get(body, "heads"), i, head)
		gather_head(is_pruning ? &verifier->pruned : &verifier->heads, head);
	json_decref(body);
}

static void check_entry(struct verifier *verifier, const struct audit_key *key,
			const struct audit_entry *entry, const struct audit_tail *before)
{
	uint8_t mac[SHA256_BYTES];
	char address_mac[SHA256_HEX];

	verifier->report->entries++;
	if (entry->seq != before->seq + 1) {
		found(verifier, entry->chain, before->seq + 1, "an entry is missing");
		return;
	}
	mac_of_entry(key, entry, before->mac, mac);
	if (!bytes_equal_secret(mac, entry->mac, sizeof(mac))) {
		found(verifier, entry->chain, entry->seq, "an entry was changed");
		return;
	}
	if (entry->address[0] != '\0') {
		mac_of_address(key, entry, address_mac);
		if (strcmp(address_mac, entry->address_mac) != 0) {
			found(verifier, entry->chain, entry->seq,
			      "the address of an entry was changed");
			return;
		}
	}
	gather_heads(verifier, entry);
}

static bool check_chain(struct verifier *verifier, const struct audit_chain_row *row,
			struct err *err)
{
	AUTO(free) struct audit_entry *page = xcalloc(PAGE, sizeof(*page));
	const struct audit_key *key = key_of(verifier, row->key_id);
	struct audit_tail before = { .chain = row->chain, .seq = row->pruned_seq };
	size_t count = PAGE;

	if (!key)
		return err_set(err, ERR_NOT_FOUND,
			       "chain %lld was written with key %s, which is not at hand",
			       (long long)row->chain, row->key_id);
	memcpy(before.mac, row->pruned_mac, sizeof(before.mac));
	verifier->report->chains++;
	while (count == PAGE) {
		if (!audit_read(verifier->catalog, row->chain, before.seq, page, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			check_entry(verifier, key, &page[i], &before);
			before.seq = page[i].seq;
			memcpy(before.mac, page[i].mac, sizeof(before.mac));
		}
	}
	return true;
}

/* The chain's row, chain 0 where there is none. */
static bool find_chain(struct catalog *catalog, int64_t chain, struct audit_chain_row *out,
		       struct err *err)
{
	size_t count;

	if (!audit_chains(catalog, chain - 1, out, 1, &count, err))
		return false;
	if (count == 0 || out->chain != chain)
		out->chain = 0;
	return true;
}

/* Something else vouches for an entry: is it there, and the same? */
static bool check_head(struct verifier *verifier, const struct audit_tail *head, struct err *err)
{
	struct audit_chain_row row = { .chain = 0 };
	struct audit_entry entry;
	size_t count;

	if (!find_chain(verifier->catalog, head->chain, &row, err))
		return false;
	if (row.chain == 0) {
		found(verifier, head->chain, 1, "the whole chain is missing");
		return true;
	}
	if (head->seq <= row.pruned_seq)
		return true; /* what was pruned is another check */
	if (!audit_read(verifier->catalog, head->chain, head->seq - 1, &entry, 1, &count, err))
		return false;
	if (count == 0 || entry.seq != head->seq)
		found(verifier, head->chain, head->seq,
		      "the end of the chain is missing: it once had this entry");
	else if (!bytes_equal_secret(entry.mac, head->mac, sizeof(head->mac)))
		found(verifier, head->chain, head->seq,
		      "the chain was another one once: it was restored from an older copy, or forged");
	return true;
}

/* A chain that begins late was pruned, and an entry says so. */
static void check_pruned(struct verifier *verifier, const struct audit_chain_row *row)
{
	if (row->pruned_seq == 0)
		return;
	for (size_t i = 0; i < verifier->pruned.count; i++) {
		const struct audit_tail *said = &verifier->pruned.at[i];

		if (said->chain == row->chain && said->seq == row->pruned_seq &&
		    bytes_equal_secret(said->mac, row->pruned_mac, sizeof(said->mac)))
			return;
	}
	found(verifier, row->chain, row->pruned_seq, "entries were taken away without saying so");
}

static bool each_chain(struct verifier *verifier,
		       bool (*check)(struct verifier *verifier, const struct audit_chain_row *row,
				     struct err *err),
		       struct err *err)
{
	struct audit_chain_row rows[PAGE];
	size_t count = PAGE;
	int64_t after = 0;

	while (count == PAGE) {
		if (!audit_chains(verifier->catalog, after, rows, PAGE, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			after = rows[i].chain;
			if (!check(verifier, &rows[i], err))
				return false;
		}
	}
	return true;
}

static bool check_pruned_chain(struct verifier *verifier, const struct audit_chain_row *row,
			       struct err *err)
{
	check_pruned(verifier, row);
	return true;
}

static bool verify(struct verifier *verifier, const struct audit_tail *heads, size_t head_count,
		   struct err *err)
{
	if (!each_chain(verifier, check_chain, err) ||
	    !each_chain(verifier, check_pruned_chain, err))
		return false;
	for (size_t i = 0; i < verifier->heads.count; i++)
		if (!check_head(verifier, &verifier->heads.at[i], err))
			return false;
	for (size_t i = 0; i < head_count; i++)
		if (!check_head(verifier, &heads[i], err))
			return false;
	return true;
}

bool audit_verify(struct catalog *catalog, const struct audit_key *keys, size_t key_count,
		  const struct audit_tail *heads, size_t head_count, struct audit_report *out,
		  struct err *err)
{
	struct audit_report report = { .is_whole = true };
	struct verifier verifier = {
		.catalog = catalog, .keys = keys, .key_count = key_count, .report = &report
	};
	bool read = verify(&verifier, heads, head_count, err);

	free(verifier.heads.at);
	free(verifier.pruned.at);
	if (read)
		*out = report;
	return read;
}
