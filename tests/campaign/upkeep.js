// What people ask for that takes a while: a purge, a comparison of the store with the ledger, another private key.
import { requestJson } from '../server/harness/http.js';
import { BINARY, CREDENTIALS } from '../server/harness/callspool.js';
import { Program } from '../server/harness/process.js';
import { reread } from './keys.js';

const WITHIN_MS = 180_000;
const SANITIZER = /ERROR: (Address|Leak)Sanitizer|runtime error:/;

export class Upkeep {
  constructor(world) {
    this.world = world;
    this.asked = new Set();
    this.commands = new Set();
  }

  purge({ isTrusting }) {
    this.#begin('a purge', (server) => this.#purge(server, isTrusting && this.world.clock.aheadMs === 0));
  }

  verify({ isCommand }) {
    this.#begin('verify', (server) => (isCommand ? this.#runVerify() : this.#post(server, 'verifications', {})));
  }

  addKey() {
    this.world.keys.add('late');
    this.#begin('another key', async (server) => {
      const { status, body } = await reread(server);
      if (status !== 200) this.#objectTo(server, 'another key', status, body);
    });
  }

  /** The server has ended: so does what asked it, before another one starts. */
  async end() {
    for (const command of this.commands) command.child.kill('SIGKILL');
    await Promise.all(this.asked);
  }

  #begin(what, ask) {
    const { server } = this.world;
    const asking = ask(server).catch(async (error) => {
      if (!await this.world.isExcusedSoon(server)) this.world.object(`${what}: ${error.message}`);
    }).finally(() => this.asked.delete(asking));
    this.asked.add(asking);
  }

  #objectTo(server, what, status, body) {
    if (status >= 500 && (this.world.mayFail || this.world.isExcused(server))) return;
    this.world.object(`${what} was answered ${status} ${body}`);
  }

  async #post(server, what, body) {
    const reply = await requestJson(`${server.url}/api/${what}`, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, withinMs: WITHIN_MS });
    if (reply.status !== 200) this.#objectTo(server, what, reply.status, reply.body);
    return reply;
  }

  /** A clock that nobody vouches for removes nothing, and says so: before Twilio has answered, or where it jumped. */
  async #purge(server, trusts) {
    const { status, json, body } = await requestJson(`${server.url}/api/purge`, {
      method: 'POST', body: JSON.stringify(trusts ? { trust_clock: true } : {}), headers: { 'Content-Type': 'application/json' }, withinMs: WITHIN_MS,
    });
    if (status === 503 && json.code === 'upstream_unavailable') return;
    if (status === 409 && trusts && this.world.schedule.isJumping) return;
    if (status !== 200) this.#objectTo(server, 'a purge', status, body);
    else if (json.failed > 0 && !this.world.mayFail) this.world.object(`a purge could not remove ${json.failed}: ${json.failure}`);
  }

  /** As a person does, beside the server: under the same disk, which is to know what it syncs. */
  async #runVerify() {
    const { dataDir, disk, env } = this.world.disk.options;
    const [program, ...args] = [...disk?.enter ?? [], BINARY, 'verify', '--json', '--set', `data_dir=${dataDir}`, '--set', 'auth=none', '--set', 'core_dumps=on'];
    const command = new Program(program, args, { env: { ...CREDENTIALS, ...env } });
    this.commands.add(command);
    const { code, signal } = await command.exited;
    this.commands.delete(command);
    if (command.err.some((line) => SANITIZER.test(line))) this.world.object(`a sanitizer objects:\n${command.err.slice(-60).join('\n')}`);
    // 8: it could not be compared, as where the server is about to end.
    if (signal !== 'SIGKILL' && ![0, 7, 8].includes(code)) this.world.object(`callspool verify ended with ${code}, ${signal}: ${command.said}`);
  }
}
