#include "twilio/rest.h"

#include "base/own.h"
#include "tap.h"

#define AC   "AC0123456789abcdef0123456789abcdef"
#define CA   "CA0123456789abcdef0123456789abcdef"
#define RE   "RE0123456789abcdef0123456789abcdef"
#define API  "https://api.twilio.com"
#define BASE API "/2010-04-01/Accounts/" AC

static void check_urls(void)
{
	char array[512];
	struct buf buf;
	struct rest_recordings_query query = { .page_size = 100,
					       .created_from_ms = 1704362405000,
					       .created_before_ms = 1704412800000 };
	struct err err = { 0 };

	buf_over(&buf, array, sizeof(array));
	rest_media_url(&buf, STR(API), STR(AC), STR(RE), REST_MP3, 2);
	IS_STR(buf_str(&buf), STR(BASE "/Recordings/" RE ".mp3?RequestedChannels=2"),
	       "media, two channels");
	buf_clear(&buf);
	rest_media_url(&buf, STR(API), STR(AC), STR(RE), REST_WAV, 0);
	IS_STR(buf_str(&buf), STR(BASE "/Recordings/" RE ".wav"),
	       "media as WAV, channels as they are");
	buf_clear(&buf);
	rest_recording_url(&buf, STR(API), STR(AC), STR(RE));
	IS_STR(buf_str(&buf), STR(BASE "/Recordings/" RE ".json"), "metadata");
	buf_clear(&buf);
	rest_recordings_url(&buf, STR(API), STR(AC), &query);
	IS_STR(buf_str(&buf),
	       STR(BASE
		   "/Recordings.json?PageSize=100&DateCreated%3E=2024-01-04&DateCreated%3C=2024-01-05"),
	       "a list between two days");
	buf_clear(&buf);
	rest_recordings_url(&buf, STR(API), STR(AC),
			    &(struct rest_recordings_query){ .created_from_ms = 1704362405000 });
	IS_STR(buf_str(&buf), STR(BASE "/Recordings.json?DateCreated%3E=2024-01-04"),
	       "a list from a day on");
	buf_clear(&buf);
	rest_call_recordings_url(&buf, STR(API), STR(AC), STR(CA));
	IS_STR(buf_str(&buf), STR(BASE "/Calls/" CA "/Recordings.json"), "a call's recordings");
	buf_clear(&buf);
	rest_call_url(&buf, STR(API), STR(AC), STR(CA));
	IS_STR(buf_str(&buf), STR(BASE "/Calls/" CA ".json"), "a call");
	buf_clear(&buf);
	OK(rest_next_page_url(&buf, STR(API),
			      STR("/2010-04-01/Accounts/" AC "/Recordings.json?Page=1"), &err),
	   "a next page");
	IS_STR(buf_str(&buf), STR(BASE "/Recordings.json?Page=1"), "is on the same host");
	buf_clear(&buf);
	OK(!rest_next_page_url(&buf, STR(API), STR("https://elsewhere.example/2010-04-01/"), &err),
	   "a next page elsewhere is refused");
	OK(!rest_next_page_url(&buf, STR(API), STR("//elsewhere.example/"), &err),
	   "and one that only looks like a path");
	OK(!rest_next_page_url(&buf, STR(API), STR("/2010-04-01/\r\nX: y"), &err),
	   "and one with a line end");
	IS_INT(buf.len, 0, "nothing was appended");
}

#define RECORDING                                                                                                  \
	"{\"sid\":\"" RE "\",\"account_sid\":\"" AC "\",\"call_sid\":\"" CA                                        \
	"\",\"conference_sid\":null,"                                                                              \
	"\"status\":\"completed\",\"channels\":2,\"source\":\"OutboundAPI\",\"duration\":\"12\","                  \
	"\"start_time\":\"Fri, 14 Oct 2016 21:56:34 +0000\",\"date_created\":\"Fri, 14 Oct 2016 21:56:38 +0000\"," \
	"\"error_code\":null,\"price\":\"-0.0025\",\"media_url\":\"http://api.twilio.com/x\","                     \
	"\"encryption_details\":{\"encryption_public_key_sid\":\"CR1\",\"encryption_cek\":\"y\"}}"

static void check_page(void)
{
	AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };
	struct err err;

	OK(rest_read_recordings(STR("{\"recordings\":[" RECORDING "," RECORDING
				    "],\"next_page_uri\":\"/2010-04-01/next\"}"),
				&page, &err),
	   "a page");
	IS_INT(page.count, 2, "of two");
	IS_STR(page.next_page_uri, STR("/2010-04-01/next"), "and a next one");

	const struct rest_recording *r = &page.recordings[1];

	IS_STR(r->recording_sid, STR(RE), "the SID");
	IS_STR(r->call_sid, STR(CA), "the call");
	OK(!r->conference_sid.at, "null is absent");
	IS_INT(r->duration_s, 12, "a number that is a text");
	IS_INT(r->channels, 2, "a number that is one");
	IS_INT(r->started_at_ms, 1476482194000, "the start");
	IS_INT(r->error_code, 0, "no error");
	IS_STR(r->encryption,
	       STR("{\"encryption_public_key_sid\":\"CR1\",\"encryption_cek\":\"y\"}"),
	       "encryption as text");
}

