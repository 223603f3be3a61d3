#include "sim/sim_media.h"
#include "sim/sim_speech.h"

#include <string.h>
#include <unistd.h>

#include "audio/sniff.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tap.h"

#define RE1 "RE00000000000000000000000000000001"
#define RE2 "RE00000000000000000000000000000002"

static char *media_read(struct sim_speech *speech, const struct sim_media *media, size_t *len)
{
	AUTO(close) int fd = -1;
	uint64_t size = 0;
	struct err err = { 0 };
	char *bytes;

	if (!sim_media_open(speech, media, &fd, &size, &err)) {
		OK(false, "media: %s", err.text);
		exit(1);
	}
	bytes = xmalloc(size + 1);
	*len = (size_t)size;
	IS_INT(pread(fd, bytes, size + 1, 0), size, "the file is as long as it says");
	return bytes;
}

static void check_forms(struct sim_speech *speech)
{
	for (unsigned form = 0; form < 4; form++) {
		struct sim_media media = { .recording_sid = STR(RE1),
					   .dialogue = 9,
					   .duration_ms = 60000,
					   .is_wav = form >= 2,
					   .channels = 1 + form % 2 };
		size_t len, other_len;
		AUTO(free) char *bytes = media_read(speech, &media, &len);
		AUTO(free) char *again = media_read(speech, &media, &other_len);
		struct sniff sniff;

		OK(len == other_len && memcmp(bytes, again, len) == 0,
		   "form %u: the same bytes each time", form);
		media.recording_sid = STR(RE2);

		AUTO(free) char *other = media_read(speech, &media, &other_len);

		OK(len == other_len && memcmp(bytes, other, len) != 0,
		   "form %u: other bytes for another recording", form);
		sniff_init(&sniff);
		sniff_feed(&sniff, bytes, len);
		sniff_end(&sniff);
		IS_INT(sniff.kind, media.is_wav ? AUDIO_WAV : AUDIO_MP3, "form %u: what it is",
		       form);
		IS_INT(sniff.channels, media.channels, "form %u: channels", form);
		IS_INT(sniff.sample_rate, SIM_RATE, "form %u: sample rate", form);
		IS_INT(sniff_duration_ms(&sniff), 59976, "form %u: length, in whole frames", form);
		OK(!sniff.is_cut, "form %u: whole", form);
	}
}

static void check_dialogues(struct sim_speech *speech)
{
	for (unsigned i = 0; i < SIM_DIALOGUES; i++) {
		struct sim_media media = { .recording_sid = STR(RE1),
					   .dialogue = i,
					   .duration_ms = sim_dialogue_ms(i),
					   .channels = 1 };
		size_t len;
		int64_t before = clock_monotonic_ms();
		AUTO(free) char *bytes = media_read(speech, &media, &len);
		struct sniff sniff;

		printf("# %s: made in %lld ms\n", sim_dialogues[i].name,
		       (long long)(clock_monotonic_ms() - before));
		OK(sim_dialogue_ms(i) > 10000 && sim_dialogue_ms(i) < 40000,
		   "dialogue %s is 10 to 40 s long", sim_dialogues[i].name);
		sniff_init(&sniff);
		sniff_feed(&sniff, bytes, len);
		sniff_end(&sniff);
		IS_INT(sniff_duration_ms(&sniff), sim_dialogue_ms(i),
		       "and so is what is made of it");
	}
}

int main(void)
{
	AUTO(sim_speech_free) struct sim_speech *speech = sim_speech_new();

	check_forms(speech);
	check_dialogues(speech);
	return tap_end();
}
