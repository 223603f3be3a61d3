"""Rows about players: stored recordings, cold ones, and those who listen slowly or not at all."""

import json
import os

import servers

DIGITS = '0123456789abcdef' * 2
PLAY_S = 300 # a call of five minutes
PATH = f'/api/recordings/RE{DIGITS}/media'
CONNECTIONS = 64


class Stored:
    """callspool with one recording stored, nginx with the same file, and the provider it came from."""

    def __init__(self, bench, settings=()):
        self.bench, self.settings = bench, settings
        self.folder = bench.new_folder('media')
        self.media = servers.make_media(os.path.join(self.folder, 'media.mp3'), PLAY_S)
        self.size = os.path.getsize(self.media)
        self.started = []

    def start_all(self):
        bench = self.bench
        self.provider = self.start(servers.provider(bench.provider, self.folder, self.media))
        self.ours = self.start(servers.callspool(bench.callspool, bench.new_folder('callspool'), self.provider.port,
                                                *self.settings))
        servers.store(self.ours.port, DIGITS, PLAY_S)
        self.nginx = self.start(servers.nginx(bench.new_folder('nginx'), 'nginx/static.conf', root=self.folder))
        self.check()

    def start(self, server):
        self.started.append(server)
        return server

    def check(self):
        """Both serve the same bytes; the load only counts them."""
        with open(self.media, 'rb') as file:
            wanted = file.read()
        for server, path in ((self.ours, PATH), (self.nginx, '/media.mp3')):
            if servers.get(server.port, path) != (200, wanted):
                raise servers.Failure(f'{server.name} serves other bytes')

    def sizes(self):
        return {
            'bytes=0-1': ('bytes=0-1', 206, 2, 0.7), '64 KiB': ('bytes=100000-165535', 206, 65536, None),
            '1 MiB': ('bytes=0-1048575', 206, 1048576, 0.5), 'whole, 5 minutes': (None, 200, self.size, None)}

    def __enter__(self):
        try:
            self.start_all()
        except servers.Failure: # the other rows are measured without those that did start
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.started):
            server.stop()


def warm(bench):
    """Stored recordings, against nginx and its file; two of them against the floor, too."""
    with Stored(bench) as stored:
        for name, (wanted, status, length, goal) in stored.sizes().items():
            options = {'range': wanted, 'status': status, 'length': length, 'connections': CONNECTIONS,
                       'seconds': bench.seconds}

            def ours(_, o=options):
                return bench.load('steady', stored.ours, path=PATH, **o)

            pairs = bench.pairs(ours, lambda _, o=options: bench.load('steady', stored.nginx, path='/media.mp3', **o))
            bench.add(f'play, {name}', 'CPU', 'µs', 'nginx', pairs, 'cpu_us', goal)
            bench.add(f'play, {name}', 'requests', '/s', 'nginx', pairs, 'per_second', better='more')
            bench.add(f'play, {name}', 'p99', 'ms', 'nginx', pairs, 'p99_ms')
            if goal is None:
                continue
            with servers.floor(bench.floor, bench.new_folder('floor'), stored.media, 0, length) as floor:
                pairs = bench.pairs(ours, lambda _, o=options, f=floor: bench.load('steady', f, path='/', **o))
            bench.add(f'play, {name}', 'CPU', 'µs', 'the kernel alone', pairs, 'cpu_us')


def end_to_end(bench):
    """The same through nginx, against nginx that has the file itself: what the second server costs."""
    with Stored(bench) as stored:
        proxy = stored.start(servers.nginx(bench.new_folder('proxy'), 'nginx/proxy.conf',
                                           upstream_port=stored.ours.port))
        for name in ('bytes=0-1', '1 MiB'):
            wanted, status, length, _ = stored.sizes()[name]
            options = {'range': wanted, 'status': status, 'length': length, 'connections': CONNECTIONS,
                       'seconds': bench.seconds}
            pairs = bench.pairs(
                lambda _, o=options: bench.load('steady', proxy, also=[stored.ours], path=PATH, **o),
                lambda _, o=options: bench.load('steady', stored.nginx, path='/media.mp3', **o))
            bench.add(f'through nginx, {name}', 'CPU of both', 'µs', 'nginx alone', pairs, 'cpu_us')
            bench.add(f'through nginx, {name}', 'p99', 'ms', 'nginx alone', pairs, 'p99_ms')


FIRST_MS, TOTAL_MS, PLAYERS = 300, 2200, 500


def cold(bench):
    """500 players at once ask for what is not here; the provider's first byte comes after 0.3 s."""
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), PLAY_S)
    size = os.path.getsize(media)
    asked = {'connections': PLAYERS, 'seconds': 30, 'range': 'bytes=0-', 'length': size}

    def played(server, provider, path, status):
        found = bench.load('cold', server, path=path, status=status, **asked)
        found['upstream'], first_at_ms = servers.upstream_requests(provider.port)
        found['late_ms'] = found['began_at_ms'] + found['first_p99_ms'] - first_at_ms
        return found

    with servers.provider(bench.provider, folder, media, FIRST_MS, TOTAL_MS) as provider, \
            servers.callspool(bench.callspool, bench.new_folder('callspool'), provider.port) as ours, \
            servers.varnish(bench.new_folder('varnish'), provider.port) as varnish, \
            servers.nginx(bench.new_folder('cache'), 'nginx/cache.conf', upstream_port=provider.port) as cache:

        def play_ours(digits):
            # The webhook comes first, as it does in life; the players ask while the provider still thinks.
            servers.announce(ours.port, digits, PLAY_S)
            path = f'/api/calls/CA{digits}'
            servers.wait_until(lambda: servers.get(ours.port, path)[0] == 200, 'a call to be known')
            return played(ours, provider, path + '/download', 206)

        runs = []
        for i in range(bench.runs):
            # nginx gives 200 to a Range while it fills its cache, and is not asked for more here.
            digits = f'{i:032x}'
            path = f'/Recordings/RE{digits}.mp3'
            runs.append((play_ours(digits), played(varnish, provider, path, 206), played(cache, provider, path, 200)))
        against_varnish = [(one, two) for one, two, _ in runs]
        bench.add('cold, 500 players', 'first byte p99 after the provider’s', 'ms', 'Varnish', against_varnish, 'late_ms')
        bench.add('cold, 500 players', 'first byte p99 after the provider’s', 'ms',
                  'nginx proxy_cache, lock (answers 200)', [(one, three) for one, _, three in runs], 'late_ms')
        bench.add('cold, 500 players', 'upstream requests', 'each', 'Varnish', against_varnish, 'upstream', goal=1)
        bench.add_one('cold, 500 players', 'the same, against the goal', 'ms',
                      [one['late_ms'] for one, _, _ in runs], goal=10,
                      errors=sum(one['errors'] for one, _, _ in runs))


