/*
 * The vectors of Twilio's own libraries (node, python, go) and of its documentation, each
 * with the token 12345.
 */
#include "twilio/signature.h"

#include "base/buf.h"
#include "tap.h"
#include "twilio_params.h"

#define STANDARD                                                                             \
	P("CallSid", "CA1234567890ABCDE"), P("Caller", "+14158675309"), P("Digits", "1234"), \
		P("From", "+14158675309"), P("To", "+18005551212")
#define HOST       "https://mycompany.com"
#define TARGET     "/myapp.php?foo=1&bar=2"
#define HASH_BODY  "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
#define HASH_EMPTY "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define BODY       "{\"property\": \"value\", \"boolean\": true}"

struct row {
	const char *name;
	const char *public_url;
	const char *target;
	const char *signature; /* NULL: no header */
	enum signed_body kind;
	const char *body;
	struct twilio_param params[10];
	enum signature_result result;
};

static const struct row rows[] = {
	{ "the standard example",
	  HOST,
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "the same, configured with the port",
	  HOST ":443",
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "signed with the port, configured without",
	  HOST,
	  TARGET,
	  "kvajT1Ptam85bY51eRf/AJRuM3w=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "signed and configured with the port",
	  HOST ":443",
	  TARGET,
	  "kvajT1Ptam85bY51eRf/AJRuM3w=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "http with :80 signed, configured without",
	  "http://mycompany.com",
	  TARGET,
	  "0ZXoZLH/DfblKGATFgpif+LLRf4=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "http with :80",
	  "http://mycompany.com:80",
	  TARGET,
	  "0ZXoZLH/DfblKGATFgpif+LLRf4=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "http with a port of its own",
	  "http://mycompany.com:1234",
	  TARGET,
	  "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "another port than the one signed",
	  "http://mycompany.com:1235",
	  TARGET,
	  "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_WRONG },
	{ "user and password signed",
	  "https://user:pass@mycompany.com",
	  TARGET,
	  "CukzLTc1tT5dXEDIHm/tKBanW10=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "a user alone signed",
	  "https://user@mycompany.com",
	  TARGET,
	  "2YRLlVAflCqxaNicjMpJcSTgzSs=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "user, password and port signed",
	  "https://user:pass@mycompany.com:443",
	  TARGET,
	  "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "user, password and a port that was added",
	  "https://user:pass@mycompany.com",
	  TARGET,
	  "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "user and password dropped before signing",
	  "https://user:pass@mycompany.com",
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "a quote signed as %27",
	  HOST,
	  TARGET "&Body=It's+amazing",
	  "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "a quote signed and received as %27",
	  HOST,
	  TARGET "&Body=It%27s+amazing",
	  "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "a byte signed as %7C, beside the first and last of those that stay",
	  HOST,
	  TARGET "&Name=AZaz09|",
	  "sk5ahLDu8xxyW1P6yxIyqoPsOs4=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_GOOD },
	{ "a repeated name: distinct values in order",
	  HOST,
	  TARGET,
	  "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
	  SIGNED_FORM,
	  NULL,
	  { P("Sid", "CA123"), P("SidAccount", "AC123"), P("Digits", "5678"), P("Digits", "1234"),
	    P("Digits", "1234") },
	  SIGNATURE_GOOD },
	{ "a repeated name with a dot",
	  HOST,
	  TARGET,
	  "83O6e2vORAoJHUNzJjDWN1jz+BA=",
	  SIGNED_FORM,
	  NULL,
	  { P("MessagingBinding.Address", "+1325xxxxxxx"),
	    P("MessagingBinding.Address", "+1415xxxxxxx") },
	  SIGNATURE_GOOD },
	{ "a name that begins another",
	  HOST,
	  TARGET,
	  "vOEb5UThFn24KEfnOFLQY2AE5FY=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD, P("Reason", "Participant"), P("ReasonConferenceEnded", "test") },
	  SIGNATURE_GOOD },
	{ "the same over http",
	  "http://mycompany.com",
	  TARGET,
	  "n2xBNyzSW7rfYStDtOFiFMv7qNo=",
	  SIGNED_FORM,
	  NULL,
	  { P("ReasonConferenceEnded", "test"), STANDARD, P("Reason", "Participant") },
	  SIGNATURE_GOOD },
	{ "name and value sorted together are wrong",
	  HOST,
	  TARGET,
	  "95+Bu0JVPi0r/SsESZCVf0dWAjw=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD, P("Reason", "Participant"), P("ReasonConferenceEnded", "test") },
	  SIGNATURE_WRONG },
	{ "another form",
	  HOST,
	  TARGET,
	  "NBdBDr/T/lgjI+tlgpXjKZQZs/k=",
	  SIGNED_FORM,
	  NULL,
	  { P("property", "value"), P("boolean", "true") },
	  SIGNATURE_GOOD },
	{ "the documentation's example",
	  "https://example.com",
	  TARGET,
	  "L/OH5YylLD5NRKLltdqwSvS0BnU=",
	  SIGNED_FORM,
	  NULL,
	  { P("CallSid", "CA1234567890ABCDE"), P("Caller", "+14158675310"), P("Digits", "1234"),
	    P("From", "+14158675310"), P("To", "+18005551212") },
	  SIGNATURE_GOOD },
	{ "a body with its hash",
	  HOST,
	  TARGET "&bodySHA256=" HASH_BODY,
	  "a9nBmqA0ju/hNViExpshrM61xv4=",
	  SIGNED_RAW,
	  BODY,
	  { { { NULL, 0 }, { NULL, 0 } } },
	  SIGNATURE_GOOD },
	{ "a body with its hash and nothing else",
	  HOST,
	  "/myapp.php?bodySHA256=" HASH_BODY,
	  "y77kIzt2vzLz71DgmJGsen2scGs=",
	  SIGNED_RAW,
	  BODY,
	  { { { NULL, 0 }, { NULL, 0 } } },
	  SIGNATURE_GOOD },
	{ "an empty object, signed with the port",
	  HOST,
	  TARGET "&bodySHA256=" HASH_EMPTY,
	  "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
	  SIGNED_RAW,
	  "{}",
	  { { { NULL, 0 }, { NULL, 0 } } },
	  SIGNATURE_GOOD },
	{ "another body than the hashed one",
	  HOST,
	  "/myapp.php?bodySHA256=" HASH_BODY,
	  "y77kIzt2vzLz71DgmJGsen2scGs=",
	  SIGNED_RAW,
	  BODY " ",
	  { { { NULL, 0 }, { NULL, 0 } } },
	  SIGNATURE_WRONG },
	{ "a raw body without a hash in the address",
	  HOST,
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_RAW,
	  BODY,
	  { STANDARD },
	  SIGNATURE_WRONG },
	{ "another value",
	  HOST,
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { P("CallSid", "CA1234567890ABCDF"), P("Caller", "+14158675309"), P("Digits", "1234"),
	    P("From", "+14158675309"), P("To", "+18005551212") },
	  SIGNATURE_WRONG },
	{ "one parameter more",
	  HOST,
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD, P("X", "") },
	  SIGNATURE_WRONG },
	{ "another path",
	  HOST,
	  "/myapp2.php?foo=1&bar=2",
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_WRONG },
	{ "another scheme",
	  "http://mycompany.com",
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_WRONG },
	{ "a signature that is cut",
	  HOST,
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_WRONG },
	{ "no header", HOST, TARGET, NULL, SIGNED_FORM, NULL, { STANDARD }, SIGNATURE_MISSING },
	{ "an empty header", HOST, TARGET, "", SIGNED_FORM, NULL, { STANDARD }, SIGNATURE_MISSING },
	{ "a public address that is none",
	  "mycompany.com",
	  TARGET,
	  "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
	  SIGNED_FORM,
	  NULL,
	  { STANDARD },
	  SIGNATURE_WRONG },
};

static struct signed_request request_of(const struct row *row)
{
	struct signed_request request = {
		.public_url = str_of(row->public_url),
		.target = str_of(row->target),
		.signature = str_of(row->signature),
		.kind = row->kind,
		.params = row->params,
		.body = str_of(row->body),
	};

	while (request.param_count < ARRAY_LEN(row->params) &&
	       row->params[request.param_count].name.at)
		request.param_count++;
	return request;
}

static void check_round_trip(void)
{
	static const struct twilio_param params[] = { P("b", "2"), P("a", "x y"),
						      P("a", "\xd7\xa9") };
	static const struct str tokens[] = { { "", 0 }, { "old", 3 }, { "new", 3 } };
	char signature[SIGNATURE_TEXT_SIZE];
	struct signed_request request = { .public_url = STR("https://[::1]:8443/calls/"),
					  .target = STR("/hook?x=1"),
					  .kind = SIGNED_FORM,
					  .params = params,
					  .param_count = ARRAY_LEN(params) };

	signature_make(STR("https://[::1]:8443/calls/hook?x=1"), params, ARRAY_LEN(params),
		       STR("new"), signature);
	request.signature = str_of(signature);
	IS_INT(signature_check(&request, tokens, 3), SIGNATURE_GOOD,
	       "the second of two tokens, an IPv6 host, a path before");
	IS_INT(signature_check(&request, tokens, 2), SIGNATURE_WRONG, "not with the first alone");
	IS_INT(signature_check(&request, tokens, 0), SIGNATURE_WRONG, "no token at all is wrong");
	signature_make(STR("https://[::1]:8443/calls/hook?x=1"), params, ARRAY_LEN(params), STR(""),
		       signature);
	IS_INT(signature_check(&request, tokens, 1), SIGNATURE_WRONG,
	       "an empty token signs nothing");
}

static void check_large(void)
{
	static char value[100000];
	struct twilio_param param = { STR("Long"), { value, sizeof(value) } };
	struct twilio_param many[5000];
	struct str token = STR("12345");
	static char names[ARRAY_LEN(many)][8];
	struct buf text;
	char signature[SIGNATURE_TEXT_SIZE];
	struct signed_request request = { .public_url = STR(HOST),
					  .target = STR("/"),
					  .kind = SIGNED_FORM,
					  .params = &param,
					  .param_count = 1 };

	memset(value, 'v', sizeof(value));
	signature_make(STR(HOST "/"), &param, 1, token, signature);
	request.signature = str_of(signature);
	IS_INT(signature_check(&request, &token, 1), SIGNATURE_GOOD,
	       "a text too long for the stack");

	/* In descending order, but for one in the middle that is there twice. */
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(names[i], sizeof(names[i]), "p%zu", 9999 - i);
		many[i] = (struct twilio_param){ str_of(names[i]), STR("v") };
	}
	many[2500] = many[2501];
	buf_init(&text, 1000000);
	buf_add_text(&text, HOST "/");
	for (size_t i = ARRAY_LEN(many); i-- > 0;)
		if (i != 2500)
			buf_addf(&text, "%sv", names[i]);
	/* The address alone is signed: as if nothing but it had been said. */
	signature_make(buf_str(&text), NULL, 0, token, signature);
	buf_release(&text);
	request.params = many;
	request.param_count = ARRAY_LEN(many);
	IS_INT(signature_check(&request, &token, 1), SIGNATURE_GOOD, "thousands of parameters");
}

int main(void)
{
	struct str token = STR("12345");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct signed_request request = request_of(&rows[i]);

		IS_INT(signature_check(&request, &token, 1), rows[i].result, "%s", rows[i].name);
	}
	check_round_trip();
	check_large();
	return tap_end();
}
