/*
 * What can be set of who may use it.  A plain value; texts and lists are borrowed.
 */
#pragma once

#include "audit/audit_options.h"

#include <stdint.h>

/* In the order of the words of the setting `auth`. */
enum auth_mode {
	AUTH_UNSET,    /* a command answers itself, over the administrator's socket */
	AUTH_PASSWORD, /* people sign in here */
	AUTH_PROXY,    /* a trusted proxy signs them in, and names them */
	AUTH_NONE,     /* everybody may; on loopback alone */
};

/* In the order of "off on". */
enum auth_switch { AUTH_SWITCH_UNSET, AUTH_OFF, AUTH_ON };

struct auth_options {
	enum auth_mode mode;
	enum auth_mode
		command_for; /* with AUTH_UNSET: how people sign in to the server that the command is for */
	enum auth_switch insecure_http; /* people may sign in without TLS */
	int64_t session_idle_ms;        /* INT64_MAX: no session is over for want of requests */
	int64_t session_max_ms;
	unsigned password_min;
	uint64_t password_memory_bytes;
	unsigned password_passes;
	const char *breached_file; /* NULL: none */
	unsigned hashers;          /* threads */
	unsigned play_limit;       /* distinct recordings a user an hour */
	int64_t link_max_ms;
	const char *user_header, *groups_header;      /* of a trusted proxy */
	const char *const *admins, *const *listeners; /* groups; "*": anybody who is named */
	struct audit_options audit;
};
