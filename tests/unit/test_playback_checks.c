/*
 * Plays of what is stored and of what is in flight, at both places: as they should be, and each with one answer that is not.
 */
#include "checkup/playback_checks.h"

#include "fake_callspool.h"

/* All checks that play one of the doctor's calls. */
static const struct {
	const char *check;
	bool is_ranged, is_of_flight;
} plays[] = {
	{ "first-bytes", true, false },
	{ "whole", false, false },
	{ "open-ended", true, false },
	{ "seek", true, false },
	{ "piece", true, false },
	{ "suffix", true, false },
	{ "if-range", true, false },
	{ "if-range-other", true, false },
	{ "head", false, false },
	{ "head-range", true, false },
	{ "beyond-end", true, false },
	{ "not-compressed", false, false },
	{ "flight-first-bytes", true, true },
	{ "flight-whole", false, true },
};

/* ---- where it is played ---- */

static const struct {
	const char *name;
	bool is_direct, is_public; /* there is such an address */
	const char *silent_direct, *silent_public;
	int64_t direct_ms;
	const char *says, *chosen;
} ways[] = {
	{ "at both", true, true, NULL, NULL, 3,
	  "good: first byte in 3 ms directly, in 7 ms through the public address\n", NULL },
	{ "at both, directly at once", true, true, NULL, NULL, 0,
	  "good: first byte in 0 ms directly, in 7 ms through the public address\n", NULL },
	{ "through the proxy alone", false, true, NULL, NULL, 3,
	  "good: first byte in 7 ms through the public address\n", NULL },
	{ "what does not answer directly is another check's", true, true, "answers", NULL, 3,
	  "good: first byte in 7 ms through the public address\n", NULL },
	{ "directly alone", true, false, NULL, NULL, 3,
	  "left out: good directly; there is no public address: see public-url\n",
	  "unchecked: good directly; there is no public address: see public-url\n" },
	{ "directly alone, and at once", true, false, NULL, NULL, 0,
	  "left out: good directly; there is no public address: see public-url\n",
	  "unchecked: good directly; there is no public address: see public-url\n" },
	{ "nowhere", false, false, NULL, NULL, 3,
	  "left out: not played; there is no public address: see public-url\n",
	  "unchecked: not played; there is no public address: see public-url\n" },
	{ "directly, and the proxy does not answer", true, true, NULL, "public", 0,
	  "left out: good directly; through the public address it follows from public\n", NULL },
	{ "nobody answers", true, true, "answers", "public", 3,
	  "left out: not played; through the public address it follows from public\n", NULL },
};

static void test_ways(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t k = 0; k < ARRAY_LEN(plays); k++) {
			struct deployment deployment = fake_deployment();
			struct place *direct = &deployment.places[PLACE_DIRECT];
			struct place *public = &deployment.places[PLACE_PUBLIC];
			AUTO(free) char *says = NULL, *chosen = NULL;

			direct->url = ways[i].is_direct ? direct->url : NULL;
			public->url = ways[i].is_public ? public->url : NULL;
			direct->silent = ways[i].silent_direct;
			public->silent = ways[i].silent_public;
			fake_first_ms[PLACE_DIRECT] = ways[i].direct_ms;
			says = fake_says(plays[k].check, &deployment);
			chosen = fake_says_as(plays[k].check, &deployment, true);
			IS_STR(str_of(says), str_of(ways[i].says), "%s: %s", plays[k].check,
			       ways[i].name);
			IS_STR(str_of(chosen),
			       str_of(ways[i].chosen ? ways[i].chosen : ways[i].says),
			       "%s, asked for by name: %s", plays[k].check, ways[i].name);
			OK(!direct->misplayed && !public->misplayed, "nothing follows from it");
			buf_release(&deployment.media);
		}
}

