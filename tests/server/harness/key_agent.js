// Who lends keys of a bucket, as the agents of Amazon's containers and machines do:
//
//	const agent = await startKeyAgent(t, bucket);   // { url, asked: ['GET /keys', ...] }
//	agent.goodForMs = 3_600_000;                    // what it lends from now on
//	agent.sessionToken = '...';                     // the same
//	agent.refuses = 500;                            // answered to all; 302: with a Location
import http from 'node:http';
import { atEnd } from './lifetime.js';

const TOKEN = 'AQAEAtokenOfTheMachine==';
const ROLES = '/latest/meta-data/iam/security-credentials/';

export async function startKeyAgent(t, bucket, { authorization } = {}) {
  const agent = { asked: [], url: null, goodForMs: 3_600_000, refuses: 0, sessionToken: 'FwoGZXIvYXdzEsession+token/of==', secret: bucket.env.AWS_SECRET_ACCESS_KEY };
  const keys = () => JSON.stringify({
    Code: 'Success', Type: 'AWS-HMAC', AccessKeyId: bucket.settings['s3.access_key_id'], SecretAccessKey: agent.secret, Token: agent.sessionToken,
    Expiration: new Date(Date.now() + agent.goodForMs).toISOString().replace(/\.\d+/, ''),
  });
  const answer = ({ method, url, headers }) => {
    if (agent.refuses) return [agent.refuses, 'not now'];
    const isAsked = (name) => method === 'GET' && url === name;
    if (isAsked('/keys')) return headers.authorization === agent.authorization ? [200, keys()] : [403, 'who asks?'];
    if (method === 'PUT' && url === '/latest/api/token') return headers['x-aws-ec2-metadata-token-ttl-seconds'] ? [200, TOKEN] : [400, ''];
    if (headers['x-aws-ec2-metadata-token'] !== TOKEN) return [401, ''];
    if (isAsked(ROLES)) return [200, 'recordings-role'];
    return isAsked(`${ROLES}recordings-role`) ? [200, keys()] : [404, ''];
  };
  const server = http.createServer((asked, reply) => {
    agent.asked.push(`${asked.method} ${asked.url}`);
    const [status, text] = answer(asked);
    reply.writeHead(status, { 'Content-Type': 'application/json', ...(agent.leadsTo && { Location: agent.leadsTo }) }).end(text);
  });
  agent.authorization = authorization;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
  agent.url = `http://127.0.0.1:${server.address().port}`;
  return agent;
}
