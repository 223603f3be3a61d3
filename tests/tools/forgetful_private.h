/* What the files of the preloaded library share. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

#define KEY_MAX 64

/* A run without its record proves nothing, so it ends. */
void must(bool is_well, const char *what) __attribute__((visibility("hidden")));
DIR *open_folder(int fd, const char *name) __attribute__((visibility("hidden")));
extern int (*real_ftruncate)(int fd, off_t size) __attribute__((visibility("hidden")));
