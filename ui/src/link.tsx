// The page of a link.
import { render } from 'preact';
import './trusted';
import { startWords, useWords } from './words';

function App() {
	const { common } = useWords();
	return <main>{common.loading}</main>;
}

void startWords().then(() => render(<App />, document.getElementById('page')!));
