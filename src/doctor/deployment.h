/*
 * What the doctor examines: where callspool answers, how it is set, what stands before it.  Put together from what the server
 * that runs says of itself over the administrator's socket; without one, from the settings that it would have.
 *
 * Lent to each check, which may note what the checks behind it need not find again.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "doctor/http_ask.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct proxy_view;
struct s3_options;

#define LIMIT_UNKNOWN (-1)
#define LIMIT_NONE    INT64_MAX

/* In ms.  `source`: file:line, or the option that gave it; borrowed; NULL where the limit is unknown. */
struct proxy_limit {
	int64_t ms;
	const char *source;
};

#define PROXY_LIMIT_UNKNOWN ((struct proxy_limit){ .ms = LIMIT_UNKNOWN })

/* Of the proxy, towards callspool. */
struct proxy_limits {
	struct proxy_limit connect, send, read;
	struct proxy_limit keepalive; /* how long it keeps an idle connection */
};

#define PROXY_LIMITS_UNKNOWN                                    \
	((struct proxy_limits){ .connect = PROXY_LIMIT_UNKNOWN, \
				.send = PROXY_LIMIT_UNKNOWN,    \
				.read = PROXY_LIMIT_UNKNOWN,    \
				.keepalive = PROXY_LIMIT_UNKNOWN })

/* What is in force; texts are NULL where nothing was said. */
struct server_facts {
	const char *version;    /* NULL: no server runs */
	const char *public_url; /* as set */
	const char *
		direct_url; /* "http://127.0.0.1:8080"; NULL: it listens on no TCP address, or none runs */
	const char *auth;         /* "password", "proxy", "none" */
	const char *user_header;  /* of the proxy that signs in */
	const char *other_origin; /* the first of cors_origins; NULL: none */
	int64_t play_wait_ms, keepalive_ms, head_ms, send_ms;
};

/* Of this machine and the settings: what can be checked without a server. */
struct machine_facts {
	const char *data_dir;
	const char *listen;      /* the first that is set: "127.0.0.1:8080", "unix:PATH" */
	uint64_t min_free_bytes; /* of a server that runs: as it says */
	const char *api_url, *account_sid; /* NULL: no account is set */
	const char *user, *password;       /* for the API; NULL: not known here */
	const char *accounts_file;         /* further accounts, or all of them; NULL: none */
	const char *proxy, *ca_file;       /* on the way to the API; NULL: none, the system's */
	const struct s3_options *s3;       /* NULL, or without a store: media lies in files */
	bool redirects;                    /* players are sent there */
};

/* What can be played: reserved SIDs (play/probes.h), and one that is really stored. */
struct probe_facts {
	const char *stored, *flight, *echo,
		*missing;   /* SIDs of calls; NULL: nothing can be played */
	const char *sha256; /* of all of them */
	int64_t size, flight_ms;
	const char *recording; /* the newest that is stored; NULL: none is */
	const char *webhook_path, *webhook_body, *webhook_signature; /* NULL: nobody can sign one */
};

/* Where callspool is asked: a place has a name, an address, and what is known to be wrong there. */
enum place_kind { PLACE_DIRECT, PLACE_PUBLIC, PLACES };

struct place {
	const char *name; /* "directly", "through https://calls.example.com" */
	const char *url;  /* without a slash at its end; NULL: there is none */
	/* The check that found it; NULL: as it should be.  What follows from it is not a finding of its own. */
	const char *silent;      /* it does not answer, or somebody else does */
	const char *signed_out;  /* the token does not arrive */
	const char *rangeless;   /* Range does not arrive, or its answer does not come back */
	const char *misnamed;    /* callspool is not told by which name it was asked */
	const char *misplayed;   /* a play of what is stored is not as it should be */
	int64_t flight_first_ms; /* the first byte of a play in flight; 0: none was played */
};

struct deployment {
	struct server_facts server;
	struct machine_facts machine;
	struct probe_facts probe;
	struct place places[PLACES];
	const char *nginx_conf;        /* FILE; "-": standard input; NULL: not given */
	struct proxy_view *proxy_view; /* of that: proxy_view_open(); NULL: not read yet */
	struct proxy_limits
		proxy; /* by options; the group `proxy` adds what nginx's configuration says */
	json_t *status; /* of /api/status: of the server, else of the ledger; NULL: neither can be read */
	json_t *processes; /* of /api/processes; NULL: no server says who serves beside it */
	struct buf media;  /* of probe.stored, as the server has it; empty where it cannot be had */
	const char *probe_failure; /* why no token was made, though a server runs; NULL: it was */

	/* internal */
	const _Atomic bool *is_cancelled;
	const char *socket_path;
	char *base_url; /* of the public place */
	char *direct, *would_listen;
	json_t *begun, *calls;
	char *token; /* "Authorization: Bearer ..." */
	int64_t token_at_ms;
	char name[256], why[256];
};

struct deployment_options {
	const char *socket_path;      /* the administrator's, short enough for an address */
	const char *url;              /* the public address, in place of public_url; NULL: that */
	struct server_facts settings; /* in force where no server runs; version is NULL */
	struct machine_facts machine;
	struct proxy_limits proxy;
	const char *nginx_conf;
	const _Atomic bool *is_cancelled; /* breaks off what is asked; NULL: nothing does */
	json_t *ledger_status; /* as /api/status, read by who asks where no server runs; taken; NULL: it could not be read */
};

/* Asks the server that runs.  What is lent in *options outlives it. */
void deployment_open(const struct deployment_options *options, struct deployment *out);
void deployment_close(struct deployment *deployment);

/* What stands behind proxy_pass: where the server listens, or would: "http://127.0.0.1:8080". */
const char *deployment_proxy_pass(const struct deployment *deployment);

/*
 * A request to a place for `path`, signed in with a token of the doctor's, which is made anew when it is old.  `headers` as
 * of http_ask; at most 8.
 */
struct place_ask {
	const char *method, *path;
	const char *const *headers;
	const char *body;
	bool takes_head_only, is_signed_out;
	long limit_ms;
};
#define PLACE_HEADERS_MAX 8
void deployment_ask(struct deployment *deployment, enum place_kind place,
		    const struct place_ask *ask, struct http_answer *out);
/* The same to the administrator's socket, which needs no token. */
void deployment_ask_server(const struct deployment *deployment, const struct place_ask *ask,
			   struct http_answer *out);
