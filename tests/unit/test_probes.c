#include "play/probes.h"

#include "tap.h"

#include <string.h>
#include <sys/stat.h>

#define NOW_MS 1000000

static struct str sid_of(const struct probes *probes, enum probe probe, const char *prefix,
			 char room[SID_SIZE])
{
	probes_sid(probes, probe, prefix, room);
	return str_of(room);
}

int main(void)
{
	AUTO(probes_free) struct probes *probes = probes_new(), *others = probes_new();
	char room[SID_SIZE];
	struct stat status;
	struct err err;

	IS_INT(probes_find(probes, STR("CA00000000000000000000000000000001"), NOW_MS), PROBE_NONE,
	       "any other call is none of the doctor's");
	IS_INT(probes_find(NULL, sid_of(probes, PROBE_STORED, "CA", room), NOW_MS), PROBE_MISSING,
	       "a process that has none has none to play, and asks nobody for one");
	IS_INT(probes_find(probes, sid_of(probes, PROBE_STORED, "CA", room), NOW_MS), PROBE_MISSING,
	       "before somebody began nothing can be played");
	OK(probes_begin(probes, NOW_MS, &err), "it begins");
	for (enum probe probe = PROBE_STORED; probe < PROBE_KINDS; probe++) {
		IS_INT(probes_find(probes, sid_of(probes, probe, "CA", room), NOW_MS), probe, "%s",
		       room);
		IS_INT(probes_find(probes, sid_of(probes, probe, "RE", room), NOW_MS), probe, "%s",
		       room);
	}
	IS_INT(probes_find(others, sid_of(probes, PROBE_STORED, "CA", room), NOW_MS), PROBE_MISSING,
	       "another process knows none of them");
	IS_INT(probes_find(probes, STR("CA" PROBES_RESERVED "0123456789abcdef"), NOW_MS),
	       PROBE_MISSING, "nor is a number that is guessed one");
	IS_INT(probes_find(probes, sid_of(probes, PROBE_STORED, "CA", room),
			   NOW_MS + PROBES_MS - 1),
	       PROBE_STORED, "for a minute they play");
	IS_INT(probes_find(probes, sid_of(probes, PROBE_STORED, "CA", room), NOW_MS + PROBES_MS),
	       PROBE_MISSING, "and no longer");
	OK(probes_begin(probes, NOW_MS + PROBES_MS, &err), "it begins once more");
	IS_INT(probes_find(probes, sid_of(probes, PROBE_STORED, "CA", room), NOW_MS + PROBES_MS),
	       PROBE_STORED, "the same SIDs play again");
	OK(fstat(probes_media(probes)->fd, &status) == 0 &&
		   (uint64_t)status.st_size == probes_media(probes)->size &&
		   strlen(probes_media(probes)->sha256) == 64,
	   "the media is as long as it is said to be");
	OK(!probes_has_token(probes, STR(""), NOW_MS), "no token is none of the doctor's");
	probes_note_token(probes, "abcdefgh", NOW_MS);
	OK(probes_has_token(probes, STR("abcdefgh"), NOW_MS + PROBES_MS - 1) &&
		   !probes_has_token(probes, STR("abcdefgi"), NOW_MS),
	   "for a minute a token of the doctor's is known by its name");
	OK(!probes_has_token(probes, STR("abcdefgh"), NOW_MS + PROBES_MS), "and no longer");
	return tap_end();
}
