#include "sim/sim_reply.h"

#include <string.h>

#include "base/hash.h"
#include "http/reply.h"
#include "sim/sim_state.h"
#include "twilio/rest_write.h"

void sim_begin(struct exchange *x, int status)
{
	reply_begin(x, status);
	reply_headerf(x, "Twilio-Request-Id", "RQ%s", x->id);
	reply_header(x, STR("Twilio-Request-Duration"), STR("0.004"));
	reply_header(x, STR("Twilio-Concurrent-Requests"), STR("1"));
}

void sim_reply_json(struct exchange *x, int status, const struct buf *body)
{
	sim_begin(x, buf_ok(body) ? status : 500);
	reply_header(x, STR("Content-Type"), STR("application/json;charset=utf-8"));
	reply_send(x, buf_ok(body) ? buf_str(body) : STR("{}"));
}

/* ---- errors ---- */

static void error_send(struct exchange *x, int status, bool is_json, int code, struct str message)
{
	char array[2048];
	struct buf body;

	buf_over(&body, array, sizeof(array));
	rest_write_error(&body, is_json, status, code, message);
	reply_header(x, STR("Content-Type"), rest_error_type(is_json));
	reply_send(x, buf_str(&body));
}

static bool path_wants_json(const struct exchange *x)
{
	return str_ends(x->request.path, STR(".json")) ||
	       str_starts(x->request.path, STR("/simulate/"));
}

void sim_reply_error(struct exchange *x, int status, int code, const char *fmt, ...)
{
	bool is_json = path_wants_json(x);
	char array[512];
	struct buf message;
	va_list args;

	buf_over(&message, array, sizeof(array));
	va_start(args, fmt);
	buf_addv(&message, fmt, args);
	va_end(args);
	sim_begin(x, status);
	if (status == 401)
		reply_header(x, STR("WWW-Authenticate"), STR("Basic realm=\"Twilio API\""));
	error_send(x, status, is_json, code,
		   buf_ok(&message) ? buf_str(&message) : STR("The request failed"));
}

void sim_reply_not_found(struct exchange *x)
{
	sim_reply_error(x, 404, 20404, "The requested resource %.*s was not found",
			STR_ARG(str_first(x->request.path, 300)));
}

/* ---- credentials ---- */

static bool text_is(struct str text, const char *wanted)
{
	return wanted && text.len == strlen(wanted) &&
	       bytes_equal_secret(text.at, wanted, text.len);
}

bool sim_knows_credentials(const struct sim *sim, const struct exchange *x)
{
	struct str header = x->request.known[HTTP_AUTHORIZATION];
	uint8_t decoded[256];
	size_t len;

	if (!str_starts_nocase(header, STR("Basic ")) ||
	    !base64_decode(str_trim(str_after(header, 6)), decoded, sizeof(decoded), &len))
		return false;

	struct str both = { (const char *)decoded, len };
	size_t colon = str_find(both, ':');
	struct str user = str_first(both, colon), password = str_after(both, colon + 1);

	if (text_is(user, sim->account_sid) && text_is(password, sim->auth_token))
		return true;
	return text_is(user, sim->api_key) && text_is(password, sim->api_secret);
}

bool sim_admits(struct exchange *x)
{
	struct sim *sim = sim_of(x);

	sim->requests++;
	if (sim_knows_credentials(sim, x) && str_eq(x->request.params[0], str_of(sim->account_sid)))
		return true;
	sim->unauthorized++;
	sim_reply_error(x, 401, 20003, "Authenticate");
	return false;
}

/* ---- answers that a fault puts in the place of the right one ---- */

static void planned_error(struct exchange *x, const struct sim_plan *plan)
{
	bool is_json = path_wants_json(x);

	sim_begin(x, plan->status);
	if (plan->retry_after_s > 0)
		reply_headerf(x, "Retry-After", "%lld", (long long)plan->retry_after_s);
	if (plan->status == 401)
		reply_header(x, STR("WWW-Authenticate"), STR("Basic realm=\"Twilio API\""));
	error_send(x, plan->status, is_json, rest_code_of_status(plan->status),
		   plan->status == 429 ? STR("Too Many Requests")
				       : STR("A fault of the simulation"));
}

static void planned_page(struct exchange *x, const char *page)
{
	sim_begin(x, 200);
	if (strcmp(page, "html") == 0) {
		reply_header(x, STR("Content-Type"), STR("text/html"));
		reply_send(
			x,
			STR("<html><head><title>Service Unavailable</title></head>"
			    "<body><h1>The service is temporarily unavailable.</h1></body></html>\n"));
		return;
	}
	error_send(x, 404, strcmp(page, "json") == 0, 20404,
		   STR("The requested resource was not found"));
}

/* Where it leads to needs no credentials and is not redirected again: see sim_play.c. */
static void planned_redirect(struct exchange *x, const char *to)
{
	struct str path = x->request.path, query = x->request.query;
	const struct sim *sim = sim_of(x);
	char array[1024];
	struct buf location;

	buf_over(&location, array, sizeof(array));
	buf_add_text(&location, to[0] != '\0' ? to : sim->url);
	buf_add_str(&location, path);
	buf_add_byte(&location, '?');
	if (query.len > 0) {
		buf_add_str(&location, query);
		buf_add_byte(&location, '&');
	}
	buf_add_text(&location, "SimRedirected=1");
	sim_begin(x, 302);
	if (buf_ok(&location))
		reply_header(x, STR("Location"), buf_str(&location));
	reply_send(x, STR(""));
}

bool sim_reply_planned(struct exchange *x, const struct sim_plan *plan)
{
	if (plan->status != 0) {
		planned_error(x, plan);
	} else if (plan->page) {
		planned_page(x, plan->page);
	} else if (plan->redirect) {
		planned_redirect(x, plan->redirect);
	} else if (plan->is_empty) {
		sim_begin(x, 200);
		reply_header(x, STR("Content-Type"), STR("audio/mpeg"));
		reply_send(x, STR(""));
	} else {
		return false;
	}
	return true;
}
