/*
 * A parameter of a callback, in a table: { P("CallSid", "CA..."), ... }.
 */
#pragma once

#include "twilio/signature.h"

/* A struct twilio_param of two literals. */
#define P(name, value)                              \
	{                                           \
		{ "" name, sizeof(name) - 1 },      \
		{                                   \
			"" value, sizeof(value) - 1 \
		}                                   \
	}
