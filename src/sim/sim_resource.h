/*
 * A call and a recording as resources of the simulated Twilio: the fields of Twilio's OpenAPI
 * document (api v2010), all of them, null where there is nothing to say.
 */
#pragma once

struct json;
struct sim_call;
struct sim_recording;

/* Each appends one object. */
void sim_write_recording(struct json *json, const struct sim_recording *recording);
void sim_write_call(struct json *json, const struct sim_call *call);
