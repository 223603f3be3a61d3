#include "accounts/users.h"

#include "accounts/credentials.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON     1700000000000
#define LISTENER 1
#define ADMIN    2

static struct err err;

static int64_t add(struct ledger *ledger, const char *name, enum user_source source, int role)
{
	struct user user = { .source = source, .role = role, .made_at_ms = NOON };

	str_fit(str_of(name), user.name, sizeof(user.name));
	MUST(catalog_begin(ledger->writer, &err));
	MUST(users_add(ledger->writer, &user, &err));
	MUST(catalog_commit(ledger->writer, &err));
	return user.id;
}

static void set_password(struct ledger *ledger, int64_t id)
{
	MUST(catalog_begin(ledger->writer, &err));
	MUST(users_set_password(ledger->writer, id, STR("$argon2id$x"), &err));
	MUST(catalog_commit(ledger->writer, &err));
}

static void test_names(struct ledger *ledger)
{
	struct user user = { .made_at_ms = NOON, .role = LISTENER }, found;
	int64_t dana = add(ledger, "dana", USER_OWN, LISTENER);
	size_t count;
	struct user list[4];

	MUST(users_find_name(ledger->writer, USER_OWN, STR("dana"), &found, &err));
	IS_INT(found.id, dana, "a user is found by name");
	IS_STR(str_of(found.password_hash), STR(""), "without a password at first");
	OK(!users_find_name(ledger->writer, USER_BY_PROXY, STR("dana"), &found, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "not in another source");
	OK(add(ledger, "dana", USER_BY_PROXY, LISTENER) != dana,
	   "whom a proxy calls the same is another");

	str_fit(STR("dana"), user.name, sizeof(user.name));
	MUST(catalog_begin(ledger->writer, &err));
	OK(!users_add(ledger->writer, &user, &err) && err.kind == ERR_CONFLICT,
	   "a name is had once");
	catalog_rollback(ledger->writer);

	add(ledger, "avi", USER_OWN, LISTENER);
	MUST(catalog_begin(ledger->writer, &err));
	OK(!users_rename(ledger->writer, dana, STR("avi"), &err) && err.kind == ERR_CONFLICT,
	   "nor taken by renaming");
	catalog_rollback(ledger->writer);
	MUST(catalog_begin(ledger->writer, &err));
	OK(users_rename(ledger->writer, dana, STR("dana.k"), &err), "another may be");
	OK(!users_rename(ledger->writer, 999999, STR("x"), &err) && err.kind == ERR_NOT_FOUND,
	   "of somebody who is there");
	MUST(catalog_commit(ledger->writer, &err));
	MUST(users_list(ledger->writer, STR("avi"), list, ARRAY_LEN(list), &count, &err));
	IS_INT(count, 2, "the list goes on after a name");
	IS_STR(str_of(list[0].name), STR("dana"), "in the order of names");
}

/* Tries one change in a transaction of its own; keeps it when it is taken. */
enum change { DISABLE, DEMOTE, DELETE };

static bool change(struct ledger *ledger, enum change what, int64_t id)
{
	bool done = false;

	MUST(catalog_begin(ledger->writer, &err));
	switch (what) {
	case DISABLE:
		done = users_set_disabled(ledger->writer, id, true, &err);
		break;
	case DEMOTE:
		done = users_set_role(ledger->writer, id, LISTENER, &err);
		break;
	case DELETE:
		done = users_delete(ledger->writer, id, &err);
		break;
	}
	if (done)
		MUST(catalog_commit(ledger->writer, &err));
	else
		catalog_rollback(ledger->writer);
	return done;
}

static void test_last_admin(struct ledger *ledger)
{
	int64_t first = add(ledger, "first", USER_OWN, ADMIN);
	int64_t second = add(ledger, "second", USER_OWN, ADMIN);
	int64_t listener = add(ledger, "listener", USER_OWN, LISTENER);
	bool any = true;

	MUST(users_any_enabled(ledger->writer, &any, &err));
	OK(!any, "who has no password cannot sign in");
	set_password(ledger, listener);
	MUST(users_any_enabled(ledger->writer, &any, &err));
	OK(any, "with one somebody can");
	MUST(users_any_admin(ledger->writer, &any, &err));
	OK(!any, "though no administrator");
	set_password(ledger, first);
	MUST(users_any_admin(ledger->writer, &any, &err));
	OK(any, "until one of them has a password");
	add(ledger, "by proxy", USER_BY_PROXY, ADMIN);
	for (enum change what = DISABLE; what <= DELETE; what++)
		OK(!change(ledger, what, first) && err.kind == ERR_CONFLICT,
		   "the last administrator stays: an invited one and a proxy's are none (%d)",
		   what);
	set_password(ledger, second);
	OK(change(ledger, DISABLE, first), "of two, one may be disabled");
	OK(!change(ledger, DELETE, second) && err.kind == ERR_CONFLICT, "then the other stays");
	OK(change(ledger, DELETE, first), "whoever is disabled may go");
	OK(!change(ledger, DELETE, first) && err.kind == ERR_NOT_FOUND, "once");
}

static void test_credentials_go(struct ledger *ledger)
{
	int64_t id = add(ledger, "leaving", USER_OWN, LISTENER);
	struct credential_row row = { .kind = CREDENTIAL_SESSION,
				      .user_id = id,
				      .made_at_ms = NOON };
	struct user owner;

	str_fit(STR("leaving1"), row.name, sizeof(row.name));
	MUST(catalog_begin(ledger->writer, &err));
	MUST(credentials_add(ledger->writer, &row, &err));
	MUST(catalog_commit(ledger->writer, &err));
	OK(change(ledger, DELETE, id), "a listener is deleted");
	OK(!credentials_find(ledger->writer, STR("leaving1"), &row, &owner, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "and the sessions with the account");
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_names(&ledger);
	test_last_admin(&ledger);
	test_credentials_go(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
