/*
 * All tables as PostgreSQL has them, at version SCHEMA_POSTGRES_VERSION: a ledger there begins with it.  What comes after is a
 * migration of both (schema.c).
 */
#pragma once

#define SCHEMA_POSTGRES_VERSION 22

extern const char schema_postgres[];
