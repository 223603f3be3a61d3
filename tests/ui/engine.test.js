// What becomes of a play that breaks off, is refused, or waits: the engine on an element that does as it is told.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { installAudio, page, settled } from './fake_audio.js';
import { load, loadAnew } from './load.js';

let timers = [];
const theAudio = installAudio({
  setTimeout: (act, ms) => timers.push({ act, ms }),
  clearTimeout: (id) => { if (timers[id - 1]) timers[id - 1].act = null; },
});
/** Runs what waits for as long as that. */
const pass = (ms) => {
  for (const timer of [...timers]) {
    const { act } = timer;
    if (!act || timer.ms > ms) continue;
    timer.act = null;
    act();
  }
};

let answers = [];
const asked = [];
globalThis.fetch = async (address, { headers }) => {
  asked.push(`${address} ${headers.Range}`);
  const answer = answers.shift() ?? 'none';
  if (answer === 'none') throw new TypeError('no answer');
  if (answer === 'away') return { ok: false, status: 0, type: 'opaqueredirect', body: null };
  const { status = 206, code, retryAfter, etag = '"1"' } = answer;
  return {
    ok: status < 300, status, body: { cancel: async () => {} }, json: async () => ({ code, error: 'why', request_id: 'r' }),
    headers: new Map(Object.entries({ ETag: etag, ...(retryAfter ? { 'Retry-After': retryAfter } : {}) })),
  };
};

const { load: take, start, stop, seek, hearHere, sound, ended, cameBack, retry, toggleSound, network, known, learn, ApiError } = await load('player/engine', 'api');
const source = (id = 'RE1', more = {}) => ({ id, media: `/${id}/media`, waveform: `/${id}/waveform`, heard: null, durationS: 100, ...more });
const audio = theAudio();
const kind = () => sound.value.trouble?.kind ?? null;
let over = [];
ended.add(({ id }) => over.push(id));

beforeEach(() => {
  timers = [];
  answers = [];
  asked.length = 0;
  over = [];
  navigator.onLine = true;
  network.isUp = () => navigator.onLine;
  known.why = () => null;
  audio.src = '';
  audio.loads = [];
  audio.plays = 0;
  stop();
  take(source(`RE${Math.random()}`));
  audio.loads = [];
});

/** Plays RE1, and it sounds at that second. */
async function playing(time = 30, more = {}) {
  take(source('RE1', more));
  start();
  await settled();
  audio.sounds(time);
  assert.deepEqual([sound.value.isPlaying, sound.value.isBusy, kind()], [true, false, null]);
}

test('a play: the ring after a moment, words after a while, sound ends both', async () => {
  take(source());
  start();
  pass(200);
  assert.equal(sound.value.isBusy, false);
  pass(250);
  assert.equal(sound.value.isBusy, true);
  answers = ['none'];
  pass(8000);
  assert.equal(kind(), 'slow');
  audio.sounds();
  assert.deepEqual([sound.value.isPlaying, sound.value.isBusy, kind(), sound.value.durationS], [true, false, null, 100]);
});

test('closed short: twice in silence from where it was, then it is said', async () => {
  await playing(30);
  for (let i = 0; i < 2; i++) {
    answers = [{}];
    audio.breaks(2);
    await settled();
    assert.equal(audio.loads.length, 2 + i, 'it is read anew');
    assert.equal(audio.currentTime, 30, 'from there');
    assert.deepEqual([sound.value.isWanted, kind()], [true, null]);
    audio.sounds(30);
  }
  answers = [{}];
  audio.breaks(2);
  await settled();
  assert.deepEqual(sound.value.trouble, { kind: 'broke', atS: 30 });
  assert.equal(audio.loads.length, 3);
  assert.deepEqual(asked, Array(3).fill('/RE1/media?redirect=0 bytes=0-1'));
  toggleSound();
  assert.equal(audio.loads.length, 4, 'Play tries again');
  assert.deepEqual([sound.value.isWanted, kind()], [true, null]);
});

test('another file by now: its retries are counted anew', async () => {
  await playing(30);
  for (const etag of ['"1"', '"1"', '"2"', '"2"']) {
    answers = [{ etag }];
    audio.breaks(2);
    await settled();
    assert.equal(kind(), null, etag);
    audio.sounds(30);
  }
});

