#include "tables/table_list.h"

#include "base/compiler.h"

/* Events of a file are stream 0, which on a server is that of turns (catalog/events.h). */
#define OF_TURNS .part = "stream = 0", .part_columns = "stream"

const struct table_entry tables_moved[] = {
	{ .name = "upkeep", .key = { "name" } },
	{ .name = "events", .key = { "seq" }, OF_TURNS },
	{ .name = "events_set_aside", .key = { "event_seq" }, OF_TURNS },
	{ .name = "calls", .key = { "id" }, .name_column = "call_sid" },
	{ .name = "call_numbers", .key = { "digits", "started_at_ms", "call_id" } },
	{ .name = "number_parts", .key = { "part", "digits" } },
	{ .name = "recordings", .key = { "id" }, .name_column = "recording_sid" },
	{ .name = "attempts", .key = { "id" } },
	{ .name = "removals", .key = { "seq" } },
	{ .name = "notices", .key = { "seq" } },
	{ .name = "notify_state", .key = { "id" } },
	{ .name = "upstream_deletions", .key = { "seq" } },
	{ .name = "verifications", .key = { "pass" } },
	{ .name = "store_faults", .key = { "path" } },
	{ .name = "reconciliations", .key = { "account_sid" } },
	{ .name = "imports", .key = { "account_sid" } },
	{ .name = "users", .key = { "id" }, .name_column = "name" },
	{ .name = "credentials", .key = { "id" }, .name_column = "name" },
	{ .name = "sign_in_failures", .key = { "name_hash" } },
	{ .name = "audit_chains", .key = { "chain" } },
	{ .name = "audit", .key = { "chain", "seq" } },
};
const size_t tables_moved_count = ARRAY_LEN(tables_moved);

const struct table_left tables_left[] = {
	{ "schema_version", "the other database has its own" },
	{ "turns", "of the counters only the last row is read: it becomes the first one there" },
	{ "sqlite_sequence",
	  "the number of the last attempt, from which the other database goes on" },
	{ "sqlite_stat1", "what SQLite counted for its plans" },
	{ "sqlite_stat4", "the same" },
	{ "processes", "who serves from a ledger on a server: it begins with none" },
	{ "leases", "what they fetch just now" },
	{ "departing", "the move itself" },
	{ "departing_notes", "the move itself" },
	{ "migration", "the move itself" },
};
const size_t tables_left_count = ARRAY_LEN(tables_left);
