"""Starting and ending the servers that are compared, each in a folder of its own.

The server runs on core 0 and what loads it on core 1.  A server that does not come up ends the bench.
"""

import base64
import hashlib
import hmac
import http.client
import os
import shutil
import signal
import socket
import string
import subprocess
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, '../tests/tools/postgres')
ACCOUNT = 'AC' + '0f' * 16
TOKEN = 'bench-token'
PUBLIC_URL = 'http://bench.example'
SERVER_CORE, LOAD_CORE, BOTH_CORES = '0', '1', '0,1'
PATIENCE_S = 60


class Failure(Exception):
    """The bench cannot go on; its text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Polls what a server answers of its own progress; that it listens is no matter of polling: see Listener."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.005)
    raise Failure('waited in vain for ' + what)


class Listener:
    """A socket that listens before its server starts: whoever connects waits in the queue until it is ready."""

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0), backlog=4096)
        self.socket.setblocking(False) # nginx takes it as it is, and accepts until there is none
        self.port, self.fd = self.socket.getsockname()[1], self.socket.fileno()

    def wait_for(self, server):
        """The server has a copy; when it ends without a word, that was the last, and the answer is a reset."""
        self.socket.close()
        try:
            get(self.port, '/')
            return
        except (OSError, http.client.HTTPException):
            server.stop()
        raise Failure(f'{server.name} did not start: see {server.log.name}')


class Server:
    """A process and its children; ended with all of them."""

    def __init__(self, name, command, folder, port=None, core=SERVER_CORE, env=None, fds=()):
        self.name, self.folder, self.port = name, folder, port
        self.log = open(os.path.join(folder, name + '.log'), 'ab')
        self.process = subprocess.Popen(
            ['taskset', '-c', core] + command, cwd=folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **(env or {})}, pass_fds=fds)

    def first_line(self):
        line = self.process.stdout.readline().decode().strip()
        if not line:
            raise Failure(f'{self.name} did not start: see {self.log.name}')
        return line

    def pids(self):
        """The process and those below it."""
        found, grown = [self.process.pid], True
        while grown:
            below = []
            for pid in found:
                try:
                    for task in os.listdir(f'/proc/{pid}/task'):
                        with open(f'/proc/{pid}/task/{task}/children') as children:
                            below += [int(child) for child in children.read().split()]
                except OSError:
                    pass
            grown = any(pid not in found for pid in below)
            found += [pid for pid in below if pid not in found]
        return found

    def memory_kib(self):
        """Proportional set size: what is shared is counted once for all."""
        total = 0
        for pid in self.pids():
            try:
                with open(f'/proc/{pid}/smaps_rollup') as rollup:
                    total += sum(int(line.split()[1]) for line in rollup if line.startswith('Pss:'))
            except OSError:
                pass
        return total

    def stop(self, how=signal.SIGTERM):
        try:
            os.killpg(self.process.pid, how)
            self.process.wait(timeout=20)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        # A worker of somebody's may outlive its master by a moment.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fill_in(template, target, **values):
    with open(os.path.join(HERE, template)) as source:
        text = string.Template(source.read()).substitute(values)
    with open(target, 'w') as out:
        out.write(text)
    return target


def callspool(binary, folder, api_port, *settings, core=SERVER_CORE):
    """serve on a data folder of its own; one serving loop, as it has one core.  `settings` take the place of ours."""
    usual = [
        'listen=127.0.0.1:0', f'data_dir={folder}/data', 'auth=none', 'threads=1',
        f'twilio.api_url=http://127.0.0.1:{api_port}', f'public_url={PUBLIC_URL}',
        'retention=forever', 'log_level=warn', 'keepalive_timeout=1h']
    names = {setting.split('=')[0] for setting in settings}
    everything = [setting for setting in usual if setting.split('=')[0] not in names] + list(settings)
    command = [binary, 'serve']
    for setting in everything:
        command += ['--set', setting]
    server = Server('callspool', command, folder, core=core,
                    env={'TWILIO_ACCOUNT_SID': ACCOUNT, 'TWILIO_AUTH_TOKEN': TOKEN})
    server.port = int(server.first_line().rsplit(':', 1)[1])
    return server


class Postgres:
    """A PostgreSQL of its own on the load's core, on loopback, with a disk that it syncs to; relayed(us): the same, further away."""

    def __init__(self, folder, relay_binary):
        self.folder, self.relay_binary, self.port, self.databases = folder, relay_binary, free_port(), 0
        subprocess.run([TOOL, 'init', folder], check=True)
        with open(os.path.join(folder, 'data/postgresql.conf'), 'a') as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nmax_connections = 100\nshared_buffers = 256MB\n"
                       'autovacuum = on\nmax_wal_size = 4GB\n')
        self.relays = {}
        self.server = Server('postgres', [TOOL, 'serve', folder], folder, core=LOAD_CORE)
        wait_until(self.is_ready, 'PostgreSQL')

    def is_ready(self):
        return subprocess.run(self.psql('postgres', 'SELECT 1'), check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def psql(self, database, sql):
        return ['psql', '-XAtqc', sql, self.url(database)]

    def url(self, database, delay_us=0):
        """libpq's; as on a machine to which a packet takes so long."""
        port = self.port
        if delay_us:
            if delay_us not in self.relays:
                relay = Server('relay', [self.relay_binary, str(self.port), str(delay_us)], self.folder, core=LOAD_CORE)
                relay.port = int(relay.first_line())
                self.relays[delay_us] = relay
            port = self.relays[delay_us].port
        return f'postgresql://callspool@127.0.0.1:{port}/{database}'

    def new_database(self):
        self.databases += 1
        name = f'bench{self.databases}'
        self.query('postgres', f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        return name

    def query(self, database, sql):
        return subprocess.run(self.psql(database, sql), check=True, stdout=subprocess.PIPE).stdout.decode().strip()

    def hold(self, database, sql):
        """A session that says this and stays: kill it."""
        session = subprocess.Popen(['psql', '-XAtq', self.url(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        session.stdin.write(f'{sql};\nSELECT 1;\n'.encode())
        session.stdin.flush()
        session.stdout.readline()
        return session

    def pids(self):
        return self.server.pids()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for relay in self.relays.values():
            relay.stop()
        self.server.stop(signal.SIGINT)


def nginx(folder, template, **values):
    listener = Listener()
    os.makedirs(os.path.join(folder, 'tmp'), exist_ok=True)
    conf = fill_in(template, os.path.join(folder, 'nginx.conf'), port=listener.port, folder=folder, **values)
    binary = shutil.which('nginx', path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    server = Server('nginx', [binary, '-p', folder, '-c', conf, '-g', 'daemon off;'], folder, listener.port,
                    env={'NGINX': f'{listener.fd};'}, fds=(listener.fd,)) # as for its own upgrades
    listener.wait_for(server)
    return server


def varnish(folder, upstream_port):
    port = free_port()
    vcl = fill_in('varnish/cold.vcl', os.path.join(folder, 'cold.vcl'), upstream_port=upstream_port)
    binary = shutil.which('varnishd', path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    server = Server('varnish', [
        binary, '-F', '-a', f'127.0.0.1:{port}', '-f', vcl, '-s', 'malloc,512m', '-n', f'{folder}/varnish',
        '-p', 'thread_pool_min=600', '-p', 'thread_pool_max=1200', '-p', 'thread_pools=1'], folder, port)
    # It takes no socket; but its manager answers varnishadm, which waits for it, only once its child listens.
    status = subprocess.run(['varnishadm', '-n', f'{folder}/varnish', '-t', '30', 'status'], check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if b'running' not in status.stdout:
        server.stop()
        raise Failure(f'varnish did not start: see {server.log.name}')
    return server


def flask(folder, worker_class):
    listener = Listener()
    # Debian's Flask and gunicorn, whatever else is in the path of this user.
    server = Server('flask', [
        '/usr/bin/python3', '/usr/bin/gunicorn', '--workers', '4', '--worker-class', worker_class,
        '--threads', '4' if worker_class == 'gthread' else '1', '--keep-alive', '3600',
        '--bind', f'fd://{listener.fd}', '--worker-tmp-dir', '/dev/shm', '--chdir', os.path.join(HERE, 'flask'),
        'app:app'], folder, listener.port, fds=(listener.fd,),
        env={'BENCH_DATABASE': os.path.join(folder, 'events.db'), 'BENCH_TOKEN': TOKEN,
             'BENCH_URL': PUBLIC_URL})
    listener.wait_for(server)
    return server


def provider(binary, folder, media, *times):
    server = Server('provider', [binary, media, *[str(ms) for ms in times]], folder, core=LOAD_CORE)
    server.port = int(server.first_line())
    return server


def floor(binary, folder, media, first, length):
    server = Server('floor', [binary, media, str(first), str(length)], folder)
    server.port = int(server.first_line())
    return server


def get(port, path, headers=None):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    connection.request('GET', path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def upstream_requests(port):
    """Of the provider since the last time this was asked, and when the last one's first byte was sent (ms)."""
    count, first_at_ms = get(port, '/count')[1].split()
    return int(count), int(first_at_ms)


def announcement(digits, duration_s):
    """The webhook, a whole HTTP request, by which Twilio tells that RE+digits of CA+digits is complete."""
    path = '/webhook/recording-status'
    params = {
        'AccountSid': ACCOUNT, 'CallSid': 'CA' + digits, 'RecordingSid': 'RE' + digits,
        'RecordingStatus': 'completed', 'RecordingDuration': str(duration_s), 'RecordingChannels': '1',
        'RecordingSource': 'DialVerb',
        'RecordingStartTime': time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(time.time() - 600))}
    text = PUBLIC_URL + path + ''.join(name + params[name] for name in sorted(params))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    body = urllib.parse.urlencode(params)
    return (f'POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'
            f'X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}').encode()


def announce(port, digits, duration_s):
    with socket.create_connection(('127.0.0.1', port), timeout=60) as connection:
        connection.sendall(announcement(digits, duration_s))
        answer = connection.recv(4096)
    if not answer.startswith(b'HTTP/1.1 200 '):
        raise Failure(f'callspool answered a webhook with {answer[:40]}')


def store(port, digits, duration_s):
    """Announces it and plays it: the last byte comes once it is stored."""
    announce(port, digits, duration_s)
    status, _ = get(port, f'/api/calls/CA{digits}/download')
    if status != 200:
        raise Failure(f'callspool answered a play with {status}')


def make_media(path, seconds):
    """An MP3 of 64 kbit/s, mono, 24 kHz: true frame headers, and noise that nothing can compress."""
    frame_bytes, frame_s = 192, 0.024
    noise = hashlib.shake_256(b'callspool').digest(frame_bytes * 1000)
    with open(path, 'wb') as out:
        for i in range(round(seconds / frame_s)):
            at = i % 1000 * frame_bytes
            out.write(b'\xff\xf3\x84\xc0' + bytes(9) + noise[at + 13:at + frame_bytes])
    return path
