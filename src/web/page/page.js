/*
 * The calls, newest first, each with its recording.  Asks again every two seconds and changes
 * only the rows that changed, so that what plays goes on playing.
 */
const POLL_MS = 2000;
const PAGE = 50;

const list = document.getElementById('calls');
const state = document.getElementById('state');
const more = document.getElementById('more');
const template = document.getElementById('row');
const rows = new Map(); // call SID -> { element, seen }: what is shown, and what it was made from
let older = null; // the cursor behind the last row

const DIRECTIONS = { inbound: 'Inbound', 'outbound-api': 'Outbound', 'outbound-dial': 'Outbound' };

const length = (seconds) =>
	seconds === null ? '' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

function note(text, kind) {
	const element = document.createElement('span');
	element.className = kind;
	element.textContent = text;
	return element;
}

function player(call) {
	const audio = document.createElement('audio');
	audio.controls = true;
	audio.preload = 'none';
	audio.src = `/api/calls/${call.call_sid}/download`;
	audio.setAttribute('aria-label', `Recording of the call from ${call.from ?? 'unknown'} to ${call.to ?? 'unknown'}`);
	return audio;
}

/* Whatever may still come can be played: it is fetched at once when somebody wants it. */
function recording(call) {
	const main = call.recordings[0];
	if (!main) return note('none', 'quiet');
	if (main.expired) return note('expired', 'quiet');
	if (['stored', 'queued', 'waiting'].includes(main.state)) return player(call);
	if (main.state === 'announced') return note('being recorded', 'quiet');
	return note(main.reason?.text || main.state, 'why');
}

/* What the recording cell depends on: unless it changes, the player is left alone. */
const audible = (call) => JSON.stringify(call.recordings.map((r) => [r.recording_sid, r.expired,
	['stored', 'queued', 'waiting'].includes(r.state) ? 'playable' : r.state]));

function show(call, before) {
	const known = rows.get(call.call_sid);
	const element = known?.element ?? template.content.firstElementChild.cloneNode(true);
	const cell = (name) => element.querySelector(`.${name}`);
	const when = element.querySelector('time');

	when.dateTime = call.started_at;
	when.textContent = new Date(call.started_at).toLocaleString();
	cell('direction').textContent = DIRECTIONS[call.direction] ?? call.direction ?? '';
	cell('from').textContent = call.from ?? '';
	cell('to').textContent = call.to ?? '';
	cell('length').textContent = length(call.duration);
	cell('status').textContent = call.status ?? '';
	if (known?.seen !== audible(call)) cell('recording').replaceChildren(recording(call));
	if (!known) {
		element.dataset.callSid = call.call_sid;
		list.insertBefore(element, before);
	}
	rows.set(call.call_sid, { element, seen: audible(call) });
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
		for (const call of calls) before = show(call, before).nextElementSibling;
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
	for (const call of calls) show(call, null);
	older = next;
	more.hidden = !older;
});

refresh();
