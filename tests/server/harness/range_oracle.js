// What RFC 9110 (13 and 14) and docs/api.md say about one request for a stored recording, worked out
// here in another way than in src/http/range.c: with BigInt and regular expressions.
//
//   oracle({ Range: 'bytes=0-1' }, { size: 100, etag: '"x"', modifiedAt: 1700000000 })
//     -> { status: 206, ranges: [[0, 1]] }
//
// status 200 has ranges [[0, size - 1]]; 304, 412 and 416 have none.

const RANGES_MAX = 16;

function parseDate(text) {
  const imf = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
  const rfc850 = /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT$/;
  const asctime = /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;
  if (imf.test(text)) return Date.parse(text) / 1000;
  if (rfc850.test(text)) {
    const [, day, month, year, time] = text.match(/, (\d\d)-(\w{3})-(\d\d) (\S+) GMT/);
    return Date.parse(`${day} ${month} 20${year} ${time} GMT`) / 1000;
  }
  if (asctime.test(text)) return Date.parse(`${text} GMT`) / 1000;
  return null;
}

function entityTags(text) {
  return [...text.matchAll(/(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)].map(([, weak, tag]) => ({ weak: Boolean(weak), tag }));
}

const listed = (text, etag, strong) =>
  text.trim() === '*' || entityTags(text).some(({ weak, tag }) => tag === etag && !(strong && weak));

function parseRanges(header, size) {
  const set = header.match(/^bytes=(.*)$/i);
  if (!set) return { whole: true };
  const specs = set[1].split(',').map((spec) => spec.trim()).filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > RANGES_MAX) return { whole: true };
  const last = BigInt(size) - 1n;
  const ranges = [];
  for (const spec of specs) {
    const match = spec.match(/^(\d*)-(\d*)$/);
    if (!match || spec === '-') return { whole: true };
    if (match[1] === '') {
      const length = BigInt(match[2]);
      if (length > 0n) ranges.push([length > last ? 0n : last + 1n - length, last]);
      continue;
    }
    const from = BigInt(match[1]);
    const to = match[2] === '' ? last : BigInt(match[2]);
    if (match[2] !== '' && to < from) return { whole: true };
    if (from <= last) ranges.push([from, to > last ? last : to]);
  }
  if (ranges.length === 0) return { outside: true };
  const sorted = [...ranges].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const overlap = sorted.some(([from], i) => i > 0 && from <= sorted[i - 1][1]);
  const total = ranges.reduce((sum, [from, to]) => sum + to - from + 1n, 0n);
  if (overlap && total > BigInt(size)) return { whole: true };
  return { ranges: ranges.map(([from, to]) => [Number(from), Number(to)]) };
}

/** headers: an object with the usual spelling.  Works for GET and HEAD alike. */
export function oracle(headers, { size, etag, modifiedAt }) {
  const whole = { status: 200, ranges: [[0, size - 1]] };

  if (headers['If-Match'] !== undefined) {
    if (!listed(headers['If-Match'], etag, true)) return { status: 412, ranges: [] };
  } else if (headers['If-Unmodified-Since'] !== undefined) {
    const date = parseDate(headers['If-Unmodified-Since']);
    if (date !== null && modifiedAt > date) return { status: 412, ranges: [] };
  }
  if (headers['If-None-Match'] !== undefined) {
    if (listed(headers['If-None-Match'], etag, false)) return { status: 304, ranges: [] };
  } else if (headers['If-Modified-Since'] !== undefined) {
    const date = parseDate(headers['If-Modified-Since']);
    if (date !== null && modifiedAt <= date) return { status: 304, ranges: [] };
  }
  if (headers.Range === undefined) return whole;
  if (headers['If-Range'] !== undefined) {
    const value = headers['If-Range'];
    const matches = /^(W\/)?"/.test(value) ? value === etag : parseDate(value) === modifiedAt;
    if (!matches) return whole;
  }
  const { whole: ignored, outside, ranges } = parseRanges(headers.Range, size);
  if (ignored) return whole;
  if (outside) return { status: 416, ranges: [] };
  return { status: 206, ranges };
}
