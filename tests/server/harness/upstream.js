// What stands for Twilio where a test wants to say itself what is answered (else: callspool simulate).
//
//	const upstream = await startUpstream(t);
//	upstream.recordings.set(sid, { media: audio(), ... });
//
// A recording: { media: Buffer, wav: Buffer, contentType, channels, callSid, duration, encryption }, or { answer(request, reply) }
// which answers alone.  Without one: 404 as Twilio says it.  Requests are kept in `requests`.  With options.tls (those
// of node:tls) it speaks https; `onRefusal` is called where a handshake fails.
import http from 'node:http';
import https from 'node:https';
import { ACCOUNT, TOKEN } from './callspool.js';
import { atEnd } from './lifetime.js';

const AUTHORIZED = `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}`;

const xmlError = (status, code, message) =>
  `<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException><Code>${code}</Code><Message>${message}</Message>` +
  `<MoreInfo>https://www.twilio.com/docs/errors/${code}</MoreInfo><Status>${status}</Status></RestException></TwilioResponse>`;

export async function startUpstream(t, { tls } = {}) {
  const recordings = new Map();
  const calls = new Map();
  const requests = [];
  const sockets = new Set();

  const json = (reply, status, body) => {
    const text = JSON.stringify(body);
    reply.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    reply.end(text);
  };
  const missing = (reply, path) => json(reply, 404, {
    code: 20404, message: `The requested resource ${path} was not found`, more_info: 'https://www.twilio.com/docs/errors/20404', status: 404,
  });
  const resource = (sid, recording) => ({
    account_sid: ACCOUNT, api_version: '2010-04-01', call_sid: recording.callSid ?? null, conference_sid: null, channels: recording.channels ?? 2,
    date_created: recording.startedAt ?? new Date().toUTCString().replace('GMT', '+0000'),
    date_updated: recording.updatedAt ?? new Date().toUTCString().replace('GMT', '+0000'),
    start_time: recording.startedAt ?? new Date().toUTCString().replace('GMT', '+0000'),
    duration: String(recording.duration ?? 5), encryption_details: recording.encryption ?? null, error_code: recording.errorCode ?? null, price: null, price_unit: 'USD', sid,
    source: 'OutboundAPI', status: recording.status ?? 'completed', uri: `/2010-04-01/Accounts/${ACCOUNT}/Recordings/${sid}.json`,
    media_url: `https://api.twilio.com/2010-04-01/Accounts/${ACCOUNT}/Recordings/${sid}`, subresource_uris: {},
  });
  const list = (reply, path, found) => json(reply, 200, {
    recordings: found.map(([sid, recording]) => resource(sid, recording)), end: Math.max(0, found.length - 1), first_page_uri: path, next_page_uri: null,
    page: 0, page_size: 50, previous_page_uri: null, start: 0, uri: path,
  });

  const answer = (request, reply) => {
    const url = new URL(request.url, 'http://upstream');
    const entry = { method: request.method, path: url.pathname, query: url.searchParams, headers: request.headers, at: Date.now() };
    requests.push(entry);
    if (upstream.answer && upstream.answer(request, reply, entry) !== false) return;
    if (request.headers.authorization !== AUTHORIZED) {
      reply.writeHead(401, { 'Content-Type': 'application/xml', 'WWW-Authenticate': 'Basic realm="Twilio API"' });
      reply.end(xmlError(401, 20003, 'Authenticate'));
      return;
    }
    const call = url.pathname.match(/\/Calls\/(CA[0-9a-f]{32})(\/Recordings)?\.json$/);
    if (call?.[2]) return list(reply, url.pathname, [...recordings].filter(([, { callSid }]) => callSid === call[1]));
    if (call) return calls.has(call[1]) ? json(reply, 200, calls.get(call[1])) : missing(reply, url.pathname);
    if (url.pathname.endsWith('/Recordings.json')) return list(reply, url.pathname, [...recordings].filter(([, { listed }]) => listed));
    const [, sid, extension] = url.pathname.match(/\/Recordings\/(RE[0-9a-f]{32})(?:\.(mp3|wav|json))?$/) ?? [];
    const recording = recordings.get(sid);
    if (!recording) return missing(reply, url.pathname);
    if (extension === 'json') return json(reply, 200, resource(sid, recording));
    if (recording.answer) return recording.answer(request, reply, entry);
    const wav = extension !== 'mp3';
    const media = wav ? recording.wav : recording.media;
    reply.writeHead(200, { 'Content-Type': recording.contentType ?? (wav ? 'audio/x-wav' : 'audio/mpeg'), 'Content-Length': media.length });
    return reply.end(request.method === 'HEAD' ? undefined : media);
  };
  const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  server.on('tlsClientError', (error) => upstream.onRefusal?.(error));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const upstream = {
    resource,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`,
    recordings,
    calls,
    requests,
    /** When set, answers everything itself: (request, reply, entry); what it returns false for is answered as without it. */
    answer: null,
    mediaRequests: (sid) => requests.filter(({ path }) => new RegExp(`/Recordings/${sid ?? 'RE'}[0-9a-f]*(\\.mp3|\\.wav)?$`).test(path)),
  };
  return upstream;
}

export { xmlError };
