// docs/openapi.yaml against the route table, and against itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { checkAnswer, openapi, operations } from './harness/openapi.js';

const plain = (path) => path.replace(/\{\w*\}/g, '{}');

/** "GET /api/calls": all that web_routes has but the page and its files. */
function routes() {
  const source = readFileSync(new URL('../../src/web/routes.c', import.meta.url), 'utf8');
  const table = source.slice(source.indexOf('web_routes[] = {'), source.indexOf('web_route_count'));
  const rows = [...table.matchAll(/\{\s*(GET|WATCH|POST|DELETE|CALLBACK),\s*"([^"]+)",\s*(\w+)/g)];
  assert.equal(rows.length, [...table.matchAll(/\{\s*[A-Z]+,/g)].length, 'each row of the table was understood');
  return rows.filter(([, , path, handler]) => (handler !== 'web_page' && path !== '/assets/{}') || path === '/l/{}')
    .flatMap(([, methods, path]) => ({ CALLBACK: ['GET', 'POST'], WATCH: ['GET'] }[methods] ?? [methods]).map((method) => `${method} ${path}`));
}

test('every address of the route table is in the document, and no other', async () => {
  const described = (await operations()).map(([method, path]) => `${method} ${plain(path)}`);
  assert.deepEqual(routes().filter((row) => !described.includes(row)), [], 'served, and not described');
  assert.deepEqual(described.filter((row) => !routes().includes(row)), [], 'described, and not served');
});

test('what the document refers to is there, and each operation is whole', async () => {
  const { document, ajv } = await openapi();
  for (const [ref] of readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8').matchAll(/(?<=\$ref: ")#\/[^"]+/g)) {
    assert.ok(ref.slice(2).split('/').reduce((part, step) => part?.[step], document), ref);
  }
  for (const name of Object.keys(document.components.schemas)) assert.ok(ajv.getSchema(`openapi#/components/schemas/${name}`), name);
  for (const [method, path, { summary, tags, responses }] of await operations()) {
    const parameters = document.paths[path].parameters ?? [];
    assert.ok(summary && tags?.every((tag) => document.tags.some(({ name }) => name === tag)), `${method} ${path} says what it is`);
    assert.ok(responses['4XX'] && responses['5XX'], `${method} ${path} may be refused, and fail`);
    assert.equal(parameters.length, [...path.matchAll(/\{/g)].length, `${path} names its parameters`);
  }
});

test('where a play may be sent to the bucket, the document names the parameter that keeps it here', async () => {
  const sent = (await operations()).filter(([, , { responses }]) => responses['307']);
  assert.ok(sent.length > 0);
  const lacking = sent.filter(([, , { parameters = [] }]) => !parameters.some(({ $ref }) => $ref === '#/components/parameters/redirect'));
  assert.deepEqual(lacking.map(([method, path]) => `${method} ${path}`), []);
});

test('an answer that is not as the document says is told', async (t) => {
  const server = await startServer(t);
  const good = await request(`${server.url}/api/calls`);
  const answer = { method: 'GET', url: `${server.url}/api/calls`, ...good };
  await checkAnswer(answer);
  const page = JSON.parse(good.body);
  const changed = (change) => ({ ...answer, body: Buffer.from(JSON.stringify({ ...page, ...change })) });
  for (const [why, wrong] of Object.entries({
    'a status': { ...answer, status: 201 },
    'a type': { ...answer, headers: { ...answer.headers, 'content-type': 'text/plain' } },
    'a member more': changed({ more: 1 }),
    'a member less': changed({ next: undefined }),
    'a member of another type': changed({ seq: '1' }),
    'within what it refers to': changed({ calls: [{}] }),
    'an error without its code': { ...answer, status: 404, body: Buffer.from('{"success":false,"error":"a","request_id":"b"}') },
    'an address that is none': { ...answer, url: `${server.url}/api/nothing` },
    'a method that is none': { ...answer, method: 'PUT' },
    'a body where none is': { ...answer, method: 'POST', url: `${server.url}/api/recordings/RE1/heard`, status: 200 },
  })) await assert.rejects(checkAnswer(wrong), /docs\/openapi\.yaml/, why);
  await checkAnswer({ ...answer, headers: { ...answer.headers, via: '1.1 varnish' }, status: 201 });
});
