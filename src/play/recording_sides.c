#include "play/recording_sides.h"

#include "base/str.h"

static bool is_client(const char *address)
{
	return str_starts(str_of(address), STR("client:"));
}

static bool is_telephone(const char *address)
{
	return address[0] == '+' && ascii_is_digit(address[1]);
}

static bool is_conference(const struct recording *recording)
{
	struct str source = str_of(recording->source);

	return str_eq(source, STR("Conference")) ||
	       str_eq(source, STR("StartConferenceRecordingAPI"));
}

enum recording_sides recording_sides(const struct recording *recording, const struct call *call)
{
	struct str direction = str_of(call->direction_text);

	if (recording->channels_stored != 2 || is_conference(recording) ||
	    call->parent_call_sid[0] != '\0')
		return RECORDING_SIDES_UNKNOWN;
	if (str_eq(direction, STR("inbound")) && is_telephone(call->from))
		return RECORDING_CUSTOMER_FIRST;
	if (str_eq(direction, STR("inbound")) && is_client(call->from))
		return RECORDING_AGENT_FIRST;
	if (str_eq(direction, STR("outbound-api")) && is_client(call->to))
		return RECORDING_AGENT_FIRST;
	return RECORDING_SIDES_UNKNOWN;
}
