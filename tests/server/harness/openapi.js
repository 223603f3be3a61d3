// Each answer that a test gets, looked at by docs/openapi.yaml: is its status one that may be, and its body of the form
// that is promised?  request() of http.js asks here, so that no test has to.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const DOCUMENT = new URL('../../../docs/openapi.yaml', import.meta.url);
const READER = new URL('../../../node_modules/yaml/package.json', import.meta.url);
const CACHE = new URL('../../../node_modules/.cache/', import.meta.url);
const METHODS = ['get', 'post', 'delete'];

const pointer = (...parts) => parts.map((part) => `/${encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

/** Others may read and write it just now; where nobody may write, it is read anew each time. */
function keep(document, cached) {
  const own = new URL(`${cached}.${process.pid}`);
  try {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(own, JSON.stringify(document));
    renameSync(own, cached);
  } catch {
    rmSync(own, { force: true });
  }
}

/**
 * The document.  Reading YAML takes longer than all else that a small file of tests does, and each reads the same: what was
 * read lies in node_modules/.cache, under the digest of its text and of what reads it.
 */
async function read() {
  const text = readFileSync(DOCUMENT, 'utf8');
  const digest = createHash('sha256').update(readFileSync(READER)).update(text).digest('hex');
  const cached = new URL(`openapi-${digest}.json`, CACHE);
  try {
    return JSON.parse(readFileSync(cached, 'utf8'));
  } catch {
    // not there, or cut off by whatever ended its writer
  }
  const { parse } = await import('yaml');
  const document = parse(text, { maxAliasCount: -1 });
  keep(document, cached);
  return document;
}

let loaded;

/** The document, and what judges by it: made when the first answer is there. */
async function load() {
  const [document, { default: Ajv }] = await Promise.all([read(), import('ajv/dist/2020.js')]);
  const ajv = new Ajv({ strict: false, logger: false });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  ajv.addSchema(document, 'openapi');
  const templates = Object.keys(document.paths).map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`) }));
  return { document, ajv, templates };
}

export const openapi = () => (loaded ??= load());

/** Follows references from a part of the document: { part, at }, with the place where it is. */
function resolve(document, part, at) {
  if (!part?.$ref) return { part, at };
  const steps = part.$ref.slice(2).split('/');
  return resolve(document, steps.reduce((found, step) => found[step], document), pointer(...steps));
}

function findResponse({ document, templates }, method, path, status) {
  const template = templates.find(({ pattern }) => pattern.test(path));
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  const operation = template && document.paths[template.path][name];
  const refusal = isTwilios(path) ? 'TwilioRefused' : 'Refused';
  const refused = { part: document.components.responses[refusal], at: pointer('components', 'responses', refusal) };
  // What is at no address, or not answered so, is refused as everything is.
  if (!operation) return status >= 400 && status < 500 ? refused : undefined;
  const key = operation.responses[status] ? String(status) : `${Math.floor(status / 100)}XX`;
  if (!operation.responses[key]) return undefined;
  return resolve(document, operation.responses[key], pointer('paths', template.path, name, 'responses', key));
}

function checkBody({ document, ajv }, { part, at }, type, body) {
  if (!part.content) return body.length > 0 && 'a body, where none is promised';
  const content = part.content[type];
  if (!content) return `'${type}', and not ${Object.keys(part.content).join(' or ')}`;
  if (!content.schema) return undefined;
  const schema = resolve(document, content.schema, `${at}${pointer('content', type, 'schema')}`);
  const validate = ajv.getSchema(`openapi#${schema.at}`);
  return !validate(JSON.parse(body.toString())) && ajv.errorsText(validate.errors, { dataVar: 'body' });
}

/** The addresses of Twilio's form.  What stands for Twilio has them, too, and names itself. */
const isTwilios = (path) => path.startsWith('/2010-04-01/');

/** Does the document speak of it?  Pages are others'. */
const isOurs = (path) => /^\/(api|l|webhook)\/|^\/(health|metrics)$/.test(path) || isTwilios(path);

/**
 * Throws where an answer is not as the document says.  What a proxy or a cache has answered, or changed on its way, is not
 * looked at: they name themselves.
 */
export async function checkAnswer({ method, url, status, headers, body, cut }) {
  const { pathname } = new URL(url);
  if (!headers['x-request-id'] || headers.server || headers.via || headers['content-encoding'] || headers['twilio-request-id'] || cut || method === 'OPTIONS' || !isOurs(pathname)) return;
  const api = await openapi();
  const response = findResponse(api, method, pathname, status);
  const isBodiless = method === 'HEAD' || status === 204 || status === 304;
  const type = (headers['content-type'] ?? '').split(';')[0];
  const wrong = !response ? 'no such status' : !isBodiless && checkBody(api, response, type, body);
  if (wrong) throw new Error(`${method} ${url} answers ${status}, which docs/openapi.yaml does not promise: ${wrong}: ${body.toString().slice(0, 400)}`);
}

/** [method, path] of all operations. */
export async function operations() {
  const { document } = await openapi();
  return Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => [method.toUpperCase(), path, item[method]]));
}