/* What Twilio does not say, by a null or by nothing, is not known. */
static void check_untold(void)
{
	static const char *const bodies[] = {
		"{\"sid\":\"" RE "\"}",
		"{\"sid\":\"" RE "\",\"call_sid\":null,\"status\":null,\"channels\":null,"
		"\"duration\":null,\"start_time\":null,\"date_created\":null,"
		"\"date_updated\":null,\"error_code\":null,\"encryption_details\":null}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(rest_document_release) struct rest_document document = { 0 };
		struct rest_recording r;
		struct err err;

		OK(rest_read_recording(str_of(bodies[i]), &document, &r, &err),
		   "a recording of which little is told");
		IS_INT(r.channels, 0, "its channels");
		IS_INT(r.duration_s, REST_UNKNOWN, "its length");
		IS_INT(r.error_code, 0, "no error");
		IS_INT(r.started_at_ms + r.created_at_ms + r.updated_at_ms, 0, "its times");
		OK(!r.call_sid.at && !r.status.at && !r.encryption.at, "and texts");
	}
}

static void check_last_page(void)
{
	AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };
	struct err err;

	OK(rest_read_recordings(STR("{\"recordings\":[],\"next_page_uri\":null}"), &page, &err),
	   "an empty page");
	IS_INT(page.count, 0, "has none");
	OK(!page.next_page_uri.at, "and no next");
}

/* One row that makes no sense among others, and a text with a NUL. */
static void check_bad_rows(void)
{
	AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };
	struct err err = { 0 };

	OK(rest_read_recordings(STR("{\"recordings\":[{\"sid\":\"RE1\"},\"x\",{\"sid\":\"" RE
				    "\",\"source\":\"a\\u0000b\"}]}"),
				&page, &err),
	   "a page with rows that are none");
	IS_INT(page.count, 1, "the others are read");
	IS_INT(page.malformed, 2, "those are counted");
	IS_INT(page.recordings[0].source.len, 3, "a NUL is part of a text");
}

static void check_bad_pages(void)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{}",
		"{\"recordings\":null}",
		"{\"recordings\":[{}]}",
		"{\"recordings\":[{\"sid\":\"RE1\"}]}",
		"{\"recordings\":[",
		"<?xml version='1.0'?><TwilioResponse/>",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct rest_recordings_page page = { 0 };
		struct err err = { 0 };

		OK(!rest_read_recordings(str_of(bodies[i]), &page, &err), "no page: row %zu", i);
		IS_INT(err.kind, ERR_UNAVAILABLE, "may be one next time");
	}
}

static void check_single(void)
{
	AUTO(rest_document_release) struct rest_document one = { 0 }, other = { 0 };
	struct rest_recording recording;
	struct rest_call call;
	struct err err;

	OK(rest_read_recording(STR(RECORDING), &one, &recording, &err), "one recording");
	IS_STR(recording.status, STR("completed"), "its status");
	OK(rest_read_call(
		   STR("{\"sid\":\"" CA "\",\"account_sid\":\"" AC
		       "\",\"status\":\"busy\",\"direction\":\"outbound-api\","
		       "\"from\":\"+1\",\"to\":\"+2\",\"duration\":\"0\",\"start_time\":\"Fri, 14 Oct 2016 21:56:34 +0000\",\"end_time\":null}"),
		   &other, &call, &err),
	   "a call");
	IS_STR(call.to, STR("+2"), "to whom");
	IS_INT(call.duration_s, 0, "its length");
	IS_INT(call.ended_at_ms, 0, "it has not ended");
	OK(!rest_read_call(STR(RECORDING), &other, &call, &err), "a recording is no call");
}

/* Cut where a character ends, whose two bytes begin at so many bytes. */
static void check_long_messages(void)
{
	static const struct {
		size_t before, kept;
	} rows[] = { { 197, 199 }, { 198, 198 }, { 199, 199 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rest_error error;
		char body[400];
		int len = snprintf(body, sizeof(body), "{\"message\":\"%0*d\\u00e9%020d\"}",
				   (int)rows[i].before, 0, 0);

		OK(rest_read_error((struct str){ body, (size_t)len }, &error),
		   "a long message, a character of two bytes behind %zu", rows[i].before);
		IS_INT(strlen(error.message), rows[i].kept, "is cut between two characters");
	}
}

static void check_errors(void)
{
	static const struct {
		const char *body;
		bool is_error;
		int code, status;
		const char *message;
	} rows[] = {
		{ "{\"code\":20404,\"message\":\"not found\",\"more_info\":\"x\",\"status\":404}",
		  true, 20404, 404, "not found" },
		{ "<?xml version='1.0'?>\n<TwilioResponse><RestException><Code>20404</Code><Message>a &amp; b &lt;c&gt;</Message>"
		  "<MoreInfo>x</MoreInfo><Status>404</Status></RestException></TwilioResponse>",
		  true, 20404, 404, "a & b <c>" },
		{ "<RestException><Message>no code</Message></RestException>", true, 0, 0,
		  "no code" },
		{ "{\"message\":\"only\"}", true, 0, 0, "only" },
		{ "{\"code\":-1}", true, 0, 0, "" },
		{ "<html>502 Bad Gateway</html>", false, 0, 0, NULL },
		{ "{\"detail\":1}", false, 0, 0, NULL },
		{ "[1,2]", false, 0, 0, NULL },
		{ "<RestException>", false, 0, 0, NULL },
		{ "", false, 0, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rest_error error;

		IS_INT(rest_read_error(str_of(rows[i].body), &error), rows[i].is_error,
		       "error body %zu", i);
		if (!rows[i].is_error)
			continue;
		IS_INT(error.code, rows[i].code, "its code");
		IS_INT(error.status, rows[i].status, "its status");
		IS_STR(str_of(error.message), str_of(rows[i].message), "its message");
	}
	check_long_messages();
	OK(rest_code_meaning(20404), "a code that we know");
	OK(!rest_code_meaning(1), "a code that we do not know");
}

int main(void)
{
	check_urls();
	check_page();
	check_untold();
	check_last_page();
	check_bad_rows();
	check_bad_pages();
	check_single();
	check_errors();
	return tap_end();
}
