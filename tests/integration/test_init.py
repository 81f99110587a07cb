"""Goal: `digitalism init` with real processes: signals, reaping, exit codes, what the command gets and what is left behind.

Not here: options alone (tests/unit/supervise/test_init_options.c), terminals (test_init_terminal.py).
The behaviour that the test suites of tini and dumb-init check is among this.
"""

import os
import resource
import signal
import subprocess
import sys

import pytest

import harness
from harness import wait_until
from init_harness import (ALONE, IN_NAMESPACE, REPORTER, SESSIONS, SIGNALS, STYLES, SUSPENDING, WHOLE_GROUP, Inits, Lines,
                          children, field, is_stopped, term_at_any_moment, tree, wait_gone)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace of our own needs root")
every_style = pytest.mark.parametrize("style", STYLES)
NOT_REAPING = "zombie reaping won't work"


@pytest.fixture
def inits(binary, tmp_path):
    made = Inits(binary, tmp_path)
    yield made
    made.clean_up()


# Exit codes

@every_style
@pytest.mark.parametrize("code", [0, 1, 2, 3, 32, 126, 127, 143, 255])
def test_exit_code_is_the_commands(inits, style, code):
    assert inits.run(style, "sh", "-c", f"exit {code}").code == code


@every_style
@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT", "KILL", "SEGV"])
def test_death_by_signal_is_128_more(inits, style, name):
    result = inits.run(style, "sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert result.code == 128 + signal.Signals["SIG" + name]


@pytest.mark.parametrize("code", [0, 1, 127, 128, 143, 255])
def test_remapped_exit_codes(inits, code):
    """-e makes one code 0, and no other."""
    assert inits.run("tini", "-e", code, "--", "sh", "-c", f"exit {code}").code == 0
    others = [word for other in range(256) if other != code for word in ("-e", other)]
    assert inits.run("tini", *others, "sh", "-c", f"exit {code}").code == code
    assert inits.run("plain", "-e", 143, "sh", "-c", "kill -TERM $$").code == 0


@every_style
def test_a_command_that_cannot_run(inits, style, tmp_path):
    """127 and 126 as from a shell, each with one line that says why."""
    result = inits.run(style, "/does/not/exist")
    name = inits.words(style)[0].rpartition("/")[2].replace("digitalism", "init")
    assert result.code == 127
    assert f"[{name}] /does/not/exist: No such file or directory\n" in result.err
    result = inits.run(style, "--", "no-such-command-anywhere")
    assert result.code == 127
    plain_file = tmp_path / "file"
    plain_file.write_text("exit 0\n")
    for path in ("/etc", plain_file):
        result = inits.run(style, path)
        assert result.code == 126
        assert f"[{name}] {path}: Permission denied\n" in result.err
    assert inits.run(style, "--", "--", "true").code == 127


def test_wrong_options(inits):
    """Each style's exit code, a message on stderr, and nothing runs."""
    for style, code in (("plain", 2), ("tini", 1), ("dumb-init", 1), ("setsid-0", 1)):
        for words in ([], ["--yolo", "echo", "ran"], ["-z"], ["-r", "15:32", "echo", "ran"], ["-r"]):
            result = inits.run(style, *words)
            assert (result.code, result.out) == (code, ""), words
            assert result.err
    assert "unrecognized option '--yolo'\n" in inits.run("dumb-init", "--yolo", "/bin/true").err


def test_help_version_and_licence(inits):
    for style in ("plain", "tini", "dumb-init"):
        assert "Usage: digitalism init [OPTION...]" in inits.run(style, "-h").out
        assert "tini version" in inits.run(style, "--version").out
        assert inits.run(style, "-l").code == 0


def test_no_setting_of_the_service_is_read(run, tmp_path):
    """It needs no database and stumbles over no file or variable of ours."""
    (tmp_path / ".env").write_text("PORT=none\n")
    (tmp_path / "digitalism.ini").write_text("[\n")
    result = run("init", "-s", "sh", "-c", "echo ran; exit 7", cwd=tmp_path, env={"WORKERS": "many"})
    assert (result.code, result.out, result.err) == (7, "ran\n", "")
    result = run("--port", "80", "init", "true")
    assert result.code == 2
    assert "the command init takes no settings" in result.err


# Signals

@every_style
@pytest.mark.parametrize("before", [[], pytest.param(IN_NAMESPACE, marks=needs_root)], ids=["child", "pid-1"])
def test_every_signal_is_forwarded(inits, style, before):
    """1 to 31 but KILL, STOP and CHLD; those of job control have tests of their own."""
    with inits.reporter(style, before=before) as (pid, reported):
        for number in SIGNALS:
            if number not in SUSPENDING:
                os.kill(pid, number)
                assert reported.readline() == f"{number}\n"


@every_style
def test_rewritten_signals(inits, style):
    with inits.reporter(style, "-r", "TERM:2", "-r", "2:SIGTERM", "-r", "3:3", "-r", "1:31", "--rewrite=31:1",
                        "-r", "28:0") as (pid, reported):
        for sent, expected in ((15, 2), (2, 15), (3, 3), (1, 31), (31, 1), (18, 18)):
            os.kill(pid, sent)
            assert reported.readline() == f"{expected}\n"
        os.kill(pid, signal.SIGWINCH)
        os.kill(pid, signal.SIGUSR1)
        assert reported.readline() == f"{int(signal.SIGUSR1)}\n", "SIGWINCH was dropped"


@pytest.mark.parametrize("style", SESSIONS)
def test_stops_in_a_session_stop_both(inits, style):
    """The kernel discards a SIGTSTP there, so SIGSTOP goes in its place; SIGCONT wakes both."""
    with inits.reporter(style) as (pid, reported):
        command = children(pid)[0]
        for number in SUSPENDING:
            os.kill(pid, number)
            wait_until(lambda: is_stopped(pid) and is_stopped(command), what="both are stopped")
            os.kill(pid, signal.SIGCONT)
            assert reported.readline() == f"{int(signal.SIGCONT)}\n"
            assert not is_stopped(pid) and not is_stopped(command)


@pytest.mark.parametrize("style", ["plain", "plain-single", "dumb-init-single", "setsid-0"])
def test_stops_outside_a_session_are_forwarded(inits, style):
    with inits.reporter(style) as (pid, reported):
        for number in SUSPENDING:
            os.kill(pid, number)
            assert reported.readline() == f"{int(number)}\n"
            wait_until(lambda: is_stopped(pid), what="init is stopped")
            os.kill(pid, signal.SIGCONT)
            assert reported.readline() == f"{int(signal.SIGCONT)}\n"
            assert not is_stopped(pid)


@pytest.mark.parametrize("style", SESSIONS)
def test_stops_in_a_session_can_be_rewritten(inits, style):
    """The command gets what was asked for, and init stops nevertheless."""
    with inits.reporter(style, "-r", "21:15", "-r", "22:2", "-r", "20:1") as (pid, reported):
        for sent, expected in ((21, 15), (22, 2), (20, 1)):
            os.kill(pid, sent)
            assert reported.readline() == f"{expected}\n"
            wait_until(lambda: is_stopped(pid), what="init is stopped")
            os.kill(pid, signal.SIGCONT)
            assert reported.readline() == f"{int(signal.SIGCONT)}\n"


@pytest.mark.parametrize("style", ["tini", "tini-group"])
def test_tini_never_stops(inits, style):
    with inits.reporter(style) as (pid, reported):
        for number in SUSPENDING:
            os.kill(pid, number)
            assert reported.readline() == f"{int(number)}\n"
        os.kill(pid, signal.SIGCONT)
        assert reported.readline() == f"{int(signal.SIGCONT)}\n"
        assert not is_stopped(pid)


@every_style
def test_a_stopped_command_continues(inits, style):
    """STOP to the command behind our back, CONT through us."""
    with inits.reporter(style) as (pid, reported):
        command = children(pid)[0]
        os.kill(command, signal.SIGSTOP)
        wait_until(lambda: is_stopped(command))
        assert not is_stopped(pid)
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        assert {reported.readline(), reported.readline()} == {"15\n", "18\n"}


def pipeline(inits, style):
    """An init, its shell and four more of that shell's process group."""
    process = inits.start(style, "sh", "-c", "sleep 1000 | sleep 1000 & sleep 1000 | sleep 1000")
    wait_until(lambda: len(tree(process.pid)) == 5, what=lambda: f"five processes: {tree(process.pid)}")
    return process, tree(process.pid)


@pytest.mark.parametrize("style", WHOLE_GROUP)
def test_the_whole_group_is_signalled(inits, style):
    process, pids = pipeline(inits, style)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    wait_gone(pids)


@pytest.mark.parametrize("style", ALONE)
def test_the_command_alone_is_signalled(inits, style):
    process, (shell, *others) = pipeline(inits, style)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    wait_gone([shell])
    try:
        assert [pid for pid in others if harness.alive(pid)] == others
    finally:
        for pid in others:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("words,env", [(["-g"], {}), ([], {"TINI_KILL_PROCESS_GROUP": "1"})])
def test_a_command_that_leaves_it_to_its_child(inits, words, env):
    """The command ignores USR1 and waits for a child that does not: only a signal to the group ends them."""
    process = inits.start("tini", *words, "sh", "-c", "trap '' USR1; env --default-signal=USR1 sleep 1000; exit 5", env=env)
    wait_until(lambda: [field(pid, "Name") for pid in tree(process.pid)][1:] == ["sleep"])
    process.send_signal(signal.SIGUSR1)
    assert process.wait(10) == 5


# The end

def leave_reporter_behind(inits, style):
    """The command ends when its background reporter is ready; returns that one's pid and its output."""
    process = inits.start(style, "sh", "-c", '"$@" & read go', "sh", *REPORTER, stdin=subprocess.PIPE)
    reported = Lines(process.stdout)
    pid = int(reported.readline().split()[1])
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.wait(10) == 0
    return pid, reported


@pytest.mark.parametrize("style", ["plain", *SESSIONS])
def test_what_is_left_of_the_group_gets_term(inits, style):
    pid, reported = leave_reporter_behind(inits, style)
    try:
        assert reported.readline() == "15\n"
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("style", [*ALONE, "tini-group"])
def test_what_is_left_otherwise_is_left_alone(inits, style):
    pid, reported = leave_reporter_behind(inits, style)
    try:
        for number in (1, 2, 3):
            os.kill(pid, number)
            assert reported.readline() == f"{number}\n", "SIGTERM would have come first"
    finally:
        os.kill(pid, signal.SIGKILL)


@needs_root
@every_style
def test_as_pid_1_nothing_is_left(inits, style):
    """A descendant in a session of its own that ignores TERM goes with the namespace."""
    process = inits.start(style, "--", "sh", "-c", "setsid sh -c 'trap \"\" TERM; echo up; sleep 1000 & wait' & read go; exit 9",
                          before=IN_NAMESPACE, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    wait_until(lambda: len(tree(process.pid)) >= 4)
    pids = tree(process.pid)
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.wait(10) == 9
    wait_gone(pids)


def test_the_command_dies_with_init(inits):
    with inits.reporter("plain") as (pid, _):
        command = children(pid)[0]
        os.kill(pid, signal.SIGKILL)
        wait_gone([command])


def test_parent_death_signal(inits):
    """-p: init gets it when its parent is killed, and forwards it."""
    parent = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:]) if os.fork() == 0 else os.wait()"
    words = [sys.executable, "-SEc", parent, *inits.words("tini"), "-p", "SIGUSR1", "--", *REPORTER]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=inits.environment("tini"), text=True) as process:
        reported = Lines(process.stdout)
        command = int(reported.readline().split()[1])
        process.kill()
        assert reported.readline() == f"{int(signal.SIGUSR1)}\n"
        os.kill(command, signal.SIGKILL)


