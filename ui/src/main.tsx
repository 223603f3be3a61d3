// The page of calls.
import { render } from 'preact';
import './trusted';
import { Frame } from './frame/Frame';
import { calls } from './list/calls';
import { startClock, today } from './list/clock';
import { filterOf } from './list/filter';
import { Gate } from './pages/Gate';
import { askSession, startSession } from './session';
import { startView, view } from './view';
import { startWords } from './words';

const ROWS_MS = 100;

/** The first page of calls is here, or it takes long: what is drawn twice is painted twice. */
function firstRows(): Promise<void> {
	return new Promise((done) => {
		const end = calls.state.listen(() => {
			end();
			done();
		});
		setTimeout(done, ROWS_MS);
	});
}

/** What was left out of the first paint: it makes the whole page be styled anew. */
function afterFirstPaint(): void {
	requestAnimationFrame(() => setTimeout(() => document.getElementById('later')?.setAttribute('media', 'all')));
}

startView();
startSession();
startClock();
calls.show(filterOf(view.value, today.value)); // on its way while the rest begins
const rows = firstRows();
const known = askSession().catch(() => {}); // the gate asks again
void Promise.all([startWords(), known, rows]).then(() => {
	render(<Gate>{() => <Frame />}</Gate>, document.getElementById('page')!);
	afterFirstPaint();
});
