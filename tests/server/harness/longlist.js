// Twilio's Recordings list of as many as a test likes, page by page, for an upstream (upstream.js).
const sidOf = (prefix, n) => prefix + n.toString(16).padStart(32, '0');

export const listedSids = (n) => ({ recordingSid: sidOf('RE', n), callSid: sidOf('CA', n) });

/**
 * `count` recordings, newest first, numbered from 1 on; of(n) says what is known of one (as upstream.recordings) and is
 * not kept.  Pages are of `size` at most.  before(page) is awaited before one is sent; false ends the connection instead.
 */
export function serveList(upstream, { count, of, size = 1000, before = () => true }) {
  upstream.answer = (request, reply, { path, query }) => {
    if (!path.endsWith('/Recordings.json') || path.includes('/Calls/')) return false;
    const rows = Math.min(size, Number(query.get('PageSize') ?? 50));
    const number = Number(query.get('Page') ?? 0);
    const recordings = [];
    for (let n = number * rows + 1; n <= Math.min(count, (number + 1) * rows); n++) {
      const { recordingSid, callSid } = listedSids(n);
      recordings.push(upstream.resource(recordingSid, { callSid, ...of(n) }));
    }
    const next = (number + 1) * rows < count ? `${path}?PageSize=${rows}&Page=${number + 1}&PageToken=PA${number + 1}` : null;
    const text = JSON.stringify({ recordings, next_page_uri: next, page: number, page_size: rows });
    const send = async () => {
      if (await before(number) === false) reply.destroy();
      else reply.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
    };
    send();
    return true;
  };
}
