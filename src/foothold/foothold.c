#include "foothold/foothold.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_server.h"
#include "service/handover.h"
#include "service/passed_sockets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ADMIN_MODE  0600
#define SOCKET_MODE 0660 /* for a proxy, which is of the group: the folder says who comes so far */

static char *path_of(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

/* ---- gifts ---- */

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void listener_release(struct foothold_listener *listener)
{
	close_one(&listener->fd);
	free(TAKE(listener->word));
}

void foothold_gift_release(struct foothold_gift *gift)
{
	close_one(&gift->lock_fd);
	close_one(&gift->admin_fd);
	for (size_t i = 0; i < gift->count; i++)
		listener_release(&gift->at[i]);
	listener_release(&gift->cluster);
	*gift = FOOTHOLD_NO_GIFT;
}

void foothold_gift_of_sockets(const struct passed_sockets *sockets, struct foothold_gift *out)
{
	*out = FOOTHOLD_NO_GIFT;
	out->is_passed = sockets->count > 0;
	for (size_t i = 0; i < sockets->count; i++)
		out->at[out->count++] = (struct foothold_listener){ .fd = sockets->fd[i] };
}

static bool take_line(struct str line, int fd, struct foothold_gift *out)
{
	struct str word = str_after(line, str_find(line, ' ') + 1);
	bool has_room = out->count < SETTINGS_LIST_MAX;

	if (str_eq(line, STR("lock"))) {
		out->lock_fd = fd;
	} else if (str_eq(line, STR("admin"))) {
		out->admin_fd = fd;
	} else if (str_eq(line, STR("passed")) && has_room) {
		out->is_passed = true;
		out->at[out->count++] = (struct foothold_listener){ .fd = fd };
	} else if (str_starts(line, STR("listen ")) && word.len > 0 && has_room) {
		out->at[out->count++] =
			(struct foothold_listener){ .fd = fd, .word = str_dup(word) };
	} else if (str_starts(line, STR("cluster ")) && word.len > 0 && !out->cluster.word) {
		out->cluster = (struct foothold_listener){ .fd = fd, .word = str_dup(word) };
	} else {
		return false;
	}
	return true;
}

static bool take_lines(struct handover_message *message, struct foothold_gift *out)
{
	struct str rest = str_of(message->text), line;

	if (!str_cut(&rest, '\n', &line) || !str_eq(line, STR(HANDOVER_SOCKETS)))
		return false;
	for (size_t i = 0; str_cut(&rest, '\n', &line) && line.len > 0; i++)
		if (i >= message->fd_count || !take_line(line, message->fd[i], out))
			return false;
		else
			message->fd[i] = -1;
	return out->lock_fd >= 0 && out->admin_fd >= 0;
}

bool foothold_gift_of_message(struct handover_message *message, struct foothold_gift *out,
			      struct err *err)
{
	struct foothold_gift gift = FOOTHOLD_NO_GIFT;

	if (!take_lines(message, &gift)) {
		foothold_gift_release(&gift);
		return err_set(err, ERR_INVALID,
			       "the server that is to be taken over from gives what is not "
			       "understood: it is of a version that needs a restart");
	}
	*out = gift;
	return true;
}

void foothold_describe(const struct foothold *foothold, struct handover_message *out)
{
	struct buf text;

	*out = (struct handover_message){ .fd_count = 0 };
	buf_over(&text, out->text, sizeof(out->text));
	buf_add_text(&text, HANDOVER_SOCKETS "\nlock\nadmin\n");
	out->fd[out->fd_count++] = foothold->lock_fd;
	out->fd[out->fd_count++] = foothold->admin_fd;
	for (size_t i = 0; i < foothold->count; i++) {
		const struct foothold_listener *listener = &foothold->at[i];

		buf_addf(&text, "%s%s\n", listener->word ? "listen " : "passed",
			 listener->word ? listener->word : "");
		out->fd[out->fd_count++] = listener->fd;
	}
	if (foothold->cluster.fd >= 0) {
		buf_addf(&text, "cluster %s\n", foothold->cluster.word);
		out->fd[out->fd_count++] = foothold->cluster.fd;
	}
}

/* ---- the lock and the administrator's socket ---- */

static bool take_lock(struct foothold *foothold, struct err *err)
{
	AUTO(free) char *path = path_of(foothold->folder, FOOTHOLD_LOCK);

	if (!file_make_folders(foothold->folder, err))
		return false;
	if (file_take_lock(path, &foothold->lock_fd, err))
		return true;
	return err->kind == ERR_CONFLICT
		       ? err_set(err, ERR_CONFLICT,
				 "the data folder '%s' is in use by another callspool",
				 foothold->folder)
		       : false;
}

/* The lock belongs to the open file, which both processes share: it is never free in between. */
static bool inherit_lock(struct foothold *foothold, struct foothold_gift *gift, struct err *err)
{
	AUTO(free) char *path = path_of(foothold->folder, FOOTHOLD_LOCK);
	struct stat named, given;

	if (stat(path, &named) < 0 || fstat(gift->lock_fd, &given) < 0 ||
	    named.st_dev != given.st_dev || named.st_ino != given.st_ino)
		return err_set(err, ERR_INVALID,
			       "data_dir = %s is another folder than the running server's: that "
			       "needs a restart",
			       foothold->folder);
	foothold->lock_fd = TAKE_FD(gift->lock_fd);
	foothold->admin_fd = TAKE_FD(gift->admin_fd);
	return true;
}

static bool open_folder(struct foothold *foothold, enum foothold_kind kind,
			struct foothold_gift *gift, struct err *err)
{
	AUTO(free) char *path = path_of(foothold->folder, FOOTHOLD_SOCKET);

	if (gift->lock_fd >= 0)
		return inherit_lock(foothold, gift, err);
	if (!take_lock(foothold, err))
		return false;
	return kind == FOOTHOLD_STDIO ||
	       http_listen_unix(path, ADMIN_MODE, &foothold->admin_fd, err);
}

/* ---- the sockets that are served ---- */

static void name_url(struct foothold *foothold)
{
	const struct foothold_listener *first = &foothold->at[0];
	char address[SOCKET_ADDRESS_SIZE];
	struct str host = str_of(first->word);
	const char *port;

	socket_address_text(first->fd, address);
	if (first->is_unix) {
		snprintf(foothold->url, sizeof(foothold->url), "%s",
			 first->word ? first->word : address);
		return;
	}
	if (!first->word) {
		snprintf(foothold->url, sizeof(foothold->url), "http://%s", address);
		return;
	}
	/* The host as it was asked for, and the port that it is. */
	while (host.len > 0 && host.at[host.len - 1] != ':')
		host.len--;
	port = strrchr(address, ':');
	snprintf(foothold->url, sizeof(foothold->url), "http://%.*s%s", STR_ARG(host),
		 port ? port + 1 : "");
}

static struct foothold_listener *given_for(struct foothold_gift *gift, const char *word)
{
	for (size_t i = 0; i < gift->count; i++)
		if (gift->at[i].word && strcmp(gift->at[i].word, word) == 0 && gift->at[i].fd >= 0)
			return &gift->at[i];
	return NULL;
}

static bool open_one(struct foothold *foothold, const char *word, struct foothold_gift *gift,
		     struct err *err)
{
	struct foothold_listener *given = given_for(gift, word);
	struct foothold_listener *listener = &foothold->at[foothold->count];
	bool is_unix = str_starts(str_of(word), STR(SETTINGS_UNIX));
	unsigned port;
	int fd;

	if (given)
		fd = TAKE_FD(given->fd);
	else if (is_unix ? !http_listen_unix(word + strlen(SETTINGS_UNIX), SOCKET_MODE, &fd, err)
			 : !http_listen_tcp(word, &fd, &port, err))
		return false;
	*listener =
		(struct foothold_listener){ .fd = fd, .word = xstrdup(word), .is_unix = is_unix };
	foothold->count++;
	return true;
}

static bool take_passed(struct foothold *foothold, const struct settings *settings,
			struct foothold_gift *gift, struct err *err)
{
	foothold->is_passed = true;
	for (size_t i = 0; i < gift->count; i++) {
		struct foothold_listener *listener = &foothold->at[foothold->count];
		char address[SOCKET_ADDRESS_SIZE];

		socket_address_text(gift->at[i].fd, address);
		if (settings->auth.mode == AUTH_NONE && !socket_is_local(gift->at[i].fd))
			return err_set(err, ERR_INVALID,
				       "auth = none lets everybody in: allowed only on loopback, "
				       "not on %s, which the service manager passed",
				       address);
		http_listen_passed(gift->at[i].fd);
		*listener = (struct foothold_listener){ .fd = TAKE_FD(gift->at[i].fd) };
		listener->is_unix = socket_is_unix(listener->fd);
		foothold->count++;
		log_info(NULL, "the service manager passed %s; listen is not looked at", address);
	}
	return true;
}

static bool open_listeners(struct foothold *foothold, const struct settings *settings,
			   struct foothold_gift *gift, struct err *err)
{
	if (gift->is_passed)
		return take_passed(foothold, settings, gift, err);
	for (const char *const *word = settings->listen; *word; word++)
		if (!open_one(foothold, *word, gift, err))
			return false;
	return true;
}

/* The service manager passes none: it is always our own, or that of the server before. */
static bool open_cluster(struct foothold *foothold, const char *word, struct foothold_gift *gift,
			 struct err *err)
{
	struct foothold_listener *given = &gift->cluster;
	unsigned port;
	int fd;

	if (given->fd >= 0 && strcmp(given->word, word) == 0)
		fd = TAKE_FD(given->fd);
	else if (!http_listen_tcp(word, &fd, &port, err))
		return err_context(err, "cluster_listen");
	foothold->cluster = (struct foothold_listener){ .fd = fd, .word = xstrdup(word) };
	return true;
}

bool foothold_open(const struct settings *settings, enum foothold_kind kind,
		   struct foothold_gift *gift, struct foothold **out, struct err *err)
{
	AUTO(foothold_free) struct foothold *foothold = xcalloc(1, sizeof(*foothold));
	struct foothold_gift none = FOOTHOLD_NO_GIFT;

	foothold->lock_fd = foothold->admin_fd = foothold->cluster.fd = -1;
	foothold->folder = xstrdup(settings->data_dir);
	gift = gift ? gift : &none;
	/* Until all is had: what is another's must not lose its name because we failed. */
	foothold->is_given = gift->lock_fd >= 0;
	if (!open_folder(foothold, kind, gift, err))
		return false;
	if (kind == FOOTHOLD_SERVER) {
		if (!open_listeners(foothold, settings, gift, err) ||
		    (settings_cluster_listen(settings) &&
		     !open_cluster(foothold, settings_cluster_listen(settings), gift, err)))
			return false;
		name_url(foothold);
	} else if (kind == FOOTHOLD_STDIO) {
		snprintf(foothold->url, sizeof(foothold->url), "standard input");
	} else {
		/* Nobody listens; a link that is made is opened where a server will. */
		snprintf(foothold->url, sizeof(foothold->url), "http://%s", settings->listen[0]);
	}
	foothold_gift_release(gift);
	*out = TAKE(foothold);
	return true;
}

static void remove_names(const struct foothold *foothold)
{
	AUTO(free) char *admin = path_of(foothold->folder, FOOTHOLD_SOCKET);

	for (size_t i = 0; i < foothold->count; i++)
		if (foothold->at[i].is_unix && foothold->at[i].word)
			unlink(foothold->at[i].word + strlen(SETTINGS_UNIX));
	if (foothold->admin_fd >= 0)
		unlink(admin);
}

void foothold_free(struct foothold *foothold)
{
	if (!foothold)
		return;
	if (!foothold->is_given)
		remove_names(foothold);
	for (size_t i = 0; i < foothold->count; i++)
		listener_release(&foothold->at[i]);
	listener_release(&foothold->cluster);
	close_one(&foothold->admin_fd);
	close_one(&foothold->lock_fd);
	free(foothold->folder);
	free(foothold);
}
