/*
 * Read from top to bottom: the first row that fits is the answer.  What our own
 * side did comes first (it explains what looks like the upstream's fault), then what
 * the status says, then how the transfer ended, last what the bytes are.
 */
#include "verdict/verdict.h"

#include "twilio/rest.h"

#include <stdio.h>
#include <stdlib.h>

#define NOT_READY_MS   (10 * 60 * 1000) /* after `completed` a 404 means "not yet" so long */
#define NOT_READY_WAIT 3000             /* usually ready within seconds */
#define SCARCE_WAIT    1000             /* for players to leave */

/* A row: does it fit?  Then what it means. */
struct row {
	bool (*fits)(const struct verdict_facts *facts);
	enum verdict_meaning meaning;
	enum verdict_action action;
	const char *outcome, *answer, *text;
	bool is_counted, is_pointless, may_resume;
	int64_t wait_ms;
};

static bool is_deleted(const struct verdict_facts *f)
{
	return f->is_deleted;
}

static bool is_scarce(const struct verdict_facts *f)
{
	return f->is_scarce;
}

static bool disk_is_full(const struct verdict_facts *f)
{
	return f->is_disk_full;
}

static bool disk_failed(const struct verdict_facts *f)
{
	return f->is_disk_failed;
}

static bool is_unsynced(const struct verdict_facts *f)
{
	return f->is_unsynced;
}

static bool has_new_details(const struct verdict_facts *f)
{
	return f->has_new_details;
}

static bool mp3_is_refused(const struct verdict_facts *f)
{
	return f->error_code == REST_CODE_MP3_ENCRYPTED;
}

/* What we know of its encryption may be wrong, or too little: Twilio's metadata may say it better. */
static bool cipher_is_unclear(const struct verdict_facts *f)
{
	return !f->was_asked &&
	       (f->cipher == CIPHER_UNREADABLE || f->cipher == CIPHER_WRONG_KEY ||
		f->cipher == CIPHER_FORGED || f->may_be_encrypted || mp3_is_refused(f));
}

static bool cipher_is_unreadable(const struct verdict_facts *f)
{
	return f->cipher == CIPHER_UNREADABLE;
}

static bool has_no_key(const struct verdict_facts *f)
{
	return f->cipher == CIPHER_NO_KEY;
}

static bool has_wrong_key(const struct verdict_facts *f)
{
	return f->cipher == CIPHER_WRONG_KEY;
}

static bool is_forged(const struct verdict_facts *f)
{
	return f->cipher == CIPHER_FORGED;
}

static bool is_closed(const struct verdict_facts *f)
{
	return f->cipher == CIPHER_CLOSED;
}

static bool is_blocked(const struct verdict_facts *f)
{
	return f->outcome == TRANSFER_REFUSED_ADDRESS || f->outcome == TRANSFER_REFUSED_REDIRECT ||
	       f->outcome == TRANSFER_TOO_MANY_REDIRECTS;
}

static bool is_absent_code(const struct verdict_facts *f)
{
	return f->error_code == REST_CODE_TOO_SHORT || f->error_code == REST_CODE_SILENT;
}

static bool is_undecipherable(const struct verdict_facts *f)
{
	return f->error_code == REST_CODE_NO_KEY;
}

static bool is_limited(const struct verdict_facts *f)
{
	return f->status == 429 || f->error_code == REST_CODE_TOO_MANY;
}

static bool is_refused(const struct verdict_facts *f)
{
	return !f->is_redirected &&
	       (f->status == 401 || f->error_code == REST_CODE_BAD_CREDENTIALS);
}

static bool is_forbidden(const struct verdict_facts *f)
{
	return !f->is_redirected && f->status == 403;
}

/* What the credentials were not sent to has not refused them. */
static bool is_refused_elsewhere(const struct verdict_facts *f)
{
	return f->is_redirected && (f->status == 401 || f->status == 403);
}

static bool has_no_dual(const struct verdict_facts *f)
{
	return f->status == 400 && f->channels_asked == 2;
}

static bool is_not_ready(const struct verdict_facts *f)
{
	/* A clock that was ahead when it was told says nothing of what is ready now. */
	return f->status == 404 && f->since_completed_ms < NOT_READY_MS &&
	       f->since_completed_ms > -NOT_READY_MS;
}

static bool is_not_found(const struct verdict_facts *f)
{
	return f->status == 404 && !f->was_asked;
}

static bool is_elsewhere(const struct verdict_facts *f)
{
	return f->status == 404 && f->was_completed;
}

static bool is_unexplained(const struct verdict_facts *f)
{
	return f->status == 404;
}

