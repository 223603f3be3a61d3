/*
 * What the product answers to whom, on a ledger that is the same at the beginning of each conversation: the files of
 * tests/data/web are requests and the whole of each answer (recorded.h).
 *
 * A file holds exchanges, each of them:
 *
 *	# one sentence
 *	p session later=5000
 *	POST /api/links
 *	Header: as it is sent
 *
 *	the body
 *	----
 *	HTTP/1.1 201 Created
 *	...
 *	====
 *
 * The second line is how people sign in, which begins anew (p: by passwords, n: not at all, x: by a proxy that is trusted, y: by
 * one that is not; a: by passwords, and it is asked over the administrator's socket; e: the same where other processes ask; r: the
 * same where old recordings are not kept; f: the same where there is nobody yet), or '-' ('-p': over that socket no longer), which goes on with the ledger and the loop of
 * the exchange before; who asks (secrets[] below; others send what is written there); and words: how much later it is, in ms, and
 * how what surrounds the routes behaves in it (web_around.h), which tells in brackets behind the answer what it was asked.
 * Host, the type and the length of a body are added where they are not there.  Of pages only the head is compared, of what is no
 * text the digest, and of no answer what differs from build to build or from run to run.
 */
#include "../fuzz/web_rooms.h"
#include "api/web_error.h"
#include "audio/waveform.h"
#include "base/hash.h"
#include "catalog/attempts.h"
#include "catalog/catalog.h"
#include "catalog/events.h"
#include "catalog/recordings.h"
#include "catalog/recordings_waveform.h"
#include "chores/verifications.h"
#include "must.h"
#include "play/peer_play.h"
#include "play/probes.h"
#include "projection/projection.h"
#include "recorded.h"
#include "retention/retention.h"
#include "tap.h"
#include "vault/vault.h"
#include "web_around.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define RECEIVED_MAX   (4 * 1024 * 1024)
#define IDLE_TURNS_MAX 200
#define MINUTE         (60 * INT64_C(1000))
#define NOON           (WEB_WALL_AT_MS - 10 * 60 * MINUTE)
#define ACCOUNT        "AC00000000000000000000000000000001"
#define MEDIA          "ID3 and what follows it, forty bytes...."

static struct err err;
static struct vault *vault; /* without a key */
static struct probes *probes;
static struct retention *retention;

/* ---- what is random is the same each time ---- */

static uint64_t random_count;

void __wrap_random_bytes(void *out, size_t len);
void __wrap_random_bytes(void *out, size_t len)
{
	uint8_t *at = out;

	for (size_t i = 0; i < len; i++) {
		random_count = random_count * UINT64_C(6364136223846793005) + 1442695040888963407;
		at[i] = (uint8_t)(random_count >> 56);
	}
}

/* ---- the client, and the time ---- */

static struct {
	int fd;
	struct buf received;
	bool has_ended, has_left;
	unsigned idle_turns;
	char peer[64];
} talk;

int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);

static bool read_some(void)
{
	char bytes[65536];
	ssize_t n = read(talk.fd, bytes, sizeof(bytes));

	if (n > 0)
		buf_add(&talk.received, bytes, (size_t)n);
	return n > 0;
}

static void leave(void)
{
	talk.has_left = true;
	shutdown(talk.fd, SHUT_RDWR);
	TELL("(the client leaves)\n");
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms)
{
	int count = __real_epoll_wait(epoll_fd, events, max, 0);

	if (count != 0 || timeout_ms == 0 || talk.has_ended)
		return count;
	if (!read_some()) {
		bool is_idle = ++talk.idle_turns >= IDLE_TURNS_MAX || timeout_ms < 0;

		if (is_idle && talk.has_left) {
			printf("Bail out! nothing is answered\n");
			exit(1);
		}
		if (is_idle) {
			/* Nothing happens any more, and the server has all the time. */
			leave();
		} else {
			rooms.now_ms += timeout_ms;
		}
	}
	return __real_epoll_wait(epoll_fd, events, max, 0);
}

static void connection_ended(struct http_server *server)
{
	talk.has_ended = true;
	loop_stop(server->loop);
}

