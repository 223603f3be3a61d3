// Times as the player shows them.
import { clock } from '../parts/format';

/** "3:42"; "–" where it is not known. */
export const timeText = (timeS: number | null): string => (timeS === null || !Number.isFinite(timeS) ? '–' : clock(timeS));

/** Of a whole recording: to the nearest second, as the list says it. */
export const lengthText = (durationS: number | null): string => timeText(durationS === null ? null : Math.round(durationS));

/** "−8:26" */
export const leftText = (timeS: number, durationS: number | null): string => (durationS === null ? '–' : `−${clock(durationS - timeS)}`);
