#include "server/deployment_settings.h"

#include "twilio/accounts.h"

void deployment_settings(const struct settings *settings, struct deployment_options *options)
{
	const struct account_options *account = &settings->account;

	options->machine = (struct machine_facts){
		.data_dir = settings->data_dir,
		.listen = settings->listen[0],
		.min_free_bytes = settings->web.min_free_bytes,
		.api_url = account->api_url ? account->api_url : ACCOUNT_API_URL,
		.account_sid = account->account_sid,
		.user = account->api_key ? account->api_key : account->account_sid,
		.password = account->api_key ? account->api_secret : account->auth_token,
		.accounts_file = settings->accounts_file,
		.proxy = settings->flights.proxy,
		.ca_file = settings->flights.ca_file,
		.s3 = &settings->s3,
		.redirects = settings->web.store_redirect == WEB_ON,
	};
	options->settings = (struct server_facts){
		.public_url = settings->web.public_url,
		.play_wait_ms = settings->web.play_wait_ms,
		.keepalive_ms = settings->http.keepalive_timeout_ms,
		.head_ms = settings->http.head_timeout_ms,
		.send_ms = settings->http.send_timeout_ms,
	};
}
