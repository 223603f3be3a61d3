#include "base/compiler.h"
#include "fetch/transfer_outcome.h"
#include "tap.h"

#include <curl/curl.h>

int main(void)
{
	static const struct {
		CURLcode code;
		enum transfer_outcome outcome;
		const char *text;
	} cases[] = {
		{ CURLE_OK, TRANSFER_OK, "ok" },
		{ CURLE_COULDNT_RESOLVE_HOST, TRANSFER_NOT_RESOLVED, "not_resolved" },
		{ CURLE_COULDNT_RESOLVE_PROXY, TRANSFER_NOT_RESOLVED, "not_resolved" },
		{ CURLE_COULDNT_CONNECT, TRANSFER_NOT_CONNECTED, "not_connected" },
		{ CURLE_OPERATION_TIMEDOUT, TRANSFER_CONNECT_TIMEOUT, "connect_timeout" },
		{ CURLE_PEER_FAILED_VERIFICATION, TRANSFER_TLS_FAILED, "tls_failed" },
		{ CURLE_SSL_CONNECT_ERROR, TRANSFER_TLS_FAILED, "tls_failed" },
		{ CURLE_PARTIAL_FILE, TRANSFER_CUT, "cut" },
		{ CURLE_GOT_NOTHING, TRANSFER_CUT, "cut" },
		{ CURLE_RECV_ERROR, TRANSFER_CUT, "cut" },
		{ CURLE_SEND_ERROR, TRANSFER_CUT, "cut" },
		{ CURLE_WEIRD_SERVER_REPLY, TRANSFER_BAD_ANSWER, "bad_answer" },
		{ CURLE_FAILED_INIT, TRANSFER_FAILED, "failed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum transfer_outcome outcome = transfer_outcome_of_curl((int)cases[i].code);

		IS_INT(outcome, cases[i].outcome, "%s", curl_easy_strerror(cases[i].code));
		IS_STR(str_of(transfer_outcome_text(outcome)), str_of(cases[i].text), "its name");
	}
	for (int i = 0; i < TRANSFER_OUTCOMES; i++)
		OK(transfer_outcome_text((enum transfer_outcome)i) != NULL, "outcome %d has a name",
		   i);
	return tap_end();
}
