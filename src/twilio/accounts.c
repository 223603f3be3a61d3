#include "twilio/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"

static void account_release(struct account *account)
{
	free(account->account_sid);
	free(account->api_url);
	free(account->auth_token);
	free(account->auth_token_secondary);
	free(account->api_key);
	free(account->api_secret);
}

void accounts_release(struct accounts *accounts)
{
	for (size_t i = 0; i < accounts->count; i++)
		account_release(&accounts->at[i]);
	free(accounts->at);
	*accounts = (struct accounts){ 0 };
}

/* NULL for NULL and "". */
static char *copy_of(const char *text)
{
	return text && text[0] != '\0' ? xstrdup(text) : NULL;
}

/* "http://host" or "https://host...": printable, no query, no user, no slash at the end (it is cut off). */
static bool api_url_is_valid(struct str url)
{
	struct str rest = str_after(url, str_starts(url, STR("https://")) ? 8 : 7);

	if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.at[i] <= ' ' || rest.at[i] > '~' || strchr("?#@\"<>\\", rest.at[i]))
			return false;
	return rest.len > 0 && rest.at[0] != '/' && rest.at[0] != ':';
}

bool accounts_add(struct accounts *accounts, const struct account_options *options, struct err *err)
{
	struct str account_sid = str_of(options->account_sid);
	struct str api_url = str_of(options->api_url);

	if (api_url.len == 0)
		api_url = STR(ACCOUNT_API_URL);
	while (api_url.len > 0 && api_url.at[api_url.len - 1] == '/')
		api_url.len--;

	if (!sid_is_account(account_sid))
		return err_set(err, ERR_INVALID, "an account SID is AC and 32 hexadecimal digits");
	if (!api_url_is_valid(api_url))
		return err_set(err, ERR_INVALID, "the API address '%.*s' is not http(s)://host",
			       STR_ARG(str_first(api_url, 100)));

	struct account copy = {
		.account_sid = xstrdup(options->account_sid),
		.api_url = str_dup(api_url),
		.auth_token = copy_of(options->auth_token),
		.auth_token_secondary = copy_of(options->auth_token_secondary),
		.api_key = copy_of(options->api_key),
		.api_secret = copy_of(options->api_secret),
	};
	const char *wrong = NULL;

	if (!copy.auth_token && !copy.api_key)
		wrong = "has neither an auth token nor an API key";
	else if (!copy.api_key != !copy.api_secret)
		wrong = "has an API key without its secret, or a secret without its key";
	else if (copy.api_key && !sid_is_api_key(str_of(copy.api_key)))
		wrong = "has an API key that is not SK and 32 hexadecimal digits";
	else if (accounts_find(accounts, account_sid))
		wrong = "is there already";
	if (wrong) {
		err_set(err, accounts_find(accounts, account_sid) ? ERR_CONFLICT : ERR_INVALID,
			"account %s %s", copy.account_sid, wrong);
		account_release(&copy);
		return false;
	}

	accounts->at = xrealloc(accounts->at, (accounts->count + 1) * sizeof(*accounts->at));
	accounts->at[accounts->count++] = copy;
	return true;
}

/* The next word of a line; at == NULL behind the last, and for "-". */
static struct str word_next(struct str *line)
{
	size_t len = 0;

	*line = str_trim(*line);
	while (len < line->len && line->at[len] != ' ' && line->at[len] != '\t')
		len++;

	struct str word = str_first(*line, len);

	*line = str_after(*line, len);
	return len == 0 || str_eq(word, STR("-")) ? STR_NONE : word;
}

static char *word_copy(struct str word)
{
	return word.len > 0 ? str_dup(word) : NULL;
}

bool accounts_add_line(struct accounts *accounts, struct str line, struct err *err)
{
	line = str_trim(line);
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line = str_trim(str_first(line, line.len - 1));
	if (line.len == 0 || line.at[0] == '#')
		return true;

	struct str sid = word_next(&line), api_url = word_next(&line);
	struct str tokens = word_next(&line), key = word_next(&line);
	size_t comma = str_find(tokens, ','), colon = str_find(key, ':');

	if (str_trim(line).len > 0)
		return err_set(err, ERR_INVALID, "there are more than four words");

	AUTO(free) char *account_sid = word_copy(sid);
	AUTO(free) char *url = word_copy(api_url);
	AUTO(free) char *first = word_copy(str_first(tokens, comma));
	AUTO(free) char *second = word_copy(str_after(tokens, comma + 1));
	AUTO(free) char *api_key = word_copy(str_first(key, colon));
	AUTO(free) char *secret = word_copy(str_after(key, colon + 1));
	struct account_options options = { .account_sid = account_sid,
					   .api_url = url,
					   .auth_token = first,
					   .auth_token_secondary = second,
					   .api_key = api_key,
					   .api_secret = secret };

	return accounts_add(accounts, &options, err);
}

bool accounts_add_text(struct accounts *accounts, struct str text, struct err *err)
{
	struct str line;

	for (unsigned number = 1; str_cut(&text, '\n', &line); number++)
		if (!accounts_add_line(accounts, line, err))
			return err_context(err, "line %u", number);
	return true;
}

const struct account *accounts_find(const struct accounts *accounts, struct str account_sid)
{
	for (size_t i = 0; i < accounts->count; i++)
		if (str_eq(str_of(accounts->at[i].account_sid), account_sid))
			return &accounts->at[i];
	return NULL;
}

size_t account_tokens(const struct account *account, struct str out[2])
{
	size_t count = 0;

	if (account->auth_token)
		out[count++] = str_of(account->auth_token);
	if (account->auth_token_secondary)
		out[count++] = str_of(account->auth_token_secondary);
	return count;
}

void account_credentials(const struct account *account, struct str *out_user,
			 struct str *out_password)
{
	*out_user = str_of(account->api_key ? account->api_key : account->account_sid);
	*out_password = str_of(account->api_key ? account->api_secret : account->auth_token);
}
