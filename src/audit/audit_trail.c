#include "audit/audit_trail.h"

#include "audit/audit_key.h"
#include "audit/refusals.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/network.h"

#define NETWORK_BITS \
	48 /* of an IPv6 address; of IPv4 the first 24: tells an office from a stranger */

bool audit_trail_open(const struct audit_options *options, const char *data_dir, bool makes_key,
		      struct ledger *ledger, struct audit_trail *out, struct err *err)
{
	enum audit_key_place place;

	*out = (struct audit_trail){ .options = *options,
				     .ledger = ledger,
				     .refusals = refusals_new() };
	if (!audit_key_read(options->key_file, data_dir, makes_key, &out->key, &place, err))
		return false;
	if (place == AUDIT_KEY_OF_FOLDER)
		log_info(
			NULL,
			"the key of the audit is audit.key in the data folder: whoever can write "
			"there can forge the audit; audit.key_file or a credential of systemd is better");
	return true;
}

void audit_trail_release(struct audit_trail *trail)
{
	audit_key_free(trail->key);
	refusals_free(trail->refusals);
	trail->refusals = NULL;
	trail->key = NULL;
}

bool audit_trail_begin(struct audit_trail *trail, struct catalog *catalog, struct err *err)
{
	return audit_chain_begin(catalog, trail->key, clock_wall_ms(), &trail->chain, err);
}

static void name_network(struct audit_entry *entry)
{
	if (entry->address[0] == '\0')
		return;
	network_of_address(str_of(entry->address), NETWORK_BITS, entry->network);
	for (char *at = entry->network + strlen(entry->network); at > entry->network; at--) {
		if (*at == ':')
			return;
		if (*at == '.') {
			str_fit(STR(".0"), at, 3);
			return;
		}
	}
}

static bool fill_user_name(struct catalog *catalog, struct audit_entry *entry, struct err *err)
{
	struct user user;

	if (entry->user_id == 0 || entry->user_name[0] != '\0')
		return true;
	if (users_find(catalog, entry->user_id, &user, err)) {
		str_fit(str_of(user.name), entry->user_name, sizeof(entry->user_name));
		return true;
	}
	return err->kind == ERR_NOT_FOUND; /* deleted meanwhile: the number stays */
}

bool audit_trail_end(const struct audit_trail *trail, struct catalog *catalog,
		     struct audit_tail *out, struct err *err)
{
	return audit_tail(catalog, trail->chain, out, err);
}

bool audit_trail_write_behind(const struct audit_trail *trail, struct catalog *catalog,
			      struct audit_tail *tail, struct audit_entry *entry, struct err *err)
{
	entry->at_ms = clock_wall_ms();
	name_network(entry);
	return fill_user_name(catalog, entry, err) &&
	       audit_chain_append_behind(catalog, trail->key, tail, entry, err);
}

bool audit_trail_write(const struct audit_trail *trail, struct catalog *catalog,
		       struct audit_entry *entry, struct err *err)
{
	struct audit_tail tail;

	return audit_trail_end(trail, catalog, &tail, err) &&
	       audit_trail_write_behind(trail, catalog, &tail, entry, err);
}
