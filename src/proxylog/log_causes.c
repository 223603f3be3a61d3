#include "proxylog/log_causes.h"

#include "base/compiler.h"

const struct log_cause_words log_causes[LOG_CAUSES] = {
	[LOG_CAUSE_NONE] = { "none", 0, "", "", "", "" },
	[LOG_CAUSE_REFUSED] = { "refused", 9, "the back end was down", "502",
				"Nobody listened at the address that nginx passes plays to: the back end did not run, was just "
				"starting, or listens elsewhere.",
				"Start it, and see its own log for why it ended. callspool is restarted by its unit, and refuses nobody "
				"in an upgrade (callspool upgrade)." },
	[LOG_CAUSE_NO_ROUTE] = { "no-route", 9, "the back end's machine or container was gone",
				 "502",
				 "nginx knew an address at which there is nothing any more: a container that was made anew has another.",
				 "Let nginx ask for the name at each request: resolver 127.0.0.11; set $callspool http://callspool:8080; "
				 "proxy_pass $callspool;" },
	[LOG_CAUSE_NO_SOCKET] = { "no-socket", 9, "the back end's socket is not there", "502",
				  "nginx passes plays to a Unix socket that does not exist.",
				  "Give proxy_pass the path that callspool listens on: listen = unix:PATH." },
	[LOG_CAUSE_NO_RIGHT] = { "no-right", 9, "nginx may not open the back end's socket", "502",
				 "The socket belongs to another user.",
				 "Add nginx's user to the group that callspool runs as." },
	[LOG_CAUSE_QUEUE_FULL] = { "queue-full", 9,
				   "the back end had no room for one more who waits", "502",
				   "All of its workers were busy, and the queue of its socket was full: most of them waited, "
				   "for a download or for a player who reads slowly.",
				   "Let the back end not download while somebody waits; more workers, and a longer queue (gunicorn: "
				   "--backlog, within net.core.somaxconn)." },
	[LOG_CAUSE_NO_PORT] = { "no-port", 8,
				"nginx had no address of its own to ask the back end from", "502",
				"Every port towards it was in use, for each request opens a connection and a closed one keeps its port "
				"for a minute; or the back end's address is of IPv6, [::1], and there is no IPv6 here.",
				"keepalive 16; in the upstream, with proxy_http_version 1.1; and proxy_set_header Connection \"\"; or "
				"127.0.0.1 in place of localhost." },
	[LOG_CAUSE_NO_LIVE] = { "no-live", 8, "nginx held every back end to be down", "502",
				"After errors nginx asks nobody for a while (fail_timeout, 10 s), though the back end may be well again.",
				"Write max_fails=0 behind the server of the upstream: of one back end there is no other to ask." },
	[LOG_CAUSE_CONNECT_LATE] = { "connect-timeout", 8,
				     "the back end took no connection in time", "504",
				     "It is overloaded, or packets to it are dropped.",
				     "See how many connections it has; between machines see the firewall." },
	[LOG_CAUSE_HEAD_LATE] = { "read-timeout", 9, "the back end was too slow to answer", "504",
				  "nginx waited for proxy_read_timeout without a byte. The usual reason is a recording that is downloaded "
				  "while somebody waits for it.",
				  "callspool answers within play_wait (25 s): let proxy_read_timeout be longer than that, 60 s." },
	[LOG_CAUSE_BODY_LATE] = { "body-timeout", 7, "the back end stopped in the middle of a play",
				  "a play cut short",
				  "The head was sent, and then no byte for proxy_read_timeout.",
				  "See why the flight stood still: callspool's journal tells it by the request's id." },
	[LOG_CAUSE_CLOSED_HEAD] = { "closed-early", 9, "the back end ended before it answered",
				    "502",
				    "It closed the connection without a head: a worker crashed, or was killed because it took longer than its "
				    "own limit (a limit of the worker shorter than nginx's), or closed an idle connection in the moment "
				    "when nginx used it.",
				    "Let the back end not download while somebody waits; let nginx keep idle connections for less than the "
				    "back end does (keepalive_timeout 60s in the upstream)." },
	[LOG_CAUSE_CLOSED_BODY] = { "closed-in-play", 7,
				    "the back end ended in the middle of a play",
				    "a play cut short",
				    "The worker crashed, was killed or restarted after the head was sent.",
				    "See the back end's own log at that time." },
	[LOG_CAUSE_RESET] = { "reset", 7, "the back end broke the connection off",
			      "502, or a play cut short",
			      "It crashed, or closed a connection that nginx held to be open.",
			      "Let nginx keep idle connections for less than the back end does." },
	[LOG_CAUSE_SEND_BROKEN] = { "send-failed", 6,
				    "the back end was gone while nginx sent the request", "502",
				    "It closed the connection, or crashed.",
				    "See the back end's own log at that time." },
	[LOG_CAUSE_BIG_HEADER] = { "big-header", 6, "the back end's head was too large for nginx",
				   "502",
				   "A head beyond proxy_buffer_size, mostly for its cookies.",
				   "proxy_buffer_size 16k;" },
	[LOG_CAUSE_INVALID_HEADER] = { "invalid-header", 6,
				       "nginx did not understand the back end's head", "502",
				       "What answers is no HTTP, or speaks TLS: http where https is needed, or the other way round.",
				       "Look at what listens at the address of proxy_pass." },
	[LOG_CAUSE_NO_NAME] = { "no-name", 9, "nginx found no address for the back end's name",
				"502",
				"The name is not in the DNS that nginx asks, or nginx has no resolver.",
				"resolver 127.0.0.11; in compose, and the service's own name in proxy_pass." },
	[LOG_CAUSE_TLS] = { "tls", 8, "TLS to the back end failed", "502",
			    "The back end speaks no TLS there, or its certificate is not the one that nginx wants.",
			    "proxy_pass http://...; for a back end on the same machine." },
	[LOG_CAUSE_TOO_LARGE] = { "too-large", 3, "nginx refused a body as too large", "413",
				  "client_max_body_size is less than what was sent.",
				  "client_max_body_size 1m;" },
	[LOG_CAUSE_LIMITED] = { "limited", 5, "nginx's own limits refused requests", "503",
				"limit_req or limit_conn stands before plays or webhooks: a player asks in many pieces, and Twilio "
				"calls from few addresses.",
				"Take limit_req and limit_conn out of the locations of plays and webhooks." },
	[LOG_CAUSE_NO_CONNECTIONS] = { "no-connections", 8, "nginx had no connection left",
				       "500, or no answer",
				       "worker_connections is too small: each play takes two.",
				       "worker_connections 4096;" },
	[LOG_CAUSE_NO_FILES] = { "no-files", 8, "nginx had no file descriptor left",
				 "500, or no answer", "Too many open files.",
				 "worker_rlimit_nofile 65536;" },
	[LOG_CAUSE_DISK_FULL] = { "disk-full", 7, "nginx's disk is full", "a play cut short",
				  "nginx keeps replies in files on its way (proxy_temp_path).",
				  "proxy_buffering off;" },
	[LOG_CAUSE_FILE_SERVED] = { "file-served", 7,
				    "nginx looked for a file where a play was asked for", "404",
				    "Another location is in force for that path: a regular expression or a root, and not the one that "
				    "passes on to callspool.",
				    "location ^~ /api/ { proxy_pass http://callspool; }" },
	[LOG_CAUSE_BUFFERED] = { "buffered", 1, "nginx wrote recordings to its disk on their way",
				 "a late beginning",
				 "proxy_buffering is on: a play that is read slowly is written to a file first.",
				 "proxy_buffering off;" },
	[LOG_CAUSE_REDIRECT_CYCLE] = { "redirect-cycle", 6,
				       "nginx sent a request round in a circle", "500",
				       "rewrite, try_files or error_page lead to themselves.",
				       "Take the rule out." },
	[LOG_CAUSE_RANGE_IGNORED] = { "range-ignored", 8, "Range requests were answered with 200",
				      "a play that does not start on an iPhone",
				      "The back end, or nginx with proxy_cache or gzip, does not serve ranges: an iPhone asks for bytes=0-1, and "
				      "needs 206.",
				      "callspool serves every range; let nginx pass on Range and cache nothing." },
	[LOG_CAUSE_CLIENT_LEFT] = { "client-left", 1, "players left before there was an answer",
				    "nothing",
				    "nginx calls it 499. A few are people who went on; many are an answer that came too late.",
				    "See the causes above, and how long they waited." },
	[LOG_CAUSE_WORKER_KILLED] = { "worker-killed", 10,
				      "the back end's worker was killed in the middle of its work",
				      "502",
				      "It took longer than its own limit (gunicorn: 30 s), because it downloads from Twilio while somebody "
				      "waits; or memory ran out. nginx says \"upstream prematurely closed connection\".",
				      "Download ahead of the play: callspool does, by webhook." },
	[LOG_CAUSE_FETCH_ON_PLAY] = { "fetch-on-play", 8,
				      "the download from Twilio failed while somebody waited",
				      "500",
				      "The back end downloads on Play: where Twilio is slow, limits or refuses, so is the play.",
				      "Download ahead of the play: callspool does, by webhook, and tries again until it has it." },
	[LOG_CAUSE_NO_URL] = { "no-url", 6, "a call had no recording URL", "404",
			       "The webhook of the recording did not come, or was not understood; or the call was not recorded.",
			       "callspool asks Twilio for it when it is played, and reads its list." },
	[LOG_CAUSE_CREDENTIALS] = { "credentials", 9, "Twilio refused the credentials (401)", "500",
				    "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN do not belong together, or the token was changed.",
				    "Give both from Twilio's console." },
	[LOG_CAUSE_FORBIDDEN] = { "forbidden", 7, "Twilio forbade a recording (403)", "500",
				  "The recording belongs to another account, or media needs its own right.",
				  "Use the credentials of the account that made the call." },
	[LOG_CAUSE_TWILIO_DOWN] = { "twilio-down", 6, "Twilio had errors of its own (5xx)", "500",
				    "Twilio was down or overloaded while somebody waited.",
				    "Download ahead of the play: then it does not matter." },
	[LOG_CAUSE_BOOT_FAILED] = { "boot-failed", 9, "the back end did not start", "502",
				    "Its worker ended while it loaded the program: a module is missing, or a setting is.",
				    "See the last line of the traceback in its log." },
	[LOG_CAUSE_TRACEBACK] = { "traceback", 4, "the back end's log holds tracebacks",
				  "perhaps nothing",
				  "Something failed in it; these lines do not say whether somebody waited for that.",
				  "See the lines that follow in its log." },
	[LOG_CAUSE_EXCEPTION] = { "exception", 7, "the back end threw exceptions",
				  "500, as a page and not as JSON", "A fault in its program.",
				  "See the lines that follow in its log." },
};

