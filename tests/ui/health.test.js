// What Health and the first run make of what the server tells.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import test, { describe } from 'node:test';
import { load } from './load.js';

const { fullIn, keptFor, shareFromStore } = await load('pages/figures');
const { groupsOf } = await load('pages/checked');
const { causesOf, toneOf, watchHealth, mustSignIn, reachedTwilio, mainRefusal, spanOf, initials } = await load('pages/condition', 'session', 'pages/FirstRun', 'parts/ago', 'parts/initials');

const DEAD = 'There are dead letters: 3 recordings were given up.';
const SIGNATURE = 'Webhooks are refused: their signature does not match public_url and the auth token of their account (1 so far, the last good one never since the start).';

describe('what is wrong', () => {
  test('nothing is good', () => assert.equal(toneOf({ causes: [], degraded: false }), 'good'));
  test('the worst comes first, in whichever order they are told', () => {
    for (const causes of [[DEAD, SIGNATURE], [SIGNATURE, DEAD]]) assert.deepEqual(causesOf({ causes }).map(({ name }) => name), ['signature', 'dead']);
    assert.equal(toneOf({ causes: [DEAD, SIGNATURE], degraded: true }), 'bad');
    assert.equal(toneOf({ causes: [DEAD], degraded: true }), 'warn');
  });
  test('what a newer server tells is a warning in its own words, behind what is known', () => {
    const causes = causesOf({ causes: ['The moon is full.', DEAD] });
    assert.deepEqual(causes.map(({ name, tone }) => [name, tone]), [['dead', 'warn'], [null, 'warn']]);
    assert.equal(causes[1].text, 'The moon is full.');
  });
  test('each cause that the server has is told by a name of its own', () => {
    const source = readFileSync(new URL('../../src/web/health.c', import.meta.url), 'utf8');
    const texts = [...source.matchAll(/\badd\(causes,\s*((?:"[^"]*"\s*)+)/g)].map(([, literals]) => literals.replace(/"\s*"|^"|"\s*$/g, ''));
    const troubles = [...source.matchAll(/judge_trouble\([^,]+, "([^"]+)", causes\)/g)].map(([, what]) => what);
    const causes = [...texts.filter((text) => !text.startsWith('%s')), ...troubles].map((text) => text.replace(/%lld|%u/g, '3').replace(/notify_url %s/, 'notify_url were').replace(/%(\.\d+)?s/g, 'x'));
    assert.ok(causes.length > 22, causes.join('\n'));
    const named = causesOf({ causes });
    assert.deepEqual(named.filter(({ name }) => name === null).map(({ text }) => text), []);
    assert.equal(new Set(named.map(({ name }) => name)).size, causes.length);
  });
  test('degraded without a cause is not good', () => assert.equal(toneOf({ causes: [], degraded: true }), 'warn'));
});

test('it is asked for every so often, but not while nobody is signed in', async (t) => {
  const { setInterval, clearInterval, fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { setInterval, clearInterval, fetch }));
  const asked = [];
  let comes;
  Object.assign(globalThis, {
    document: { visibilityState: 'visible', addEventListener() {}, removeEventListener() {} },
    setInterval: (act) => { comes = act; },
    clearInterval() {},
    fetch: async (address) => {
      asked.push(address);
      return new Response(JSON.stringify({ causes: [], degraded: false }));
    },
  });
  const end = watchHealth(10_000);
  comes();
  assert.deepEqual(asked, ['/api/health', '/api/health']);
  mustSignIn.set(true);
  comes();
  assert.equal(asked.length, 2);
  mustSignIn.set(false);
  comes();
  assert.equal(asked.length, 3);
  end();
});

describe('checks by group', () => {
  const check = (group, name, result, severity) => ({ group, check: name, result, ...(severity ? { severity, says: name } : {}) });
  const groups = groupsOf([
    check('services', 'answers', 'good'), check('services', 'disk', 'good'), check('proxy', 'buffering', 'finding', 'weakens'), check('proxy', 'range', 'finding', 'breaks'), check('proxy', 'websocket', 'good'),
    check('limits', 'chain', 'unchecked'), check('playback', 'cors', 'left_out'),
  ]);
  test('in their order, what breaks first', () => assert.deepEqual(groups.map(({ name, tone, good, done }) => [name, tone, good, done]), [['services', 'good', 2, 2], ['proxy', 'bad', 1, 3], ['limits', 'warn', 0, 1], ['playback', 'none', 0, 0]]));
  test('the worst finding stands above', () => assert.deepEqual(groups[1].findings.map(({ check: name }) => name), ['range', 'buffering']));
});

describe('figures', () => {
  for (const [what, plays, share] of [
    ['an older server', undefined, null], ['too few', { from_store: 19, all: 19 }, null], ['all', { from_store: 20, all: 20 }, 100], ['never said to be more', { from_store: 999, all: 1000 }, 99],
  ]) test(`plays from the store: ${what}`, () => assert.equal(shareFromStore({ plays }), share));

  const now = Date.parse('2026-11-21T12:00:00Z');
  for (const [what, at, free, told] of [
    ['not known', null, 100, null], ['an older server', undefined, 100, null], ['full already', '2026-11-21T12:00:00Z', 10, null],
    ['soon', '2026-11-21T17:30:00Z', 100, { value: 5, unit: 'h', isSoon: true }], ['in days', '2026-12-21T12:00:00Z', 100, { value: 30, unit: 'd', isSoon: false }], ['in years', '2036-01-01T00:00:00Z', 100, null],
  ]) test(`the disk is full: ${what}`, () => assert.deepEqual(fullIn({ disk_full_at: at, free_bytes: free, min_free_bytes: 10 }, now), told));
});

describe('for how long recordings are kept', () => {
  for (const [what, s, expected] of [['for ever', null, null], ['a week', 7 * 86_400, { value: 7, unit: 'd' }], ['a day', 86_400, { value: 1, unit: 'd' }], ['36 hours', 36 * 3600, { value: 36, unit: 'h' }], ['nothing', 0, { value: 0, unit: 's' }]]) {
    test(what, () => assert.deepEqual(keptFor(s), expected));
  }
});

describe('the first run', () => {
  const complete = { listed_at: null, failing_since: null };
  for (const [what, told, state] of [
    ['nothing is known before the list was read', { complete }, 'open'],
    ['the list was read', { complete: { ...complete, listed_at: '2026-11-21T14:00:00Z' } }, 'done'],
    ['the list cannot be read', { complete: { ...complete, failing_since: '2026-11-21T14:00:00Z' } }, 'wrong'],
    ['credentials are refused', { complete: { ...complete, listed_at: '2026-11-21T14:00:00Z' }, fetching: { accounts_refused: 1 } }, 'wrong'],
  ]) test(what, () => assert.equal(reachedTwilio(told), state));

  test('of what was refused, the most frequent reason is told', () => {
    assert.deepEqual(mainRefusal({ unsigned: 1, unknown_account: 0, wrong_signature: 4, no_public_url: 0 }), { reason: 'wrong_signature', times: 4 });
    assert.equal(mainRefusal({ unsigned: 0, unknown_account: 0, wrong_signature: 0, no_public_url: 0 }), null);
    assert.equal(mainRefusal(undefined), null);
  });
});

describe('how long ago', () => {
  for (const [s, value, unit] of [[-5, 0, 's'], [48, 48, 's'], [89.9, 89, 's'], [90, 1, 'min'], [5399, 89, 'min'], [5400, 1, 'h'], [172_799, 47, 'h'], [172_800, 2, 'd']]) {
    test(`${s} s`, () => assert.deepEqual(spanOf(s), { value, unit }));
  }
});

describe('initials', () => {
  for (const [name, letters] of [['dana', 'D'], ['dana.katz', 'DK'], ['Dana Ruth Katz', 'DK'], ['noa@example.com', 'NC'], ['דנה כץ', 'דכ'], ['__', ''], ['𝒟ana', '𝒟']]) {
    test(name, () => assert.equal(initials(name), letters));
  }
});
