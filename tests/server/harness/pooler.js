// A real pgbouncer in transaction mode before a PostgreSQL of the test's own.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './nginx.js';
import { Program, run, temporaryFolder } from './process.js';
import { atEnd } from './lifetime.js';
import { until } from './until.js';

const PGBOUNCER = '/usr/sbin/pgbouncer';

/** { url(database), stop(), start() }: `poolSize` connections to each database of it.  As root it runs as the user of PostgreSQL's package. */
export async function startPooler(t, postgres, { poolSize = 8 } = {}) {
  const folder = temporaryFolder(t, 'pgbouncer');
  chmodSync(folder, 0o777);
  const host = new URL(postgres.url.replace('@/', '@local/')).searchParams.get('host');
  const port = await freePort();
  writeFileSync(join(folder, 'pgbouncer.ini'), `[databases]
* = host=${host} user=callspool
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
server_round_robin = 1
ignore_startup_parameters = options
`);
  const user = process.getuid() === 0 ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] : [];
  const [command, ...args] = [...user, PGBOUNCER, join(folder, 'pgbouncer.ini')];
  let program = new Program(command, args);
  const stop = () => program.stop('SIGTERM'); // at once
  atEnd(t, stop);
  const url = (database) => `postgresql://callspool@127.0.0.1:${port}/${database}`;
  await until('pgbouncer answers', async () => {
    if (program.status) throw new Error(program.said);
    return (await run('psql', ['-XAtqc', 'SELECT 1', url('postgres')])).code === 0;
  });
  return { url, stop, start: () => { program = new Program(command, args); } };
}
