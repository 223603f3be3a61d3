#include "http/http_route.h"

#include "http/http_body.h"
#include "http/http_conn_memory.h"
#include "http/http_request_id.h"
#include "http/reply.h"

#define ADMITTED_FOR_MS 1000 /* a body that takes longer has its caller asked for once more */

void http_refuse(struct http_conn *conn, const struct http_refusal *why, const char *allow,
		 bool sound)
{
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;

	work->closes = work->body_unread = !sound;
	work->reply = REPLY_NONE;
	if (!x->id[0])
		http_request_name(x);
	conn->server->app->refuse(x, why->status, why->code, why->text, allow);
	if (work->reply != REPLY_SENT) {
		reply_begin(x, why->status);
		reply_send(x, STR(""));
	}
}

static const struct http_refusal no_reply = { 500, "internal",
					      "The request was left without an answer." };

static void serve(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;

	if (x->route->body_max == 0)
		x->request.body = STR("");
	x->route->serve(x);
	if (work->reply == REPLY_SENT)
		return;
	if (x->parked)
		conn_enter(conn, CONN_PARKED);
	else
		http_refuse(conn, &no_reply, NULL, true);
}

static const char *allow_text(unsigned methods, char *text, size_t size)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
	};
	struct buf buf;

	buf_over(&buf, text, size);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (methods & BIT(i))
			buf_addf(&buf, "%s%s", buf.len > 0 ? ", " : "", names[i]);
	return text;
}

const struct http_refusal http_refusal_large_body = { 413, "too_large",
						      "The body of the request is too large." };

/* The media type of the body against "type/a type/b". */
static bool type_is_listed(struct str content_type, const char *types)
{
	struct str wanted = str_trim(str_first(content_type, str_find(content_type, ';')));
	struct str rest = str_of(types), type;

	while (wanted.len > 0 && str_cut(&rest, ' ', &type))
		if (str_eq_nocase(type, wanted))
			return true;
	return false;
}

static bool awaits_body(const struct http_work *work)
{
	return !work->has_whole_body && (work->parse.chunked || work->parse.content_length > 0);
}

void http_admitted(struct http_conn *conn)
{
	static const struct http_refusal no_type = {
		415, "unsupported_type", "The type of the body is not one that is read here."
	};
	struct http_work *work = conn->work;
	const struct http_route *route = work->x.route;

	work->body_unread = false;
	if (!awaits_body(work))
		serve(conn);
	else if (work->parse.content_length > http_body_bound(work))
		http_refuse(conn, &http_refusal_large_body, NULL, false);
	else if (route->body_types &&
		 !type_is_listed(work->x.request.known[HTTP_CONTENT_TYPE], route->body_types))
		http_refuse(conn, &no_type, NULL, false);
	else
		conn_enter(conn, CONN_BODY);
}

static void ask_admission(struct http_conn *conn)
{
	const struct http_app *app = conn->server->app;
	struct http_work *work = conn->work;

	/* A refusal ends the connection when there is a body: nobody will read it. */
	work->body_unread = awaits_body(work);
	work->is_admitted = !app->admit || app->admit(&work->x);
	if (!work->is_admitted && work->reply != REPLY_SENT && !work->x.parked)
		http_refuse(conn, &no_reply, NULL, !awaits_body(work));
}

/* Who was known when the head came may have no right by now: what was found then is forgotten. */
void http_body_is_whole(struct http_conn *conn)
{
	struct http_work *work = conn->work;
	int64_t took_ms = loop_now_ms(conn->server->loop) - work->reading_since_ms;

	work->has_whole_body = true;
	if (took_ms < ADMITTED_FOR_MS) {
		serve(conn);
		return;
	}
	work->x.caller_size = 0;
	conn_enter(conn, CONN_ADMITTING);
	ask_admission(conn);
}

void http_find_route(struct http_conn *conn)
{
	static const struct http_refusal no_path = { 404, "not_found",
						     "There is nothing at this address." };
	static const struct http_refusal no_method = {
		405, "method_not_allowed", "This address does not answer to that method."
	};
	static const struct http_refusal closed = { 403, "forbidden", "This is not allowed." };
	struct http_work *work = conn->work;
	struct exchange *x = &work->x;
	const struct http_app *app = conn->server->app;
	bool sound = !awaits_body(work);
	unsigned methods = 0;
	char allow[64];

	conn_enter(conn, CONN_ADMITTING);
	switch (router_find(app->routes, app->route_count, &x->request, &x->route, &methods)) {
	case ROUTER_NO_PATH:
		http_refuse(conn, &no_path, NULL, sound);
		return;
	case ROUTER_NO_METHOD:
		http_refuse(conn, &no_method, allow_text(methods, allow, sizeof(allow)), sound);
		return;
	case ROUTER_FOUND:
		break;
	}
	if (x->route->access == HTTP_CLOSED)
		http_refuse(conn, &closed, NULL, sound);
	else
		ask_admission(conn);
}