static bool is_gone(const struct verdict_facts *f)
{
	return f->status == VERDICT_GONE_STATUS;
}

static bool is_server_error(const struct verdict_facts *f)
{
	return f->status >= 500;
}

static bool is_other_status(const struct verdict_facts *f)
{
	return f->status != 0 && f->status != 200 && f->status != 206;
}

static bool sent_other_bytes(const struct verdict_facts *f)
{
	return f->is_other_bytes;
}

static bool sent_encoded(const struct verdict_facts *f)
{
	return f->is_encoded;
}

static bool sent_error_page(const struct verdict_facts *f)
{
	return (f->kind == AUDIO_NOT || f->cipher == CIPHER_CLOSED) && f->is_error_body;
}

/* However the transfer ended: bytes that are known not to be audio are no reason to resume. */
static bool sent_no_audio(const struct verdict_facts *f)
{
	return f->kind == AUDIO_NOT;
}

static bool was_slow(const struct verdict_facts *f)
{
	return f->outcome == TRANSFER_STALLED || f->outcome == TRANSFER_TIME_LIMIT ||
	       f->outcome == TRANSFER_CONNECT_TIMEOUT;
}

static bool was_cut(const struct verdict_facts *f)
{
	return f->outcome == TRANSFER_CUT;
}

static bool did_not_end_well(const struct verdict_facts *f)
{
	return f->outcome != TRANSFER_OK;
}

static bool is_cut_audio(const struct verdict_facts *f)
{
	return f->is_cut;
}

static bool is_off(const struct verdict_facts *f)
{
	return verdict_duration_is_off(f->duration_ms, f->announced_s);
}

static bool is_anything(const struct verdict_facts *f)
{
	return true;
}

#define COUNTED   .is_counted = true
#define POINTLESS .is_pointless = true
#define RESUMES   .may_resume = true
#define BACK_OFF  .wait_ms = -1

