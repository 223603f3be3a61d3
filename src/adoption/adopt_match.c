#include "adoption/adopt_match.h"

#include "base/buf.h"
#include "base/hash.h"
#include "verdict/verdict.h"

#include <stdio.h>

#define SID_DIGEST_BYTES 16 /* 32 hexadecimal digits */

bool adopt_is_here(const struct recording *recordings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (recordings[i].state != RECORDING_STORED)
			return false;
	return count > 0;
}

static void conflict(struct adopt_match *out, const char *reason)
{
	out->meaning = ADOPT_CONFLICT;
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

static void none_fits(const struct recording *recordings, size_t count, int64_t duration_ms,
		      struct adopt_match *out)
{
	out->meaning = ADOPT_CONFLICT;
	if (count == 1)
		snprintf(out->reason, sizeof(out->reason),
			 "it lasts %lld s, but the recording %lld s",
			 (long long)(duration_ms / 1000), (long long)recordings[0].duration_s);
	else
		snprintf(out->reason, sizeof(out->reason),
			 "it lasts %lld s, and so long is none of the call's %zu recordings",
			 (long long)(duration_ms / 1000), count);
}

static void several_fit(size_t fitting, int64_t duration_ms, struct adopt_match *out)
{
	out->meaning = ADOPT_CONFLICT;
	snprintf(out->reason, sizeof(out->reason),
		 "it lasts %lld s, and %zu recordings of the call may be so long",
		 (long long)(duration_ms / 1000), fitting);
}

void adopt_match(const struct recording *recordings, size_t count, int64_t duration_ms,
		 struct adopt_match *out)
{
	size_t fitting = 0;

	*out = (struct adopt_match){ .meaning = ADOPT_UNKNOWN };
	if (count == 0)
		return;
	if (adopt_is_here(recordings, count)) {
		out->meaning = ADOPT_HERE;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (verdict_duration_is_off(duration_ms, recordings[i].duration_s))
			continue;
		out->index = i;
		fitting++;
	}
	if (fitting == 0)
		none_fits(recordings, count, duration_ms, out);
	else if (fitting > 1)
		several_fit(fitting, duration_ms, out);
	else if (recording_is_removed(recordings[out->index].state))
		conflict(out, "the recording was kept here and removed");
	else
		out->meaning = recordings[out->index].state == RECORDING_STORED ? ADOPT_HERE
										: ADOPT_TAKE;
}

void adopt_recording_sid(struct str call_sid, char out[SID_SIZE])
{
	uint8_t digest[SHA256_BYTES];
	struct buf sid;

	sha256_of(call_sid, digest);
	buf_over(&sid, out, SID_SIZE);
	buf_add_text(&sid, "RE");
	hex_add(&sid, digest, SID_DIGEST_BYTES);
}
