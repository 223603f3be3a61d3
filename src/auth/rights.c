#include "auth/rights.h"

static const struct {
	const char *name;
	enum right right;
} names[] = {
	{ "play", RIGHT_PLAY },     { "read", RIGHT_READ },     { "link", RIGHT_LINK },
	{ "change", RIGHT_CHANGE }, { "status", RIGHT_STATUS }, { "admin", RIGHT_ADMIN },
};

uint16_t role_rights(enum role role)
{
	return role == ROLE_ADMIN ? RIGHTS_ALL : RIGHTS_LISTENER;
}

const char *role_text(enum role role)
{
	return role == ROLE_ADMIN ? "admin" : "listener";
}

bool role_of_text(struct str text, enum role *out)
{
	if (str_eq(text, STR("admin")))
		*out = ROLE_ADMIN;
	else if (str_eq(text, STR("listener")))
		*out = ROLE_LISTENER;
	else
		return false;
	return true;
}

void rights_add_text(struct buf *buf, uint16_t rights)
{
	const char *between = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(rights & names[i].right))
			continue;
		buf_add_text(buf, between);
		buf_add_text(buf, names[i].name);
		between = ",";
	}
}

static uint16_t right_of_name(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, str_of(names[i].name)))
			return names[i].right;
	return 0;
}

bool rights_of_text(struct str text, uint16_t *out, struct err *err)
{
	uint16_t rights = 0;
	struct str name;

	while (str_cut(&text, ',', &name)) {
		uint16_t right = right_of_name(name);

		if (right == 0)
			return err_set(
				err, ERR_INVALID,
				"'%.*s' is not a right: play, read, link, change, status, admin",
				STR_ARG(str_first(name, 40)));
		if (rights & right)
			return err_set(err, ERR_INVALID, "'%.*s' is given twice", STR_ARG(name));
		rights |= right;
	}
	*out = rights;
	return true;
}
