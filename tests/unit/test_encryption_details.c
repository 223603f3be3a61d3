#include "tap.h"
#include "twilio/encryption_details.h"

#define SID "CR0123456789abcdef0123456789ABCDEF"
#define LOW "CR0123456789abcdef0123456789abcdef"
#define CEK "AAECAw=="
#define IV  "8I2hhNIYNTrwxfHk"
#define HOOK                                                                            \
	"{\"type\":\"rsa-aes\",\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK \
	"\",\"iv\":\"" IV "\"}"
#define REST                                                                   \
	"{\"encryption_public_key_sid\":\"" SID "\",\"encryption_cek\":\"" CEK \
	"\",\"encryption_iv\":\"" IV "\"}"

static void reads(void)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "as the callback spells it", HOOK },
		{ "as the API spells it", REST },
		{ "one of the API's own examples",
		  "{\"encryption_public_key_sid\":\"" SID "\",\"encryption_cek\":\"" CEK
		  "\",\"iv\":\"" IV "\"}" },
		{ "no type",
		  "{\"public_key_sid\":\"" SID "\",\"type\":null,\"encrypted_cek\":\"" CEK
		  "\",\"iv\":\"" IV "\",\"more\":[1]}" },
		{ "both spellings that agree",
		  "{\"public_key_sid\":\"" SID "\",\"encryption_public_key_sid\":\"" SID
		  "\",\"encrypted_cek\":\"" CEK "\",\"iv\":\"" IV "\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct encryption_details read, first;
		struct err err;

		OK(encryption_details_read(str_of(cases[i].text), &read, &err), "%s",
		   cases[i].name);
		IS_STR(str_of(read.public_key_sid), STR(LOW), "%s: the SID, in lower case",
		       cases[i].name);
		OK(read.cek_len == 4 && memcmp(read.cek, "\0\1\2\3", 4) == 0, "%s: the key",
		   cases[i].name);
		OK(read.iv[0] == 0xf0 && read.iv[11] == 0xe4, "%s: the IV", cases[i].name);
		OK(encryption_details_read(STR(HOOK), &first, &err) &&
			   encryption_details_equal(&first, &read),
		   "%s: the same as the callback's", cases[i].name);
	}
}

static void refuses(void)
{
	static const char *const texts[] = {
		"",
		"rsa-aes",
		"[]",
		"null",
		"{}",
		"{\"type\":\"rsa-aes\"",
		"{\"type\":\"rsa-kem\",\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK
		"\",\"iv\":\"" IV "\"}",
		"{\"type\":7,\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK
		"\",\"iv\":\"" IV "\"}",
		"{\"public_key_sid\":\"../../etc/passwd\",\"encrypted_cek\":\"" CEK
		"\",\"iv\":\"" IV "\"}",
		"{\"public_key_sid\":\"" SID "0\",\"encrypted_cek\":\"" CEK "\",\"iv\":\"" IV "\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"\",\"iv\":\"" IV "\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"AAE\",\"iv\":\"" IV "\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK "\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK
		"\",\"iv\":\"AAECAwQFBgcICQo=\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK
		"\",\"iv\":\"AAECAwQFBgcICQoLDA==\"}",
		"{\"public_key_sid\":\"" SID "\",\"encrypted_cek\":\"" CEK
		"\",\"encryption_cek\":\"AAEC\",\"iv\":\"" IV "\"}",
		"{\"iv\":\"" IV "\",\"iv\":\"" IV "\",\"public_key_sid\":\"" SID
		"\",\"encrypted_cek\":\"" CEK "\"}",
	};
	struct encryption_details kept = { .cek_len = 77 };
	static char large[ENCRYPTION_TEXT + 2];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		OK(!encryption_details_read(str_of(texts[i]), &kept, &err) &&
			   err.kind == ERR_INVALID && kept.cek_len == 77,
		   "refused: %s (%s)", texts[i], err.text);
	memset(large, ' ', ENCRYPTION_TEXT + 1);
	OK(!encryption_details_read(str_of(large), &kept, &err), "refused: a page of spaces");
}

static void differs(void)
{
	struct encryption_details one, other;
	struct err err;

	OK(encryption_details_read(STR(HOOK), &one, &err), "one");
	other = one;
	other.iv[11] ^= 1;
	OK(!encryption_details_equal(&one, &other), "another IV");
	other = one;
	other.cek[3] ^= 1;
	OK(!encryption_details_equal(&one, &other), "another key");
	other = one;
	other.cek_len--;
	OK(!encryption_details_equal(&one, &other), "a shorter one");
	other = one;
	other.public_key_sid[33] = '0';
	OK(!encryption_details_equal(&one, &other), "for another public key");
}

int main(void)
{
	reads();
	refuses();
	differs();
	return tap_end();
}
