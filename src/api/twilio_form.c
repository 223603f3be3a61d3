#include "api/twilio_form.h"

#include "api/cors.h"
#include "api/json_head.h"
#include "base/buf.h"
#include "http/reply.h"
#include "twilio/rest_write.h"

#define BODY_MAX 2048

bool twilio_form_is_wanted(const struct exchange *x)
{
	return str_starts(x->request.path, STR(TWILIO_FORM_ROOT));
}

int twilio_form_status(int status)
{
	return status == 410 ? 404 : status;
}

/* Lists are JSON here with and without ".json". */
static bool is_of_media(const struct exchange *x)
{
	struct str path = x->request.path;

	return str_find_str(path, STR("/Recordings/")) < path.len && !str_ends(path, STR(".json"));
}

void twilio_form_send(struct exchange *x, struct str text)
{
	bool is_json = !is_of_media(x);
	char bytes[BODY_MAX];
	struct buf body;

	buf_over(&body, bytes, sizeof(bytes));
	rest_write_error(&body, is_json, x->status, rest_code_of_status(x->status), text);
	if (is_json)
		json_head_add(x);
	else
		xml_head_add(x);
	cors_add(x);
	reply_send(x, buf_str(&body));
}
