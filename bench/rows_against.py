"""Rows of callspool beside another build of it, an earlier one as a rule: is anything dearer than it was?

Both are given the settings of servers.callspool() alone, which releases of long ago know, too.
"""

import os
import time

import rows_play
import servers
from rows_intake import CONNECTIONS, RECORDING_S, RECORDINGS, WEBHOOKS, stored_count
from rows_play import DIGITS, FIRST_MS, IDLE, PATH, PLAY_S, PLAYERS, SLOW, SLOW_PACE, TOTAL_MS

GOAL = 1.03
PEER = 'the other build'
CALLS = 20000 # of the list


class Both:
    """Ours and the other, a folder each, fetching from the same provider."""

    def __init__(self, bench, media_s, *times, core=servers.SERVER_CORE):
        self.bench, self.media_s, self.times, self.core = bench, media_s, times, core
        self.started = []

    def start(self, server):
        self.started.append(server)
        return server

    def start_callspool(self, binary, name):
        return self.start(servers.callspool(binary, self.bench.new_folder(name), self.provider.port, core=self.core))

    def __enter__(self):
        bench, folder = self.bench, self.bench.new_folder('media')
        try:
            self.media = servers.make_media(os.path.join(folder, 'media.mp3'), self.media_s)
            self.size = os.path.getsize(self.media)
            self.provider = self.start(servers.provider(bench.provider, folder, self.media, *self.times))
            self.ours = self.start_callspool(bench.callspool, 'callspool')
            self.other = self.start_callspool(bench.against, 'other')
        except servers.Failure:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.started):
            server.stop()

    def store(self):
        for server in (self.ours, self.other):
            servers.store(server.port, DIGITS, self.media_s)

    def pairs(self, measure):
        """measure(server, i) of each, by turns."""
        return self.bench.pairs(lambda i: measure(self.ours, i), lambda i: measure(self.other, i))

    def add(self, name, pairs, measures):
        for key, measure, unit, goal in measures:
            self.bench.add(name, measure, unit, PEER, pairs, key, goal)


CPU, P99 = ('cpu_us', 'CPU', 'µs', GOAL), ('p99_ms', 'p99', 'ms', None)
SIZES = (('bytes=0-1', 'bytes=0-1', 206, 2), ('64 KiB', 'bytes=100000-165535', 206, 65536),
         ('1 MiB', 'bytes=0-1048575', 206, 1048576), ('whole, 5 minutes', None, 200, None))


def small_play(bench):
    return {'path': PATH, 'range': 'bytes=0-1', 'status': 206, 'length': 2, 'connections': rows_play.CONNECTIONS,
            'seconds': bench.seconds}


def warm(bench):
    with Both(bench, PLAY_S) as both:
        both.store()
        for name, wanted, status, length in SIZES:
            options = {**small_play(bench), 'range': wanted, 'status': status, 'length': length or both.size}
            both.add(f'play, {name}', both.pairs(lambda server, _, o=options: bench.load('steady', server, **o)), (CPU, P99))


def end_to_end(bench):
    with Both(bench, PLAY_S) as both:
        both.store()
        proxies = {server: both.start(servers.nginx(bench.new_folder('proxy'), 'nginx/proxy.conf', upstream_port=server.port))
                   for server in (both.ours, both.other)}
        options = small_play(bench)
        both.add('through nginx, bytes=0-1',
                 both.pairs(lambda server, _: bench.load('steady', proxies[server], also=[server], **options)),
                 (('cpu_us', 'CPU of both', 'µs', GOAL), P99))


def cold(bench):
    """500 players at once ask for what is not here."""
    with Both(bench, PLAY_S, FIRST_MS, TOTAL_MS) as both:
        def play(server, i):
            digits = f'{i:032x}'
            path = f'/api/calls/CA{digits}'
            servers.announce(server.port, digits, PLAY_S)
            servers.wait_until(lambda: servers.get(server.port, path)[0] == 200, 'a call to be known')
            found = bench.load('cold', server, path=path + '/download', status=206, connections=PLAYERS, seconds=30,
                               range='bytes=0-', length=both.size)
            found['upstream'], first_at_ms = servers.upstream_requests(both.provider.port)
            found['late_ms'] = found['began_at_ms'] + found['first_p99_ms'] - first_at_ms
            return found

        both.add('cold, 500 players', both.pairs(play), (
            ('late_ms', 'first byte p99 after the provider’s', 'ms', GOAL), ('upstream', 'upstream requests', 'each', 1)))