IDLE, SLOW, SLOW_PACE = 10000, 2000, 4000


def idle(bench):
    """10,000 idle listeners: the memory of both, and what they cost the others."""
    with Stored(bench) as stored:
        probe = {'range': 'bytes=0-1', 'status': 206, 'length': 2, 'connections': CONNECTIONS,
                 'seconds': bench.seconds}
        sides = []
        for server, path in ((stored.ours, PATH), (stored.nginx, '/media.mp3')):
            alone = [bench.load('steady', server, path=path, **probe) for _ in range(bench.runs)]
            held = bench.hold(server, connections=IDLE, path=path, range='bytes=0-1', status=206)
            memory = server.memory_kib()
            beside = [bench.load('steady', server, path=path, **probe) for _ in range(bench.runs)]
            ended = held.release()
            sides.append((memory, alone, beside, ended['errors']))
        errors = sum(side[3] for side in sides)
        bench.add('10,000 idle listeners', 'memory (PSS)', 'KiB', 'nginx',
                  [({'kib': sides[0][0], 'errors': errors}, {'kib': sides[1][0], 'errors': 0})], 'kib', goal=1)
        bench.add('10,000 idle listeners', 'p99 of others', 'ms', 'callspool without them',
                  list(zip(sides[0][2], sides[0][1])), 'p99_ms')
        bench.add('10,000 idle listeners', 'CPU of others', 'µs', 'callspool without them',
                  list(zip(sides[0][2], sides[0][1])), 'cpu_us')


def slow(bench):
    """2,000 slow listeners (32 kbit/s) beside full load.

    Those who play the listeners share a core with the load, and their reading delays what it measures.  So p99 is
    compared with what it is while the same listeners listen to nginx, too: what is left is callspool's doing.
    """
    with Stored(bench) as stored:
        probe = {'range': 'bytes=0-1', 'status': 206, 'length': 2, 'connections': CONNECTIONS,
                 'seconds': bench.seconds, 'path': PATH}
        alone, beside, elsewhere = [], [], []

        def load_beside(server, path):
            held = bench.hold(server, connections=SLOW, pace=SLOW_PACE, path=path)
            run = bench.load('steady', stored.ours, **probe)
            run['errors'] += held.release()['errors']
            return run

        for _ in range(bench.runs):
            alone.append(bench.load('steady', stored.ours, **probe))
            beside.append(load_beside(stored.ours, PATH))
            elsewhere.append(load_beside(stored.nginx, '/media.mp3'))
        bench.add('2,000 slow listeners', 'p99 of others', 'ms', 'callspool, the listeners at nginx',
                  list(zip(beside, elsewhere)), 'p99_ms', goal=1.1)
        bench.add('2,000 slow listeners', 'p99 of others', 'ms', 'callspool without them',
                  list(zip(beside, alone)), 'p99_ms')
        bench.add('2,000 slow listeners', 'CPU of others', 'µs', 'callspool without them',
                  list(zip(beside, alone)), 'cpu_us')


FOLLOWERS, CHANGES_EACH_S = 1000, 50


def followers(bench):
    """1,000 pages that follow while calls change: what those who play notice, beside the same changes without them."""
    with Stored(bench) as stored:
        ours = stored.ours
        probe = {'range': 'bytes=0-1', 'status': 206, 'length': 2, 'connections': CONNECTIONS,
                 'seconds': bench.seconds, 'path': PATH}
        told = []

        def play(i):
            count = int(CHANGES_EACH_S * bench.seconds)
            calls = bench.start('steady', ours, webhooks=count, first=i * 1000000, url=servers.PUBLIC_URL,
                                account=servers.ACCOUNT, token=servers.TOKEN, connections=2, seconds=bench.seconds,
                                rate=CHANGES_EACH_S)
            run = bench.load('steady', ours, **probe)
            run['errors'] += json.loads(calls.communicate()[0])['errors']
            return run

        def play_beside(i):
            held = bench.follow(ours, connections=FOLLOWERS)
            run = play(2 * i)
            ended = held.release()
            run['errors'] += ended['errors']
            told.append(ended['messages'] / ended['seconds'])
            return run

        pairs = bench.pairs(play_beside, lambda i: play(2 * i + 1))
        name = f'1,000 followers, {CHANGES_EACH_S} calls a second'
        bench.add(name, 'p99 of others', 'ms', 'callspool without them', pairs, 'p99_ms')
        bench.add(name, 'plays beside', '/s', 'callspool without them', pairs, 'per_second', better='more')
        bench.add_one(name, 'messages told', '/s', told, better='more')