test('a file that this browser does not play', async () => {
  take(source());
  start();
  for (let i = 0; i < 2; i++) {
    answers = [{}];
    audio.breaks(4);
    await settled();
  }
  assert.equal(kind(), 'undecodable');
});

test('a computer without a sound output: said, and nothing is asked of the server', async () => {
  for (const message of ['NS_ERROR_DOM_MEDIA_MEDIASINK_ERR (0x806e000b) - OnMediaSinkAudioError', 'AUDIO_RENDERER_ERROR: audio render error']) {
    await playing(0, { media: `/${message.length}/media` });
    audio.breaks(3, message);
    await settled();
    assert.deepEqual([kind(), asked.length, audio.loads.length > 0], ['no_output', 0, true], message);
    cameBack();
    assert.equal(kind(), 'no_output', 'no event brings one');
    const { plays, loads } = audio;
    const before = loads.length;
    start();
    await settled();
    assert.deepEqual([kind(), audio.loads.length, audio.plays], [null, before + 1, plays + 1], 'Play tries again');
  }
});

test('a refusal in words, and again when the server says', async () => {
  take(source());
  start();
  answers = [{ status: 503, code: 'upstream_unavailable', retryAfter: '12' }];
  audio.breaks(4);
  await settled();
  const { trouble, isWanted } = sound.value;
  assert.deepEqual([trouble.kind, trouble.error.code, trouble.error.retryAfterS, isWanted], ['refused', 'upstream_unavailable', 12, true]);
  assert.equal(audio.loads.length, 1);
  pass(12_000);
  assert.equal(audio.loads.length, 1, 'the server tries first');
  pass(13_000);
  assert.equal(audio.loads.length, 2);
  assert.equal(kind(), null);
});

test('what the row knows is said while the server still waits, and kept up with', async () => {
  const limited = (s) => new ApiError('upstream_unavailable', 'Twilio limits', 0, s, null);
  known.why = () => limited(40);
  take(source());
  start();
  pass(1000);
  assert.equal(kind(), null, 'it may come at once');
  pass(1500);
  assert.deepEqual([kind(), sound.value.trouble.error.retryAfterS, sound.value.isWanted, audio.loads.length], ['refused', 40, true, 1]);
  known.why = () => limited(20);
  learn({ ...sound.value.source });
  assert.equal(sound.value.trouble.error.retryAfterS, 20);
  audio.sounds();
  assert.deepEqual([kind(), sound.value.isPlaying], [null, true]);
});

test('what is gone for good is not tried again by itself', async () => {
  take(source());
  start();
  answers = [{ status: 410, code: 'recording_expired' }];
  audio.breaks(4);
  await settled();
  timers.forEach((timer) => timer.act?.());
  assert.equal(audio.loads.length, 1);
  assert.equal(sound.value.trouble.againAtMs, null);
});

test('an event that it is here plays it, unless nobody wants it by then', async () => {
  take(source());
  start();
  answers = [{ status: 503, code: 'upstream_unavailable', retryAfter: '12' }];
  audio.breaks(4);
  await settled();
  stop();
  assert.equal(kind(), 'refused', 'the sentence stays');
  cameBack();
  assert.equal(audio.loads.length, 1);
  retry();
  answers = [{ status: 503, code: 'upstream_unavailable', retryAfter: '12' }];
  audio.breaks(4);
  await settled();
  cameBack();
  assert.equal(audio.loads.length, 3);
});

test('no connection: it goes on from there when it is back', async () => {
  await playing(42);
  navigator.onLine = false;
  audio.breaks(2);
  await settled();
  assert.deepEqual(sound.value.trouble, { kind: 'offline', atS: 42 });
  navigator.onLine = true;
  page.dispatchEvent(new Event('online'));
  assert.equal(audio.currentTime, 42);
  assert.deepEqual([audio.loads.length, sound.value.isWanted, kind()], [2, true, null]);
});

test('the server does not answer: said, and tried again by itself', async () => {
  await playing(42);
  audio.breaks(2);
  await settled();
  assert.equal(sound.value.trouble.error.code, 'no_answer');
  pass(6000);
  assert.equal(audio.loads.length, 2);
});

