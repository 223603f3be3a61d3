#include "doctor/http_ask.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MS 30000L
#define HEAD_MAX (256 * 1024)

struct asking {
	const struct http_ask *ask;
	struct http_answer *answer;
	bool is_error; /* 400 and above */
	bool is_done;  /* we closed it */
};

static size_t take_head(char *bytes, size_t size, size_t count, void *context)
{
	struct asking *asking = context;
	struct str line = { bytes, size * count };

	/* Of an interim answer nothing is kept. */
	if (str_starts(line, STR("HTTP/"))) {
		struct str status = str_after(line, str_find(line, ' ') + 1);

		buf_clear(&asking->answer->head);
		asking->is_error = status.len > 0 && status.at[0] >= '4';
	} else if (line.len > 2) {
		buf_add_str(&asking->answer->head, line);
	} else if (asking->ask->takes_head_only && !asking->is_error) {
		asking->is_done = true;
	}
	return asking->is_done ? 0 : line.len;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct asking *asking = context;

	if (asking->answer->body.len + size * count > HTTP_ASK_BODY_MAX)
		return 0;
	buf_add(&asking->answer->body, bytes, size * count);
	return size * count;
}

static int moved(void *context, curl_off_t all, curl_off_t done, curl_off_t all_up,
		 curl_off_t done_up)
{
	const struct asking *asking = context;

	return asking->ask->is_cancelled && *asking->ask->is_cancelled;
}

static struct curl_slist *make_headers(const struct http_ask *ask)
{
	/* What libcurl would add by itself. */
	struct curl_slist *list = curl_slist_append(NULL, "Accept:");

	if (ask->body)
		list = curl_slist_append(list, "Expect:");
	for (size_t i = 0; ask->headers && ask->headers[i]; i++)
		list = curl_slist_append(list, ask->headers[i]);
	return list;
}

/* By which way, and who is believed at its end. */
static void set_way(CURL *curl, const struct http_ask *ask)
{
	const char *authorities = ask->ca_file ? ask->ca_file : getenv("SSL_CERT_FILE");

	/* Both empty: not NULL, which would have libcurl read the environment. */
	curl_easy_setopt(curl, CURLOPT_PROXY, ask->proxy ? ask->proxy : "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (ask->unix_path)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ask->unix_path);
	if (authorities && authorities[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
}

static void set_up(CURL *curl, struct asking *asking, const struct curl_slist *headers, char *why)
{
	const struct http_ask *ask = asking->ask;

	curl_easy_setopt(curl, CURLOPT_URL, ask->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ask->limit_ms > 0 ? ask->limit_ms : LIMIT_MS);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, asking);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, asking);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, moved);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, asking);
	set_way(curl, ask);
	if (ask->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
	if (ask->method && strcmp(ask->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (ask->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
}

static enum http_ask_end end_of(CURLcode code, const struct http_answer *answer)
{
	switch ((int)code) {
	case CURLE_OK:
		return HTTP_ASK_WHOLE;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_ASK_LATE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_ASK_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_ASK_NO_CONNECTION;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_ASK_NO_TLS;
	default:
		return answer->status > 0 ? HTTP_ASK_SHORT : HTTP_ASK_NO_ANSWER;
	}
}

static int64_t milliseconds(CURL *curl, CURLINFO info)
{
	curl_off_t us = 0;

	curl_easy_getinfo(curl, info, &us);
	return (int64_t)us / 1000;
}

static void read_end(CURL *curl, CURLcode code, const struct asking *asking)
{
	struct http_answer *answer = asking->answer;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &answer->http_version);
	answer->first_byte_ms = milliseconds(curl, CURLINFO_STARTTRANSFER_TIME_T);
	answer->total_ms = milliseconds(curl, CURLINFO_TOTAL_TIME_T);
	answer->end = asking->is_done ? HTTP_ASK_WHOLE : end_of(code, answer);
	if (answer->end == HTTP_ASK_WHOLE)
		answer->why[0] = '\0';
	else if (answer->why[0] == '\0')
		str_fit(str_of(curl_easy_strerror(code)), answer->why, sizeof(answer->why));
}

_Static_assert(sizeof(((struct http_answer *)NULL)->why) >= CURL_ERROR_SIZE, "libcurl's words fit");

void http_ask(const struct http_ask *ask, struct http_answer *out)
{
	struct asking asking = { .ask = ask, .answer = out };
	struct curl_slist *headers = make_headers(ask);
	CURL *curl = curl_easy_init();

	*out = (struct http_answer){ .end = HTTP_ASK_NO_ANSWER };
	buf_init(&out->head, HEAD_MAX);
	buf_init(&out->body, HTTP_ASK_BODY_MAX);
	if (curl) {
		set_up(curl, &asking, headers, out->why);
		read_end(curl, curl_easy_perform(curl), &asking);
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
}

void http_answer_release(struct http_answer *answer)
{
	buf_release(&answer->head);
	buf_release(&answer->body);
}

struct str http_answer_header(const struct http_answer *answer, const char *name)
{
	struct str rest = buf_str(&answer->head), line;

	while (str_cut(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (colon == line.len || !str_eq_nocase(str_first(line, colon), str_of(name)))
			continue;
		line = str_after(line, colon + 1);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		return str_trim(line);
	}
	return STR_NONE;
}

static void add_header(const struct http_answer *answer, const char *name, struct buf *out)
{
	struct str value = http_answer_header(answer, name);

	if (value.at)
		buf_addf(out, ", %s %.*s", name, STR_ARG(str_first(value, 100)));
}

void http_answer_describe(const struct http_answer *answer, struct buf *out)
{
	if (answer->status == 0) {
		buf_addf(out, "no answer: %s", answer->why);
		return;
	}
	buf_addf(out, "%ld", answer->status);
	add_header(answer, "Content-Range", out);
	add_header(answer, "Content-Type", out);
	add_header(answer, "Content-Length", out);
	add_header(answer, "Content-Encoding", out);
	buf_addf(out, ", %zu bytes in %lld ms", answer->body.len, (long long)answer->total_ms);
	if (answer->end != HTTP_ASK_WHOLE)
		buf_addf(out, ", then %s", answer->why);
}
