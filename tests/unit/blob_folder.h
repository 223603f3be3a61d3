/*
 * A fresh folder for a test of a store, removed with all that is in it.
 */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALL      "CA3F00000000000000000000000000000a"
#define RECORDING "RE8a00000000000000000000000000000b"
#define NAME      "3f/" CALL "." RECORDING ".mp3"

static char folder[] = "/tmp/callspool-test.XXXXXX";

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	return remove(path);
}

static void folder_make(void)
{
	if (!mkdtemp(folder))
		abort();
}

static void folder_remove(void)
{
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
