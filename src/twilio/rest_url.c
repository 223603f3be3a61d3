#include "twilio/rest.h"

#include <time.h>

#define VERSION_PATH "/2010-04-01/"

static void account_add(struct buf *buf, struct str api_url, struct str account_sid)
{
	buf_add_str(buf, api_url);
	buf_add_str(buf, STR(VERSION_PATH "Accounts/"));
	buf_add_str(buf, account_sid);
}

/* "/Calls/CA....json" and the like. */
static void resource_add(struct buf *buf, const char *kind, struct str sid, const char *rest)
{
	buf_addf(buf, "/%s/%.*s%s", kind, STR_ARG(sid), rest);
}

void rest_media_url(struct buf *buf, struct str api_url, struct str account_sid,
		    struct str recording_sid, enum rest_format format, int channels)
{
	account_add(buf, api_url, account_sid);
	resource_add(buf, "Recordings", recording_sid, format == REST_WAV ? ".wav" : ".mp3");
	if (channels > 0)
		buf_addf(buf, "?RequestedChannels=%d", channels);
}

void rest_recording_url(struct buf *buf, struct str api_url, struct str account_sid,
			struct str recording_sid)
{
	account_add(buf, api_url, account_sid);
	resource_add(buf, "Recordings", recording_sid, ".json");
}

/* A day of GMT, as the filters want it. */
static void day_add(struct buf *buf, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm day;

	if (gmtime_r(&seconds, &day))
		buf_addf(buf, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

void rest_recordings_url(struct buf *buf, struct str api_url, struct str account_sid,
			 const struct rest_recordings_query *query)
{
	char separator = '?';

	account_add(buf, api_url, account_sid);
	buf_add_str(buf, STR("/Recordings.json"));
	if (query->page_size > 0) {
		buf_addf(buf, "%cPageSize=%d", separator, query->page_size);
		separator = '&';
	}
	/* The name of the filter is "DateCreated>": with its '=' it reads like "from that day on". */
	if (query->created_from_ms > 0) {
		buf_addf(buf, "%cDateCreated%%3E=", separator);
		day_add(buf, query->created_from_ms);
		separator = '&';
	}
	if (query->created_before_ms > 0) {
		buf_addf(buf, "%cDateCreated%%3C=", separator);
		day_add(buf, query->created_before_ms);
	}
}

void rest_call_recordings_url(struct buf *buf, struct str api_url, struct str account_sid,
			      struct str call_sid)
{
	account_add(buf, api_url, account_sid);
	resource_add(buf, "Calls", call_sid, "/Recordings.json");
}

void rest_call_url(struct buf *buf, struct str api_url, struct str account_sid, struct str call_sid)
{
	account_add(buf, api_url, account_sid);
	resource_add(buf, "Calls", call_sid, ".json");
}

bool rest_next_page_url(struct buf *buf, struct str api_url, struct str next_page_uri,
			struct err *err)
{
	bool is_ours = str_starts(next_page_uri, STR(VERSION_PATH));

	for (size_t i = 0; i < next_page_uri.len && is_ours; i++)
		is_ours = next_page_uri.at[i] > ' ' && next_page_uri.at[i] < 127;
	if (!is_ours)
		return err_set(err, ERR_INVALID,
			       "next_page_uri '%.*s' is not an address of this API",
			       STR_ARG(str_first(next_page_uri, 100)));
	buf_add_str(buf, api_url);
	buf_add_str(buf, next_page_uri);
	return true;
}
