// Who reads the list of calls, page by page, from either end or from somewhere between, filtered or not, each page at any process.
import { setTimeout as pause } from 'node:timers/promises';
import { requestJson } from '../server/harness/http.js';
import { Client, rowOf } from './listeners.js';

const OLDEST = '0.1'; // the place behind which all are newer
const PAGES_MOST = 6;
const WHOLE_LIMIT = 50;
const DIGITS = 6;

/** Whatever the end of a run is asked for, too: all ways that a page is read (src/listing). */
export const FILTERS = [
  {}, { direction: 'inbound' }, { direction: 'outbound' }, { state: 'stored' }, { state: 'pending' }, { state: 'absent' }, { state: 'failed' }, { state: 'deleted' }, { state: 'none' }, { state: 'held' },
  { state: 'stored', direction: 'outbound' }, { state: 'deleted', direction: 'inbound' },
];

/** Of a number as Twilio writes it: what a person might type; undefined: it has none. */
function digitsOf(number) {
  const digits = (number ?? '').replace(/\D/g, '').slice(-DIGITS).replace(/^0+/, '');
  return digits.length >= 4 ? digits : undefined;
}

async function readPage(world, member, { side, filter, place, limit, walk, withinMs }) {
  const query = new URLSearchParams({ ...filter, limit, ...(place ? { [side === 'older' ? 'after' : 'before']: place } : {}) });
  const from = world.history.now();
  const reply = await requestJson(`${member.url}/api/calls?${query}`, { withinMs }).catch((error) => ({ error }));
  const about = { process: member.name, from, side, filter, place, limit, walk };
  if (reply.status !== 200) {
    world.history.add('list', { ...about, wrong: world.isWrong(reply) });
    return undefined;
  }
  const { calls, next, previous } = reply.json;
  return world.history.add('list', { ...about, rows: calls.map(rowOf), beyond: side === 'older' ? next : previous });
}

export class Lister extends Client {
  async round() {
    const { world, dice } = this;
    const side = dice.pick(['older', 'newer']);
    const known = dice.chance(50) ? this.last?.rows : undefined;
    const digits = known?.length > 0 && dice.chance(40) ? digitsOf(dice.pick(known)[dice.pick(['from', 'to'])]) : undefined;
    const filter = digits ? { number: digits } : dice.chance(40) ? {} : dice.pick(FILTERS);
    const limit = dice.pick([1, 3, 10, 50]);
    let place = known?.length > 0 && dice.chance(50) ? dice.pick(known).key : side === 'newer' ? OLDEST : undefined;
    for (let pages = 0; pages < PAGES_MOST && !this.isOver; pages += 1) {
      const page = await readPage(world, world.someMember(dice), { side, filter, place, limit, withinMs: this.withinMs });
      await pause(dice.between(50, 400));
      if (!page) return;
      if (page.rows.length > 0) this.last = page;
      place = page.beyond;
      if (!place) return;
    }
  }
}

/** All of it at each of them, once nothing changes any more. */
export async function listWhole(world) {
  let walk = 0;
  for (const member of world.members) {
    for (const [filter, side] of FILTERS.flatMap((one) => [[one, 'older'], [one, 'newer']])) {
      walk += 1;
      for (let place = side === 'newer' ? OLDEST : undefined, isFirst = true; isFirst || place; isFirst = false) {
        const page = await readPage(world, member, { side, filter, place, limit: WHOLE_LIMIT, walk, withinMs: 60_000 });
        if (!page) world.history.add('wrong', { wrong: `${member.name} does not list its calls, though nothing is wrong any more` });
        place = page?.beyond;
      }
    }
  }
}
