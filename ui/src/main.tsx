// The page of calls.
import { render } from 'preact';
import './trusted';
import { Frame } from './frame/Frame';
import { startClock } from './list/clock';
import { Gate } from './pages/Gate';
import { startView } from './view';
import { startWords } from './words';

startView();
startClock();
void startWords().then(() => render(<Gate>{() => <Frame />}</Gate>, document.getElementById('page')!));
