#include "base/json.h"
#include "tap.h"

int main(void)
{
	char text[512];
	struct buf buf;
	struct json json;

	buf_over(&buf, text, sizeof(text));
	json_start(&json, &buf);
	json_open(&json, NULL, '{');
	json_text(&json, "name", STR("a\"b\\c\n<d"));
	json_int(&json, "count", -5);
	json_seconds(&json, "length", 26280);
	json_open(&json, "list", '[');
	json_bool(&json, NULL, true);
	json_nothing(&json, NULL);
	json_close(&json, ']');
	json_open(&json, "empty", '{');
	json_close(&json, '}');
	json_date(&json, "at", 784111777000);
	json_text(&json, "none", STR_NONE);
	json_close(&json, '}');
	IS_STR(buf_str(&buf),
	       STR("{\"name\":\"a\\\"b\\\\c\\u000a\\u003cd\",\"count\":-5,\"length\":26.280,\"list\":[true,null],\"empty\":{},"
		   "\"at\":\"1994-11-06T08:49:37.000Z\",\"none\":null}"),
	       "an object with one of each");

	buf_clear(&buf);
	json_start(&json, &buf);
	json_text(&json, NULL, STR("\xd7\xa9 \xff \xc0\x80 \xed\xa0\x80"));
	IS_STR(buf_str(&buf),
	       STR("\"\xd7\xa9 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
	       "UTF-8 stays, what is not becomes U+FFFD");

	buf_clear(&buf);
	json_start(&json, &buf);
	json_open(&json, NULL, '[');
	json_hundredths(&json, NULL, -2310);
	json_hundredths(&json, NULL, -5);
	json_hundredths(&json, NULL, 0);
	json_hundredths(&json, NULL, 105);
	json_close(&json, ']');
	IS_STR(buf_str(&buf), STR("[-23.10,-0.05,0.00,1.05]"),
	       "hundredths of either sign, nothing without one");
	return tap_end();
}
