/*
 * A ledger with recordings that are announced, and stored.
 */
#pragma once

#include "ledger_fixture.h"

#define NOON 1700000000000

static struct err err;
static struct ledger ledger;

static struct str announce(unsigned n, char sid[SID_SIZE])
{
	struct projection_result result;
	char call_sid[SID_SIZE];
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", n, call_sid);
	event.recording_sid = sid_text("RE", n, sid);
	event.status = STR("completed");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	return str_of(sid);
}

__attribute__((unused)) static struct str store(unsigned n, char sid[SID_SIZE])
{
	struct recording_media media = {
		.stored_at_ms = NOON, .generation = n, .size = 9, .format = "mp3", .path = "3f/x"
	};

	announce(n, sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, str_of(sid), &media, &err));
	MUST(catalog_commit(ledger.writer, &err));
	return str_of(sid);
}
