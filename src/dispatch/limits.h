/*
 * How much may be asked of each account at once, and whether it may be asked at all.
 *
 * An account's limit is `concurrency` until Twilio says "too many" (429): then it is halved, at most
 * once a second, and grows by one with each full round of successes (additive increase,
 * multiplicative decrease).
 *
 * An account is paused when Twilio refuses its credentials: by 401, or by 403 for three recordings in a
 * row with no success between them, for a single 403 concerns its recording alone.  One recording a
 * minute is then tried all the same, whoever waits for it; one success of what began since ends the pause.  Only
 * answers of the API's own host count: what a host that it redirected to thinks of a request says nothing about
 * credentials.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "flights/flight.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct accounts;
struct limits;
struct queue_share;

struct limits *limits_new(const struct accounts *accounts, unsigned concurrency,
			  unsigned player_slots);
void limits_free(struct limits *limits);
/* An account that Twilio has not limited may have the new number at once; one that it has grows to it. */
void limits_change(struct limits *limits, unsigned concurrency, unsigned player_slots);

/* The counters of an account's slots, for flights to move (flight.h); of all accounts in no setting together. */
unsigned *limits_slots(struct limits *limits, const char *account_sid);

/* How many flights of an account may begin now, were they of that rank. */
unsigned limits_room(const struct limits *limits, const char *account_sid, enum flight_rank rank,
		     int64_t now_ms);
/* How long it is to be left alone; 0: it may be asked. */
int64_t limits_paused_ms(const struct limits *limits, const char *account_sid, int64_t now_ms);
/* Its credentials are refused, and were not accepted since. */
bool limits_is_paused(const struct limits *limits, const char *account_sid);
/* A flight of it begins: where it is paused, this is the minute's one, if a request goes out (limits_told()). */
void limits_begin(struct limits *limits, const char *account_sid, int64_t now_ms);
/* What came back of one. */
void limits_told(struct limits *limits, const struct flight *flight,
		 const struct flight_result *result, int64_t now_ms);

/* For a claim: what each account of the settings may have of it.  The array has limits_count() rows. */
size_t limits_count(const struct limits *limits);
void limits_shares(const struct limits *limits, int64_t now_ms, struct queue_share *out);
/* When a paused account may be tried next: in so many ms; -1: none is paused. */
int64_t limits_next_ms(const struct limits *limits, int64_t now_ms);
