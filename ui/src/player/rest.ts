// What plays along with the sound, and is not needed to begin it.
import './listening';
import './windows';

export { askWave } from './waves';
