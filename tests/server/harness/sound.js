// Sound that a test makes itself, sample by sample, and what its waveform has to be: the extremes of each stretch of
// samples, in 8 bits as audiowaveform has them (by division by 256, rounded towards zero).

const EIGHT_BITS = (sample) => Math.trunc(sample / 256);

/** A WAV of 16 bits: channels is an array of Int16Array of the same length. */
export function wavOf(channels, rate = 8000, { codec = 1 } = {}) {
  const [{ length }] = channels;
  const data = Buffer.alloc(length * channels.length * 2);
  for (let i = 0, at = 0; i < length; i++) for (const samples of channels) at = data.writeInt16LE(samples[i], at);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(codec, 20);
  head.writeUInt16LE(channels.length, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels.length * 2, 28);
  head.writeUInt16LE(channels.length * 2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

/** Noise that is another at each sample, `peak` loud; where `isSilent(second)`, none. */
export function noise(seconds, { rate = 8000, peak = 20_000, seed = 1, isSilent = () => false } = {}) {
  const samples = new Int16Array(Math.round(seconds * rate));
  let state = seed;
  for (let i = 0; i < samples.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    samples[i] = isSilent(i / rate) ? 0 : ((state / 2 ** 31) - 1) * peak;
  }
  return samples;
}

/** { min, max } of one channel, a point for so many samples. */
export function extremes(samples, perPoint) {
  const min = [], max = [];
  for (let at = 0; at < samples.length; at += perPoint) {
    let [low, high] = [32767, -32768];
    for (let i = at; i < at + perPoint && i < samples.length; i++) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    min.push(EIGHT_BITS(low));
    max.push(EIGHT_BITS(high));
  }
  return { min, max };
}
