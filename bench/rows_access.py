"""Rows about who may play: what a session costs a play, what the audit costs, and somebody who guesses passwords."""

import hashlib
import http.client
import json
import os
import random
import sqlite3
import statistics
import threading
import time

import servers
from rows_play import CONNECTIONS, DIGITS, PLAY_S

SESSIONS = 4096 # as many as a serving loop knows without asking the ledger (auth/known.c)
LISTENERS = 512 # whose plays are all open at once (auth/open_plays.c)
RECORDINGS = 24 # with these as many plays as no table of open plays holds: each request begins one
OTHERS_RATE = 2000 # plays a second, beside which somebody guesses
GUESS_RATE = 5000
GO_ON_S = 60 # of `audit`
ADDRESSES, ADDRESSES_LONG = 100_000, 1_000_000
VICTIM, PASSWORD = 'victim', 'correct horse battery 7' # the name is GUESSED_NAME of guesses.h
PLAY = {'range': 'bytes=0-1', 'status': 206, 'connections': CONNECTIONS}


def digits_of(number):
    return f'{number:02x}' + DIGITS[2:]


def path_of(number):
    return f'/api/recordings/RE{digits_of(number)}/media'


def secret_of(number):
    """As credential.h writes one, and the same in each run."""
    return hashlib.sha256(b'session %d' % number).hexdigest()[:32]


def add_sessions(folder):
    """A user and a session each, as a sign-in leaves them; nobody hashes 4,096 passwords for that."""
    now_ms = int(time.time() * 1000)
    first_id = 1_000_000_000 # behind all that the ledger gives
    ledger = sqlite3.connect(os.path.join(folder, 'data', 'ledger.db'))
    with ledger:
        for i in range(SESSIONS):
            secret = secret_of(i)
            ledger.execute('INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq)'
                           ' VALUES (?, 0, ?, 1, 0, ?, 0)', (first_id + i, f'listener-{i}', now_ms))
            ledger.execute('INSERT INTO credentials (id, kind, name, hash, user_id, rights, made_at_ms, seen_at_ms,'
                           ' expires_at_ms, plays, plays_max, options, changed_seq)'
                           ' VALUES (?, 1, ?, ?, ?, 7, ?, ?, ?, 0, 0, 0, 0)',
                           (first_id + i, secret[:8], hashlib.sha256(secret.encode()).hexdigest(), first_id + i,
                            now_ms, now_ms, now_ms + 86_400_000))
    ledger.close()


class Signed:
    """callspool with the same recordings twice: for everybody, and for those who are signed in."""

    def __init__(self, bench, recordings=1, settings=()):
        self.bench, self.recordings = bench, recordings
        self.settings = ('auth=password', 'trusted_proxies=127.0.0.1', 'play_limit=1000000', *settings)
        self.started = []

    def start(self, server):
        self.started.append(server)
        return server

    def stop(self, server):
        server.stop()
        self.started.remove(server)

    def start_with_media(self, name):
        folder = self.bench.new_folder(name)
        server = self.start(servers.callspool(self.bench.callspool, folder, self.provider.port))
        for number in range(self.recordings):
            servers.store(server.port, digits_of(number), PLAY_S)
        return server

    def start_signed(self):
        return self.start(servers.callspool(self.bench.callspool, self.folder, self.provider.port, *self.settings))

    def __enter__(self):
        try:
            media = self.bench.new_folder('media')
            self.media = servers.make_media(os.path.join(media, 'media.mp3'), PLAY_S)
            self.provider = self.start(servers.provider(self.bench.provider, media, self.media))
            self.none = self.start_with_media('everybody')
            first = self.start_with_media('signed')
            self.folder = first.folder
            self.stop(first)
            add_sessions(self.folder)
            self.ours = self.start_signed()
        except servers.Failure:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.started):
            server.stop()

    def requests(self, name, with_cookie, sessions=None, recordings=1):
        """A file of so many sessions, each with each recording, in an order that nothing foresees."""
        pairs = [(i, number) for i in range(sessions or SESSIONS) for number in range(recordings)]
        random.Random(7).shuffle(pairs)
        file_name = os.path.join(self.folder, name)
        with open(file_name, 'w') as out:
            for session, number in pairs:
                cookie = f'\tCookie: callspool={secret_of(session)}' if with_cookie else ''
                out.write(f'2 {path_of(number)}{cookie}\n')
        return file_name

    def warm_up(self, with_cookie):
        """Until each session was looked up, and its play has begun: on a machine with other work that takes longer."""
        begun, before = 0, -1
        while begun != before:
            self.bench.load('steady', self.ours, paths=with_cookie, seconds=3, **PLAY)
            before, begun = begun, audited(self.folder)[0]

    def check(self):
        """Nobody plays without a session."""
        if servers.get(self.ours.port, path_of(0))[0] != 401:
            raise servers.Failure('callspool plays to somebody who is not signed in')