/* Whatever was sent by now is read, and the answer to the end of the connection. */
static void converse(struct str input)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		exit(1);
	talk.fd = ends[1];
	talk.has_ended = talk.has_left = false;
	talk.idle_turns = 0;
	buf_clear(&talk.received);
	if (write(talk.fd, input.at, input.len) != (ssize_t)input.len)
		exit(1);
	shutdown(talk.fd, SHUT_WR);
	http_server_adopt(rooms.server, ends[0], ends[0], connection_ended);
	loop_run(rooms.loop);
	while (read_some())
		;
	close(ends[0]);
	close(ends[1]);
}

static void stop(struct timer *timer)
{
	loop_stop(rooms.loop);
}

/* Time passes, and what was to happen meanwhile does. */
static void pass(uint64_t ms)
{
	struct timer timer = { 0 };

	talk.has_ended = true;
	rooms.now_ms += (int64_t)ms;
	for (int i = 0; i < 2; i++) {
		timer_start(rooms.loop, &timer, 0, stop);
		loop_run(rooms.loop);
	}
}

/* ---- between the server and its routes ---- */

static struct http_app app;
static bool is_admin_socket;

static bool admit(struct exchange *x)
{
	str_fit(str_of(talk.peer), x->peer, sizeof(x->peer));
	x->over_admin = is_admin_socket;
	return rooms.web.app.admit(x);
}

static void expect(struct exchange *x)
{
	if (rooms.web.app.expect)
		rooms.web.app.expect(x);
}

static bool trusts(const struct exchange *x)
{
	return strcmp(talk.peer, "127.0.0.1") == 0;
}

static void ended(struct exchange *x)
{
	rooms.web.app.ended(x);
}

static void abandoned(struct exchange *x)
{
	rooms.web.app.abandoned(x);
}

static void shed(struct exchange *x)
{
	rooms.web.app.shed(x);
}

/* ---- the ledger, and what lies in the store ---- */

static struct event event_of(enum event_kind kind, int call, int recording, int64_t at_ms)
{
	static char call_sid[SID_SIZE], recording_sid[SID_SIZE];
	struct event event;

	event_init(&event, kind, at_ms);
	snprintf(call_sid, sizeof(call_sid), "CA%032d", call);
	snprintf(recording_sid, sizeof(recording_sid), "RE%032d", recording);
	event.call_sid = str_of(call_sid);
	if (recording != 0)
		event.recording_sid = str_of(recording_sid);
	event.account_sid = STR(ACCOUNT);
	event.started_at_ms = event.timestamp_ms = at_ms;
	return event;
}

static void append(struct catalog *catalog, const struct event *event)
{
	int64_t seq;

	MUST(events_append(catalog, event, &seq, &err));
}

/* A call from a customer, or to one, which ended after a minute, and its recording, which is to be fetched. */
static void add_call(struct catalog *catalog, int number, bool is_inbound, int64_t at_ms)
{
	struct event event = event_of(EVENT_CALL_STATUS, number, 0, at_ms);

	event.status = STR("completed");
	event.direction = is_inbound ? STR("inbound") : STR("outbound-api");
	event.from = is_inbound ? STR("+15005550006") : STR("+12025550100");
	event.to = is_inbound ? STR("+12025550100") : STR("+442079460123");
	event.duration_s = 60;
	event.timestamp_ms = at_ms + MINUTE;
	append(catalog, &event);
	event = event_of(EVENT_RECORDING_STATUS, number, number, at_ms);
	event.status = STR("completed");
	event.duration_s = 50 + number;
	event.channels = 2;
	event.source = STR("RecordVerb");
	append(catalog, &event);
}

static struct str sid_of(const char *kind, int number)
{
	static char sid[SID_SIZE];

	snprintf(sid, sizeof(sid), "%s%032d", kind, number);
	return str_of(sid);
}

/* Its bytes, and a waveform of two channels and four points. */
static void put_media(int number, const struct recording_media *media)
{
	static const int8_t pairs[] = {
		-1, 1, -128, 127, 0, 0, -3, 0, -64, 64, -5, 6, -7, 8, 0, 9
	};
	struct waveform waveform = { .channels = 2,
				     .sample_rate = 8000,
				     .frames = 30000,
				     .length = 8000,
				     .count = 4,
				     .pairs = (int8_t *)(uintptr_t)pairs,
				     .loudness = { -2305, WAVEFORM_NO_LOUDNESS },
				     .silences = (struct silence[]){ { 0, 250 }, { 1000, 2500 } },
				     .silence_count = 2 };
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	AUTO(buf_release) struct buf bytes;

	buf_init(&bytes, WAVEFORM_FILE_MAX);
	waveform_write(&waveform, &bytes);
	MUST(blob_arriving_open(rooms.store, sid_of("RE", number), media->generation, &arriving,
				&err));
	MUST(blob_arriving_write(arriving, STR(MEDIA), &err));
	MUST(blob_arriving_seal(arriving, str_of(media->path), &err) == BLOB_SEALED);
	if (number == 2)
		MUST(blob_write_beside(rooms.store, str_of(media->path), buf_str(&bytes), &err));
}

