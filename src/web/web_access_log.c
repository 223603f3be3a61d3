#include "web/web_access_log.h"

#include "access/web_admit.h"
#include "accesslog/access_lines.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "auth/credential.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>

/* More than the line takes of each: what is longer shows there as cut. */
#define TEXT_MAX 2200

/* Where a secret is taken out. */
struct clean_texts {
	char user[WEB_CALLER_NAME_SIZE];
	char target[TEXT_MAX + 64], referer[TEXT_MAX + 64], agent[TEXT_MAX + 64];
};

/* The request's, once its slices have ended. */
struct kept_request {
	struct http_note note;
	struct access_request request;
	char bytes[];
};

static struct str without_secrets(struct str text, char *room, size_t size)
{
	struct buf clean;

	buf_over(&clean, room, size);
	credential_redact(&clean, str_first(text, TEXT_MAX));
	return buf_str(&clean);
}

static void describe(const struct exchange *x, struct clean_texts *texts,
		     struct access_request *out)
{
	const struct http_request *request = &x->request;

	*out = (struct access_request){
		.client = forwarded_client(x),
		.user = web_caller_name(x, texts->user),
		.method = request->method_text,
		.minor_version = request->minor_version,
		.target = without_secrets(request->target, texts->target, sizeof(texts->target)),
		.referer = without_secrets(http_request_header(request, STR("Referer")),
					   texts->referer, sizeof(texts->referer)),
		.agent = without_secrets(http_request_header(request, STR("User-Agent")),
					 texts->agent, sizeof(texts->agent)),
	};
}

static bool is_wanted(const struct exchange *x)
{
	return web_local_of(x)->access_lines && !x->over_admin;
}

static void keep(struct str *text, char **at)
{
	if (text->len > 0)
		memcpy(*at, text->at, text->len);
	text->at = *at;
	*at += text->len;
}

void web_access_log_shed(struct exchange *x)
{
	struct access_request request;
	struct kept_request *kept;
	struct clean_texts texts;
	char *at;

	if (!is_wanted(x))
		return;
	describe(x, &texts, &request);
	kept = xmalloc(sizeof(*kept) + request.client.len + request.user.len + request.method.len +
		       request.target.len + request.referer.len + request.agent.len);
	kept->request = request;
	at = kept->bytes;
	keep(&kept->request.client, &at);
	keep(&kept->request.user, &at);
	keep(&kept->request.method, &at);
	keep(&kept->request.target, &at);
	keep(&kept->request.referer, &at);
	keep(&kept->request.agent, &at);
	x->note = &kept->note;
}

void web_access_log_ended(struct exchange *x)
{
	const struct web_local *local = web_local_of(x);
	struct access_reply reply = {
		.id = str_of(x->id),
		.status = x->status,
		.sent_bytes = x->sent_bytes,
	};
	struct access_request request;
	struct kept_request *kept;
	struct clean_texts texts;

	if (!is_wanted(x))
		return;
	reply.took_ms = loop_now_ms(local->loop) - x->began_at_ms;
	if (!x->note) {
		describe(x, &texts, &request);
		access_lines_add(local->access_lines, &request, &reply);
		return;
	}
	kept = container_of(x->note, struct kept_request, note);
	access_lines_add(local->access_lines, &kept->request, &reply);
	x->note = NULL;
	free(kept);
}
