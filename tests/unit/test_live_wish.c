#include "live/live_wish.h"

#include "tap.h"

static struct live_wish wish;

static void test_refused(void)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "no JSON", "x" },
		{ "an array", "[]" },
		{ "two objects", "{}{}" },
		{ "a name that is not known", "{\"colour\":1}" },
		{ "the same name twice", "{\"id\":1,\"id\":2}" },
		{ "a filter that is no object", "{\"filter\":\"inbound\"}" },
		{ "a filter that is not known", "{\"filter\":{\"limit\":\"1\"}}" },
		{ "a filter with a number in it", "{\"filter\":{\"direction\":1}}" },
		{ "two digits of a number", "{\"filter\":{\"number\":\"12\"}}" },
		{ "a number of zeros", "{\"filter\":{\"number\":\"000\"}}" },
		{ "a direction that is none", "{\"filter\":{\"direction\":\"up\"}}" },
		{ "a bottom that is no key", "{\"bottom\":\"1\"}" },
		{ "a bottom of no call", "{\"bottom\":\"1.0\"}" },
		{ "a bottom that is a number", "{\"bottom\":1}" },
		{ "an after below zero", "{\"after\":-1}" },
		{ "an after that is a text", "{\"after\":\"1\"}" },
		{ "an after that is half a number", "{\"after\":1.5}" },
		{ "an after that is too large", "{\"after\":9223372036854775808}" },
		{ "an id that is null", "{\"id\":null}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(!live_wish_read(str_of(cases[i].text), &wish), "%s", cases[i].name);
}

int main(void)
{
	test_refused();
	OK(live_wish_read(STR("{}"), &wish) && !wish.has_filter && !wish.has_bottom &&
		   !wish.has_after && !wish.has_id,
	   "nothing is asked for");
	OK(live_wish_read(STR("{\"filter\":{},\"bottom\":null}"), &wish) && wish.has_filter &&
		   !wish.query.filter.direction && wish.has_bottom && wish.bottom.id == 0,
	   "all of them");
	OK(live_wish_read(
		   STR("{\"filter\":{\"direction\":\"inbound\",\"number\":\"050-1\",\"state\":\"stored\","
		       "\"call\":\"CA0123456789abcdef0123456789abcdef\"},\"bottom\":\"5.6\",\"after\":7,\"id\":8}"),
		   &wish),
	   "all that can be asked for");
	OK(wish.query.filter.direction == CALL_INBOUND && wish.query.filter.has_group &&
		   str_eq(wish.query.filter.number, STR("050-1")) &&
		   wish.query.filter.call_sid.at == wish.query.call_sid,
	   "with its filters");
	OK(wish.bottom.started_at_ms == 5 && wish.bottom.id == 6 && wish.has_after &&
		   wish.after == 7 && wish.has_id && wish.id == 8,
	   "and the rest");
	return tap_end();
}
