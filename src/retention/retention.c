#include "retention/retention.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- from the settings ---- */

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t said_or(int64_t said_ms, int64_t otherwise_ms)
{
	return said_ms != 0 ? said_ms : otherwise_ms;
}

/* What an account's own rules say; 0 where they say nothing. */
struct said {
	char account_sid[RETENTION_SID_SIZE];
	int64_t ms[RETENTION_WAYS]; /* the first: of both directions */
};

static bool is_account(struct str text)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (text.len != RETENTION_SID_SIZE - 1 || !str_starts(text, STR("AC")))
		return false;
	for (size_t i = 2; i < text.len; i++)
		if (!memchr(digits, text.at[i], sizeof(digits) - 1))
			return false;
	return true;
}

static bool read_way(struct str text, enum retention_way *out)
{
	if (text.len == 0)
		*out = RETENTION_ANY_WAY;
	else if (str_eq(text, STR(".inbound")))
		*out = RETENTION_INBOUND;
	else if (str_eq(text, STR(".outbound")))
		*out = RETENTION_OUTBOUND;
	else
		return false;
	return true;
}

static struct said *said_of(struct said *said, size_t *count, struct str account_sid)
{
	for (size_t i = 0; i < *count; i++)
		if (str_eq_nocase(str_of(said[i].account_sid), account_sid))
			return &said[i];
	if (*count == RETENTION_ACCOUNTS_MAX)
		return NULL;
	str_fit(account_sid, said[*count].account_sid, RETENTION_SID_SIZE);
	return &said[(*count)++];
}

/* "AC...=90d" */
static bool read_account(struct str word, struct said *said, size_t *count, struct err *err)
{
	size_t is_at = str_find(word, '='), dot_at = str_find(word, '.');
	size_t name_len = dot_at < is_at ? dot_at : is_at;
	struct str account_sid = str_first(word, name_len);
	enum retention_way way;
	struct said *one;
	int64_t ms;

	if (is_at == word.len || !is_account(account_sid) ||
	    !read_way(str_after(str_first(word, is_at), name_len), &way) ||
	    !str_to_duration_ms(str_after(word, is_at + 1), &ms))
		return err_set(
			err, ERR_INVALID,
			"'%.*s': expected AC...=90d, AC....inbound=90d or AC....outbound=90d",
			STR_ARG(word));
	if (ms < 1000)
		return err_set(err, ERR_INVALID, "'%.*s': at least 1s", STR_ARG(word));
	one = said_of(said, count, account_sid);
	if (!one)
		return err_set(err, ERR_INVALID, "at most %d accounts", RETENTION_ACCOUNTS_MAX);
	if (one->ms[way] != 0)
		return err_set(err, ERR_INVALID, "'%.*s': this was said already", STR_ARG(word));
	one->ms[way] = ms;
	return true;
}

static int compare_said(const void *a, const void *b)
{
	return strcmp(((const struct said *)a)->account_sid, ((const struct said *)b)->account_sid);
}

static void set_longest(struct retention_rule *rule)
{
	rule->ms[RETENTION_ANY_WAY] =
		longer(rule->ms[RETENTION_INBOUND], rule->ms[RETENTION_OUTBOUND]);
}

static struct retention_rule rule_of(const struct said *said, const struct retention_rule *general)
{
	struct retention_rule rule;

	memcpy(rule.account_sid, said->account_sid, RETENTION_SID_SIZE);
	for (int way = RETENTION_INBOUND; way < RETENTION_WAYS; way++)
		rule.ms[way] = said_or(said->ms[way],
				       said_or(said->ms[RETENTION_ANY_WAY], general->ms[way]));
	set_longest(&rule);
	return rule;
}

static void take_longer(struct retention_rule *longest, const struct retention_rule *rule)
{
	for (int way = 0; way < RETENTION_WAYS; way++)
		longest->ms[way] = longer(longest->ms[way], rule->ms[way]);
}

bool retention_rules_make(const struct retention_options *options, struct retention_rules *out,
			  struct err *err)
{
	struct said said[RETENTION_ACCOUNTS_MAX] = { 0 };
	struct retention_rules rules = retention_rules_of(options->general_ms);
	size_t count = 0;

	for (size_t i = 0; options->accounts && options->accounts[i]; i++)
		if (!read_account(str_of(options->accounts[i]), said, &count, err))
			return err_context(err, "retention.accounts");
	qsort(said, count, sizeof(*said), compare_said);
	rules.grace_ms = options->grace_ms;
	rules.general.ms[RETENTION_INBOUND] = said_or(options->inbound_ms, options->general_ms);
	rules.general.ms[RETENTION_OUTBOUND] = said_or(options->outbound_ms, options->general_ms);
	set_longest(&rules.general);
	rules.longest = rules.general;
	for (size_t i = 0; i < count; i++) {
		rules.accounts[i] = rule_of(&said[i], &rules.general);
		take_longer(&rules.longest, &rules.accounts[i]);
	}
	rules.count = count;
	*out = rules;
	return true;
}

struct retention_rules retention_rules_of(int64_t general_ms)
{
	struct retention_rules rules = { .count = 0 };

	for (int way = 0; way < RETENTION_WAYS; way++)
		rules.general.ms[way] = rules.longest.ms[way] = general_ms;
	return rules;
}

/* ---- of one recording ---- */