static void digest_of(struct str bytes, char out[SHA256_HEX])
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(bytes, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void mark_stored(struct catalog *catalog, int number, bool is_there)
{
	struct recording_media media = { .stored_at_ms = NOON + 5 * MINUTE,
					 .generation = 7,
					 .generation_at_ms = NOON + 4 * MINUTE,
					 .size = sizeof(MEDIA) - 1,
					 .duration_ms = 52345,
					 .format = "mp3" };
	char call_sid[SID_SIZE], path[BLOB_NAME_SIZE], digest[SHA256_HEX];

	memcpy(call_sid, sid_of("CA", number).at, SID_SIZE);
	MUST(blob_name_make(str_of(call_sid), sid_of("RE", number), 7, STR("mp3"), path, &err));
	digest_of(STR(MEDIA), digest);
	media.path = path;
	media.sha256 = digest;
	if (is_there)
		put_media(number, &media);
	MUST(recordings_mark_stored(catalog, sid_of("RE", number), &media, &err));
	if (number <= 3)
		MUST(recordings_set_waveform(catalog, sid_of("RE", number), 7,
					     RECORDING_WAVEFORM_STORED, &err));
}

/*
 * Beside WEB_CALL: 2 is stored and has a waveform, 3 is stored and its waveform is lost, 4 is stored and its file is lost, 5
 * is to be fetched, 6 waits for another try, 7 has none, 8 is gone, 9 was given up, 10 goes on, 11 is on and has no
 * recording, 12 has two, 13 is a conference's.
 */
static void fill(struct catalog *catalog)
{
	struct recording_wait wait = { .at_ms = NOON,
				       .next_try_at_ms = 3 * WEB_WALL_AT_MS,
				       .reason_code = "network",
				       .reason_text = "Twilio could not be reached." };
	struct projection_result result;
	struct event event;

	MUST(catalog_begin(catalog, &err));
	for (int i = 2; i <= 9; i++)
		add_call(catalog, i, i % 2 == 0, NOON + i * MINUTE);
	event = event_of(EVENT_RECORDING_STATUS, 10, 10, NOON);
	event.status = STR("in-progress");
	append(catalog, &event);
	event = event_of(EVENT_CALL_STATUS, 11, 0, NOON);
	event.status = STR("in-progress");
	event.parent_call_sid = STR("CA00000000000000000000000000000012");
	event.from = STR("client:dana");
	event.to = STR("sip:sales@example.com");
	append(catalog, &event);
	add_call(catalog, 12, true, NOON - 600 * MINUTE);
	event = event_of(EVENT_RECORDING_STATUS, 12, 120, NOON - 590 * MINUTE);
	event.status = STR("completed");
	event.duration_s = 7;
	append(catalog, &event);
	event = event_of(EVENT_RECORDING_STATUS, 0, 13, NOON);
	event.call_sid = STR_NONE;
	event.status = STR("completed");
	append(catalog, &event);
	do
		MUST(projection_run(catalog, PROJECTION_EVENTS_MAX, &result, &err));
	while (result.more);
	mark_stored(catalog, 2, true);
	mark_stored(catalog, 3, true);
	mark_stored(catalog, 4, false);
	MUST(recordings_mark_waiting(catalog, sid_of("RE", 6), &wait, &err));
	MUST(recordings_mark_absent(catalog, sid_of("RE", 7), 0, "Nothing was said.", &err));
	MUST(recordings_mark_gone(catalog, sid_of("RE", 8), "It was deleted.", &err));
	MUST(recordings_mark_dead(catalog, sid_of("RE", 9), "not_audio", "It is a page.", &err));
	mark_stored(catalog, 12, true);
	MUST(catalog_commit(catalog, &err));
}

/* A third recording of call 12, which is to be fetched as the second one is. */
static void add_third(void)
{
	struct catalog *catalog = ledger_catalog(rooms.ledger);
	struct event event = event_of(EVENT_RECORDING_STATUS, 12, 121, NOON - 580 * MINUTE);
	struct projection_result result;

	event.status = STR("completed");
	event.duration_s = 5;
	MUST(catalog_begin(catalog, &err));
	append(catalog, &event);
	MUST(projection_run(catalog, PROJECTION_EVENTS_MAX, &result, &err) &&
	     catalog_commit(catalog, &err));
}

/* A lost file, one that is fetched again, and one that is nobody's. */
static void add_faults(struct catalog *catalog)
{
	static const struct store_fault faults[] = {
		{ .path = "00/CA00000000000000000000000000000004.RE00000000000000000000000000000004.7.mp3",
		  .kind = STORE_FAULT_MISSING,
		  .state = STORE_FAULT_STAYS,
		  .call_sid = "CA00000000000000000000000000000004",
		  .recording_sid = "RE00000000000000000000000000000004",
		  .generation = 7,
		  .found_at_ms = NOON + MINUTE,
		  .seen_at_ms = NOON + 2 * MINUTE,
		  .reason = "Twilio has it no more." },
		{ .path = "00/RE00000000000000000000000000000005.7.mp3",
		  .kind = STORE_FAULT_SIZE,
		  .state = STORE_FAULT_MENDING,
		  .recording_sid = "RE00000000000000000000000000000005",
		  .found_at_ms = NOON + 3 * MINUTE,
		  .seen_at_ms = NOON + 4 * MINUTE },
		{ .path = "notes.txt",
		  .kind = STORE_FAULT_FOREIGN,
		  .found_at_ms = NOON + 5 * MINUTE,
		  .seen_at_ms = NOON + 5 * MINUTE },
	};

	MUST(catalog_begin(catalog, &err));
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		MUST(store_faults_add(catalog, &faults[i], &err));
	MUST(catalog_commit(catalog, &err));
}

/* Adds it to what inputs begin with; the files are written once. */
static void fill_template(struct template *template)
{
	AUTO(db_free) struct db *db = NULL;
	struct catalog *catalog;
	char path[128];

	write_ledger(template);
	free(template->bytes);
	rooms_path("ledger.db", path);
	/* Out of the way of what is counted from 1. */
	MUST(db_open(path, DB_WRITE, &db, &err) && db_exec(db, "PRAGMA foreign_keys = OFF", &err) &&
	     db_exec(db, "UPDATE calls SET id = 1000, main_recording_id = 1000", &err) &&
	     db_exec(db, "UPDATE recordings SET id = 1000, call_id = 1000", &err));
	db_free(TAKE(db));
	MUST(catalog_open(path, CATALOG_WRITE, &catalog, &err));
	fill(catalog);
	add_faults(catalog);
	catalog_free(catalog);
	MUST(file_read(path, LEDGER_MAX, &template->bytes, &template->len, &err));
}

/* ---- requests ---- */

static const struct {
	const char *name, *header;
} secrets[] = {
	{ "nobody", "" },
	{ "token", "Authorization: Bearer csp_" WEB_TOKEN "\r\n" },
	{ "session", "Cookie: callspool=" WEB_SESSION "\r\n" },
	{ "basic", "Authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpjc3BfVG9r"
		   "ZW5PZjFhYWFhYmJiYmNjY2NkZGRkZWVlZWZmZmY=\r\n" },
	{ "admin", "X-User: ada\r\nX-Groups: admins\r\n" },
	{ "listener", "X-User: lena\r\nX-Groups: staff\r\n" },
};

static bool has_header(struct str head, struct str name)
{
	return str_find_str(head, name) < head.len;
}

static const char *header_of(struct str who)
{
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (str_eq(who, str_of(secrets[i].name)))
			return secrets[i].header;
	printf("Bail out! nobody is called '%.*s'\n", STR_ARG(who));
	exit(1);
}

/* "METHOD TARGET\nheaders\n\nbody\n", and what every client sends. */
static void make_request(struct str text, struct str who, struct buf *out)
{
	size_t end = str_find_str(text, STR("\n\n"));
	struct str head = str_first(text, end), body = STR(""), line;
	bool is_first = true;

	if (end < text.len)
		body = str_after(text, end + 2);
	else
		head.len = end -= text.len > 0 && text.at[text.len - 1] == '\n';
	if (body.len > 0)
		body.len--;
	while (str_cut(&head, '\n', &line)) {
		buf_addf(out, "%.*s%s\r\n", STR_ARG(line), is_first ? " HTTP/1.1" : "");
		is_first = false;
		if (!head.at)
			break;
	}
	head = str_first(text, end);
	if (!has_header(head, STR("\nHost:")))
		buf_add_text(out, "Host: localhost\r\n");
	buf_add_text(out, header_of(who));
	if (body.len > 0 && !has_header(head, STR("\nContent-Type:")))
		buf_add_text(out, "Content-Type: application/json\r\n");
	if (body.len > 0)
		buf_addf(out, "Content-Length: %zu\r\n", body.len);
	buf_add_text(out, "\r\n");
	buf_add_str(out, body);
}

static void close_all(void)
{
	around_stop();
	if (rooms.is_open)
		rooms_close();
	rooms.is_open = false;
	around_end();
}

static void begin(char how)
{
	static const struct {
		char how;
		enum auth_mode mode;
	} modes[] = { { 'p', AUTH_PASSWORD }, { 'n', AUTH_NONE },     { 'x', AUTH_PROXY },
		      { 'y', AUTH_PROXY },    { 'a', AUTH_PASSWORD }, { 'e', AUTH_PASSWORD },
		      { 'r', AUTH_PASSWORD }, { 'f', AUTH_PASSWORD } };
	size_t i = 0;

	while (modes[i].how != how)
		if (++i == ARRAY_LEN(modes)) {
			printf("Bail out! nobody signs in by '%c'\n", how);
			exit(1);
		}
	close_all();
	clock_guard_free(rooms.purge.guard);
	rooms.purge.guard = clock_guard_new();
	probes_free(probes);
	random_count = 7;
	probes = probes_new();
	random_count = 1;
	rooms.has_nobody = how == 'f';
	rooms_open(modes[i].mode, how == 'e' ? &rooms.web.peer_app : &app);
	rooms.web.options.public_url = "http://calls.example.com";
	rooms.web.options.file_fd_max = 1000;
	rooms.web.retention = rooms.purge.retention = how == 'r' ? retention : NULL;
	rooms.purge.trail = &rooms.auth->audit;
	rooms.web.vault = vault;
	rooms.web.probes = probes;
	rooms.web.peer_token = "peers";
	if (how == 'e')
		rooms.local->peer_mirrors =
			mirrors_new(rooms.mailbox, NULL, MIRRORS_OF_PEERS, peer_media_prepare);
	is_admin_socket = how == 'a';
	str_fit(how == 'y' ? STR("192.0.2.1") : STR("127.0.0.1"), talk.peer, sizeof(talk.peer));
}

/* ---- answers ---- */

/* What differs from build to build, or run to run. */
static bool is_left_out(struct str line)
{
	static const char *const begins[] = { "Date: ",
					      "X-Request-Id: ",
					      "process_",
					      "callspool_store_free_bytes ",
					      "callspool_loop_turn_seconds",
					      "callspool_loop_lag" };

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (str_starts(line, str_of(begins[i])))
			return true;
	/* Of a page: of what it was built from. */
	return str_starts(line, STR("ETag: \"")) && !str_starts(line, STR("ETag: \"RE"));
}

/* "": nothing is replaced. */
static void replace_all(struct buf *text, const char *what, const char *by)
{
	AUTO(buf_release) struct buf anew;
	struct str rest = buf_str(text);

	buf_init(&anew, FILE_MAX_BYTES);
	while (rest.len > 0) {
		size_t at = what[0] ? str_find_str(rest, str_of(what)) : rest.len;

		buf_add_str(&anew, str_first(rest, at));
		if (at < rest.len)
			buf_add_text(&anew, by);
		rest = at < rest.len ? str_after(rest, at + strlen(what)) : STR("");
	}
	buf_clear(text);
	buf_add_str(text, buf_str(&anew));
}

/* The number behind it is not the same for long. */
static void blur_number(struct buf *text, const char *name)
{
	AUTO(buf_release) struct buf anew;
	struct str all = buf_str(text), rest;
	size_t at = str_find_str(all, str_of(name));

	if (at == all.len)
		return;
	rest = str_after(all, at + strlen(name));
	while (rest.len > 0 && ascii_is_digit(rest.at[0]))
		rest = str_after(rest, 1);
	buf_init(&anew, FILE_MAX_BYTES);
	buf_addf(&anew, "%.*s%s(number)%.*s", (int)at, all.at, name, STR_ARG(rest));
	buf_clear(text);
	buf_add_str(text, buf_str(&anew));
}

/* Without carriage returns, which a file of text does not keep. */
static void add_lines(struct str text, struct buf *out)
{
	struct str line;

	while (text.at && str_cut(&text, '\n', &line)) {
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (!is_left_out(line))
			buf_addf(out, "%.*s\n", STR_ARG(line));
	}
}

static bool is_page(struct str head)
{
	return has_header(head, STR("text/html")) || has_header(head, STR("/javascript")) ||
	       has_header(head, STR("text/css"));
}

/* What all answers in JSON have. */
#define JSON_HEAD                                                               \
	"Content-Type: application/json\n"                                      \
	"Cache-Control: no-store\n"                                             \
	"X-Content-Type-Options: nosniff\n"                                     \
	"Referrer-Policy: no-referrer\n"                                        \
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\n" \
	"Cross-Origin-Resource-Policy: same-origin\n"

static const char *request_id(struct str answer, char out[REQUEST_ID_SIZE])
{
	struct str name = STR("X-Request-Id: ");

	answer = str_after(answer, str_find_str(answer, name) + name.len);
	str_fit(str_first(answer, str_find(answer, '\r')), out, REQUEST_ID_SIZE);
	return out;
}

/* What is no text is told by its digest. */
static void add_answer(struct str all, struct buf *out)
{
	size_t end = str_find_str(all, STR("\r\n\r\n"));
	struct str body = str_after(all, end + 4);
	char digest[SHA256_HEX];

	if (end == all.len || str_find(body, '\0') == body.len) {
		add_lines(all, out);
		return;
	}
	digest_of(body, digest);
	add_lines(str_first(all, end), out);
	buf_addf(out, "\n(%zu bytes, SHA-256 %s)\n", body.len, digest);
}

static void tell_answer(struct buf *out)
{
	char id[REQUEST_ID_SIZE], pid[32];
	struct str all = buf_str(&talk.received);
	size_t end = str_find_str(all, STR("\r\n\r\n"));
	struct str head = str_first(all, end);
	AUTO(buf_release) struct buf text;

	buf_init(&text, FILE_MAX_BYTES);
	if (is_page(head)) {
		struct str line;

		while (head.at && str_cut(&head, '\n', &line))
			if (!str_starts(line, STR("ETag:")) &&
			    !str_starts(line, STR("Content-Length:")) &&
			    !str_starts(line, STR("Content-Security-Policy:")))
				add_lines(line, &text);
	} else {
		add_answer(all, &text);
	}
	while (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	buf_add_text(&text, "\n");
	buf_add_str(&text, buf_str(&around.told));
	replace_all(&text, CALLSPOOL_VERSION, "(version)");
	blur_number(&text, "\"free_bytes\":");
	snprintf(pid, sizeof(pid), "\"pid\":%d,", (int)getpid());
	replace_all(&text, pid, "\"pid\":(number),");
	if (str_find_str(buf_str(&text), STR("(version)")) < text.len ||
	    str_find_str(buf_str(&text), STR("\"pid\":(number)")) < text.len)
		blur_number(&text, "Content-Length: ");
	replace_all(&text, request_id(all, id), "(id)");
	replace_all(&text, JSON_HEAD, "(head of JSON)\n");
	buf_add_str(out, buf_str(&text));
}

/* ---- files ---- */

static void exchange(struct str who_line, struct str request)
{
	AUTO(buf_release) struct buf bytes;
	struct str how, who, word, later;
	uint64_t later_ms = 0, ms;
	int64_t began_at_ms;

	buf_init(&bytes, FILE_MAX_BYTES);
	str_cut(&who_line, ' ', &how);
	str_cut(&who_line, ' ', &who);
	if (how.at[0] != '-')
		begin(how.at[0]);
	else if (how.len > 1)
		is_admin_socket = how.at[1] == 'a';
	around_begin();
	while (who_line.at && str_cut(&who_line, ' ', &word))
		if (str_eq(word, STR("third"))) {
			add_third();
		} else if (!around_set(word)) {
			str_cut(&word, '=', &later);
			if (!str_eq(later, STR("later")) || !str_to_u64(word, &ms)) {
				printf("Bail out! nothing is '%.*s'\n", STR_ARG(later));
				exit(1);
			}
			later_ms = ms;
		}
	if (later_ms > 0)
		pass(later_ms);
	make_request(request, who, &bytes);
	began_at_ms = rooms.now_ms;
	for (unsigned i = 0; i < around.times; i++)
		converse(buf_str(&bytes));
	if (around.is_timed)
		buf_addf(&around.told, "(after %lld ms)\n",
			 (long long)(rooms.now_ms - began_at_ms));
	if (rooms.local->access_lines)
		pass(1000);
}

/* Cuts *rest behind the line that is `mark`. */
static struct str take_part(struct str *rest, const char *mark)
{
	size_t at = str_find_str(*rest, str_of(mark));
	struct str part = str_first(*rest, at + 1);

	*rest = at < rest->len ? str_after(*rest, at + strlen(mark)) : STR("");
	return part;
}

static void check_file(const char *path, const char *name)
{
	AUTO(buf_release) struct buf anew;
	AUTO(free) char *bytes = NULL;
	struct str rest, what, title, who;

	buf_init(&anew, FILE_MAX_BYTES);
	bytes = recorded_read(path, &rest);
	while (rest.len > 0) {
		AUTO(buf_release) struct buf answer;
		struct str wanted;

		buf_init(&answer, FILE_MAX_BYTES);
		wanted = take_part(&rest, "\n====\n");
		what = take_part(&wanted, "\n----\n");
		buf_addf(&anew, "%.*s----\n", STR_ARG(what));
		str_cut(&what, '\n', &title);
		str_cut(&what, '\n', &who);
		exchange(who, what);
		tell_answer(&answer);
		buf_addf(&anew, "%.*s====\n", STR_ARG(buf_str(&answer)));
		if (!recorded_anew())
			IS_STR(buf_str(&answer), wanted, "%s: %.*s", name,
			       STR_ARG(str_after(title, 2)));
	}
	if (recorded_anew())
		recorded_write(path, buf_str(&anew));
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
	return remove(path);
}

static void remove_files(const char *name)
{
	char path[128];

	rooms_path(name, path);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int is_text(const struct dirent *entry)
{
	return strstr(entry->d_name, ".txt") != NULL;
}

int main(int argc, char **argv)
{
	static const struct retention_options kept = { .general_ms = (20 * 60 + 10) * MINUTE,
						       .outbound_ms = 100 * 60 * MINUTE,
						       .grace_ms = 60 * MINUTE };
	struct retention_rules rules;
	struct dirent **names;
	AUTO(free) char *folder = recorded_path("web");
	int count;

	rooms_prepare();
	MUST(accounts_add_line(&rooms.accounts, STR(ACCOUNT " - 0123456789abcdef0123456789abcdef"),
			       &err));
	MUST(retention_rules_make(&kept, &rules, &err));
	retention = retention_new(&rules);
	MUST(vault_open(&(struct vault_options){ NULL, NULL }, &vault, &err));
	fill_template(&rooms.of_nobody);
	fill_template(&rooms.of_people);
	app = (struct http_app){ .routes = web_routes,
				 .route_count = web_route_count,
				 .refuse = web_refuse_http,
				 .admit = admit,
				 .expect = expect,
				 .ended = ended,
				 .abandoned = abandoned,
				 .shed = shed,
				 .trusts = trusts };
	buf_init(&talk.received, RECEIVED_MAX);
	buf_init(&around.told, TOLD_MAX);
	rooms.leave = leave;
	begin('p'); /* the first start makes the key of the audit, too */
	count = scandir(folder, &names, is_text, alphasort);
	if (count <= 0)
		exit(1);
	for (int i = 0; i < count; i++) {
		if (argc < 2 || strstr(names[i]->d_name, argv[1])) {
			AUTO(free) char *path = xasprintf("%s/%s", folder, names[i]->d_name);

			check_file(path, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	buf_release(&talk.received);
	close_all();
	buf_release(&around.told);
	probes_free(probes);
	retention_free(retention);
	vault_free(vault);
	accounts_release(&rooms.accounts);
	blob_store_free(rooms.store);
	reserve_free(rooms.reserve);
	clock_guard_free(rooms.purge.guard);
	remove_files("recordings");
	remove_files("arriving");
	free(rooms.of_nobody.bytes);
	free(rooms.of_people.bytes);
	return tap_end();
}
