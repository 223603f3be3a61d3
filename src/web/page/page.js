/*
 * The calls, newest first, each with its recordings.  Asks again every two seconds and changes
 * only the rows that changed, so that what plays goes on playing.
 *
 * Before that it asks who is signed in; where nobody is, the form stands in the list's place.
 */
import { send, wordsOf } from '/form.js';
import { showSignIn } from '/sign_in.js';
import { dateText, say, tell, whenTold } from '/words.js';

const POLL_MS = 2000;
const PAGE = 50;

const list = document.getElementById('calls');
const state = document.getElementById('state');
const more = document.getElementById('more');
const template = document.getElementById('row');
const rows = new Map(); // call SID -> { element, recordings: Map of recording SID -> { element, seen } }
let older = null; // the cursor behind the last row
let mayLink = false; // whoever is signed in may make links
let turn = 0; // of the list: what an earlier one was told is too late

const DIRECTIONS = new Map([['inbound', 'inbound'], ['outbound-api', 'outbound'], ['outbound-dial', 'outbound']]);

const PLAYABLE = ['stored', 'queued', 'waiting'];
const SETTLED = ['stored', 'absent', 'dead', 'gone', 'purged'];

const length = (seconds) =>
	seconds === null || seconds === undefined ? '' : `${Math.floor(seconds / 60)}:${String(Math.round(seconds) % 60).padStart(2, '0')}`;

function note(text, kind) {
	const element = document.createElement('span');
	element.className = kind;
	element.textContent = text;
	return element;
}

/* Why it cannot be played, as the server says it where the player would be given sound. */
async function reason(source) {
	try {
		const answer = await fetch(source, { headers: { Range: 'bytes=0-0' } });
		return answer.ok ? say('not_played') : (await answer.json()).error;
	} catch {
		return say('server_silent');
	}
}

/* Under a player that failed: why, and once more. */
async function offerAgain(box, audio) {
	if (box.querySelector('.failed')) return;
	const failed = note('', 'failed why');
	const again = document.createElement('button');

	again.type = 'button';
	again.textContent = say('try_again');
	again.addEventListener('click', () => {
		failed.remove();
		audio.load();
		audio.play().catch(() => {}); // its own error event tells
	});
	box.append(failed);
	failed.append(await reason(audio.src), ' ', again);
}

async function copyText(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return false; // without TLS, or not allowed: it stands there to be copied by hand
	}
}

/* Makes a link to the recording, from where it stands now, and shows it under the player. */
async function makeLink(box, audio, recording) {
	const answer = await send('POST', '/api/links', { recording_sid: recording.recording_sid });
	const made = document.createElement('div');
	const words = document.createElement('span');

	box.querySelector('.link')?.remove();
	made.className = 'link';
	words.setAttribute('role', 'status');
	made.append(words);
	box.append(made);
	if (!answer.ok) {
		tell(words, ...wordsOf(answer));
		return;
	}
	const from = Math.floor(audio.currentTime);
	const field = document.createElement('input');
	field.readOnly = true;
	field.dir = 'ltr';
	field.setAttribute('aria-label', say('link_address'));
	field.value = from > 0 ? `${answer.body.url}&t=${from}` : answer.body.url;
	made.append(field);
	const isCopied = await copyText(field.value);
	tell(words, isCopied ? 'link_copied' : 'link_made', { until: dateText(answer.body.expires_at) });
	field.select();
}

function linkButton(box, audio, recording) {
	const button = document.createElement('button');

	button.type = 'button';
	button.className = 'make-link';
	tell(button, 'link');
	button.addEventListener('click', async () => {
		button.disabled = true; // one press, one link
		await makeLink(box, audio, recording);
		button.disabled = false;
	});
	return button;
}

function player(call, recording) {
	const box = document.createElement('div');
	const audio = document.createElement('audio');

	box.className = 'player';
	audio.controls = true;
	audio.preload = 'none';
	audio.src = `/api/calls/${call.call_sid}/download?recording=${recording.recording_sid}`;
	audio.setAttribute('aria-label', say('recording_of', { from: call.from ?? say('unknown'), to: call.to ?? say('unknown') }));
	audio.addEventListener('error', () => offerAgain(box, audio));
	box.append(audio, note(length(recording.measured_duration ?? recording.duration), 'quiet length'));
	if (mayLink) box.append(linkButton(box, audio, recording));
	return box;
}

/* Whatever may still come can be played: it is fetched at once when somebody wants it. */
function recordingElement(call, recording) {
	if (recording.expired) return note(say('expired'), 'quiet');
	if (PLAYABLE.includes(recording.state)) return player(call, recording);
	if (recording.state === 'announced') return note(say('being_recorded'), 'quiet');
	return note(recording.reason?.text || recording.state, 'why');
}

/* What a recording's element depends on: unless it changes, the player is left alone. */
const audible = (recording) => JSON.stringify([recording.expired, PLAYABLE.includes(recording.state) ? 'playable' : recording.state]);

