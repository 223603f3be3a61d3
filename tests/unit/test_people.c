#include "auth/people.h"

#include "auth_fixture.h"

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static void test_names(void)
{
	static const struct {
		const char *text, *name; /* NULL: it is none */
	} cases[] = {
		{ "dana", "dana" },
		{ "Dana.K", "dana.k" },
		{ "ruth@Example.com", "ruth@example.com" },
		{ "a+b-c_d.0", "a+b-c_d.0" },
		{ "", NULL },
		{ "two words", NULL },
		{ "dana\n", NULL },
		{ "<b>", NULL },
		{ "\xd7\x93", NULL },
		{ "a/b", NULL },
		{ "0123456789012345678901234567890123456789012345678901234567890123",
		  "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "01234567890123456789012345678901234567890123456789012345678901234", NULL },
	};
	char name[USER_NAME_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool good = people_name(str_of(cases[i].text), name, &err);

		OK(good == (cases[i].name != NULL), "'%s' is %s", cases[i].text,
		   cases[i].name ? "a name" : "none");
		if (good && cases[i].name)
			IS_STR(str_of(name), str_of(cases[i].name), "as it is stored");
	}
	OK(!people_name(((struct str){ "a\0b", 3 }), name, &err), "a NUL is in no name");
}

static bool change(const char *name, enum people_action action, const char *new_name,
		   enum role role, struct people_change *out)
{
	change_user(out, name, action);
	if (new_name)
		str_fit(str_of(new_name), out->new_name, sizeof(out->new_name));
	out->role = role;
	return write_job(&out->job);
}

static enum err_kind refused(const char *name, enum people_action action, const char *new_name)
{
	struct people_change out;

	OK(!change(name, action, new_name, ROLE_LISTENER, &out), "%s is refused", name);
	return out.job.err.kind;
}

static void test_life(void)
{
	struct people_change out;
	char first[CREDENTIAL_SIZE];

	OK(change("noa", PEOPLE_ADD, NULL, ROLE_LISTENER, &out), "somebody is added");
	OK(out.secret.text[0] && out.user.id != 0, "with an invitation");
	memcpy(first, out.secret.text, sizeof(first));
	IS_INT(count_of("SELECT expires_at_ms - made_at_ms FROM credentials WHERE kind = 6"),
	       24 * 3600 * 1000, "for a day");
	IS_INT(refused("noa", PEOPLE_ADD, NULL), ERR_CONFLICT, "a name is had once");
	OK(change("noa", PEOPLE_RESET, NULL, ROLE_LISTENER, &out), "who forgot the password");
	OK(out.secret.text[0] && strcmp(first, out.secret.text) != 0, "gets another link");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE kind = 6"), 1,
	       "the first opens nothing any more");
	IS_INT(count_of("SELECT expires_at_ms - made_at_ms FROM credentials WHERE kind = 6"),
	       3600 * 1000, "it is good for an hour");
	OK(change("noa", PEOPLE_ROLE, NULL, ROLE_ADMIN, &out), "a role is changed");
	IS_INT(count_of("SELECT role FROM users WHERE name = 'noa'"), ROLE_ADMIN, "at once");
	OK(change("noa", PEOPLE_RENAME, "noa.b", ROLE_LISTENER, &out), "and a name");
	IS_INT(refused("noa", PEOPLE_DISABLE, NULL), ERR_NOT_FOUND, "the old one is nobody's");
	IS_INT(refused("noa.b", PEOPLE_RENAME, "ruth"), ERR_CONFLICT, "nor another's taken");
	OK(change("noa.b", PEOPLE_DELETE, NULL, ROLE_LISTENER, &out), "who leaves");
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE kind = 6"), 0,
	       "takes the invitation along");
	IS_STR(sql_text("SELECT group_concat(kind, ' ') FROM (SELECT kind FROM audit WHERE kind "
			"LIKE 'user_%' OR kind LIKE 'password_%' ORDER BY chain, seq)"),
	       STR("user_added password_reset user_role user_renamed user_deleted"),
	       "the audit has all that was done");
	IS_STR(sql_text("SELECT body FROM audit WHERE kind = 'user_renamed'"),
	       STR("{\"user\":\"noa\",\"new_name\":\"noa.b\"}"), "and what");
	OK(str_find_str(sql_text("SELECT group_concat(body) FROM audit"), str_of(first)) ==
		   sql_text("SELECT group_concat(body) FROM audit").len,
	   "but no secret");
}

