/*
 * Two places at which a callspool answers as it should, directly and through a proxy that changes nothing; and at either of them
 * one page that is answered instead (fake_place.h).  How long the first byte of an answer takes is the test's to say.
 *
 * Linked with --wrap=deployment_ask.
 */
#pragma once

#include "base/mem.h"
#include "base/own.h"
#include "checked.h"
#include "checkup/playback_checks.h"
#include "doctor/deployment.h"
#include "fake_place.h"

#include <jansson.h>

#define STORED   "CA00000000000000000000000000000001"
#define FLYING   "CA00000000000000000000000000000002"
#define ECHOING  "CA00000000000000000000000000000003"
#define MISSING  "CA00000000000000000000000000000004"
#define NEWEST   "RE00000000000000000000000000000005"
#define PLAY_OF  "/api/calls/"
#define ORIGIN   "https://crm.test"
#define ETAG     "\"the-bytes\""
#define BYTES    400000
#define TOTAL_MS 9

static struct fake_place fake_places[PLACES];
static char fake_bytes[BYTES];
static size_t fake_size = BYTES;
/* Of all answers of a place: until the first byte, in ms. */
static int64_t fake_first_ms[PLACES];
/* If set, of the answers of the public place one after the other, up to a 0; then as above. */
static int64_t fake_next_ms[4];
/* So many were asked for their head alone. */
static size_t fake_heads;

void __real_deployment_ask(struct deployment *deployment, enum place_kind place,
			   const struct place_ask *ask, struct http_answer *out);
void __wrap_deployment_ask(struct deployment *deployment, enum place_kind place,
			   const struct place_ask *ask, struct http_answer *out);

void __wrap_deployment_ask(struct deployment *deployment, enum place_kind place,
			   const struct place_ask *ask, struct http_answer *out)
{
	__real_deployment_ask(deployment, place, ask, out);
	fake_heads += ask->takes_head_only;
	out->first_byte_ms = fake_first_ms[place];
	out->total_ms = TOTAL_MS;
	if (place != PLACE_PUBLIC || fake_next_ms[0] == 0)
		return;
	out->first_byte_ms = fake_next_ms[0];
	memmove(fake_next_ms, fake_next_ms + 1, sizeof(fake_next_ms) - sizeof(fake_next_ms[0]));
}

/* ---- a good answer ---- */

static struct str fake_header(struct str request, const char *name)
{
	struct str rest = request, line;

	while (str_cut(&rest, '\n', &line))
		if (str_starts_nocase(line, str_of(name)) && str_find(line, ':') == strlen(name))
			return str_trim(str_first(str_after(line, strlen(name) + 1),
						  str_find(line, '\r') - strlen(name) - 1));
	return STR_NONE;
}

/* "bytes=A-B", "bytes=A-", "bytes=-N". */
static bool fake_range(struct str range, uint64_t *first, uint64_t *end)
{
	struct str text = str_after(range, 6);
	struct str from = str_first(text, str_find(text, '-'));
	struct str to = str_after(text, from.len + 1);
	uint64_t last = fake_size - 1;

	if (from.len == 0 && str_to_u64(to, &last)) {
		*first = last < fake_size ? fake_size - last : 0;
		*end = fake_size;
		return true;
	}
	if (!str_to_u64(from, first) || (to.len > 0 && !str_to_u64(to, &last)))
		abort();
	*end = last + 1;
	return *first < fake_size;
}

static void fake_play(struct str request, struct buf *out)
{
	struct str range = fake_header(request, "Range"), only = fake_header(request, "If-Range");
	uint64_t first = 0, end = fake_size;

	if (only.at && !str_eq(only, STR(ETAG)))
		range = STR_NONE;
	if (range.at && !fake_range(range, &first, &end)) {
		buf_addf(out,
			 "HTTP/1.1 416 No\r\nContent-Length: 0\r\nContent-Range: bytes */%zu\r\n"
			 "Connection: close\r\n\r\n",
			 fake_size);
		return;
	}
	buf_addf(out, "HTTP/1.1 %s\r\nContent-Type: audio/mpeg\r\nContent-Length: %llu\r\n",
		 range.at ? "206 Part" : "200 OK", (unsigned long long)(end - first));
	if (range.at)
		buf_addf(out, "Content-Range: bytes %llu-%llu/%zu\r\n", (unsigned long long)first,
			 (unsigned long long)end - 1, fake_size);
	buf_addf(out, "Accept-Ranges: bytes\r\nETag: " ETAG "\r\nConnection: close\r\n");
	if (fake_header(request, "Origin").at)
		buf_addf(out, "Access-Control-Allow-Origin: " ORIGIN
			      "\r\nAccess-Control-Expose-Headers: Content-Range, ETag\r\n");
	buf_add_text(out, "\r\n");
	if (!str_starts(request, STR("HEAD")))
		buf_add(out, fake_bytes + first, (size_t)(end - first));
}

