"""Goal: `make run`'s script starts PostgreSQL and the program together and leaves nothing behind, whichever way it ends.

A stand-in takes the program's place where the test is about the script; one test runs the real one.
"""

import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

import pytest

from harness import ROOT, Http, alive, clean_environment, free_port, query, session_members, wait_until

STAND_IN = """
    import http.server, os, signal, sys, time
    if sys.argv[1] == "health":
        import socket
        socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 1)
        sys.exit(0)
    if "FAIL" in os.environ:
        sys.exit(int(os.environ["FAIL"]))
    def stop(number, frame):
        print("got", signal.Signals(number).name, flush=True)
        time.sleep(0.3)
        sys.exit(int(os.environ.get("CODE", "0")))
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print("DATABASE_URL", os.environ["DATABASE_URL"], flush=True)
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


class Run:
    """The script on a terminal of its own, in a checkout of its own."""

    def __init__(self, checkout, program, **variables):
        self.checkout = checkout
        self.port = int(variables.setdefault("PORT", free_port()))
        self.log_path = checkout / "terminal"
        self.terminal, inner = pty.openpty()
        self.process = subprocess.Popen(
            [checkout / "deploy/dev/run", program], cwd="/", env=clean_environment(variables), stdin=inner,
            stdout=self.log_path.open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # becomes the controlling terminal
        )
        os.close(inner)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for(self, text, seconds=60):
        def found():
            assert text in self.log() or self.process.poll() is None, self.log()
            return text in self.log()
        wait_until(found, seconds, what=lambda: f"{text!r}\n{self.log()}")
        return self

    def url(self):
        return self.log().split("DATABASE_URL ")[1].split()[0]

    def press_ctrl_c(self):
        os.write(self.terminal, b"\x03")

    def end(self):
        code = self.process.wait(60)
        os.close(self.terminal)
        return code

    def server_pid(self):
        return int((self.checkout / ".local/postgres/data/postmaster.pid").read_text().split()[0])

    def left(self):
        """What must not be there after the end."""
        data = self.checkout / ".local/postgres"
        return [pid for pid in session_members(self.process.pid)] + list(data.glob("data/postmaster.pid")) + list(
            data.glob(".s.PGSQL*"))


@pytest.fixture
def checkout():
    """The parts of the repository that the script needs, away from the developer's own .local, where every user gets."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="digitalism-test-"))
    folder.chmod(0o755)
    for part in ("deploy", "migrations", "data/csv"):
        shutil.copytree(ROOT / part, folder / part)
    yield folder
    subprocess.run([folder / "deploy/dev/postgres", "stop", "--immediate", folder / ".local/postgres"], check=True)
    shutil.rmtree(folder)


@pytest.fixture
def stand_in(checkout):
    path = checkout / "stand-in"
    path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(STAND_IN))
    path.chmod(0o755)
    return path


def test_ctrl_c_stops_program_and_postgresql_and_the_exit_code_is_the_programs(checkout, stand_in):
    """The program hears one SIGINT, is waited for, and the second run finds the same data."""
    run = Run(checkout, stand_in, CODE=7).wait_for("DATABASE_URL postgresql://")
    query(run.url(), "CREATE TABLE kept (id int)")
    server = run.server_pid()
    run.press_ctrl_c()
    assert run.end() == 7
    assert run.log().count("got SIGINT") == 1
    assert not alive(server)
    assert run.left() == []

    run = Run(checkout, stand_in).wait_for("DATABASE_URL postgresql://")
    assert query(run.url(), "SELECT count(*) FROM kept") == [(0,)]
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 0
    assert "got SIGTERM" in run.log()
    assert run.left() == []


def test_a_program_that_fails_ends_all_with_its_code(checkout, stand_in):
    run = Run(checkout, stand_in, FAIL=6)
    assert run.end() == 6
    assert run.left() == []


def test_ctrl_c_while_postgresql_is_being_made(checkout, stand_in):
    """Nothing half-made is left: the next run works."""
    run = Run(checkout, stand_in).wait_for("creating a cluster")
    run.press_ctrl_c()
    assert run.end() != 0
    assert run.left() == []
    assert "DATABASE_URL" not in run.log()
    run = Run(checkout, stand_in).wait_for("DATABASE_URL postgresql://")
    run.press_ctrl_c()
    assert run.end() == 0


def test_a_second_run_of_one_checkout_is_refused(checkout, stand_in):
    first = Run(checkout, stand_in).wait_for("DATABASE_URL postgresql://")
    second = subprocess.run([checkout / "deploy/dev/run", stand_in], env=clean_environment({}), capture_output=True, text=True,
                            timeout=30)
    assert second.returncode == 1
    assert second.stderr == "run: the program runs already from this checkout; hint: stop it first\n"
    assert alive(first.server_pid())
    first.press_ctrl_c()
    assert first.end() == 0


def test_the_callers_database_is_never_used(checkout, stand_in):
    """DATABASE_URL and its kin in the environment belong to something else."""
    run = Run(checkout, stand_in, DATABASE_URL="postgresql://other/", DATABASE_USER="other")
    run.wait_for("DATABASE_URL postgresql://")
    assert run.url().startswith("postgresql://digitalism@/digitalism?host=%2F")
    run.press_ctrl_c()
    assert run.end() == 0


def test_the_real_program_serves_the_sample(checkout, binary):
    """What a newcomer sees: the URL, what was loaded, and a service that answers there."""
    run = Run(checkout, binary).wait_for("Ctrl-C stops it.")
    assert f"http://127.0.0.1:{run.port} serves " in run.log()
    assert "101 departments, 18 regions" in run.log()
    assert Http(run.port).get("/health").status == 200
    run.press_ctrl_c()
    assert run.end() == 0
    assert run.left() == []
