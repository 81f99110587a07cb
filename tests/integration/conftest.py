"""Fixtures of the integration tests: the real program, a real PostgreSQL, real sockets and signals.

Not here: the objects themselves and their methods (harness.py).

    database   a fresh, empty database of this test's own on the shared server (no fsync): `database.url`
               (127.0.0.1 with a password), `database.socket_url`, `database.name`, `database.query(sql, parameters)`
               → list of tuples, `database.load(dump)`. Dropped afterwards, whatever is still connected.
    cluster    a PostgreSQL server of this test's own, started, that it may stop() kill() pause() resume() start();
               `cluster.url`, `.socket_url`, `.port`, `.pid`, `.log()`. About a second each: only where it is needed.
    standby    a second server, started, that follows `cluster` until `standby.promote()`.
    run        run("migrate", "status", env={…}, timeout=30, cwd=…, stdin=…) → `.code`, `.out`, `.err`, `.text` (both).
               The environment is only what is given; the working directory an empty one, so that no .env is read.
    service    service("api", env={…}) starts the program in the background and returns it at once:
               `.wait_ready()` (/health is 200), `.wait_log(text)`, `.log()`, `.stop(signal)` → exit code, `.wait()`,
               `.kill()` (all of it), `.pids()` (supervisor first), `.port`, `.http.get(path)`. HOST=127.0.0.1, a free PORT and WORKERS=1 are
               set unless given. Stopped afterwards; a process left behind fails the test.
    folder     folder(m0001_x="CREATE …", …) or folder({"any/name.sql": "CREATE …"}) writes migrations, texts or bytes, into
               this test's own directory, and gives that.
    migrate    migrate(directory, "down", …, NAME=value) runs `digitalism migrate` with these files on `database`; the
               project's own migrations where no directory is given.
    http       http(port) → client: `.get(path)`, `.head(path)`, `.request(method, path, body, headers)` → `.status`,
               `.headers` (lower case), `.body`, `.json`; `.raw(bytes)` → bytes up to the close; `.connect()` → socket.
    free_port  free_port() → a port of 127.0.0.1 that nobody else takes.
    binary     the path of the program ($DIGITALISM_BINARY, else build/dev/digitalism).
    full_csv, legacy_dump   the files of $DIGITALISM_DATA or ../shared/data beside the checkout; skipped without them.

    from harness import settings, wait_until, query
    settings(database.url, WORKERS=2)  → the variables for run() and service(): DATABASE_URL, MIGRATIONS_PATH,
                                         CSV_DATA_PATH (the sample), and what is given
    wait_until(condition, seconds=10)  → the condition's first true value; fails after the deadline. Never sleep.

A test of two lines:
    def test_the_regions_are_there(run, database):
        assert run("migrate", env=settings(database.url)).code == 0
        assert database.query("SELECT count(*) FROM regions") == [(18,)]
"""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import uuid

import pytest

import harness
from harness import settings


def shared_cluster(config):
    """The server that all tests of this run share; it belongs to the process that started pytest, not to a worker."""
    if not hasattr(config, "digitalism_cluster"):
        folder = tempfile.mkdtemp(prefix="digitalism-test-")
        os.chmod(folder, 0o755)  # the server's user has to pass through
        config.digitalism_cluster = harness.Cluster(pathlib.Path(folder) / "pg").start()
    return config.digitalism_cluster


def pytest_configure(config):
    """A SIGTERM (a time limit, a closed terminal) ends the run like Ctrl-C does, with all that clean up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    cluster = shared_cluster(node.config)
    node.workerinput["digitalism_urls"] = [cluster.url, cluster.socket_url]


def pytest_unconfigure(config):
    cluster = getattr(config, "digitalism_cluster", None)
    if cluster:
        cluster.stop(immediate=True)
        shutil.rmtree(cluster.folder.parent)


@pytest.fixture(scope="session")
def cluster_urls(request):
    """The shared server's URLs: TCP and socket. Change nothing global on it."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput:
        return workerinput["digitalism_urls"]
    cluster = shared_cluster(request.config)
    return [cluster.url, cluster.socket_url]


@pytest.fixture
def database(cluster_urls):
    database = harness.Database(*cluster_urls, name=f"test_{uuid.uuid4().hex}").create()
    yield database
    database.drop()


@contextlib.contextmanager
def private_cluster():
    folder = tempfile.mkdtemp(prefix="digitalism-test-")
    os.chmod(folder, 0o755)
    cluster = harness.Cluster(pathlib.Path(folder) / "pg")
    try:
        yield cluster
    finally:
        try:
            cluster.resume()  # a paused server hears no stop
        except OSError:
            pass  # it was stopped or killed by the test, or never started
        cluster.stop(immediate=True)
        shutil.rmtree(folder)


@pytest.fixture
def cluster():
    with private_cluster() as cluster:
        yield cluster.start()


@pytest.fixture
def standby(cluster):
    with private_cluster() as standby:
        yield standby.copy(cluster).start()


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("DIGITALISM_BINARY", harness.ROOT / "build/dev/digitalism"))
    assert path.is_file(), f"{path} is not built (see DIGITALISM_BINARY)"
    return path


@pytest.fixture
def run(binary, tmp_path_factory):
    def run(*words, env=None, timeout=30, cwd=None, stdin=None):
        folder = cwd or tmp_path_factory.mktemp("run")
        return harness.run_program(binary, *words, env=env, timeout=timeout, cwd=folder, stdin=stdin)

    return run


@pytest.fixture
def folder(tmp_path):
    directory = tmp_path / "migrations"
    directory.mkdir()

    def folder(paths=None, **files):
        texts = {name.removeprefix("m") + ".sql": text for name, text in files.items()} | (paths or {})
        for name, text in texts.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return directory

    return folder


@pytest.fixture
def migrate(run, database):
    def migrate(directory=harness.ROOT / "migrations", *words, timeout=30, **env):
        return run("migrate", *words, env=settings(database.url, MIGRATIONS_PATH=directory, **env), timeout=timeout)

    return migrate


@pytest.fixture
def free_port():
    return harness.free_port


@pytest.fixture
def service(binary, tmp_path_factory, free_port):
    started = []

    def service(*words, env=None, cwd=None):
        folder = tmp_path_factory.mktemp("service")
        variables = {"HOST": "127.0.0.1", "WORKERS": 1, **(env or {})}
        port = int(variables.setdefault("PORT", free_port()))
        started.append(harness.Service(binary, words, variables, cwd or folder, folder / "log", port))
        return started[-1]

    yield service
    faults = []
    for one in reversed(started):
        try:
            one.clean_up()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


@pytest.fixture
def http():
    return harness.Http


def shared_file(name):
    """A file that is too large for the repository."""
    folders = [os.environ.get("DIGITALISM_DATA"), *(parent / "shared/data" for parent in harness.ROOT.parents[:2])]
    for folder in filter(None, folders):
        path = pathlib.Path(folder) / name
        if path.is_file():
            return path
    pytest.skip(f"{name} is neither in $DIGITALISM_DATA nor in ../shared/data")


@pytest.fixture
def full_csv():
    return shared_file("communes_departements.csv")


@pytest.fixture
def legacy_dump():
    return shared_file("legacy_database.sql.gz")
