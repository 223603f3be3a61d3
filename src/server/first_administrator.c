#include "server/first_administrator.h"

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_file(const char *path, const char *line, struct err *err)
{
	AUTO(close) int fd = -1;

	unlink(path); /* an earlier start's, whose link is over */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make '%s'", path);
	return file_write_all(fd, line, strlen(line), err) && file_sync(fd, path, err);
}

static bool tell(const char *line, const char *path, struct err *err)
{
	if (isatty(STDOUT_FILENO)) {
		printf("No administrator can sign in yet.  Make the first one at\n\n  %s\n", line);
		fflush(stdout);
		return true;
	}
	if (!write_file(path, line, err))
		return false;
	log_info(NULL,
		 "no administrator can sign in yet: the link for the first administrator is in %s",
		 path);
	return true;
}

bool first_administrator_invite(struct auth *auth, const char *url, const char *data_dir,
				struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/" AUTH_FIRST_FILE, data_dir);
	AUTO(free) char *line = NULL;
	struct credential secret;
	size_t len = strlen(url);
	bool told;

	if (!auth_invite_first(auth, &secret, err))
		return false;
	if (secret.text[0] == '\0') {
		unlink(path);
		return true;
	}
	while (len > 0 && url[len - 1] == '/')
		len--;
	line = xasprintf("%.*s/join#%s\n", (int)len, url, secret.text);
	credential_wipe(&secret);
	told = tell(line, path, err);
	sodium_memzero(line, strlen(line));
	return told;
}
