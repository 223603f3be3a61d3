#include "flights/download.h"

#include "one_flight.h"

/* What one answer makes of an attempt that has nothing of the media yet. */
static void test_first(void)
{
	static const struct {
		const char *raw, *outcome;
		enum verdict_meaning meaning;
		uint64_t kept; /* bytes that the next attempt goes on with */
	} cases[] = {
		{ "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "refused", VERDICT_REFUSED, 0 },
		{ "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "forbidden", VERDICT_FORBIDDEN,
		  0 },
		{ "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", "no_dual", VERDICT_NO_DUAL, 0 },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "not_ready", VERDICT_NOT_READY,
		  0 },
		{ "HTTP/1.1 204 None\r\n\r\n", "unexpected_status", VERDICT_LYING, 0 },
		{ "HTTP/1.1 500 Down\r\nContent-Length: @L\r\n\r\n@M", "server_error", VERDICT_DOWN,
		  0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 7000\r\n\r\n@M", "cut", VERDICT_DOWN, 6191 },
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: @L\r\n\r\n@M",
		  "encoded", VERDICT_LYING, 0 },
		{ "HTTP/1.1 206 Part\r\nContent-Range: bytes 1-6191/6192\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  "other_bytes", VERDICT_LYING, 0 },
		{ "HTTP/1.1 206 Part\r\nContent-Length: @L\r\n\r\n@M", "other_bytes", VERDICT_LYING,
		  0 },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"code\":20500,\"message\":\"Sorry\",\"status\":500}",
		  "error_page", VERDICT_LYING, 0 },
		{ "HTTP/1.1 200 OK\r\n\r\n<html>Sorry</html>", "not_audio", VERDICT_LYING, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 4001\r\n\r\n@M", "cut_audio", VERDICT_LYING,
		  0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "not_audio", VERDICT_LYING, 0 },
		{ "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-6190/6191\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  "stored", VERDICT_KEPT, 6191 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin_anew();
		write_sql("UPDATE recordings SET channels_wanted = 2");
		fly_on(cases[i].raw, whole);
		read_attempts();
		IS_STR(str_of(attempts[0].outcome), str_of(cases[i].outcome), "answer %zu", i);
		IS_INT(last.meaning, cases[i].meaning, "what it means");
		IS_INT(flight->arrival.file ? flight->arrival.file->size : 0, cases[i].kept,
		       "what is kept of it");
		IS_INT(last.status, attempts[0].http_status, "the status is told");
		OK(!last.is_redirected, "the API's own");
	}
}

/* Begun once by an answer that was cut, then gone on with. */
static void test_second(void)
{
	static const struct {
		const char *first, *second;
		unsigned from; /* of the media, in the second answer */
		const char *outcome;
		bool is_resumed; /* by a range */
		const char *why;
	} cases[] = {
		{ RANGED, WHOLE, 0, "stored", true, "ranges offered, but all comes again" },
		{ RANGED,
		  "HTTP/1.1 206 Part\r\nContent-Range: bytes 4000-6190/6191\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  4000, "stored", true, "the rest" },
		{ RANGED,
		  "HTTP/1.1 206 Part\r\nContent-Range: bytes 4001-6190/6191\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  4001, "other_bytes", true, "not quite the rest" },
		{ RANGED,
		  "HTTP/1.1 206 Part\r\nContent-Range: bytes 4000-6190/6192\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  4000, "other_bytes", true, "the rest of another length" },
		{ RANGED,
		  "HTTP/1.1 206 Part\r\nContent-Range: bytes 4000-6190/*\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  4000, "stored", true, "the rest, the length untold" },
		{ "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nAccept-Ranges: bytes\r\n"
		  "Content-Length: 6191\r\n\r\n@M",
		  WHOLE, 0, "stored", false, "a weak validator: from the start" },
		{ "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 6191\r\n\r\n@M", WHOLE, 0,
		  "stored", false, "no ranges: from the start" },
		{ RANGED, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n@M", 0, "other_bytes",
		  true, "less than is here" },
		{ RANGED, WHOLE, 1, "other_bytes", true, "of another length" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6190\r\n\r\n@M", WHOLE, 1, "other_bytes",
		  false, "of the same length, but other bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t generation;

		begin_anew();
		fly_on(cases[i].first, str_first(whole, 4000));
		generation = flight->generation;
		IS_INT(flight->arrival.file->size, 4000, "%s: 4000 bytes are here", cases[i].why);
		fly_on(cases[i].second, str_after(whole, cases[i].from));
		read_attempts();
		IS_STR(str_of(attempts[0].outcome), str_of(cases[i].outcome), "outcome");
		IS_INT(strstr(server.all, "Range: bytes=4000-") != NULL, cases[i].is_resumed,
		       "a range is asked for, or not");
		if (recorded().state == RECORDING_STORED)
			OK(recorded().generation == generation && recorded().size == whole.len,
			   "stored as the same generation");
		else
			OK(!flight->arrival.file, "what is here is thrown away");
	}
}

/* Where it was redirected to says nothing of our credentials. */
static void test_redirected(void)
{
	static const struct answer answers[] = {
		{ MEDIA,
		  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:@B/elsewhere\r\n"
		  "Content-Length: 0\r\n\r\n",
		  THEN_CLOSE },
		{ "/elsewhere", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
	};
	static const struct answer home[] = {
		{ MEDIA, "HTTP/1.1 302 Found\r\nLocation: /here\r\nContent-Length: 0\r\n\r\n",
		  THEN_CLOSE },
		{ "/here", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
	};

	begin_anew();
	server_answers(answers, ARRAY_LEN(answers));
	fly();
	OK(last.is_redirected && last.status == 403 && last.meaning == VERDICT_DOWN,
	   "403 from another host: Twilio itself did not refuse");
	begin_anew();
	server_answers(home, ARRAY_LEN(home));
	fly();
	OK(!last.is_redirected && last.meaning == VERDICT_FORBIDDEN,
	   "403 from another page of the API: it did");
}

#define KEPT_AT "/kept/elsewhere"

/* As the callback said; and what is asked from now on answers so. */
static void tell_url(const char *scheme, uint16_t port, const struct answer *answers, size_t count)
{
	AUTO(free)
	char *sql = xasprintf("UPDATE recordings SET url = '%s://127.0.0.1:%u" KEPT_AT "'", scheme,
			      port);

	begin_anew();
	write_sql(sql);
	server_forget(&server);
	server_answers(answers, count);
}

/* RecordingUrl may be that of a storage of the account's own. */
static void test_elsewhere(void)
{
	static const struct answer answers[] = {
		{ MEDIA, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
		{ KEPT_AT, WHOLE, THEN_CLOSE },
	};
	static const struct {
		const char *why, *host, *scheme;
		int port;
		bool is_elsewhere;
	} cases[] = {
		{ "a host that is named", "127.0.0.1", "http", 1, true },
		{ "one that is not", "localhost", "http", 1, false },
		{ "where none is named", NULL, "http", 1, false },
		{ "the API's own", "127.0.0.1", "http", 0, false },
		{ "nothing that is fetched", "127.0.0.1", "ftp", 1, false },
	};
	const char *hosts[2] = { NULL };

	env.options.media_hosts = hosts;
	server.media = whole;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_elsewhere = cases[i].is_elsewhere;

		hosts[0] = cases[i].host;
		tell_url(cases[i].scheme, server.ports[cases[i].port], answers, ARRAY_LEN(answers));
		fly();
		OK((strstr(server.all, "B GET " KEPT_AT " ") != NULL) == is_elsewhere &&
			   (strstr(server.all, "A GET " MEDIA " ") != NULL) != is_elsewhere,
		   "%s: %s is asked", cases[i].why, is_elsewhere ? "it" : "the API");
		OK((strstr(server.all, "Authorization") == NULL) == is_elsewhere,
		   "credentials are the API's");
		IS_INT(flight->state == FLIGHT_STORED, is_elsewhere, "stored, or not");
		IS_INT(last.was_sent, !is_elsewhere, "the account hears of the API alone");
	}
}

/* What comes from there is judged as the API's, but for what it says of credentials. */
static void test_elsewhere_fails(void)
{
	static const char *const hosts[] = { "127.0.0.1", NULL };
	static const struct answer refused[] = {
		{ KEPT_AT, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
	};
	static const struct answer bad[] = {
		{ KEPT_AT, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
	};
	static const struct answer cut[] = { { KEPT_AT, RANGED, THEN_CLOSE } };
	static const struct answer rest[] = {
		{ KEPT_AT,
		  "HTTP/1.1 206 Part\r\nContent-Range: bytes 4000-6190/6191\r\n"
		  "Content-Length: @L\r\n\r\n@M",
		  THEN_CLOSE },
	};

	env.options.media_hosts = hosts;
	tell_url("http", server.ports[1], refused, ARRAY_LEN(refused));
	fly();
	OK(last.meaning == VERDICT_DOWN && last.status == 403 && !last.was_sent,
	   "403: it concerns the recording alone");
	tell_url("http", server.ports[1], bad, ARRAY_LEN(bad));
	fly();
	IS_INT(last.meaning, VERDICT_LYING, "400: it was not asked for two channels");
	server.media = str_first(whole, 4000);
	tell_url("http", server.ports[1], cut, ARRAY_LEN(cut));
	fly();
	IS_INT(flight->arrival.file->size, 4000, "cut: what came is kept");
	server.media = str_after(whole, 4000);
	server_answers(rest, ARRAY_LEN(rest));
	fly();
	OK(flight->state == FLIGHT_STORED && strstr(server.all, "B Range: bytes=4000-"),
	   "and gone on with by a range");
	write_sql("UPDATE recordings SET url = NULL");
	env.options.media_hosts = NULL;
}

/* Two channels, then one: asked for at once. */
static void test_mono(void)
{
	static const struct answer mono[] = {
		{ API "/Recordings/" RECORDING ".mp3?RequestedChannels=1", WHOLE, THEN_CLOSE },
	};

	begin_anew();
	fly_on("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", whole);
	OK(last.wait_ms == 0 && flight->reason_text[0] == '\0',
	   "no two channels: asked again at once, and players hear of no fault");
	server_answers(mono, 1);
	fly();
	IS_INT(flight->state, FLIGHT_STORED, "one channel is asked for, and stored");
}

/* A body that is no audio is read no further than an error page needs. */
static void test_long_rubbish(void)
{
	AUTO(free) char *rubbish = xcalloc(1, 1 << 20);

	memset(rubbish, '<', 1 << 20);
	begin_anew();
	fly_on("HTTP/1.1 200 OK\r\nContent-Length: @L\r\n\r\n@M", (struct str){ rubbish, 1 << 20 });
	read_attempts();
	OK(last.meaning == VERDICT_LYING && attempts[0].bytes < 1 << 20,
	   "rubbish as media: cut off");
	begin_anew();
	fly_on("HTTP/1.1 500 Down\r\nContent-Length: @L\r\n\r\n@M",
	       (struct str){ rubbish, 1 << 20 });
	IS_INT(last.meaning, VERDICT_DOWN, "a long error page: cut off, and still an error");
}

int main(void)
{
	one_flight_start();
	test_first();
	write_sql("UPDATE recordings SET channels_wanted = 2");
	test_second();
	test_redirected();
	test_elsewhere();
	test_elsewhere_fails();
	test_mono();
	write_sql("UPDATE recordings SET channels_wanted = 2");
	test_long_rubbish();
	return one_flight_stop();
}
