#include "server/server_accounts.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"

#include <stdlib.h>

#define ACCOUNTS_FILE_MAX (4 * 1024 * 1024)

bool server_accounts_load(const struct settings *settings, struct accounts *out, struct err *err)
{
	if (settings->account.account_sid && !accounts_add(out, &settings->account, err))
		return err_context(err, "twilio.account_sid");
	if (settings->accounts_file) {
		AUTO(free) char *text = NULL;
		size_t len;

		if (!file_read(settings->accounts_file, ACCOUNTS_FILE_MAX, &text, &len, err)) {
			err->kind = ERR_INVALID; /* the setting names the wrong file */
			return err_context(err, "twilio.accounts_file");
		}
		if (!accounts_add_text(out, (struct str){ text, len }, err))
			return err_context(err, "twilio.accounts_file");
	}
	if (out->count == 0)
		return err_set(
			err, ERR_INVALID,
			"no account: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or try: callspool demo)");
	return true;
}

/* "https://host:port/path" -> "host" */
static char *host_of(const char *url)
{
	struct str rest = str_of(url);
	size_t scheme = str_find_str(rest, STR("://")), end;

	if (scheme < rest.len)
		rest = str_after(rest, scheme + 3);
	rest = str_first(rest, str_find(rest, '/'));
	end = rest.len > 0 && rest.at[0] == '[' ? str_find(rest, ']') + 1 : str_find(rest, ':');
	return str_dup(str_first(rest, end));
}

static void add_host(struct server_hosts *hosts, char *host)
{
	hosts->own[hosts->count] = host;
	hosts->at[hosts->count++] = host;
}

void server_hosts_collect(const struct settings *settings, const struct accounts *accounts,
			  struct server_hosts *out)
{
	size_t named = 0;

	while (settings->flights.media_hosts[named])
		named++;
	out->at = xcalloc(named + accounts->count + 1, sizeof(*out->at));
	out->own = xcalloc(named + accounts->count + 1, sizeof(*out->own));
	out->named = xcalloc(named + 1, sizeof(*out->named));
	for (size_t i = 0; i < named; i++) {
		add_host(out, xstrdup(settings->flights.media_hosts[i]));
		out->named[i] = out->at[i];
	}
	for (size_t i = 0; i < accounts->count; i++)
		add_host(out, host_of(accounts->at[i].api_url));
}

void server_hosts_release(struct server_hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		free(hosts->own[i]);
	free(hosts->own);
	free(hosts->named);
	free(hosts->at);
	*hosts = (struct server_hosts){ 0 };
}
