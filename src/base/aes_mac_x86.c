#include "base/aes_mac.h"

#include <wmmintrin.h>

/* The program is for any x86-64; these functions are for those that have AES, nearly all since 2011. */
#define WITH_AES __attribute__((target("aes")))

bool aes_mac_is_here(void)
{
	return __builtin_cpu_supports("aes");
}

static __m128i round_key(const struct aes_mac *mac, unsigned round)
{
	return _mm_load_si128((const __m128i *)mac->round_keys[round]);
}

/* The next round key: each word is the sum of those before it, and of the last one's substitution (FIPS 197, 5.2). */
static __m128i next_key(__m128i key, __m128i assist)
{
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
	return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

WITH_AES void aes_mac_start(struct aes_mac *mac, const uint8_t key[AES_MAC_KEY_BYTES])
{
	__m128i *to = (__m128i *)mac->round_keys;

	to[0] = _mm_loadu_si128((const __m128i *)key);
	/* The round's constant is a part of the instruction. */
	to[1] = next_key(to[0], _mm_aeskeygenassist_si128(to[0], 0x01));
	to[2] = next_key(to[1], _mm_aeskeygenassist_si128(to[1], 0x02));
	to[3] = next_key(to[2], _mm_aeskeygenassist_si128(to[2], 0x04));
	to[4] = next_key(to[3], _mm_aeskeygenassist_si128(to[3], 0x08));
	to[5] = next_key(to[4], _mm_aeskeygenassist_si128(to[4], 0x10));
	to[6] = next_key(to[5], _mm_aeskeygenassist_si128(to[5], 0x20));
	to[7] = next_key(to[6], _mm_aeskeygenassist_si128(to[6], 0x40));
	to[8] = next_key(to[7], _mm_aeskeygenassist_si128(to[7], 0x80));
	to[9] = next_key(to[8], _mm_aeskeygenassist_si128(to[8], 0x1b));
	to[10] = next_key(to[9], _mm_aeskeygenassist_si128(to[9], 0x36));
}

WITH_AES static __m128i encrypted(const struct aes_mac *mac, __m128i block)
{
	block = _mm_xor_si128(block, round_key(mac, 0));
	for (unsigned round = 1; round < AES_MAC_ROUNDS; round++)
		block = _mm_aesenc_si128(block, round_key(mac, round));
	return _mm_aesenclast_si128(block, round_key(mac, AES_MAC_ROUNDS));
}

WITH_AES void aes_mac_of(const struct aes_mac *mac, const void *text, uint8_t out[AES_MAC_BYTES])
{
	const __m128i *blocks = text;
	__m128i sum = encrypted(mac, _mm_loadu_si128(blocks));

	sum = encrypted(mac, _mm_xor_si128(sum, _mm_loadu_si128(blocks + 1)));
	_mm_storeu_si128((__m128i *)out, sum);
}
