"""Rows about several callspools on one PostgreSQL: docs/scaling.md says what follows from them.

The callspools share core 0, as many as there are; PostgreSQL, the relay before it and the load, which sleeps here, share core 1.  So what a second
machine would bring cannot be measured here: what is told instead is the processor time that each part takes.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import time

import rows_ledger
import rows_play
import servers

CONNECTIONS = 64
WEBHOOKS = 30000   # made for each second of a run: more than it takes
MEASURED = 6000    # at the most, where they are projected, too
AWAY_US = 500      # each way, as to another machine in the same place
BACKLOG = 3000     # events that are projected at once
CYCLES = 1600      # of a queue, in a round
PLAYERS, PEER_FIRST_MS, PEER_TOTAL_MS = 500, 2000, 3000
ATTEMPTS = 'SELECT COUNT(*) FROM attempts'
SEAT = "SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0))"


class Group:
    """So many callspools on a database of their own, with one folder of recordings between them."""

    def __init__(self, bench, postgres, count, provider_port, delay_us=0, settings=(), listens=False):
        self.bench, self.postgres = bench, postgres
        self.database = postgres.new_database()
        self.home = bench.new_folder('group')
        self.provider_port, self.delay_us, self.settings, self.listens = provider_port, delay_us, settings, listens
        os.makedirs(os.path.join(self.home, 'recordings'))
        self.members = []
        for i in range(count):
            folder = os.path.join(self.home, f'p{i}')
            os.makedirs(os.path.join(folder, 'data'))
            os.symlink('../../recordings', os.path.join(folder, 'data/recordings'))
            try:
                self.members.append(self.start(folder))
            except servers.Failure:
                self.__exit__()
                raise

    def start(self, folder):
        own = [f'cluster_listen=127.0.0.1:{servers.free_port()}'] if self.listens else []
        return servers.callspool(self.bench.callspool, folder, self.provider_port,
                                 f'database={self.postgres.url(self.database, self.delay_us)}', *self.settings, *own)

    def query(self, sql):
        return self.postgres.query(self.database, sql)

    def log_bytes(self):
        return int(self.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))

    def processor_us(self):
        """Of callspool, of PostgreSQL."""
        return cpu_us(pid for member in self.members for pid in member.pids()), cpu_us(self.postgres.pids())

    def processes(self, member):
        return json.loads(servers.get(member.port, '/api/processes')[1])['processes']

    def waiting(self):
        return json.loads(servers.get(self.members[0].port, '/api/status')[1])['events_waiting']

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.stop()


def cpu_us(pids):
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f'/proc/{pid}/task'):
                with open(f'/proc/{pid}/task/{task}/schedstat') as stat:
                    total += int(stat.read().split()[0])
        except OSError:
            pass
    return total / 1000


def webhooks(bench, group, first, rate=None, most=None):
    """All members take them at once, each from connections of its own."""
    count = len(group.members)
    options = {'webhooks': (most or int(WEBHOOKS * (bench.seconds + 0.5))) // count, 'url': servers.PUBLIC_URL, 'account': servers.ACCOUNT,
               'token': servers.TOKEN, 'connections': CONNECTIONS // count, 'seconds': bench.seconds,
               'rate': rate and rate / count, 'sleeps': True}
    runs = [bench.start('steady', member, first=first + i * 200000, **options) for i, member in enumerate(group.members)]
    told = [json.loads(run.communicate()[0]) for run in runs]
    return {'per_second': sum(one['per_second'] for one in told), 'p99_ms': max(one['p99_ms'] for one in told),
            'errors': sum(one['errors'] for one in told), 'taken': sum(one['acknowledged'] for one in told)}


def measured(bench, group, first):
    """The same, and what each webhook cost until it was worked into calls: processor time, bytes of the database's log."""
    before, log = group.processor_us(), group.log_bytes()
    told = webhooks(bench, group, first, most=MEASURED)
    servers.wait_until(lambda: group.waiting() == 0, 'the projection', 300)
    after, taken = group.processor_us(), told['taken'] or 1
    return {**told, 'cpu_us': (after[0] - before[0]) / taken, 'database_us': (after[1] - before[1]) / taken,
            'log': (group.log_bytes() - log) / taken}


