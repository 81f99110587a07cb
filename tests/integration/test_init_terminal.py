"""Goal: `digitalism init` with a terminal: foreground, job control, Ctrl-C and Ctrl-Z, hand-over to a session.

Not here: everything without a terminal (test_init.py).
"""

import contextlib
import os
import pty
import re
import select
import signal
import sys
import termios
import time

import pytest

import harness
from harness import wait_until
from init_harness import REPORTER, SESSIONS, STYLES, Inits, children, field, is_stopped, tree

every_style = pytest.mark.parametrize("style", STYLES)
QUIET = {"TINI_VERBOSITY": "0"}


@pytest.fixture
def inits(binary, tmp_path):
    made = Inits(binary, tmp_path)
    yield made
    made.clean_up()


class Terminal:
    """A session with a terminal of its own, led by the program given; what it prints and what is typed into it."""

    def __init__(self, words, env):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            attributes = termios.tcgetattr(0)
            attributes[1] &= ~termios.OPOST
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(0, termios.TCSANOW, attributes)
            os.execvpe(words[0], words, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        """True when there was something, or the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        except OSError:  # how Linux tells the end of a terminal
            return True
        return True

    def expect(self, pattern, seconds=10):
        """The match; what stands before it and itself are forgotten."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.text)):
            assert self.read(max(0, deadline - time.monotonic())), f"{pattern!r} not in {self.text!r}"
            assert time.monotonic() < deadline, f"{pattern!r} not in {self.text!r}"
        self.text = self.text[match.end():]
        return match

    def wait(self, seconds=10):
        """The exit code; reads on, as what nobody reads is waited for."""
        def ended():
            self.read(0)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return pid and (os.waitstatus_to_exitcode(status),)
        code = wait_until(ended, seconds, what=lambda: f"the end, after {self.text!r}")[0]
        self.pid = None
        return code

    def foreground(self):
        return os.tcgetpgrp(self.fd)

    def clean_up(self):
        if self.pid is not None:
            for pid in [*tree(self.pid), self.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(inits):
    made = []

    def terminal(style, *words, before=()):
        made.append(Terminal([*before, *inits.words(style), *words], inits.environment(style, QUIET)))
        return made[-1]

    yield terminal
    for one in made:
        one.clean_up()


@every_style
def test_the_command_reads_and_writes(terminal, style):
    at = terminal(style, "tac")
    at.type("1\n2\n3\n\x04\x04")
    at.expect("3\n2\n1\n")
    assert at.wait() == 0


@every_style
def test_the_command_is_the_foreground(terminal, style):
    """Of its terminal, which it has as controlling terminal (/dev/tty opens)."""
    at = terminal(style, "sh", "-c", "echo up $$; read line; echo $line >/dev/tty; exit 3")
    command = int(at.expect(r"up (\d+)\n")[1])
    assert at.foreground() == command
    at.type("typed\n")
    at.expect("typed\n")
    assert at.wait() == 3


@every_style
def test_a_shell_has_job_control(terminal, style):
    at = terminal(style, "bash", "--norc", "--noprofile", "-m")
    at.type('echo "flags are [[$-]]"\n')
    assert "m" in at.expect(r"flags are \[\[(\w+)\]\]\n")[1]
    at.type("exit 0\n")
    assert at.wait() == 0


@every_style
def test_ctrl_c_comes_once(terminal, style):
    at = terminal(style, *REPORTER)
    at.expect(r"ready \d+\n")
    at.type("\x03")
    at.expect("2\n")
    os.kill(at.pid, signal.SIGUSR1)
    at.expect("10\n")
    assert at.text == "", "SIGINT came twice"


@pytest.mark.parametrize("style", SESSIONS)
def test_the_hand_over_is_not_forwarded(terminal, style):
    """Giving up a terminal makes the kernel send HUP and CONT: the command sees neither, later ones of others it does."""
    at = terminal(style, *REPORTER)
    at.expect(r"ready \d+\n")
    os.kill(at.pid, signal.SIGUSR1)
    assert at.expect(r"(\d+)\n")[1] == "10"
    os.kill(at.pid, signal.SIGHUP)
    assert at.expect(r"(\d+)\n")[1] == "1"


@every_style
def test_the_terminals_end_is_the_commands(terminal, style):
    """Hung up, the terminal's session gets SIGHUP: nothing stays behind."""
    at = terminal(style, "sh", "-c", "echo up; sleep 1000")
    at.expect("up\n")
    pids = [at.pid, *tree(at.pid)]
    os.close(at.fd)
    os.waitpid(at.pid, 0)
    at.pid, at.fd = None, os.open("/dev/null", os.O_RDONLY)
    wait_until(lambda: not any(harness.alive(pid) for pid in pids[:2]), what="init and its command are gone")


def shell(terminal, style, *words):
    """An interactive shell in the place of a terminal's leader; `run` is the function that starts our init in it."""
    at = terminal(style, *words, before=[
        "bash", "--norc", "--noprofile", "-i", "-c", 'set -m; "$@"; echo "back with $?"; fg; echo "done with $?"', "sh"])
    return at


@pytest.mark.parametrize("style", ["plain", "plain-single", "dumb-init-single"])
def test_ctrl_z_gives_the_shell_its_prompt(terminal, style):
    """The command stops, init with it, and the shell goes on; `fg` continues both."""
    at = shell(terminal, style, "sh", "-c", "echo up $$; read line; echo got $line; exit 7")
    command = int(at.expect(r"up (\d+)\n")[1])
    init = int(field(command, "PPid"))
    assert at.foreground() == command
    at.type("\x1a")
    at.expect("back with 147\n")
    wait_until(lambda: not is_stopped(init) and not is_stopped(command), what="both continue")
    wait_until(lambda: at.foreground() == command, what="the command is the foreground again")
    at.type("typed\n")
    at.expect("got typed\n")
    at.expect("done with 7\n")


@pytest.mark.parametrize("style", ["plain", "plain-single", "dumb-init-single"])
def test_a_stop_through_init_needs_one_continue(terminal, style):
    """That the command stopped is then no news on which init would stop once more."""
    at = terminal(style, "sh", "-c", "echo up $$; read line; echo got $line")
    command = int(at.expect(r"up (\d+)\n")[1])
    os.kill(at.pid, signal.SIGTSTP)
    wait_until(lambda: is_stopped(at.pid) and is_stopped(command), what="both are stopped")
    os.kill(at.pid, signal.SIGCONT)
    at.type("typed\n")
    at.expect("got typed\n")
    assert at.wait() == 0


@every_style
def test_the_foreground_comes_back(terminal, style):
    """Who started init without job control has the terminal again when it has ended, and is not stopped by reading."""
    at = terminal(style, "true", before=["sh", "-c", '"$@"; echo "code $?"; read line; echo got $line', "sh"])
    at.expect("code 0\n")
    at.type("typed\n")
    at.expect("got typed\n")
    assert at.wait() == 0


def test_in_the_background_the_terminal_is_left_alone(terminal):
    at = terminal("plain", "sleep", "1000", before=["bash", "--norc", "-c", 'set -m; "$@" & echo started; read x', "sh"])
    at.expect("started\n")
    wait_until(lambda: [field(pid, "Name") for pid in tree(at.pid)][-1:] == ["sleep"])
    assert at.foreground() == at.pid
