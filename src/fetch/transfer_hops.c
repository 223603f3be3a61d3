/*
 * One request, hop by hop.
 *
 * Redirects are ours, not libcurl's, so that each hop is judged before it is made:
 * whether the receiver wants it, whether credentials go along, whether it leaves
 * https.  An answer that will be followed is read to its end where that is short, to
 * keep the connection, and never shown.
 *
 * Slowness is ours too: libcurl's own limit is counted in whole seconds and ends with the
 * same code as a connection that was never made.
 */
#include "fetch/fetch_private.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fetch/address_guard.h"

#define REDIRECT_BODY_MAX 65536 /* more is not worth the connection */
#define RECEIVE_BYTES     (128L * 1024)

static void finish(struct transfer *transfer, enum transfer_outcome outcome, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static void pulse_due(struct timer *timer);

/* ---- what libcurl calls ---- */

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
	else if (go == TRANSFER_PAUSE)
		transfer_pause(transfer);
	return go != TRANSFER_STOP;
}

static size_t head_line(char *at, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;

	if (!transfer->receiver)
		return 0;
	transfer_head_line(&transfer->head, (struct str){ at, len },
			   loop_wall_ms(transfer->fetch->loop));
	if (!transfer->head.is_whole || transfer->head.status < 200 || transfer->is_head_told)
		return len;
	transfer->is_head_told = true;
	transfer->head_at_ms = clock_monotonic_ms();
	transfer->is_redirect = must_follow(transfer);
	if (transfer->is_redirect || !transfer->receiver->on_head)
		return len;
	return goes_on(transfer, transfer->receiver->on_head(transfer->receiver, &transfer->head))
		       ? len
		       : 0;
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
		return transfer->dropped_bytes > REDIRECT_BODY_MAX ? 0 : bytes.len;
	}
	if (transfer->is_paused) {
		transfer->is_curl_paused = true; /* libcurl keeps these bytes and stops reading */
		return CURL_WRITEFUNC_PAUSE;
	}
	transfer->bytes += bytes.len;
	if (!transfer->receiver->on_bytes)
		return bytes.len;
	return goes_on(transfer, transfer->receiver->on_bytes(transfer->receiver, bytes))
		       ? bytes.len
		       : 0;
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

static CURL *new_easy(struct transfer *transfer)
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
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
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
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	return easy;
}

/* ---- slowness ---- */

static uint64_t progress(const struct transfer *transfer)
{
	curl_off_t came = 0, went = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &came);
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &went);
	return (uint64_t)came + (uint64_t)went;
}

static void pulse_again(struct transfer *transfer)
{
	timer_start(transfer->fetch->loop, &transfer->pulse,
		    transfer->fetch->stall_timeout_ms / STALL_PULSES, pulse_due);
}

void transfer_pulse(struct transfer *transfer)
{
	transfer->pulses = 0;
	transfer->samples[0] = progress(transfer);
	pulse_again(transfer);
}

static void pulse_due(struct timer *timer)
{
	struct transfer *transfer = container_of(timer, struct transfer, pulse);
	const struct fetch *fetch = transfer->fetch;
	uint64_t now = progress(transfer), *sample;
	uint64_t least = fetch->stall_bytes_per_s * (uint64_t)fetch->stall_timeout_ms / 1000;
	curl_off_t connected_us = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	if (connected_us == 0) { /* connecting has its own limit */
		transfer_pulse(transfer);
		return;
	}
	sample = &transfer->samples[++transfer->pulses % STALL_PULSES];
	if (transfer->pulses >= STALL_PULSES && now - *sample < least) {
		finish(transfer, TRANSFER_STALLED,
		       "%s sent fewer than %" PRIu64 " bytes in %" PRId64 " ms",
		       transfer->target.host, least, fetch->stall_timeout_ms);
		return;
	}
	*sample = now;
	pulse_again(transfer);
}

static void deadline_due(struct timer *timer)
{
	struct transfer *transfer = container_of(timer, struct transfer, deadline);

	finish(transfer, TRANSFER_TIME_LIMIT, "%s took longer than %" PRId64 " ms",
	       transfer->target.host, transfer->time_limit_ms);
}

/* ---- ends ---- */

void transfer_leave(struct transfer *transfer)
{
	timer_stop(&transfer->pulse);
	timer_stop(&transfer->deadline);
	if (transfer->is_added)
		curl_multi_remove_handle(transfer->fetch->multi, transfer->easy);
	transfer->is_added = false;
}

static void finish(struct transfer *transfer, enum transfer_outcome outcome, const char *fmt, ...)
{
	struct transfer_receiver *receiver = transfer->receiver;
	struct transfer_result result = {
		.outcome = outcome,
		.status = transfer->head.status,
		.bytes = transfer->bytes,
		.redirects = transfer->redirects,
		.first_byte_ms = transfer->head_at_ms ? transfer->head_at_ms - transfer->asked_at_ms
						      : -1,
		.total_ms = clock_monotonic_ms() - transfer->asked_at_ms,
	};
	va_list args;

	va_start(args, fmt);
	vsnprintf(result.text, sizeof(result.text), fmt, args);
	va_end(args);
	transfer_leave(transfer);
	transfer->receiver = NULL;
	fetch_place(transfer, TRANSFER_ENDED);
	fetch_settle_soon(transfer->fetch);
	if (receiver->on_end)
		receiver->on_end(receiver, &result);
}