/* What is known to be wrong at the public address: of two the one that is nearer to the cause. */
static void test_follows(void)
{
	for (size_t k = 0; k < ARRAY_LEN(plays); k++)
		for (unsigned known = 0; known < 16; known++) {
			struct deployment deployment = fake_deployment();
			struct place *public = &deployment.places[PLACE_PUBLIC];
			const char *cause;
			AUTO(free) char *says = NULL, *want = NULL;

			public->silent = known & 8 ? "public" : NULL;
			public->signed_out = known & 4 ? "sign-in" : NULL;
			public->misplayed = known & 2 ? "whole" : NULL;
			public->rangeless = known & 1 ? "range-arrives" : NULL;
			cause = public->silent                               ? public->silent
				: public->signed_out                         ? public->signed_out
				: plays[k].is_of_flight && public->misplayed ? public->misplayed
				: plays[k].is_ranged                         ? public->rangeless
									     : NULL;
			want = cause ? xasprintf("left out: good directly; through the public "
						 "address it follows from %s\n",
						 cause)
				     : xasprintf("good: first byte in 3 ms directly, in 7 ms "
						 "through the public address\n");
			says = fake_says(plays[k].check, &deployment);
			IS_STR(str_of(says), str_of(want), "%s: known before: %u", plays[k].check,
			       known);
			buf_release(&deployment.media);
		}
}

static void test_nothing_to_play(void)
{
	for (size_t k = 0; k < ARRAY_LEN(plays); k++) {
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = NULL, *chosen = NULL;

		buf_clear(&deployment.media);
		says = fake_says(plays[k].check, &deployment);
		chosen = fake_says_as(plays[k].check, &deployment, true);
		IS_STR(str_of(says), STR("left out: no server runs that could be played from\n"),
		       "%s: nothing to play", plays[k].check);
		IS_STR(str_of(chosen), STR("unchecked: no server runs that could be played from\n"),
		       "%s: nothing to play, and it was asked for by name", plays[k].check);
		IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0, "%s: and nothing is asked",
		       plays[k].check);
		buf_release(&deployment.media);
	}
}

/* The last 500 bytes are all where there are no more. */
static void test_suffix(void)
{
	static const size_t sizes[] = { 1, 499, 500, 501 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(free) char *says = NULL;
		struct deployment deployment;

		fake_size = sizes[i];
		deployment = fake_deployment();
		says = fake_says("suffix", &deployment);
		IS_STR(str_of(says),
		       STR("good: first byte in 3 ms directly, in 7 ms through the public address\n"),
		       "suffix: of %zu bytes", sizes[i]);
		buf_release(&deployment.media);
	}
	fake_size = BYTES;
}

/* ---- an answer that is not as it should be ---- */

#define SOUND    "\r\nContent-Type: audio/mpeg\r\nAccept-Ranges: bytes\r\nETag: " ETAG
#define PART     "206, exactly the bytes asked for, and Content-Range with the total"
#define IN_ALL   "200, and every byte"
#define CALL(of) "GET /api/calls/" of "/download "
#define FINDING(says, looked, expected, write, check)                              \
	says "\nlooked at: " looked "\nexpected: " expected "\n" write "confirm: " \
	     "callspool doctor " check "\n"
#define IOS_PART   "GET one that is stored, Range: bytes=0-1 as iOS Safari does, "
#define CURL_WHOLE "GET one that is stored as curl does, "

