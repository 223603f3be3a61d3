#include "chores/row_columns.h"

#include "catalog/catalog_sql.h"

void row_read(const struct db_stmt *stmt, int first, const struct row_column *columns, size_t count,
	      void *out)
{
	for (size_t i = 0; i < count; i++) {
		void *at = (char *)out + columns[i].at;
		int column = first + (int)i;

		switch (columns[i].kind) {
		case ROW_NUMBER:
			*(int64_t *)at = db_column_int(stmt, column);
			break;
		case ROW_TRUTH:
			*(bool *)at = db_column_int(stmt, column) != 0;
			break;
		case ROW_TEXT:
			text_set(at, columns[i].size, db_column_str(stmt, column));
			break;
		}
	}
}

void row_bind(struct db_stmt *stmt, int first, const struct row_column *columns, size_t count,
	      const void *row)
{
	for (size_t i = 0; i < count; i++) {
		const void *at = (const char *)row + columns[i].at;
		int n = first + (int)i;

		switch (columns[i].kind) {
		case ROW_NUMBER:
			db_bind_int(stmt, n, *(const int64_t *)at);
			break;
		case ROW_TRUTH:
			db_bind_int(stmt, n, *(const bool *)at);
			break;
		case ROW_TEXT:
			db_bind_str(stmt, n, str_of(at));
			break;
		}
	}
}
