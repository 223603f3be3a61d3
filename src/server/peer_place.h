/*
 * Where other processes on the same database find this one, and what they show.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct settings;

#define PEER_PLACE_ADDRESS 280
#define PEER_PLACE_TOKEN   65

struct peer_place {
	char address[PEER_PLACE_ADDRESS]; /* "10.0.0.5:8081"; "": nowhere */
	char token
		[PEER_PLACE_TOKEN]; /* 32 random bytes in hexadecimal: of this process, and gone with it */
};

/* listen_fd: of cluster_listen; -1: there is none. */
void peer_place_make(const struct settings *settings, int listen_fd, struct peer_place *out);
