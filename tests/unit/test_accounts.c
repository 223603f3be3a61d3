#include "twilio/accounts.h"

#include "base/own.h"
#include "tap.h"

#define A1 "AC00000000000000000000000000000001"
#define A2 "AC00000000000000000000000000000002"
#define K  "SK00000000000000000000000000000003"

static void check_file(void)
{
	AUTO(accounts_release) struct accounts accounts = { 0 };
	struct str tokens[2], user, password;
	struct err err;

	OK(accounts_add_text(&accounts,
			     STR("# accounts\n\n" A1
				 " https://api.dublin.ie1.twilio.com/ one,two\r\n" A2 "\t-\t-\t" K
				 ":se:cret\n"),
			     &err),
	   "a file with two accounts");
	IS_INT(accounts.count, 2, "both are there");

	const struct account *first = accounts_find(&accounts, STR(A1)),
			     *second = accounts_find(&accounts, STR(A2));

	IS_STR(str_of(first->api_url), STR("https://api.dublin.ie1.twilio.com"),
	       "the address without its slash");
	IS_INT(account_tokens(first, tokens), 2, "two tokens while they are rotated");
	IS_STR(tokens[0], STR("one"), "the first");
	IS_STR(tokens[1], STR("two"), "the second");
	account_credentials(first, &user, &password);
	IS_STR(user, STR(A1), "it signs in with its SID");
	IS_STR(password, STR("one"), "and its first token");
	IS_STR(str_of(second->api_url), STR(ACCOUNT_API_URL), "the address that is left out");
	IS_INT(account_tokens(second, tokens), 0, "no token");
	account_credentials(second, &user, &password);
	IS_STR(user, STR(K), "it signs in with its key");
	IS_STR(password, STR("se:cret"), "and the secret, which may hold a colon");
	OK(!accounts_find(&accounts, STR(K)), "an account that is not there");
}

static void check_address(void)
{
	AUTO(accounts_release) struct accounts accounts = { 0 };
	struct err err = { 0 };

	if (!OK(accounts_add_text(&accounts, STR(A1 " http://!host:8080/~one token\n"), &err),
		"an address of the first and the last letter that it may have: %s", err.text))
		return;
	IS_STR(str_of(accounts_find(&accounts, STR(A1))->api_url), STR("http://!host:8080/~one"),
	       "as it was written");
}

static void check_refused(void)
{
	static const struct {
		const char *line;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "CA00000000000000000000000000000001 - t", ERR_INVALID,
		  "line 2: an account SID is AC and 32 hexadecimal digits" },
		{ A1 " ftp://host t", ERR_INVALID,
		  "line 2: the API address 'ftp://host' is not http(s)://host" },
		{ A1 " https:// t", ERR_INVALID,
		  "line 2: the API address 'https:' is not http(s)://host" },
		{ A1 " https://h\x7f t", ERR_INVALID,
		  "line 2: the API address 'https://h\x7f' is not http(s)://host" },
		{ A1, ERR_INVALID,
		  "line 2: account " A1 " has neither an auth token nor an API key" },
		{ A1 " - - " K, ERR_INVALID,
		  "line 2: account " A1
		  " has an API key without its secret, or a secret without its key" },
		{ A1 " - t " A2 ":s", ERR_INVALID,
		  "line 2: account " A1
		  " has an API key that is not SK and 32 hexadecimal digits" },
		{ A1 " - t - more", ERR_INVALID, "line 2: there are more than four words" },
		{ A2 " - t", ERR_CONFLICT, "line 2: account " A2 " is there already" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(accounts_release) struct accounts accounts = { 0 };
		struct err err = { 0 };
		char text[300];

		snprintf(text, sizeof(text), A2 " - other\n%s\n", rows[i].line);
		OK(!accounts_add_text(&accounts, str_of(text), &err), "refused: %s", rows[i].line);
		IS_INT(err.kind, rows[i].kind, "its kind");
		IS_STR(str_of(err.text), str_of(rows[i].text), "it says why");
	}
}

int main(void)
{
	check_file();
	check_address();
	check_refused();
	return tap_end();
}