# Reaping

# 1,000 orphans that end at once, and one that waits until they are all reaped by the process given.
ORPHANS = """
import os, sys, time
reaper = int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid()
if os.fork() == 0:
    for _ in range(1000):
        if os.fork() == 0:
            os._exit(33)
    os._exit(0)
os.wait()
deadline = time.monotonic() + 20
while open(f"/proc/{reaper}/task/{reaper}/children").read().split() != [str(os.getpid())]:
    if time.monotonic() > deadline:
        sys.exit("not reaped")
    time.sleep(0.02)
print("reaped")
sys.exit(4)
"""


@pytest.mark.parametrize("style,words,env", [
    ("plain", ["-s"], {}), ("tini", ["-s"], {}), ("tini", [], {"TINI_SUBREAPER": ""}), ("dumb-init", ["-s"], {}),
])
def test_orphans_are_reaped_by_a_subreaper(inits, style, words, env):
    result = inits.run(style, *words, sys.executable, "-SEc", ORPHANS, env=env)
    assert (result.code, result.out, result.err) == (4, "reaped\n", "")


@needs_root
@every_style
def test_orphans_are_reaped_by_pid_1(inits, style):
    result = inits.run(style, sys.executable, "-SEc", ORPHANS, before=IN_NAMESPACE)
    assert (result.code, result.out, result.err) == (4, "reaped\n", "")


