/*
 * How long the waveform of a file takes, and how long decoding it alone does:
 *
 *	bench-waveform FILE decode|waveform
 *
 * Prints the seconds of sound and those of processor time, of this thread.
 */
#include "audio/waveform_make.h"

#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_FRAMES 4096

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "bench-waveform: %s\n", what);
	exit(1);
}

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double decode(int fd)
{
	static float samples[BLOCK_FRAMES * PEAKS_CHANNELS_MAX];
	SF_INFO info = { 0 };
	SNDFILE *file = sf_open_fd(fd, SFM_READ, &info, SF_FALSE);
	sf_count_t got, frames = 0;

	must(file && info.channels <= PEAKS_CHANNELS_MAX, "cannot decode it");
	while ((got = sf_readf_float(file, samples, BLOCK_FRAMES)) > 0)
		frames += got;
	sf_close(file);
	return (double)frames / info.samplerate;
}

static double make(int fd)
{
	AUTO(waveform_free) struct waveform *waveform = NULL;
	struct err err;

	must(waveform_make(fd, NULL, &waveform, &err), "cannot make it");
	return (double)waveform_duration_ms(waveform) / 1000;
}

int main(int argc, char **argv)
{
	double began_s, sound_s;
	int fd;

	must(argc == 3, "bench-waveform FILE decode|waveform");
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	must(fd >= 0, "cannot open it");
	began_s = cpu_s();
	sound_s = strcmp(argv[2], "decode") == 0 ? decode(fd) : make(fd);
	printf("%.3f %.6f\n", sound_s, cpu_s() - began_s);
	return 0;
}
