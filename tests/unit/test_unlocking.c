/* Recordings that were given up for want of a private key are queued once there is one that was not tried. */
#include "keeping/unlocking.h"

#include "catalog/events.h"
#include "catalog/recordings.h"
#include "chores/recordings_locked.h"
#include "projection/projection.h"
#include "sweep_fixture.h"
#include "tap.h"
#include "vault/vault.h"

#include "sealed_fixture.h" /* behind all that has a name of its folder */

#define CR(n) "CR0000000000000000000000000000000" n
#define DETAILS(n)                   \
	"{\"public_key_sid\":\"" CR( \
		n) "\",\"encrypted_cek\":\"AAECAw==\",\"iv\":\"8I2hhNIYNTrwxfHk\"}"
#define MANY 40 /* more than a page */

static char fingerprint[PRIVATE_KEY_FINGERPRINT]; /* of the key that is here */

static const struct {
	const char *name, *details, *code;
	const char *reason; /* "%s": the fingerprint */
	bool is_queued;
} rows[] = {
	{ "its key is here now", DETAILS("1"), "key_missing", "no private key", true },
	{ "the key that is here was tried", DETAILS("1"), "key_wrong", "not %s", false },
	{ "another key was tried", DETAILS("1"), "key_wrong", "not 00112233", true },
	{ "there is a key, and it is another's", DETAILS("2"), "key_missing", "no private key",
	  false },
	{ "what it is encrypted with cannot be read", "{}", "key_missing", "no private key",
	  false },
};

static struct str sid_of(const char *kind, unsigned n, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, n);
	return str_of(out);
}

static void give_up(struct catalog *catalog, unsigned n, const char *details, const char *code,
		    const char *reason)
{
	AUTO(free) char *text = NULL;
	char sid[SID_SIZE];
	const char *name = strstr(reason, "%s");

	text = name ? xasprintf("%.*s%s", (int)(name - reason), reason, fingerprint)
		    : xstrdup(reason);
	must(recordings_set_encryption(catalog, sid_of("RE", n, sid), str_of(details), &err) &&
	     recordings_mark_dead(catalog, str_of(sid), code, text, &err));
}

static void fill(struct catalog *catalog)
{
	AUTO(free) struct projection_result *result = xcalloc(1, sizeof(*result));
	char sid[SID_SIZE], call[SID_SIZE];
	struct event event;
	int64_t seq;

	for (unsigned n = 0; n < ARRAY_LEN(rows) + MANY; n++) {
		event_init(&event, EVENT_RECORDING_STATUS, 1700000000000);
		event.call_sid = sid_of("CA", n, call);
		event.recording_sid = sid_of("RE", n, sid);
		event.status = STR("completed");
		must(events_append(catalog, &event, &seq, &err));
	}
	do
		must(projection_run(catalog, PROJECTION_EVENTS_MAX, result, &err));
	while (result->more);
	for (unsigned n = 0; n < ARRAY_LEN(rows); n++)
		give_up(catalog, n, rows[n].details, rows[n].code, rows[n].reason);
	for (unsigned n = ARRAY_LEN(rows); n < ARRAY_LEN(rows) + MANY; n++)
		give_up(catalog, n, DETAILS("1"), "key_missing", "no private key");
}

static struct recording found(unsigned n)
{
	AUTO(free) char *path = xasprintf("%s/ledger.db", folder);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	struct recording recording = { .generation = 0 };
	char sid[SID_SIZE];

	must(catalog_open(path, CATALOG_READ, &catalog, &err) &&
	     recordings_find(catalog, sid_of("RE", n, sid), &recording, &err));
	return recording;
}

/* They are queued in the order in which they were given up. */
static bool last_is_queued(void)
{
	return found(ARRAY_LEN(rows) + MANY - 1).state == RECORDING_QUEUED;
}

int main(void)
{
	struct vault_options options = { .key_path = NULL };
	AUTO(vault_free) struct vault *vault = NULL;
	AUTO(free) char *key_path = NULL;
	EVP_PKEY *pair = key_make(2048);
	struct sweep *sweep;

	folder_make();
	key_path = key_write(pair, CR("1") ".pem", 0600);
	options.key_path = key_path;
	must(vault_open(&options, &vault, &err));
	must(vault_finds(vault, CR("1"), fingerprint));
	unlink(key_path);
	folder_remove();

	sweep_env_open(fill);
	env.vault = vault;
	must(ledger_start(env.ledger, &err));
	sweep = sweep_new(&env, &unlocking_table);
	sweep_wake(sweep);
	OK(sweep_until(last_is_queued), "more than a page of them is queued");
	for (unsigned n = 0; n < ARRAY_LEN(rows); n++)
		IS_INT(found(n).state, rows[n].is_queued ? RECORDING_QUEUED : RECORDING_DEAD, "%s",
		       rows[n].name);
	OK(found(0).next_try_at_ms > 0 && found(0).tries == 0 && !found(0).reason_code[0],
	   "what is queued is tried as if for the first time");
	sweep_env_stop();
	sweep_free(sweep);
	sweep_env_free();
	EVP_PKEY_free(pair);
	return tap_end();
}
