#include "twilio/callback.h"

#include "tap.h"
#include "twilio_params.h"

#define AC      "AC0123456789abcdef0123456789abcdef"
#define CA      "CA0123456789abcdef0123456789abcdef"
#define RE      "RE0123456789abcdef0123456789abcdef"
#define DETAILS "{\"type\":\"rsa-aes\",\"encrypted_cek\":\"x\"}"

static void check_completed(void)
{
	static const struct twilio_param params[] = {
		P("AccountSid", AC),
		P("CallSid", CA),
		P("RecordingSid", RE),
		P("RecordingUrl",
		  "https://api.twilio.com/2010-04-01/Accounts/" AC "/Recordings/" RE),
		P("RecordingStatus", "completed"),
		P("RecordingDuration", "18"),
		P("RecordingChannels", "2"),
		P("RecordingStartTime", "Tue, 28 May 2019 02:18:02 +0000"),
		P("RecordingSource", "OutboundAPI"),
		P("RecordingTrack", "both"),
		P("ErrorCode", "0"),
		P("EncryptionDetails", DETAILS),
		P("SomethingNew", "kept elsewhere"),
		P("RecordingDuration", "19"),
	};
	struct recording_callback callback;
	struct err err;

	OK(recording_callback_read(params, ARRAY_LEN(params), &callback, &err),
	   "a completed recording is read");
	IS_STR(callback.account_sid, STR(AC), "its account");
	IS_STR(callback.call_sid, STR(CA), "its call");
	IS_STR(callback.recording_sid, STR(RE), "its SID");
	IS_STR(callback.status, STR("completed"), "its status");
	IS_INT(callback.duration_s, 18, "the first of two durations");
	IS_INT(callback.channels, 2, "its channels");
	IS_INT(callback.started_at_ms, 1559009882000, "its start, in wall clock milliseconds");
	IS_INT(callback.error_code, 0, "error code 0 is none");
	IS_STR(callback.encryption, STR(DETAILS), "the details of encryption as they came");
	IS_STR(callback.source, STR("OutboundAPI"), "its source");
}

static void check_sparse(void)
{
	static const struct twilio_param params[] = {
		P("AccountSid", AC),
		P("RecordingSid", RE),
		P("RecordingStatus", "absent"),
		P("CallSid", ""),
		P("ErrorCode", "16101"),
		P("RecordingDuration", "-1"),
		P("RecordingChannels", "9223372036854775807"),
		P("RecordingStartTime", "yesterday"),
	};
	struct recording_callback callback;
	struct err err;

	OK(recording_callback_read(params, ARRAY_LEN(params), &callback, &err),
	   "an absent recording is read");
	IS_INT(callback.error_code, 16101, "why it is absent");
	IS_INT(callback.duration_s, CALLBACK_UNKNOWN, "a length that is none counts as not told");
	IS_INT(callback.channels, 0, "nor is what nobody counts to");
	IS_INT(callback.started_at_ms, 0, "a date that is none counts as not told");
	OK(!callback.call_sid.at, "an empty call SID counts as not told");
	OK(!callback.encryption.at, "no encryption");
}

static void check_refused(void)
{
	static const struct {
		const char *name;
		struct twilio_param params[4];
		const char *text;
	} rows[] = {
		{ "no recording SID",
		  { P("AccountSid", AC), P("RecordingStatus", "completed") },
		  "RecordingSid is missing" },
		{ "no account",
		  { P("RecordingSid", RE), P("RecordingStatus", "completed") },
		  "AccountSid is missing" },
		{ "no status",
		  { P("AccountSid", AC), P("RecordingSid", RE) },
		  "RecordingStatus is missing" },
		{ "a call's SID where a recording's should be",
		  { P("AccountSid", AC), P("RecordingSid", CA), P("RecordingStatus", "completed") },
		  "RecordingSid is not a SID of the form RE and 32 hexadecimal digits" },
		{ "a SID that leaves its folder",
		  { P("AccountSid", AC), P("RecordingSid", "RE/../../../../../../../etc/passwd"),
		    P("RecordingStatus", "completed") },
		  "RecordingSid is not a SID of the form RE and 32 hexadecimal digits" },
		{ "a status that is no word",
		  { P("AccountSid", AC), P("RecordingSid", RE), P("RecordingStatus", "<b>") },
		  "RecordingStatus is not a status" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct recording_callback callback;
		struct err err = { 0 };
		size_t count = 0;

		while (count < ARRAY_LEN(rows[i].params) && rows[i].params[count].name.at)
			count++;
		OK(!recording_callback_read(rows[i].params, count, &callback, &err), "refused: %s",
		   rows[i].name);
		IS_INT(err.kind, ERR_INVALID, "its kind: %s", rows[i].name);
		IS_STR(str_of(err.text), str_of(rows[i].text), "it says why: %s", rows[i].name);
	}
}

static void check_call(void)
{
	static const struct twilio_param params[] = {
		P("CallSid", CA),
		P("AccountSid", AC),
		P("From", "+14158675309"),
		P("To", "client:anna"),
		P("CallStatus", "completed"),
		P("Direction", "outbound-api"),
		P("CallDuration", "65"),
		P("Duration", "2"),
		P("Timestamp", "Thu, 04 Jan 2024 10:00:05 +0000"),
		P("SequenceNumber", "3"),
		P("ApiVersion", "2010-04-01"),
		P("CallbackSource", "call-progress-events"),
		P("RecordingSid", RE),
		P("RecordingDuration", "60"),
	};
	struct call_callback callback;
	struct err err;

	OK(call_callback_read(params, ARRAY_LEN(params), &callback, &err),
	   "a completed call is read");
	IS_STR(callback.from, STR("+14158675309"), "who called");
	IS_STR(callback.to, STR("client:anna"), "who was called");
	IS_STR(callback.direction, STR("outbound-api"), "the direction");
	IS_INT(callback.duration_s, 65, "CallDuration counts, in seconds; Duration is minutes");
	IS_INT(callback.sequence_number, 3, "the sequence number");
	IS_INT(callback.timestamp_ms, 1704362405000, "when it happened");
	IS_INT(callback.recording_duration_s, 60, "the recording's length");
	OK(!callback.parent_call_sid.at, "no parent");
	OK(call_callback_read(params, 5, &callback, &err), "the fewest that suffice");
	IS_INT(callback.sequence_number, CALLBACK_UNKNOWN, "no sequence number");
	OK(!call_callback_read(params, 4, &callback, &err), "a call without a status is refused");
}

int main(void)
{
	check_completed();
	check_sparse();
	check_refused();
	check_call();
	return tap_end();
}