test('sought where nothing is yet: it says what it waits for', async () => {
  await playing(10, { isArriving: true });
  audio.seeking = true;
  seek(70);
  audio.tell('waiting');
  pass(400);
  assert.deepEqual(sound.value.trouble, { kind: 'loading', atS: 70 });
  audio.seeking = false;
  audio.tell('seeked');
  assert.equal(kind(), null);
});

test('the end is told once, and not when it came too early', async () => {
  await playing(30);
  answers = [{}];
  audio.ends(40);
  await settled();
  assert.deepEqual(over, []);
  assert.equal(audio.currentTime, 40, 'it is read on from there');
  audio.sounds(40);
  audio.ends(40.1);
  assert.deepEqual(over, ['RE1'], 'there is no more of it');
  assert.equal(sound.value.isWanted, false);
});

test('a pause by the lock screen is a pause; one at the end or after an error is none', async () => {
  await playing(30);
  audio.pause();
  assert.equal(sound.value.isWanted, false);
  start();
  audio.sounds(30);
  audio.paused = true;
  audio.error = { code: 2 };
  answers = [{}];
  audio.tell('pause');
  assert.equal(sound.value.isWanted, true);
});

test('the same address is not read anew, another one is, and nothing of the one before is said of it', async () => {
  await playing(30);
  const { loads } = audio;
  take(source('RE1'), 12);
  assert.equal(loads.length, 1);
  assert.equal(audio.currentTime, 12);
  answers = [{ status: 410, code: 'recording_expired' }];
  audio.breaks(4);
  take(source('RE2'));
  await settled();
  assert.equal(kind(), null);
  assert.deepEqual(audio.loads, ['/RE1/media', '/RE2/media']);
});

test('a failure that nobody waits for is silent, Play reads it anew', async () => {
  take(source());
  audio.breaks(4);
  await settled();
  assert.deepEqual([kind(), asked.length], [null, 0]);
  start();
  assert.equal(audio.loads.length, 2);
  assert.equal(audio.plays, 1);
});

test('Web Audio hears what comes from here alone: what was sent to a bucket is read anew, what comes later is never sent', async () => {
  await playing(30);
  answers = [{}];
  audio.loads = [];
  await hearHere();
  assert.deepEqual([asked, audio.loads], [['/RE1/media bytes=0-1'], []], 'what was not plays on');
  await playing(30);
  answers = ['away'];
  audio.loads = [];
  await hearHere();
  assert.deepEqual(audio.loads, ['/RE1/media?redirect=0']);
  assert.equal(audio.currentTime, 30, 'from there');
  take(source('RE2'));
  assert.deepEqual(audio.loads.at(-1), '/RE2/media?redirect=0');
  take(source('RE3', { media: '/l/x/media?call=1' }));
  assert.deepEqual(audio.loads.at(-1), '/l/x/media?call=1&redirect=0');
});

for (const [what, answer] of [['does not answer', 'none'], ['refuses just now', { status: 503, code: 'overloaded' }]]) {
  test(`Web Audio: where a server that ${what} cannot say whether it was sent to a bucket, it is read anew as well`, async () => {
    const { load: takes, start: starts, hearHere: hears } = await loadAnew('player/engine');
    const its = theAudio();
    takes(source());
    starts();
    its.sounds(30);
    answers = [answer];
    await hears();
    assert.deepEqual(its.loads, ['/RE1/media', '/RE1/media?redirect=0']);
  });
}

test('a bucket that this browser does not reach: it is played from here; what fails from here as well is the file', async () => {
  const { load: takes, start: starts, sound: heard } = await loadAnew('player/engine');
  const its = theAudio();
  takes(source());
  starts();
  answers = [{}, 'away'];
  its.breaks(4);
  await settled();
  assert.deepEqual([its.loads.at(-1), heard.value.trouble], ['/RE1/media?redirect=0', null]);
  for (let i = 0; i < 2; i++) {
    answers = [{}];
    its.breaks(4);
    await settled();
  }
  assert.equal(heard.value.trouble.kind, 'undecodable');
});
