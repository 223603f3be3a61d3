/*
 * Which pages of a file a failed sync has lost: the kernel reports the error once and then calls
 * the pages clean.  They can be read as long as the power is on, and no later sync writes them;
 * only a page that is written again is synced again.
 *
 * The shadow holds a file lost.<key> for each file of which pages were lost, one byte a page, so
 * that the next program on the same disk knows them, too.  Call under the lock of forgetful.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOST_PAGE 4096

/* Takes over what an earlier program left in the shadow. */
void lost_begin(int shadow_fd);
/* The sync of the file `fd` failed: all that differs from `content.<key>` is lost. */
void lost_note(int shadow_fd, const char *key, int fd);
/* Is any page of any file lost?  Needs no lock. */
bool lost_any(void);
/* Is the page at this offset of the file lost? */
bool lost_at(const char *key, off_t at);
/* Bytes were written: their pages are to be synced as usual. */
void lost_written(const char *key, off_t at, size_t len);
/* The file was cut: what is beyond is no page any more. */
void lost_cut(const char *key, off_t size);