static void fake_echo(struct str request, struct buf *out)
{
	json_t *headers = json_array(), *echo;
	struct str rest = request, line, target = str_after(request, str_find(request, ' ') + 1);
	AUTO(free) char *text = NULL;

	target = str_first(target, str_find(target, ' '));
	(void)!str_cut(&rest, '\n', &line);
	while (str_cut(&rest, '\n', &line) && line.len > 1) {
		size_t colon = str_find(line, ':');
		struct str value =
			str_trim(str_first(str_after(line, colon + 1), line.len - colon - 2));

		json_array_append_new(headers,
				      json_pack("[s%,s%]", line.at, colon, value.at, value.len));
	}
	json_array_append_new(headers, json_pack("[s,s]", "X-Forwarded-For", "192.0.2.7"));
	echo = json_pack("{s:o,s:i,s:s%,s:b,s:s,s:s}", "headers", headers, "minor_version", 1,
			 "target", target.at, target.len, "trusted", 1, "client", "192.0.2.7",
			 "peer", "127.0.0.1");
	text = json_dumps(echo, 0);
	json_decref(echo);
	place_add_page(&(struct page){ "", NULL, "200 OK", text }, out);
}

static bool fake_is_of(struct str request, const char *part)
{
	struct str target = str_first(request, str_find(request, '\r'));

	return str_find_str(target, str_of(part)) < target.len;
}

static void fake_answer(struct fake_place *place, struct str request, struct buf *out)
{
	static const struct page others[] = {
		{ "OPTIONS ", NULL, "204 None\r\nAccess-Control-Allow-Origin: " ORIGIN, NULL },
		{ "GET /api/events ", NULL,
		  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
		  "Upgrade\r\n\r\n",
		  NULL },
		{ "GET /api/calls/" MISSING "/", NULL, "404 Not Found",
		  "{\"code\":\"call_not_found\"}" },
		{ "GET /api/recordings/" NEWEST "/media ", "Range: bytes=0-1\r\n", "206 Part",
		  "ID" },
		{ "", NULL, "404 Not Found", "{\"code\":\"not_found\"}" },
		{ 0 },
	};
	const struct page *page = place_find(place->pages, request);
	bool is_free = str_starts(request, STR("OPTIONS "));

	if (page)
		place_add_page(page, out);
	else if (!is_free && !str_eq(fake_header(request, "Authorization"), STR("Bearer t")))
		place_add_page(&(struct page){ "", NULL, "401 Unauthorized",
					       "{\"code\":\"unauthenticated\"}" },
			       out);
	else if (!is_free && (fake_is_of(request, PLAY_OF STORED "/download ") ||
			      fake_is_of(request, PLAY_OF FLYING "/download ")))
		fake_play(request, out);
	else if (fake_is_of(request, PLAY_OF ECHOING "/download?doctor="))
		fake_echo(request, out);
	else
		place_say_page(others, request, out);
}

/* ---- the deployment ---- */

static void fake_start(void)
{
	for (size_t i = 0; i < BYTES; i++)
		fake_bytes[i] = (char)((i * 7 + i / 256) % 251);
	for (size_t i = 0; i < PLACES; i++) {
		place_start(&fake_places[i]);
		fake_places[i].answer = fake_answer;
	}
	checked_tells_times = true;
}

static void fake_stop(void)
{
	for (size_t i = 0; i < PLACES; i++)
		place_stop(&fake_places[i]);
}

/* All is well, and first bytes come after 3 ms directly and after 7 ms through the proxy. */
static struct deployment fake_deployment(void)
{
	static char token[] = "Authorization: Bearer t";
	struct deployment deployment = {
		.token = token,
		.server = { .version = "1.0",
			    .public_url = "https://calls.test/",
			    .auth = "password",
			    .other_origin = ORIGIN },
		.probe = { .stored = STORED,
			   .flight = FLYING,
			   .echo = ECHOING,
			   .missing = MISSING,
			   .size = BYTES,
			   .flight_ms = 100,
			   .recording = NEWEST },
		.places = { { .name = "directly", .url = fake_places[PLACE_DIRECT].url },
			    { .name = "through P", .url = fake_places[PLACE_PUBLIC].url } },
	};

	buf_init(&deployment.media, BYTES);
	buf_add(&deployment.media, fake_bytes, fake_size);
	fake_first_ms[PLACE_DIRECT] = 3;
	fake_first_ms[PLACE_PUBLIC] = 7;
	memset(fake_next_ms, 0, sizeof(fake_next_ms));
	fake_heads = 0;
	for (size_t i = 0; i < PLACES; i++)
		place_say(&fake_places[i], NULL);
	return deployment;
}

/* For free(). */
static char *fake_says_as(const char *check, struct deployment *deployment, bool is_chosen)
{
	const char *const names[][2] = { { fake_places[PLACE_DIRECT].url, "DIRECT" },
					 { fake_places[PLACE_PUBLIC].url, "PUBLIC" },
					 { fake_places[PLACE_PUBLIC].url + 7, "HOST" },
					 { NULL, NULL } };

	return checked_as(&playback_checks, check, deployment, names, is_chosen);
}

__attribute__((unused)) static char *fake_says(const char *check, struct deployment *deployment)
{
	return fake_says_as(check, deployment, false);
}
