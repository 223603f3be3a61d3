#include "auth/credential.h"

#include "tap.h"

#define SOME "Zk3_x81QmB0vAbCdEfGhIjKlMnOpQr-9"

static void test_making(void)
{
	struct credential one, other;
	uint8_t hash[SHA256_BYTES];
	int dashes = 0;

	credential_make(&one);
	credential_make(&other);
	OK(credential_is_well_formed(str_of(one.text)), "what is made is of the form");
	IS_STR(credential_name(str_of(one.text)), str_of(one.name), "its name is its beginning");
	credential_hash(str_of(one.text), hash);
	OK(memcmp(hash, one.hash, sizeof(hash)) == 0, "its hash is that of its text");
	OK(strcmp(one.text, other.text) != 0, "no two are alike");
	credential_wipe(&one);
	IS_INT(one.text[0] | one.hash[0] | one.name[0], 0, "nothing is left of it");
	for (int i = 0; i < 2000; i++) {
		credential_make(&other);
		dashes += other.name[0] == '-';
	}
	IS_INT(dashes, 0, "no name looks like an option of a command");
}

static void test_form(void)
{
	static const struct {
		const char *text, *name;
		bool good;
	} cases[] = {
		{ SOME, "32 characters of base64url", true },
		{ "Zk3_x81QmB0vAbCdEfGhIjKlMnOpQr-", "one is missing", false },
		{ SOME "a", "one too many", false },
		{ "", "nothing", false },
		{ "Zk3+x81QmB0vAbCdEfGhIjKlMnOpQr-9", "'+' is of the other base64", false },
		{ "Zk3/x81QmB0vAbCdEfGhIjKlMnOpQr-9", "so is '/'", false },
		{ "Zk3_x81QmB0vAbCdEfGhIjKlMnOpQr-=", "padding", false },
		{ "Zk3_x81Q%6D0vAbCdEfGhIjKlMnOpQr9", "percent-encoded", false },
	};
	struct str text = STR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(credential_is_well_formed(str_of(cases[i].text)) == cases[i].good, "%s",
		   cases[i].name);
	OK(credential_of_token(STR("csp_" SOME), &text), "an API token has a prefix");
	IS_STR(text, STR(SOME), "and the credential behind it");
	OK(!credential_of_token(STR(SOME), &text), "without the prefix it is none");
	OK(!credential_of_token(STR("CSP_" SOME), &text), "nor in capitals");
	OK(!credential_of_token(STR("csp_"), &text), "nor the prefix alone");
}

static void test_redacting(void)
{
	static const struct {
		const char *text, *want, *name;
	} cases[] = {
		{ "/l/" SOME "/media", "/l/Zk3_x81Q.../media", "the address of a link's media" },
		{ "/l/Zk3_x81Q", "/l/Zk3_x81Q", "a link's name alone is public" },
		{ "/l/Zk3_x81Q/open", "/l/Zk3_x81Q/open", "as it is here" },
		{ "/L/" SOME "/media", "/L/Zk3_x81Q.../media", "misspelt in capitals" },
		{ "/l/%5Ak3_x81QmB0vAbCdEfGhIj/media", "/l/%5Ak3_x8.../media", "percent-encoded" },
		{ "/%6c/" SOME "/media", "/%6c/Zk3_x81Q.../media", "its l percent-encoded" },
		{ "/%6C/" SOME "/media", "/%6C/Zk3_x81Q.../media", "in capitals" },
		{ "/x?token=csp_" SOME "&a=1", "/x?token=csp_Zk3_x81Q...&a=1",
		  "a token in a query" },
		{ "Bearer csp_" SOME, "Bearer csp_Zk3_x81Q...", "a token in a header" },
		{ "//l//l/" SOME, "//l//l/Zk3_x81Q...", "behind something that looks alike" },
		{ "/api/calls/CA00000000000000000000000000000001",
		  "/api/calls/CA00000000000000000000000000000001", "a SID is no secret" },
		{ "/l/l/" SOME, "/l/l/Zk3_x81Q...", "behind a path that a proxy doubled" },
		{ "/%6c/l/%6C/" SOME, "/%6c/l/%6C/Zk3_x81Q...", "encoded, and thrice" },
		{ "csp_csp_" SOME, "csp_csp_Zk3_...", "a prefix that came twice" },
		{ "", "", "nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		struct buf buf;

		buf_over(&buf, text, sizeof(text));
		credential_redact(&buf, str_of(cases[i].text));
		IS_STR(buf_str(&buf), str_of(cases[i].want), "%s", cases[i].name);
	}
}

int main(void)
{
	test_making();
	test_form();
	test_redacting();
	return tap_end();
}
