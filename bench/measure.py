"""Runs of the load, pairs of them, and what is made of them: medians, ratios, rows of the table."""

import json
import os
import statistics
import subprocess
import threading

from servers import ACCOUNT, LOAD_CORE, PUBLIC_URL, TOKEN, Failure


class Bench:
    """What all rows need: the binaries, a folder, and how long and how often."""

    def __init__(self, binaries, folder, runs, seconds, is_long=False, ledgers=None, against=None):
        self.callspool = os.path.join(binaries, 'callspool')
        self.load_binary = os.path.join(binaries, 'bench/bench-load')
        self.ledger = os.path.join(binaries, 'bench/bench-ledger')
        self.provider = os.path.join(binaries, 'bench/bench-provider')
        self.waveform = os.path.join(binaries, 'bench/bench-waveform')
        self.floor = os.path.join(binaries, 'bench/bench-floor')
        self.relay = os.path.join(binaries, 'bench/bench-relay')
        self.queue = os.path.join(binaries, 'bench/bench-queue')
        self.folder, self.runs, self.seconds, self.is_long = folder, runs, seconds, is_long
        self.ledgers = ledgers and os.path.abspath(ledgers) # large ones are kept there
        self.against = against and os.path.abspath(against) # another build of callspool: rows_against.py
        self.folders = 0
        self.rows = []

    def new_folder(self, name):
        self.folders += 1
        path = os.path.join(self.folder, f'{self.folders:03}-{name}')
        os.makedirs(path)
        return path

    def load_command(self, mode, server, options):
        command = ['taskset', '-c', LOAD_CORE, self.load_binary, mode, '--port', str(server.port)]
        for name, value in options.items():
            if value is not None:
                command += ['--' + name.replace('_', '-')] + ([] if value is True else [str(value)])
        return command

    def load(self, mode, server, also=(), **options):
        """One run; `also`: further servers whose processor time counts."""
        command = self.load_command(mode, server, options)
        if mode == 'steady':
            for pid in (pid for one in (server, *also) for pid in one.pids()):
                command += ['--pid', str(pid)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Failure(f'{" ".join(command)}: exit status {done.returncode}')
        return json.loads(done.stdout)

    def start(self, mode, server, **options):
        """One run beside others: its communicate()[0] is what load() would tell."""
        return subprocess.Popen(self.load_command(mode, server, options), stdout=subprocess.PIPE)

    def webhooks(self, server, count, first, **options):
        return self.load('steady', server, webhooks=count, first=first, url=PUBLIC_URL, account=ACCOUNT,
                         token=TOKEN, **options)

    def hold(self, server, **options):
        return Hold(self.load_command('hold', server, options))

    def follow(self, server, **options):
        return Hold(self.load_command('follow', server, {'path': '/api/events', 'url': PUBLIC_URL, **options}))

    def pairs(self, ours, theirs):
        """Interleaved runs, the first of a pair by turns: (ours, theirs) each."""
        found = []
        for i in range(self.runs):
            if i % 2 == 0:
                one = ours(i)
                found.append((one, theirs(i)))
            else:
                other = theirs(i)
                found.append((ours(i), other))
        return found

    def add(self, name, measure, unit, peer, pairs, key, goal=None, better='less'):
        """A row: the median of each side, and the median of the ratios within the pairs."""
        errors = sum(one['errors'] + other['errors'] for one, other in pairs)
        row = {
            'row': name, 'measure': measure, 'unit': unit, 'peer': peer, 'runs': len(pairs), 'errors': errors,
            'callspool': statistics.median(one[key] for one, _ in pairs),
            'peer_value': statistics.median(other[key] for _, other in pairs),
            'ratio': None, 'goal': goal, 'better': better, 'reached': None}
        if errors == 0 and all(other[key] for _, other in pairs):
            row['ratio'] = statistics.median(one[key] / other[key] for one, other in pairs)
            if goal is not None:
                row['reached'] = row['ratio'] <= goal if better == 'less' else row['ratio'] >= goal
        self.rows.append(row)

    def add_one(self, name, measure, unit, values, goal=None, better='less', errors=0):
        """A row without a peer: a value against a goal of its own."""
        value = statistics.median(values)
        row = {'row': name, 'measure': measure, 'unit': unit, 'peer': None, 'runs': len(values),
               'errors': errors, 'callspool': value, 'peer_value': None, 'ratio': None, 'goal': goal,
               'better': better, 'reached': None}
        if goal is not None and errors == 0:
            row['reached'] = value <= goal if better == 'less' else value >= goal
        self.rows.append(row)


class Hold:
    """Listeners that stay until release()."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        watchdog = threading.Timer(120, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if line != b'holding\n':
            raise Failure('the listeners could not be held')

    def release(self):
        return json.loads(self.process.communicate(timeout=60)[0])


def number(value):
    if value is None:
        return '–'
    if value >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def markdown(rows):
    lines = ['| what | measure | callspool | peer | | ratio | goal | |', '| --- | --- | ---: | --- | ---: | ---: | ---: | --- |']
    for row in rows:
        sign = '≤' if row['better'] == 'less' else '≥'
        ratio = number(row['ratio'])
        if row['errors']:
            ratio = f'not told: {row["errors"]} errors'
        reached = {None: '', True: 'reached', False: 'not reached'}[row['reached']]
        goal = '' if row['goal'] is None else f'{sign} {number(row["goal"])}'
        lines.append(
            f'| {row["row"]} | {row["measure"]}, {row["unit"]} | {number(row["callspool"])} '
            f'| {row["peer"] or ""} | {number(row["peer_value"]) if row["peer"] else ""} '
            f'| {ratio if row["peer"] or row["errors"] else ""} | {goal} | {reached} |')
    return '\n'.join(lines)
