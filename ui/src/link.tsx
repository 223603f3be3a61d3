// The page of a link: /l/NAME#SECRET, with &t=83 from there on.  The secret never leaves the page but in the body of one
// request, which makes a visit for this browser; media is asked for when it is played.
import './trusted';
import { LinkPage } from './pages/LinkPage';
import { addressOf } from './pages/opened';
import { startPage } from './pages/start';

addEventListener('hashchange', () => location.reload());

void startPage(<LinkPage name={location.pathname.split('/')[2] ?? ''} {...addressOf(location.hash)} />);
