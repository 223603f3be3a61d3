#include "base/buf.h"
#include "blob/blob.h"
#include "tap.h"

#define CALL      "CA3F00000000000000000000000000000a"
#define RECORDING "RE8a00000000000000000000000000000b"

static void names_are_made(void)
{
	static const struct {
		const char *call_sid, *recording_sid;
		int64_t generation;
		const char *format, *want;
	} cases[] = {
		{ CALL, RECORDING, 17, "mp3", "3f/" CALL "." RECORDING ".17.mp3" },
		{ CALL, RECORDING, 1, "wav", "3f/" CALL "." RECORDING ".1.wav" },
		{ CALL, RECORDING, INT64_MAX, "mp3",
		  "3f/" CALL "." RECORDING ".9223372036854775807.mp3" },
		{ "", RECORDING, 17, "mp3", "8a/" RECORDING ".17.mp3" },
		{ CALL, RECORDING, INT64_MAX, "peaks",
		  "3f/" CALL "." RECORDING ".9223372036854775807.peaks" },
		{ CALL, RECORDING, 0, "mp3", NULL },
		{ CALL, RECORDING, -1, "mp3", NULL },
		{ CALL, RECORDING, 17, "exe", NULL },
		{ CALL, RECORDING, 17, "", NULL },
		{ CALL, "", 17, "mp3", NULL },
		{ CALL, CALL, 17, "mp3", NULL },
		{ RECORDING, RECORDING, 17, "mp3", NULL },
		{ "CA", RECORDING, 17, "mp3", NULL },
		{ CALL "0", RECORDING, 17, "mp3", NULL },
		{ "CA../../../../../../../etc/passwd0", RECORDING, 17, "mp3", NULL },
		{ CALL, "RE8a0000000000000000000000000000/b", 17, "mp3", NULL },
		{ CALL, "RE8a0000000000000000000000000000.b", 17, "mp3", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[BLOB_NAME_SIZE] = "untouched";
		struct err err = { .kind = ERR_INTERNAL };
		bool made = blob_name_make(str_of(cases[i].call_sid),
					   str_of(cases[i].recording_sid), cases[i].generation,
					   str_of(cases[i].format), name, &err);

		OK(made == (cases[i].want != NULL), "name %zu is %s", i, made ? "made" : "refused");
		IS_STR(str_of(name), str_of(made ? cases[i].want : "untouched"), "name %zu", i);
		if (made)
			OK(blob_name_is_valid(str_of(name)), "and valid");
		else
			IS_INT(err.kind, ERR_INVALID, "it is the caller's fault: %s", err.text);
	}
}

static void other_names_are_not_valid(void)
{
	static const struct str cases[] = {
		STR(""),
		STR("3f"),
		STR("3f/"),
		STR("/etc/passwd"),
		STR("../" CALL "." RECORDING ".mp3"),
		STR("3f/../3f/" CALL "." RECORDING ".mp3"),
		STR("3F/" CALL "." RECORDING ".mp3"),
		STR("40/" CALL "." RECORDING ".mp3"),
		STR("3f//" CALL "." RECORDING ".mp3"),
		STR("3f/" CALL),
		STR("3f/" CALL "."),
		STR("8a/" RECORDING),
		STR("8a/" RECORDING "."),
		STR("8a/" RECORDING ".17"),
		STR("3f/" CALL "." RECORDING),
		STR("3f/" CALL "." RECORDING "."),
		STR("3f/" CALL "." RECORDING ".17"),
		STR("3f/" CALL "." RECORDING ".mp3."),
		STR("3f/" CALL "." RECORDING ".mp3.mp3"),
		STR("3f/" CALL "." RECORDING ".mp3\0.mp3"),
		STR("3f/" CALL "." RECORDING ".mp3\0"),
		STR("3f/" CALL ".mp3"),
		STR("8a/." RECORDING ".mp3"),
		STR("3f/" RECORDING ".mp3"),
		STR("3f/" RECORDING ".17.mp3"),
		STR("3f/" CALL "." RECORDING ".0.mp3"),
		STR("3f/" CALL "." RECORDING ".017.mp3"),
		STR("3f/" CALL "." RECORDING ".+17.mp3"),
		STR("3f/" CALL "." RECORDING ".-17.mp3"),
		STR("3f/" CALL "." RECORDING ".17x.mp3"),
		STR("3f/" CALL "." RECORDING "..mp3"),
		STR("3f/" CALL "." RECORDING ".9223372036854775808.mp3"),
		STR("3f/" CALL "." RECORDING ".17.17.mp3"),
		STR("3f/" CALL ".17.mp3"),
	};
	struct blob_name parts;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(!blob_name_is_valid(cases[i]), "not a name: '%.*s'", STR_ARG(cases[i]));
	OK(blob_name_is_valid(STR("8a/" RECORDING ".17.wav")), "a name without a call is one");
	OK(blob_name_parse(STR("3f/" CALL "." RECORDING ".17.peaks"), &parts), "taken apart");
	IS_STR(parts.call_sid, STR(CALL), "the call");
	IS_STR(parts.recording_sid, STR(RECORDING), "the recording");
	IS_STR(parts.format, STR("peaks"), "the format");
	IS_INT(parts.generation, 17, "and the generation");
	OK(blob_name_parse(STR("8a/" RECORDING ".wav"), &parts) && parts.call_sid.len == 0 &&
		   parts.generation == 0,
	   "a name without a call, of before names held generations");
	OK(blob_name_is_valid(STR("8a/" RECORDING ".wav")) &&
		   blob_name_is_valid(STR("3f/" CALL "." RECORDING ".mp3")),
	   "as are older names, without a generation");
}

static void waveforms_lie_beside(void)
{
	static const struct {
		struct str media;
		const char *want;
	} cases[] = {
		{ STR("3f/" CALL "." RECORDING ".17.mp3"), "3f/" CALL "." RECORDING ".17.peaks" },
		{ STR("3f/" CALL "." RECORDING ".wav"), "3f/" CALL "." RECORDING ".peaks" },
		{ STR("8a/" RECORDING ".9223372036854775807.wav"),
		  "8a/" RECORDING ".9223372036854775807.peaks" },
		{ STR("8a/" RECORDING ".17.peaks"), "8a/" RECORDING ".17.peaks" },
		{ STR("8a/" RECORDING ".17"), NULL },
		{ STR("../" RECORDING ".17.mp3"), NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[BLOB_NAME_SIZE] = "untouched";
		struct err err;
		bool made = blob_name_beside(cases[i].media, name, &err);

		OK(made == (cases[i].want != NULL), "beside '%.*s'", STR_ARG(cases[i].media));
		IS_STR(str_of(name), str_of(made ? cases[i].want : "untouched"), "that name");
		OK(!made || blob_name_is_valid(str_of(name)), "which is one");
	}
}

int main(void)
{
	names_are_made();
	waveforms_lie_beside();
	other_names_are_not_valid();
	return tap_end();
}
