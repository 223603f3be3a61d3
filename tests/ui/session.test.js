// Who is signed in, and what stays on the page when somebody is not any more; what stands in the address of a link.
import assert from 'node:assert';
import test, { beforeEach, describe } from 'node:test';
import { load } from './load.js';

let answers = [];
let reloads = 0;
globalThis.location = { reload: () => { reloads += 1; } };
globalThis.fetch = async (address, { method = 'GET', body } = {}) => {
  const { status = 200, json = {} } = answers.shift() ?? {};
  asked.push([method, address, body && JSON.parse(body)]);
  return new Response(status === 204 ? null : JSON.stringify(json), { status });
};
const asked = [];
let look;
globalThis.document = { hidden: false, addEventListener: (name, told) => { look = told; } };
const { session, mustSignIn, startSession, askSession, signIn, signOut, may, putAwaySignIn, ask, addressOf, shutBy, ApiError } = await load('session', 'api', 'pages/opened');

const dana = { json: { auth: 'password', signed_in: true, user: { name: 'dana', full_name: '', role: 'listener', rights: 'play,read,link' } } };
const nobody = { json: { auth: 'password', signed_in: false } };
const unknown = { status: 401, json: { code: 'unauthenticated', error: 'Nobody is known.' } };

beforeEach(() => {
  answers = [];
  asked.length = 0;
  reloads = 0;
  session.set(null);
  mustSignIn.set(false);
});

describe('who is signed in', () => {
  test('rights come as one text', async () => {
    answers = [dana];
    await askSession();
    assert.deepEqual([may('link'), may('change'), may('ea')], [true, false, false]);
  });

  test('nobody has no right', async () => {
    answers = [nobody];
    await askSession();
    assert.equal(may('read'), false);
    assert.equal(mustSignIn.value, false, 'nobody was here before');
  });

  test('after a 401 what is on the page stays, and the form comes over it', async () => {
    answers = [dana, unknown];
    await askSession();
    await assert.rejects(ask('/api/calls'));
    assert.equal(mustSignIn.value, true);
    assert.equal(session.value.user.name, 'dana');
  });

  test('the form that was put away does not come again at once', async () => {
    answers = [dana, unknown, unknown];
    await askSession();
    await assert.rejects(ask('/api/calls'));
    putAwaySignIn();
    await assert.rejects(ask('/api/calls'));
    assert.equal(mustSignIn.value, false);
  });

  test('a 401 before anybody was here is no news', async () => {
    answers = [unknown];
    await assert.rejects(ask('/api/calls'));
    assert.equal(mustSignIn.value, false);
  });

  test('the same one again: the form goes, nothing is loaded anew', async () => {
    answers = [dana, { json: { success: true } }, dana];
    await askSession();
    mustSignIn.set(true);
    await signIn(' dana ', 'pass\u212b'); // the sign for angstrom
    assert.deepEqual(asked[1], ['POST', '/api/session', { name: 'dana', password: 'pass\u00c5' }]);
    assert.deepEqual([mustSignIn.value, reloads], [false, 0]);
  });

  test('a browser that keeps no cookie is told so', async () => {
    answers = [{ json: { success: true } }, nobody];
    await assert.rejects(signIn('dana', 'x'), { code: 'no_cookie' });
  });

  test('who is gone by the next question stays on the page, under the form', async () => {
    answers = [dana, nobody];
    await askSession();
    await askSession();
    assert.deepEqual([session.value.user.name, mustSignIn.value], ['dana', true]);
  });

  test('signed in in another window: so it is here, as soon as this one is looked at again', async () => {
    answers = [dana, dana];
    await askSession();
    startSession();
    look();
    assert.equal(asked.length, 1, 'nothing is asked while one is signed in');
    mustSignIn.set(true);
    document.hidden = true;
    look();
    assert.equal(asked.length, 1, 'nor while nobody looks');
    document.hidden = false;
    look();
    await new Promise((done) => setImmediate(done));
    assert.deepEqual([asked.length, mustSignIn.value], [2, false]);
  });

  test('another one: nothing of what the one before saw may stay', async () => {
    answers = [dana, { json: { success: true } }, { json: { ...dana.json, user: { ...dana.json.user, name: 'noa' } } }];
    await askSession();
    await signIn('noa', 'x');
    assert.equal(reloads, 1);
  });

  for (const [what, answer] of [['signing out', { json: { success: true } }], ['signing out when one was out already', unknown]]) {
    test(`${what} leaves nobody, and asks for nothing`, async () => {
      answers = [dana, answer];
      await askSession();
      await signOut();
      assert.deepEqual([session.value, mustSignIn.value], [{ auth: 'password', signed_in: false, user: null }, false]);
    });
  }

  test('signing out that failed leaves one signed in', async () => {
    answers = [dana, { status: 500, json: { code: 'internal' } }];
    await askSession();
    await assert.rejects(signOut());
    assert.equal(session.value.signed_in, true);
  });
});

describe('the address of a link', () => {
  for (const [hash, expected] of [
    ['#secret', { secret: 'secret', fromS: 0, recordingSid: '' }],
    ['#secret&t=83', { secret: 'secret', fromS: 83, recordingSid: '' }],
    ['#secret&t=83.5', { secret: 'secret', fromS: 83.5, recordingSid: '' }],
    ['#secret&t=-3', { secret: 'secret', fromS: 0, recordingSid: '' }],
    ['#secret&t=1e9', { secret: 'secret', fromS: 0, recordingSid: '' }],
    ['#secret&t=5&recording=RE1', { secret: 'secret', fromS: 5, recordingSid: 'RE1' }],
    ['', { secret: '', fromS: 0, recordingSid: '' }],
    ['#&t=3', { secret: '', fromS: 3, recordingSid: '' }],
  ]) test(hash || 'none', () => assert.deepEqual(addressOf(hash), expected));

  test('what is over is told of as over, and a server that is down is not', () => {
    const of = (code) => shutBy(new ApiError(code, '', 410, 0, null)) !== null;
    assert.deepEqual(['link_expired', 'link_used_up', 'link_not_found', 'recording_deleted', 'recording_expired', 'recording_not_found'].map(of), Array(6).fill(true));
    const ofOne = (code) => shutBy(new ApiError(code, '', 410, 0, null), true) !== null;
    assert.deepEqual(['link_expired', 'link_not_found', 'recording_deleted', 'recording_expired'].map(ofOne), [true, true, false, false], 'one of several may be gone');
    assert.deepEqual(['internal', 'upstream_unavailable', 'no_answer'].map(of), Array(3).fill(false));
  });
});