class File:
    """A ledger in a file, in the shape of a Group."""

    def __init__(self, member):
        self.members = [member]


def add_webhooks(bench, postgres, provider):
    """Durable ones, near and further away, by one and by three, beside a ledger in a file."""
    with servers.callspool(bench.callspool, bench.new_folder('file'), provider.port) as alone:
        in_file = [webhooks(bench, File(alone), i * 1000000) for i in range(bench.runs)]
    bench.add_one('webhooks, a ledger in a file', 'answered', '/s', [run['per_second'] for run in in_file],
                  errors=sum(run['errors'] for run in in_file))
    for name, delay_us in (('near', 0), ('+0.5 ms each way', AWAY_US)):
        label = f'webhooks, PostgreSQL, {name}'
        with Group(bench, postgres, 1, provider.port, delay_us) as one, Group(bench, postgres, 3, provider.port, delay_us) as three:
            pairs = bench.pairs(lambda i, g=three: measured(bench, g, i * 1000000), lambda i, g=one: measured(bench, g, i * 1000000))
            singles = [single for _, single in pairs]
            full = statistics.median(run['per_second'] for run in singles)
            errors = sum(run['errors'] for run in singles)
            bench.add_one(f'{label}, one process', 'answered', '/s', [run['per_second'] for run in singles], goal=10000,
                          better='more', errors=errors)
            bench.add_one(f'{label}, one process', 'CPU of PostgreSQL, projected too', 'µs', [run['database_us'] for run in singles])
            bench.add_one(f'{label}, one process', 'CPU of callspool, projected too', 'µs', [run['cpu_us'] for run in singles])
            bench.add_one(f'{label}, one process', 'log of PostgreSQL', 'bytes', [run['log'] for run in singles])
            bench.add(f'{label}, three processes', 'answered', '/s', 'one', pairs, 'per_second', goal=1.8, better='more')
            bench.add(f'{label}, three processes', 'CPU of PostgreSQL, projected too', 'µs', 'one', pairs, 'database_us')
            half = [webhooks(bench, one, (bench.runs + i) * 1000000, rate=full / 2) for i in range(bench.runs)]
            servers.wait_until(lambda g=one: g.waiting() == 0, 'the projection', 300)
            bench.add_one(f'{label}, one process, at half of that', 'p99', 'ms', [run['p99_ms'] for run in half], goal=25,
                          errors=sum(run['errors'] for run in half))


def projected(bench, group, count, first):
    """Events a second: so many webhooks are taken while somebody else has the seat, and then it is given back."""
    seat = group.postgres.hold(group.database, SEAT)
    try:
        told = bench.webhooks(group.members[0], count, first, connections=CONNECTIONS, seconds=60)
    finally:
        seat.kill()
        seat.wait()
    servers.wait_until(lambda: group.waiting() < count * 0.9, 'the projection to begin')
    began, left = time.monotonic(), group.waiting()
    servers.wait_until(lambda: group.waiting() == 0, 'the projection', 300)
    return {'per_second': left / (time.monotonic() - began), 'errors': told['errors']}


def add_projection(bench, postgres, provider):
    for name, delay_us, count in (('near', 0, BACKLOG), ('+0.5 ms each way', AWAY_US, BACKLOG)):
        with Group(bench, postgres, 1, provider.port, delay_us) as group:
            runs = [projected(bench, group, count, (i + 1) * 1000000) for i in range(bench.runs)]
        bench.add_one(f'projection, PostgreSQL, {name}', 'events', '/s', [run['per_second'] for run in runs],
                      goal=5000, better='more', errors=sum(run['errors'] for run in runs))


