/*
 * One flight of RECORDING on what flights_fixture.h makes, flown turn by turn, for the tests of a flight's files.
 */
#pragma once

#include "catalog/catalog_private.h"
#include "flights/flight.h"
#include "flights_fixture.h"

/* What a flight's owner hears. */
static int landed, turned;
static struct flight_result last;
static struct flight *flight;
static struct str whole; /* the media: 6191 bytes, 2 s */

static void flight_landed(struct flight *of)
{
	landed++;
}

static void flight_turned(struct flight *of, const struct flight_result *result)
{
	turned++;
	last = *result;
}

static struct flight_owner owner = { .landed = flight_landed, .turned = flight_turned };

static bool has_turned(void)
{
	return turned > 0;
}

__attribute__((unused)) static void fly_begin(void)
{
	turned = landed = 0;
	if (flight->state == FLIGHT_WAITING)
		flight_queue(flight);
	flight_begin(flight);
}

/* One turn, to its end. */
static void fly(void)
{
	fly_begin();
	until(has_turned);
}

/* What the upstream answers from now on, where RECORDING's media is asked for with two channels. */
__attribute__((unused)) static void upstream_answers(const char *raw, struct str media,
						     enum then then)
{
	static struct answer media_answer;

	media_answer = (struct answer){ MEDIA, raw, then };
	server_forget(&server);
	server.media = media;
	server_answers(&media_answer, 1);
}

/* A turn in which the upstream answers so. */
__attribute__((unused)) static void fly_on(const char *raw, struct str media)
{
	upstream_answers(raw, media, THEN_CLOSE);
	fly();
}

#define WHOLE   "HTTP/1.1 200 OK\r\nContent-Length: @L\r\n\r\n@M"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define RANGED \
	"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\nContent-Length: 6191\r\n\r\n@M"

static struct attempt attempts[8]; /* of RECORDING, the newest first */
static size_t attempt_count;

__attribute__((unused)) static void read_attempts(void)
{
	must(catalog_begin(reader, &err) &&
	     attempts_list(reader, STR(RECORDING), attempts, ARRAY_LEN(attempts), &attempt_count,
			   &err));
	catalog_rollback(reader);
}

static bool run_requeue(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return recordings_requeue(catalog, STR(RECORDING), clock_wall_ms(), why);
}

static bool run_sql(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return db_exec(catalog->db, fixture_write.what, why);
}

__attribute__((unused)) static void write_sql(const char *sql)
{
	write_now(run_sql, sql);
}

/* RECORDING waits to be fetched, and a flight of it has not begun. */
static void begin_anew(void)
{
	flight_free(TAKE(flight));
	write_now(run_requeue, NULL);
	flight_lists_init(&owner.lists);
	flight = flight_new(&env, RECORDING, CALL, ACCOUNT, &owner, FLIGHT_NEW, FLIGHT_QUEUED);
}

static void release_flight(void)
{
	flight_free(flight);
}

static void one_flight_start(void)
{
	fixture_start();
	whole = audio_read("mp3-mono-22k.mp3");
	tell_completed(2);
}

static int one_flight_stop(void)
{
	fixture_stop(release_flight);
	free((char *)(uintptr_t)whole.at);
	return tap_end();
}
