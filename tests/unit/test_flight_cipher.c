#include "flights/flight_private.h"

#include "base/hash.h"
#include "catalog/recordings.h"
#include "one_flight.h"
#include "sealed_fixture.h"

#define SID   "CR0123456789abcdef0123456789abcdef"
#define OTHER "CR0123456789abcdef0123456789abcde0"
#define WAV   API "/Recordings/" RECORDING ".wav?RequestedChannels=2"
#define TOLD  API "/Recordings/" RECORDING ".json"
#define GONE  "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

static EVP_PKEY *pair;
static struct str sound, sealed;
static struct encryption_details details;
static char told[4096]; /* what the metadata answers */

/* What Twilio would have of `sound`; in `sealed` and `details`. */
static void seal_anew(void)
{
	AUTO(close)
	int fd = seal(pair, SID, (const uint8_t *)(const void *)sound.at, sound.len, &details);
	static char bytes[1 << 17];

	NEED(sound.len + 16 <= sizeof(bytes));
	NEED(pread(fd, bytes, sound.len + 16, 0) == (ssize_t)(sound.len + 16));
	sealed = (struct str){ bytes, sound.len + 16 };
}

static void add_details(struct buf *out, const char *sid)
{
	buf_addf(out, "{\"type\":\"rsa-aes\",\"public_key_sid\":\"%s\",\"encrypted_cek\":\"", sid);
	base64_add(out, details.cek, details.cek_len);
	buf_add_text(out, "\",\"iv\":\"");
	base64_add(out, details.iv, sizeof(details.iv));
	buf_add_text(out, "\"}");
}

/* The row says that it is encrypted, so: sid == NULL: with details that cannot be read. */
static void encrypted(const char *sid)
{
	char text[4096];
	struct buf sql;

	buf_over(&sql, text, sizeof(text));
	buf_add_text(&sql, "UPDATE recordings SET encryption = '");
	if (sid)
		add_details(&sql, sid);
	else
		buf_add_text(&sql, "{");
	buf_add_text(&sql, "'");
	NEED(buf_ok(&sql));
	write_sql(text);
}

/* A turn of a flight; the media comes so, the metadata so. */
static void fly_sealed(const char *raw, struct str media, const char *metadata)
{
	static struct answer answers[2];

	answers[0] = (struct answer){ WAV, raw, THEN_CLOSE };
	answers[1] = (struct answer){ TOLD, metadata, THEN_CLOSE };
	server_forget(&server);
	server.media = media;
	server_answers(answers, 2);
	fly();
}

static size_t count_stored(void)
{
	struct blob_names names;

	must(blob_list(env.store, STR("3f/"), STR(""), &names, &err));
	return names.count;
}

static bool is_stored_whole(void)
{
	AUTO(free) char *path = xasprintf("%s/recordings/%s", folder, recorded().path);
	AUTO(free) char *bytes = NULL;
	size_t len;

	return flight->state == FLIGHT_STORED && file_read(path, 1 << 20, &bytes, &len, &err) &&
	       str_eq((struct str){ bytes, len }, sound);
}

static void test_stored(void)
{
	begin_anew();
	encrypted(SID);
	fly_sealed(WHOLE, sealed, GONE);
	OK(is_stored_whole(), "what was encrypted is stored as it was");
	IS_STR(str_of(recorded().format), STR("wav"), "as WAV");
	IS_INT(recorded().size, sound.len, "without its tag");
	OK(recorded().duration_ms > 0, "as long as it is");
}

static void test_forged(void)
{
	AUTO(free) char *changed = xmemdup0(sealed.at, sealed.len);
	size_t before = count_stored();

	changed[sealed.len / 2] ^= 1;
	begin_anew();
	fly_sealed(WHOLE, (struct str){ changed, sealed.len }, GONE);
	OK(flight->state == FLIGHT_WAITING && last.meaning == VERDICT_LYING, "a bit is another");
	OK(!flight->arrival.file, "nothing of it is kept");
	IS_INT(count_stored(), before, "or stored");
	OK(strstr(flight->reason_text, "not what Twilio encrypted"), "which is told: %s",
	   flight->reason_text);
	fly_sealed(WHOLE, sealed, GONE);
	OK(is_stored_whole(), "as it should be, it is stored");
}