/* All of `parts` stand in the message, in any order. */
struct pattern {
	enum log_line_kind kind;
	enum log_cause cause;
	const char *part, *and_part;
};

/* The first that matches counts. */
static const struct pattern patterns[] = {
	/* OCSP stapling, and a WebSocket that was idle or is opened anew: no play is broken. */
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE, "while requesting certificate status", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NONE, "while proxying upgraded connection", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_RIGHT, "connect() to unix:", "(13:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_SOCKET, "connect() to unix:", "(2:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_REFUSED, "connect() ", "(111:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_ROUTE, "connect() ", "(113:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_ROUTE, "connect() ", "(101:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_CONNECT_LATE, "connect() ", "(110:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_QUEUE_FULL, "connect() to unix:", "(11:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_PORT, "connect() ", "(99:" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_LIVE, "no live upstreams", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_TLS, "SSL_do_handshake() failed", "upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_TLS, "upstream SSL certificate", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_CONNECT_LATE, "upstream timed out",
	  "while connecting to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_TLS, "upstream timed out", "while SSL handshaking" },
	{ LOG_LINE_ERROR, LOG_CAUSE_HEAD_LATE, "upstream timed out", "reading response header" },
	{ LOG_LINE_ERROR, LOG_CAUSE_HEAD_LATE, "upstream timed out",
	  "sending request to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_BODY_LATE, "upstream timed out", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_CLOSED_HEAD, "upstream prematurely closed",
	  "reading response header" },
	{ LOG_LINE_ERROR, LOG_CAUSE_CLOSED_BODY, "upstream prematurely closed", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_BIG_HEADER, "upstream sent too big header", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_INVALID_HEADER, "upstream sent invalid", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_INVALID_HEADER, "upstream sent no valid", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_INVALID_HEADER, "upstream sent unsupported", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET, "recv() failed (104:", "upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET, "recv() failed", "while reading upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET, "recv() failed (104:", "while sending to client" },
	{ LOG_LINE_ERROR, LOG_CAUSE_RESET, "readv() failed", "while reading upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_SEND_BROKEN, "send() failed", "to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_SEND_BROKEN, "writev() failed", "to upstream" },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME, "could not be resolved", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME, "host not found in upstream", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_NAME, "no resolver defined", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_TOO_LARGE, "client intended to send too large body", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_LIMITED, "limiting requests, excess", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_LIMITED, "limiting connections by", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_CONNECTIONS, "worker_connections are not enough", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_NO_FILES, "Too many open files", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_DISK_FULL, "No space left on device", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_BUFFERED,
	  "an upstream response is buffered to a temporary file", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_REDIRECT_CYCLE, "rewrite or internal redirection cycle", NULL },
	{ LOG_LINE_ERROR, LOG_CAUSE_FILE_SERVED, "open() \"", "/api/" },
	{ LOG_LINE_ERROR, LOG_CAUSE_FILE_SERVED, "open() \"", "/webhook/" },
	{ LOG_LINE_BACKEND, LOG_CAUSE_WORKER_KILLED, "WORKER TIMEOUT", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_WORKER_KILLED, "was sent SIGKILL", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_NO_URL, "No recording_url for call_sid=", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_CREDENTIALS, "Authentication failed (401)", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_FORBIDDEN, "Access forbidden (403)", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_TWILIO_DOWN, "Twilio server error", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_FETCH_ON_PLAY, "Failed to fetch recording", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_BOOT_FAILED, "Exception in worker process", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_BOOT_FAILED, "Worker failed to boot", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_EXCEPTION, "Exception on /", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_EXCEPTION, "Exception in ASGI application", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_EXCEPTION, "Error handling request", NULL },
	{ LOG_LINE_BACKEND, LOG_CAUSE_TRACEBACK, "Traceback (most recent", NULL },
};

static bool has(struct str text, const char *part)
{
	return str_find_str(text, str_of(part)) < text.len;
}

/* SIDs that the doctor's calls have: play/probes.h. */
#define RESERVED "d0c70000d0c70000"

bool log_line_is_of_doctor(const struct log_line *line)
{
	return has(line->request, "/CA" RESERVED) || has(line->request, "/RE" RESERVED);
}

static enum log_cause cause_of_access(const struct log_line *line)
{
	bool is_get = str_starts(line->request, STR("GET "));

	if (log_line_is_of_doctor(line))
		return LOG_CAUSE_NONE;
	if (line->status == 499)
		return LOG_CAUSE_CLIENT_LEFT;
	if (line->status == 200 && line->range.at && is_get &&
	    str_starts(line->range, STR("bytes=")))
		return LOG_CAUSE_RANGE_IGNORED;
	return LOG_CAUSE_NONE;
}

static struct str before(struct str text, struct str end)
{
	return str_first(text, str_find_str(text, end));
}

/*
 * What happened.  Behind it nginx writes to whom, with the address of the back end and the page that a browser came from, though
 * the error may be of neither; where it looked for a file, the request says for what.
 */
static struct str happened(const struct log_line *line)
{
	if (line->kind != LOG_LINE_ERROR)
		return line->message;
	if (str_starts(line->message, STR("open() \"")))
		return before(before(line->message, STR(", host: ")), STR(", referrer: "));
	return before(line->message, STR(", client: "));
}

enum log_cause log_cause_of(const struct log_line *line)
{
	struct str what = happened(line);

	if (line->kind == LOG_LINE_ACCESS)
		return cause_of_access(line);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (patterns[i].kind == line->kind && has(what, patterns[i].part) &&
		    (!patterns[i].and_part || has(what, patterns[i].and_part)))
			return patterns[i].cause;
	return LOG_CAUSE_NONE;
}

const char *log_status_meaning(int status)
{
	switch (status) {
	case 499:
		return "the player left before there was an answer";
	case 500:
		return "the back end failed, and said so itself";
	case 502:
		return "Bad Gateway: nginx got no answer that it could use";
	case 503:
		return "not just now: callspool waits for Twilio and says when to ask again, or nginx limits";
	case 504:
		return "Gateway Timeout: nginx waited for the back end in vain";
	case 413:
		return "what was sent is too large";
	case 429:
		return "too many at once";
	default:
		return NULL;
	}
}