static void finish_by_code(struct transfer *transfer, CURLcode code)
{
	enum transfer_outcome outcome = transfer_outcome_of_curl((int)code);
	const char *why = transfer->curl_text[0] ? transfer->curl_text : curl_easy_strerror(code);

	if (transfer->is_stopped) {
		finish(transfer, TRANSFER_STOPPED, "stopped by who asked for it");
		return;
	}
	if (outcome == TRANSFER_OK) {
		finish(transfer, TRANSFER_OK, "%s", "");
		return;
	}
	if (outcome == TRANSFER_NOT_CONNECTED && transfer->is_refused && !transfer->is_tried) {
		outcome = TRANSFER_REFUSED_ADDRESS;
		why = transfer->refused;
	}
	finish(transfer, outcome, "%s: %s", transfer->target.host, why);
}

/* ---- hops ---- */

void transfer_add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		abort(); /* out of memory */
	*list = longer;
}

static void set_headers(struct transfer *transfer)
{
	curl_slist_free_all(transfer->sent_headers);
	transfer->sent_headers = NULL;
	for (const struct curl_slist *at = transfer->any_headers; at; at = at->next)
		transfer_add_line(&transfer->sent_headers, at->data);
	if (!transfer->is_abroad) {
		for (const struct curl_slist *at = transfer->own_headers; at; at = at->next)
			transfer_add_line(&transfer->sent_headers, at->data);
		if (transfer->authorization &&
		    fetch_target_same_origin(&transfer->target, &transfer->auth_for))
			transfer_add_line(&transfer->sent_headers, transfer->authorization);
	}
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->sent_headers);
}

static void set_method(struct transfer *transfer)
{
	static const char *const names[] = {
		[TRANSFER_GET] = NULL,  [TRANSFER_HEAD] = NULL,       [TRANSFER_POST] = NULL,
		[TRANSFER_PUT] = "PUT", [TRANSFER_DELETE] = "DELETE",
	};
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, names[transfer->method]);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
	if (transfer->method == TRANSFER_POST || transfer->method == TRANSFER_PUT)
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* takes back POST and NOBODY */
	if (transfer->method == TRANSFER_HEAD)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
}

/* Asks transfer->target.  libcurl begins in a later turn. */
static void ask(struct transfer *transfer)
{
	struct fetch *fetch = transfer->fetch;
	enum address_kind kind;
	CURLMcode code;

	transfer_head_start(&transfer->head);
	transfer->is_head_told = transfer->is_redirect = transfer->is_curl_paused = false;
	transfer->is_refused = transfer->is_tried = false;
	transfer->dropped_bytes = 0;
	transfer->curl_text[0] = '\0';
	if (fetch->proxy[0] != '\0' &&
	    address_classify_text(str_of(transfer->target.host), &kind) && kind != ADDRESS_PUBLIC &&
	    !fetch_allows_host(fetch, transfer->target.host)) {
		finish(transfer, TRANSFER_REFUSED_ADDRESS, "%s is %s", transfer->target.host,
		       address_kind_text(kind));
		return;
	}
	set_headers(transfer);
	set_method(transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->target.url);
	code = curl_multi_add_handle(fetch->multi, transfer->easy);
	if (code != CURLM_OK) {
		finish(transfer, TRANSFER_FAILED, "%s", curl_multi_strerror(code));
		return;
	}
	transfer->is_added = true;
	if (!transfer->is_paused)
		transfer_pulse(transfer);
}

static void follow(struct transfer *transfer)
{
	struct fetch_target next = { 0 };
	struct err err;
	char *url = NULL;
	bool is_wanted;

	if (transfer->redirects == TRANSFER_REDIRECTS_MAX) {
		finish(transfer, TRANSFER_TOO_MANY_REDIRECTS, "redirected too often");
		return;
	}
	/* libcurl's, on the handle: the Location, made absolute. */
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	if (!fetch_target_read(url ? url : "", transfer->upgrade_to_https, &next, &err)) {
		finish(transfer, TRANSFER_REFUSED_REDIRECT, "redirected: %s", err.text);
		return;
	}
	is_wanted = !(transfer->target.is_https && !next.is_https);
	if (is_wanted && transfer->receiver->may_follow)
		is_wanted = transfer->receiver->may_follow(transfer->receiver, next.url);
	if (!transfer->receiver) { /* cancelled meanwhile */
		fetch_target_release(&next);
		return;
	}
	if (!is_wanted) {
		finish(transfer, TRANSFER_REFUSED_REDIRECT,
		       "%s redirects to %s://%s, where we do not go", transfer->target.host,
		       next.is_https ? "https" : "http", next.host);
		fetch_target_release(&next);
		return;
	}
	if (!fetch_target_same_origin(&transfer->target, &next))
		transfer->is_abroad = true;
	fetch_target_release(&transfer->target);
	transfer->target = next;
	transfer->redirects++;
	ask(transfer);
}

void transfer_done(struct transfer *transfer, CURLcode code)
{
	if (!transfer->receiver)
		return; /* cancelled: fetch_settle() takes it back */
	timer_stop(&transfer->pulse);
	curl_multi_remove_handle(transfer->fetch->multi, transfer->easy);
	transfer->is_added = false;
	/* A redirect's body that we gave up is a write error to libcurl. */
	if (transfer->is_redirect &&
	    (code == CURLE_OK ||
	     (code == CURLE_WRITE_ERROR && transfer->dropped_bytes > REDIRECT_BODY_MAX)))
		follow(transfer);
	else
		finish_by_code(transfer, code);
}

void transfer_begin(struct transfer *transfer)
{
	fetch_place(transfer, TRANSFER_ACTIVE);
	if (!transfer->easy)
		transfer->easy = new_easy(transfer);
	if (transfer->time_limit_ms > 0)
		timer_start(transfer->fetch->loop, &transfer->deadline, transfer->time_limit_ms,
			    deadline_due);
	ask(transfer);
}

void transfer_go_on(struct transfer *transfer)
{
	CURLcode code;

	transfer->is_curl_paused = false;
	code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	if (code != CURLE_OK)
		transfer_done(transfer, code);
}
