#include "proxylog/log_causes.h"

#include "base/compiler.h"
#include "tap.h"

#include <string.h>

/* What nginx writes behind an error of a request; here words that are of others. */
#define BEHIND                                                             \
	", client: 203.0.113.7, server: _, request: \"GET /api/calls/CA1/" \
	"download HTTP/1.1\", upstream: \"http://127.0.0.1:5000/\", host: \"x\""

/* Messages as nginx 1.22 and gunicorn write them. */
static const struct {
	enum log_line_kind kind;
	enum log_cause cause;
	const char *message;
} cases[] = {
	{ LOG_LINE_ERROR, LOG_CAUSE_REFUSED,
	  "connect() failed (111: Connection refused) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_REFUSED,
	  "connect() to unix:/run/callspool.sock failed (111: Connection refused) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_ROUTE,
	  "connect() failed (113: No route to host) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_ROUTE,
	  "connect() failed (101: Network is unreachable) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_SOCKET,
	  "connect() to unix:/run/callspool.sock failed (2: No such file or directory) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_RIGHT,
	  "connect() to unix:/run/callspool.sock failed (13: Permission denied) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_QUEUE_FULL,
	  "connect() to unix:/run/gunicorn.sock failed (11: Resource temporarily unavailable) while connecting to upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_PORT,
	  "connect() to 127.0.0.1:5000 failed (99: Cannot assign requested address) while connecting to upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_PORT,
	  "connect() to [::1]:5000 failed (99: Cannot assign requested address) while connecting to upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_LIVE, "no live upstreams while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_CONNECT_LATE,
	  "upstream timed out (110: Connection timed out) while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_HEAD_LATE,
	  "upstream timed out (110: Connection timed out) while reading response header from upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_BODY_LATE,
	  "upstream timed out (110: Connection timed out) while reading upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_HEAD_LATE,
	  "upstream timed out (110: Connection timed out) while sending request to upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_BODY_LATE,
	  "upstream timed out (110: Connection timed out) while reading upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_CLOSED_HEAD,
	  "upstream prematurely closed connection while reading response header from upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_CLOSED_BODY,
	  "upstream prematurely closed connection while reading upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET,
	  "recv() failed (104: Connection reset by peer) while reading response header from upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET,
	  "recv() failed (104: Connection reset by peer) while reading upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET,
	  "recv() failed (104: Connection reset by peer) while sending to client" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET,
	  "readv() failed (104: Connection reset by peer) while reading upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_SEND_BROKEN,
	  "send() failed (104: Connection reset by peer) while sending request to upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_SEND_BROKEN,
	  "writev() failed (32: Broken pipe) while sending request to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_BIG_HEADER,
	  "upstream sent too big header while reading response header from upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_INVALID_HEADER,
	  "upstream sent no valid HTTP/1.0 header while reading response header from upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME, "backend could not be resolved (3: Host not found)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME,
	  "host not found in upstream \"backend\" in /etc/nginx/nginx.conf:12" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME, "no resolver defined to resolve backend" },
	{ LOG_LINE_ERROR, LOG_CAUSE_TLS,
	  "SSL_do_handshake() failed (SSL: error:0A00010B) while SSL handshaking to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_TLS,
	  "upstream SSL certificate verify error: (18:self signed certificate)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_TOO_LARGE,
	  "client intended to send too large body: 1048577 bytes" },
	{ LOG_LINE_ERROR, LOG_CAUSE_LIMITED, "limiting requests, excess: 5.200 by zone \"one\"" },
	{ LOG_LINE_ERROR, LOG_CAUSE_LIMITED, "limiting connections by zone \"addr\"" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_CONNECTIONS, "768 worker_connections are not enough" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_FILES, "accept4() failed (24: Too many open files)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_DISK_FULL,
	  "pwrite() \"/var/lib/nginx/proxy/1\" failed (28: No space left on device)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_FILE_SERVED,
	  "open() \"/usr/share/nginx/html/api/calls/CA1/download\" failed (2: No such file or directory)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_FILE_SERVED,
	  "open() \"/srv/pages/index.html\" failed (2: No such file or directory)" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_FILE_SERVED,
	  "open() \"/srv/webhook/a\" failed (2: No such file or directory), client: 203.0.113.7, server: _, "
	  "request: \"POST /webhook/a HTTP/1.1\", host: \"x\"" },
	{ LOG_LINE_ERROR, LOG_CAUSE_BUFFERED,
	  "an upstream response is buffered to a temporary file /var/lib/nginx/proxy/1 while reading upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_REDIRECT_CYCLE,
	  "rewrite or internal redirection cycle while processing \"/api/\"" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_WORKER_KILLED, "WORKER TIMEOUT (pid:8)" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_WORKER_KILLED, "was sent SIGKILL! Perhaps out of memory?" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_NO_URL,
	  "Download recording: No recording_url for call_sid=CA1" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_FETCH_ON_PLAY,
	  "Download recording: Failed to fetch recording for call_sid=CA1: timed out" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_CREDENTIALS,
	  "[RECORDING_SERVICE] Authentication failed (401) for CA1" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_FORBIDDEN,
	  "[RECORDING_SERVICE] Access forbidden (403) for CA1" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_TWILIO_DOWN,
	  "[RECORDING_SERVICE] Twilio server error (5xx) for CA1" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_TRACEBACK, "Traceback (most recent call last):" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_BOOT_FAILED, "Exception in worker process" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_BOOT_FAILED, "Worker failed to boot." },
	{ LOG_LINE_BACKEND, LOG_CAUSE_EXCEPTION, "Exception on /api/calls/CA1/download [GET]" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_EXCEPTION, "Exception in ASGI application" },

	{ LOG_LINE_ERROR, LOG_CAUSE_NONE, "client 203.0.113.7 closed keepalive connection" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "open() \"/usr/share/nginx/html/favicon.ico\" failed (2: No such file or directory)" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "recv() failed (104: Connection reset by peer) while waiting for request" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "SSL_do_handshake() failed (SSL: error) while SSL handshaking" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "no resolver defined to resolve r3.o.lencr.org while requesting certificate status, responder: r3.o.lencr.org, "
	  "certificate: \"/etc/nginx/a.pem\"" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "r3.o.lencr.org could not be resolved (3: Host not found) while requesting certificate status, responder: r3.o.lencr.org" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "connect() failed (111: Connection refused) while requesting certificate status, responder: r3.o.lencr.org, "
	  "peer: 203.0.113.8:80" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "upstream timed out (110: Connection timed out) while proxying upgraded connection" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "recv() failed (104: Connection reset by peer) while proxying upgraded connection" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "send() failed (104: Connection reset by peer) while proxying upgraded connection" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "writev() failed (104: Connection reset by peer) while sending to client" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "writev() failed (104: Connection reset by peer) while reading upstream" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "recv() failed (104: Connection reset by peer) while reading client request line" BEHIND },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "open() \"/usr/share/nginx/html/favicon.ico\" failed (2: No such file or directory), client: 203.0.113.7, server: _, "
	  "request: \"GET /favicon.ico HTTP/1.1\", host: \"x\", referrer: \"https://x/api/calls/CA1\"" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE,
	  "open() \"/usr/share/nginx/html/favicon.ico\" failed (2: No such file or directory), client: 203.0.113.7, server: _, "
	  "request: \"GET /favicon.ico HTTP/1.0\", referrer: \"https://x/webhook/a\"" },
	{ LOG_LINE_JOURNAL, LOG_CAUSE_NONE, "connect() failed (111: Connection refused)" },
};

