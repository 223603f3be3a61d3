/*
 * A recording that Twilio encrypted: nothing of it is sniffed, sent or stored before its tag was found to fit.
 *
 *	details are read, a key is there	else the turn ends, and nothing is asked for
 *	all of it is here (CHECKING)		the ciphertext, in arriving/
 *	a sealer opens it			into a file without a name, sniffed on its way
 *	the facts are judged again		as those of any other: SEALING, or why not
 */
#include "flights/flight_private.h"

#include "base/own.h"
#include "blob/blob.h"
#include "flights/flight_env.h"

#include <stdio.h>
#include <stdlib.h>

static void blame(struct flight *flight, enum verdict_cipher cipher)
{
	flight->try->facts = (struct verdict_facts){
		.outcome = TRANSFER_OK, .retry_after_ms = -1, .announced_s = -1, .cipher = cipher
	};
}

static void name_keys(struct verdict_facts *facts, const char *public_key_sid,
		      const char *fingerprint)
{
	snprintf(facts->detail, sizeof(facts->detail), "public key %s%s%s", public_key_sid,
		 fingerprint[0] ? ", private key " : "", fingerprint);
}

/* There was no room to open it: it need not come once more. */
static bool is_whole(struct flight *flight)
{
	const struct arrival *arrival = &flight->arrival;

	if (!arrival->file || arrival->file->size != arrival->length)
		return false;
	blame(flight, CIPHER_CLOSED);
	flight->try->facts.bytes = arrival->length;
	return true;
}

bool flight_read_details(struct flight *flight)
{
	struct try *try = flight->try;
	char fingerprint[PRIVATE_KEY_FINGERPRINT];
	struct err err;

	if (!encryption_details_read(str_of(try->encryption), &try->details, &err)) {
		blame(flight, CIPHER_UNREADABLE);
		str_fit(str_of(err.text), try->facts.detail, sizeof(try->facts.detail));
		return false;
	}
	if (flight->env->vault &&
	    vault_finds(flight->env->vault, try->details.public_key_sid, fingerprint))
		return !is_whole(flight);
	blame(flight, CIPHER_NO_KEY);
	name_keys(&try->facts, try->details.public_key_sid, "");
	return false;
}

void flight_learn_details(struct flight *flight, struct str told)
{
	struct try *try = flight->try;
	struct encryption_details details;
	struct err err;

	if (!told.at || !encryption_details_read(told, &details, &err) ||
	    encryption_details_equal(&details, &try->details))
		return;
	free(try->new_details);
	try->new_details = str_dup(told);
	try->facts.has_new_details = true;
}

/* ---- opening, on a sealer ---- */

static bool take_plain(struct vault_sink *sink, struct str bytes, struct err *err)
{
	struct try *try = container_of(sink, struct try, sink);

	if (!blob_arriving_write(try->plain, bytes, err))
		return false;
	sniff_feed(&try->plain_sniff, bytes.at, bytes.len);
	return true;
}

static void run_open(struct job *job)
{
	struct try *try = container_of(job, struct try, open_job);
	const struct flight *flight = try->flight;
	const struct blob_arriving *sealed = flight->arrival.file;

	sniff_init(&try->plain_sniff);
	try->sink.take = take_plain;
	try->opened = VAULT_FAILED;
	if (blob_arriving_open_unnamed(flight->env->store, str_of(flight->recording_sid),
				       flight->generation, &try->plain, &try->open_err))
		try->opened = vault_decrypt(flight->env->vault, &try->details, sealed->fd,
					    sealed->size, &try->sink, &try->open_err);
}

/* ---- and then, on the loop ---- */

/* What was opened takes the place of what arrived. */
static bool take_opened(struct flight *flight, struct err *err)
{
	struct arrival *arrival = &flight->arrival;
	struct try *try = flight->try;
	int reader_fd;

	if (!blob_arriving_reader(try->plain, &reader_fd, err))
		return false;
	arrival_discard(arrival);
	arrival->file = TAKE(try->plain);
	arrival->reader_fd = reader_fd;
	arrival->sniff = try->plain_sniff;
	arrival->length = arrival->file->size;
	arrival->is_opened = true;
	try->facts.cipher = CIPHER_NONE;
	try->facts.bytes = arrival->file->size;
	verdict_hear(&try->facts, &arrival->sniff, true);
	return true;
}

static void blame_key(struct flight *flight)
{
	struct try *try = flight->try;
	char fingerprint[PRIVATE_KEY_FINGERPRINT];

	if (!vault_finds(flight->env->vault, try->details.public_key_sid, fingerprint))
		fingerprint[0] = '\0'; /* it was taken away meanwhile */
	name_keys(&try->facts, try->details.public_key_sid, fingerprint);
}

static void read_result(struct flight *flight)
{
	struct verdict_facts *facts = &flight->try->facts;

	switch (flight->try->opened) {
	case VAULT_OPENED:
		if (!take_opened(flight, &flight->try->open_err))
			verdict_blame_store(facts, &flight->try->open_err);
		break;
	case VAULT_NO_KEY:
		facts->cipher = CIPHER_NO_KEY;
		blame_key(flight);
		break;
	case VAULT_WRONG_KEY:
		facts->cipher = CIPHER_WRONG_KEY;
		blame_key(flight);
		break;
	case VAULT_FORGED:
		facts->cipher = CIPHER_FORGED;
		snprintf(facts->detail, sizeof(facts->detail), "%llu bytes, whose tag does not fit",
			 (unsigned long long)facts->bytes);
		break;
	case VAULT_FAILED:
		verdict_blame_store(facts, &flight->try->open_err);
		break;
	}
}

static void opened(struct job *job)
{
	struct flight *flight = container_of(job, struct try, open_job)->flight;

	flight->try->is_handed_over = false;
	if (!flight->env->sealers)
		return; /* stopping: the next start fetches it anew */
	if (flight->is_abandoned) {
		flight_end_deleted(flight);
		return;
	}
	read_result(flight);
	flight_judge(flight);
	/* It is known to be audio now, and authentic: players need not wait for the disk. */
	if (flight->state == FLIGHT_SEALING)
		flight_tell(flight);
}

void flight_open_cipher(struct flight *flight)
{
	struct try *try = flight->try;

	if (flight->state == FLIGHT_ASKING)
		flight_enter(flight, FLIGHT_CHECKING);
	try->open_job =
		(struct job){ .run = run_open, .done = opened, .reply = flight->env->mailbox };
	try->is_handed_over = true;
	workers_post(flight->env->sealers, &try->open_job);
}
