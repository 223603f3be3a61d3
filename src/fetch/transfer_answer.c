#include "fetch/transfer_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fetch/address_guard.h"
#include "fetch/fetch.h"
#include "fetch/fetch_state.h"

static bool must_follow(const struct transfer *transfer)
{
	const struct transfer_head *head = &transfer->head;

	if (transfer->method != TRANSFER_GET && transfer->method != TRANSFER_HEAD)
		return false;
	return head->has_location &&
	       (head->status == 301 || head->status == 302 || head->status == 303 ||
		head->status == 307 || head->status == 308);
}

/* False: libcurl is to give this transfer up. */
static bool goes_on(struct transfer *transfer, enum transfer_go go)
{
	if (!transfer->receiver)
		return false; /* cancelled by its own callback */
	if (go == TRANSFER_STOP)
		transfer->is_stopped = true;
	return go != TRANSFER_STOP;
}

static void tell_date(const struct transfer *transfer)
{
	struct date_listener *listener = transfer->fetch->dates;

	if (listener && transfer->head.date_ms > 0 && transfer->authorization &&
	    fetch_target_same_origin(&transfer->target, &transfer->auth_for))
		listener->heard(listener, transfer->head.date_ms);
}

static size_t head_line(char *at, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;

	if (!transfer->receiver)
		return 0;
	if (transfer->receiver->on_line)
		transfer->receiver->on_line(transfer->receiver, (struct str){ at, len });
	transfer_head_line(&transfer->head, (struct str){ at, len },
			   loop_wall_ms(transfer->fetch->loop));
	if (!transfer->head.is_whole || transfer->head.status < 200 || transfer->is_head_told)
		return len;
	transfer->is_head_told = true;
	transfer->head_at_ms = clock_monotonic_ms();
	transfer->is_redirect = must_follow(transfer);
	tell_date(transfer);
	if (transfer->is_redirect || !transfer->receiver->on_head)
		return len;
	return goes_on(transfer, transfer->receiver->on_head(transfer->receiver, &transfer->head))
		       ? len
		       : 0;
}

/* ---- the body ---- */

/* False: this transfer is to end. */
static bool give(struct transfer *transfer, struct str bytes)
{
	struct transfer_receiver *receiver = transfer->receiver;

	if (!receiver)
		return false;
	transfer->bytes += bytes.len;
	return !receiver->on_bytes || goes_on(transfer, receiver->on_bytes(receiver, bytes));
}

void transfer_give_gathered(struct fetch *fetch)
{
	struct transfer *transfer = fetch->gathering;
	struct str bytes = { fetch->gathered, fetch->gathered_len };

	fetch->gathering = NULL;
	fetch->gathered_len = 0;
	if (transfer && !give(transfer, bytes) && transfer->receiver) {
		fetch->must_stop = true;
		fetch_settle_soon(fetch);
	}
}

/*
 * libcurl gives a body in pieces of 16 KiB, however much it received at once, and each would be
 * a write to its file: 27 a recording where 4 do.  They are kept for no longer than the call
 * into libcurl lasts.
 */
static bool gather(struct transfer *transfer, struct str bytes)
{
	struct fetch *fetch = transfer->fetch;

	if (fetch->gathering != transfer || fetch->gathered_len + bytes.len > TRANSFER_PIECE_MAX)
		transfer_give_gathered(fetch);
	if (!transfer->receiver || transfer->is_stopped)
		return false;
	if (bytes.len > TRANSFER_PIECE_MAX)
		return give(transfer, bytes);
	fetch->gathering = transfer;
	memcpy(fetch->gathered + fetch->gathered_len, bytes.at, bytes.len);
	fetch->gathered_len += bytes.len;
	return true;
}

static size_t body_came(char *at, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct str bytes = { at, size * count };

	if (!transfer->receiver)
		return 0;
	if (bytes.len == 0)
		return 0;
	if (transfer->is_redirect) {
		transfer->dropped_bytes += bytes.len;
		return transfer->dropped_bytes > TRANSFER_REDIRECT_BODY_MAX ? 0 : bytes.len;
	}
	return gather(transfer, bytes) ? bytes.len : 0;
}

/* ---- what is sent from a file ---- */

/* A file that is shorter than was said, or cannot be read, ends the transfer: the rest would be missing. */
static size_t read_file(char *at, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	uint64_t left = transfer->file.size - transfer->file_at;
	size_t room = size * count;
	ssize_t n;

	if (!transfer->receiver)
		return CURL_READFUNC_ABORT;
	if (left == 0)
		return 0;
	do
		n = pread(transfer->file.fd, at, room < left ? room : (size_t)left,
			  (off_t)transfer->file_at);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return CURL_READFUNC_ABORT;
	transfer->file_at += (uint64_t)n;
	return (size_t)n;
}

/* A kept connection was closed by the other side just as it was sent on: libcurl opens another and begins again. */
static int seek_file(void *context, curl_off_t offset, int origin)
{
	struct transfer *transfer = context;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->file.size)
		return CURL_SEEKFUNC_CANTSEEK;
	transfer->file_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void note_refused(struct transfer *transfer, const struct curl_sockaddr *address,
			 enum address_kind kind)
{
	char text[INET6_ADDRSTRLEN] = "it";
	const void *bytes = &address->addr;

	if (address->family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)bytes)->sin_addr, text,
			  sizeof(text));
	else if (address->family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)bytes)->sin6_addr, text,
			  sizeof(text));
	transfer->is_refused = true;
	snprintf(transfer->refused, sizeof(transfer->refused), "%s is %s", text,
		 address_kind_text(kind));
}

/*
 * The one place where every connection passes, with the address that it will have:
 * whatever the name resolved to when somebody looked before.  With a proxy the address is
 * the proxy's, which the operator named.
 */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	struct fetch *fetch = transfer->fetch;

	if (fetch->proxy[0] == '\0' && !fetch_allows_host(fetch, transfer->target.host)) {
		enum address_kind kind = address_classify(&address->addr, address->addrlen);

		if (kind != ADDRESS_PUBLIC) {
			note_refused(transfer, address, kind);
			return CURL_SOCKET_BAD;
		}
	}
	transfer->is_tried = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      address->protocol);
}

CURL *transfer_new_easy(struct transfer *transfer)
{
	struct fetch *fetch = transfer->fetch;
	CURL *easy = curl_easy_init();

	if (!easy)
		abort(); /* out of memory */
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_SHARE, fetch->share);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Without it, ending a transfer waits for its resolver thread: the loop would stand still. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, fetch->user_agent);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)TRANSFER_PIECE_MAX);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Both empty: not NULL, which would have libcurl read the environment. */
	curl_easy_setopt(easy, CURLOPT_PROXY, fetch->proxy);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (fetch->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, fetch->ca_file);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_line);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_file);
	curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_file);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	return easy;
}