static const struct {
	const char *name, *check;
	enum place_kind kind;
	struct page page;
	const char *says;
} faults[] = {
	{ "all in place of a part",
	  "first-bytes",
	  PLACE_PUBLIC,
	  { CALL(STORED), "AppleCoreMedia", "200 OK" SOUND, "ID" },
	  FINDING("breaks: a Range request is answered with 200 and the whole",
		  IOS_PART
		  "through P: 200, Content-Type audio/mpeg, Content-Length 2, 2 bytes in 9 ms",
		  PART, "write: proxy_cache off;\nproxy_set_header Range $http_range;\n",
		  "first-bytes") },
	{ "all in place of a part, by callspool itself",
	  "first-bytes",
	  PLACE_DIRECT,
	  { CALL(STORED), "AppleCoreMedia", "200 OK" SOUND, "ID" },
	  FINDING("breaks: a Range request is answered with 200 and the whole",
		  IOS_PART
		  "directly: 200, Content-Type audio/mpeg, Content-Length 2, 2 bytes in 9 ms",
		  PART, "", "first-bytes") },
	{ "504",
	  "whole",
	  PLACE_PUBLIC,
	  { CALL(STORED), NULL, "504 Late", NULL },
	  FINDING("breaks: a play is answered 504",
		  CURL_WHOLE "through P: 504, Content-Length 0, 0 bytes in 9 ms", IN_ALL,
		  "write: proxy_read_timeout 60s;\n", "whole") },
	{ "502",
	  "whole",
	  PLACE_PUBLIC,
	  { CALL(STORED), NULL, "502 Bad", NULL },
	  FINDING("breaks: a play is answered 502",
		  CURL_WHOLE "through P: 502, Content-Length 0, 0 bytes in 9 ms", IN_ALL, "",
		  "whole") },
	{ "nothing",
	  "whole",
	  PLACE_PUBLIC,
	  { CALL(STORED), NULL, "", NULL },
	  FINDING("breaks: a play is not answered",
		  CURL_WHOLE "through P: no answer: Empty reply from server", IN_ALL, "",
		  "whole") },
	{ "compressed",
	  "not-compressed",
	  PLACE_PUBLIC,
	  { CALL(STORED), "\r\nAccept-Encoding: gzip, br\r\n",
	    "200 OK" SOUND "\r\nContent-Encoding: gzip", "ID" },
	  FINDING("weakens: the sound is compressed on the way",
		  "GET one that is stored as a program does, through P: 200, Content-Type "
		  "audio/mpeg, Content-Length 2, Content-Encoding gzip, 2 bytes in 9 ms",
		  IN_ALL, "write: gzip off;\n", "not-compressed") },
	{ "a part without its place",
	  "seek",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=300001-\r\n", "206 Part" SOUND, "ID" },
	  FINDING("breaks: Content-Range is lost on the way",
		  "GET one that is stored, Range: bytes=300001- as Chrome does, through P: 206, "
		  "Content-Type audio/mpeg, Content-Length 2, 2 bytes in 9 ms",
		  PART, "write: proxy_force_ranges off;\n", "seek") },
	{ "another part",
	  "piece",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=65536-131071\r\n",
	    "206 Part" SOUND "\r\nContent-Range: bytes 65536-65537/400000", "ID" },
	  FINDING("breaks: Content-Range is not that of the bytes asked for",
		  "GET one that is stored, Range: bytes=65536-131071 as iOS Safari does, through "
		  "P: 206, Content-Range bytes 65536-65537/400000, Content-Type audio/mpeg, "
		  "Content-Length 2, 2 bytes in 9 ms",
		  PART, "write: proxy_force_ranges off;\n", "piece") },
	{ "no length",
	  "head",
	  PLACE_PUBLIC,
	  { "HEAD ", NULL, "HTTP/1.1 200 OK" SOUND "\r\nConnection: close\r\n\r\n", NULL },
	  FINDING("breaks: Content-Length is lost on the way: a player cannot tell how long it is",
		  "HEAD one that is stored as curl does, through P: 200, Content-Type audio/mpeg, 0 "
		  "bytes in 9 ms",
		  IN_ALL, "write: gzip off;    # and no sub_filter, no addition\n", "head") },
	{ "HEAD is refused",
	  "head-range",
	  PLACE_PUBLIC,
	  { "HEAD ", "Range: bytes=0-1\r\n", "405 No", NULL },
	  FINDING("breaks: a play is answered with a status of another kind",
		  "HEAD one that is stored, Range: bytes=0-1 as curl does, through P: 405, "
		  "Content-Length 0, 0 bytes in 9 ms",
		  PART, "", "head-range") },
	{ "no ETag",
	  "if-range",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=0-1\r\n",
	    "206 Part\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 0-1/400000", "ID" },
	  FINDING("breaks: ETag is lost on the way",
		  "GET one that is stored, Range: bytes=300001- as Chrome does, through P: 206, "
		  "Content-Range bytes 300001-399999/400000, Content-Type audio/mpeg, "
		  "Content-Length 99999, 99999 bytes in 9 ms",
		  PART, "write: proxy_pass_header ETag;    # and no proxy_hide_header ETag\n",
		  "if-range") },
	{ "If-Range is not passed on",
	  "if-range-other",
	  PLACE_PUBLIC,
	  { CALL(STORED), "\r\nIf-Range: \"another\"\r\n", "206 Part" SOUND, "ID" },
	  FINDING("breaks: a play is answered with a status of another kind",
		  "GET one that is stored, Range: bytes=300001- as Chrome does, through P: 206, "
		  "Content-Type audio/mpeg, Content-Length 2, 2 bytes in 9 ms",
		  IN_ALL, "", "if-range-other") },
	{ "no Accept-Ranges",
	  "whole",
	  PLACE_PUBLIC,
	  { CALL(STORED), NULL, "200 OK\r\nContent-Type: audio/mpeg", "ID" },
	  FINDING("breaks: Accept-Ranges is lost on the way: players do not seek",
		  CURL_WHOLE
		  "through P: 200, Content-Type audio/mpeg, Content-Length 2, 2 bytes in "
		  "9 ms",
		  IN_ALL, "write: gzip off;    # and no proxy_hide_header Accept-Ranges\n",
		  "whole") },
	{ "another type",
	  "whole",
	  PLACE_PUBLIC,
	  { CALL(STORED), NULL, "200 OK\r\nContent-Type: text/plain", "ID" },
	  FINDING("breaks: Content-Type is not that of the sound",
		  CURL_WHOLE
		  "through P: 200, Content-Type text/plain, Content-Length 2, 2 bytes in "
		  "9 ms",
		  IN_ALL,
		  "write: proxy_hide_header \"\";    # none that hides or sets Content-Type\n",
		  "whole") },
	{ "a page in place of 416",
	  "beyond-end",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=99999999-\r\n", "416 No", NULL },
	  FINDING("breaks: Content-Range is lost on the way",
		  "GET one that is stored, Range: bytes=99999999- as Chrome does, through P: 416, "
		  "Content-Length 0, 0 bytes in 9 ms",
		  "416, and Content-Range with the total", "write: proxy_force_ranges off;\n",
		  "beyond-end") },
	{ "the end is cut off",
	  "suffix",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=-500\r\n",
	    "HTTP/1.1 206 Part\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes "
	    "399500-399999/400000\r\nContent-Length: 500\r\nConnection: close\r\n\r\n",
	    "I" },
	  FINDING("breaks: a play ends before its last byte",
		  "GET one that is stored, Range: bytes=-500 as curl does, through P: 206, "
		  "Content-Range bytes 399500-399999/400000, Content-Type audio/mpeg, "
		  "Content-Length 500, 1 bytes in 9 ms, then SHORT",
		  PART,
		  "write: proxy_read_timeout 60s;    # and no limit on how long all of it may take\n",
		  "suffix") },
	{ "other bytes",
	  "open-ended",
	  PLACE_PUBLIC,
	  { CALL(STORED), "Range: bytes=0-\r\n", "200 OK" SOUND, "ID" },
	  FINDING("breaks: a Range request is answered with 200 and the whole",
		  "GET one that is stored, Range: bytes=0- as Chrome does, through P: 200, "
		  "Content-Type audio/mpeg, Content-Length 2, 2 bytes in 9 ms",
		  PART, "write: proxy_cache off;\nproxy_set_header Range $http_range;\n",
		  "open-ended") },
	{ "refused",
	  "flight-first-bytes",
	  PLACE_PUBLIC,
	  { CALL(FLYING), "AppleCoreMedia", "403 No", NULL },
	  FINDING("breaks: a play is refused, though it is signed in",
		  "GET one in flight, Range: bytes=0-1 as iOS Safari does, through P: 403, "
		  "Content-Length 0, 0 bytes in 9 ms",
		  PART, "", "flight-first-bytes") },
	{ "504 in flight",
	  "flight-whole",
	  PLACE_DIRECT,
	  { CALL(FLYING), NULL, "504 Late", NULL },
	  FINDING("breaks: a play is answered 504",
		  "GET one in flight as curl does, directly: 504, Content-Length 0, 0 bytes in 9 ms",
		  IN_ALL, "", "flight-whole") },
};

