#include "fetch/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"
#include "fetch/fetch_state.h"
#include "fetch/transfer_end.h"

#define USER_MAX 1024 /* user and password together */

static bool is_header_safe(const struct transfer_header *header)
{
	return header->name[0] != '\0' && strpbrk(header->name, ": \t\r\n") == NULL &&
	       strpbrk(header->value, "\r\n") == NULL;
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
	/* libcurl takes "Name:" for "send none of that name", and "Name;" for an empty value. */
	AUTO(free)
	char *line = value[0] ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);

	transfer_add_line(list, line);
}

static bool take_headers(struct transfer *transfer, const struct transfer_request *request,
			 struct err *err)
{
	bool has_content_type = false;

	for (size_t i = 0; i < request->header_count; i++) {
		if (!is_header_safe(&request->headers[i]))
			return err_set(err, ERR_INVALID, "not a header: '%s'",
				       request->headers[i].name);
		if (strcasecmp(request->headers[i].name, "Content-Type") == 0)
			has_content_type = true;
		add_header(&transfer->own_headers, request->headers[i].name,
			   request->headers[i].value);
	}
	transfer_add_line(&transfer->any_headers, "Accept-Encoding: identity");
	transfer_add_line(&transfer->any_headers, "Expect:"); /* a round trip for nothing */
	if (!has_content_type)
		transfer_add_line(&transfer->any_headers,
				  "Content-Type:"); /* libcurl would guess a form */
	return true;
}

static bool take_range(struct transfer *transfer, const struct transfer_request *request,
		       struct err *err)
{
	char range[64];

	if (!request->ranged)
		return true;
	if (request->first > request->last)
		return err_set(err, ERR_INVALID, "a range that ends before it begins");
	if (request->last == TRANSFER_OPEN)
		snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", request->first);
	else
		snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, request->first,
			 request->last);
	add_header(&transfer->any_headers, "Range", range);
	if (request->if_range) {
		struct transfer_header header = { "If-Range", request->if_range };

		if (!is_header_safe(&header))
			return err_set(err, ERR_INVALID, "not a validator for If-Range");
		add_header(&transfer->any_headers, header.name, header.value);
	}
	return true;
}

static bool take_credentials(struct transfer *transfer, const struct transfer_request *request,
			     struct err *err)
{
	const char *password = request->password ? request->password : "";
	char pair[USER_MAX], line[2 * USER_MAX];
	struct buf text;
	int len;

	if (!request->user)
		return true;
	if (!request->auth_for)
		return err_set(err, ERR_INVALID, "credentials without a host that they are for");
	if (!fetch_target_read(request->auth_for, false, &transfer->auth_for, err))
		return err_context(err, "whom the credentials are for");
	len = snprintf(pair, sizeof(pair), "%s:%s", request->user, password);
	if (len < 0 || (size_t)len >= sizeof(pair) || strchr(request->user, ':'))
		return err_set(err, ERR_INVALID,
			       "user and password are too long, or the user has a ':'");
	buf_over(&text, line, sizeof(line));
	buf_add_text(&text, "Authorization: Basic ");
	base64_add(&text, (const uint8_t *)pair, (size_t)len);
	transfer->authorization = xmemdup0(text.at, text.len);
	explicit_bzero(pair, sizeof(pair));
	explicit_bzero(line, sizeof(line));
	return true;
}

bool transfer_start(struct fetch *fetch, const struct transfer_request *request,
		    struct transfer_receiver *receiver, struct transfer **out, struct err *err)
{
	struct transfer *transfer = fetch_take_spare(fetch);

	if (!fetch_target_read(request->url, request->upgrade_to_https, &transfer->target, err) ||
	    !take_headers(transfer, request, err) || !take_range(transfer, request, err) ||
	    !take_credentials(transfer, request, err)) {
		transfer_clear(transfer);
		return false;
	}
	transfer->receiver = receiver;
	transfer->method = request->method;
	transfer->upgrade_to_https = request->upgrade_to_https;
	transfer->time_limit_ms = request->time_limit_ms;
	transfer->body = xmemdup0(request->body.at ? request->body.at : "", request->body.len);
	transfer->body_len = request->body.len;
	transfer->has_file = request->file != NULL;
	if (request->file)
		transfer->file = *request->file;
	transfer->asked_at_ms = clock_monotonic_ms();
	transfer_head_start(&transfer->head);
	fetch_place(transfer, TRANSFER_WAITING);
	fetch_settle_soon(fetch);

	*out = transfer;
	return true;
}

void transfer_cancel(struct transfer *transfer)
{
	if (!transfer || !transfer->receiver)
		return;
	transfer->receiver = NULL;
	timer_stop(&transfer->pulse);
	timer_stop(&transfer->deadline);
	fetch_place(transfer, TRANSFER_ENDED);
	fetch_settle_soon(transfer->fetch);
}
