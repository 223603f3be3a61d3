#include "auth/proxy_groups.h"

#include "auth/rights.h"

#include <stdbool.h>

static bool is_listed(struct str group, const char *const *list)
{
	for (; list && *list; list++)
		if (str_eq(str_of(*list), STR("*")) ||
		    (group.len > 0 && str_eq(group, str_of(*list))))
			return true;
	return false;
}

uint16_t proxy_groups_rights(const struct auth_options *options, struct str groups)
{
	uint16_t rights = 0;
	struct str group;

	if (!groups.at)
		groups = STR("");
	while (str_cut(&groups, ',', &group)) {
		group = str_trim(group);
		if (is_listed(group, options->admins))
			rights |= role_rights(ROLE_ADMIN);
		if (is_listed(group, options->listeners))
			rights |= role_rights(ROLE_LISTENER);
	}
	return rights;
}
