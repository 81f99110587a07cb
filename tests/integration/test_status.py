"""Goal: `digitalism status` tells what really happened to a running instance, and to nobody else than its user and root.

Not here: the table's form (tests/unit/probe), the object's form (tests/unit/supervise/test_snapshot.c).
"""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import harness
from harness import settings, wait_until


def status_of(run, api):
    result = run("status", "--json", env={"PORT": api.port})
    assert (result.code, result.err) == (0, ""), result
    assert result.out.count("\n") == 1
    return json.loads(result.out)


def workers_of(api):
    return set(api.pids()[1:])


def test_the_table(run, service, database):
    """One line a worker with its pid, one for all of them, and what the load did."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    result = run("status", "--port", api.port)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert re.fullmatch(rf"digitalism [\d.]+ at http://127\.0\.0\.1:{api.port}, pid {api.pid}, up \d+s: healthy", lines[0])
    rows = [line.split() for line in lines]
    assert {int(row[2]) for row in rows if row and row[0].startswith("worker-")} == workers_of(api)
    assert any(row[:3] == ["total", "2/2", "ready"] for row in rows)
    assert lines[-1] == "load: none by this start"
    assert len({line.index("  ready") for line in lines if line.startswith("worker-")}) == 1


def test_requests_are_counted(run, service, database):
    """Every answer counts, those of /health and errors too; open connections and the link to PostgreSQL are seen."""
    api = service("api", env=settings(database.url)).wait_ready()
    wait_until(lambda: status_of(run, api)["workers"][0]["database"])
    before = status_of(run, api)["totals"]["requests"]
    for _ in range(7):
        assert api.http.get("/regions/").status == 200
    assert api.http.get("/no-such-page").status == 404
    assert api.http.get("/health").status == 200
    after = status_of(run, api)
    assert after["totals"]["requests"] == before + 9
    assert 0 < after["totals"]["p50_us"] <= after["totals"]["p99_us"]
    assert after["totals"]["rss_bytes"] > 1_000_000
    with api.http.connect(), api.http.connect():
        wait_until(lambda: status_of(run, api)["workers"][0]["connections"] == 2)
    wait_until(lambda: status_of(run, api)["workers"][0]["connections"] == 0)


def test_database_that_goes_away(run, service, cluster):
    api = service("api", env=settings(cluster.url)).wait_ready()
    wait_until(lambda: status_of(run, api)["workers"][0]["database"] is True)
    cluster.stop(immediate=True)
    wait_until(lambda: status_of(run, api)["workers"][0]["database"] is False)
    assert status_of(run, api)["workers"][0]["state"] == "ready"


def test_killed_worker_leaves_its_cause(run, service, database):
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    victim = status_of(run, api)["workers"][1]["pid"]
    os.kill(victim, signal.SIGKILL)

    def replaced():
        status = status_of(run, api)
        return status["totals"]["ready"] == 2 and status["workers"][1]["pid"] not in (None, victim) and status
    status = wait_until(replaced)
    first, second = status["workers"]
    assert (first["restarts"], first["cause"]) == (0, None)
    assert second["restarts"] == 1
    assert "SIGKILL" in second["cause"]
    assert status["totals"]["restarts"] == 1
    assert {first["pid"], second["pid"]} == workers_of(api)
    assert second["age_ms"] < first["age_ms"] <= status["uptime_ms"]


def test_the_last_load(run, service, database):
    """The counts are those that the database has, and stay what they are."""
    api = service("all", env=settings(database.url)).wait_ready()
    load = status_of(run, api)["etl"]
    assert load["state"] == "done"
    assert load["inserted"] == database.query("SELECT count(*) FROM cities")[0][0] > 0
    assert load["read"] == sum(load[name] for name in ("inserted", "updated", "unchanged", "duplicate", "rejected"))
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", load["finished"])
    assert load["duration_ms"] >= 0
    assert f"{load['inserted']} inserted" in run("status", env={"PORT": api.port}).out


def test_a_load_that_failed(run, service, database, tmp_path):
    """`api` serves on without it, and says so here."""
    bad = tmp_path / "bad.csv"
    bad.write_text("nom_commune,code_postal\nA,x\nB,y\n")
    api = service("api", env=settings(database.url, RUN_ETL_ON_STARTUP="true", CSV_DATA_PATH=bad)).wait_ready()
    load = status_of(run, api)["etl"]
    assert load["state"] == "failed"
    assert load["rejected"] == 2


def test_while_the_stages_run(run, service, free_port):
    """The supervisor answers before anybody can be served."""
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    api = service("api", env=settings(url, WORKERS=3, DATABASE_WAIT_TIMEOUT="60s"))
    api.wait_log("Connection refused")
    status = status_of(run, api)
    assert status["totals"]["ready"] == 0
    assert status["pid"] == api.pid
    assert "not serving" in run("status", env={"PORT": api.port}).out


def test_while_it_drains(run, service, database):
    """With DRAIN_DELAY, /health and the status say it at once, while everything else is still served."""
    api = service("api", env=settings(database.url, DRAIN_DELAY="30s")).wait_ready()
    assert status_of(run, api)["draining"] is False
    os.kill(api.pid, signal.SIGTERM)
    wait_until(lambda: status_of(run, api)["draining"])
    health = api.http.get("/health")
    assert (health.status, health.json["status"]) == (503, "draining")
    assert set(health.json) == {"status", "timestamp", "service"}
    assert api.http.get("/").status == 200
    assert "draining" in run("status", env={"PORT": api.port}).out.splitlines()[0]
    api.stop(signal.SIGINT)


def test_no_instance(run, free_port):
    port = free_port()
    result = run("status", env={"PORT": port})
    assert result.code == 6
    assert result.out == ""
    assert f"no instance of digitalism serves port {port} here" in result.err
    assert "hint: " in result.err


def test_it_asks_for_no_database_and_opens_no_log(run, tmp_path, free_port):
    """A status has to work where DATABASE_URL is not given, and must not make a log file of another owner."""
    log = tmp_path / "log"
    assert run("status", env={"PORT": free_port(), "LOG_FILE": log}).code == 6
    assert not log.exists()


@pytest.mark.parametrize("words, text", [
    (["status", "--interval", "0"], "--interval"),
    (["status", "--watch=yes"], "--watch"),
    (["status", "now"], "takes no operand"),
    (["wait", "--watch"], "belongs to the command status"),
])
def test_flags(run, words, text):
    result = run(*words)
    assert result.code == 2
    assert text in result.err


def start_watch(binary, port, output, *words):
    return subprocess.Popen([str(binary), "status", "--interval", "100ms", *words], stdout=output, stdin=subprocess.DEVNULL,
                            env=harness.clean_environment({"PORT": port}), start_new_session=True)


def test_watch_goes_on_over_a_restart(binary, service, database, tmp_path):
    """Appended to a file; an instance that is away for a while is said, and the next one is seen."""
    api = service("api", env=settings(database.url)).wait_ready()
    out = tmp_path / "out"
    with open(out, "wb") as output:
        watch = start_watch(binary, api.port, output)
    try:
        wait_until(lambda: out.read_text().count("\ntotal") >= 2)
        assert api.stop() == 0
        wait_until(lambda: "no instance of digitalism serves port" in out.read_text())
        service("api", env=settings(database.url, PORT=api.port)).wait_ready()
        seen = len(out.read_text())
        wait_until(lambda: "healthy" in out.read_text()[seen:])
        assert "\033" not in out.read_text()
    finally:
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == -signal.SIGINT


def test_watch_as_json_is_one_object_a_line(binary, service, database, tmp_path):
    api = service("api", env=settings(database.url)).wait_ready()
    out = tmp_path / "out"
    with open(out, "wb") as output:
        watch = start_watch(binary, api.port, output, "--json")
    try:
        wait_until(lambda: out.read_text().count("\n") >= 3)
    finally:
        watch.terminate()
        watch.wait(10)
    uptimes = [json.loads(line)["uptime_ms"] for line in out.read_text().split("\n")[:-1]]
    assert uptimes == sorted(set(uptimes))


def test_watch_on_a_terminal_paints_over(binary, service, database):
    """From the top left corner each time, clearing what is left behind."""
    api = service("api", env=settings(database.url)).wait_ready()
    ours, theirs = pty.openpty()
    watch = start_watch(binary, api.port, theirs)
    os.close(theirs)
    seen = bytearray()

    def painted_twice():
        seen.extend(os.read(ours, 65536))
        return seen.count(b"\033[H") >= 3
    try:
        wait_until(painted_twice)
    finally:
        watch.terminate()
        watch.wait(10)
        os.close(ours)
    assert seen.startswith(b"\033[2J\033[Hdigitalism ")
    assert seen.count(b"\033[2J") == 1
    assert b"\033[K" in seen and b"\033[J" in seen


def test_another_user_is_refused(binary, service, database):
    """Both ends look: the command says whose instance it is, and the supervisor tells others nothing."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    api = service("api", env=settings(database.url)).wait_ready()
    name = f"\0digitalism-{api.port}"
    asking = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({name!r}); print(len(s.recv(100)))"
    raw = subprocess.run([sys.executable, "-c", asking], user=65534, capture_output=True, text=True, timeout=30, cwd="/")
    assert raw.stdout == "0\n", raw.stderr
    with open(binary, "rb") as program:
        # Its path may lie in a directory that others cannot enter.
        result = subprocess.run(
            [f"/proc/self/fd/{program.fileno()}", "status"], user=65534, pass_fds=[program.fileno()], cwd="/",
            env=harness.clean_environment({"PORT": api.port}), capture_output=True, text=True, timeout=30,
        )
    assert result.returncode == 6
    assert f"the instance on port {api.port} runs as user 0, its status is for that user and root" in result.stderr
    assert result.stdout == ""


