#include "cmd/admin_client.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "cmd/server.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <sys/un.h>

#define TIME_LIMIT_S 30L

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	buf_add(context, bytes, size * count);
	return size * count;
}

static bool ask(CURL *curl, struct buf *out, struct err *err)
{
	CURLcode code = curl_easy_perform(curl);
	long status = 0;

	if (code == CURLE_COULDNT_CONNECT)
		return err_set(err, ERR_NOT_FOUND, "no server runs on this data folder");
	if (code != CURLE_OK)
		return err_set(err, ERR_UNAVAILABLE, "the server did not answer: %s",
			       curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || !buf_ok(out))
		return err_set(err, ERR_UNAVAILABLE, "the server answered with status %ld", status);
	return true;
}

bool admin_get(const struct settings *settings, const char *path, struct buf *out, struct err *err)
{
	AUTO(free) char *socket_path = server_path(settings, SERVER_SOCKET);
	AUTO(free) char *address = NULL;
	AUTO(close) int folder_fd = -1;
	AUTO(free) char *url = xasprintf("http://callspool%s", path);
	CURL *curl;
	bool good;

	if (!file_short_path(socket_path, sizeof(((struct sockaddr_un *)NULL)->sun_path), &address,
			     &folder_fd, err))
		return err_set(err, ERR_NOT_FOUND, "no server runs on this data folder");
	curl = curl_easy_init();
	if (!curl)
		return err_set(err, ERR_INTERNAL, "libcurl does not start");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIME_LIMIT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	good = ask(curl, out, err);
	curl_easy_cleanup(curl);
	return good;
}
