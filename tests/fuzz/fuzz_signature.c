/*
 * A callback that nobody vouches for.  The first line is the public address, the second
 * the target, the others name=value.
 *
 * Under a signature that is none it is never good.  Signed by us as Twilio signs, it is good, and no longer
 * when anything is changed: where the address is one, and the fields are not more than are looked at.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "twilio/callback.h"
#include "twilio/signature.h"

#define PARAMS_MAX 300 /* so many that they are sorted in both ways */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str token = STR("12345");

/* https://host, https://host/path: an address that is signed as it stands, without a port or a user. */
static bool is_plain(struct str url)
{
	if (!str_starts(url, STR("https://")) || url.len == 8)
		return false;
	for (size_t i = 8; i < url.len; i++)
		if (url.at[i] < 'a' || url.at[i] > 'z')
			return false;
	return true;
}

static void check_signed(struct signed_request *request)
{
	AUTO(free)
	char *url = xasprintf("%.*s%.*s", STR_ARG(request->public_url), STR_ARG(request->target));
	char signature[SIGNATURE_TEXT_SIZE];
	struct str other = STR("12346");

	if (!is_plain(request->public_url) || !str_starts(request->target, STR("/")) ||
	    str_find(request->target, '#') < request->target.len ||
	    strlen(url) != request->public_url.len + request->target.len)
		return;
	signature_make(str_of(url), request->params, request->param_count, token, signature);
	request->signature = str_of(signature);
	assert(signature_check(request, &token, 1) == SIGNATURE_GOOD);
	assert(signature_check(request, &other, 1) == SIGNATURE_WRONG);
	signature[0] = signature[0] == 'A' ? 'B' : 'A';
	assert(signature_check(request, &token, 1) == SIGNATURE_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line = STR_NONE;
	struct twilio_param params[PARAMS_MAX];
	struct signed_request request = { .kind = SIGNED_FORM,
					  .params = params,
					  .signature = STR("x") };
	struct recording_callback recording;
	struct call_callback call;
	struct err err;

	(void)str_cut(&rest, '\n', &request.public_url);
	(void)str_cut(&rest, '\n', &request.target);
	while (request.param_count < PARAMS_MAX && str_cut(&rest, '\n', &line)) {
		size_t equals = str_find(line, '=');

		params[request.param_count++] =
			(struct twilio_param){ str_first(line, equals),
					       str_after(line, equals + 1) };
	}

	assert(signature_check(&request, &token, 1) == SIGNATURE_WRONG);
	check_signed(&request);
	if (recording_callback_read(params, request.param_count, &recording, &err) &&
	    recording.recording_sid.len != 34)
		abort();
	if (call_callback_read(params, request.param_count, &call, &err) && call.call_sid.len != 34)
		abort();
	return 0;
}