def queue_rounds(bench, postgres, *held):
    done = subprocess.run(['taskset', '-c', servers.SERVER_CORE, bench.queue, postgres.url(postgres.new_database()),
                           str(CYCLES), str(bench.runs), *held], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise servers.Failure('bench-queue did not come to its end')
    return [{'leases': float(line.split()[0]), 'plain': float(line.split()[1]), 'errors': 0}
            for line in done.stdout.decode().splitlines()]


def add_queue(bench, postgres):
    """Claimed, tried, stored, 16 at once: with leases under the seat, and a plain queue with a column of states."""
    def both(rounds):
        return [({'v': one['leases'], 'errors': 0}, {'v': one['plain'], 'errors': 0}) for one in rounds]

    free, held = queue_rounds(bench, postgres), queue_rounds(bench, postgres, 'held')
    bench.add('a recording claimed, tried, stored, 16 at once', 'cycles', '/s', 'a plain queue, SKIP LOCKED', both(free), 'v',
              goal=0.6, better='more')
    bench.add('the same while a snapshot is held', 'cycles', '/s', 'a plain queue, SKIP LOCKED', both(held), 'v')
    bench.add('the same while a snapshot is held', 'cycles', '/s', 'without it',
              [({'v': one['leases'], 'errors': 0}, {'v': other['leases'], 'errors': 0}) for one, other in zip(held, free)], 'v',
              goal=0.4, better='more')


def holder_of(group):
    """The member that has the one lease, as it says itself."""
    for member in group.members:
        if any(process['is_own'] and process['leases'] for process in group.processes(member)):
            return member
    return None


def play(member, path):
    """A player that waits; it knows the call by now."""
    servers.wait_until(lambda: servers.get(member.port, path)[0] == 200, 'a call to be known')
    player = socket.create_connection(('127.0.0.1', member.port))
    player.sendall(f'GET {path}/download HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode())
    return player


def taken_over(bench, postgres, how, is_played=False):
    """Seconds from the holder's end to the next request for its recording; `is_played`: while somebody waits for it elsewhere."""
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), 10)
    # What is asked for never comes.
    with servers.provider(bench.provider, folder, media, 600000, 601000) as provider, \
            Group(bench, postgres, 3, provider.port, 0, ('fetch.stall_timeout=10m', 'reconcile_interval=forever', 'play_wait=60s'),
                  listens=True) as group:
        servers.announce(group.members[0].port, 'ab' * 16, 10)
        servers.wait_until(lambda: int(group.query(ATTEMPTS)) == 1, 'the first attempt')
        servers.wait_until(lambda: holder_of(group), 'somebody to have its lease')
        holder = holder_of(group)
        player = is_played and play(next(member for member in group.members if member is not holder), '/api/calls/CA' + 'ab' * 16)
        began = time.monotonic()
        os.killpg(holder.process.pid, how)
        servers.wait_until(lambda: int(group.query(ATTEMPTS)) == 2, 'the next attempt')
        seconds = time.monotonic() - began
        if player:
            player.close()
        group.members = [member for member in group.members if member is not holder]
        holder.stop(signal.SIGKILL)
    return seconds


def add_ends(bench, postgres):
    runs = 3 if bench.is_long else 1
    bench.add_one('three processes, kill -9 of the one that fetches', 'until the next attempt', 's',
                  [taken_over(bench, postgres, signal.SIGKILL) for _ in range(runs)], goal=20)
    bench.add_one('the same, while somebody plays it at another', 'until the next attempt', 's',
                  [taken_over(bench, postgres, signal.SIGKILL, True) for _ in range(runs)], goal=7)
    bench.add_one('three processes, SIGTERM of the one that fetches', 'until the next attempt', 's',
                  [taken_over(bench, postgres, signal.SIGTERM) for _ in range(runs)], goal=1)


def asked_peers(group):
    """How many requests the members have sent to each other so far."""
    total = 0
    for member in group.members:
        text = servers.get(member.port, '/metrics')[1].decode()
        total += sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith('callspool_peer_requests_total{'))
    return total


