/*
 * From the settings: the accounts, and the hosts that we may fetch from although their addresses
 * are not public.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"
#include "twilio/accounts.h"

#include <stdbool.h>

bool server_accounts_load(const struct settings *settings, struct accounts *out,
			  struct err *err) MUST_CHECK;

/* media_hosts and the hosts of all API addresses: each was named by a setting. */
struct server_hosts {
	const char **at;    /* NULL-terminated */
	const char **named; /* those of media_hosts alone; NULL-terminated */
	char **own;         /* the same texts, to be freed */
	size_t count;
};
void server_hosts_collect(const struct settings *settings, const struct accounts *accounts,
			  struct server_hosts *out);
void server_hosts_release(struct server_hosts *hosts);