/* libcurl says it in other words from version to version. */
static char *in_few_words(char *says)
{
	static const char *const words[][2] = {
		{ "transfer closed with 499 bytes remaining to read", "SHORT" },
		{ "end of response with 499 bytes missing", "SHORT" },
		{ NULL, NULL }
	};
	char *plain = checked_plain(str_of(says), words);

	free(says);
	return plain;
}

static void test_faults(void)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		const struct page pages[] = { faults[i].page, { 0 } };
		struct deployment deployment = fake_deployment();
		bool is_of_flight = strncmp(faults[i].check, "flight", 6) == 0;
		const struct place *place = &deployment.places[faults[i].kind];
		const struct place *other = &deployment.places[PLACE_PUBLIC - faults[i].kind];
		AUTO(free) char *says = NULL;

		place_say(&fake_places[faults[i].kind], pages);
		says = in_few_words(fake_says(faults[i].check, &deployment));
		IS_STR(str_of(says), str_of(faults[i].says), "%s: %s", faults[i].check,
		       faults[i].name);
		IS_STR(str_of(place->misplayed), is_of_flight ? STR_NONE : str_of(faults[i].check),
		       "%s: what follows from it knows: %s", faults[i].check, faults[i].name);
		OK(!other->misplayed, "%s: the other place is as it should be", faults[i].check);
		OK(place->flight_first_ms == 0, "%s: nothing was played in flight there",
		   faults[i].check);
		buf_release(&deployment.media);
	}
}