static void add_credential(const char *user, int kind, const char *name)
{
	AUTO(free)
	char *text = xasprintf(
		"INSERT INTO credentials (id, kind, name, hash, user_id, rights, "
		"plays, plays_max, options, made_at_ms, changed_seq) SELECT (SELECT MAX(id) + 1000 + %d FROM "
		"users), %d, '%s', '', id, 1, 0, 0, 0, 1, 1 FROM users WHERE name = '%s'",
		kind, kind, name, user);

	sql(text);
}

static void test_disabling(void)
{
	struct people_change out;

	add_user("gil", ROLE_LISTENER);
	add_credential("gil", CREDENTIAL_SESSION, "session1");
	add_credential("gil", CREDENTIAL_DEVICE, "device01");
	add_credential("gil", CREDENTIAL_TOKEN, "token001");
	OK(change("gil", PEOPLE_DISABLE, NULL, ROLE_LISTENER, &out), "somebody is disabled");
	OK(out.job.change.what & PROJECTED_USER && out.job.change.user_id == out.user.id,
	   "the loops are told");
	IS_STR(sql_text("SELECT group_concat(name) FROM credentials"), STR("token001"),
	       "sessions and browsers are over, tokens are there for another day");
	OK(change("gil", PEOPLE_ENABLE, NULL, ROLE_LISTENER, &out), "and enabled");
	add_credential("gil", CREDENTIAL_SESSION, "session2");
	OK(change("gil", PEOPLE_END_SESSIONS, NULL, ROLE_LISTENER, &out), "signed out everywhere");
	IS_STR(sql_text("SELECT group_concat(name) FROM credentials"), STR("token001"),
	       "sessions alone");
}

static void test_last_administrator(void)
{
	struct people_change out;

	IS_INT(refused("ruth", PEOPLE_DISABLE, NULL), ERR_CONFLICT, "the last administrator");
	IS_INT(refused("ruth", PEOPLE_DELETE, NULL), ERR_CONFLICT, "is not deleted either");
	IS_INT(refused("ruth", PEOPLE_ROLE, NULL), ERR_CONFLICT, "nor made a listener");
	add_user("second", ROLE_ADMIN);
	OK(change("ruth", PEOPLE_DISABLE, NULL, ROLE_LISTENER, &out), "one of two is");
	IS_INT(refused("second", PEOPLE_DISABLE, NULL), ERR_CONFLICT, "then not the other");
}

/* With auth = proxy: by the server, or by a command for one that is stopped. */
static void test_source(void)
{
	struct people_change out;
	struct auth_actor actor = { .rights = RIGHTS_ALL };

	sql("INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) "
	    "VALUES (900001, 1, 'gil', 1, 0, 1, 1), (900002, 1, 'tal', 1, 0, 1, 1)");
	for (int is_command = 0; is_command < 2; is_command++) {
		auth->options.mode = is_command ? AUTH_UNSET : AUTH_PROXY;
		auth->options.command_for = AUTH_PROXY;
		OK(change("gil", PEOPLE_DISABLE, NULL, ROLE_LISTENER, &out),
		   "whom the proxy names is disabled");
		IS_STR(sql_text(
			       "SELECT group_concat(source || is_disabled, ' ') FROM (SELECT * FROM "
			       "users WHERE name = 'gil' ORDER BY source)"),
		       STR("00 11"), "and not the account of the same name");
		OK(change("gil", PEOPLE_ENABLE, NULL, ROLE_LISTENER, &out), "and enabled");
		OK(!people_change_init(&out, auth, &actor, PEOPLE_ADD, STR("new"), &err) &&
			   err.kind == ERR_INVALID,
		   "nobody is added");
		IS_INT(refused("tal", PEOPLE_RESET, NULL), ERR_CONFLICT, "no password is reset");
	}
	auth->options.mode = AUTH_UNSET;
	auth->options.command_for = AUTH_PASSWORD;
	IS_INT(refused("tal", PEOPLE_DISABLE, NULL), ERR_NOT_FOUND,
	       "accounts of our own are meant where people sign in here");
	auth->options.mode = AUTH_PASSWORD;
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	add_user("ruth", ROLE_ADMIN);
	test_names();
	test_life();
	test_disabling();
	test_last_administrator();
	test_source();
	fixture_close();
	return tap_end();
}
