#include "client/admin_client.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "server/server.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define TIME_LIMIT_S 30L

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	buf_add(context, bytes, size * count);
	return size * count;
}

static bool perform(CURL *curl, long *out_status, const struct buf *out, struct err *err)
{
	CURLcode code = curl_easy_perform(curl);

	if (code == CURLE_COULDNT_CONNECT)
		return err_set(err, ERR_NOT_FOUND, "no server runs on this data folder");
	if (code != CURLE_OK)
		return err_set(err, ERR_UNAVAILABLE, "the server did not answer: %s",
			       curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, out_status);
	return buf_ok(out) || err_set(err, ERR_UNAVAILABLE, "the server's answer is too long");
}

static long time_limit_s(const struct admin_request *request)
{
	if (request->time_limit_s == ADMIN_NO_LIMIT)
		return 0;
	return request->time_limit_s > 0 ? request->time_limit_s : TIME_LIMIT_S;
}

static void describe(CURL *curl, const struct admin_request *request,
		     const struct curl_slist *headers, struct buf *out)
{
	AUTO(free) char *url = xasprintf("http://callspool%s", request->path);

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, time_limit_s(request)); /* 0: none */
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	if (request->body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

bool admin_address(const struct settings *settings, char **out_address, int *out_folder_fd,
		   struct err *err)
{
	AUTO(free) char *socket_path = server_path(settings, SERVER_SOCKET);

	return file_short_path(socket_path, sizeof(((struct sockaddr_un *)NULL)->sun_path),
			       out_address, out_folder_fd, err);
}

bool admin_ask(const struct settings *settings, const struct admin_request *request,
	       long *out_status, struct buf *out, struct err *err)
{
	AUTO(free) char *address = NULL;
	AUTO(close) int folder_fd = -1;
	struct curl_slist *headers;
	CURL *curl;
	bool good;

	if (!admin_address(settings, &address, &folder_fd, err))
		return err_set(err, ERR_NOT_FOUND, "no server runs on this data folder");
	curl = curl_easy_init();
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	good = (curl && headers) || err_set(err, ERR_INTERNAL, "libcurl does not start");
	if (good) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address);
		describe(curl, request, headers, out);
		good = perform(curl, out_status, out, err);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return good;
}

bool admin_get(const struct settings *settings, const char *path, struct buf *out, struct err *err)
{
	const struct admin_request request = { .method = "GET", .path = path };
	long status = 0;

	if (!admin_ask(settings, &request, &status, out, err))
		return false;
	return status == 200 ||
	       err_set(err, ERR_UNAVAILABLE, "the server answered with status %ld", status);
}

bool admin_may_ask(const struct settings *settings, struct err *err)
{
	AUTO(free) char *folder = server_path(settings, "");
	AUTO(free) char *socket = server_path(settings, SERVER_SOCKET);
	AUTO(free) char *ledger = server_path(settings, SERVER_LEDGER);
	const struct {
		const char *path;
		int mode;
	} wanted[] = { { folder, X_OK }, { socket, R_OK | W_OK }, { ledger, R_OK } };

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (faccessat(AT_FDCWD, wanted[i].path, wanted[i].mode, AT_EACCESS) < 0 &&
		    errno == EACCES)
			return err_set(
				err, ERR_UNAVAILABLE,
				"'%s' is another user's: run this as the user that callspool "
				"runs as, or as root",
				settings->data_dir);
	return true;
}
