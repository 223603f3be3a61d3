/*
 * A keyed hash of exactly 32 bytes by the processor's own AES, for tables that are asked at each request: some forty
 * instructions, where SipHash has three hundred.
 *
 * CBC-MAC of two blocks with AES-128 (ISO/IEC 9797-1, algorithm 1, without padding), 128 bits.  For texts of one length
 * nobody without the key tells it from a function drawn at random; with several lengths that would not hold, so there
 * is none for others.  It takes as long for any text and key: nothing is looked up in memory by either.
 *
 * Not every processor has it: aes_mac_is_here() first.  aes_mac_x86.c; aes_mac_none.c elsewhere.
 */
#pragma once

#include "base/compiler.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define AES_MAC_KEY_BYTES  16
#define AES_MAC_TEXT_BYTES 32
#define AES_MAC_BYTES      16

#define AES_MAC_ROUNDS 10

/* As secret as its key; whoever has one wipes it. */
struct aes_mac {
	alignas(16) uint8_t round_keys[AES_MAC_ROUNDS + 1][16];
};

bool aes_mac_is_here(void);
/* The others only where it is. */
void aes_mac_start(struct aes_mac *mac, const uint8_t key[AES_MAC_KEY_BYTES]);
void aes_mac_of(const struct aes_mac *mac, const void *text, uint8_t out[AES_MAC_BYTES]);
