/*
 * A call as JSON: the one form of it, in the list, in its details and in events.
 *
 * Thread: any; what `web` says of retention may change meanwhile.
 */
#pragma once

struct arriving;
struct call;
struct call_row;
struct json;
struct recording;
struct web;

/* A call with its main recording, as a row of the list. */
void call_json_add_row(struct json *json, const struct web *web, const struct call_row *row);

/* The same in parts.  The object stays open, within its array of recordings. */
void call_json_open(struct json *json, const struct call *call);
/* The object stays open: attempts may follow. */
void call_json_open_recording(struct json *json, const struct web *web, const struct call *call,
			      const struct recording *recording);
void call_json_close(struct json *json);

/* "bytes" and "total". */
void arriving_json_add(struct json *json, const struct arriving *arriving);
