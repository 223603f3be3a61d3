/*
 * A link to one recording: /l/NAME#SECRET, with &t=83 from there on.  The secret never leaves the page but in
 * the body of one request, which makes a visit for this browser; media is asked for when it is played.
 */
import { send, wordsOf } from '/form.js';
import { dateText, say, tell, whenTold } from '/words.js';

const [secret, ...rest] = location.hash.slice(1).split('&');
const from = new URLSearchParams(rest.join('&')).get('t');
const name = location.pathname.split('/')[2];
const audio = document.getElementById('audio');
const parts = { link: document.getElementById('link'), over: document.getElementById('over') };
const DIRECTIONS = new Map([['inbound', 'inbound'], ['outbound-api', 'outbound'], ['outbound-dial', 'outbound']]);

addEventListener('hashchange', () => location.reload());

function over(title, how = []) {
	tell(document.getElementById('over-title'), title);
	tell(document.getElementById('over-how'), ...how);
	parts.link.hidden = true;
	parts.over.hidden = false;
}

const OVER = {
	link_expired: ['link_expired', ['link_new']],
	link_used_up: ['link_used_up', ['link_new']],
	link_not_found: ['link_not_found', ['link_not_found_how']],
	recording_deleted: ['link_gone', ['link_new']],
	recording_expired: ['link_gone', ['link_new']],
	recording_not_found: ['link_gone', ['link_new']],
};

const lengthText = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, '0')}`;

function showFacts(call) {
	const facts = [DIRECTIONS.has(call.direction) && say(DIRECTIONS.get(call.direction)), call.started_at && dateText(call.started_at),
		call.duration && lengthText(call.duration)];

	document.getElementById('facts').textContent = facts.filter(Boolean).join(' · ');
	if (call.from && call.to) tell(document.getElementById('link-title'), 'link_from_to', call);
	if (call.expires_at) tell(document.getElementById('until'), 'link_until', { until: dateText(call.expires_at) });
	else tell(document.getElementById('until'), 'link_alone');
}

async function open() {
	const answer = await send('POST', `/l/${name}/open`, { secret });

	if (!answer.ok) {
		over(...(OVER[answer.body.code] ?? ['link_failed', wordsOf(answer)]));
		return;
	}
	showFacts(answer.body);
	whenTold(() => showFacts(answer.body));
	audio.src = `/l/${name}/media${/^\d+$/.test(from ?? '') ? `#t=${from}` : ''}`;
	parts.link.hidden = false;
}

/* Why it stopped: what was begun may go on, so asking once more costs no play. */
audio.addEventListener('error', async () => {
	const error = document.getElementById('play-error');
	try {
		const answer = await fetch(`/l/${name}/media`, { headers: { Range: 'bytes=0-0' } });
		const code = answer.ok ? null : (await answer.json()).code;
		if (OVER[code]) over(...OVER[code]);
		else tell(error, 'not_played');
	} catch {
		tell(error, 'no_answer');
	}
});
audio.addEventListener('playing', () => tell(document.getElementById('play-error')));

if (secret) await open();
else over('link_not_found', ['link_not_found_how']);
document.documentElement.classList.add('started');
