/*
 * All settings: one table with key, type, default, bounds and a sentence of help each, and
 * where each value in force came from.
 *
 * Order, the later wins: the table's default, the settings file, credentials, the environment
 * (CALLSPOOL_ + the key in upper case, dots as underscores; TWILIO_ACCOUNT_SID and kin), --set.
 * A secret is never taken from --set, where the process list shows it; it may stand in a file
 * of its own, named by `<key>_file`.
 */
#pragma once

#include "api/web_options.h"
#include "auth/auth_options.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "flights/flight_options.h"
#include "http/http_options.h"
#include "notify/notify_options.h"
#include "purge/upstream_deletion.h"
#include "retention/retention.h"
#include "s3/s3_options.h"
#include "twilio/account_options.h"
#include "verify/verify_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_UNIX     "unix:"   /* before the path of a socket in `listen` */
#define SETTINGS_LIST_MAX 16        /* words in one list */
#define SETTINGS_DEFAULT  "default" /* where a value came from of which nobody said anything */
#define SETTINGS_FLAG     "--set"   /* and of which the command line says it */

/*
 * What is in force: the options of each room, as that room declares them, and the process's own.
 * Texts and lists are the source's; a text is NULL where nothing was said, lists end in NULL.
 */
struct settings {
	const char *const *listen; /* "ADDRESS:PORT" or SETTINGS_UNIX and a path; at least one */
	const char *data_dir, *log_level;
	const char *access_log;      /* "off", "stderr", or a file */
	const char *database;        /* postgresql://...; NULL: a file in data_dir */
	const char *database_listen; /* the same past a pooler; NULL: that */
	const char *cluster_listen;  /* settings_cluster_listen() */
	const char *cluster_address; /* what is told of it: "HOST" or "HOST:PORT"; NULL: that */
	struct s3_options s3;        /* s3.store NULL: media lies in files of data_dir */
	const char *
		store_claim; /* the id in another's marker of it, which is to be ours; NULL: none */
	uint64_t cache_max_bytes;     /* of what lies in a bucket */
	const char *accounts_file;    /* further accounts (twilio/accounts.h) */
	const char *private_key_file; /* or a folder of them (vault/vault.h) */
	enum auth_switch core_dumps;
	unsigned threads;        /* serving loops; 0: one for each processor */
	int64_t canary_every_ms; /* INT64_MAX: only when asked */
	struct http_options http;
	struct auth_options auth;
	struct web_options web;
	struct flight_options flights;
	struct upstream_deletion_options upstream_deletion;
	struct retention_options retention;
	struct retention_rules rules; /* what follows from it */
	struct verify_options verify;
	struct notify_options notify;
	struct account_options account; /* without a SID: none but those of accounts_file */
};

/* "ADDRESS:PORT" for other processes on the same database; NULL: none. */
static inline const char *settings_cluster_listen(const struct settings *settings)
{
	return str_eq(str_of(settings->cluster_listen), STR("none")) ? NULL
								     : settings->cluster_listen;
}

enum setting_type {
	SETTING_TEXT,
	SETTING_NUMBER,
	SETTING_DURATION, /* "250ms", "30s", "15m", "12h", "7d", "forever" */
	SETTING_BYTES,    /* "512M", "2G" */
	SETTING_LIST,     /* words separated by spaces or commas */
	SETTING_CHOICE,   /* one of the words in `choices`, as text */
	SETTING_ENUM,     /* the same as the number of the word, from 1; 0 where nothing was said */
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset, size;  /* of its member in struct settings; a number may have 4 or 8 bytes */
	const char *fallback; /* NULL: nothing */
	const char *choices;
	const char *min, *max;
	const char *environment; /* a second name there; NULL none */
	bool is_secret;
	/* Of a secret: the member for the name of its file, which is looked at again while a server runs; 0: none. */
	size_t file_offset;
	/* SIGHUP changes it in a running server: a number, a choice, or a list that is read into such. */
	bool is_live;
	const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_count;

struct settings_source; /* the values as text and where they came from */

/* Starts from the defaults. */
struct settings_source *settings_source_new(void);
void settings_source_free(struct settings_source *source);

/* config_file.h; the error names the file and the line.  A file that cannot be read is ERR_INVALID. */
bool settings_read_file(struct settings_source *source, const char *path,
			struct err *err) MUST_CHECK;
/*
 * Credentials first: a file of $CREDENTIALS_DIRECTORY that is called as a secret ("twilio.auth_token", or
 * "twilio_auth_token") holds it, one that is called as a setting K_file without its ending is that file.  Then variables.
 *
 * Before any thread: a secret is wiped from the environment once it is read.  A variable that begins with CALLSPOOL_ and is no setting is refused, but for those of docs/settings.md.
 */
bool settings_read_environment(struct settings_source *source, struct err *err) MUST_CHECK;
/*
 * The secrets that came by the environment and were wiped from it, as "NAME=value": for a process that is started with the
 * same settings.  NULL-terminated; each text, which is to be wiped, and the array are for free().
 */
char **settings_environment_secrets(const struct settings_source *source);
/* "key=value" of --set; a secret is refused. */
bool settings_set(struct settings_source *source, const char *assignment,
		  struct err *err) MUST_CHECK;
/* A value that the program itself decides (the demo's); `from` is shown as its origin. */
bool settings_put(struct settings_source *source, const char *key, const char *value,
		  const char *from, struct err *err) MUST_CHECK;
/* The same with the table's default. */
bool settings_put_back(struct settings_source *source, const char *key, const char *from,
		       struct err *err) MUST_CHECK;
/* Did the value come from there?  False where there is no such setting. */
bool settings_is_from(const struct settings_source *source, const char *key, const char *origin);

/*
 * All values read and checked together, contradictions too.  What *out points at lives as long as
 * the source.
 */
bool settings_resolve(struct settings_source *source, struct settings *out,
		      struct err *err) MUST_CHECK;

/*
 * For reading all sources anew while a server runs: takes over the secrets that came by the environment, which was wiped.  After
 * settings_read_environment().
 */
void settings_keep_secrets(struct settings_source *source, const struct settings_source *before);
/* Do they say the same of this setting?  Origins do not count. */
bool settings_are_same(const struct settings_source *a, const struct settings_source *b,
		       const struct setting *setting);
/*
 * Takes the live settings, and what follows from them, out of `fresh` into what is in force; `fresh` is to be
 * freed then.
 */
void settings_take_live(struct settings_source *source, struct settings *settings,
			struct settings_source *fresh, const struct settings *fresh_settings);

/* The value as text, "" for none, "(secret)" in place of one; and where it came from. */
const char *settings_text(const struct settings_source *source, const struct setting *setting);
const char *settings_origin(const struct settings_source *source, const struct setting *setting);
/*
 * A line of a settings file that says the same, with a comment that says whether it is live and where the value came
 * from; for free(). A secret that did not come from a file of its own is a comment altogether.
 */
char *settings_line(const struct settings_source *source, const struct setting *setting);
