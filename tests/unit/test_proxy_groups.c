#include "auth/proxy_groups.h"

#include "auth/rights.h"
#include "tap.h"

static const char *const ops[] = { "ops", "root", NULL }, *const staff[] = { "staff", NULL };
static const char *const anybody[] = { "*", NULL }, *const none[] = { NULL };

int main(void)
{
	static const struct {
		const char *name;
		const char *const *admins, *const *listeners;
		const char *groups; /* NULL: no header */
		uint16_t rights;
	} cases[] = {
		{ "no header", ops, staff, NULL, 0 },
		{ "an empty one", ops, staff, "", 0 },
		{ "a listener", ops, staff, "staff", RIGHTS_LISTENER },
		{ "an administrator", ops, staff, "root", RIGHTS_ALL },
		{ "one of several", ops, staff, "a,b,staff,c", RIGHTS_LISTENER },
		{ "blanks around them", ops, staff, " a ,\tops ", RIGHTS_ALL },
		{ "both", ops, staff, "staff,ops", RIGHTS_ALL },
		{ "blanks do not separate", ops, staff, "staff ops", 0 },
		{ "another case is another group", ops, staff, "Staff,OPS", 0 },
		{ "a part of a name is none", ops, staff, "sta,op,staffs", 0 },
		{ "commas alone", ops, staff, ",,,", 0 },
		{ "anybody who is named", ops, anybody, NULL, RIGHTS_LISTENER },
		{ "and an administrator among them", ops, anybody, "ops", RIGHTS_ALL },
		{ "a group that is called *", ops, staff, "*", 0 },
		{ "anybody is an administrator", anybody, none, "", RIGHTS_ALL },
		{ "nobody may", none, none, "ops,staff,*", 0 },
		{ "nothing is set", NULL, NULL, "ops", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct auth_options options = { .admins = cases[i].admins,
						.listeners = cases[i].listeners };
		struct str groups = cases[i].groups ? str_of(cases[i].groups) : STR_NONE;

		IS_INT(proxy_groups_rights(&options, groups), cases[i].rights, "%s", cases[i].name);
	}
	return tap_end();
}
