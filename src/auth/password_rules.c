#include "auth/password_rules.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/own.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#define LEAST     15 /* NIST: where the password is the only factor */
#define SHA1_HEX  40
#define LINE_SIZE 128 /* 40 digits, a colon, a count, CR LF: half of it is plenty */

/* The frequency list of zxcvbn (Dropbox, MIT License): those of 15 characters and more. */
static const char *const listed[] = {
	"mailcreated5240",   "polniypizdec0211",     "123456789987654321",  "1qaz2wsx3edc4rfv",
	"momsanaladventure", "hd764nw5d7e1vb1",      "qazwsxedcrfvtgb",     "23176djivanfros",
	"123456789qwerty",   "12345678900987654321", "qwerty123456789",     "polniypizdec110211",
	"12345678987654321", "q1w2e3r4t5y6u7i8",     "zqjphsyf6ctifgu",     "lhbjkjubz2957704",
	"1qazxsw23edcvfr4",  "nemvxyheqdd5oqxyxyzi", "1234qwerasdfzxcv",    "q1w2e3r4t5y6u7i8o9p0",
	"passwordstandard",  "1234567890qwerty",     "1234567890987654321", "bpgjldsgjldthnf",
	"1qa2ws3ed4rf5tg",   "qwertyuiop12345",      "1234567887654321",    "111222333444555",
	"122333444455555",   "zxcvbnm123456789",     "qwertasdfgzxcvb",
};

static const struct {
	const char *code, *text;
} faults[PASSWORD_FAULTS] = {
	[PASSWORD_GOOD] = { "", "" },
	[PASSWORD_TOO_SHORT] = { "too_short", "The password is too short." },
	[PASSWORD_TOO_LONG] = { "too_long", "The password is longer than 256 characters." },
	[PASSWORD_NOT_TEXT] = { "not_text", "The password is not valid text." },
	[PASSWORD_NAME] = { "name", "The password is made of a name that others would guess." },
	[PASSWORD_LISTED] = { "common", "The password is one of those that are tried first." },
	[PASSWORD_SEQUENCE] = { "sequence", "The password is one character or a sequence." },
	[PASSWORD_BREACHED] = { "breached",
				"The password is known from a breach of another service." },
};

const char *password_fault_code(enum password_fault fault)
{
	return faults[fault].code;
}

const char *password_fault_text(enum password_fault fault)
{
	return faults[fault].text;
}

/* ---- text ---- */

/* The bytes of the UTF-8 character that `text` begins with; 0: it is none (RFC 3629). */
static size_t utf8_len(struct str text)
{
	static const struct {
		uint8_t mask, lead, second_least, second_most;
		size_t len;
	} forms[] = {
		{ 0x80, 0x00, 0x00, 0x00, 1 },
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 },
		{ 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xf8, 0xf0, 0x80, 0xbf, 4 },
	};
	uint8_t lead = (uint8_t)text.at[0], least = 0x80, most = 0xbf;
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if ((lead & forms[i].mask) == forms[i].lead)
			len = forms[i].len;
	if (len == 0 || len > text.len || lead == 0xc0 || lead == 0xc1 || lead > 0xf4)
		return 0;
	if (lead == 0xe0)
		least = 0xa0; /* else it would be overlong */
	else if (lead == 0xed)
		most = 0x9f; /* else a surrogate */
	else if (lead == 0xf0)
		least = 0x90;
	else if (lead == 0xf4)
		most = 0x8f; /* else beyond U+10FFFF */
	for (size_t i = 1; i < len; i++) {
		uint8_t byte = (uint8_t)text.at[i];

		if (byte < (i == 1 ? least : 0x80) || byte > (i == 1 ? most : 0xbf))
			return 0;
	}
	return len;
}

/* False: it is no text. */
static bool count_characters(struct str text, unsigned *out)
{
	unsigned count = 0;

	while (text.len > 0) {
		size_t len = utf8_len(text);

		if (len == 0 || text.at[0] == '\0')
			return false;
		text = str_after(text, len);
		count++;
	}
	*out = count;
	return true;
}

/* ---- what is guessed first ---- */

/* Nothing but `word`, as often as you like, the last time perhaps not whole.  Without case. */
static bool is_repeated(struct str password, struct str word)
{
	if (word.len < 3) /* else every password that repeats two letters were somebody's name */
		return false;
	while (password.len >= word.len) {
		if (!str_starts_nocase(password, word))
			return false;
		password = str_after(password, word.len);
	}
	return str_starts_nocase(word, password);
}

static bool is_listed(struct str password)
{
	for (size_t i = 0; i < ARRAY_LEN(listed); i++)
		if (str_eq_nocase(password, str_of(listed[i])))
			return true;
	return false;
}

