/* Of the settings: the accounts, and the hosts that may be fetched from. */
#include "server/server_accounts.h"

#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <string.h>

#define ONE "AC00000000000000000000000000000001"
#define TWO "AC00000000000000000000000000000002"

static struct err err;
static char path[] = "/tmp/callspool-test.XXXXXX";

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

/* How many accounts there are; -1: it is refused. */
static int load(bool has_account, char *file, char *api_url)
{
	static char sid[] = ONE, token[] = "t";
	static struct settings settings;
	struct accounts accounts = { .count = 0 };
	int count = -1;

	memset(&settings, 0, sizeof(settings));
	settings.account = (struct account_options){ .account_sid = has_account ? sid : NULL,
						     .auth_token = has_account ? token : NULL,
						     .api_url = api_url };
	settings.accounts_file = file;
	if (server_accounts_load(&settings, &accounts, &err))
		count = (int)accounts.count;
	accounts_release(&accounts);
	return count;
}

static void test_load(void)
{
	IS_INT(load(false, NULL, NULL), -1, "no account");
	OK(err.kind == ERR_INVALID && strstr(err.text, "TWILIO_ACCOUNT_SID"), "how to: %s",
	   err.text);
	IS_INT(load(true, NULL, NULL), 1, "one of the settings");
	write_file(TWO " - t\n");
	IS_INT(load(false, path, NULL), 1, "one of a file");
	IS_INT(load(true, path, NULL), 2, "both");
	write_file("");
	IS_INT(load(true, path, NULL), 1, "an empty file, beside one of the settings");
	IS_INT(load(false, path, NULL), -1, "or alone");
	write_file(ONE " - t\n");
	IS_INT(load(true, path, NULL), -1, "the same twice");
	OK(strstr(err.text, "twilio.accounts_file"), "where: %s", err.text);
	IS_INT(load(true, NULL, (char[]){ "ftp://x" }), -1, "an address that is none");
	OK(strstr(err.text, "twilio.account_sid"), "where: %s", err.text);
	unlink(path);
	IS_INT(load(true, path, NULL), -1, "a file that is not there");
	OK(err.kind == ERR_INVALID && strstr(err.text, "twilio.accounts_file"), "where: %s",
	   err.text);
}

static void test_hosts(void)
{
	const struct {
		char *url;
		const char *host;
	} rows[] = {
		{ (char[]){ "https://api.twilio.com" }, "api.twilio.com" },
		{ (char[]){ "https://api.twilio.com:8443" }, "api.twilio.com" },
		{ (char[]){ "https://api.twilio.com/below" }, "api.twilio.com" },
		{ (char[]){ "http://127.0.0.1:9/below:1" }, "127.0.0.1" },
		{ (char[]){ "http://[::1]:9/below" }, "[::1]" },
		{ (char[]){ "http://[::1]" }, "[::1]" },
	};
	static struct settings settings;
	char *none[] = { NULL };
	char *named[] = { (char[]){ "a.example.com" }, (char[]){ "b.example.com" }, NULL };
	struct account at[ARRAY_LEN(rows)];
	struct accounts accounts = { .at = at, .count = ARRAY_LEN(rows) };
	struct server_hosts hosts = { .count = 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		at[i] = (struct account){ .api_url = rows[i].url };
	settings.flights.media_hosts = (const char *const *)named;
	server_hosts_collect(&settings, &accounts, &hosts);
	IS_INT(hosts.count, 2 + ARRAY_LEN(rows), "those that are named, and each account's");
	OK(!hosts.at[hosts.count], "and no more");
	IS_STR(str_of(hosts.at[0]), STR("a.example.com"), "the first that is named");
	IS_STR(str_of(hosts.at[1]), STR("b.example.com"), "the second");
	OK(hosts.named[0] == hosts.at[0] && hosts.named[1] == hosts.at[1] && !hosts.named[2],
	   "which are known apart from the others");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_STR(str_of(hosts.at[2 + i]), str_of(rows[i].host), "of %s", rows[i].url);
	server_hosts_release(&hosts);
	OK(!hosts.at && !hosts.named && !hosts.own && hosts.count == 0, "nothing is left");
	settings.flights.media_hosts = (const char *const *)none;
	accounts.count = 0;
	server_hosts_collect(&settings, &accounts, &hosts);
	OK(hosts.count == 0 && !hosts.at[0], "where nothing is named there is none");
	server_hosts_release(&hosts);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_load();
	test_hosts();
	return tap_end();
}
