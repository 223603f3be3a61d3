#include "server/self_examination.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/canary.h"
#include "foothold/foothold.h"
#include "server/deployment_settings.h"

#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

struct self_examination {
	struct canary *canary;
	char *socket_path;
	int folder_fd; /* the path may stand in it */
};

bool self_examination_open(const struct settings *settings, struct self_examination **out,
			   struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/" FOOTHOLD_SOCKET, settings->data_dir);
	struct self_examination *examination = xcalloc(1, sizeof(*examination));
	struct deployment_options options = { .nginx_conf = NULL };

	examination->folder_fd = -1;
	if (!file_short_path(path, sizeof(((struct sockaddr_un *)NULL)->sun_path),
			     &examination->socket_path, &examination->folder_fd, err)) {
		self_examination_free(examination);
		return err_context(err, "the administrator's socket");
	}
	options.socket_path = examination->socket_path;
	options.proxy = PROXY_LIMITS_UNKNOWN;
	deployment_settings(settings, &options);
	examination->canary = canary_new(&options, settings->canary_every_ms);
	*out = examination;
	return true;
}

struct canary *self_examination_canary(const struct self_examination *examination)
{
	return examination ? examination->canary : NULL;
}

void self_examination_free(struct self_examination *examination)
{
	if (!examination)
		return;
	canary_free(examination->canary);
	free(examination->socket_path);
	if (examination->folder_fd >= 0)
		close(examination->folder_fd);
	free(examination);
}