static const struct row rows[] = {
	{ is_deleted, VERDICT_OURS, VERDICT_END_GONE, "deleted", "recording_deleted",
	  "The recording was deleted.", POINTLESS },
	{ is_unsynced, VERDICT_OURS, VERDICT_WAIT, "disk_failed", "internal",
	  "Our disk could not keep what came; fetching begins anew.", COUNTED, BACK_OFF },
	{ is_scarce, VERDICT_OURS, VERDICT_WAIT, "no_descriptor", "internal",
	  "Too many files are open here; it is tried again in a moment.", RESUMES,
	  .wait_ms = SCARCE_WAIT },
	{ disk_is_full, VERDICT_OURS, VERDICT_WAIT, "disk_full", "internal",
	  "Our disk is full; fetching goes on when there is room.", POINTLESS, RESUMES,
	  .wait_ms = 30000 },
	{ disk_failed, VERDICT_OURS, VERDICT_WAIT, "disk_failed", "internal",
	  "Our disk could not be written.", COUNTED, POINTLESS, BACK_OFF },
	{ has_new_details, VERDICT_LOCKED, VERDICT_WAIT, "details_learned", "upstream_unavailable",
	  "Twilio tells otherwise now how it is encrypted; fetching begins anew.", COUNTED,
	  BACK_OFF },
	{ cipher_is_unclear, VERDICT_LYING, VERDICT_ASK, "encryption_unclear",
	  "upstream_unavailable", "It is not clear how it is encrypted.", COUNTED, BACK_OFF },
	{ cipher_is_unreadable, VERDICT_LOCKED, VERDICT_END_DEAD, "encryption_unreadable",
	  "upstream_unavailable", "What Twilio tells of its encryption cannot be read.", COUNTED,
	  POINTLESS },
	{ has_no_key, VERDICT_LOCKED, VERDICT_END_DEAD, "key_missing", "key_missing",
	  "It is encrypted, and the private key for it is not here.", COUNTED, POINTLESS },
	{ has_wrong_key, VERDICT_LOCKED, VERDICT_END_DEAD, "key_wrong", "key_missing",
	  "It is encrypted, and the private key that is here does not open it.", COUNTED,
	  POINTLESS },
	{ is_forged, VERDICT_LYING, VERDICT_WAIT, "forged", "upstream_unavailable",
	  "What came is not what Twilio encrypted; fetching begins anew.", COUNTED, BACK_OFF },
	{ mp3_is_refused, VERDICT_LYING, VERDICT_WAIT, "encryption_untold", "upstream_unavailable",
	  "Twilio says that it is encrypted, and not how.", COUNTED, BACK_OFF },
	{ is_blocked, VERDICT_BLOCKED, VERDICT_WAIT, "blocked_address", "upstream_unavailable",
	  "The address of the recording leads to a host that we do not fetch from.", COUNTED,
	  POINTLESS, BACK_OFF },
	{ is_absent_code, VERDICT_ABSENT, VERDICT_END_ABSENT, "absent", "recording_absent",
	  "Twilio kept no media: the recording was too short or silent.", COUNTED, POINTLESS },
	{ is_undecipherable, VERDICT_ABSENT, VERDICT_END_ABSENT, "absent", "recording_absent",
	  "Twilio kept no media: it had no valid key to encrypt it with.", COUNTED, POINTLESS },
	{ is_limited, VERDICT_LIMITED, VERDICT_WAIT, "limited", "upstream_unavailable",
	  "Twilio limits how much we may ask at once.", RESUMES, BACK_OFF },
	{ is_refused_elsewhere, VERDICT_DOWN, VERDICT_WAIT, "refused_elsewhere",
	  "upstream_unavailable",
	  "The host that Twilio names for the recording refused to send it.", COUNTED, RESUMES,
	  BACK_OFF },
	{ is_forbidden, VERDICT_FORBIDDEN, VERDICT_WAIT, "forbidden", "upstream_refused",
	  "Twilio refuses us this recording.", COUNTED, POINTLESS, BACK_OFF },
	{ is_refused, VERDICT_REFUSED, VERDICT_WAIT_ACCOUNT, "refused", "upstream_refused",
	  "Twilio refuses our credentials.", POINTLESS, .wait_ms = VERDICT_ACCOUNT_WAIT_MS },
	{ has_no_dual, VERDICT_NO_DUAL, VERDICT_AT_ONCE, "no_dual", "upstream_unavailable",
	  "Twilio has no two channels of this recording; asking for one.", .wait_ms = 0 },
	{ is_not_ready, VERDICT_NOT_READY, VERDICT_WAIT, "not_ready", "upstream_unavailable",
	  "Twilio says that it is completed but has no media yet.", COUNTED,
	  .wait_ms = NOT_READY_WAIT },
	{ is_not_found, VERDICT_NOT_FOUND, VERDICT_ASK, "not_found", "upstream_unavailable",
	  "Twilio does not find the media.", COUNTED, BACK_OFF },
	{ is_elsewhere, VERDICT_NOT_FOUND, VERDICT_WAIT, "not_found", "upstream_unavailable",
	  "Twilio says that the recording is completed, and does not find its media: it may be kept in a storage "
	  "of your own.",
	  COUNTED, POINTLESS, BACK_OFF },
	{ is_unexplained, VERDICT_NOT_FOUND, VERDICT_WAIT, "not_found", "upstream_unavailable",
	  "Twilio does not find the media and does not say why.", COUNTED, BACK_OFF },
	{ is_gone, VERDICT_GONE, VERDICT_END_GONE, "gone", "recording_deleted",
	  "It was deleted at Twilio.", COUNTED, POINTLESS },
	{ is_server_error, VERDICT_DOWN, VERDICT_WAIT, "server_error", "upstream_unavailable",
	  "Twilio answered with an error of its own.", COUNTED, RESUMES, BACK_OFF },
	{ is_other_status, VERDICT_LYING, VERDICT_WAIT, "unexpected_status", "upstream_unavailable",
	  "Twilio answered with a status that does not fit a recording.", COUNTED, BACK_OFF },
	{ sent_other_bytes, VERDICT_LYING, VERDICT_WAIT, "other_bytes", "upstream_unavailable",
	  "Asked once more, Twilio sent other bytes than before; fetching begins anew.", COUNTED,
	  BACK_OFF },
	{ sent_encoded, VERDICT_LYING, VERDICT_WAIT, "encoded", "upstream_unavailable",
	  "The answer came in a content coding that was not asked for.", COUNTED, BACK_OFF },
	{ sent_error_page, VERDICT_LYING, VERDICT_WAIT, "error_page", "upstream_unavailable",
	  "Instead of audio came an error page.", COUNTED, BACK_OFF },
	{ sent_no_audio, VERDICT_LYING, VERDICT_WAIT, "not_audio", "upstream_unavailable",
	  "What came is not audio.", COUNTED, BACK_OFF },
	{ was_slow, VERDICT_DOWN, VERDICT_WAIT, "timeout", "upstream_unavailable",
	  "Twilio did not answer in time.", COUNTED, RESUMES, BACK_OFF },
	{ was_cut, VERDICT_DOWN, VERDICT_WAIT, "cut", "upstream_unavailable",
	  "The connection broke before the end.", COUNTED, RESUMES, BACK_OFF },
	{ did_not_end_well, VERDICT_DOWN, VERDICT_WAIT, "unreachable", "upstream_unavailable",
	  "Twilio could not be reached.", COUNTED, RESUMES, BACK_OFF },
	{ is_closed, VERDICT_LOCKED, VERDICT_OPEN, "closed", "upstream_unavailable",
	  "It is encrypted, and not opened yet.", COUNTED, BACK_OFF },
	{ is_cut_audio, VERDICT_LYING, VERDICT_WAIT, "cut_audio", "upstream_unavailable",
	  "The audio ends in the middle of a frame.", COUNTED, BACK_OFF },
	{ is_off, VERDICT_KEPT_OFF, VERDICT_STORE, "stored", "",
	  "Stored, although it is not as long as Twilio said.", COUNTED },
	{ is_anything, VERDICT_KEPT, VERDICT_STORE, "stored", "", "Stored.", COUNTED },
};