def test_an_impostor_is_not_believed(binary, free_port):
    """Anybody can take the name of a port that is not served; what another user says there is not shown."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    port = free_port()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0digitalism-{port}")
        listener.listen()
        with open(binary, "rb") as program:
            result = subprocess.run(
                [f"/proc/self/fd/{program.fileno()}", "status"], user=65534, pass_fds=[program.fileno()], cwd="/",
                env=harness.clean_environment({"PORT": port}), capture_output=True, text=True, timeout=30,
            )
    assert result.returncode == 6
    assert "runs as user 0" in result.stderr


def test_clients_that_never_read_hurt_nobody(run, service, database):
    """A hundred of them hang on: the next one is answered, a worker that dies is replaced, and the stop is in time."""
    api = service("api", env=settings(database.url)).wait_ready()
    hanging = []
    try:
        for _ in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.connect(f"\0digitalism-{api.port}")
            hanging.append(client)
        assert status_of(run, api)["totals"]["ready"] == 1
        (victim,) = workers_of(api)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: status_of(run, api)["workers"][0]["pid"] not in (None, victim))
        begin = time.monotonic()
        assert api.stop() == 0
        assert time.monotonic() - begin < 5
    finally:
        for client in hanging:
            client.close()


def test_same_port_on_another_address(run, service, database):
    """The name follows from the port alone: the second instance serves all the same, and says what it cannot do."""
    first = service("api", env=settings(database.url)).wait_ready()
    second = service("api", env=settings(database.url, HOST="127.0.0.2", PORT=first.port))
    second.wait_log("ready: 1 worker on http://127.0.0.2")
    assert "cannot tell the status of port" in second.log()
    assert status_of(run, first)["pid"] == first.pid


def test_log_file_is_opened_anew(service, database, tmp_path):
    """Rotation: the file is moved away, SIGUSR1, and both the supervisor and the workers write to the new one."""
    log, moved = tmp_path / "log", tmp_path / "log.1"
    api = service("api", env=settings(database.url, LOG_FILE=log, WORKERS=2)).wait_ready()
    assert api.http.get("/?before").status == 200
    wait_until(lambda: "/?before" in log.read_text())
    log.rename(moved)
    os.kill(api.pid, signal.SIGUSR1)
    wait_until(log.exists)
    count = 0

    def all_write_anew():
        nonlocal count
        count += 1
        api.http.get(f"/?after-{count}")
        return {"worker-1:", "worker-2:"} <= set(log.read_text().split())
    wait_until(all_write_anew)
    assert api.stop() == 0
    assert "stopped: " in log.read_text()
    # No line is in both, and none is lost on the way.
    lines = moved.read_text().splitlines() + log.read_text().splitlines()
    for number in range(1, count + 1):
        assert sum(f"/?after-{number} " in line for line in lines) == 1
