// What a process says in its log, and what of it the checker wants to know.

/** At level=error where a failover took away that a file was removed, or replaced: the ledger names what is not there. */
const LOST = /level=error.*\brecording (RE[0-9a-f]{32})(?: is lost, and queued to be fetched again|: cannot be read)/;
/** As a warning where it took away all of a recording: nobody can act on that, so it is no error.  (What is asked for and is not there is said at debug.) */
const FORGOTTEN = /level=(?:warn|error).*no recording '(RE[0-9a-f]{32})' in the ledger/;

/** What may be said at level=error: of a database that is away, or has taken the number away; and what the checker looks at. */
export const EXPECTED = [/PostgreSQL/, LOST];

/** An entry of the history, { what, recordingSid }; undefined: it is none. */
export function noteOf(line) {
  const [, forgotten] = line.match(FORGOTTEN) ?? [], [, lost] = line.match(LOST) ?? [];
  if (forgotten) return { what: 'forgotten', recordingSid: forgotten };
  return lost && { what: 'lost', recordingSid: lost };
}
