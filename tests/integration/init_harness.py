"""What the tests of `digitalism init` share: starting it in each of its styles, and looking at processes.

Not here: tests (test_init.py, test_init_terminal.py, tests/soak).
"""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

import harness
from harness import wait_until

SIGNALS = [number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]
SUSPENDING = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]
IN_NAMESPACE = ["unshare", "-pf", "--mount-proc", "--kill-child"]

# Prints the number of each signal that it gets. Blocked and waited for, none is lost and none acts.
REPORTER = [sys.executable, "-SEc", """
import os, signal
wanted = set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", os.getpid(), flush=True)
while True:
    print(int(signal.sigwait(wanted)), flush=True)
"""]
# The styles by which init can be called, and what the environment adds to that.
STYLES = {
    "plain": ("init", {}),
    "plain-single": ("init -c", {}),
    "tini": ("tini", {}),
    "tini-group": ("tini -g", {}),
    "dumb-init": ("dumb-init", {}),
    "dumb-init-single": ("dumb-init -c", {}),
    "setsid-1": ("init", {"DUMB_INIT_SETSID": "1"}),
    "setsid-0": ("init", {"DUMB_INIT_SETSID": "0"}),
}
WHOLE_GROUP = ["plain", "tini-group", "dumb-init", "setsid-1"]
ALONE = ["plain-single", "tini", "dumb-init-single", "setsid-0"]
SESSIONS = ["dumb-init", "setsid-1"]


def field(pid, name):
    """A line of /proc/PID/status; None when the process is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name + ":")), None)


def is_stopped(pid):
    return (field(pid, "State") or "").startswith("T")


def children(pid):
    """Zombies included."""
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def tree(pid):
    return [found for child in children(pid) for found in [child, *tree(child)]]


class Lines:
    """The lines of a pipe, each within a deadline."""

    def __init__(self, stream):
        self.fd, self.data = stream.fileno(), b""

    def readline(self, seconds=10):
        """The next line, at the end what is left."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.data:
            ready = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"no line within {seconds} s, after {self.data}"
            got = os.read(self.fd, 4096)
            if not got:
                break
            self.data += got
        line, end, self.data = self.data.partition(b"\n")
        return (line + end).decode()


class Inits:
    """Starts inits of every style; `clean_up` kills what is left of them."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.started = binary, folder, []
        for name in ("tini", "dumb-init"):
            (folder / name).symlink_to(binary)

    def words(self, style):
        name, *options = STYLES[style][0].split()
        program = [str(self.binary), "init"] if name == "init" else [str(self.folder / name)]
        return program + options

    def environment(self, style, more=None):
        return harness.clean_environment({**STYLES[style][1], **(more or {})})

    def start(self, style, *words, env=None, before=(), **more):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen(
            [*before, *self.words(style), *map(str, words)], env=self.environment(style, env), text=True, **more
        )
        self.started.append(process)
        return process

    def run(self, style, *words, stdin=None, timeout=20, **more):
        """Until it ends: harness.Result."""
        process = self.start(style, *words, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **more)
        out, err = process.communicate(stdin, timeout=timeout)
        return harness.Result(process.returncode, out, err)

    @contextlib.contextmanager
    def reporter(self, style, *options, **more):
        """An init whose command reports signals; its own pid (in a namespace: the one seen from outside) and itself."""
        process = self.start(style, *options, "--", *REPORTER, **more)
        reported = Lines(process.stdout)
        line = reported.readline()
        assert line.startswith("ready "), line
        pid = children(process.pid)[0] if more.get("before") else process.pid
        yield pid, reported
        for one in [*tree(process.pid), process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def clean_up(self):
        for process in self.started:
            left = tree(process.pid) if process.poll() is None else []
            for pid in [*left, *([process.pid] if process.poll() is None else [])]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()


def wait_gone(pids, seconds=10):
    wait_until(lambda: not [pid for pid in pids if harness.alive(pid)], seconds, what=lambda: f"{pids} are gone")


def term_at_any_moment(inits, style, rounds):
    """Sends TERM once signals are blocked, or once the command's process is there: mostly between fork and exec."""
    all_signals = 0x7FFFFFFF & ~(1 << (signal.SIGKILL - 1)) & ~(1 << (signal.SIGSTOP - 1))
    for turn in range(rounds):
        process = inits.start(style, "sleep", "1000", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        moments = [
            lambda: int(field(process.pid, "SigBlk") or "0", 16) & all_signals == all_signals,
            lambda: children(process.pid),
        ]
        while not moments[turn % 2]():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143, f"round {turn}"
        inits.started.remove(process)