static const struct {
	const char *name, *request, *range;
	int status;
	enum log_cause cause;
} accesses[] = {
	{ "a range that is served", "GET /a HTTP/1.1", "bytes=0-1", 206, LOG_CAUSE_NONE },
	{ "a range that is not", "GET /a HTTP/1.1", "bytes=0-1", 200, LOG_CAUSE_RANGE_IGNORED },
	{ "no range", "GET /a HTTP/1.1", NULL, 200, LOG_CAUSE_NONE },
	{ "a range of no bytes", "GET /a HTTP/1.1", "pages=1-2", 200, LOG_CAUSE_NONE },
	{ "a range of a post", "POST /a HTTP/1.1", "bytes=0-1", 200, LOG_CAUSE_NONE },
	{ "who left", "GET /a HTTP/1.1", NULL, 499, LOG_CAUSE_CLIENT_LEFT },
};

int main(void)
{
	bool is_seen[LOG_CAUSES] = { true };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct log_line line = { .kind = cases[i].kind,
					       .message = str_of(cases[i].message) };

		IS_INT(log_cause_of(&line), cases[i].cause, "%s", cases[i].message);
		is_seen[cases[i].cause] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(accesses); i++) {
		const struct log_line line = { .kind = LOG_LINE_ACCESS,
					       .status = accesses[i].status,
					       .request = str_of(accesses[i].request),
					       .range = str_of(accesses[i].range) };

		IS_INT(log_cause_of(&line), accesses[i].cause, "%s", accesses[i].name);
		is_seen[accesses[i].cause] = true;
	}
	for (enum log_cause cause = LOG_CAUSE_NONE + 1; cause < LOG_CAUSES; cause++) {
		const struct log_cause_words *words = &log_causes[cause];

		OK(is_seen[cause], "%s has a line that is of it", words->name);
		OK(words->weight > 0 && words->says[0] && words->seen[0] && words->meaning[0] &&
			   words->remedy[0],
		   "%s says all", words->name);
	}
	return tap_end();
}
