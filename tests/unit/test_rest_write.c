#include "twilio/rest_write.h"

#include "base/own.h"
#include "tap.h"

#define AC "AC0123456789abcdef0123456789abcdef"
#define RE "RE0123456789abcdef0123456789abcdef"
#define CA "CA0123456789abcdef0123456789abcdef"

#define DAY  1705276800000 /* 2024-01-15 */
#define HOUR 3600000

static char room[8192];

static struct json begin(struct buf *body)
{
	struct json json;

	buf_over(body, room, sizeof(room));
	json_start(&json, body);
	return json;
}

/* What is written is read back as it was. */
static void check_recording(void)
{
	const struct rest_recording told = {
		.account_sid = STR(AC),
		.recording_sid = STR(RE),
		.call_sid = STR(CA),
		.status = STR("absent"),
		.source = STR("DialVerb"),
		.media_url =
			STR("https://calls.example.com/2010-04-01/Accounts/" AC "/Recordings/" RE),
		.duration_s = 83,
		.channels = 2,
		.started_at_ms = DAY + HOUR,
		.created_at_ms = DAY + 2 * HOUR,
		.updated_at_ms = DAY + 3 * HOUR,
		.error_code = 16101,
	};
	AUTO(rest_document_release) struct rest_document document = { 0 };
	struct rest_recording read;
	struct buf body;
	struct json json = begin(&body);
	struct err err;

	rest_open_recording(&json, &told);
	json_nothing(&json, "price");
	json_close(&json, '}');
	OK(buf_ok(&body) && rest_read_recording(buf_str(&body), &document, &read, &err),
	   "a recording is read as one");
	IS_STR(read.account_sid, told.account_sid, "its account");
	IS_STR(read.recording_sid, told.recording_sid, "its SID");
	IS_STR(read.call_sid, told.call_sid, "its call");
	OK(!read.conference_sid.at && !read.track.at, "what is not known is null");
	IS_STR(read.status, told.status, "its status");
	IS_STR(read.source, told.source, "its source");
	IS_STR(read.media_url, told.media_url, "its media");
	IS_INT(read.duration_s, 83, "its length");
	IS_INT(read.channels, 2, "its channels");
	IS_INT(read.started_at_ms, told.started_at_ms, "when it began");
	IS_INT(read.created_at_ms, told.created_at_ms, "when it was made");
	IS_INT(read.updated_at_ms, told.updated_at_ms, "when it changed");
	IS_INT(read.error_code, 16101, "why there is none");
	OK(str_find_str(buf_str(&body), STR("\"uri\":\"/2010-04-01/Accounts/" AC "/Recordings/" RE
					    ".json\"")) < body.len,
	   "its address");
}

#define WHOLE_CALL                                                                                                            \
	"{\"sid\":\"" CA "\",\"account_sid\":\"" AC                                                                           \
	"\",\"parent_call_sid\":null,\"api_version\":\"2010-04-01\","                                                         \
	"\"date_created\":\"Mon, 15 Jan 2024 00:00:00 +0000\",\"date_updated\":\"Mon, 15 Jan 2024 01:00:00 +0000\","          \
	"\"from\":\"+97235550100\",\"from_formatted\":\"+97235550100\","                                                      \
	"\"to\":\"client:agent \\u003c7>\",\"to_formatted\":\"client:agent \\u003c7>\",\"phone_number_sid\":\"\","            \
	"\"status\":\"busy\",\"start_time\":\"Mon, 15 Jan 2024 00:00:00 +0000\",\"end_time\":null,\"duration\":null,"         \
	"\"price_unit\":\"USD\",\"direction\":\"outbound-api\",\"forwarded_from\":null,\"caller_name\":null,"                 \
	"\"queue_time\":\"0\",\"annotation\":\"\",\"answered_by\":null,\"group_sid\":null,\"trunk_sid\":null,\"price\":null," \
	"\"uri\":\"/2010-04-01/Accounts/" AC "/Calls/" CA ".json\""

static void check_call(void)
{
	const struct rest_call told = {
		.account_sid = STR(AC),
		.call_sid = STR(CA),
		.status = STR("busy"),
		.direction = STR("outbound-api"),
		.from = STR("+97235550100"),
		.to = STR("client:agent <7>"),
		.duration_s = REST_UNKNOWN,
		.created_at_ms = DAY,
		.updated_at_ms = DAY + HOUR,
		.started_at_ms = DAY,
	};
	AUTO(rest_document_release) struct rest_document document = { 0 };
	struct rest_call read;
	struct buf body;
	struct json json = begin(&body);
	struct err err;

	rest_write_call(&json, &told);
	OK(buf_ok(&body) && rest_read_call(buf_str(&body), &document, &read, &err),
	   "a call is read as one");
	IS_STR(str_first(buf_str(&body),
			 str_find_str(buf_str(&body), STR(",\"subresource_uris\""))),
	       STR(WHOLE_CALL), "all members of it");
	IS_STR(read.call_sid, told.call_sid, "its SID");
	IS_STR(read.status, told.status, "its status");
	IS_STR(read.direction, told.direction, "its direction");
	IS_STR(read.from, told.from, "from whom");
	IS_STR(read.to, told.to, "to whom");
	IS_INT(read.duration_s, REST_UNKNOWN, "its length is not known");
	IS_INT(read.updated_at_ms, told.updated_at_ms, "when it changed");
	IS_INT(read.ended_at_ms, 0, "it has not ended");
}

