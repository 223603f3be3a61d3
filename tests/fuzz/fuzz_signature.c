/*
 * A callback that nobody vouches for.  The first line is the public address, the second
 * the target, the others name=value.  What we sign ourselves must be found good.
 */
#include <stdlib.h>
#include <string.h>

#include "twilio/callback.h"
#include "twilio/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line = STR_NONE, token = STR("12345");
	struct twilio_param params[SIGNATURE_PARAMS_MAX];
	struct signed_request request = { .kind = SIGNED_FORM,
					  .params = params,
					  .signature = STR("x") };
	struct recording_callback recording;
	struct call_callback call;
	struct err err;

	(void)str_cut(&rest, '\n', &request.public_url);
	(void)str_cut(&rest, '\n', &request.target);
	while (request.param_count < SIGNATURE_PARAMS_MAX && str_cut(&rest, '\n', &line)) {
		size_t equals = str_find(line, '=');

		params[request.param_count++] =
			(struct twilio_param){ str_first(line, equals),
					       str_after(line, equals + 1) };
	}

	enum signature_result result = signature_check(&request, &token, 1);

	if (result != SIGNATURE_WRONG)
		abort();
	if (recording_callback_read(params, request.param_count, &recording, &err) &&
	    recording.recording_sid.len != 34)
		abort();
	if (call_callback_read(params, request.param_count, &call, &err) && call.call_sid.len != 34)
		abort();
	return 0;
}
