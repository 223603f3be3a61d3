#include "server/place.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/own.h"

#include <fcntl.h>
#include <unistd.h>

static bool make(const char *path, struct err *err)
{
	uint8_t random[(PLACE_SIZE - 1) / 2];
	char text[PLACE_SIZE + 1];
	struct buf hex;
	AUTO(close)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_errno(err, "cannot create '%s'", path);
	random_bytes(random, sizeof(random));
	buf_over(&hex, text, sizeof(text));
	hex_add(&hex, random, sizeof(random));
	return file_write_all(fd, hex.at, hex.len, err) && file_sync(fd, path, err) &&
	       file_sync_name(path, err);
}

/* What a crash has left of one that was being made is none. */
bool place_read(const char *data_dir, char out[PLACE_SIZE], struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/" PLACE_FILE, data_dir);
	uint8_t random[(PLACE_SIZE - 1) / 2];

	for (int tries = 0; tries < 2; tries++) {
		AUTO(free) char *text = NULL;
		size_t len = 0;

		if (access(path, F_OK) == 0 && !file_read(path, PLACE_SIZE, &text, &len, err))
			return false;
		if (text && hex_decode(str_trim(str_of(text)), random, sizeof(random))) {
			str_fit(str_trim(str_of(text)), out, PLACE_SIZE);
			return true;
		}
		if (!make(path, err))
			return false;
	}
	return err_set(err, ERR_INTERNAL, "cannot read '%s'", path);
}
