/*
 * One Twilio account as it is written in settings.  A plain value: texts are borrowed, NULL or ""
 * where not given.  What they mean: accounts.h.
 */
#pragma once

struct account_options {
	const char *account_sid;
	const char *api_url; /* none: ACCOUNT_API_URL */
	const char *auth_token;
	const char *auth_token_secondary; /* while tokens are being rotated */
	const char *api_key;              /* SK... */
	const char *api_secret;
};