/* Each byte the last one plus `step`; after 9 comes 0, and before 0 comes 9. */
static bool is_counting(struct str password, int step)
{
	for (size_t i = 1; i < password.len; i++) {
		int last = (uint8_t)password.at[i - 1], next = last + step;

		if (ascii_is_digit((char)last) && next > '9')
			next = '0';
		else if (ascii_is_digit((char)last) && next < '0')
			next = '9';
		if ((uint8_t)password.at[i] != next)
			return false;
	}
	return true;
}

/* One character, whichever it is, over and over. */
static bool is_one_character(struct str password)
{
	size_t len = utf8_len(password);

	for (size_t i = len; i < password.len; i++)
		if (password.at[i] != password.at[i - len])
			return false;
	return true;
}

/* ---- the file of breached ones: a binary search, line by line ---- */

/* The first whole line at or after `at`, before `end`; false where there is none. */
static bool read_line(int fd, off_t at, off_t end, char digits[SHA1_HEX], off_t *out_next,
		      bool *out_failed)
{
	char bytes[2 * LINE_SIZE];
	size_t begin = 0, len;
	ssize_t got;

	/* From the byte before: a line that begins exactly at `at` is seen to begin there. */
	got = pread(fd, bytes, sizeof(bytes), at > 0 ? at - 1 : 0);
	*out_failed = got < 0;
	if (got <= 0)
		return false;
	if (at > 0)
		begin = str_find((struct str){ bytes, (size_t)got }, '\n') + 1;
	len = (size_t)got > begin ? (size_t)got - begin : 0;
	*out_next = (at > 0 ? at - 1 : 0) + (off_t)begin;
	if (len < SHA1_HEX || *out_next >= end)
		return false;
	memcpy(digits, bytes + begin, SHA1_HEX);
	*out_next += (off_t)str_find((struct str){ bytes + begin, len }, '\n') + 1;
	return true;
}

static int compare_digits(const char *a, const char *b)
{
	for (size_t i = 0; i < SHA1_HEX; i++) {
		int difference = ascii_lower(a[i]) - ascii_lower(b[i]);

		if (difference != 0)
			return difference;
	}
	return 0;
}

static bool search_file(int fd, off_t size, const char *wanted, bool *out_found, struct err *err)
{
	off_t low = 0, high = size;

	*out_found = false;
	while (low < high) {
		off_t middle = low + (high - low) / 2, next;
		char digits[SHA1_HEX];
		bool failed;
		int order;

		if (!read_line(fd, middle, high, digits, &next, &failed)) {
			if (failed)
				return err_errno(err, "cannot read the file of breached passwords");
			high = middle; /* no line begins in the upper half */
			continue;
		}
		order = compare_digits(wanted, digits);
		if (order == 0) {
			*out_found = true;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = next;
	}
	return true;
}

static bool sha1_text(struct str password, char out[SHA1_HEX + 1])
{
	uint8_t hash[SHA1_BYTES];
	unsigned len = sizeof(hash);
	struct buf buf;

	if (EVP_Digest(password.at, password.len, hash, &len, EVP_sha1(), NULL) != 1)
		return false;
	buf_over(&buf, out, SHA1_HEX + 1);
	hex_add(&buf, hash, sizeof(hash));
	return true;
}

static bool is_breached(const char *path, struct str password, bool *out, struct err *err)
{
	AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char digits[SHA1_HEX + 1];
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(err, "cannot open password.breached_file '%s'", path);
	if (!sha1_text(password, digits))
		return err_set(err, ERR_INTERNAL, "cannot compute SHA-1");
	return search_file(fd, status.st_size, digits, out, err);
}

/* ---- the rules ---- */

static enum password_fault judge_text(const struct password_rules *rules, struct str name,
				      struct str password)
{
	unsigned count;

	if (!count_characters(password, &count))
		return PASSWORD_NOT_TEXT;
	if (count < (rules->least ? rules->least : LEAST))
		return PASSWORD_TOO_SHORT;
	if (count > PASSWORD_MAX)
		return PASSWORD_TOO_LONG;
	if (is_repeated(password, name) || is_repeated(password, STR("callspool")) ||
	    (rules->host && is_repeated(password, str_of(rules->host))))
		return PASSWORD_NAME;
	if (is_listed(password))
		return PASSWORD_LISTED;
	if (is_one_character(password) || is_counting(password, 1) || is_counting(password, -1))
		return PASSWORD_SEQUENCE;
	return PASSWORD_GOOD;
}

bool password_judge(const struct password_rules *rules, struct str name, struct str password,
		    enum password_fault *out, struct err *err)
{
	enum password_fault fault = judge_text(rules, name, password);

	if (fault == PASSWORD_GOOD && rules->breached_file) {
		bool found = false;

		if (!is_breached(rules->breached_file, password, &found, err))
			return false;
		if (found)
			fault = PASSWORD_BREACHED;
	}
	*out = fault;
	return true;
}
