// The catalogue: every word in both languages, and none of them by mistake in the other one.
import assert from 'node:assert';
import test from 'node:test';
import { load } from './load.js';

const areas = (language) => load(`words/${language}/index`, `words/${language}/details`, `words/${language}/pages`);
const [english, hebrew] = await Promise.all([areas('en'), areas('he')]);

/** [path, text or function] of all words. */
function flat(words, path = '') {
  return Object.entries(words).flatMap(([name, value]) => (typeof value === 'object' ? flat(value, `${path}${name}.`) : [[`${path}${name}`, value]]));
}
const kinds = (words) => Object.fromEntries(flat(words).map(([path, value]) => [path, typeof value]));
const inEnglish = flat(english);
const inHebrew = Object.fromEntries(flat(hebrew));

// What is the same in both: names, and the word for the other language.
const SAME = [/^common\.callspool$/, /^common\.otherLanguage$/];

test('the two have the same words', () => assert.deepEqual(kinds(hebrew), kinds(english)));

test('no text is empty', () => {
  for (const [path, value] of [...inEnglish, ...Object.entries(inHebrew)]) if (typeof value === 'string') assert.notEqual(value.trim(), '', path);
});

test('Hebrew is Hebrew and English is not', () => {
  for (const [path, value] of inEnglish) {
    if (typeof value !== 'string' || SAME.some((one) => one.test(path))) continue;
    assert.doesNotMatch(value, /[א-ת]/, path);
    if (/[a-z]{2}/i.test(value.replace(/callspool|Twilio|webhook|A–B/gi, ''))) assert.match(inHebrew[path], /[א-ת]/, path);
  }
});
