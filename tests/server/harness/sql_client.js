// One simple query to PostgreSQL, on a connection of its own: what `psql -XAtq -c` prints, without a process for each, which takes
// ten times what the query takes of the processors where a test asks again and again.
import net from 'node:net';
import { within } from './until.js';

const PROTOCOL = 3 << 16;
const QUERY_MOST_MS = 60_000;

const int32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const framed = (type, body) => Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
const terminated = (...texts) => Buffer.from(texts.map((text) => `${text}\0`).join(''));

/** The columns of a row as psql prints them unaligned: NULL is nothing. */
function rowText(body) {
  const columns = [];
  for (let at = 2; columns.length < body.readUInt16BE(0);) {
    const size = body.readInt32BE(at);
    const end = at + 4 + Math.max(size, 0);
    columns.push(body.toString('utf8', at + 4, end));
    at = end;
  }
  return columns.join('|');
}

/** "ERROR:  relation "x" does not exist". */
function errorText(body) {
  const fields = Object.fromEntries(body.toString().split('\0').filter(Boolean).map((field) => [field[0], field.slice(1)]));
  return `${fields.S}:  ${fields.M}`;
}

/** folder: that of its socket.  Several statements are one transaction; the rows of all are answered. */
export async function querySql({ folder, user, database }, sql) {
  const socket = net.connect(`${folder}/.s.PGSQL.5432`);
  const rows = [];
  let rest = Buffer.alloc(0), isAsked = false, failure;
  const answer = new Promise((resolve, reject) => {
    const take = (type, body) => {
      if (type === 'D') rows.push(rowText(body));
      if (type === 'R' && body.readInt32BE(0) !== 0) reject(new Error('it asks for a password'));
      if (type === 'E') failure ??= new Error(errorText(body));
      if (type !== 'Z') return;
      if (isAsked) {
        if (failure) reject(failure);
        else resolve(rows.join('\n').trim());
      } else {
        isAsked = true;
        socket.write(framed('Q', terminated(sql)));
      }
    };
    socket.on('connect', () => socket.write(framed('', Buffer.concat([int32(PROTOCOL), terminated('user', user, 'database', database, 'client_encoding', 'UTF8', '')]))));
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 1 + rest.readInt32BE(1)) {
        const size = 1 + rest.readInt32BE(1);
        take(String.fromCharCode(rest[0]), rest.subarray(5, size));
        rest = rest.subarray(size);
      }
    });
    socket.on('error', (error) => reject(failure ?? error));
    socket.on('close', () => reject(failure ?? new Error('the server closed the connection')));
  });
  try {
    return await within(`PostgreSQL answers ${sql.slice(0, 200)}`, answer, QUERY_MOST_MS);
  } finally {
    socket.end(framed('X', Buffer.alloc(0)));
    socket.destroySoon();
  }
}
