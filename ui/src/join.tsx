// The page of an invitation: /join#SECRET.  The secret is taken out of the address bar at once.
import './trusted';
import { Join } from './pages/Join';
import { startPage } from './pages/start';

const invitation = location.hash.slice(1);

history.replaceState(null, '', location.pathname);
addEventListener('hashchange', () => location.reload()); // another invitation was opened here

void startPage(<Join invitation={invitation} />);
