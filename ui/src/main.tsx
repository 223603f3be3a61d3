// The page of calls.
import { render } from 'preact';
import './trusted';
import { Frame } from './frame/Frame';
import { calls } from './list/calls';
import { startClock, today } from './list/clock';
import { filterOf } from './list/filter';
import { Gate } from './pages/Gate';
import { askSession } from './session';
import { startView, view } from './view';
import { startWords } from './words';

startView();
startClock();
calls.show(filterOf(view.value, today.value)); // on its way while the rest begins
const known = askSession().catch(() => {}); // the gate asks again
void Promise.all([startWords(), known]).then(() => {
	render(<Gate>{() => <Frame />}</Gate>, document.getElementById('page')!);
	document.getElementById('later')?.setAttribute('media', 'all');
});