static void check_page_query(void)
{
	static const struct {
		const char *name;
		struct str size, number, token;
		bool is_good;
		uint64_t wanted_size, wanted_number;
	} rows[] = {
		{ "nothing is asked", STR_NONE, STR_NONE, STR_NONE, true, 50, 0 },
		{ "a size", STR("7"), STR_NONE, STR_NONE, true, 7, 0 },
		{ "more than there may be", STR("5000"), STR_NONE, STR_NONE, true, 1000, 0 },
		{ "none", STR("0"), STR_NONE, STR_NONE, false, 0, 0 },
		{ "no number", STR("x"), STR_NONE, STR_NONE, false, 0, 0 },
		{ "a later page", STR_NONE, STR("3"), STR("PA1.2"), true, 50, 3 },
		{ "a page that is none", STR_NONE, STR("-1"), STR_NONE, false, 0, 0 },
		{ "a page beyond all", STR_NONE, STR("9999999999"), STR_NONE, false, 0, 0 },
		{ "a token of others", STR_NONE, STR_NONE, STR("1.2"), false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rest_page page = { 0 };

		IS_INT(rest_page_read(rows[i].size, rows[i].number, rows[i].token, 1000, &page),
		       rows[i].is_good, "%s", rows[i].name);
		IS_INT(page.size, rows[i].wanted_size, "%s: its size", rows[i].name);
		IS_INT(page.number, rows[i].wanted_number, "%s: its number", rows[i].name);
	}
}

static void check_page(void)
{
	struct rest_page page = { .size = 2, .number = 3, .token = STR("1.2") };
	struct rest_page_end end = {
		.path = STR("/2010-04-01/Accounts/" AC "/Calls.json"),
		.query = STR("Page=3&StartTime%3E=2024-01-15&PageSize=2&&PageToken=PA1.2"),
		.count = 2,
		.next = STR("3.4"),
	};
	struct buf body;
	struct json json = begin(&body);

	json_open(&json, NULL, '{');
	rest_write_page(&json, &page, &end);
	json_close(&json, '}');
	IS_STR(buf_str(&body),
	       STR("{\"uri\":\"/2010-04-01/Accounts/" AC
		   "/Calls.json?StartTime%3E=2024-01-15&PageSize=2&Page=3&PageToken=PA1.2\","
		   "\"first_page_uri\":\"/2010-04-01/Accounts/" AC
		   "/Calls.json?StartTime%3E=2024-01-15&PageSize=2&Page=0\","
		   "\"next_page_uri\":\"/2010-04-01/Accounts/" AC
		   "/Calls.json?StartTime%3E=2024-01-15&PageSize=2&Page=4&PageToken=PA3.4\","
		   "\"previous_page_uri\":null,\"page\":3,\"page_size\":2,\"start\":6,\"end\":7}"),
	       "a page's own address, the first's, the next's");
}

static void check_bounds(void)
{
	static const struct {
		const char *name, *value;
		enum rest_bound result;
		int64_t from_ms, before_ms;
	} rows[] = {
		{ "StartTime", "2024-01-15", REST_BOUND_TAKEN, DAY, DAY + 24 * HOUR },
		{ "StartTime>", "2024-01-15", REST_BOUND_TAKEN, DAY, 0 },
		{ "StartTime<", "2024-01-15", REST_BOUND_TAKEN, 0, DAY + 24 * HOUR },
		{ "StartTime>", "2024-01-15T01:00:00Z", REST_BOUND_TAKEN, DAY + HOUR, 0 },
		{ "StartTime<", "2024-01-15T01:00:00Z", REST_BOUND_TAKEN, 0, DAY + HOUR + 1 },
		{ "StartTime>", "2024-13-15", REST_BOUND_MALFORMED, 0, 0 },
		{ "StartTime", "", REST_BOUND_MALFORMED, 0, 0 },
		{ "StartTimeAfter", "2024-01-15", REST_BOUND_OTHER, 0, 0 },
		{ "EndTime", "2024-01-15", REST_BOUND_OTHER, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rest_bounds bounds = { 0 };

		IS_INT(rest_bound_read("StartTime", str_of(rows[i].name), str_of(rows[i].value),
				       &bounds),
		       rows[i].result, "%s=%s", rows[i].name, rows[i].value);
		IS_INT(bounds.from_ms, rows[i].from_ms, "%s=%s: from", rows[i].name, rows[i].value);
		IS_INT(bounds.before_ms, rows[i].before_ms, "%s=%s: before", rows[i].name,
		       rows[i].value);
	}
}

static void check_errors(void)
{
	for (int is_json = 0; is_json < 2; is_json++) {
		struct rest_error error;
		struct buf body;

		buf_over(&body, room, sizeof(room));
		rest_write_error(&body, is_json, 404, rest_code_of_status(404),
				 STR("a <b> & c was not found"));
		OK(rest_read_error(buf_str(&body), &error), "an error is read as one");
		IS_INT(error.code, 20404, "its code");
		IS_INT(error.status, 404, "its status");
		IS_STR(str_of(error.message), STR("a <b> & c was not found"), "its words");
	}
	IS_INT(rest_code_of_status(418), 20418, "a status that Twilio has no code for");
}

int main(void)
{
	check_recording();
	check_call();
	check_page_query();
	check_page();
	check_bounds();
	check_errors();
	return tap_end();
}
