export { common } from './common';
export { errors } from './errors';
export { list } from './list';
export { player } from './player';
export { details } from './details';
export { pages } from './pages';
