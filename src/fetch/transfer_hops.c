#include "fetch/transfer_hops.h"

#include "base/own.h"
#include "fetch/address_guard.h"
#include "fetch/fetch_state.h"
#include "fetch/transfer_answer.h"
#include "fetch/transfer_end.h"

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

	curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
	if (transfer->has_file) {
		transfer->file_at = 0;
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->file.size);
		return;
	}
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
	transfer->is_head_told = transfer->is_redirect = false;
	transfer->is_refused = transfer->is_tried = false;
	transfer->dropped_bytes = 0;
	transfer->curl_text[0] = '\0';
	if (fetch->proxy[0] != '\0' &&
	    address_classify_text(str_of(transfer->target.host), &kind) && kind != ADDRESS_PUBLIC &&
	    !fetch_allows_host(fetch, transfer->target.host)) {
		transfer_finish(transfer, TRANSFER_REFUSED_ADDRESS, "%s is %s",
				transfer->target.host, address_kind_text(kind));
		return;
	}
	set_headers(transfer);
	set_method(transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->target.url);
	code = curl_multi_add_handle(fetch->multi, transfer->easy);
	if (code != CURLM_OK) {
		transfer_finish(transfer, TRANSFER_FAILED, "%s", curl_multi_strerror(code));
		return;
	}
	transfer->is_added = true;
	transfer_pulse(transfer);
}

DEFINE_AUTO(CURLU *, curl_url_cleanup)
DEFINE_AUTO(char *, curl_free)

/*
 * The Location, made absolute, for curl_free(); NULL: it cannot be.  CURLINFO_REDIRECT_URL would be the same, but libcurl
 * has it only of an answer that was read to its end.
 */
static char *redirect_url(const struct transfer *transfer)
{
	AUTO(curl_url_cleanup) CURLU *url = curl_url();
	struct curl_header *location;
	char *absolute;

	if (!url)
		abort(); /* out of memory */
	if (curl_easy_header(transfer->easy, "Location", 0, CURLH_HEADER, -1, &location) !=
		    CURLHE_OK ||
	    curl_url_set(url, CURLUPART_URL, transfer->target.url, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, location->value,
			 CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_URL, &absolute, 0) != CURLUE_OK)
		return NULL;
	return absolute;
}

static void follow(struct transfer *transfer)
{
	AUTO(curl_free) char *url = NULL;
	struct fetch_target next = { 0 };
	struct err err;
	bool is_wanted;

	if (transfer->redirects == TRANSFER_REDIRECTS_MAX) {
		transfer_finish(transfer, TRANSFER_TOO_MANY_REDIRECTS, "redirected too often");
		return;
	}
	url = redirect_url(transfer);
	if (!fetch_target_read(url ? url : "", transfer->upgrade_to_https, &next, &err)) {
		transfer_finish(transfer, TRANSFER_REFUSED_REDIRECT, "redirected: %s", err.text);
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
		transfer_finish(transfer, TRANSFER_REFUSED_REDIRECT,
				"%s redirects to %s://%s, where we do not go",
				transfer->target.host, next.is_https ? "https" : "http", next.host);
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
		return; /* cancelled: fetch.c takes it back */
	timer_stop(&transfer->pulse);
	transfer_detach(transfer);
	/* A redirect's body that we gave up is a write error to libcurl. */
	if (transfer->is_redirect &&
	    (code == CURLE_OK ||
	     (code == CURLE_WRITE_ERROR && transfer->dropped_bytes > TRANSFER_REDIRECT_BODY_MAX)))
		follow(transfer);
	else
		transfer_finish_by_code(transfer, code);
}

void transfer_begin(struct transfer *transfer)
{
	fetch_place(transfer, TRANSFER_ACTIVE);
	if (!transfer->easy)
		transfer->easy = transfer_new_easy(transfer);
	transfer_limit_time(transfer);
	ask(transfer);
}
