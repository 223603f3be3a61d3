// The table of Range requests: [name, headers, expected answer], written by hand.
//
// In headers: S is the size, S-1 the last byte and so on; ETAG, OTHER and the dates below stand for
// what the recording has.  Expected: "200", "304", "412", "416", or "206 first-last[,first-last]".

const DATES = {
  MODIFIED: (at) => new Date(at * 1000).toUTCString(),
  BEFORE: (at) => new Date((at - 3600) * 1000).toUTCString(),
  SECOND_BEFORE: (at) => new Date((at - 1) * 1000).toUTCString(),
  LATER: (at) => new Date((at + 3600) * 1000).toUTCString(),
  MODIFIED_RFC850: (at) => {
    const [day, date, month, year, time] = new Date(at * 1000).toUTCString().split(/,? /);
    const full = { Mon: 'Monday', Tue: 'Tuesday', Wed: 'Wednesday', Thu: 'Thursday', Fri: 'Friday', Sat: 'Saturday', Sun: 'Sunday' };
    return `${full[day]}, ${date}-${month}-${year.slice(2)} ${time} GMT`;
  },
  MODIFIED_ASCTIME: (at) => {
    const [day, date, month, year, time] = new Date(at * 1000).toUTCString().split(/,? /);
    return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`;
  },
};

/** Replaces the words of the table by what they stand for in `media`: { size, etag, modifiedAt }. */
export function fill(text, { size, etag, modifiedAt }) {
  return text
    .replace(/\b(MODIFIED_RFC850|MODIFIED_ASCTIME|MODIFIED|SECOND_BEFORE|BEFORE|LATER)\b/g, (word) => DATES[word](modifiedAt))
    .replace(/\bETAG\b/g, etag)
    .replace(/\bOTHER\b/g, '"other"')
    .replace(/\bS(?:([+-])(\d+))?(?![\w"])/g, (_, sign, n) => String(sign === '-' ? size - Number(n) : size + Number(n ?? 0)));
}

const range = (expected, ...values) => values.map((value) => [`Range: ${value}`, { Range: value }, expected]);
const many = (count, make) => Array.from({ length: count }, (_, i) => make(i)).join(',');

const single = [
  ['no Range', {}, '200'],
  ...range('206 0-1', 'bytes=0-1', 'BYTES=0-1', 'Bytes=0-1', 'bytes=00-01', 'bytes=0-1,', 'bytes=,0-1', 'bytes=,,0-1,,', 'bytes=0-1 ,'),
  ...range('206 0-0', 'bytes=0-0', 'bytes=000000000000000000000000000000-0'),
  ...range('206 1-1', 'bytes=1-1'),
  ...range('206 100-199', 'bytes=100-199'),
  ...range('206 0-1023', 'bytes=0-1023'),
  ...range('206 0-65535', 'bytes=0-65535'),
  ...range('206 1-4096', 'bytes=1-4096'),
  ...range('206 S-2-S-1', 'bytes=S-2-S-1'),
  ...range('206 S-1-S-1', 'bytes=S-1-S-1', 'bytes=S-1-', 'bytes=-1', 'bytes=S-1-S', 'bytes=S-1-S+1', 'bytes=-01'),
  ...range('206 0-S-1', 'bytes=0-', 'bytes=0-S-1', 'bytes=0-S', 'bytes=0-S+1', 'bytes=0-99999999', 'bytes=0-9223372036854775807',
    'bytes=0-9223372036854775808', 'bytes=0-18446744073709551615', 'bytes=0-18446744073709551616',
    'bytes=0-99999999999999999999999999999999', 'bytes=-S', 'bytes=-S+1', 'bytes=-99999999', 'bytes=-9223372036854775808',
    'bytes=-18446744073709551616', 'bytes=-99999999999999999999999999999999', 'bytes=00000000000000000000-'),
  ...range('206 1-S-1', 'bytes=1-', 'bytes=-S-1', 'bytes=1-99999999999999999999'),
  ...range('206 500-S-1', 'bytes=500-', 'bytes=500-99999999'),
  ...range('206 S-500-S-1', 'bytes=-500', 'bytes=S-500-', 'bytes=S-500-S+500'),
  ...range('206 0-S-2', 'bytes=0-S-2'),
];

const outside = [
  ...range('416', 'bytes=S-', 'bytes=S-S', 'bytes=S-S+1', 'bytes=S+1-', 'bytes=99999999-', 'bytes=99999999-99999999', 'bytes=-0', 'bytes=-00',
    'bytes=9223372036854775807-', 'bytes=18446744073709551615-', 'bytes=18446744073709551616-', 'bytes=99999999999999999999999-',
    'bytes=99999999999999999999998-99999999999999999999999', 'bytes=S-,S+10-', 'bytes=-0,-0', 'bytes=-0,S-', 'bytes=S-,99999999-'),
];

const malformed = [
  ...range('200', 'bytes', 'bytes=', 'bytes=-', 'bytes=--1', 'bytes=0', 'bytes=1', 'bytes=a-b', 'bytes=0-b', 'bytes=a-1', 'bytes=0x0-0x1',
    'bytes=1-0', 'bytes=S-1-0', 'bytes=99-98', 'bytes=0-1-2', 'bytes=0--1', 'bytes=+0-1', 'bytes=0-+1', 'bytes=-+1', 'bytes=1.0-2', 'bytes=0-1.5', 'bytes=1e2-',
    'bytes:0-1', 'bytes 0-1', 'bytes=0 -1', 'bytes=0- 1', 'bytes=- 1', 'bytes=0-1;', 'bytes=0-1;2-3', 'bytes=0-1 2-3', 'bytes=0-1,a', 'bytes=a,0-1',
    'bytes=0-1,1-0', 'bytes=1-0,0-1', 'bytes=0-1,-', 'bytes=,', 'bytes=,,', 'bytes=0-1/100', 'bytes=0-1/*', 'bytes="0-1"', '0-1', '=0-1', '-1',
    'byte=0-1', 'bytess=0-1', 'xbytes=0-1', 'none', 'none=0-1', 'items=0-1', 'seconds=1-2', 'chunks=0-1', 'bytes=18446744073709551616-0',
    'bytes=99999999999999999999999-1', 'bytes==0-1', 'bytes=0-1\t2', 'bytes=\u00e9-1'),
];

const several = [
  ...range('206 0-1,4-5', 'bytes=0-1,4-5', 'bytes=0-1, 4-5', 'bytes=0-1 ,4-5', 'bytes=0-1,\t4-5', 'bytes=0-1,,4-5', 'bytes=,0-1,4-5,', 'bytes=0-1,4-5,S-'),
  ...range('206 4-5,0-1', 'bytes=4-5,0-1'),
  ...range('206 0-0,S-1-S-1', 'bytes=0-0,-1', 'bytes=0-0,S-1-', 'bytes=0-0,S-1-99999999'),
  ...range('206 0-99,100-199', 'bytes=0-99,100-199'),
  ...range('206 0-99,50-149', 'bytes=0-99,50-149'),
  ...range('206 0-9,0-9', 'bytes=0-9,0-9'),
  ...range('206 0-499,1000-1499,S-500-S-1', 'bytes=0-499,1000-1499,-500'),
  ...range('206 0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14', `bytes=${many(8, (i) => `${2 * i}-${2 * i}`)}`),
  ...range(`206 ${many(16, (i) => `${10 * i}-${10 * i + 1}`)}`, `bytes=${many(16, (i) => `${10 * i}-${10 * i + 1}`)}`),
  // Only one of them is there.
  ...range('206 0-1', 'bytes=0-1,S-', 'bytes=S-,0-1', 'bytes=99999999-,0-1,-0'),
];

const abusive = [
  ...range('200', `bytes=${many(17, (i) => `${10 * i}-${10 * i + 1}`)}`, `bytes=${many(100, () => '0-0')}`, `bytes=${many(500, (i) => `${i}-${i}`)}`,
    'bytes=0-,0-', 'bytes=0-,-S', 'bytes=0-S-1,0-0', 'bytes=0-,1-,2-', 'bytes=-S,-S-1', `bytes=${many(16, () => '0-')}`, `bytes=${many(200, () => '-1')}`),
];

const R = { Range: 'bytes=0-9' };
const conditional = [
  ['If-None-Match: the tag', { 'If-None-Match': 'ETAG' }, '304'],
  ['If-None-Match: the tag, weak', { 'If-None-Match': 'W/ETAG' }, '304'],
  ['If-None-Match: any', { 'If-None-Match': '*' }, '304'],
  ['If-None-Match: in a list', { 'If-None-Match': 'OTHER, ETAG' }, '304'],
  ['If-None-Match: in a list without blanks', { 'If-None-Match': 'OTHER,W/ETAG,OTHER' }, '304'],
  ['If-None-Match: another', { 'If-None-Match': 'OTHER' }, '200'],
  ['If-None-Match: empty tag', { 'If-None-Match': '""' }, '200'],
  ['If-None-Match: not quoted', { 'If-None-Match': 'other' }, '200'],
  ['If-None-Match beats Range', { ...R, 'If-None-Match': 'ETAG' }, '304'],
  ['If-None-Match: another, with Range', { ...R, 'If-None-Match': 'OTHER' }, '206 0-9'],
  ['If-None-Match: another beats If-Modified-Since', { 'If-None-Match': 'OTHER', 'If-Modified-Since': 'LATER' }, '200'],
  ['If-None-Match: the tag beats If-Modified-Since', { 'If-None-Match': 'ETAG', 'If-Modified-Since': 'BEFORE' }, '304'],
  ['If-Match: the tag', { 'If-Match': 'ETAG' }, '200'],
  ['If-Match: any', { 'If-Match': '*' }, '200'],
  ['If-Match: in a list', { 'If-Match': 'OTHER, ETAG' }, '200'],
  ['If-Match: weak is not strong', { 'If-Match': 'W/ETAG' }, '412'],
  ['If-Match: another', { 'If-Match': 'OTHER' }, '412'],
  ['If-Match: another, with Range', { ...R, 'If-Match': 'OTHER' }, '412'],
  ['If-Match: the tag, with Range', { ...R, 'If-Match': 'ETAG' }, '206 0-9'],
  ['If-Match fails before If-None-Match', { 'If-Match': 'OTHER', 'If-None-Match': 'ETAG' }, '412'],
  ['If-Match passes, If-None-Match decides', { 'If-Match': 'ETAG', 'If-None-Match': 'ETAG' }, '304'],
  ['If-Match passes, If-Unmodified-Since does not count', { 'If-Match': 'ETAG', 'If-Unmodified-Since': 'BEFORE' }, '200'],
  ['If-Modified-Since: then', { 'If-Modified-Since': 'MODIFIED' }, '304'],
  ['If-Modified-Since: later', { 'If-Modified-Since': 'LATER' }, '304'],
  ['If-Modified-Since: before', { 'If-Modified-Since': 'BEFORE' }, '200'],
  ['If-Modified-Since: a second before', { 'If-Modified-Since': 'SECOND_BEFORE' }, '200'],
  ['If-Modified-Since: RFC 850 date', { 'If-Modified-Since': 'MODIFIED_RFC850' }, '304'],
  ['If-Modified-Since: asctime date', { 'If-Modified-Since': 'MODIFIED_ASCTIME' }, '304'],
  ['If-Modified-Since: no date', { 'If-Modified-Since': 'yesterday' }, '200'],
  ['If-Modified-Since: a number', { 'If-Modified-Since': '1700000000' }, '200'],
  ['If-Modified-Since: then, with Range', { ...R, 'If-Modified-Since': 'MODIFIED' }, '304'],
  ['If-Modified-Since: before, with Range', { ...R, 'If-Modified-Since': 'BEFORE' }, '206 0-9'],
  ['If-Unmodified-Since: then', { 'If-Unmodified-Since': 'MODIFIED' }, '200'],
  ['If-Unmodified-Since: later', { 'If-Unmodified-Since': 'LATER' }, '200'],
  ['If-Unmodified-Since: before', { 'If-Unmodified-Since': 'BEFORE' }, '412'],
  ['If-Unmodified-Since: a second before', { 'If-Unmodified-Since': 'SECOND_BEFORE' }, '412'],
  ['If-Unmodified-Since: no date', { 'If-Unmodified-Since': 'tomorrow' }, '200'],
  ['If-Unmodified-Since: then, with Range', { ...R, 'If-Unmodified-Since': 'MODIFIED' }, '206 0-9'],
  ['If-Unmodified-Since: before, with Range', { ...R, 'If-Unmodified-Since': 'BEFORE' }, '412'],
  ['If-Range: the tag', { ...R, 'If-Range': 'ETAG' }, '206 0-9'],
  ['If-Range: the tag, suffix', { Range: 'bytes=-10', 'If-Range': 'ETAG' }, '206 S-10-S-1'],
  ['If-Range: the tag, several', { Range: 'bytes=0-1,4-5', 'If-Range': 'ETAG' }, '206 0-1,4-5'],
  ['If-Range: weak is not strong', { ...R, 'If-Range': 'W/ETAG' }, '200'],
  ['If-Range: another', { ...R, 'If-Range': 'OTHER' }, '200'],
  ['If-Range: another, nothing there', { Range: 'bytes=S-', 'If-Range': 'OTHER' }, '200'],
  ['If-Range: the tag, nothing there', { Range: 'bytes=S-', 'If-Range': 'ETAG' }, '416'],
  ['If-Range: the tag, malformed Range', { Range: 'bytes=x', 'If-Range': 'ETAG' }, '200'],
  ['If-Range: a list is none', { ...R, 'If-Range': 'OTHER, ETAG' }, '200'],
  ['If-Range: any is none', { ...R, 'If-Range': '*' }, '200'],
  ['If-Range: not quoted', { ...R, 'If-Range': 'abc' }, '200'],
  ['If-Range: the date', { ...R, 'If-Range': 'MODIFIED' }, '206 0-9'],
  ['If-Range: an older date', { ...R, 'If-Range': 'BEFORE' }, '200'],
  ['If-Range: a later date', { ...R, 'If-Range': 'LATER' }, '200'],
  ['If-Range: no date', { ...R, 'If-Range': 'Mon' }, '200'],
  ['If-Range without Range', { 'If-Range': 'OTHER' }, '200'],
  ['If-Range and If-None-Match: the latter first', { ...R, 'If-Range': 'ETAG', 'If-None-Match': 'ETAG' }, '304'],
  ['If-Range and If-Match: both', { ...R, 'If-Range': 'ETAG', 'If-Match': 'ETAG' }, '206 0-9'],
];

export const cases = [...single, ...outside, ...malformed, ...several, ...abusive, ...conditional];

/** The expected answer as { status, ranges }. */
export function expectation(text, media) {
  const [status, list] = text.split(' ');
  if (status === '200') return { status: 200, ranges: [[0, media.size - 1]] };
  if (status !== '206') return { status: Number(status), ranges: [] };
  return {
    status: 206,
    ranges: list.split(',').map((one) => {
      const [, first, last] = one.match(/^(S-\d+|\d+)-(S-\d+|S|\d+)$/);
      return [Number(fill(first, media)), Number(fill(last, media))];
    }),
  };
}
