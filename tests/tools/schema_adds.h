/* A version to come that only adds: older processes go on beside it.  For the table of migrations in schema/schema.c. */
{ .sqlite = "ALTER TABLE calls ADD COLUMN to_come BIGINT;",
  .postgres = "ALTER TABLE calls ADD COLUMN to_come BIGINT;" },
