#include "api/web_counts.h"

#include "api/web_error.h"
#include "http/exchange.h"
#include "tap.h"

#include <string.h>

static void check_results(void)
{
	static const struct {
		const char *name;
		int status;
		uint8_t outcome;
		enum play_result result;
	} rows[] = {
		{ "all of it", 200, 0, PLAY_RESULT_PLAYED },
		{ "a range", 206, 0, PLAY_RESULT_PLAYED },
		{ "what the player has already", 304, 0, PLAY_RESULT_NOT_MODIFIED },
		{ "begun, and closed short", 206, WEB_OUTCOME_CUT, PLAY_RESULT_CUT },
		{ "a range beyond the end", 416, WEB_OUTCOME_ERROR(WEB_RANGE_NOT_SATISFIABLE),
		  PLAY_RESULT_NOT_SATISFIABLE },
		{ "a condition that fails", 412, WEB_OUTCOME_ERROR(WEB_PRECONDITION_FAILED),
		  PLAY_RESULT_NOT_SATISFIABLE },
		{ "no SID", 400, WEB_OUTCOME_ERROR(WEB_BAD_REQUEST), PLAY_RESULT_BAD_REQUEST },
		{ "a head that is too large, as http says", 431, 0, PLAY_RESULT_BAD_REQUEST },
		{ "nobody", 401, WEB_OUTCOME_ERROR(WEB_UNAUTHENTICATED), PLAY_RESULT_REFUSED },
		{ "without the right", 403, WEB_OUTCOME_ERROR(WEB_FORBIDDEN), PLAY_RESULT_REFUSED },
		{ "too many", 429, WEB_OUTCOME_ERROR(WEB_RATE_LIMITED), PLAY_RESULT_REFUSED },
		{ "not known", 404, WEB_OUTCOME_ERROR(WEB_CALL_NOT_FOUND), PLAY_RESULT_MISSING },
		{ "expired", 410, WEB_OUTCOME_ERROR(WEB_RECORDING_EXPIRED), PLAY_RESULT_GONE },
		{ "our credentials", 500, WEB_OUTCOME_ERROR(WEB_UPSTREAM_REFUSED),
		  PLAY_RESULT_UPSTREAM_REFUSED },
		{ "Twilio is down", 503, WEB_OUTCOME_ERROR(WEB_UPSTREAM_UNAVAILABLE),
		  PLAY_RESULT_UPSTREAM_UNAVAILABLE },
		{ "too much goes on", 503, WEB_OUTCOME_ERROR(WEB_OVERLOADED),
		  PLAY_RESULT_OVERLOADED },
		{ "our bug", 500, WEB_OUTCOME_ERROR(WEB_INTERNAL), PLAY_RESULT_INTERNAL },
		{ "a head of ours that did not fit", 500, 0, PLAY_RESULT_INTERNAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		IS_STR(str_of(play_result_name(play_result_of(rows[i].status, rows[i].outcome))),
		       str_of(play_result_name(rows[i].result)), "%s", rows[i].name);
	OK(WEB_ERRORS < WEB_OUTCOME_CUT - 1, "no error looks like a cut");
}

static void check_names(void)
{
	for (enum play_source source = 0; source < PLAY_SOURCES; source++)
		OK(play_source_name(source), "source %d has a name", (int)source);
	for (enum play_result result = 0; result < PLAY_RESULTS; result++)
		OK(play_result_name(result), "result %d has a name", (int)result);
	for (enum web_limit limit = 0; limit < WEB_LIMITS; limit++)
		OK(web_limit_name(limit), "limit %d has a name", (int)limit);
}

static void check_sums(void)
{
	static struct web_counts a, b;
	struct web_sums sum = { .requests = { 0 } };
	struct exchange x = { .status = 206, .source = PLAY_SOURCE_CACHE };

	web_count_request(&a, &x, true);
	web_count_request(&b, &x, true);
	web_count_request(&b, &x, false);
	x = (struct exchange){ .status = 404, .source = PLAY_SOURCE_NONE };
	web_count_request(&b, &x, true);
	counter_add(&a.sign_ins[SIGN_IN_WRONG], 3);
	counter_add(&b.throttled[LIMIT_MISSING], 2);
	time_histogram_count(&b.first_byte[PLAY_SOURCE_FLIGHT], 10);
	time_histogram_count(&a.webhooks, 20);
	web_counts_add(&a, &sum);
	web_counts_add(&b, &sum);
	IS_INT(sum.requests[2], 3, "requests of both loops");
	IS_INT(sum.requests[4], 1, "by the class of their status");
	IS_INT(sum.plays[PLAY_SOURCE_CACHE][PLAY_RESULT_PLAYED], 2, "plays, and no others");
	IS_INT(sum.plays[PLAY_SOURCE_NONE][PLAY_RESULT_MISSING], 1, "that were found nowhere");
	IS_INT(sum.sign_ins[SIGN_IN_WRONG], 3, "sign-ins");
	IS_INT(sum.throttled[LIMIT_MISSING], 2, "limits");
	IS_INT(sum.first_byte[PLAY_SOURCE_FLIGHT].sum_us, 10, "first bytes");
	IS_INT(sum.webhooks.sum_us, 20, "webhooks");
}

int main(void)
{
	check_results();
	check_names();
	check_sums();
	return tap_end();
}
