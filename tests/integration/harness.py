"""What the integration tests drive: the program, PostgreSQL, HTTP; as plain classes and functions, without pytest.

Not here: fixtures, which create and clean up these objects for a test (conftest.py).
"""

import fcntl
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
POSTGRES = ROOT / "deploy/dev/postgres"
# Sanitizer options must reach the program; nothing else of the caller's environment may.
KEPT_ENVIRONMENT = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")


def wait_until(condition, seconds=10, what=None):
    """Returns the first true value of `condition()`; fails with `what` (a text or a function giving one) after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what or condition}")
        time.sleep(0.02)


def clean_environment(variables):
    environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    environment.update({name: str(value) for name, value in (variables or {}).items() if value is not None})
    return environment


def settings(url, **more):
    """The variables that every command on a database needs; `more` adds to them, None takes one away."""
    return {
        "DATABASE_URL": url,
        "MIGRATIONS_PATH": ROOT / "migrations",
        "CSV_DATA_PATH": ROOT / "data/csv",
        **more,
    }


def query(url, sql, parameters=None):
    """Runs SQL in a transaction of its own and returns its rows as a list of tuples ([] when it gives none)."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def execute(url, sql):
    """Runs one statement outside any transaction (CREATE DATABASE and the like)."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def with_database(url, name):
    return urllib.parse.urlsplit(url)._replace(path="/" + name).geturl()


PORTS_LOCK = open(pathlib.Path(tempfile.gettempdir()) / f"digitalism-ports-{os.getuid()}", "a", encoding="ascii")
PORTS_GIVEN = set()


def free_port():
    """A port of 127.0.0.1 that nobody listens on, kept against other test runs on this machine until this process ends.

    It lies below the range that the kernel takes for outgoing connections, so that none is taken between the look and
    the program's bind. The lock is a byte of one file for each port.
    """
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if port in PORTS_GIVEN:
            continue
        try:
            fcntl.lockf(PORTS_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        PORTS_GIVEN.add(port)
        return port
    raise AssertionError("no free port between 20000 and 32000")


def preloadable(folder, name):
    """Builds a C file of this directory for LD_PRELOAD, into the folder."""
    library = folder / f"{name}.so"
    source = ROOT / f"tests/integration/{name}.c"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


class Cluster:
    """A private PostgreSQL server in a directory: `url` (127.0.0.1, with password) and `socket_url` (no password)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.url = self.socket_url = None

    def _postgres(self, *words):
        done = subprocess.run([POSTGRES, *words, self.folder], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"postgres {words[0]}: {done.stderr}"
        return done.stdout

    def start(self):
        """Also after stop() and kill(): the same data, the same URLs."""
        self.socket_url, self.url = self._postgres("start", "--fast", "--tcp").split()
        return self

    def copy(self, primary):
        """Before the first start(): a standby of another cluster, which follows it."""
        self.folder.mkdir()
        data = self.folder / "data"
        subprocess.run(
            ["pg_basebackup", "--dbname", primary.url, "--pgdata", data, "--write-recovery-conf", "--checkpoint=fast",
             "--no-sync"],
            check=True, timeout=60,
        )
        shutil.copy(primary.folder / "password", self.folder)
        return self

    def promote(self):
        query(self.socket_url, "SELECT pg_promote()")

    def stop(self, immediate=False):
        """A fast shutdown (clients are told and disconnected), or an immediate one (a crash with a goodbye)."""
        self._postgres("stop", *(["--immediate"] if immediate else []))

    def kill(self):
        """SIGKILL to every server process, like a lost machine; its connections are reset."""
        pid = self.pid
        for victim in [pid, *children(pid)]:
            _signal(victim, signal.SIGKILL)
        wait_until(lambda: not alive(pid), what="the server is dead")

    def pause(self):
        """All its processes stop: the kernel goes on to accept connections, and nobody answers anything."""
        main = self.pid
        os.kill(main, signal.SIGSTOP)  # first, so that no child is added
        for pid in children(main):
            _signal(pid, signal.SIGSTOP)

    def resume(self):
        main = self.pid
        for pid in children(main):
            _signal(pid, signal.SIGCONT)
        os.kill(main, signal.SIGCONT)

    @property
    def pid(self):
        return int((self.folder / "data/postmaster.pid").read_text().split("\n")[0])

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    def log(self):
        return (self.folder / "log").read_text(errors="replace")


class Database:
    """One database of its own: `url`, `socket_url`, `name`, `query(sql)`."""

    def __init__(self, cluster_url, cluster_socket_url, name):
        self.name = name
        self.url = with_database(cluster_url, name)
        self.socket_url = with_database(cluster_socket_url, name)
        self._cluster_url = cluster_socket_url

    def create(self):
        execute(self._cluster_url, f"CREATE DATABASE {self.name} TEMPLATE template0")
        return self

    def drop(self):
        execute(self._cluster_url, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def query(self, sql, parameters=None):
        return query(self.socket_url, sql, parameters)

    def load(self, dump):
        """Loads plain SQL of pg_dump, gzipped or not."""
        reader = ["zcat" if str(dump).endswith(".gz") else "cat", str(dump)]
        with subprocess.Popen(reader, stdout=subprocess.PIPE) as source:
            subprocess.run(
                ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", self.socket_url],
                stdin=source.stdout, stdout=subprocess.DEVNULL, check=True, timeout=120,
            )


class Result:
    """How a command ended: `code` (negative: killed by that signal), `out`, `err` as text."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out + self.err

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run_program(binary, *words, env=None, timeout=30, cwd=None, stdin=None):
    """Runs the program to its end in a session of its own; a run over its time is killed whole and fails."""
    process = subprocess.Popen(
        [str(binary), *map(str, words)], env=clean_environment(env), cwd=cwd, start_new_session=True,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
    )
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{' '.join(map(str, words))} did not end within {timeout} s\n{out}{err}") from None
    return Result(process.returncode, out, err)


class Service:
    """The program in the background, with its log in a file; see `wait_ready`, `stop`, `log`, `http`."""

    def __init__(self, binary, words, env, cwd, log_path, port):
        self.port = port
        self.http = Http(port)
        self.log_path = pathlib.Path(log_path)
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                [str(binary), *map(str, words)], env=clean_environment(env), cwd=cwd, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def pids(self):
        """Every process of the service that still runs, the supervisor first."""
        return sorted(session_members(self.pid), key=lambda pid: (pid != self.pid, pid))

    def wait_ready(self, seconds=20):
        """Until /health answers 200; fails at once, with the log, when the service has ended."""
        def healthy():
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}\n{self.log()}"
            try:
                return self.http.get("/health").status == 200
            except OSError:
                return False
        wait_until(healthy, seconds, what=lambda: f"ready\n{self.log()}")
        return self

    def wait_log(self, text, seconds=20):
        """Until the log contains `text`."""
        def found():
            if text in self.log():
                return True
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}\n{self.log()}"
            return text in self.log()
        wait_until(found, seconds, what=lambda: f"{text!r} in the log\n{self.log()}")
        return self

    def wait(self, seconds=20):
        """Until it ends by itself; returns the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the service did not end within {seconds} s\n{self.log()}") from None

    def stop(self, signum=signal.SIGTERM, seconds=20):
        """Sends the signal to the supervisor alone, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.wait(seconds)

    def kill(self):
        """SIGKILL to every process of it at once; returns the supervisor's exit code."""
        for pid in self.pids():
            _signal(pid, signal.SIGKILL)
        return self.wait()

    def clean_up(self):
        """Ends whatever is left; fails when the supervisor is gone and something of it is still there."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(12)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                for pid in self.pids():
                    _signal(pid, signal.SIGKILL)
                raise AssertionError(f"the service ignored SIGTERM for 12 s\n{self.log()}") from None
        try:
            wait_until(lambda: not self.pids(), 5, what=lambda: f"no process is left behind: {self.pids()}\n{self.log()}")
        finally:
            for pid in self.pids():
                _signal(pid, signal.SIGKILL)


class Response:
    """`status`, `headers` (names in lower case; several of one name are joined by ", "), `body` (bytes), `json`."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {}
        for name, value in headers:
            known = self.headers.get(name.lower())
            self.headers[name.lower()] = value if known is None else f"{known}, {value}"

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


class Http:
    """A client of 127.0.0.1:port, one connection a request; `raw` for what a proper client would not send."""

    def __init__(self, port, timeout=10):
        self.port, self.timeout = port, timeout

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def head(self, path, headers=None):
        return self.request("HEAD", path, headers=headers)

    def connect(self):
        """A plain connected socket; the caller closes it (`with`)."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)

    def raw(self, data, parts=None):
        """Sends bytes (or `parts`, each in a segment of its own) and returns all bytes up to the server's close."""
        with self.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts or [data]:
                connection.sendall(part)
            received = b""
            while True:
                try:
                    piece = connection.recv(65536)
                except ConnectionResetError:
                    return received
                if not piece:
                    return received
                received += piece


def _stat(pid):
    """State, parent and session of a process; None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[3])


def _processes():
    """(pid, parent, session) of every process that is not a zombie."""
    for name in os.listdir("/proc"):
        stat = _stat(name) if name.isdigit() else None
        if stat and stat[0] not in "ZX":
            yield int(name), stat[1], stat[2]


def alive(pid):
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def children(parent):
    return [pid for pid, of, _ in _processes() if of == parent]


def session_members(session):
    return [pid for pid, _, of in _processes() if of == session]


def _signal(pid, signum):
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass
