#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

bool client_connect(struct client *client, unsigned port, int receive_bytes)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	*client = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (client->fd < 0)
		return false;
	if (receive_bytes > 0)
		setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
			   sizeof(receive_bytes));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(client->fd, (struct sockaddr *)&where, sizeof(where)) < 0 ||
	    fcntl(client->fd, F_SETFL, O_NONBLOCK) < 0) {
		client_close(client);
		return false;
	}
	return true;
}

bool client_ask(struct client *client, struct str request)
{
	client->in_head = true;
	client->head_len = 0;
	client->status = 0;
	client->first_at_ns = 0;
	client->asked_at_ns = now_ns();
	return send(client->fd, request.at, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
}

/* The head, if it is whole: how long it is.  0: not yet. */
static size_t whole_head(const struct client *client)
{
	const char *end = memmem(client->head, client->head_len, "\r\n\r\n", 4);

	return end ? (size_t)(end - client->head) + 4 : 0;
}

static bool read_head(struct client *client, size_t len)
{
	struct str rest = { client->head, len }, line;
	uint64_t status;
	bool has_length = false;

	if (!str_cut(&rest, '\n', &line) || !str_starts(line, STR("HTTP/1.1 ")) ||
	    !str_to_u64(str_first(str_after(line, 9), 3), &status))
		return false;
	client->status = (int)status;
	client->closes = false;
	while (str_cut(&rest, '\n', &line)) {
		if (str_starts_nocase(line, STR("connection: close")))
			client->closes = true;
		if (!str_starts_nocase(line, STR("content-length:")))
			continue;
		line = str_trim(str_after(line, 15));
		has_length = str_to_u64(str_first(line, str_find(line, '\r')), &client->body);
	}
	client->left = client->body;
	return has_length;
}

static enum client_result failed(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? CLIENT_MORE
									 : CLIENT_FAILED;
}

static void body_came(struct client *client, uint64_t n)
{
	if (!client->first_at_ns)
		client->first_at_ns = now_ns();
	client->left -= n;
}

enum client_result client_read(struct client *client, uint64_t most)
{
	ssize_t n;
	size_t len;

	while (client->in_head) {
		n = recv(client->fd, client->head + client->head_len,
			 CLIENT_HEAD_MAX - client->head_len, 0);
		if (n <= 0)
			return n == 0 ? CLIENT_FAILED : failed();
		client->head_len += (size_t)n;
		len = whole_head(client);
		if (len == 0 && client->head_len == CLIENT_HEAD_MAX)
			return CLIENT_FAILED;
		if (len == 0)
			continue;
		client->in_head = false;
		if (!read_head(client, len) || client->head_len - len > client->left)
			return CLIENT_FAILED;
		if (client->head_len > len)
			body_came(client, client->head_len - len);
	}
	while (client->left > 0) {
		if (most == 0)
			return CLIENT_MORE;
		n = recv(client->fd, NULL, client->left < most ? client->left : most, MSG_TRUNC);
		if (n <= 0)
			return n == 0 ? CLIENT_FAILED : failed();
		body_came(client, (uint64_t)n);
		most -= (uint64_t)n;
	}
	return CLIENT_DONE;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}
