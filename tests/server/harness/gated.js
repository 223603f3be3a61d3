// An upstream that says byte by byte how far it goes: it sends what lies before `limit`, and the
// rest as the limit is moved.  Stands as a recording's answer in startUpstream():
//
//	const gate = new Gate(media, { length: true, ranges: false });
//	upstream.recordings.set(sid, { callSid, answer: gate.answer });
//	gate.open(1000);       the first 1,000 bytes
//	gate.open();           all of it
const TYPE = 'audio/mpeg';

export class Gate {
  /** length: says Content-Length; ranges: serves ranges, with a strong ETag; ahead: those behind no gate. */
  constructor(media, { length = true, ranges = false, ahead = false, type = TYPE } = {}) {
    Object.assign(this, { media, length, ranges, ahead, type, limit: 0, aheadLimit: 0, openMax: 0, streams: new Set(), requests: 0, headers: [] });
    this.etag = `"${media.length}-of-the-upstream"`;
    this.answer = (request, reply) => this.#answer(request, reply);
  }

  /** Lets the bytes before `limit` through, in every answer under way and to come. */
  open(limit = this.media.length) {
    this.limit = limit;
    for (const stream of this.streams) this.#flow(stream);
  }

  /** The same for ranges alone. */
  openAhead(limit) {
    this.aheadLimit = limit;
    for (const stream of this.streams) this.#flow(stream);
  }

  /** Ends the answers to ranges where they are. */
  cutAhead() {
    for (const stream of this.streams) if (stream.isAhead) stream.reply.destroy();
  }

  /** Ends every answer under way where it is, as a broken line does. */
  cut() {
    for (const { reply } of this.streams) reply.destroy();
    this.streams.clear();
  }

  #answer(request, reply) {
    this.requests += 1;
    this.headers.push(request.headers);
    const size = this.media.length;
    const wanted = this.ranges && (request.headers['if-range'] ?? this.etag) === this.etag && request.headers.range?.match(/^bytes=(\d+)-(\d*)$/);
    const first = wanted ? Number(wanted[1]) : 0;
    const end = wanted && wanted[2] ? Number(wanted[2]) + 1 : size;
    reply.writeHead(wanted ? 206 : 200, {
      'Content-Type': this.type,
      ...(this.length ? { 'Content-Length': end - first } : { 'Transfer-Encoding': 'chunked' }),
      ...(this.ranges ? { 'Accept-Ranges': 'bytes', ETag: this.etag } : {}),
      ...(wanted ? { 'Content-Range': `bytes ${first}-${end - 1}/${size}` } : {}),
    });
    reply.flushHeaders();
    const stream = { reply, next: first, end, isAhead: Boolean(wanted) };
    this.streams.add(stream);
    this.openMax = Math.max(this.openMax, this.streams.size);
    reply.on('close', () => this.streams.delete(stream));
    this.#flow(stream);
  }

  #flow(stream) {
    const limit = stream.isAhead ? Math.max(this.limit, this.ahead ? Infinity : this.aheadLimit) : this.limit;
    const until = Math.min(limit, stream.end);
    if (until > stream.next) {
      stream.reply.write(this.media.subarray(stream.next, until));
      stream.next = until;
    }
    if (stream.next >= stream.end && !stream.ended) {
      stream.ended = true;
      stream.reply.end();
    }
  }
}