function showRecordings(row, call, recordings) {
	const cell = row.element.querySelector('.recording');

	for (const [sid, shown] of row.recordings) {
		if (recordings.some((recording) => recording.recording_sid === sid)) continue;
		shown.element.remove();
		row.recordings.delete(sid);
	}
	cell.querySelector(':scope > .none')?.remove();
	if (recordings.length === 0) cell.append(note(say('none'), 'quiet none'));
	for (const recording of recordings) {
		const shown = row.recordings.get(recording.recording_sid);
		const seen = audible(recording);

		if (shown?.seen === seen) {
			const known = shown.element.querySelector('.length');
			if (known) known.textContent = length(recording.measured_duration ?? recording.duration);
			continue;
		}
		const element = recordingElement(call, recording);
		if (shown) shown.element.replaceWith(element);
		else cell.append(element);
		row.recordings.set(recording.recording_sid, { element, seen });
	}
}

/* The list has the main recording alone; the others are asked for until nothing about them can change. */
async function askForAll(row, call) {
	const known = JSON.stringify(call.recordings) + call.recording_count;
	if (row.asked === known && row.isSettled) return;
	const answer = await fetch(`/api/calls/${call.call_sid}`);
	if (!answer.ok) return;
	const { recordings } = await answer.json();
	row.asked = known;
	row.isSettled = recordings.every((recording) => SETTLED.includes(recording.state));
	showRecordings(row, call, recordings);
}

function address(cell, text) {
	cell.firstElementChild.textContent = text ?? '';
	cell.title = text ?? ''; // a long one is cut
}

async function show(call, before) {
	const known = rows.get(call.call_sid);
	const element = known?.element ?? template.content.firstElementChild.cloneNode(true);
	const cell = (name) => element.querySelector(`.${name}`);
	const when = element.querySelector('time');
	const row = known ?? { element, recordings: new Map() };

	when.dateTime = call.started_at;
	when.textContent = dateText(call.started_at, 'medium');
	cell('direction').textContent = DIRECTIONS.has(call.direction) ? say(DIRECTIONS.get(call.direction)) : call.direction ?? '';
	address(cell('from'), call.from);
	address(cell('to'), call.to);
	cell('call-length').textContent = length(call.duration);
	cell('status').textContent = call.status ?? '';
	if (!known) {
		element.dataset.callSid = call.call_sid;
		list.insertBefore(element, before);
		rows.set(call.call_sid, row);
	}
	if (call.recording_count > 1) await askForAll(row, call);
	else showRecordings(row, call, call.recordings);
	return element;
}

async function ask(query) {
	const answer = await fetch(`/api/calls?limit=${PAGE}${query}`);
	const body = await answer.json();
	if (answer.status === 401) await start(['signed_out']);
	if (!answer.ok) throw new Error(body.error);
	return body;
}

async function refresh(mine) {
	try {
		const { calls, next } = await ask('');
		if (mine !== turn) return;
		let before = list.firstElementChild;
		for (const call of calls) before = (await show(call, before)).nextElementSibling;
		if (older === null) older = next;
		more.hidden = !older;
		tell(state, rows.size === 0 ? 'no_calls' : undefined);
	} catch (error) {
		if (mine === turn) tell(state, 'list_failed', { why: error.message });
	}
	if (mine === turn) setTimeout(() => refresh(mine), POLL_MS);
}

more.addEventListener('click', async () => {
	const { calls, next } = await ask(`&after=${encodeURIComponent(older)}`);
	for (const call of calls) await show(call, null);
	older = next;
	more.hidden = !older;
});

function clear() {
	for (const { element } of rows.values()) element.remove();
	rows.clear();
	older = null;
	more.hidden = true;
}

/* One of: the list, the form, the word about the proxy. */
function showPart(name) {
	document.getElementById('open').hidden = name !== 'open';
	document.getElementById('shut').hidden = name === 'open';
	for (const part of ['sign-in', 'proxy']) document.getElementById(part).hidden = name !== part;
}

function showList({ auth, user }) {
	const who = document.getElementById('who');

	mayLink = user.rights.split(',').includes('link');
	tell(who, auth === 'none' ? undefined : 'signed_in_as', { name: user.full_name || user.name });
	document.getElementById('nobody').hidden = auth !== 'none';
	document.getElementById('sign-out').hidden = auth !== 'password';
	tell(state, 'loading');
	showPart('open');
	refresh(turn);
}

/* Asks who is signed in, and shows what is theirs to see.  `words`: what has just happened. */
async function start(words) {
	turn += 1;
	const mine = turn;
	const answer = await send('GET', '/api/session');

	if (mine !== turn) return;
	if (!answer.ok) {
		tell(state, ...wordsOf(answer));
		setTimeout(() => mine === turn && start(words), POLL_MS);
	} else if (answer.body.signed_in) {
		showList(answer.body);
	} else {
		clear();
		showPart(answer.body.auth === 'proxy' ? 'proxy' : 'sign-in');
		if (answer.body.auth !== 'proxy') showSignIn(start, { words });
	}
}

document.getElementById('sign-out').addEventListener('click', async () => {
	const answer = await send('DELETE', '/api/session');
	if (answer.ok) await start();
	else tell(state, ...wordsOf(answer));
});
document.getElementById('reload').addEventListener('click', () => location.reload());

/* Rows are made anew: a player that plays is not worth a word in the other language, but a list is. */
whenTold(() => {
	if (document.getElementById('open').hidden) return;
	clear();
	start();
});

await start();
document.documentElement.classList.add('started');
