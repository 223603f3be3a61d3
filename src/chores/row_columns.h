/*
 * A struct that is a row: which member stands in which column, said once for reading and for writing.
 */
#pragma once

#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum row_kind { ROW_NUMBER, ROW_TRUTH, ROW_TEXT };

struct row_column {
	enum row_kind kind;
	size_t at, size;
};

#define ROW_COLUMN(kind, type, member)                                       \
	{                                                                    \
		kind, offsetof(type, member), sizeof(((type *)NULL)->member) \
	}
/* An int64_t, a bool, an array of characters. */
#define NUMBER_COLUMN(type, member) ROW_COLUMN(ROW_NUMBER, type, member)
#define TRUTH_COLUMN(type, member)  ROW_COLUMN(ROW_TRUTH, type, member)
#define TEXT_COLUMN(type, member)   ROW_COLUMN(ROW_TEXT, type, member)

/* From the column `first` of the row on; a text that is too long is cut. */
void row_read(const struct db_stmt *stmt, int first, const struct row_column *columns, size_t count,
	      void *out);
/* As the parameters `first`, and so on. */
void row_bind(struct db_stmt *stmt, int first, const struct row_column *columns, size_t count,
	      const void *row);
