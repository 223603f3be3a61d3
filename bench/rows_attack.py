"""Rows about slow requests in their thousands (slowhttptest): what they do to the others, and to memory."""

import os
import re
import shutil
import subprocess
import threading

import rows_play
import servers
from servers import Failure

ATTACKERS = 4000
PATIENT = ('head_timeout=10m', 'body_timeout=10m', 'send_timeout=1h') # nobody is let go while it is measured
WEBHOOK_PATH = '/webhook/recording-status'
WEBHOOKS = 40000 # made and signed for each second of a run: more than it takes
GONE_PLAYS = 20000 # some seconds of them
ANSI = re.compile(rb'\x1b\[[0-9;]*[A-Za-z]')

# Mode -> how slowhttptest is called, how many at once, and whether they hold their connections.
MODES = {
    'slow headers': (['-H', '-i', '5', '-r', '2000'], ATTACKERS, True),
    'slow bodies': (['-B', '-i', '5', '-s', '4096', '-r', '2000'], ATTACKERS, True),
    'slow readers': (['-X', '-w', '10', '-y', '20', '-n', '5', '-z', '32', '-r', '2000'], ATTACKERS, True),
    'range': (['-R', '-t', 'GET', '-a', '1', '-b', '2000', '-r', '200'], 16000, False),
}


def descriptors(server):
    return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in server.pids())


class Attack:
    """slowhttptest against a server, from when all of it is connected until it is left.

    It has the load's core; at a lower priority, for the load would measure its own waiting for it.
    """

    def __init__(self, server, mode, path):
        self.server, self.mode, self.path = server, mode, path
        self.before = descriptors(server)

    def __enter__(self):
        arguments, count, holds = MODES[self.mode]
        target = WEBHOOK_PATH if self.mode == 'slow bodies' else self.path
        self.process = subprocess.Popen(
            ['nice', '-n', '10', 'taskset', '-c', servers.LOAD_CORE, 'stdbuf', '-oL',
             'slowhttptest', *arguments, '-c', str(count), '-l', '600', '-u', f'http://127.0.0.1:{self.server.port}{target}'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # It tells every five seconds how far it is, and nothing else does.
        for line in self.process.stdout:
            word, _, value = ANSI.sub(b'', line).strip().partition(b':')
            if word == b'connected' and (not holds or int(value) >= count):
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        if self.process.poll() is not None:
            raise Failure(f'{self.server.name}: {self.mode}: slowhttptest could not connect')
        return self

    def check(self):
        """All of it is still there."""
        _, count, holds = MODES[self.mode]
        held = descriptors(self.server) - self.before
        if self.process.poll() is not None or (holds and held < count * 0.95):
            raise Failure(f'{self.server.name}: {self.mode}: over before it was measured ({held} connected)')

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def gone(self):
        """The server has noticed that they left; a play in between gives it the time."""
        for _ in range(GONE_PLAYS):
            if descriptors(self.server) <= self.before + 8:
                return
            servers.get(self.server.port, self.path, {'Range': 'bytes=0-1'})
        raise Failure(f'{self.server.name}: the attackers left, and it keeps their connections')


class Side:
    """A server without the attack, under it, and after it."""

    def __init__(self, bench, server, path, first_webhook=None):
        self.bench, self.server, self.path, self.next_webhook = bench, server, path, first_webhook

    def plays(self):
        return [self.bench.load(
            'steady', self.server, path=self.path, range='bytes=0-1', status=206, length=2,
            connections=rows_play.CONNECTIONS, seconds=self.bench.seconds) for _ in range(self.bench.runs)]

    def webhooks(self):
        found = []
        for _ in range(self.bench.runs):
            found.append(self.bench.webhooks(
                self.server, int(WEBHOOKS * (self.bench.seconds + 0.5)), self.next_webhook,
                connections=rows_play.CONNECTIONS, seconds=self.bench.seconds))
            self.next_webhook += 1000000
        return found

    def run(self, mode):
        """Memory is of the plays alone: webhooks fill the caches of SQLite."""
        self.plays_alone = self.plays()
        self.before_kib = self.server.memory_kib()
        with Attack(self.server, mode, self.path) as attack:
            self.plays_under = self.plays()
            self.during_kib = self.server.memory_kib()
            attack.check()
        attack.gone()
        self.plays()
        self.after_kib = self.server.memory_kib()
        if self.next_webhook is None:
            return
        self.webhooks_alone = self.webhooks()
        with Attack(self.server, mode, self.path) as attack:
            self.webhooks_under = self.webhooks()
            attack.check()
        attack.gone()


def kib(one, other):
    return [({'kib': one, 'errors': 0}, {'kib': other, 'errors': 0})]


def add_rows(bench, name, ours, nginx):
    without = 'callspool without it'
    plays = list(zip(ours.plays_under, ours.plays_alone))
    webhooks = list(zip(ours.webhooks_under, ours.webhooks_alone))
    under = list(zip(ours.plays_under, nginx.plays_under))
    # The attackers have the load's core; what they do to its measuring they do on the other server's account, too.
    elsewhere = list(zip(ours.plays_under, ours.plays_elsewhere))
    bench.add(name, 'plays, p99', 'ms', 'callspool, the attack on nginx', elsewhere, 'p99_ms', goal=1.1)
    bench.add(name, 'plays', '/s', 'callspool, the attack on nginx', elsewhere, 'per_second', better='more')
    bench.add(name, 'plays, p99', 'ms', without, plays, 'p99_ms')
    bench.add(name, 'plays', '/s', without, plays, 'per_second', better='more')
    bench.add(name, 'plays, CPU', 'µs', without, plays, 'cpu_us')
    bench.add(name, 'webhooks, p99', 'ms', without, webhooks, 'p99_ms')
    bench.add(name, 'webhooks', '/s', without, webhooks, 'per_second', better='more')
    bench.add(name, 'webhooks, CPU', 'µs', without, webhooks, 'cpu_us')
    bench.add(name, 'plays, p99', 'ms', 'nginx under it', under, 'p99_ms', goal=1)
    bench.add(name, 'plays, CPU', 'µs', 'nginx under it', under, 'cpu_us', goal=1)
    bench.add(name, 'memory (PSS) during it', 'KiB', 'nginx', kib(ours.during_kib, nginx.during_kib), 'kib', goal=1)
    bench.add(name, 'memory (PSS) after it', 'KiB', 'callspool before it',
              kib(ours.after_kib, ours.before_kib), 'kib', goal=1.1)


def attack(bench):
    """Four sorts of slow requests in their thousands, beside players and webhooks at full load."""
    if not shutil.which('slowhttptest'):
        raise Failure('there is no slowhttptest: script/bootstrap --bench')
    for number, (mode, (_, count, holds)) in enumerate(MODES.items()):
        with rows_play.Stored(bench, settings=PATIENT) as stored:
            other = stored.start(servers.nginx(bench.new_folder('attacked'), 'nginx/attack.conf',
                                               root=stored.folder, upstream_port=stored.ours.port))
            ours = Side(bench, stored.ours, rows_play.PATH, 50000000 + number * 100000000)
            nginx = Side(bench, other, '/media.mp3')
            ours.run(mode)
            nginx.run(mode)
            with Attack(other, mode, nginx.path) as elsewhere:
                ours.plays_elsewhere = ours.plays()
                elsewhere.check()
            elsewhere.gone()
            add_rows(bench, f'{count:,} {mode}' if holds else f'200 {mode} requests a second', ours, nginx)