def played(bench, group, digits, size):
    """500 players at three processes at once, while one of these fetches: when has each its first byte?"""
    servers.announce(group.members[0].port, digits, rows_play.PLAY_S)
    path = f'/api/calls/CA{digits}'
    for member in group.members:
        servers.wait_until(lambda m=member: servers.get(m.port, path)[0] == 200, 'a call to be known')
    servers.wait_until(lambda: holder_of(group), 'somebody to fetch it')
    holder, before = holder_of(group), asked_peers(group)
    options = {'connections': PLAYERS // len(group.members), 'seconds': 30, 'range': 'bytes=0-', 'length': size, 'status': 206,
               'path': path + '/download'}
    runs = [(member, bench.start('cold', member, **options)) for member in group.members]
    told = [(member, json.loads(run.communicate()[0])) for member, run in runs]
    # The provider's own count begins anew when it is asked for a call.
    upstream = int(group.query("SELECT COUNT(*) FROM attempts JOIN recordings ON recordings.id = recording_id "
                               f"WHERE recording_sid = 'RE{digits}'"))
    first = {member is holder: max(one['began_at_ms'] + one['first_p99_ms'] for who, one in told if (who is holder) == (member is holder))
             for member, _ in told}
    return {'late_ms': first[False] - first[True], 'upstream': upstream, 'peers': asked_peers(group) - before,
            'errors': sum(one['errors'] for _, one in told)}


def add_peers(bench, postgres):
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), rows_play.PLAY_S)
    size = os.path.getsize(media)
    with servers.provider(bench.provider, folder, media, PEER_FIRST_MS, PEER_TOTAL_MS) as provider, \
            Group(bench, postgres, 3, provider.port, 0, listens=True) as group:
        runs = [played(bench, group, f'{i:032x}', size) for i in range(bench.runs)]
    name = '500 players at three processes, one fetches'
    errors = sum(run['errors'] for run in runs)
    bench.add_one(name, 'first byte p99 at the others after its own', 'ms', [run['late_ms'] for run in runs], goal=15, errors=errors)
    bench.add_one(name, 'requests to Twilio', 'each', [run['upstream'] for run in runs], goal=1, errors=errors)
    bench.add_one(name, 'requests between processes', 'each', [run['peers'] for run in runs], goal=2, errors=errors)


def cluster(bench):
    """All of it side by side, on one PostgreSQL."""
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), 10)
    home = bench.new_folder('postgres')
    with servers.Postgres(home, bench.relay) as postgres, servers.provider(bench.provider, folder, media) as provider:
        add_webhooks(bench, postgres, provider)
        add_projection(bench, postgres, provider)
        add_queue(bench, postgres)
        add_peers(bench, postgres)
        add_ends(bench, postgres)


def page(bench):
    """A page of the list, over the socket, among many calls and among ten thousand."""
    most = rows_ledger.MOST if bench.is_long else rows_ledger.MANY
    home = bench.new_folder('postgres')
    with servers.Postgres(home, bench.relay) as postgres:
        def filled(count):
            database = postgres.new_database()
            if subprocess.run([bench.ledger, 'fill', postgres.url(database), str(count)], check=False).returncode != 0:
                raise servers.Failure('the ledger could not be made')
            postgres.query(database, 'VACUUM ANALYZE')
            server = servers.callspool(bench.callspool, bench.new_folder('among'), 9, f'database={postgres.url(database)}')
            paths = [f'/api/calls?limit=50&direction={direction}' for direction in ('inbound', 'outbound')] + ['/api/calls?limit=50']
            last = json.loads(servers.get(server.port, '/api/calls?limit=50')[1])['next']
            paths += [f'/api/calls?limit=50&after={last}']
            lines = [f'{len(servers.get(server.port, path)[1])} {path}\n' for path in paths]
            file = os.path.join(server.folder, 'paths')
            with open(file, 'w') as out:
                out.writelines(lines)
            return server, file

        many, few = filled(most), filled(rows_ledger.FEW)
        with many[0], few[0]:
            def load(which):
                return bench.load('steady', which[0], seconds=bench.seconds, paths=which[1], connections=1, status=200)
            pairs = bench.pairs(lambda _: load(many), lambda _: load(few))
        name = f'a page on PostgreSQL, among {rows_ledger.name_of(most)} calls'
        bench.add_one(name, 'p99, against the goal', 'ms', [one['p99_ms'] for one, _ in pairs], goal=4,
                      errors=sum(one['errors'] for one, _ in pairs))
        bench.add(name, 'p50', 'ms', 'among 10 thousand', pairs, 'p50_ms')
        bench.add(name, 'p99', 'ms', 'among 10 thousand', pairs, 'p99_ms', goal=1.2)
