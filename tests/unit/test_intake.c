#include "ledger/intake.h"

#include "running_ledger.h"
#include "twilio_params.h"

static int told, told_well;

static void committed(struct intake_waiter *waiter, bool succeeded)
{
	told++;
	told_well += succeeded;
}

static bool is_told(void)
{
	return told > 0;
}

static char sid_bytes[] = "CA00000000000000000000000000000001";
static char raw_bytes[] = "CallSid=CA1&Unknown=field";
static char token_bytes[] = "token-1";

static bool post(enum intake_kind kind, const struct twilio_param *params, size_t count,
		 struct intake_waiter *waiter)
{
	struct intake_callback callback = {
		.kind = kind,
		.params = params,
		.param_count = count,
		.raw = str_of(raw_bytes),
		.idempotency = str_of(token_bytes),
	};

	told = told_well = 0;
	*waiter = (struct intake_waiter){ .committed = committed };
	return intake_post(ledger, mailbox, &callback, waiter, &err);
}

/* Whoever posts may forget all of it at once: the writer takes it later. */
static void test_call(void)
{
	const struct twilio_param params[] = {
		P("AccountSid", "AC00000000000000000000000000000001"),
		{ STR("CallSid"), str_of(sid_bytes) },
		P("CallStatus", "completed"),
		P("From", "+15550001111"),
		P("CallDuration", "61"),
	};
	struct intake_waiter waiter;

	gate_shut();
	OK(post(INTAKE_CALL_STATUS, params, ARRAY_LEN(params), &waiter), "a call's callback");
	memset(sid_bytes, 'x', sizeof(sid_bytes) - 1);
	memset(raw_bytes, 'x', sizeof(raw_bytes) - 1);
	memset(token_bytes, 'x', sizeof(token_bytes) - 1);
	IS_INT(told, 0, "before the commit nobody is told");
	gate_open();
	OK(until(is_told) && told == 1 && told_well == 1, "after it, once");
	OK(!waiter.intake, "and there is nothing to leave any more");
	intake_leave(&waiter);
	IS_STR(sql_text("SELECT call_sid FROM events"), STR("CA00000000000000000000000000000001"),
	       "the event has what was posted");
	IS_STR(sql_text("SELECT raw FROM events"), STR("CallSid=CA1&Unknown=field"),
	       "as it came, too");
	IS_STR(sql_text("SELECT idempotency FROM events"), STR("token-1"), "and its token");
	IS_STR(sql_text("SELECT kind || ' ' || status || ' ' || from_address || ' ' || duration_s "
			"FROM events"),
	       STR("2 completed +15550001111 61"), "each field in its column");
	IS_STR(sql_text("SELECT COUNT(*) FROM events WHERE to_address IS NULL "
			"AND recording_sid IS NULL AND sequence_number IS NULL"),
	       STR("1"), "what was not told is absent");
}

static const struct twilio_param recording[] = {
	P("AccountSid", "AC00000000000000000000000000000001"),
	P("CallSid", "CA00000000000000000000000000000002"),
	P("RecordingSid", "RE00000000000000000000000000000002"),
	P("RecordingStatus", "completed"),
	P("RecordingUrl", "https://api.twilio.com/x"),
	P("RecordingDuration", "7"),
	P("RecordingChannels", "2"),
	P("RecordingSource", "DialVerb"),
	P("RecordingTrack", "both"),
};

static void test_recording(void)
{
	struct intake_waiter waiter;

	OK(post(INTAKE_RECORDING_STATUS, recording, ARRAY_LEN(recording), &waiter),
	   "a recording's callback");
	OK(until(is_told) && told_well == 1, "is committed");
	IS_STR(sql_text("SELECT kind || ' ' || call_sid || ' ' || recording_sid || ' ' || status "
			"|| ' ' || recording_url || ' ' || duration_s || ' ' || channels || ' ' "
			"|| source || ' ' || track FROM events ORDER BY seq DESC"),
	       STR("1 CA00000000000000000000000000000002 RE00000000000000000000000000000002 "
		   "completed https://api.twilio.com/x 7 2 DialVerb both"),
	       "each field in its column");
}

static void test_refused(void)
{
	const struct twilio_param params[] = { P("AccountSid",
						 "AC00000000000000000000000000000001") };
	struct intake_waiter waiter;

	OK(!post(INTAKE_RECORDING_STATUS, params, 1, &waiter) && err.kind == ERR_INVALID,
	   "what is no callback is refused: %s", err.text);
	OK(!post(INTAKE_CALL_STATUS, recording, ARRAY_LEN(recording), &waiter) &&
		   err.kind == ERR_INVALID,
	   "and so is one of the other kind: %s", err.text);
	gate_shut();
	gate_open();
	OK(until(gate_is_done) && told == 0, "nobody is told of it");
	IS_STR(sql_text("SELECT COUNT(*) FROM events"), STR("2"), "and nothing is kept");
}

static void test_left(void)
{
	struct intake_waiter waiter, behind;

	gate_shut();
	OK(post(INTAKE_RECORDING_STATUS, recording, ARRAY_LEN(recording), &waiter), "another");
	intake_leave(&waiter);
	intake_leave(&waiter);
	gate_open();
	OK(post(INTAKE_RECORDING_STATUS, recording, ARRAY_LEN(recording), &behind),
	   "and one behind it");
	OK(until(is_told) && told == 1, "who left is not told");
	IS_STR(sql_text("SELECT COUNT(*) FROM events"), STR("4"), "the event is kept all the same");
}

static void test_not_committed(void)
{
	struct intake_waiter waiter;

	sql("CREATE TRIGGER refuse BEFORE INSERT ON events "
	    "BEGIN SELECT RAISE(ABORT, 'not now'); END");
	OK(post(INTAKE_RECORDING_STATUS, recording, ARRAY_LEN(recording), &waiter),
	   "one that the ledger refuses");
	OK(until(is_told) && told == 1 && told_well == 0, "its sender is told so");
	sql("DROP TRIGGER refuse");
}

int main(void)
{
	running_open();
	MUST(ledger_start(ledger, &err));
	test_call();
	test_recording();
	test_refused();
	test_left();
	test_not_committed();
	ledger_stop(ledger);
	running_remove();
	return tap_end();
}
