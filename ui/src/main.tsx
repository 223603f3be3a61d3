// The page of calls.
import { render } from 'preact';
import './trusted';
import { Frame } from './frame/Frame';
import { startView } from './view';
import { startWords } from './words';

startView();
void startWords().then(() => render(<Frame />, document.getElementById('page')!));
