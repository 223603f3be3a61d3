/*
 * AES-256-GCM over a file whose last 16 bytes are the tag: read from begin to end, a piece in memory at a time.
 *
 * What comes out before the tag is known means nothing.  So who wants bytes that are authentic reads twice: without a sink, which
 * says whether the tag fits, and then with one.
 *
 * Threads: any; blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "vault/vault.h"

#include <stdint.h>

struct sealed_stream {
	uint8_t key[CONTENT_KEY_BYTES], iv[ENCRYPTION_IV];
	int fd;        /* read by offsets */
	uint64_t size; /* tag included */
};

/* sink == NULL: nothing is passed on.  VAULT_OPENED, VAULT_FORGED or, with err, VAULT_FAILED. */
enum vault_result sealed_stream_read(const struct sealed_stream *stream, struct vault_sink *sink,
				     struct err *err) MUST_CHECK;
