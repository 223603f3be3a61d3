"""Rows about a large ledger: callspool among a million calls, or ten, beside itself among ten thousand."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import urllib.parse

import servers

FEW, MANY, MOST = 10000, 1000000, 10000000
CHECKED = 2000 # calls whose rows are compared with what the projection makes
PLAY_S = 300
STATES = ('none', 'pending', 'stored', 'absent', 'failed', 'deleted')
FATES = {'held': 'recording_group > 7', 'expired': '0', 'on_the_way': '+recording_group = 1'} # kept for ever
DIRECTIONS = ('inbound', 'outbound')
PAGE = 50
FILTERED, NUMBER, FEW_DIGITS = 'any filter', 'a number or its last 7 digits', 'any 3 to 6 digits inside'
PATHS = 400 # of a kind
TRUTHS = 60 # of them, whose answers are compared with another query; TRUTHS_SCANNED by reading all calls
TRUTHS_SCANNED = 4
CONNECTIONS = 64
DAY_MS = 86400000


class Ledger:
    """A data folder with so many calls, and what to ask a server of it."""

    def __init__(self, bench, count, media):
        self.bench, self.count = bench, count
        self.is_kept = bench.ledgers is not None
        self.folder = os.path.join(bench.ledgers, f'among-{count}') if self.is_kept else bench.new_folder(f'among-{count}')
        self.server = None
        self.plays = [f'/api/calls/{sid}/download' for sid in self.made(media)]
        self.random = random.Random(1)
        with contextlib.closing(self.open()) as ledger:
            ledger.execute('PRAGMA cache_size = -65536')
            self.oldest, self.newest = ledger.execute(
                'SELECT MIN(started_at_ms), MAX(started_at_ms) FROM calls').fetchone()
            self.kinds = {
                FILTERED: [self.page() for _ in range(10 * PATHS)],
                NUMBER: self.numbers(ledger, (7, 99)),
                FEW_DIGITS: self.numbers(ledger, (3, 4, 5, 6))}

    def made(self, media):
        """Makes it, or takes the one that a run before has left; returns the calls whose media is there."""
        told = os.path.join(self.folder, 'plays')
        if not os.path.exists(told):
            os.makedirs(self.folder, exist_ok=True)
            done = subprocess.run([self.bench.ledger, 'make', self.folder + '/data', str(self.count), media],
                                  stdout=subprocess.PIPE, check=False)
            if done.returncode != 0:
                raise servers.Failure('the ledger could not be made')
            with open(told, 'wb') as out:
                out.write(done.stdout)
        with open(told) as sids:
            return sids.read().split()

    def remove(self):
        if not self.is_kept:
            shutil.rmtree(self.folder)

    def open(self):
        return sqlite3.connect(f'file:{self.folder}/data/ledger.db?mode=ro', uri=True)

    def page(self, **query):
        """The first page or one far down, with or without each of the filters."""
        draw = self.random
        if draw.random() < 0.6:
            query['direction'] = draw.choice(DIRECTIONS)
        if draw.random() < 0.6:
            query['state'] = draw.choice((*STATES, *FATES))
        if draw.random() < 0.4:
            begin = draw.randrange(self.oldest, self.newest)
            query['from'], query['to'] = date(begin), date(begin + draw.choice((1, 7, 60)) * DAY_MS)
        elif draw.random() < 0.6:
            query['after'] = f'{draw.randrange(self.oldest, self.newest)}.{draw.randrange(1, self.count)}'
        return query

    def numbers(self, ledger, lengths):
        """Of numbers of calls drawn at random the ends, or few digits anywhere; half of them with other filters, too."""
        found = []
        last_id, = ledger.execute('SELECT MAX(id) FROM calls').fetchone()
        while len(found) < PATHS:
            ends = ledger.execute('SELECT from_address, to_address FROM calls WHERE id >= ? ORDER BY id LIMIT 1',
                                  (self.random.randrange(1, last_id),)).fetchone()
            # Rarely one of the product's own numbers, which are in every call.
            is_own = self.random.random() < 0.05
            for end in ends:
                if end.startswith('+') and end.startswith('+1415555') == is_own:
                    length = self.random.choice(lengths)
                    last = len(end) if length > 6 else self.random.randrange(length + 1, len(end) + 1)
                    digits = end[1:last][-length:]
                    if digits[0] == '0': # dropped as a dialling prefix: fewer digits than meant
                        continue
                    found.append(self.page(number=digits) if len(found) % 2 else {'number': digits})
        return found[:PATHS]

    def start(self):
        began = time.monotonic()
        self.server = servers.callspool(self.bench.callspool, self.folder, 9, 'cache_entries=16')
        return time.monotonic() - began

    def stop(self):
        if self.server:
            self.server.stop()
        self.server = None

    def write_paths(self):
        """Asks for each path once, checks what it gets, and keeps its length for the load."""
        files = {}
        with contextlib.closing(self.open()) as ledger:
            for kind, queries in self.kinds.items():
                lines = []
                for i, query in enumerate(queries):
                    if len(lines) == PATHS:
                        break
                    path = '/api/calls?' + urllib.parse.urlencode(query)
                    status, body = servers.get(self.server.port, path)
                    if status != 200:
                        raise servers.Failure(f'{path}: {status} {body[:200]}')
                    is_full = check_page(path, query, json.loads(body))
                    if i < (TRUTHS_SCANNED if 'number' in query else TRUTHS):
                        self.compare(ledger, query)
                    if is_full or kind != FILTERED: # short pages are more among few calls, and cheap
                        lines.append(f'{len(body)} {path}\n')
                files[kind] = self.write(lines, f'paths-{len(files)}')
        files['first play'] = self.write([f'2 {path}\n' for path in self.plays], 'paths-plays')
        return files

    def write(self, lines, name):
        path = os.path.join(self.folder, name)
        with open(path, 'w') as out:
            out.writelines(lines)
        return path

    def compare(self, ledger, query):
        """The same by a query of its own: down the order of time, or for a number through all calls."""
        wanted, got, answer = truth(ledger, query), [], {'next': query.get('after', '')}
        while answer['next'] is not None and len(got) < PAGE:
            asked = {**query, 'after': answer['next']} if answer['next'] else query
            answer = json.loads(servers.get(self.server.port, '/api/calls?' + urllib.parse.urlencode(asked))[1])
            got += [call['call_sid'] for call in answer['calls']]
        if got[:PAGE] != wanted:
            raise servers.Failure(f'{query} among {self.count} calls: not the {len(wanted)} calls that there are')


def date(at_ms):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at_ms // 1000))


def truth(ledger, query):
    # The plus signs keep SQLite from the indexes of these columns.
    terms, values = ['1'], []
    if 'direction' in query:
        terms.append('+direction = ?')
        values.append(1 + DIRECTIONS.index(query['direction']))
    if query.get('state') in FATES:
        terms.append(FATES[query['state']])
    elif 'state' in query:
        terms.append('(+recording_group & 7) = ?')
        values.append(STATES.index(query['state']))
    for name, sign in (('from', '>='), ('to', '<')):
        if name in query:
            terms.append(f"started_at_ms {sign} 1000 * unixepoch(?)")
            values.append(query[name])
    if 'after' in query:
        terms.append('(started_at_ms, id) < (?, ?)')
        values += [int(part) for part in query['after'].split('.')]
    if 'number' in query:
        terms.append('(from_address LIKE ? OR to_address LIKE ?)')
        values += ['%' + query['number'] + '%'] * 2
    sql = f'SELECT call_sid FROM calls {"NOT INDEXED" if "number" in query else ""} WHERE {" AND ".join(terms)} ' \
          f'ORDER BY started_at_ms DESC, id DESC LIMIT {PAGE}'
    return [sid for sid, in ledger.execute(sql, values)]


def check_page(path, query, answer):
    calls = answer['calls']
    times = [call['started_at'] for call in calls]
    wrong = (
        times != sorted(times, reverse=True)
        or (len(calls) != PAGE and 'number' not in query and query.get('state') not in FATES and answer['next'] is not None)
        or any(query['direction'] not in call['direction'] for call in calls if 'direction' in query)
        or any(query['number'] not in call['from'] + '\n' + call['to']
               for call in calls if 'number' in query)
        or any(call['started_at'] < query['from'][:19] or call['started_at'] >= query['to']
               for call in calls if 'from' in query))
    if wrong:
        raise servers.Failure(f'{path} is answered wrongly: {calls[:1]}')
    return len(calls) == PAGE


def name_of(count):
    return {FEW: '10 thousand', MANY: '1 million', MOST: '10 million'}[count]


def check_rows(bench):
    folder = bench.new_folder('check')
    if subprocess.run([bench.ledger, 'check', folder, str(CHECKED)], check=False).returncode != 0:
        raise servers.Failure('the rows of the made ledger are not what the projection makes')


def among(bench, count):
    check_rows(bench)
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), PLAY_S)
    many, few = Ledger(bench, count, media), Ledger(bench, FEW, media)
    try:
        measure(bench, many, few)
    finally:
        many.stop()
        few.stop()
        many.remove()


def measure(bench, many, few):
    name, peer = f'among {name_of(many.count)} calls', f'among {name_of(few.count)}'

    def started(ledger):
        ledger.stop()
        return {'s': ledger.start(), 'errors': 0}

    def memory():
        return [({'kib': many.server.memory_kib(), 'errors': 0}, {'kib': few.server.memory_kib(), 'errors': 0})]

    pairs = bench.pairs(lambda _: started(many), lambda _: started(few))
    bench.add_one(name, 'start', 's', [one['s'] for one, _ in pairs], goal=2)
    bench.add(name, 'memory (PSS) after the start', 'KiB', peer, memory(), 'kib')

    ours, theirs = many.write_paths(), few.write_paths()

    def load(ledger, paths, **options):
        return bench.load('steady', ledger.server, seconds=bench.seconds, paths=paths, **options)

    for kind, goal in ((FILTERED, 2), (NUMBER, 5), (FEW_DIGITS, 100)):
        # One at a time: what is measured is the page, not the queue before it.
        pairs = bench.pairs(lambda _, k=kind: load(many, ours[k], connections=1, status=200),
                            lambda _, k=kind: load(few, theirs[k], connections=1, status=200))
        if kind != FEW_DIGITS: # few numbers among few calls have them: nothing to compare with
            bench.add(f'{name}: {kind}', 'CPU', 'µs', peer, pairs, 'cpu_us')
            bench.add(f'{name}: {kind}', 'p50', 'ms', peer, pairs, 'p50_ms')
            bench.add(f'{name}: {kind}', 'p99', 'ms', peer, pairs, 'p99_ms')
        bench.add_one(f'{name}: {kind}', 'p99, against the goal', 'ms', [one['p99_ms'] for one, _ in pairs],
                      goal=goal, errors=sum(one['errors'] for one, _ in pairs))
    bench.add(name, 'memory (PSS) after these', 'KiB', peer, memory(), 'kib')

    play = {'range': 'bytes=0-1', 'status': 206, 'connections': CONNECTIONS}
    warm = [ledger.write([f'2 {ledger.plays[0]}\n'], 'play') for ledger in (many, few)]
    pairs = bench.pairs(lambda _: load(many, warm[0], **play), lambda _: load(few, warm[1], **play))
    bench.add(f'{name}: warm play', 'CPU', 'µs', peer, pairs, 'cpu_us')
    # More recordings than the cache holds, in turn: each is new to it.
    pairs = bench.pairs(lambda _: load(many, ours['first play'], **play),
                        lambda _: load(few, theirs['first play'], **play))
    bench.add(f'{name}: first play', 'CPU', 'µs', peer, pairs, 'cpu_us')
    bench.add(f'{name}: first play', 'p99', 'ms', peer, pairs, 'p99_ms')


def million(bench):
    """A page of the list, a search, a play: does it matter how many calls there are?"""
    among(bench, MANY)


def ten_million(bench):
    """The same among ten million: minutes to make, and 8 GB."""
    among(bench, MOST)
