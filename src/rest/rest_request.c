#include "rest/rest_request.h"

#include "twilio/accounts.h"

#define CREDENTIAL_MAX 256

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	container_of(receiver, struct rest_request, receiver)->status = head->status;
	return TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct rest_request *question = container_of(receiver, struct rest_request, receiver);

	buf_add_str(&question->body, bytes);
	return buf_ok(&question->body) ? TRANSFER_GO_ON : TRANSFER_STOP;
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct rest_request *question = container_of(receiver, struct rest_request, receiver);

	question->transfer = NULL;
	if (result->outcome != TRANSFER_OK)
		question->status = 0;
	question->answered(question);
}

bool rest_request_send(struct rest_request *question, struct fetch *fetch,
		       const struct account *account, const char *url,
		       void (*answered)(struct rest_request *question), struct err *err)
{
	char user[CREDENTIAL_MAX], password[CREDENTIAL_MAX];
	struct str user_slice, password_slice;
	struct transfer_request request = {
		.method = question->method,
		.url = url,
		.auth_for = account->api_url,
		.user = user,
		.password = password,
		.time_limit_ms = question->limit_ms ? question->limit_ms : REST_REQUEST_LIMIT_MS,
	};

	account_credentials(account, &user_slice, &password_slice);
	if (!str_copy(user_slice, user, sizeof(user)) ||
	    !str_copy(password_slice, password, sizeof(password)))
		return err_set(err, ERR_INVALID, "the credentials of account %s are too long",
			       account->account_sid);
	rest_request_release(question);
	question->receiver = (struct transfer_receiver){ .on_head = on_head,
							 .on_bytes = on_bytes,
							 .on_end = on_end };
	question->status = 0;
	question->answered = answered;
	buf_init(&question->body, question->body_max ? question->body_max : REST_REQUEST_BODY_MAX);
	return transfer_start(fetch, &request, &question->receiver, &question->transfer, err);
}

void rest_request_release(struct rest_request *question)
{
	transfer_cancel(question->transfer);
	question->transfer = NULL;
	buf_release(&question->body);
}