_Static_assert(ARRAY_LEN(rows) == VERDICT_ROWS, "each row has its counter");

const char *verdict_row_outcome(unsigned row)
{
	return rows[row].outcome;
}

const char *verdict_answer(const char *reason_code)
{
	for (unsigned row = 0; row < VERDICT_ROWS; row++)
		if (strcmp(rows[row].outcome, reason_code) == 0)
			return rows[row].answer;
	return reason_code;
}

void verdict_blame_store(struct verdict_facts *facts, const struct err *err)
{
	facts->is_disk_full = err->kind == ERR_UNAVAILABLE;
	facts->is_scarce = err->kind == ERR_SCARCE;
	facts->is_disk_failed = !facts->is_disk_full && !facts->is_scarce;
	str_fit(str_of(err->text), facts->detail, sizeof(facts->detail));
}

void verdict_hear(struct verdict_facts *facts, const struct sniff *sniff, bool is_whole)
{
	struct sniff ended = *sniff; /* a copy: a resumed file is fed further */

	if (is_whole)
		sniff_end(&ended);
	facts->kind = ended.kind;
	facts->kind_reason = ended.kind == AUDIO_NOT ? sniff_reason(&ended) : NULL;
	facts->is_cut = ended.is_cut;
	facts->duration_ms = (int64_t)sniff_duration_ms(&ended);
	if (facts->kind_reason && facts->detail[0] == '\0')
		snprintf(facts->detail, sizeof(facts->detail), "it is %s", facts->kind_reason);
}

void verdict_judge(const struct verdict_facts *facts, struct verdict *out)
{
	const struct row *row = rows;

	while (!row->fits(facts))
		row++;
	*out = (struct verdict){
		.row = (unsigned)(row - rows),
		.meaning = row->meaning,
		.action = row->action,
		.outcome = row->outcome,
		.reason_code = row->action == VERDICT_STORE ? "" : row->outcome,
		.is_counted = row->is_counted,
		.is_pointless = row->is_pointless,
		.may_resume = row->may_resume,
		.wait_ms = row->wait_ms,
	};
	if (facts->retry_after_ms > 0 && out->action == VERDICT_WAIT)
		out->at_least_ms = facts->retry_after_ms < VERDICT_RETRY_AFTER_MOST_MS
					   ? facts->retry_after_ms
					   : VERDICT_RETRY_AFTER_MOST_MS;
	if (row->action == VERDICT_STORE || facts->detail[0] == '\0')
		snprintf(out->text, sizeof(out->text), "%s", row->text);
	else
		snprintf(out->text, sizeof(out->text), "%s (%.*s)", row->text,
			 (int)(sizeof(out->text) - strlen(row->text) - 4), facts->detail);
}

enum upstream_sign verdict_sign(enum verdict_meaning meaning)
{
	if (meaning == VERDICT_DOWN)
		return UPSTREAM_IS_DOWN;
	if (meaning == VERDICT_OURS || meaning == VERDICT_BLOCKED || meaning == VERDICT_LYING ||
	    meaning == VERDICT_LOCKED)
		return UPSTREAM_SAYS_NOTHING;
	return meaning == VERDICT_KEPT || meaning == VERDICT_KEPT_OFF ? UPSTREAM_GAVE_MEDIA
								      : UPSTREAM_ANSWERS;
}

bool verdict_duration_is_off(int64_t duration_ms, int64_t announced_s)
{
	int64_t off_ms = llabs(duration_ms - announced_s * 1000);

	return announced_s >= 0 && off_ms > 2000 && off_ms * 50 > announced_s * 1000;
}
