#include "tap.h"
#include "verdict/verdict.h"

#define NEVER_SAID .retry_after_ms = -1, .announced_s = -1
#define OLD        (60 * 60 * 1000)

/* Every row of the table, by what came back. */
static void judging(void)
{
	static const struct {
		const char *name;
		struct verdict_facts facts;
		enum verdict_meaning meaning;
		enum verdict_action action;
		const char *answer;
	} cases[] = {
		{ "a whole MP3",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_MP3 },
		  VERDICT_KEPT,
		  VERDICT_STORE,
		  "" },
		{ "a whole WAV, resumed",
		  { NEVER_SAID, .status = 206, .kind = AUDIO_WAV },
		  VERDICT_KEPT,
		  VERDICT_STORE,
		  "" },
		{ "nobody there",
		  { NEVER_SAID, .outcome = TRANSFER_NOT_CONNECTED },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "no address for the name",
		  { NEVER_SAID, .outcome = TRANSFER_NOT_RESOLVED },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a certificate that is not trusted",
		  { NEVER_SAID, .outcome = TRANSFER_TLS_FAILED },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a stall",
		  { NEVER_SAID, .outcome = TRANSFER_STALLED, .status = 200, .kind = AUDIO_MP3 },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a cut",
		  { NEVER_SAID, .outcome = TRANSFER_CUT, .status = 200, .kind = AUDIO_MP3 },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a private address",
		  { NEVER_SAID, .outcome = TRANSFER_REFUSED_ADDRESS },
		  VERDICT_BLOCKED,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a redirect that must not be followed",
		  { NEVER_SAID, .outcome = TRANSFER_REFUSED_REDIRECT, .status = 302 },
		  VERDICT_BLOCKED,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "401",
		  { NEVER_SAID, .status = 401 },
		  VERDICT_REFUSED,
		  VERDICT_WAIT_ACCOUNT,
		  "upstream_refused" },
		{ "401 from where a redirect led",
		  { NEVER_SAID, .status = 401, .is_redirected = true },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "bad credentials, says who a redirect led to",
		  { NEVER_SAID, .status = 400, .error_code = 20003, .is_redirected = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "403",
		  { NEVER_SAID, .status = 403 },
		  VERDICT_FORBIDDEN,
		  VERDICT_WAIT,
		  "upstream_refused" },
		{ "403 from where a redirect led",
		  { NEVER_SAID, .status = 403, .is_redirected = true },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "404 soon after `completed`",
		  { NEVER_SAID, .status = 404, .since_completed_ms = 5000 },
		  VERDICT_NOT_READY,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "404 just before `completed`: the clock was set back a little",
		  { NEVER_SAID, .status = 404, .since_completed_ms = -5000 },
		  VERDICT_NOT_READY,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "404 long before `completed`: that was told by a clock that was ahead",
		  { NEVER_SAID, .status = 404, .since_completed_ms = -OLD },
		  VERDICT_NOT_FOUND,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "404 long after `completed`",
		  { NEVER_SAID, .status = 404, .since_completed_ms = OLD },
		  VERDICT_NOT_FOUND,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "404, and the metadata says completed",
		  { NEVER_SAID, .status = 404, .since_completed_ms = OLD, .was_asked = true,
		    .was_completed = true },
		  VERDICT_NOT_FOUND,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "404, and the metadata says nothing",
		  { NEVER_SAID, .status = 404, .since_completed_ms = OLD, .was_asked = true },
		  VERDICT_NOT_FOUND,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "404 with the code for silence",
		  { NEVER_SAID, .status = 404, .error_code = 16102 },
		  VERDICT_ABSENT,
		  VERDICT_END_ABSENT,
		  "recording_absent" },
		{ "410",
		  { NEVER_SAID, .status = 410 },
		  VERDICT_GONE,
		  VERDICT_END_GONE,
		  "recording_deleted" },
		{ "429",
		  { NEVER_SAID, .status = 429 },
		  VERDICT_LIMITED,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "500",
		  { NEVER_SAID, .status = 500 },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "503",
		  { NEVER_SAID, .status = 503 },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "400 when two channels were asked for",
		  { NEVER_SAID, .status = 400, .channels_asked = 2 },
		  VERDICT_NO_DUAL,
		  VERDICT_AT_ONCE,
		  "upstream_unavailable" },
		{ "400 when one was",
		  { NEVER_SAID, .status = 400, .channels_asked = 1 },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "an XML error with status 200",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_NOT, .is_error_body = true,
		    .error_code = 20500 },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "an error with status 200 that says too many requests",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_NOT, .is_error_body = true,
		    .error_code = 20429 },
		  VERDICT_LIMITED,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a page of HTML",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_NOT },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "audio that ends within a frame",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_MP3, .is_cut = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "other bytes than before",
		  { NEVER_SAID, .status = 200, .is_other_bytes = true,
		    .outcome = TRANSFER_STOPPED },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a coding nobody asked for",
		  { NEVER_SAID, .status = 200, .is_encoded = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "half as long as announced",
		  { .retry_after_ms = -1,
		    .status = 200,
		    .kind = AUDIO_MP3,
		    .duration_ms = 30000,
		    .announced_s = 60 },
		  VERDICT_KEPT_OFF,
		  VERDICT_STORE,
		  "" },
		{ "it was deleted here, whatever else came",
		  { NEVER_SAID, .status = 429, .is_deleted = true, .is_disk_full = true },
		  VERDICT_OURS,
		  VERDICT_END_GONE,
		  "recording_deleted" },
		{ "no descriptor is left to us",
		  { NEVER_SAID, .outcome = TRANSFER_FAILED, .is_scarce = true },
		  VERDICT_OURS,
		  VERDICT_WAIT,
		  "internal" },
		{ "what came cannot be synced, for lack of room or not",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_MP3, .is_unsynced = true,
		    .is_disk_full = true },
		  VERDICT_OURS,
		  VERDICT_WAIT,
		  "internal" },
		{ "our disk is full",
		  { NEVER_SAID, .status = 200, .outcome = TRANSFER_STOPPED, .is_disk_full = true },
		  VERDICT_OURS,
		  VERDICT_WAIT,
		  "internal" },
		{ "our disk fails",
		  { NEVER_SAID, .status = 200, .outcome = TRANSFER_STOPPED,
		    .is_disk_failed = true },
		  VERDICT_OURS,
		  VERDICT_WAIT,
		  "internal" },
		{ "whole, and to be opened",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_CLOSED },
		  VERDICT_LOCKED,
		  VERDICT_OPEN,
		  "upstream_unavailable" },
		{ "to be opened, and cut",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_CLOSED, .outcome = TRANSFER_CUT },
		  VERDICT_DOWN,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "an error page where something encrypted was to come",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_CLOSED, .is_error_body = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "details that cannot be read",
		  { NEVER_SAID, .cipher = CIPHER_UNREADABLE },
		  VERDICT_LYING,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "the same, and the metadata says nothing else",
		  { NEVER_SAID, .cipher = CIPHER_UNREADABLE, .was_asked = true },
		  VERDICT_LOCKED,
		  VERDICT_END_DEAD,
		  "upstream_unavailable" },
		{ "no private key",
		  { NEVER_SAID, .cipher = CIPHER_NO_KEY },
		  VERDICT_LOCKED,
		  VERDICT_END_DEAD,
		  "key_missing" },
		{ "a wrong private key",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_WRONG_KEY },
		  VERDICT_LYING,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "the same, and the metadata says nothing else",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_WRONG_KEY, .was_asked = true },
		  VERDICT_LOCKED,
		  VERDICT_END_DEAD,
		  "key_missing" },
		{ "a tag that does not fit",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_FORGED },
		  VERDICT_LYING,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "the same, and the metadata says nothing else",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_FORGED, .was_asked = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "the same, and the metadata says otherwise",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_FORGED, .was_asked = true,
		    .has_new_details = true },
		  VERDICT_LOCKED,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "two channels of an MP3 that is encrypted",
		  { NEVER_SAID, .status = 400, .channels_asked = 2, .error_code = 16109 },
		  VERDICT_LYING,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "the same, and the metadata does not say how",
		  { NEVER_SAID, .status = 400, .channels_asked = 2, .error_code = 16109,
		    .was_asked = true },
		  VERDICT_LYING,
		  VERDICT_WAIT,
		  "upstream_unavailable" },
		{ "a WAV that is none",
		  { NEVER_SAID, .status = 200, .kind = AUDIO_NOT, .may_be_encrypted = true },
		  VERDICT_LYING,
		  VERDICT_ASK,
		  "upstream_unavailable" },
		{ "opened, on a disk that is full",
		  { NEVER_SAID, .status = 200, .cipher = CIPHER_CLOSED, .is_disk_full = true },
		  VERDICT_OURS,
		  VERDICT_WAIT,
		  "internal" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict verdict;

		verdict_judge(&cases[i].facts, &verdict);
		IS_INT(verdict.meaning, cases[i].meaning, "%s: what it means", cases[i].name);
		IS_INT(verdict.action, cases[i].action, "%s: what then", cases[i].name);
		IS_STR(str_of(verdict_answer(verdict.reason_code)), str_of(cases[i].answer),
		       "%s: the code", cases[i].name);
		OK(verdict.text[0] != '\0', "%s: words for a person", cases[i].name);
		IS_STR(str_of(verdict_row_outcome(verdict.row)), str_of(verdict.outcome),
		       "%s: counted by its row", cases[i].name);
	}
}