/* There is no room when it is to be opened: it is kept as it came, and opened later. */
static void test_no_room_to_open(void)
{
	const struct blob_failure full = { BLOB_CALL_ARRIVING_OPEN, .after = 1, .count = 1,
					   .kind = ERR_UNAVAILABLE };
	int64_t generation;

	begin_anew();
	blob_flaky_fail(env.store, &full);
	fly_sealed(WHOLE, sealed, GONE);
	OK(flight->state == FLIGHT_WAITING && last.meaning == VERDICT_OURS,
	   "there is no room for what is opened");
	OK(flight->arrival.file && flight->arrival.file->size == sealed.len, "what came is kept");
	generation = flight->generation;
	fly_sealed(GONE, sealed, GONE);
	OK(is_stored_whole(), "with room it is opened");
	IS_INT(server.requests, 0, "without a further request");
	IS_INT(recorded().generation, generation, "in the same generation");
}

/* Opened, it is no longer what a further request could go on with. */
static void test_no_room_to_seal(void)
{
	const struct blob_failure full = { BLOB_CALL_SEAL, .count = 1, .kind = ERR_UNAVAILABLE };
	int64_t generation;

	begin_anew();
	blob_flaky_fail(env.store, &full);
	fly_sealed(WHOLE, sealed, GONE);
	OK(flight->state == FLIGHT_WAITING && !flight->arrival.file, "it could not be sealed");
	generation = flight->generation;
	fly_sealed(WHOLE, sealed, GONE);
	OK(is_stored_whole() && recorded().generation > generation, "fetched anew, it is");
}

static void test_no_key(void)
{
	struct vault *vault = env.vault;

	encrypted(OTHER);
	begin_anew();
	fly_sealed(WHOLE, sealed, GONE);
	IS_INT(flight->state, FLIGHT_DEAD, "given up at once");
	OK(server.requests == 0 && !last.was_sent, "and not asked for");
	OK(strstr(flight->reason_text, OTHER), "the public key is named: %s", flight->reason_text);
	env.vault = NULL;
	encrypted(SID);
	begin_anew();
	fly_sealed(WHOLE, sealed, GONE);
	IS_INT(flight->state, FLIGHT_DEAD, "the same without any key");
	env.vault = vault;
	begin_anew();
	fly_sealed(WHOLE, sealed, GONE);
	OK(is_stored_whole(), "with the key it is stored");
}

static void write_told(void)
{
	char body[4096];
	struct buf json, answer;

	buf_over(&json, body, sizeof(body));
	buf_add_text(&json, "{\"sid\":\"" RECORDING "\",\"status\":\"completed\","
			    "\"encryption_details\":");
	add_details(&json, SID);
	buf_add_text(&json, "}");
	buf_over(&answer, told, sizeof(told));
	buf_addf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", json.len, body);
	NEED(buf_ok(&json) && buf_ok(&answer));
}

/* What the callback told cannot be read: the metadata is asked, and believed where it says something else. */
static void test_learns(void)
{
	write_told();
	encrypted(NULL);
	begin_anew();
	fly_sealed(WHOLE, sealed, told);
	OK(flight->state == FLIGHT_WAITING && last.meaning == VERDICT_LOCKED, "it is told anew: %s",
	   flight->reason_text);
	OK(server.requests == 1 && last.was_sent, "by one request");
	fly_sealed(WHOLE, sealed, told);
	OK(is_stored_whole(), "and stored");

	encrypted(NULL);
	begin_anew();
	fly_sealed(WHOLE, sealed, GONE);
	IS_INT(flight->state, FLIGHT_DEAD, "where it says nothing, it is given up: %s",
	       flight->reason_text);
}

int main(void)
{
	struct vault_options options;
	AUTO(free) char *path = NULL;

	one_flight_start();
	pair = key_make(2048);
	path = key_write(pair, SID ".pem", 0600);
	options = (struct vault_options){ .key_path = path };
	must(vault_open(&options, &env.vault, &err));
	sound = audio_read("wav-dual-8k.wav");
	seal_anew();
	test_stored();
	test_forged();
	test_no_room_to_open();
	test_no_room_to_seal();
	test_no_key();
	test_learns();
	vault_free(env.vault);
	EVP_PKEY_free(pair);
	free((char *)(uintptr_t)sound.at);
	return one_flight_stop();
}
