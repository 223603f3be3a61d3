/*
 * Media as files on this machine:
 *
 *	<data_dir>/recordings/3f/CA3f….RE….<generation>.mp3	stored, 0640
 *	<data_dir>/arriving/RE….<generation>	not yet; swept at start
 *
 * Both folders must be on one file system (rename).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "blob/blob.h"

/* Makes both folders where they do not exist.  The path is copied.  Blocks. */
bool blob_local_open(const char *data_dir, struct blob_store **out, struct err *err) MUST_CHECK;
/* The same, with another folder in the place of recordings/. */
bool blob_local_open_in(const char *data_dir, const char *folder, struct blob_store **out,
			struct err *err) MUST_CHECK;