def test_zombies_of_an_earlier_program_are_reaped(inits):
    """Children stay across exec(2): one that was dead before has no SIGCHLD to come."""
    leave = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
signal.sigwait({signal.SIGCHLD})
os.execvp(sys.argv[1], sys.argv[1:])
"""
    result = inits.run("plain", "sh", "-c", "cat /proc/$PPID/task/$PPID/children; echo of $$", env={"TINI_VERBOSITY": "0"},
                       before=[sys.executable, "-SEc", leave])
    of, _, pid = result.out.partition("of ")
    assert of.split() == [pid.strip()]


def test_a_warning_for_each_orphan_reaped(inits):
    result = inits.run("tini", "-s", "-w", "sh", "-c", "(sleep 0 & exec true); (sleep 0 &); sleep 0.2; exit 1")
    assert result.code == 1
    assert result.err.count("Reaped zombie process with pid=") == 2


def test_without_orphans_to_come_it_warns(inits):
    """Neither PID 1 nor a subreaper; a subreaper that became one before exec(2) is one."""
    assert NOT_REAPING in inits.run("plain", "true").err
    assert NOT_REAPING in inits.run("tini", "true").err
    assert NOT_REAPING not in inits.run("tini", "true", env={"TINI_VERBOSITY": "0"}).err
    assert inits.run("dumb-init", "true").err == ""
    become = ("import ctypes, os, sys; assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0; "
              "os.execvp(sys.argv[1], sys.argv[1:])")
    assert inits.run("tini", "true", before=[sys.executable, "-SEc", become]).err == ""


def test_messages_by_level(inits):
    assert "Received SIGCHLD" in inits.run("tini", "true", env={"TINI_VERBOSITY": "3"}).err
    assert "Received SIGCHLD" in inits.run("dumb-init", "--verbose", "true").err
    quiet = inits.run("tini", "-v", "true").err
    assert "runs true" in quiet and "SIGCHLD" not in quiet


# What the command gets

DISTURB = """
import os, signal, sys
for number in (signal.SIGTTOU, signal.SIGSEGV, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN, signal.SIGILL, signal.SIGTERM, 40})
os.execvp(sys.argv[1], sys.argv[1:])
"""


@every_style
def test_mask_and_dispositions_are_handed_on(inits, style):
    """Exactly those that init was started with, even an ignored SIGCHLD, with which init itself would learn nothing."""
    show = ["grep", "-E", "^Sig(Blk|Ign|Cgt|Pnd):|^ShdPnd:", "/proc/self/status"]
    disturb = [sys.executable, "-SEc", DISTURB]
    without = subprocess.run([*disturb, *show], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "0000000000000000" not in without.splitlines()[2], "something is blocked"
    result = inits.run(style, *show, before=disturb)
    assert (result.code, result.out) == (0, without)
    assert inits.run(style, "sh", "-c", "exit 6", before=disturb).code == 6


@every_style
def test_descriptors_are_handed_on(inits, style):
    """Those that init has inherited, at their numbers, and none of its own."""
    with open("/dev/null") as one, open("/dev/zero") as other:
        kept = (one.fileno(), other.fileno())
        show = ["sh", "-c", "ls /proc/$$/fd"]
        without = subprocess.run(show, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 pass_fds=kept, check=True).stdout
        assert all(str(fd) in without.split() for fd in kept)
        assert inits.run(style, *show, pass_fds=kept).out == without


@every_style
def test_working_directory(inits, style, tmp_path):
    """The command keeps it; init moves to the root, so that it pins no mount."""
    result = inits.run(style, "sh", "-c", "readlink /proc/$PPID/cwd /proc/$$/cwd", cwd=tmp_path)
    assert (result.code, result.out) == (0, f"/\n{tmp_path}\n")


@every_style
def test_stdin_is_the_commands(inits, style):
    assert inits.run(style, "sh", stdin="echo got it; exit 3\n").out == "got it\n"


@every_style
def test_sessions_and_groups(inits, style):
    with inits.reporter(style) as (pid, _):
        command = children(pid)[0]
        assert os.getpgid(command) == command
        assert (os.getsid(command) == command) == (style in SESSIONS)


def test_inits_in_a_row(inits):
    result = inits.run("dumb-init", *inits.words("tini"), *inits.words("dumb-init"), *inits.words("plain"), "echo", "oh, hi",
                       env={"TINI_VERBOSITY": "0"})
    assert (result.code, result.out) == (0, "oh, hi\n")


def test_no_process_to_be_had(binary):
    """fork(2) refuses: exit 1 with the reason, no hanging."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    with open(binary, "rb") as program:  # by its descriptor: its folder may be closed to nobody
        path = f"/proc/self/fd/{program.fileno()}"
        result = subprocess.run([*nobody, path, "init", "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                pass_fds=[program.fileno()], timeout=20, env=harness.clean_environment({}),
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)))
    assert result.returncode == 1
    assert "cannot fork: Resource temporarily unavailable" in result.stderr


# Races

@every_style
def test_term_at_any_moment_is_never_lost(inits, style):
    """TERM from the moment that signals are blocked on, mostly between fork and exec, ends the command each time."""
    term_at_any_moment(inits, style, 300 // len(STYLES))
