/*
 * A ledger that runs, with recordings that lie in files, and a bucket that they go to.
 */
#pragma once

#include "blob/blob.h"
#include "bucket_store.h"
#include "migrate/migration.h"
#include "running_ledger.h"
#include "tables/departure.h"

#define STORE "s3://bucket/calls"

static char *endpoint;

/* The first two digits of a call's SID are its folder: of these "00". */
static void name_of(unsigned n, char out[BLOB_NAME_SIZE])
{
	char call[40], sid[40];

	snprintf(call, sizeof(call), "CA%032x", n);
	snprintf(sid, sizeof(sid), "RE%032x", n);
	MUST(blob_name_make(str_of(call), str_of(sid), n, STR("mp3"), out, &err));
}

static char *file_of(unsigned n)
{
	char name[BLOB_NAME_SIZE];

	name_of(n, name);
	return xasprintf("%s/recordings/%s", folder, name);
}

static void bytes_of(unsigned n, char out[64])
{
	snprintf(out, 64, "the sound of recording %06u", n);
}

static void write_file(unsigned n)
{
	AUTO(free) char *file_path = file_of(n);
	FILE *file = fopen(file_path, "w");
	char bytes[64];

	bytes_of(n, bytes);
	if (!file || fputs(bytes, file) < 0 || fclose(file) != 0)
		abort();
}

__attribute__((unused)) static void remove_file(unsigned n)
{
	AUTO(free) char *file_path = file_of(n);

	if (unlink(file_path) != 0)
		abort();
}

/* A recording that is stored, with that id, and its file. */
static void add_recording(unsigned n)
{
	AUTO(free) char *text = NULL;
	char bytes[64], name[BLOB_NAME_SIZE], sha256[SHA256_HEX];
	uint8_t digest[SHA256_BYTES];
	struct buf hex;

	write_file(n);
	bytes_of(n, bytes);
	name_of(n, name);
	sha256_of(str_of(bytes), digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	text = xasprintf(
		"INSERT INTO recordings (id, recording_sid, call_sid, state, upstream, is_held, "
		"is_duration_off, channels_wanted, tries, changed_seq, generation, size, sha256, path, "
		"format, stored_at_ms) VALUES "
		"(%u, 'RE%032x', 'CA%032x', 3, 1, 0, 0, 2, 0, 1, %u, %zu, '%s', '%s', 'mp3', 1)",
		n, n, n, n, strlen(bytes), sha256, name);
	sql(text);
}

static char *key_of(unsigned n)
{
	char name[BLOB_NAME_SIZE];

	name_of(n, name);
	return xasprintf("calls/%s", name);
}

static bool is_there(unsigned n)
{
	AUTO(free) char *key = key_of(n);
	char bytes[64];

	bytes_of(n, bytes);
	return bucket_has(key, bytes);
}

/* What a server lends to who moves. */
static struct migration_server lent(void)
{
	return (struct migration_server){
		.ledger_file = path,
		.ledger = ledger,
		.s3 = { .endpoint = endpoint,
			.access_key_id = "id",
			.secret_access_key = "secret" },
		.puts = 2,
		.data_dir = folder,
	};
}

static void run_in_folder(const char *command)
{
	AUTO(free) char *whole = xasprintf("cd %s && %s", folder, command);

	MUST(system(whole) == 0 || err_set(&err, ERR_INTERNAL, "%s", command));
}

static void moving_open(void)
{
	endpoint = bucket_start();
	running_open();
	MUST(ledger_start(ledger, &err));
	run_in_folder("mkdir -p recordings/00");
}

static void moving_remove(void)
{
	ledger_stop(ledger);
	run_in_folder("rm -rf recordings* arriving cache");
	running_remove();
	bucket_stop();
	free(endpoint);
}
