"""Rows about what comes in: webhooks, and the recordings that they announce."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import servers

CONNECTIONS = 64
WEBHOOKS, FLASK_WEBHOOKS = 40000, 6000 # made and signed for each second of a run: more than either takes
RECORDINGS, RECORDING_S, AT_ONCE = 1000, 60, 32


def webhooks(bench):
    """Signed, and answered once they are committed: against Flask, gunicorn and SQLite, on one core."""
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), 10)
    first = 0
    with servers.provider(bench.provider, folder, media) as provider, \
            servers.callspool(bench.callspool, bench.new_folder('callspool'), provider.port) as ours:
        for worker_class in ('sync', 'gthread'):
            with servers.flask(bench.new_folder('flask'), worker_class) as flask:
                def take(server, each, i, base):
                    return bench.webhooks(server, int(each * (bench.seconds + 0.5)), base + i * 1000000,
                                          connections=CONNECTIONS, seconds=bench.seconds)
                pairs = bench.pairs(lambda i, b=first: take(ours, WEBHOOKS, i, b),
                                    lambda i, b=first: take(flask, FLASK_WEBHOOKS, i, b))
                first += bench.runs * 1000000
            peer = f'Flask, 4 {worker_class} workers'
            bench.add('webhooks, durable', 'answered', '/s', peer, pairs, 'per_second', goal=8, better='more')
            bench.add('webhooks, durable', 'CPU', 'µs', peer, pairs, 'cpu_us')
        full = sorted(one['per_second'] for one, _ in pairs)[len(pairs) // 2]
        half = [bench.webhooks(ours, int(full * bench.seconds), first + i * 1000000, connections=CONNECTIONS,
                               seconds=bench.seconds, rate=full / 2) for i in range(bench.runs)]
        bench.add_one('webhooks, at half of that', 'p99', 'ms', [run['p99_ms'] for run in half], goal=20,
                      errors=sum(run['errors'] for run in half))
    killed(bench)


def killed(bench):
    """At full load, kill -9: is what was acknowledged in the ledger?"""
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), 10)
    lost = []
    with servers.provider(bench.provider, folder, media) as provider:
        for _ in range(bench.runs):
            home = bench.new_folder('killed')
            ours = servers.callspool(bench.callspool, home, provider.port)
            load = subprocess.Popen(
                bench.load_command('steady', ours, {
                    'webhooks': WEBHOOKS, 'url': servers.PUBLIC_URL, 'account': servers.ACCOUNT,
                    'token': servers.TOKEN, 'connections': CONNECTIONS, 'seconds': 2}), stdout=subprocess.PIPE)
            servers.wait_until(lambda: count_events(home) > 2000, 'webhooks to come')
            ours.stop(signal.SIGKILL)
            told = json.loads(load.communicate()[0])
            lost.append(max(0, told['acknowledged'] - count_events(home)))
    bench.add_one('webhooks, killed at full load', 'lost of those acknowledged', 'events', lost, goal=0)


def count_events(home):
    connection = sqlite3.connect(os.path.join(home, 'data', 'ledger.db'), timeout=60)
    try:
        return connection.execute('SELECT COUNT(*) FROM events').fetchone()[0]
    finally:
        connection.close()


def stored_count(port):
    return json.loads(servers.get(port, '/api/status')[1])['recordings']['stored']


def prefetch(bench):
    """1,000 recordings: webhook, fetched, synced, in the ledger; against curl --parallel and sync -f.

    Both may use both cores: what is measured is when all is safe, not what it costs.
    """
    folder = bench.new_folder('media')
    media = servers.make_media(os.path.join(folder, 'media.mp3'), RECORDING_S)

    with servers.provider(bench.provider, folder, media) as provider:
        def fetch_ours(_):
            with servers.callspool(bench.callspool, bench.new_folder('callspool'), provider.port,
                                   core=servers.BOTH_CORES) as ours:
                began = time.monotonic()
                told = bench.webhooks(ours, RECORDINGS, 0, connections=CONNECTIONS, completed=RECORDING_S, seconds=60)
                servers.wait_until(lambda: stored_count(ours.port) == RECORDINGS, 'recordings to be stored')
                return {'seconds': time.monotonic() - began, 'errors': told['errors']}

        def fetch_curl(_):
            target = bench.new_folder('curl')
            config = os.path.join(target, 'urls')
            with open(config, 'w') as out:
                for i in range(RECORDINGS):
                    out.write(f'url = "http://127.0.0.1:{provider.port}/Recordings/RE{i:032x}.mp3"\n'
                              f'output = "{target}/RE{i:032x}.mp3"\n')
            began = time.monotonic()
            done = subprocess.run(['taskset', '-c', servers.BOTH_CORES, 'curl', '--silent', '--fail', '--no-progress-meter',
                                   '--parallel', '--parallel-max', str(AT_ONCE), '--config', config], check=False)
            subprocess.run(['sync', '-f', target], check=True)
            seconds = time.monotonic() - began
            files = sum(name.endswith('.mp3') for name in os.listdir(target))
            return {'seconds': seconds, 'errors': done.returncode + RECORDINGS - files}

        pairs = bench.pairs(fetch_ours, fetch_curl)
        bench.add('prefetch of 1,000', 'until all are safe', 's', 'curl --parallel, sync -f', pairs, 'seconds', goal=1)
