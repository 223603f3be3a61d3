/*
 * The Twilio accounts we keep recordings of: one from the settings, further ones
 * (subaccounts, regions) from a file.
 *
 * A line of that file: words separated by spaces or tabs,
 *
 *	ACCOUNT_SID  API_URL  TOKEN[,SECOND_TOKEN]  [KEY_SID:KEY_SECRET]
 *	AC0123...    https://api.dublin.ie1.twilio.com  0f1e...,9a8b...  SK4567...:secret
 *
 * '-' stands for a word that is left out (API_URL: then https://api.twilio.com).  An
 * account without a key signs in with its SID and first token.  Lines that are empty or begin with '#'
 * say nothing.
 *
 * Built before threads start, read-only afterwards.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/account_options.h"
#include "twilio/sid.h"

#include <stdbool.h>
#include <stddef.h>

#define ACCOUNT_API_URL "https://api.twilio.com"

/* Heap texts of its own, NULL where not given. */
struct account {
	char *account_sid;
	char *api_url; /* no slash at its end; never NULL */
	char *auth_token;
	char *auth_token_secondary; /* while tokens are being rotated */
	char *api_key;              /* SK... */
	char *api_secret;
};

struct accounts {
	struct account *at;
	size_t count;
};

void accounts_release(struct accounts *accounts);
static inline void accounts_release_at(struct accounts *accounts)
{
	accounts_release(accounts);
}

/*
 * Copies the account in.  ERR_INVALID: not an account SID, neither
 * a token nor a key, a key without its secret, an address that is not http(s)://host...
 * ERR_CONFLICT: there is one of that SID already.  Secrets never stand in the text.
 */
bool accounts_add(struct accounts *accounts, const struct account_options *options,
		  struct err *err) MUST_CHECK;
/* One line of the file; an empty or comment line adds nothing. */
bool accounts_add_line(struct accounts *accounts, struct str line, struct err *err) MUST_CHECK;
/* The whole text of the file; the error names the line. */
bool accounts_add_text(struct accounts *accounts, struct str text, struct err *err) MUST_CHECK;

/* NULL when there is none of that SID. */
const struct account *accounts_find(const struct accounts *accounts, struct str account_sid);
/* The tokens that sign its webhooks, the primary one first; the count. */
size_t account_tokens(const struct account *account, struct str out[2]);
/* What it signs in with: the key when there is one, else SID and token. */
void account_credentials(const struct account *account, struct str *out_user,
			 struct str *out_password);
