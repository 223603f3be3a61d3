#include "web/callback_body.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/exchange.h"
#include "tap.h"

enum way { FORM, QUERY, JSON };

/* How a text is read: its parameters as "name=value;", or "refused". */
static struct str read_as(enum way way, struct str text, char *shown, size_t size)
{
	AUTO(free) struct exchange *x = xcalloc(1, sizeof(*x));
	AUTO(callback_body_release) struct callback_body body = { .param_count = 0 };
	struct err err = { .text = "" };
	struct buf out;

	x->request.method = way == QUERY ? HTTP_GET : HTTP_POST;
	if (way == QUERY)
		x->request.query = text;
	else
		x->request.body = text;
	x->request.known[HTTP_CONTENT_TYPE] = way == JSON
						      ? STR("application/json; charset=utf-8")
						      : STR("application/x-www-form-urlencoded");
	buf_over(&out, shown, size);
	if (!callback_body_read(x, &body, &err)) {
		IS_INT(err.kind, ERR_INVALID, "it is malformed: %s", err.text);
		OK(!body.params && !body.texts && body.param_count == 0, "and nothing is kept");
		buf_add_text(&out, "refused");
	} else {
		OK(body.raw.at == text.at && body.raw.len == text.len, "what came is kept");
		IS_INT(body.kind,
		       way == QUERY  ? SIGNED_NOTHING
		       : way == JSON ? SIGNED_RAW
				     : SIGNED_FORM,
		       "how it is signed");
		for (size_t i = 0; i < body.param_count; i++) {
			buf_add_str(&out, body.params[i].name);
			buf_add_text(&out, "=");
			buf_add_str(&out, body.params[i].value);
			buf_add_text(&out, ";");
		}
	}
	return (struct str){ out.at, out.len };
}

static void test_texts(void)
{
	static const struct {
		const char *name;
		enum way way;
		const char *text, *shown;
	} rows[] = {
		{ "no field", FORM, "", "" },
		{ "one", FORM, "a=1", "a=1;" },
		{ "several, decoded", FORM, "a=1&b=x+y&c=%41%2B", "a=1;b=x y;c=A+;" },
		{ "one without a value, and pieces that are empty", FORM, "&a&&b=2&", "a=;b=2;" },
		{ "the same name twice", FORM, "a=1&a=2", "a=1;a=2;" },
		{ "a damaged escape", FORM, "a=%4", "refused" },
		{ "a query", QUERY, "a=1&b=2", "a=1;b=2;" },
		{ "an object", JSON, "{\"a\":\"x\",\"b\":17}", "a=x;b=17;" },
		{ "a negative number", JSON, "{\"a\":-5}", "a=-5;" },
		{ "members that say nothing to us", JSON,
		  "{\"a\":null,\"b\":{\"c\":1},\"d\":[1],\"e\":true,\"f\":1.5,\"g\":\"x\"}",
		  "g=x;" },
		{ "an empty object", JSON, "{}", "" },
		{ "an array", JSON, "[1]", "refused" },
		{ "a text", JSON, "\"a\"", "refused" },
		{ "half an object", JSON, "{\"a\":1", "refused" },
		{ "a member twice", JSON, "{\"a\":1,\"a\":2}", "refused" },
		{ "nothing", JSON, "", "refused" },
	};
	char shown[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_STR(read_as(rows[i].way, str_of(rows[i].text), shown, sizeof(shown)),
		       str_of(rows[i].shown), "%s", rows[i].name);
}

/* There is no limit but the body's own. */
static void test_many(void)
{
	enum { FIELDS = 5000 };
	AUTO(free) char *text = xmalloc(2 * FIELDS);
	AUTO(free) char *shown = xmalloc(8 * FIELDS);
	struct str all;
	size_t count = 0;

	for (size_t i = 0; i < FIELDS; i++)
		memcpy(text + 2 * i, "a&", 2);
	all = read_as(FORM, (struct str){ text, 2 * FIELDS }, shown, 8 * FIELDS);
	for (size_t i = 0; i < all.len; i++)
		count += all.at[i] == ';';
	IS_INT(count, FIELDS, "%d fields", FIELDS);
}

int main(void)
{
	test_texts();
	test_many();
	return tap_end();
}
