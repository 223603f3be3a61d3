/*
 * All settings: one table with key, type, default, bounds and a sentence of help each, and
 * where each value in force came from.
 *
 * Order, the later wins: the table's default, the settings file, the environment
 * (CALLSPOOL_ + the key in upper case, dots as underscores; TWILIO_ACCOUNT_SID and kin), --set.
 * A secret is never taken from --set, where the process list shows it; it may stand in a file
 * of its own, named by `<key>_file`.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_LIST_MAX 16 /* words in one list */

/* What is in force.  Texts are the settings' own; NULL where nothing was said.  Lists end in NULL. */
struct settings {
	const char *listen, *data_dir, *public_url, *auth, *format, *log_level;
	const char *trusted_proxies[SETTINGS_LIST_MAX + 1];
	const char *cors_origins[SETTINGS_LIST_MAX + 1];
	const char *media_hosts[SETTINGS_LIST_MAX + 1];
	int64_t threads, connections_max, cache_entries, min_free_bytes;
	int64_t play_wait_ms, keepalive_timeout_ms, head_timeout_ms, body_timeout_ms,
		send_timeout_ms, stop_timeout_ms;
	int64_t retention_ms, purge_grace_ms;
	int64_t fetch_concurrency, fetch_player_slots;
	int64_t fetch_connect_timeout_ms, fetch_stall_timeout_ms, fetch_give_up_after_ms;
	int64_t fetch_retry_first_ms, fetch_retry_most_ms;
	const char *fetch_proxy, *fetch_ca_file;
	const char *twilio_api_url, *twilio_account_sid, *twilio_auth_token,
		*twilio_auth_token_secondary;
	const char *twilio_api_key, *twilio_api_secret, *twilio_accounts_file;
};

enum setting_type {
	SETTING_TEXT,
	SETTING_NUMBER,
	SETTING_DURATION, /* "250ms", "30s", "15m", "12h", "7d", "forever" */
	SETTING_BYTES,    /* "512M", "2G" */
	SETTING_LIST,     /* words separated by spaces or commas */
	SETTING_CHOICE,   /* one of the words in `choices` */
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset;        /* in struct settings */
	const char *fallback; /* NULL: nothing */
	const char *choices;
	const char *min, *max;
	const char *environment; /* a second name there; NULL none */
	bool is_secret;
	const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_count;

struct settings_source; /* the values as text and where they came from */

/* Starts from the defaults. */
struct settings_source *settings_source_new(void);
void settings_source_free(struct settings_source *source);

/* "key = value" lines; the error names the file and the line. */
bool settings_read_file(struct settings_source *source, const char *path,
			struct err *err) MUST_CHECK;
bool settings_read_environment(struct settings_source *source, struct err *err) MUST_CHECK;
/* "key=value" of --set; a secret is refused. */
bool settings_set(struct settings_source *source, const char *assignment,
		  struct err *err) MUST_CHECK;
/* A value that the program itself decides (the demo's); `from` is shown as its origin. */
bool settings_put(struct settings_source *source, const char *key, const char *value,
		  const char *from, struct err *err) MUST_CHECK;

/*
 * All values read and checked together, contradictions too.  What *out points at lives as long as
 * the source.
 */
bool settings_resolve(struct settings_source *source, struct settings *out,
		      struct err *err) MUST_CHECK;

/* The value as text, "" for none, "(secret)" in place of one; and where it came from. */
const char *settings_text(const struct settings_source *source, const struct setting *setting);
const char *settings_origin(const struct settings_source *source, const struct setting *setting);
