#include "auth/rights.h"

#include "tap.h"

static void test_reading(void)
{
	static const struct {
		const char *text;
		bool good;
		unsigned rights;
	} cases[] = {
		{ "play", true, RIGHT_PLAY },
		{ "play,link", true, RIGHT_PLAY | RIGHT_LINK },
		{ "link,play", true, RIGHT_PLAY | RIGHT_LINK },
		{ "play,read,link,change,status,admin", true, RIGHTS_ALL },
		{ "", false, 0 },
		{ "play,", false, 0 },
		{ "play, link", false, 0 },
		{ "Play", false, 0 },
		{ "play,play", false, 0 },
		{ "root", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		uint16_t rights = 0;
		bool good = rights_of_text(str_of(cases[i].text), &rights, &err);

		OK(good == cases[i].good && (good || err.kind == ERR_INVALID), "'%s' is %s",
		   cases[i].text, cases[i].good ? "taken" : "refused");
		IS_INT(rights, cases[i].rights, "the rights of '%s'", cases[i].text);
	}
}

static void test_writing(void)
{
	char text[RIGHTS_TEXT_MAX];
	struct buf buf;

	buf_over(&buf, text, sizeof(text));
	rights_add_text(&buf, RIGHTS_ALL);
	OK(buf_ok(&buf), "all names fit into RIGHTS_TEXT_MAX");
	IS_STR(buf_str(&buf), STR("play,read,link,change,status,admin"), "all rights");
	buf_clear(&buf);
	rights_add_text(&buf, RIGHT_STATUS);
	IS_STR(buf_str(&buf), STR("status"), "one right");
}

static void test_roles(void)
{
	enum role role;

	IS_INT(role_rights(ROLE_LISTENER), RIGHT_PLAY | RIGHT_READ | RIGHT_LINK,
	       "a listener plays, reads and makes links");
	IS_INT(role_rights(ROLE_ADMIN), RIGHTS_ALL, "an administrator may all");
	OK(role_of_text(STR("admin"), &role) && role == ROLE_ADMIN, "'admin' is a role");
	OK(role_of_text(STR("listener"), &role) && role == ROLE_LISTENER, "'listener' is a role");
	OK(!role_of_text(STR("owner"), &role), "'owner' is none");
	IS_STR(str_of(role_text(ROLE_ADMIN)), STR("admin"), "its name");
	IS_STR(str_of(role_text(ROLE_LISTENER)), STR("listener"), "the other's");
}

int main(void)
{
	test_reading();
	test_writing();
	test_roles();
	return tap_end();
}
