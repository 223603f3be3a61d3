/*
 * The calls, newest first, each with its recordings.  Asks again every two seconds and changes
 * only the rows that changed, so that what plays goes on playing.
 */
const POLL_MS = 2000;
const PAGE = 50;

const list = document.getElementById('calls');
const state = document.getElementById('state');
const more = document.getElementById('more');
const template = document.getElementById('row');
const rows = new Map(); // call SID -> { element, recordings: Map of recording SID -> { element, seen } }
let older = null; // the cursor behind the last row

const DIRECTIONS = { inbound: 'Inbound', 'outbound-api': 'Outbound', 'outbound-dial': 'Outbound' };

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
		return answer.ok ? 'It could not be played.' : (await answer.json()).error;
	} catch {
		return 'The server does not answer.';
	}
}

/* Under a player that failed: why, and once more. */
async function offerAgain(box, audio) {
	if (box.querySelector('.failed')) return;
	const failed = note('', 'failed why');
	const again = document.createElement('button');

	again.type = 'button';
	again.textContent = 'Try again';
	again.addEventListener('click', () => {
		failed.remove();
		audio.load();
		audio.play().catch(() => {}); // its own error event tells
	});
	box.append(failed);
	failed.append(await reason(audio.src), ' ', again);
}

function player(call, recording) {
	const box = document.createElement('div');
	const audio = document.createElement('audio');

	box.className = 'player';
	audio.controls = true;
	audio.preload = 'none';
	audio.src = `/api/calls/${call.call_sid}/download?recording=${recording.recording_sid}`;
	audio.setAttribute('aria-label', `Recording of the call from ${call.from ?? 'unknown'} to ${call.to ?? 'unknown'}`);
	audio.addEventListener('error', () => offerAgain(box, audio));
	box.append(audio, note(length(recording.measured_duration ?? recording.duration), 'quiet length'));
	return box;
}

/* Whatever may still come can be played: it is fetched at once when somebody wants it. */
function recordingElement(call, recording) {
	if (recording.expired) return note('expired', 'quiet');
	if (PLAYABLE.includes(recording.state)) return player(call, recording);
	if (recording.state === 'announced') return note('being recorded', 'quiet');
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
	if (recordings.length === 0) cell.append(note('none', 'quiet none'));
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
	cell.textContent = text ?? '';
	cell.title = text ?? ''; // a long one is cut
}

async function show(call, before) {
	const known = rows.get(call.call_sid);
	const element = known?.element ?? template.content.firstElementChild.cloneNode(true);
	const cell = (name) => element.querySelector(`.${name}`);
	const when = element.querySelector('time');
	const row = known ?? { element, recordings: new Map() };

	when.dateTime = call.started_at;
	when.textContent = new Date(call.started_at).toLocaleString();
	cell('direction').textContent = DIRECTIONS[call.direction] ?? call.direction ?? '';
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
	if (!answer.ok) throw new Error(body.error);
	return body;
}

async function refresh() {
	try {
		const { calls, next } = await ask('');
		let before = list.firstElementChild;
		for (const call of calls) before = (await show(call, before)).nextElementSibling;
		if (older === null) older = next;
		more.hidden = !older;
		state.textContent = rows.size === 0 ? 'No calls yet.' : '';
	} catch (error) {
		state.textContent = `The server does not answer: ${error.message}`;
	}
	setTimeout(refresh, POLL_MS);
}

more.addEventListener('click', async () => {
	const { calls, next } = await ask(`&after=${encodeURIComponent(older)}`);
	for (const call of calls) await show(call, null);
	older = next;
	more.hidden = !older;
});

refresh();
