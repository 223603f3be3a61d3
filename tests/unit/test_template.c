#include "manual/template.h"
#include "tap.h"

static void fill_date(const struct manual *manual, struct buf *out)
{
	buf_add_u64(out, (uint64_t)manual->date_s);
}

int main(void)
{
	static const struct template_slot slots[] = { { "date", fill_date }, { 0 } };
	static const struct {
		const char *text, *filled, *name;
	} cases[] = {
		{ "on @date@.", "on 7.", "a slot is filled" },
		{ "@date@@date@", "77", "and each of several" },
		{ "${a[@]} ${b[@]}", "${a[@]} ${b[@]}", "what stands between other @ stays" },
		{ "${a[@]} @date@ ${b[@]}", "${a[@]} 7 ${b[@]}", "also around a slot" },
		{ "me@", "me@", "one @ is one" },
		{ "@other@", "@other@", "a slot that nobody knows stays, to be seen" },
		{ "", "", "nothing is nothing" },
	};
	const struct manual manual = { .date_s = 7 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct buf out;

		buf_over(&out, text, sizeof(text));
		template_write(cases[i].text, slots, &manual, &out);
		IS_STR(buf_str(&out), str_of(cases[i].filled), "%s", cases[i].name);
	}
	return tap_end();
}
