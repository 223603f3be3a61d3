#include "notify/delivery.h"

#include "notify/notice_message.h"
#include "notify/receiver.h"
#include "notify/signing.h"

#include <stdio.h>

static struct delivery *delivery_of(struct transfer_receiver *receiver)
{
	return container_of(receiver, struct delivery, receiver);
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	delivery_of(receiver)->status = head->status;
	delivery_of(receiver)->retry_after_ms = head->retry_after_ms;
	return TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct delivery *delivery = delivery_of(receiver);

	delivery->answer_bytes += bytes.len;
	return delivery->answer_bytes > DELIVERY_ANSWER_MAX ? TRANSFER_STOP : TRANSFER_GO_ON;
}

static void tell_failure(struct delivery *delivery, const struct transfer_result *result)
{
	char *text = delivery->failure;

	if (delivery->status == 0)
		snprintf(text, NOTICE_FAILURE_SIZE, "%.*s", NOTICE_FAILURE_SIZE - 1, result->text);
	else if (delivery->status >= 300 && delivery->status < 400)
		snprintf(text, NOTICE_FAILURE_SIZE,
			 "the receiver answered %d: a redirect is not followed", delivery->status);
	else
		snprintf(text, NOTICE_FAILURE_SIZE, "the receiver answered %d", delivery->status);
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct delivery *delivery = delivery_of(receiver);

	delivery->transfer = NULL;
	if (receiver_judge(delivery->status) != RECEIVER_TOOK)
		tell_failure(delivery, result);
	delivery->ended(delivery);
}

bool delivery_start(struct delivery *delivery, const struct delivery_to *to, int64_t wall_ms,
		    void (*ended)(struct delivery *delivery), struct err *err)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	char id[NOTICE_ID_SIZE], timestamp[24], signature[SIGNING_TEXT_SIZE];
	struct transfer_header headers[] = {
		{ "Content-Type", "application/json" },
		{ "webhook-id", id },
		{ "webhook-timestamp", timestamp },
		{ "webhook-signature", signature },
	};
	struct transfer_request request = {
		.method = TRANSFER_POST,
		.url = to->url,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.time_limit_ms = to->timeout_ms,
	};

	delivery->status = 0; /* of this one, also where it cannot be sent */
	delivery->retry_after_ms = -1;
	delivery->failure[0] = '\0';
	delivery->answer_bytes = 0;
	buf_init(&body, NOTICE_BODY_MAX);
	notice_id(&delivery->notice, id);
	notice_body(&delivery->notice, to->public_url, &body);
	if (!buf_ok(&body))
		return err_set(err, ERR_INTERNAL, "notice %s is too long", id);
	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(wall_ms / 1000));
	signing_sign(to->signing, id, wall_ms / 1000, buf_str(&body), signature);
	request.body = buf_str(&body);
	delivery->ended = ended;
	delivery->receiver = (struct transfer_receiver){ .on_head = on_head,
							 .on_bytes = on_bytes,
							 .on_end = on_end };
	return transfer_start(to->fetch, &request, &delivery->receiver, &delivery->transfer, err);
}