/* Twilio spells an account's SID in one way; whoever typed it may not have. */
static const struct retention_rule *find_rule(const struct retention_rules *rules,
					      const char *account_sid)
{
	if (rules->count == 0)
		return &rules->general;
	if (account_sid[0] == '\0')
		return &rules->longest;
	for (size_t i = 0; i < rules->count; i++)
		if (str_eq_nocase(str_of(rules->accounts[i].account_sid), str_of(account_sid)))
			return &rules->accounts[i];
	return &rules->general;
}

int64_t retention_ms(const struct retention_rules *rules, const char *account_sid,
		     enum retention_way way)
{
	return find_rule(rules, account_sid)->ms[way < RETENTION_WAYS ? way : RETENTION_ANY_WAY];
}

int64_t retention_longest_ms(const struct retention_rules *rules)
{
	return rules->longest.ms[RETENTION_ANY_WAY];
}

static int64_t shortest_of(const struct retention_rule *rule)
{
	return rule->ms[RETENTION_INBOUND] < rule->ms[RETENTION_OUTBOUND]
		       ? rule->ms[RETENTION_INBOUND]
		       : rule->ms[RETENTION_OUTBOUND];
}

int64_t retention_shortest_ms(const struct retention_rules *rules)
{
	int64_t shortest_ms = shortest_of(&rules->general);

	for (size_t i = 0; i < rules->count; i++)
		if (shortest_of(&rules->accounts[i]) < shortest_ms)
			shortest_ms = shortest_of(&rules->accounts[i]);
	return shortest_ms;
}

int64_t retention_shortest_of_way_ms(const struct retention_rules *rules, enum retention_way way)
{
	int64_t shortest_ms = rules->general.ms[way];

	for (size_t i = 0; i < rules->count; i++)
		if (rules->accounts[i].ms[way] < shortest_ms)
			shortest_ms = rules->accounts[i].ms[way];
	return shortest_ms;
}

int64_t retention_add_ms(int64_t ms, int64_t more_ms)
{
	int64_t sum_ms;

	if (ms == RETENTION_FOREVER || more_ms == RETENTION_FOREVER ||
	    __builtin_add_overflow(ms, more_ms, &sum_ms))
		return RETENTION_FOREVER;
	return sum_ms;
}

int64_t retention_edge_ms(int64_t now_ms, int64_t ms)
{
	return ms == RETENTION_FOREVER || ms >= now_ms ? 0 : now_ms - ms;
}

static bool may_end(const struct kept *kept)
{
	return !kept->is_held && kept->started_at_ms != 0;
}

int64_t retention_expires_at_ms(const struct retention_rules *rules, const struct kept *kept)
{
	if (!may_end(kept))
		return RETENTION_NEVER;
	return retention_add_ms(kept->started_at_ms,
				retention_ms(rules, kept->account_sid, kept->way));
}

int64_t retention_removed_at_ms(const struct retention_rules *rules, const struct kept *kept)
{
	return retention_add_ms(retention_expires_at_ms(rules, kept), rules->grace_ms);
}

/* ---- those in force ---- */

struct generation {
	struct generation *before;
	struct retention_rules rules;
};

struct retention {
	struct generation *_Atomic now;
};

static struct generation *generation_new(const struct retention_rules *rules,
					 struct generation *before)
{
	struct generation *generation = xcalloc(1, sizeof(*generation));

	generation->rules = *rules;
	generation->before = before;
	return generation;
}

struct retention *retention_new(const struct retention_rules *rules)
{
	struct retention *retention = xcalloc(1, sizeof(*retention));

	retention->now = generation_new(rules, NULL);
	return retention;
}

const struct retention_rules *retention_now(const struct retention *retention)
{
	static const struct retention_rules for_ever = {
		.general.ms = { RETENTION_FOREVER, RETENTION_FOREVER, RETENTION_FOREVER },
		.longest.ms = { RETENTION_FOREVER, RETENTION_FOREVER, RETENTION_FOREVER },
	};

	return retention ? &atomic_load_explicit(&retention->now, memory_order_acquire)->rules
			 : &for_ever;
}

static bool rule_is_same(const struct retention_rule *a, const struct retention_rule *b)
{
	return strcmp(a->account_sid, b->account_sid) == 0 &&
	       memcmp(a->ms, b->ms, sizeof(a->ms)) == 0;
}

static bool rules_are_same(const struct retention_rules *a, const struct retention_rules *b)
{
	if (a->grace_ms != b->grace_ms || a->count != b->count ||
	    !rule_is_same(&a->general, &b->general))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!rule_is_same(&a->accounts[i], &b->accounts[i]))
			return false;
	return true;
}

void retention_change(struct retention *retention, const struct retention_rules *rules)
{
	struct generation *now = retention->now;

	if (!rules_are_same(&now->rules, rules))
		atomic_store_explicit(&retention->now, generation_new(rules, now),
				      memory_order_release);
}

bool retention_has_expired(const struct retention *retention, const struct kept *kept,
			   int64_t now_ms)
{
	return retention_expires_at_ms(retention_now(retention), kept) < now_ms;
}

bool retention_is_over(const struct retention *retention, const struct kept *kept, int64_t now_ms)
{
	return retention_removed_at_ms(retention_now(retention), kept) < now_ms;
}

int64_t retention_kept_longest_ms(const struct retention *retention)
{
	const struct retention_rules *rules = retention_now(retention);

	return retention_add_ms(retention_longest_ms(rules), rules->grace_ms);
}

void retention_free(struct retention *retention)
{
	struct generation *next;

	if (!retention)
		return;
	for (struct generation *at = retention->now; at; at = next) {
		next = at->before;
		free(at);
	}
	free(retention);
}
