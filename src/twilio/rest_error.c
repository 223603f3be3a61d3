#include "twilio/rest.h"

#include <jansson.h>

#include "base/own.h"

static void message_set(struct rest_error *error, struct str message)
{
	struct str cut = str_first(message, sizeof(error->message) - 1);

	/* Not in the middle of a UTF-8 sequence. */
	if (cut.len < message.len)
		while (cut.len > 0 && ((unsigned char)message.at[cut.len] & 0xc0) == 0x80)
			cut.len--;
	if (!str_copy(cut, error->message, sizeof(error->message)))
		error->message[0] = '\0';
}

static int code_within(int64_t code)
{
	return code > 0 && code < 1000000 ? (int)code : 0;
}

static bool read_json(struct str body, struct rest_error *out)
{
	AUTO(rest_document_release)
	struct rest_document document = { json_loadb(body.at, body.len, 0, NULL) };
	const json_t *code = json_object_get(document.root, "code");
	const json_t *status = json_object_get(document.root, "status");
	const json_t *message = json_object_get(document.root, "message");

	if (!json_is_integer(code) && !json_is_string(message))
		return false;
	*out = (struct rest_error){ .code = code_within(json_integer_value(code)),
				    .status = code_within(json_integer_value(status)) };
	if (json_is_string(message))
		message_set(out, (struct str){ json_string_value(message),
					       json_string_length(message) });
	return true;
}

/* What stands between <name> and </name>; at == NULL when there is no such element. */
static struct str element_of(struct str xml, struct str open, struct str close)
{
	size_t start = str_find_str(xml, open);
	struct str rest = str_after(xml, start + open.len);
	size_t end = str_find_str(rest, close);

	return start < xml.len && end < rest.len ? str_first(rest, end) : STR_NONE;
}

static void unescape_add(struct buf *buf, struct str text)
{
	static const struct {
		struct str escape;
		char byte;
	} escapes[] = { { { "&lt;", 4 }, '<' },
			{ { "&gt;", 4 }, '>' },
			{ { "&amp;", 5 }, '&' },
			{ { "&quot;", 6 }, '"' },
			{ { "&apos;", 6 }, '\'' } };

	for (size_t used; text.len > 0; text = str_after(text, used)) {
		char byte = text.at[0];

		used = 1;
		for (size_t i = 0; i < ARRAY_LEN(escapes) && used == 1; i++) {
			if (!str_starts(text, escapes[i].escape))
				continue;
			byte = escapes[i].byte;
			used = escapes[i].escape.len;
		}
		buf_add_byte(buf, byte);
	}
}

/*
 * Not an XML parser: the two or three elements of <RestException> have neither
 * attributes nor children, and a page that only resembles it gives at worst an odd message.
 */
static bool read_xml(struct str body, struct rest_error *out)
{
	struct str exception = element_of(body, STR("<RestException>"), STR("</RestException>"));
	struct str message = element_of(exception, STR("<Message>"), STR("</Message>"));
	AUTO(buf_release) struct buf text = { 0 };
	int64_t number;

	if (!exception.at)
		return false;
	*out = (struct rest_error){ 0 };
	if (str_to_i64(str_trim(element_of(exception, STR("<Code>"), STR("</Code>"))), &number))
		out->code = code_within(number);
	if (str_to_i64(str_trim(element_of(exception, STR("<Status>"), STR("</Status>"))), &number))
		out->status = code_within(number);
	buf_init(&text, message.len);
	unescape_add(&text, message);
	message_set(out, buf_str(&text));
	return true;
}

bool rest_read_error(struct str body, struct rest_error *out)
{
	if (body.len == 0)
		return false;
	return read_json(body, out) || read_xml(body, out);
}

/* From Twilio's pages on error codes, as far as a recording can meet them. */
static const struct {
	int code;
	const char *meaning;
} codes[] = {
	{ REST_CODE_TOO_SHORT, "The recording was too short to be kept; there is none." },
	{ REST_CODE_SILENT, "The recording was silent and was not kept; there is none." },
	{ REST_CODE_NO_KEY,
	  "There was no valid public key to encrypt the recording with; it was not kept." },
	{ REST_CODE_OTHER_KEY,
	  "The recording is encrypted with another public key than the one that is set." },
	{ 16108, "The call has several active recordings." },
	{ REST_CODE_MP3_ENCRYPTED, "An encrypted recording can be had as WAV only." },
	{ REST_CODE_BAD_CREDENTIALS,
	  "Twilio does not accept the account SID and token, or the API key." },
	{ 20005, "The account is not active." },
	{ 20006, "The API key may not read this." },
	{ 20008, "These are test credentials; they cannot read recordings." },
	{ REST_CODE_NOT_FOUND,
	  "Twilio has no such recording: it is not ready, was deleted, or lies in external storage." },
	{ REST_CODE_TOO_MANY, "Too many requests of this account at once; try again later." },
	{ 20500, "Twilio has an internal error." },
	{ 20503, "Twilio is not available for the moment." },
};

const char *rest_code_meaning(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].meaning;
	return NULL;
}
