// Real audio for the tests, made by ffmpeg once a process, or once for all whom CALLSPOOL_TEST_AUDIO names a folder to keep it
// in: speech-like sound, so that no two seconds of it are the same bytes.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Map();

function make(file, { seconds, format, channels }) {
  const voices = ['sin(2*PI*(200+40*sin(3*t))*t)*0.4', 'sin(2*PI*(310+90*sin(2*t))*t)*0.3'].slice(0, channels).join('|');
  const codec = format === 'mp3' ? ['-c:a', 'libmp3lame', '-b:a', '32k', '-write_xing', '0', '-id3v2_version', '0'] : ['-c:a', 'pcm_s16le'];
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `aevalsrc=${voices}:s=8000:d=${seconds}`,
    ...(format === 'mp3' ? ['-ar', '22050'] : []), ...codec, '-y', file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ffmpeg: ${stderr}`);
}

/** A Buffer: { seconds, format: 'mp3' | 'wav', channels }. */
export function audio({ seconds = 5, format = 'mp3', channels = 2 } = {}) {
  const key = `${seconds}s-${channels}.${format}`;
  if (!made.has(key)) {
    const kept = process.env.CALLSPOOL_TEST_AUDIO;
    const folder = kept ?? mkdtempSync(join(tmpdir(), 'audio-')), file = join(folder, key);
    if (!existsSync(file)) {
      const arriving = join(folder, `${process.pid}.${key}`);
      make(arriving, { seconds, format, channels });
      renameSync(arriving, file); // whole, should another process make it at the same time
    }
    made.set(key, readFileSync(file));
    if (!kept) rmSync(folder, { recursive: true });
  }
  return made.get(key);
}
