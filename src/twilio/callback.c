#include "twilio/callback.h"

#include "base/clock.h"
#include "twilio/sid.h"

struct str twilio_param(const struct twilio_param *params, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(params[i].name, name))
			return params[i].value;
	return STR_NONE;
}

/*
 * How one parameter is read, and where to.  A callback is a table of these: each
 * parameter is looked at once, whatever the order they come in.
 */
enum field_type {
	FIELD_TEXT,
	FIELD_SID,    /* malformed: ERR_INVALID */
	FIELD_STATUS, /* a word, else ERR_INVALID */
	FIELD_COUNT,  /* int64_t, from 0; what nobody counts to is as good as not told */
	FIELD_DATE,   /* int64_t, wall clock */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	const char *prefix; /* FIELD_SID */
	bool is_required;
};

#define IN_RECORDING(member) offsetof(struct recording_callback, member)
#define IN_CALL(member)      offsetof(struct call_callback, member)

static const struct field recording_fields[] = {
	{ "AccountSid", FIELD_SID, IN_RECORDING(account_sid), "AC", true },
	{ "CallSid", FIELD_SID, IN_RECORDING(call_sid), "CA", false },
	{ "ConferenceSid", FIELD_SID, IN_RECORDING(conference_sid), "CF", false },
	{ "RecordingSid", FIELD_SID, IN_RECORDING(recording_sid), "RE", true },
	{ "RecordingStatus", FIELD_STATUS, IN_RECORDING(status), NULL, true },
	{ "RecordingUrl", FIELD_TEXT, IN_RECORDING(url), NULL, false },
	{ "RecordingSource", FIELD_TEXT, IN_RECORDING(source), NULL, false },
	{ "RecordingTrack", FIELD_TEXT, IN_RECORDING(track), NULL, false },
	{ "EncryptionDetails", FIELD_TEXT, IN_RECORDING(encryption), NULL, false },
	{ "encryption_details", FIELD_TEXT, IN_RECORDING(encryption), NULL, false },
	{ "RecordingDuration", FIELD_COUNT, IN_RECORDING(duration_s), NULL, false },
	{ "RecordingChannels", FIELD_COUNT, IN_RECORDING(channels), NULL, false },
	{ "RecordingStartTime", FIELD_DATE, IN_RECORDING(started_at_ms), NULL, false },
	{ "ErrorCode", FIELD_COUNT, IN_RECORDING(error_code), NULL, false },
};

static const struct field call_fields[] = {
	{ "AccountSid", FIELD_SID, IN_CALL(account_sid), "AC", true },
	{ "CallSid", FIELD_SID, IN_CALL(call_sid), "CA", true },
	{ "ParentCallSid", FIELD_SID, IN_CALL(parent_call_sid), "CA", false },
	{ "CallStatus", FIELD_STATUS, IN_CALL(status), NULL, true },
	{ "Direction", FIELD_TEXT, IN_CALL(direction), NULL, false },
	{ "From", FIELD_TEXT, IN_CALL(from), NULL, false },
	{ "To", FIELD_TEXT, IN_CALL(to), NULL, false },
	{ "ForwardedFrom", FIELD_TEXT, IN_CALL(forwarded_from), NULL, false },
	{ "CallerName", FIELD_TEXT, IN_CALL(caller_name), NULL, false },
	{ "CallbackSource", FIELD_TEXT, IN_CALL(callback_source), NULL, false },
	{ "CallDuration", FIELD_COUNT, IN_CALL(duration_s), NULL, false },
	{ "SequenceNumber", FIELD_COUNT, IN_CALL(sequence_number), NULL, false },
	{ "Timestamp", FIELD_DATE, IN_CALL(timestamp_ms), NULL, false },
	{ "RecordingSid", FIELD_SID, IN_CALL(recording_sid), "RE", false },
	{ "RecordingUrl", FIELD_TEXT, IN_CALL(recording_url), NULL, false },
	{ "RecordingDuration", FIELD_COUNT, IN_CALL(recording_duration_s), NULL, false },
};

static bool status_is_word(struct str status)
{
	if (status.len > 32)
		return false;
	for (size_t i = 0; i < status.len; i++)
		if (!(status.at[i] >= 'a' && status.at[i] <= 'z') && status.at[i] != '-')
			return false;
	return true;
}

static bool field_read(const struct field *field, struct str value, void *out, struct err *err)
{
	char *place = (char *)out + field->offset;
	struct str *text = (struct str *)(void *)place;
	int64_t *number = (int64_t *)(void *)place;
	int64_t read;

	switch (field->type) {
	case FIELD_SID:
		if (!sid_is(value, field->prefix))
			return err_set(err, ERR_INVALID,
				       "%s is not a SID of the form %s and 32 hexadecimal digits",
				       field->name, field->prefix);
		*text = value;
		break;
	case FIELD_STATUS:
		if (!status_is_word(value))
			return err_set(err, ERR_INVALID, "%s is not a status", field->name);
		*text = value;
		break;
	case FIELD_TEXT:
		*text = value;
		break;
	case FIELD_COUNT:
		if (str_to_i64(str_trim(value), &read) && read >= 0 && read <= INT32_MAX)
			*number = read;
		break;
	case FIELD_DATE:
		if (clock_parse_date(value, &read))
			*number = read;
		break;
	}
	return true;
}

/* The first value of each field counts: `seen` has a bit a field. */
static bool fields_read(const struct field *fields, size_t field_count,
			const struct twilio_param *params, size_t count, void *out, struct err *err)
{
	unsigned seen = 0;

	for (size_t i = 0; i < count; i++) {
		if (params[i].value.len == 0)
			continue;
		for (size_t k = 0; k < field_count; k++) {
			if ((seen & BIT(k)) != 0 || !str_eq(params[i].name, str_of(fields[k].name)))
				continue;
			seen |= BIT(k);
			if (!field_read(&fields[k], params[i].value, out, err))
				return false;
			break;
		}
	}
	for (size_t k = 0; k < field_count; k++)
		if (fields[k].is_required && (seen & BIT(k)) == 0)
			return err_set(err, ERR_INVALID, "%s is missing", fields[k].name);
	return true;
}

bool recording_callback_read(const struct twilio_param *params, size_t count,
			     struct recording_callback *out, struct err *err)
{
	struct recording_callback read = { .duration_s = CALLBACK_UNKNOWN };

	if (!fields_read(recording_fields, ARRAY_LEN(recording_fields), params, count, &read, err))
		return false;
	*out = read;
	return true;
}

bool call_callback_read(const struct twilio_param *params, size_t count, struct call_callback *out,
			struct err *err)
{
	struct call_callback read = { .duration_s = CALLBACK_UNKNOWN,
				      .sequence_number = CALLBACK_UNKNOWN,
				      .recording_duration_s = CALLBACK_UNKNOWN };

	if (!fields_read(call_fields, ARRAY_LEN(call_fields), params, count, &read, err))
		return false;
	*out = read;
	return true;
}
