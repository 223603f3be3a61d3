/*
 * Finding calls by the end of a telephone number.
 *
 * People know numbers as they dial them at home (050-1234567), the ledger has them
 * as E.164 (+972501234567): what both have in common is the end.  So each address of
 * a call is indexed with its digits reversed, and "ends in" is a range of the index.
 *
 *	call_numbers (digits, started_at_ms, call_id)
 *
 * Below one number the calls stand in the order of the list, so that a number with a
 * million calls (the product's own) is paged like the list itself.  started_at_ms is
 * a copy: whoever changes it or an address of a call removes and adds its rows here.
 */
#include "catalog/catalog_private.h"

static void reverse_digits(struct str text, char out[DIGITS_MAX + 1])
{
	size_t len = 0;

	for (size_t i = text.len; i > 0 && len < DIGITS_MAX; i--)
		if (ascii_is_digit(text.at[i - 1]))
			out[len++] = text.at[i - 1];
	out[len] = '\0';
}

void digits_of_address(struct str address, char out[DIGITS_MAX + 1])
{
	out[0] = '\0';
	if (str_starts_nocase(address, STR("client:")))
		return;
	/* "sip:+97250...@host": the host's digits are nobody's number. */
	reverse_digits(str_first(address, str_find(address, '@')), out);
	if (strlen(out) < CALL_NUMBER_DIGITS_MIN)
		out[0] = '\0';
}

void digits_of_search(struct str typed, char out[DIGITS_MAX + 1])
{
	size_t len;

	reverse_digits(typed, out);
	len = strlen(out);
	while (len && out[len - 1] == '0') /* reversed: the leading zeros stand last */
		len--;
	out[len] = '\0';
}

static bool change(struct catalog *catalog, const char *sql, const char *digits,
		   const struct call *call, struct err *err)
{
	struct db_stmt *stmt;

	if (!*digits)
		return true;
	if (!db_prepare(catalog->db, sql, &stmt, err))
		return false;
	db_bind_str(stmt, 1, str_of(digits));
	db_bind_int(stmt, 2, call->started_at_ms);
	db_bind_int(stmt, 3, call->id);
	return db_run(stmt, err);
}

static bool change_both(struct catalog *catalog, const char *sql, const struct call *call,
			struct err *err)
{
	char from[DIGITS_MAX + 1], to[DIGITS_MAX + 1];

	digits_of_address(str_of(call->from), from);
	digits_of_address(str_of(call->to), to);
	return change(catalog, sql, from, call, err) && change(catalog, sql, to, call, err);
}

bool numbers_index_add(struct catalog *catalog, const struct call *call, struct err *err)
{
	/* A call to oneself has one row. */
	return change_both(catalog,
			   "INSERT INTO call_numbers (digits, started_at_ms, call_id) "
			   "VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			   call, err);
}

bool numbers_index_remove(struct catalog *catalog, const struct call *call, struct err *err)
{
	return change_both(catalog,
			   "DELETE FROM call_numbers "
			   "WHERE digits = $1 AND started_at_ms = $2 AND call_id = $3",
			   call, err);
}
