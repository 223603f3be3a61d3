#include "adoption/adopt_match.h"
#include "tap.h"
#include "twilio/sid.h"

#define CALL "CA00000000000000000000000000000001"

static void matching(void)
{
	static const struct {
		const char *name;
		size_t count;
		struct recording recordings[3];
		int64_t duration_ms;
		enum adopt_meaning meaning;
		size_t index;
	} cases[] = {
		{ "nothing is known", 0, { { .duration_s = 5 } }, 5000, ADOPT_UNKNOWN, 0 },
		{ "the one that is as long",
		  1,
		  { { .state = RECORDING_QUEUED, .duration_s = 5 } },
		  5400,
		  ADOPT_TAKE,
		  0 },
		{ "one whose length was not told",
		  1,
		  { { .state = RECORDING_ANNOUNCED, .duration_s = -1 } },
		  5400,
		  ADOPT_TAKE,
		  0 },
		{ "one that is not as long",
		  1,
		  { { .state = RECORDING_QUEUED, .duration_s = 60 } },
		  5000,
		  ADOPT_CONFLICT,
		  0 },
		{ "one that is stored, whatever the length",
		  1,
		  { { .state = RECORDING_STORED, .duration_s = 60 } },
		  5000,
		  ADOPT_HERE,
		  0 },
		{ "a dead letter",
		  1,
		  { { .state = RECORDING_DEAD, .duration_s = 5 } },
		  5000,
		  ADOPT_TAKE,
		  0 },
		{ "one that is gone at Twilio",
		  1,
		  { { .state = RECORDING_GONE, .duration_s = 5 } },
		  5000,
		  ADOPT_TAKE,
		  0 },
		{ "one that was purged here",
		  1,
		  { { .state = RECORDING_PURGED, .duration_s = 5 } },
		  5000,
		  ADOPT_CONFLICT,
		  0 },
		{ "of three the last is as long",
		  3,
		  { { .duration_s = 60 }, { .duration_s = 30 }, { .duration_s = 5 } },
		  5000,
		  ADOPT_TAKE,
		  2 },
		{ "of three none is as long",
		  3,
		  { { .duration_s = 60 }, { .duration_s = 30 }, { .duration_s = 5 } },
		  90000,
		  ADOPT_CONFLICT,
		  0 },
		{ "of three two are as long",
		  3,
		  { { .duration_s = 60 }, { .duration_s = 5 }, { .duration_s = 6 } },
		  5000,
		  ADOPT_CONFLICT,
		  0 },
		{ "two are as long, and one of them is stored: it may be the other's",
		  2,
		  { { .state = RECORDING_STORED, .duration_s = 5 }, { .duration_s = 5 } },
		  5000,
		  ADOPT_CONFLICT,
		  0 },
		{ "the one that is as long is stored",
		  2,
		  { { .state = RECORDING_STORED, .duration_s = 5 }, { .duration_s = 60 } },
		  5000,
		  ADOPT_HERE,
		  0 },
		{ "both are stored",
		  2,
		  { { .state = RECORDING_STORED, .duration_s = 5 },
		    { .state = RECORDING_STORED, .duration_s = 5 } },
		  5000,
		  ADOPT_HERE,
		  0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct adopt_match match;

		adopt_match(cases[i].recordings, cases[i].count, cases[i].duration_ms, &match);
		IS_INT(match.meaning, cases[i].meaning, "%s", cases[i].name);
		if (cases[i].meaning == ADOPT_TAKE)
			IS_INT(match.index, cases[i].index, "%s: which", cases[i].name);
		OK((match.reason[0] != '\0') == (cases[i].meaning == ADOPT_CONFLICT),
		   "%s: a reason for a conflict alone: %s", cases[i].name, match.reason);
	}
}

static void naming(void)
{
	char sid[SID_SIZE], again[SID_SIZE], other[SID_SIZE];

	adopt_recording_sid(STR(CALL), sid);
	adopt_recording_sid(STR(CALL), again);
	adopt_recording_sid(STR("CA00000000000000000000000000000002"), other);
	OK(sid_is_recording(str_of(sid)), "it is a recording's SID: %s", sid);
	IS_STR(str_of(again), str_of(sid), "the same each time");
	OK(strcmp(sid, other) != 0, "another for another call");
}

int main(void)
{
	matching();
	naming();
	return tap_end();
}