static void details(void)
{
	struct verdict_facts limited = { NEVER_SAID, .status = 429 };
	struct verdict_facts cut = { NEVER_SAID, .status = 200, .outcome = TRANSFER_CUT,
				     .kind = AUDIO_MP3 };
	struct verdict_facts lying = { NEVER_SAID, .status = 200, .kind = AUDIO_NOT };
	struct verdict_facts refused = { NEVER_SAID, .status = 401 };
	struct verdict_facts scarce = { NEVER_SAID, .outcome = TRANSFER_FAILED };
	struct verdict verdict;

	verdict_judge(&limited, &verdict);
	OK(!verdict.is_counted, "a 429 counts as no attempt");
	verdict_judge(&cut, &verdict);
	OK(verdict.may_resume && verdict.is_counted && !verdict.is_pointless,
	   "after a cut the rest is asked for");
	verdict_judge(&lying, &verdict);
	OK(!verdict.may_resume, "what is not audio is not gone on with");
	verdict_judge(&refused, &verdict);
	OK(verdict.is_pointless && !verdict.is_counted,
	   "refused credentials: no use waiting, no attempt counted");
	verdict_blame_store(&scarce, &(struct err){ ERR_SCARCE, "cannot create a file" });
	verdict_judge(&scarce, &verdict);
	OK(!verdict.is_counted && verdict.may_resume && !verdict.is_pointless,
	   "too few descriptors: no attempt counted, what arrived is kept, and players may wait");
	IS_INT(verdict.wait_ms, 1000, "and asked again soon");
	OK(strstr(verdict.text, "(cannot create a file)"), "with what could not be done");
	verdict_judge(&(struct verdict_facts){ NEVER_SAID, .is_unsynced = true,
					       .is_disk_full = true },
		      &verdict);
	OK(!verdict.may_resume && verdict.is_counted,
	   "what could not be synced is not gone on with");
	snprintf(cut.detail, sizeof(cut.detail), "%0150d", 7);
	verdict_judge(&cut, &verdict);
	OK(strlen(verdict.text) < sizeof(verdict.text) && strchr(verdict.text, '('),
	   "a long detail is cut to fit");
}

