export { common } from './common';
export { errors } from './errors';
export { list } from './list';
export { player } from './player';
