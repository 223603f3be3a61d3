export { common } from './common';
export { list } from './list';
export { player } from './player';
export { details } from './details';
export { pages } from './pages';
