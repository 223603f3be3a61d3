/* The same, and behind it one that takes away what those need that do not know the first. */
#include "schema_adds.h"
{ .sqlite = "ALTER TABLE calls ADD COLUMN taken BIGINT;",
  .postgres = "ALTER TABLE calls ADD COLUMN taken BIGINT;",
  .takes_away = true },
