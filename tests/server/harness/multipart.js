// Reads a multipart/byteranges body (RFC 9110, 14.6), strictly.

/** [{ first, last, total, contentType, bytes }]; throws where the body is not exactly right. */
export function parseByteranges(contentType, body) {
  const boundary = contentType.match(/^multipart\/byteranges; ?boundary="?([A-Za-z0-9'()+_,\-./:=?]{1,70})"?$/)?.[1];
  if (!boundary) throw new Error(`no boundary in '${contentType}'`);
  const parts = [];
  let rest = body;
  // The first delimiter may do without the CRLF before it.
  const opening = Buffer.from(`--${boundary}\r\n`);
  const first = rest.indexOf(opening);
  if (first !== 0 && !(first === 2 && rest.subarray(0, 2).toString() === '\r\n')) throw new Error('the body does not begin with its delimiter');
  rest = rest.subarray(first + opening.length);
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) throw new Error('a part without an end of its headers');
    const headers = Object.fromEntries(rest.subarray(0, headEnd).toString('latin1').split('\r\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const range = headers['content-range']?.match(/^bytes (\d+)-(\d+)\/(\d+)$/);
    if (!range) throw new Error(`a part with Content-Range '${headers['content-range']}'`);
    const [from, to, total] = range.slice(1).map(Number);
    const length = to - from + 1;
    const bytes = rest.subarray(headEnd + 4, headEnd + 4 + length);
    if (bytes.length !== length) throw new Error('a part is cut');
    parts.push({ first: from, last: to, total, contentType: headers['content-type'], bytes });
    rest = rest.subarray(headEnd + 4 + length);
    const next = rest.subarray(0, boundary.length + 6).toString('latin1');
    if (next.startsWith(`\r\n--${boundary}\r\n`)) rest = rest.subarray(boundary.length + 6);
    else if (/^\r\n--$/.test(next.slice(0, 4)) && rest.toString('latin1').match(new RegExp(`^\\r\\n--${boundary.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}--(\\r\\n)?$`))) return parts;
    else throw new Error(`after a part: ${JSON.stringify(rest.subarray(0, 80).toString('latin1'))}`);
  }
}