def idle(bench):
    """10,000 idle listeners."""
    with Both(bench, PLAY_S) as both:
        both.store()
        options = small_play(bench)
        without = {}
        for server in (both.ours, both.other):
            bench.load('steady', server, **options)
            without[server] = server.memory_kib()

        def beside(server, _):
            with_them = bench.hold(server, connections=IDLE, path=PATH, range='bytes=0-1', status=206)
            run = bench.load('steady', server, **options)
            run['kib'] = server.memory_kib()
            run['each_bytes'] = (run['kib'] - without[server]) * 1024 / IDLE
            run['errors'] += with_them.release()['errors']
            return run

        both.add('10,000 idle listeners', both.pairs(beside), (
            ('kib', 'memory (PSS)', 'KiB', GOAL), ('each_bytes', 'memory of each', 'bytes', GOAL),
            ('cpu_us', 'CPU of others', 'µs', GOAL), ('p99_ms', 'p99 of others', 'ms', None)))


def slow(bench):
    """2,000 slow listeners beside full load."""
    with Both(bench, PLAY_S) as both:
        both.store()
        options = small_play(bench)

        def beside(server, _):
            held = bench.hold(server, connections=SLOW, pace=SLOW_PACE, path=PATH)
            run = bench.load('steady', server, **options)
            run['errors'] += held.release()['errors']
            return run

        both.add('2,000 slow listeners', both.pairs(beside), (
            ('cpu_us', 'CPU of others', 'µs', GOAL), ('p99_ms', 'p99 of others', 'ms', None)))


def webhooks(bench):
    with Both(bench, 10) as both:
        def take(server, i, rate=None, base=0):
            count = int((rate or WEBHOOKS) * (bench.seconds + 0.5))
            return bench.webhooks(server, count, base + i * 1000000, connections=CONNECTIONS, seconds=bench.seconds, rate=rate)

        pairs = both.pairs(take)
        bench.add('webhooks, durable', 'answered', '/s', PEER, pairs, 'per_second', 1 / GOAL, better='more')
        both.add('webhooks, durable', pairs, (CPU,))
        half = min(run['per_second'] for pair in pairs for run in pair) / 2
        both.add('webhooks, at half of that', both.pairs(lambda server, i: take(server, i, half, 100000000)),
                 (('p99_ms', 'p99', 'ms', GOAL), CPU))


def pages(bench):
    """Pages of the list among some thousand calls, which webhooks told of."""
    asked = [f'/api/calls{query}' for query in (
        '', '?direction=outbound', '?state=pending', '?number=972501234567', '?from=2026-06-02T00:00:00Z&to=2026-06-03T00:00:00Z')]
    with Both(bench, 10) as both:
        names = os.path.join(bench.new_folder('paths'), 'paths')
        with open(names, 'w') as out:
            out.writelines(f'0 {path}\n' for path in asked)
        for server in (both.ours, both.other):
            bench.webhooks(server, 2 * CALLS, 0, connections=CONNECTIONS, seconds=60)
            servers.announce(server.port, DIGITS, 10) # what came before it is in the list by the time this is
            servers.wait_until(lambda s=server: servers.get(s.port, f'/api/calls/CA{DIGITS}')[0] == 200, 'a call to be known')
        both.add(f'pages of {CALLS:,} calls', both.pairs(lambda server, _: bench.load(
            'steady', server, paths=names, status=200, connections=1, seconds=bench.seconds)), (CPU, P99))


def prefetch(bench):
    """1,000 recordings, from the webhook until each is safe; a server of its own for each run."""
    with Both(bench, RECORDING_S) as both:
        def fetch(binary, i):
            with servers.callspool(binary, bench.new_folder('prefetch'), both.provider.port, core=servers.BOTH_CORES) as server:
                began = time.monotonic()
                told = bench.webhooks(server, RECORDINGS, i * RECORDINGS, connections=CONNECTIONS, completed=RECORDING_S,
                                      seconds=60)
                servers.wait_until(lambda: stored_count(server.port) == RECORDINGS, 'recordings to be stored')
                return {'seconds': time.monotonic() - began, 'errors': told['errors']}

        both.add('prefetch of 1,000', bench.pairs(lambda i: fetch(bench.callspool, i), lambda i: fetch(bench.against, i)),
                 (('seconds', 'until all are safe', 's', GOAL),))


ROWS = {'warm': warm, 'end_to_end': end_to_end, 'cold': cold, 'idle': idle, 'slow': slow, 'webhooks': webhooks,
        'pages': pages, 'prefetch': prefetch}