/* What is wrong directly is callspool's own, and is told once. */
static void test_direct_first(void)
{
	const struct page pages[] = { { CALL(STORED), NULL, "502 Bad", NULL }, { 0 } };
	struct deployment deployment = fake_deployment();
	AUTO(free) char *says = NULL;

	place_say(&fake_places[PLACE_DIRECT], pages);
	place_say(&fake_places[PLACE_PUBLIC], pages);
	says = fake_says("whole", &deployment);
	IS_STR(str_of(says),
	       STR(FINDING("breaks: a play is answered 502",
			   CURL_WHOLE "directly: 502, Content-Length 0, 0 bytes in 9 ms", IN_ALL,
			   "", "whole")),
	       "what is wrong at both places is told of the nearer one alone");
	IS_INT(place_count(&fake_places[PLACE_PUBLIC]), 0, "and the other is not asked");
	buf_release(&deployment.media);
}

/* When the first byte of one in flight came is noted, for the check flight-at-once. */
static void test_flight_noted(void)
{
	struct deployment deployment = fake_deployment();
	AUTO(free) char *stored = fake_says("whole", &deployment);

	OK(deployment.places[PLACE_PUBLIC].flight_first_ms == 0, "of a stored one it is not noted");

	AUTO(free) char *flying = fake_says("flight-whole", &deployment);

	IS_INT(deployment.places[PLACE_DIRECT].flight_first_ms, 3, "in flight, directly");
	IS_INT(deployment.places[PLACE_PUBLIC].flight_first_ms, 7, "in flight, through the proxy");
	buf_release(&deployment.media);
}

/* ---- what goes out ---- */

static void test_players(void)
{
	static const struct {
		const char *check, *begins, *holds;
	} rows[] = {
		{ "first-bytes", CALL(STORED), "\r\nUser-Agent: AppleCoreMedia/" },
		{ "first-bytes", CALL(STORED), "\r\nX-Playback-Session-Id: " },
		{ "first-bytes", CALL(STORED), "\r\nAccept-Encoding: identity\r\n" },
		{ "piece", CALL(STORED), "\r\nRange: bytes=65536-131071\r\n" },
		{ "open-ended", CALL(STORED), "\r\nSec-Fetch-Dest: audio\r\n" },
		{ "seek", CALL(STORED), "Chrome/" },
		{ "if-range", CALL(STORED), "\r\nIf-Range: " ETAG "\r\n" },
		{ "if-range", CALL(STORED), "\r\nRange: bytes=300001-\r\n" },
		{ "if-range-other", CALL(STORED), "\r\nIf-Range: \"another\"\r\n" },
		{ "head", "HEAD /api/calls/" STORED "/download ", "\r\nUser-Agent: curl/" },
		{ "not-compressed", CALL(STORED), "\r\nAccept-Encoding: gzip, br\r\n" },
		{ "flight-whole", CALL(FLYING), "\r\nAuthorization: Bearer t\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deployment deployment = fake_deployment();
		AUTO(free) char *says = fake_says(rows[i].check, &deployment);
		AUTO(free) char *text = place_last(&fake_places[PLACE_PUBLIC]);
		struct str last = str_of(text);

		OK(str_starts(last, str_of(rows[i].begins)), "%s: asks for it", rows[i].check);
		OK(strstr(last.at, rows[i].holds), "%s: as that player does (row %zu)",
		   rows[i].check, i);
		OK(str_eq(fake_header(last, "If-Range"), STR_NONE) ==
			   (strncmp(rows[i].check, "if-range", 8) != 0),
		   "%s: If-Range only where a play is resumed", rows[i].check);
		buf_release(&deployment.media);
	}
}

int main(void)
{
	fake_start();
	test_ways();
	test_follows();
	test_nothing_to_play();
	test_suffix();
	test_faults();
	test_direct_first();
	test_flight_noted();
	test_players();
	fake_stop();
	return tap_end();
}