def session(bench):
    """A warm play with a session, of 4,096 in random order, against auth = none in the same run."""
    with Signed(bench) as signed:
        signed.check()
        with_cookie, without = signed.requests('cookies', True), signed.requests('none', False)

        def ours(_):
            return bench.load('steady', signed.ours, paths=with_cookie, seconds=bench.seconds, **PLAY)

        signed.warm_up(with_cookie)
        for peer, paths, goal in (('auth = none', without, 1.05), ('auth = none, the same requests', with_cookie, None)):
            pairs = bench.pairs(ours, lambda _, p=paths: bench.load('steady', signed.none, paths=p, seconds=bench.seconds,
                                                                   **PLAY))
            bench.add('play, 4,096 sessions', 'CPU', 'µs', peer, pairs, 'cpu_us', goal)
            bench.add('play, 4,096 sessions', 'p99', 'ms', peer, pairs, 'p99_ms')


def audited(folder):
    """Entries about plays, those that were left out, and the size of the ledger."""
    path = os.path.join(folder, 'data', 'ledger.db')
    ledger = sqlite3.connect(f'file:{path}?mode=ro', uri=True)
    entries = ledger.execute("SELECT COUNT(*) FROM audit WHERE kind IN ('play_began', 'play_ended')").fetchone()[0]
    left_out = sum(json.loads(body)['left_out'] for body, in ledger.execute(
        "SELECT body FROM audit WHERE kind = 'chain_gap'"))
    ledger.close()
    return entries, left_out, os.path.getsize(path)


def audit(bench):
    """Full load of plays that go on, and of requests that each begin a play: the most that the audit can be asked for.

    script/bench --seconds 600 --runs 1 audit
    """
    with Signed(bench, RECORDINGS) as signed:
        # Few entries come of plays that go on, however long they do.
        for name, sessions, recordings, lasts in (
                ('plays that go on, audited', LISTENERS, 1, min(bench.seconds, GO_ON_S)),
                ('plays that all begin, audited', SESSIONS, RECORDINGS, bench.seconds)):
            with_cookie = signed.requests(name.split(',')[0].replace(' ', '-'), True, sessions, recordings)
            bench.load('steady', signed.ours, paths=with_cookie, seconds=3, **PLAY) # each is looked up once
            before, began = audited(signed.folder), time.monotonic()
            pairs = bench.pairs(
                lambda _, p=with_cookie, s=lasts: bench.load('steady', signed.ours, paths=p, seconds=s, **PLAY),
                lambda _, p=with_cookie, s=lasts: bench.load('steady', signed.none, paths=p, seconds=s, **PLAY))
            seconds = time.monotonic() - began
            signed.stop(signed.ours) # what is still to be written is
            entries, left_out, size = (after - had for after, had in zip(audited(signed.folder), before))
            signed.ours = signed.start_signed()
            bench.add(name, 'CPU', 'µs', 'auth = none', pairs, 'cpu_us')
            bench.add(name, 'requests', '/s', 'auth = none', pairs, 'per_second', better='more')
            bench.add(name, 'p99', 'ms', 'auth = none', pairs, 'p99_ms')
            bench.add_one(name, 'entries', '/s', [entries / seconds])
            bench.add_one(name, 'left out, and told so', '%', [100 * left_out / max(entries + left_out, 1)])
            bench.add_one(name, 'ledger', 'bytes an entry', [size / max(entries, 1)])


