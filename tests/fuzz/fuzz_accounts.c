/* A file of accounts, of any bytes: what is taken from it is whole, and is found again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "twilio/accounts.h"
#include "twilio/sid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__attribute__((cleanup(accounts_release_at))) struct accounts accounts = { 0 };
	struct str text = { (const char *)data, size }, tokens[2], user, password;
	struct err err = { .text = "" };
	bool is_good = accounts_add_text(&accounts, text, &err);

	assert(is_good || (err.kind == ERR_INVALID || err.kind == ERR_CONFLICT));
	assert(is_good || strlen(err.text) > 0);
	for (size_t i = 0; i < accounts.count; i++) {
		const struct account *account = &accounts.at[i];
		size_t count = account_tokens(account, tokens);

		assert(sid_is_account(str_of(account->account_sid)));
		assert(str_starts(str_of(account->api_url), STR("http")));
		assert(accounts_find(&accounts, str_of(account->account_sid)) == account);
		assert(count > 0 || account->api_key);
		for (size_t n = 0; n < count; n++)
			assert(tokens[n].len > 0);
		account_credentials(account, &user, &password);
		assert(user.len > 0 && password.len > 0);
	}
	return 0;
}