/* Retry-After makes a wait longer, never shorter, and at most an hour. */
static void asked_to_wait(void)
{
	static const struct {
		const char *name;
		int status;
		int64_t retry_after_ms, wait_ms, at_least_ms;
	} cases[] = {
		{ "none", 429, -1, -1, 0 },
		{ "0, or a date that has passed", 429, 0, -1, 0 },
		{ "7 s", 429, 7000, -1, 7000 },
		{ "7 s of a server error", 503, 7000, -1, 7000 },
		{ "an hour", 429, 3600000, -1, 3600000 },
		{ "a week", 429, 7 * 24 * 3600000, -1, 3600000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_facts facts = { .status = cases[i].status,
					       .retry_after_ms = cases[i].retry_after_ms,
					       .announced_s = -1 };
		struct verdict verdict;

		verdict_judge(&facts, &verdict);
		IS_INT(verdict.wait_ms, cases[i].wait_ms, "Retry-After, %s: backs off all the same",
		       cases[i].name);
		IS_INT(verdict.at_least_ms, cases[i].at_least_ms,
		       "Retry-After, %s: at least so long", cases[i].name);
	}
}

static void durations(void)
{
	OK(!verdict_duration_is_off(61900, 60), "1.9 s more is not off");
	OK(verdict_duration_is_off(62100, 60), "2.1 s and 3.5 %% more is off");
	OK(!verdict_duration_is_off(3600000 + 60000, 3600), "a minute in an hour is under 2 %%");
	OK(verdict_duration_is_off(0, 60), "nothing of a minute is off");
	OK(!verdict_duration_is_off(12345, -1), "nothing was announced");
}

static void signs(void)
{
	static const struct {
		enum verdict_meaning meaning;
		enum upstream_sign sign;
		const char *name;
	} rows[] = {
		{ VERDICT_KEPT, UPSTREAM_GAVE_MEDIA, "what is kept" },
		{ VERDICT_KEPT_OFF, UPSTREAM_GAVE_MEDIA, "what is kept, though not as long" },
		{ VERDICT_DOWN, UPSTREAM_IS_DOWN, "no answer" },
		{ VERDICT_NOT_FOUND, UPSTREAM_ANSWERS, "404" },
		{ VERDICT_REFUSED, UPSTREAM_ANSWERS, "401" },
		{ VERDICT_LIMITED, UPSTREAM_ANSWERS, "429" },
		{ VERDICT_OURS, UPSTREAM_SAYS_NOTHING, "our disk" },
		{ VERDICT_LOCKED, UPSTREAM_SAYS_NOTHING, "what we cannot open" },
		{ VERDICT_BLOCKED, UPSTREAM_SAYS_NOTHING, "an address that is not asked" },
		{ VERDICT_LYING, UPSTREAM_SAYS_NOTHING, "a page of somebody's" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_INT(verdict_sign(rows[i].meaning), rows[i].sign, "what %s says of Twilio",
		       rows[i].name);
}

int main(void)
{
	judging();
	details();
	asked_to_wait();
	durations();
	signs();
	return tap_end();
}
