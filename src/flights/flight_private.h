/*
 * What the files of a flight share, from the ground up: flight_state.c (where it is),
 * flight_news.c (what mirrors hear), flight_end.c (how a turn ends), flight_cipher.c (opening what is encrypted),
 * flight.c (how it begins and what came back).
 */
#pragma once

#include "flights/flight.h"
#include "flights/try.h"

#include <stdbool.h>
#include <stdint.h>

/* flight_state.c: the only way to another state, its list and its counters. */
void flight_enter(struct flight *flight, enum flight_state state);
/* Onto the list of its state, when it is made. */
void flight_join_list(struct flight *flight);
bool flight_is_over(const struct flight *flight);

/* flight_news.c */
/* Some of it is known to be audio, and may be sent. */
bool flight_is_flowing(const struct flight *flight);
/* Something changed that players want to know: every update that is here leaves. */
void flight_tell(struct flight *flight);
void flight_clear_reason(struct flight *flight);
/* It came further, or to another state: whoever looks at all flights (media/arriving.h) is told so. */
void flight_show(struct flight *flight);
void flight_hide(struct flight *flight);

/* flight.c */
/* The facts of the try are judged, and what the verdict says is begun. */
void flight_judge(struct flight *flight);
/* Deleted here meanwhile: what is under way is given up. */
void flight_end_deleted(struct flight *flight);

/* flight_cipher.c: what Twilio encrypted */
/* False: there is nothing to be asked for, as it cannot be opened, or all of it is here already; the facts say why. */
bool flight_read_details(struct flight *flight);
/* The metadata came, and says this of the encryption (at == NULL: nothing). */
void flight_learn_details(struct flight *flight, struct str told);
/* All of it is here: opens it on a sealer, then judges again. */
void flight_open_cipher(struct flight *flight);

/* follow.c */
/* What it follows is let go; as often as you like.  The file stays. */
void flight_unfollow(struct flight *flight);
/* The file is a worker's, whose answer is waited for. */
bool flight_is_reading(const struct flight *flight);

/* flight_end.c */
void flight_begin_try(struct flight *flight);
/* Cancels what is under way. */
void flight_free_try(struct flight *flight);
/* A write of this flight's to the ledger: one at a time. */
void flight_write_ledger(struct flight *flight,
			 bool (*run)(struct ledger_job *job, struct catalog *catalog,
				     struct err *err),
			 void (*done)(struct ledger_job *job));
/*
 * The ledger did not take a write.  ERR_CONFLICT, ERR_NOT_FOUND: others decided what becomes of the recording,
 * the flight is over.  Else nothing is known to have changed: the turn is taken again later.
 */
/* ASKING: another process fetches it. */
void flight_end_elsewhere(struct flight *flight);
void flight_ledger_failed(struct flight *flight, const struct err *err);
/* Enters the state, tells the mirrors, then the scheduler. */
void flight_end_turn(struct flight *flight, enum flight_state state, int64_t wait_ms);
/* As the verdict says. */
void flight_seal(struct flight *flight);
void flight_end_without_media(struct flight *flight);
