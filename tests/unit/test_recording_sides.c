#include "play/recording_sides.h"

#include "tap.h"

#define TELEPHONE "+15550001111"
#define SIP       "sip:desk@example.test"

int main(void)
{
	static const struct {
		const char *direction, *from, *to, *parent_call_sid, *source;
		int channels;
		enum recording_sides want;
		const char *name;
	} rows[] = {
		{ "inbound", TELEPHONE, TELEPHONE, "", "DialVerb", 2, RECORDING_CUSTOMER_FIRST,
		  "who calls from a telephone is the customer" },
		{ "inbound", TELEPHONE, TELEPHONE, "", "StartCallRecordingAPI", 2,
		  RECORDING_CUSTOMER_FIRST, "whoever began to record" },
		{ "inbound", "client:dana", TELEPHONE, "", "DialVerb", 2, RECORDING_AGENT_FIRST,
		  "who calls from a browser is the agent" },
		{ "outbound-api", TELEPHONE, "client:dana", "", "OutboundAPI", 2,
		  RECORDING_AGENT_FIRST, "as is who was called there first" },
		{ "outbound-api", TELEPHONE, TELEPHONE, "", "OutboundAPI", 2,
		  RECORDING_SIDES_UNKNOWN, "a telephone that was called may be anybody's" },
		{ "inbound", SIP, TELEPHONE, "", "DialVerb", 2, RECORDING_SIDES_UNKNOWN,
		  "a SIP address may be a trunk or a desk" },
		{ "trunking-originating", TELEPHONE, TELEPHONE, "", "Trunking", 2,
		  RECORDING_SIDES_UNKNOWN, "as may a trunk" },
		{ "inbound", TELEPHONE, TELEPHONE, "", "DialVerb", 1, RECORDING_SIDES_UNKNOWN,
		  "one channel has no sides" },
		{ "inbound", TELEPHONE, TELEPHONE, "", "Conference", 2, RECORDING_SIDES_UNKNOWN,
		  "a conference has whoever came first" },
		{ "inbound", TELEPHONE, TELEPHONE, "", "StartConferenceRecordingAPI", 2,
		  RECORDING_SIDES_UNKNOWN, "by the API, too" },
		{ "inbound", TELEPHONE, TELEPHONE, "CA1", "DialVerb", 2, RECORDING_SIDES_UNKNOWN,
		  "of a second leg nothing is said" },
		{ "", TELEPHONE, TELEPHONE, "", "DialVerb", 2, RECORDING_SIDES_UNKNOWN,
		  "a direction that is not known yet" },
		{ "inbound", "", "", "", "DialVerb", 2, RECORDING_SIDES_UNKNOWN,
		  "a number that is not known yet" },
		{ "inbound", "+", "", "", "DialVerb", 2, RECORDING_SIDES_UNKNOWN,
		  "or that is none" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct recording recording = { .channels_stored = rows[i].channels };
		struct call call = { .id = 1 };

		snprintf(recording.source, sizeof(recording.source), "%s", rows[i].source);
		snprintf(call.direction_text, sizeof(call.direction_text), "%s", rows[i].direction);
		snprintf(call.from, sizeof(call.from), "%s", rows[i].from);
		snprintf(call.to, sizeof(call.to), "%s", rows[i].to);
		snprintf(call.parent_call_sid, sizeof(call.parent_call_sid), "%s",
			 rows[i].parent_call_sid);
		IS_INT(recording_sides(&recording, &call), rows[i].want, "%s", rows[i].name);
	}
	return tap_end();
}
