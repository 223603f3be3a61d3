/*
 * An invitation: /join#SECRET.  The secret is taken out of the address bar at once, and is spent only
 * when a password is sent that the server accepts.
 */
import { complain, normal, onSubmit, send, wordsOf } from '/form.js';
import { showSignIn } from '/sign_in.js';
import { tell } from '/words.js';

const NAME_MAX = 64;
const USUAL_MIN = 15; // password.min, until the server says otherwise

const invitation = location.hash.slice(1);
const parts = { join: document.getElementById('join'), over: document.getElementById('over'), signIn: document.getElementById('sign-in') };
const form = document.getElementById('join-form');
const { name, password, again } = form.elements;

history.replaceState(null, '', location.pathname);
addEventListener('hashchange', () => location.reload()); // another invitation was opened here

function show(part) {
	for (const one of Object.values(parts)) one.hidden = one !== part;
}

function over(title, how) {
	tell(document.getElementById('over-title'), title);
	tell(document.getElementById('over-how'), ...how);
	show(parts.over);
}

function askForName() {
	document.getElementById('name-part').hidden = false;
	tell(document.getElementById('join-title'), 'join_first');
}

const ruleIs = (min) => tell(document.getElementById('rule'), 'join_rule', { min });

/*
 * A password that no rule lets through asks what this invitation is, and leaves it as it is: whoever
 * has no name yet is told so before anything is judged.
 */
async function look() {
	if (!invitation) {
		over('join_empty', ['join_empty_how']);
		return;
	}
	const answer = await send('POST', '/join', { invitation, password: '' });
	if (answer.body.code === 'link_not_found') {
		over('join_spent', ['join_spent_how']);
		return;
	}
	if (answer.body.code === 'bad_request') askForName();
	ruleIs(answer.body.min ?? USUAL_MIN);
	show(parts.join);
	if (!['bad_request', 'password_refused'].includes(answer.body.code)) complain(form, wordsOf(answer));
	(document.getElementById('name-part').hidden ? password : name).focus();
}

function taken(user) {
	show(parts.signIn);
	showSignIn(() => location.replace('/'), { name: user?.name });
	tell(document.getElementById('joined'), 'join_done');
}

function refused(answer) {
	const words = wordsOf(answer);

	if (answer.body.code === 'link_not_found') over('join_spent', ['join_spent_how']);
	else if (answer.body.code === 'bad_request') complain(form, ['join_name_wrong', { n: NAME_MAX }], [name]);
	else if (answer.body.code === 'name_taken') complain(form, words, [name]);
	else complain(form, words, answer.body.code === 'password_refused' ? [password] : []);
}

onSubmit(form, async () => {
	if (password.value !== again.value) {
		complain(form, ['join_differs'], [again]);
		return;
	}
	const body = { invitation, password: normal(password.value) };
	if (!document.getElementById('name-part').hidden) body.name = name.value.trim();
	const answer = await send('POST', '/join', body);
	if (!answer.ok) {
		refused(answer);
		return;
	}
	complain(form);
	form.reset();
	taken(answer.body.user);
});

await look();
document.documentElement.classList.add('started');
