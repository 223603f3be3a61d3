#include "fetch/transfer_outcome.h"

#include <curl/curl.h>

const char *transfer_outcome_text(enum transfer_outcome outcome)
{
	static const char *const texts[TRANSFER_OUTCOMES] = {
		[TRANSFER_OK] = "ok",
		[TRANSFER_STOPPED] = "stopped",
		[TRANSFER_NOT_RESOLVED] = "not_resolved",
		[TRANSFER_NOT_CONNECTED] = "not_connected",
		[TRANSFER_CONNECT_TIMEOUT] = "connect_timeout",
		[TRANSFER_TLS_FAILED] = "tls_failed",
		[TRANSFER_REFUSED_ADDRESS] = "refused_address",
		[TRANSFER_REFUSED_REDIRECT] = "refused_redirect",
		[TRANSFER_TOO_MANY_REDIRECTS] = "too_many_redirects",
		[TRANSFER_STALLED] = "stalled",
		[TRANSFER_TIME_LIMIT] = "time_limit",
		[TRANSFER_CUT] = "cut",
		[TRANSFER_BAD_ANSWER] = "bad_answer",
		[TRANSFER_FAILED] = "failed",
	};

	return outcome < TRANSFER_OUTCOMES ? texts[outcome] : "failed";
}

enum transfer_outcome transfer_outcome_of_curl(int curl_code)
{
	switch (curl_code) { /* an int: CURLcode has a hundred more, which FTP and others use */
	case CURLE_OK:
		return TRANSFER_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return TRANSFER_NOT_RESOLVED;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
	case CURLE_INTERFACE_FAILED:
		return TRANSFER_NOT_CONNECTED;
	case CURLE_OPERATION_TIMEDOUT:
		return TRANSFER_CONNECT_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CLIENTCERT:
	case CURLE_USE_SSL_FAILED:
		return TRANSFER_TLS_FAILED;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return TRANSFER_CUT;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* the answer began like HTTP/0.9 */
	case CURLE_HTTP_RETURNED_ERROR:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FILESIZE_EXCEEDED: /* two Content-Lengths, or none that is a number */
		return TRANSFER_BAD_ANSWER;
	default:
		return TRANSFER_FAILED;
	}
}
