/* Settings that are wrong although each has the form of its type. */
#include "config/settings_private.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define CLUSTER_HOST_MAX 253 /* as of any name */
#define CLAIM_DIGITS     32
#define PUBLIC_URL_MAX   1024 /* the signatures of webhooks are checked against it and a target */

/* Without asking a resolver: a name's address could be another by the time that it is listened on. */
static bool is_address(struct str host)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char text[64];

	if (!str_copy(host, text, sizeof(text)) || getaddrinfo(text, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

/* `or`: what else it may be, for the error. */
static bool check_listen(const char *key, struct str listen, const char * or, struct err *err)
{
	size_t port_at = listen.len;
	struct str host;
	uint64_t port;
	bool is_v6;

	while (port_at > 0 && listen.at[port_at - 1] != ':')
		port_at--;
	host = str_first(listen, port_at > 0 ? port_at - 1 : 0);
	is_v6 = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
	if (host.len == 0 || (!is_v6 && str_find(host, ':') < host.len) ||
	    !str_to_u64(str_after(listen, port_at), &port) || port > 65535)
		return err_set(
			err, ERR_INVALID,
			"%s = %.*s: expected ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080, or %s",
			key, STR_ARG(listen), or);
	if (is_v6)
		host = str_first(str_after(host, 1), host.len - 2);
	if (str_eq(host, STR("localhost")) || is_address(host))
		return true;
	return err_set(err, ERR_INVALID,
		       "%s = %.*s: no such host: expected an address of this machine, or localhost",
		       key, STR_ARG(listen));
}

static bool check_listeners(const struct value *value, struct err *err)
{
	if (!value->words[0])
		return err_set(err, ERR_INVALID, "listen needs an address");
	for (size_t i = 0; i < SETTINGS_LIST_MAX && value->words[i]; i++) {
		struct str word = str_of(value->words[i]);

		if (!str_starts(word, STR(SETTINGS_UNIX "/")) &&
		    !check_listen("listen", word, "unix:/PATH", err))
			return false;
	}
	return true;
}

static bool is_local(struct str listen)
{
	return str_starts(listen, STR("127.")) || str_starts(listen, STR("[::1]:")) ||
	       str_starts(listen, STR("localhost:")) || str_starts(listen, STR(SETTINGS_UNIX));
}

/* "https://host" or "https://host:port", as a browser writes it: "*" would let everybody's pages listen. */
static bool is_origin(struct str text)
{
	size_t scheme = str_starts(text, STR("https://"))  ? 8
			: str_starts(text, STR("http://")) ? 7
							   : 0;
	struct str host = str_after(text, scheme);

	return scheme > 0 && host.len > 0 && str_find(host, '/') == host.len &&
	       str_find(host, '*') == host.len;
}

/* Where others are to come: what is in it goes into addresses that they ask. */
static bool check_cluster_address(struct str text, struct err *err)
{
	bool is_v6 = text.len > 0 && text.at[0] == '[';
	struct str host = str_first(text, is_v6 ? str_find(text, ']') + 1 : str_find(text, ':'));
	struct str port = str_after(text, host.len);
	uint64_t number = 1;
	bool is_host = host.len > (is_v6 ? 3 : 0) && host.len <= CLUSTER_HOST_MAX &&
		       (!is_v6 || (str_ends(host, STR("]")) &&
				   is_address(str_first(str_after(host, 1), host.len - 2))));

	for (size_t i = 0; i < host.len && !is_v6; i++)
		is_host &= host.at[i] == '.' || host.at[i] == '-' || host.at[i] == '_' ||
			   ascii_is_digit(host.at[i]) ||
			   (ascii_lower(host.at[i]) >= 'a' && ascii_lower(host.at[i]) <= 'z');
	if (is_host &&
	    (port.len == 0 || (port.at[0] == ':' && str_to_u64(str_after(port, 1), &number) &&
			       number > 0 && number <= 65535)))
		return true;
	return err_set(
		err, ERR_INVALID,
		"cluster_address = %.*s: expected HOST or HOST:PORT, as 10.0.0.5 or [fd00::5]:8081",
		STR_ARG(text));
}

/* The address is logged and printed; a password stands in a file that libpq reads. */
static bool check_database(const char *key, struct str text, struct err *err)
{
	struct str rest = str_after(text, str_find_str(text, STR("://")) + 3);
	struct str user = str_first(rest, str_find(rest, '/'));

	if (!str_starts(text, STR("postgresql://")) && !str_starts(text, STR("postgres://")))
		return err_set(err, ERR_INVALID,
			       "%s: expected postgresql://USER@HOST/NAME, or nothing", key);
	user = str_find(user, '@') < user.len ? str_first(user, str_find(user, '@')) : STR("");
	if (str_find(user, ':') < user.len || str_find_str(rest, STR("password=")) < rest.len)
		return err_set(
			err, ERR_INVALID,
			"%s: a password in it would be seen: let ?passfile=/PATH name a file "
			"with a line HOST:PORT:NAME:USER:PASSWORD",
			key);
	return true;
}

static bool check_claim(struct str text, struct err *err)
{
	size_t digits = 0;

	/* Of small letters, as the marker has them. */
	while (digits < text.len && ascii_hex_value(text.at[digits]) >= 0 &&
	       ascii_lower(text.at[digits]) == text.at[digits])
		digits++;
	return (digits == CLAIM_DIGITS && text.len == CLAIM_DIGITS) ||
	       err_set(err, ERR_INVALID,
		       "store_claim: expected the %d digits behind 'id:' in callspool.store",
		       CLAIM_DIGITS);
}

bool settings_check_alone(const struct setting *setting, const struct value *value, struct err *err)
{
	struct str text = str_of(value->text);

	if (!text.at && setting->fallback)
		return err_set(err, ERR_INVALID, "%s needs a value", setting->key);
	for (size_t i = 0; strcmp(setting->key, "cors_origins") == 0 && value->words[i]; i++)
		if (!is_origin(str_of(value->words[i])))
			return err_set(
				err, ERR_INVALID,
				"cors_origins: '%s' is not an origin, as https://crm.example.com",
				value->words[i]);
	if (strcmp(setting->key, "listen") == 0)
		return check_listeners(value, err);
	if (str_starts(str_of(setting->key), STR("database")) && text.at)
		return check_database(setting->key, text, err);
	if (strcmp(setting->key, "cluster_listen") == 0 && !str_eq(text, STR("none")))
		return check_listen(setting->key, text, "none", err);
	if (strcmp(setting->key, "store_claim") == 0 && text.at)
		return check_claim(text, err);
	if (strcmp(setting->key, "cluster_address") == 0 && text.at)
		return check_cluster_address(text, err);
	if (strcmp(setting->key, "public_url") != 0 || !text.at)
		return true;
	if (!str_starts(text, STR("https://")) && !str_starts(text, STR("http://")))
		return err_set(err, ERR_INVALID, "public_url = %s: expected https://host", text.at);
	if (str_ends(text, STR("/")))
		return err_set(err, ERR_INVALID, "public_url = %s: without a slash at its end",
			       text.at);
	if (text.len > PUBLIC_URL_MAX || strpbrk(text.at, " \t?#"))
		return err_set(
			err, ERR_INVALID,
			"public_url: expected https://host, perhaps with a path, of %d characters at most",
			PUBLIC_URL_MAX);
	return true;
}

static bool is_everywhere(struct str listen)
{
	return str_starts(listen, STR("0.0.0.0:")) || str_starts(listen, STR("[::]:"));
}

static bool check_cluster(const struct settings *settings, struct err *err)
{
	const char *listen = settings_cluster_listen(settings);

	if (listen && !settings->database)
		return err_set(
			err, ERR_INVALID,
			"cluster_listen is for several processes on one database: of a ledger in a file "
			"there is one");
	if (listen && is_everywhere(str_of(listen)) && !settings->cluster_address)
		return err_set(
			err, ERR_INVALID,
			"cluster_listen = %s says nowhere in particular: cluster_address is to say "
			"where the others find it",
			listen);
	return true;
}

bool settings_check_together(const struct settings *settings, struct err *err)
{
	if (!check_cluster(settings, err))
		return false;
	if (settings->database_listen && !settings->database)
		return err_set(err, ERR_INVALID,
			       "database_listen: there is no `database` that it could be");
	for (const char *const *listen = settings->listen; *listen; listen++)
		if (settings->auth.mode == AUTH_NONE && !is_local(str_of(*listen)))
			return err_set(err, ERR_INVALID,
				       "auth = none lets everybody in: allowed only with listen on "
				       "loopback, not on %s",
				       *listen);
	if (settings->flights.retry_first_ms > settings->flights.retry_most_ms)
		return err_set(err, ERR_INVALID,
			       "fetch.retry_first is longer than fetch.retry_most");
	if (settings->notify.url && !settings->notify.secret)
		return err_set(err, ERR_INVALID,
			       "notify_url needs a secret to sign with: notify_secret_file");
	if (!settings->account.api_key != !settings->account.api_secret)
		return err_set(err, ERR_INVALID,
			       "twilio.api_key and twilio.api_secret go together");
	return true;
}