class Browser:
    """Of the victim: joins by the link for the first administrator, signs in, and is known from then on."""

    def __init__(self, port):
        self.port, self.device = port, None

    def post(self, path, body):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        headers = {'Content-Type': 'application/json', 'X-Forwarded-For': '192.0.2.7'}
        if self.device:
            headers['Cookie'] = self.device
        connection.request('POST', path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        for cookie in answer.headers.get_all('Set-Cookie') or []:
            if cookie.startswith('callspool-device='):
                self.device = cookie.split(';')[0]
        connection.close()
        return answer.status

    def join(self, folder):
        with open(os.path.join(folder, 'data', 'first-administrator')) as file:
            invitation = file.read().strip().split('#')[1]
        status = self.post('/join', {'invitation': invitation, 'name': VICTIM, 'password': PASSWORD})
        if status != 200 or self.sign_in() != 200 or not self.device:
            raise servers.Failure(f'the first administrator could not join and sign in: {status}')

    def sign_in(self):
        return self.post('/api/session', {'name': VICTIM, 'password': PASSWORD})


def is_hashing(server):
    """Has the thread that hashes passwords something to do?"""
    for pid in server.pids():
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/stat') as stat:
                name, _, rest = stat.read().partition(') ')
            if name.endswith('(hasher') and not rest.startswith('S'):
                return True
    return False


def memory_at_rest(server):
    """Once nothing waits to be hashed: a hash takes 64 MiB while it is made."""
    last = [0.0] # when it last worked

    def has_rested():
        now = time.monotonic()
        if is_hashing(server):
            last[0] = now
        return now - last[0] > 0.5

    last[0] = time.monotonic()
    servers.wait_until(has_rested, 'the hasher to rest', 300) # it has the lowest priority
    return server.memory_kib()


def guessing(bench):
    """Passwords guessed from very many addresses: memory, the others, and whose password it is."""
    addresses = ADDRESSES_LONG if bench.is_long else ADDRESSES
    with Signed(bench) as signed:
        with_cookie = signed.requests('cookies', True)
        browser = Browser(signed.ours.port)
        browser.join(signed.folder)
        others = {'paths': with_cookie, 'rate': OTHERS_RATE, **PLAY}
        alone = [bench.load('steady', signed.ours, seconds=bench.seconds, **others) for _ in range(bench.runs)]
        # What guessing takes whoever does it: the ledger's caches.
        bench.load('steady', signed.ours, seconds=addresses / 10 / GUESS_RATE, guesses=addresses, guess_rate=GUESS_RATE,
                   **others)
        before = memory_at_rest(signed.ours)
        beside, waits = [], []

        def attack():
            beside.append(bench.load('steady', signed.ours, seconds=addresses / GUESS_RATE, guesses=addresses,
                                     guess_rate=GUESS_RATE, **others))

        thread = threading.Thread(target=attack)
        thread.start()
        while thread.is_alive():
            thread.join(timeout=2)
            began = time.monotonic()
            if browser.sign_in() != 200:
                raise servers.Failure('whose password it is cannot sign in from the browser that is known')
            waits.append(time.monotonic() - began)
        after = memory_at_rest(signed.ours)
        name = f'guessing from {addresses:,} addresses'
        run = beside[0]
        run['errors'] += run['guessed'] + (run['requests'] == 0) # who is not answered has no p99
        alone_p99 = statistics.median(one['p99_ms'] for one in alone)
        bench.add(name, 'p99 of others', 'ms', 'nobody guesses', [(run, {**alone[0], 'p99_ms': alone_p99})], 'p99_ms', goal=3)
        bench.add(name, 'memory (PSS) after', 'KiB', 'before',
                  [({'memory': after, 'errors': 0}, {'memory': before, 'errors': 0})], 'memory', goal=1.1)
        bench.add_one(name, 'guesses answered', '/s', [run['guesses'] / run['seconds']])
        bench.add_one(name, 'the victim signs in, slowest', 's', [max(waits)])


NAMES, TRIES = 20, 10 # of each name as many tries as a name may have at once (auth/throttle.c)


def add_named(folder):
    """Users with the victim's password, whatever it is: what they are guessed by is wrong."""
    ledger = sqlite3.connect(os.path.join(folder, 'data', 'ledger.db'))
    with ledger:
        for i in range(NAMES):
            ledger.execute('INSERT INTO users (id, source, name, role, password_hash, is_disabled, made_at_ms, changed_seq)'
                           ' SELECT ?, source, ?, 1, password_hash, 0, made_at_ms, 0 FROM users WHERE name = ?',
                           (2_000_000_000 + i, f'known-{i:02}', VICTIM))
    ledger.close()


def answered_in(port, name, network):
    """Milliseconds until a wrong password is refused; its sender comes from a network of its own."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    connection.connect()
    body = json.dumps({'name': name, 'password': 'not the password at all'})
    began = time.monotonic()
    connection.request('POST', '/api/session', body, {
        'Content-Type': 'application/json',
        'X-Forwarded-For': f'{12 + network // 65536}.{network // 256 % 256}.{network % 256}.9'})
    answer = connection.getresponse()
    answer.read()
    took = (time.monotonic() - began) * 1000
    connection.close()
    if answer.status != 401:
        raise servers.Failure(f'a wrong password for {name} was answered {answer.status}')
    return took


def enumeration(bench):
    """Does the time of a refusal tell which names there are?  Names take turns, so that the machine is fair to both."""
    with Signed(bench) as signed:
        Browser(signed.ours.port).join(signed.folder)
        signed.stop(signed.ours)
        add_named(signed.folder)
        signed.ours = signed.start_signed()
        took, network = {'known': [], 'other': []}, 0
        for turn in range(TRIES):
            for i in range(NAMES):
                for kind in ('known', 'other') if (turn + i) % 2 == 0 else ('other', 'known'):
                    took[kind].append(answered_in(signed.ours.port, f'{kind}-{i:02}', network))
                    network += 1
        known, other = statistics.median(took['known']), statistics.median(took['other'])
        name = f'a wrong password, {NAMES} names'
        bench.add(name, 'median until refused', 'ms', 'names that nobody has',
                  [({'ms': known, 'errors': 0}, {'ms': other, 'errors': 0})], 'ms')
        bench.add_one(name, 'the medians differ by', '%', [100 * abs(known - other) / min(known, other)], goal=5)
