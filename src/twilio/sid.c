#include "twilio/sid.h"

bool sid_is(struct str text, const char prefix[2])
{
	if (text.len != SID_LEN || text.at[0] != prefix[0] || text.at[1] != prefix[1])
		return false;
	for (size_t i = 2; i < SID_LEN; i++)
		if (ascii_hex_value(text.at[i]) < 0)
			return false;
	return true;
}
