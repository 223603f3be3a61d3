#include "base/aes_mac.h"
#include "base/hash.h"

#include "tap.h"

/*
 * CBC of AES-128, NIST SP 800-38A, F.2.1: the second of two blocks of cipher text is the MAC of the two plain ones, with the
 * first of them added to what stands before it.
 */
static const struct {
	const char *before, *plain, *cipher;
} vectors[] = {
	{ "000102030405060708090a0b0c0d0e0f",
	  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
	  "5086cb9b507219ee95db113a917678b2" },
	{ "7649abac8119b246cee98e9b12e9197d",
	  "ae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef",
	  "73bed6b8e3c1743b7116e69e22229516" },
	{ "5086cb9b507219ee95db113a917678b2",
	  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
	  "3ff1caa1681fac09120eca307586e1a7" },
};

static void test_vectors(void)
{
	uint8_t key[AES_MAC_KEY_BYTES];
	struct aes_mac mac;

	OK(hex_decode(STR("2b7e151628aed2a6abf7158809cf4f3c"), key, sizeof(key)), "the key");
	aes_mac_start(&mac, key);
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t before[16], text[1 + AES_MAC_TEXT_BYTES], want[AES_MAC_BYTES];
		uint8_t got[AES_MAC_BYTES];

		/* Texts stand anywhere in a request. */
		OK(hex_decode(str_of(vectors[i].before), before, sizeof(before)) &&
			   hex_decode(str_of(vectors[i].plain), text + 1, AES_MAC_TEXT_BYTES) &&
			   hex_decode(str_of(vectors[i].cipher), want, sizeof(want)),
		   "vector %zu is hexadecimal", i);
		for (size_t at = 0; at < sizeof(before); at++)
			text[1 + at] ^= before[at];
		aes_mac_of(&mac, text + 1, got);
		OK(memcmp(got, want, sizeof(got)) == 0, "vector %zu", i);
	}
}

int main(void)
{
	if (aes_mac_is_here())
		test_vectors();
	else
		OK(true, "this processor has no AES: nothing uses it");
	return tap_end();
}
