// A door before a bucket's gateway that holds up one PUT: before any of it has gone through, in the middle of it, or when the gateway has
// answered and who asked has not heard of it.
//
//	const gate = await startPutGate(t, s3.port);    // its url is the 's3.endpoint' of who is to go through it
//	gate.hold('before');  await until('...', () => gate.isHeld);  gate.release();
import http from 'node:http';
import { atEnd } from './lifetime.js';

const MEDIA = /^\/.*\.(mp3|wav)$/;

export async function startPutGate(t, port) {
  const gate = { url: null, puts: [], isHeld: false, when: null, onward: null };
  let goOn = () => {};
  /** Resolves when it is released; at once where this is not what is held. */
  const held = (when) => {
    if (gate.when !== when || gate.isHeld) return undefined;
    gate.isHeld = true;
    return new Promise((resolve) => { goOn = resolve; });
  };
  const server = http.createServer(async (asked, reply) => {
    const isMedia = asked.method === 'PUT' && MEDIA.test(asked.url);
    if (isMedia) gate.puts.push(asked.url);
    asked.on('error', () => {});
    reply.on('error', () => {});
    if (isMedia) await held('before');
    const onward = http.request({ host: '127.0.0.1', port, method: asked.method, path: asked.url, headers: asked.headers, agent: false }, async (answer) => {
      if (isMedia) await held('after');
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    });
    onward.on('error', () => reply.destroy());
    if (!isMedia || gate.when !== 'within' || gate.isHeld) return asked.pipe(onward);
    // What has come at once goes on, the rest when it is released.
    gate.onward = onward;
    asked.once('data', async (chunk) => {
      asked.pause();
      onward.write(chunk);
      await held('within');
      asked.pipe(onward);
    });
    return undefined;
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => {
    goOn();
    server.close(resolve);
    server.closeAllConnections();
  }));
  gate.url = `http://127.0.0.1:${server.address().port}`;
  gate.hold = (when) => Object.assign(gate, { when, isHeld: false });
  gate.release = () => {
    gate.when = null;
    goOn();
  };
  return gate;
}
