"""Rows about waveforms: what one takes, against decoding alone."""

import glob
import os
import subprocess

import servers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOUND_S = 3600


def make_hour(folder):
    """An hour of speech as Twilio has it: MP3, two channels of 8 kHz; and the same as WAV."""
    spoken = sorted(glob.glob(os.path.join(ROOT, 'src/sim/speech/*.mp3')))[0]
    mp3, wav = os.path.join(folder, 'hour.mp3'), os.path.join(folder, 'hour.wav')
    subprocess.run(['ffmpeg', '-v', 'error', '-stream_loop', '-1', '-i', spoken, '-t', str(SOUND_S), '-ar', '8000',
                    '-ac', '2', '-c:a', 'libmp3lame', '-b:a', '32k', mp3], check=True)
    subprocess.run(['ffmpeg', '-v', 'error', '-i', mp3, '-c:a', 'pcm_s16le', wav], check=True)
    return {'MP3': mp3, 'WAV': wav}


def waveform(bench):
    """On one core, of a file in the page cache."""
    files = make_hour(bench.new_folder('hour'))

    def run(path, what):
        done = subprocess.run(['taskset', '-c', servers.SERVER_CORE, bench.waveform, path, what],
                              stdout=subprocess.PIPE, check=True)
        sound_s, cpu_s = map(float, done.stdout.split())
        return {'times': sound_s / cpu_s, 'errors': int(abs(sound_s - SOUND_S) > 1)}

    for kind, path in files.items():
        pairs = bench.pairs(lambda _, path=path: run(path, 'waveform'), lambda _, path=path: run(path, 'decode'))
        bench.add(f'waveform of an hour, {kind}', 'sound in a second of CPU', 's', 'decoding alone', pairs, 'times',
                  goal=0.667 if kind == 'MP3' else None, better='more')
