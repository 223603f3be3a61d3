#include "base/hash.h"
#include "tap.h"

static void digests(void)
{
	uint8_t sha[SHA256_BYTES], mac[SHA1_BYTES];
	char text[128];
	struct buf buf;

	sha256_of(STR("abc"), sha);
	buf_over(&buf, text, sizeof(text));
	hex_add(&buf, sha, sizeof(sha));
	IS_STR(buf_str(&buf),
	       STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
	       "SHA-256 of FIPS 180-2, appendix B.1");

	struct sha256 *pieces = sha256_new();

	sha256_add(pieces, "a", 1);
	sha256_add(pieces, "bc", 2);
	sha256_end(pieces, sha);
	sha256_free(pieces);
	buf_clear(&buf);
	hex_add(&buf, sha, 4);
	IS_STR(buf_str(&buf), STR("ba7816bf"), "the same in pieces");

	struct md5 *md5 = md5_new();
	char md5_hex[MD5_HEX];

	md5_add(md5, "a", 1);
	md5_add(md5, "bc", 2);
	md5_end(md5, md5_hex);
	md5_free(md5);
	IS_STR(str_of(md5_hex), STR("900150983cd24fb0d6963f7d28e17f72"), "MD5 of RFC 1321, A.5");

	hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), mac);
	buf_clear(&buf);
	hex_add(&buf, mac, sizeof(mac));
	IS_STR(buf_str(&buf), STR("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
	       "HMAC-SHA1 of RFC 2202, case 2");
}

static void base64(void)
{
	static const char *const cases[][2] = { { "", "" },
						{ "f", "Zg==" },
						{ "fo", "Zm8=" },
						{ "foo", "Zm9v" },
						{ "foobar", "Zm9vYmFy" } };
	static const struct str wrong[] = { STR("Zg="),      STR("Zg"),       STR("Z==="),
					    STR("Zm9v*A=="), STR("Zg==Zg=="), STR("====") };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		uint8_t back[64];
		size_t len = 99;
		struct buf buf;

		buf_over(&buf, text, sizeof(text));
		base64_add(&buf, (const uint8_t *)cases[i][0], strlen(cases[i][0]));
		IS_STR(buf_str(&buf), str_of(cases[i][1]), "base64 of '%s' (RFC 4648, 10)",
		       cases[i][0]);
		OK(base64_decode(buf_str(&buf), back, sizeof(back), &len) &&
			   len == strlen(cases[i][0]) && memcmp(back, cases[i][0], len) == 0,
		   "and back");
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t back[64];
		size_t len;

		OK(!base64_decode(wrong[i], back, sizeof(back), &len), "'%.*s' is refused",
		   STR_ARG(wrong[i]));
	}
}

static void test_hex(void)
{
	uint8_t bytes[3] = { 0 };

	OK(hex_decode(STR("00fFa9"), bytes, sizeof(bytes)) && bytes[0] == 0 && bytes[1] == 0xff &&
		   bytes[2] == 0xa9,
	   "hexadecimal digits of either case");
	OK(!hex_decode(STR("00ffa"), bytes, sizeof(bytes)), "half a byte is none");
	OK(!hex_decode(STR("00ffa9a9"), bytes, sizeof(bytes)), "nor is one too many taken");
	OK(!hex_decode(STR("00ffag"), bytes, sizeof(bytes)), "nor another letter");
}

int main(void)
{
	digests();
	base64();
	test_hex();
	return tap_end();
}
