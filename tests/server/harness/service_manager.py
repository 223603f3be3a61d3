"""Plays systemd for callspool: no root, no systemd.

    service_manager.py [--listen ADDR:PORT]... [--unix PATH]... [--names A:B] [--watchdog SECONDS] [--notify] -- COMMAND...

Holds the sockets and passes them to each start of COMMAND (LISTEN_FDS); takes what comes to NOTIFY_SOCKET; kills with SIGABRT when
WATCHDOG=1 stays away.  A command a line on standard input: restart, reload (SIGHUP), kill.  SIGTERM stops the program, and
the exit status is that of the program that ended last.

Standard output is a line an event, between those of the program, which inherits it:

    manager listen 127.0.0.1:41237     the port where 0 was asked for
    manager start 4711
    manager notify READY=1             an assignment a line
    manager main 4712                  MAINPID=, or the process that the program left in its place
    manager watchdog                   it was killed for silence
    manager exit 0 | exit SIGTERM

Processes that the program leaves behind become children of this one, as they would be systemd's.
"""
import argparse
import ctypes
import os
import select
import signal
import socket
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
FIRST_FD = 3


def say(*words):
    print('manager', *words, flush=True)


class Manager:
    def __init__(self, options):
        self.options = options
        self.sockets = [self.listen_tcp(address) for address in options.listen] + [self.listen_unix(path) for path in options.unix]
        self.folder = tempfile.TemporaryDirectory()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.folder.name + '/notify')
        self.main = None
        self.fed_at = None
        self.is_stopping = False
        self.unsent = None  # a signal that nobody was there to take
        self.wants_restart = False
        self.code = 0

    @staticmethod
    def listen_tcp(address):
        host, port = address.rsplit(':', 1)
        family = socket.AF_INET6 if '[' in host else socket.AF_INET
        found = socket.create_server((host.strip('[]'), int(port)), family=family, backlog=1024)
        say('listen', '%s:%d' % found.getsockname()[:2])
        return found

    @staticmethod
    def listen_unix(path):
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.bind(path)
        found.listen(1024)
        return found

    def environment(self):
        env = dict(os.environ)
        for name in ('NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'):
            env.pop(name, None)
        if self.options.notify or self.options.watchdog:
            env['NOTIFY_SOCKET'] = self.folder.name + '/notify'
        if self.options.watchdog:
            env.update(WATCHDOG_USEC=str(int(self.options.watchdog * 1e6)), WATCHDOG_PID=str(os.getpid()))
        if self.sockets:
            env.update(LISTEN_FDS=str(len(self.sockets)), LISTEN_PID=str(os.getpid()))
            if self.options.names:
                env['LISTEN_FDNAMES'] = self.options.names
        return env

    def start(self):
        pid = os.fork()
        if pid == 0:
            # Up and out of the way first, then down to 3, 4, ...
            high = [os.dup2(found.fileno(), 200 + i) for i, found in enumerate(self.sockets)]
            for i, fd in enumerate(high):
                os.dup2(fd, FIRST_FD + i, inheritable=True)
                os.close(fd)
            null = os.open('/dev/null', os.O_RDONLY)
            os.dup2(null, 0)
            os.execvpe(self.options.command[0], self.options.command, self.environment())
        self.main = pid
        self.fed_at = None
        say('start', pid)

    def hear(self):
        """Takes one notification."""
        for line in filter(None, self.notify.recv(65536).decode(errors='replace').split('\n')):
            if line in ('READY=1', 'WATCHDOG=1'):
                self.fed_at = time.monotonic()
            if line.startswith('MAINPID='):
                self.main = int(line[8:])
                say('main', self.main)
                if self.unsent is not None:
                    self.forward()
            elif line != 'WATCHDOG=1':
                say('notify', line)

    def obey(self, line):
        if line == 'restart':
            self.wants_restart = True
            os.kill(self.main, signal.SIGTERM)
        elif line == 'reload':
            os.kill(self.main, signal.SIGHUP)
        elif line == 'kill':
            os.kill(self.main, signal.SIGKILL)

    def look_at_watchdog(self):
        if self.fed_at is None or not self.options.watchdog:
            return
        if time.monotonic() - self.fed_at > self.options.watchdog:
            say('watchdog')
            os.kill(self.main, signal.SIGABRT)
            self.fed_at = None

    def reap(self):
        """Takes those that ended; False when the last one did and none is to be started."""
        ended = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid = -1
            if pid <= 0:
                break
            if pid == self.main:
                ended = os.waitstatus_to_exitcode(status)
        if ended is None:
            return True
        while select.select([self.notify], [], [], 0)[0]:
            self.hear()
        say('exit', signal.Signals(-ended).name if ended < 0 else ended)
        self.code = 128 - ended if ended < 0 else ended
        left = self.children()
        if left and not self.wants_restart:
            self.main = left[0]
            say('main', self.main)
            if self.is_stopping:  # it had taken over, and the one that was told to stop was ending already
                os.kill(self.main, signal.SIGTERM)
            return True
        if self.wants_restart and not self.is_stopping:
            self.wants_restart = False
            self.start()
            return True
        return False

    @staticmethod
    def children():
        with open(f'/proc/self/task/{os.getpid()}/children', encoding='ascii') as found:
            return [int(pid) for pid in found.read().split()]

    def stop(self, number):
        self.is_stopping = True
        self.unsent = number
        self.forward()

    def forward(self):
        """One that has just ended cannot be told; its successor is, once it is heard of."""
        try:
            os.kill(self.main, self.unsent)
            self.unsent = None
        except ProcessLookupError:
            pass

    def run(self):
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, frame: self.stop(got))
        self.start()
        inputs = [self.notify, wake, sys.stdin]
        while True:
            ready = select.select(inputs, [], [], 0.05 if self.options.watchdog else None)[0]
            if self.notify in ready:
                self.hear()
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if line == '':
                    inputs.remove(sys.stdin)
                self.obey(line.strip())
            self.look_at_watchdog()
            if wake in ready:
                os.read(wake, 4096)
                if not self.reap():
                    return self.code


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--listen', action='append', default=[])
    parser.add_argument('--unix', action='append', default=[])
    parser.add_argument('--names', default='')
    parser.add_argument('--watchdog', type=float, default=0)
    parser.add_argument('--notify', action='store_true')
    parser.add_argument('command', nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.command = options.command[1:] if options.command[:1] == ['--'] else options.command
    if not options.command:
        parser.error('no COMMAND')
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return Manager(options).run()


if __name__ == '__main__':
    sys.exit(main())
