"""Rounds of what a supervisor can get wrong once in a thousand times; the caller says how many.

Not here: how many are enough (test_supervise_races.py: seconds; tests/soak: minutes). Each returns what it measured.
"""

import collections
import datetime
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import settings, wait_until
from load import Load

CRASHES_OF_ONE_SERVICE = 4  # the fifth within a minute would end it


def may_make_a_namespace():
    words = ["unshare", "--pid", "--fork", "--mount-proc", "true"]
    return shutil.which("unshare") and subprocess.run(words, capture_output=True).returncode == 0


def stat_of(pid):
    """State and parent of a process, zombies included; None when it was reaped."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])


def children_of(pid):
    """Straight from the kernel, zombies included; cheap enough to be asked in a loop."""
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def spin_until(condition, seconds, what):
    """As wait_until, without a pause between two looks: for moments that do not last."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"


def in_pid_namespace(binary, env, folder):
    """The service as PID 1 of a namespace: the harness's Service around unshare, and the pid of PID 1 as it is seen here."""
    words = ["--pid", "--fork", "--mount-proc", "--kill-child", str(binary), "api"]
    outer = harness.Service("/usr/bin/unshare", words, env, folder, pathlib.Path(folder) / "log", int(env["PORT"]))
    outer.wait_ready()
    return outer, harness.children(outer.pid)[0]


def coalesced_deaths(binary, database, folder, rounds):
    """A worker, an orphan and a stopped orphan die while the supervisor cannot run, so that it gets one SIGCHLD for all.

    Returns the milliseconds from its first chance until all are reaped and the worker has its successor.
    """
    took = []
    while len(took) < rounds:
        count = min(CRASHES_OF_ONE_SERVICE, rounds - len(took))
        env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": harness.free_port(), "WORKERS": count, "ACCESS_LOG": "false"}
        outer, init = in_pid_namespace(binary, env, folder)
        try:
            outer.wait_log(f"ready: {count} worker")
            workers = children_of(init)
            sleepers = f"for i in $(seq {2 * count}); do sleep 1000 >/dev/null 2>&1 & done"
            subprocess.run(["nsenter", f"--target={init}", "--pid", "sh", "-c", sleepers], check=True, timeout=30)
            orphans = wait_until(lambda: adopted(init, workers, 2 * count), what="the orphans are PID 1's")
            for worker in workers:
                took.append(one_coalesced_death(init, worker, orphans.pop(), orphans.pop()))
            os.kill(init, signal.SIGTERM)
            assert outer.wait() == 0, outer.log()
        finally:
            outer.clean_up()
    return took


def adopted(init, workers, count):
    orphans = [pid for pid in children_of(init) if pid not in workers]
    return orphans if len(orphans) == count else None


def one_coalesced_death(init, worker, orphan, paused):
    before = set(children_of(init))
    victims = [worker, orphan, paused]
    os.kill(paused, signal.SIGSTOP)
    os.kill(init, signal.SIGSTOP)
    wait_until(lambda: stat_of(init)[0] == "T", what="the supervisor is stopped")
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    wait_until(lambda: all(stat_of(victim)[0] == "Z" for victim in victims), what="all three are dead")
    began = time.monotonic()
    os.kill(init, signal.SIGCONT)

    def handled():
        now = set(children_of(init))
        return not now & set(victims) and len(now) == len(before) - 2

    spin_until(handled, 5, "all three are reaped, and the worker is replaced")
    return (time.monotonic() - began) * 1000


def stops_at_a_fork(binary, words, env, folder, rounds, children=1):
    """SIGTERM to a starting service at the worst moments: every other time just when a child has appeared (one of the first
    `children`), else at random. Returns how often it ended with each code; it must end each time, and leave nothing behind.
    """
    codes = collections.Counter()
    sessions = set()
    for number in range(rounds):
        process = subprocess.Popen(
            [str(binary), *words], env=harness.clean_environment(env), cwd=folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        sessions.add(process.pid)
        try:
            if number % 2 == 0:
                await_child(process, random.randint(1, children))
            else:
                time.sleep(random.uniform(0, 0.02 * children))
            process.send_signal(signal.SIGTERM)
            codes[process.wait(10)] += 1
        except subprocess.TimeoutExpired:
            left = [(pid, stat_of(pid)) for pid in harness.session_members(process.pid)]
            raise AssertionError(f"round {number}: SIGTERM was lost; still there: {left}") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if len(sessions) == 100 or number == rounds - 1:
            wait_until(lambda: not leftovers(sessions), 5, what=lambda: f"no child is left: {leftovers(sessions)}")
            sessions.clear()
    return codes


def leftovers(sessions):
    return [pid for pid, _, session in harness._processes() if session in sessions]


def await_child(process, count):
    """Until so many different children have been seen, or the process has ended; at most a second."""
    seen = set()
    deadline = time.monotonic() + 1
    while len(seen) < count and time.monotonic() < deadline and process.poll() is None:
        seen.update(children_of(process.pid))


def reload_and_wait(service, seconds=30):
    """One HUP, until every worker has been replaced."""
    before = service.log().count("reload: all workers are replaced")
    os.kill(service.pid, signal.SIGHUP)
    wait_until(lambda: service.log().count("reload: all workers are replaced") > before, seconds, what=lambda: service.log()[-3000:])


def reloads_under_load(service, requests, reloads):
    """6 clients ask while the service is reloaded again and again, evenly over all the requests; two of them keep their
    connections. Returns the answers by status, and all failures.
    """
    path = "/cities/?limit=5"
    with Load(service.port, path, clients=4) as fresh, Load(service.port, path, clients=2, keep_alive=True) as kept:
        for number in range(1, reloads + 2):
            due = number * requests // (reloads + 1)
            wait_until(
                lambda: fresh.count + kept.count >= due, 600,
                what=lambda: f"{due} answers: {fresh.answered} {kept.answered} {fresh.failures[:5]} {kept.failures[:5]}",
            )
            if number <= reloads:
                reload_and_wait(service)
    refused = ["refused"] * (fresh.refused + kept.refused)
    return collections.Counter(fresh.answered) + collections.Counter(kept.answered), fresh.failures + kept.failures + refused


def reload_storm(service, reloads, gap):
    """HUPs from 0 to `gap` seconds apart. Returns how many reloads they made, once the last of them is done."""
    first = len(reload_lines(service))
    for _ in range(reloads):
        last = datetime.datetime.now(datetime.timezone.utc)
        os.kill(service.pid, signal.SIGHUP)
        time.sleep(random.uniform(0, gap))
    # Log lines are stamped with whole milliseconds.
    last = (last - datetime.timedelta(milliseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]

    def settled():
        begun = reload_lines(service)
        done = service.log().count("reload: all workers are replaced")
        return len(begun) == done and begun[-1][: len(last)] >= last

    wait_until(settled, 30, what=lambda: service.log()[-3000:])
    return len(reload_lines(service)) - first


def reload_lines(service):
    return [line for line in service.log().splitlines() if "reload: replacing" in line]


def reload_leaks(service, reloads):
    """What the supervisor has more of after so many reloads: descriptors, and KiB of resident memory."""
    workers = len(children_of(service.pid))

    def size_after(count):
        for _ in range(count):
            reload_and_wait(service)
        # Reaped, and back in its wait: what belonged to the old workers has been closed.
        wait_until(
            lambda: len(children_of(service.pid)) == workers and stat_of(service.pid)[0] == "S", what="the old workers have gone"
        )
        return supervisor_size(service.pid)

    before = size_after(3)
    after = size_after(reloads)
    return after[0] - before[0], after[1] - before[1]


def supervisor_size(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return len(os.listdir(f"/proc/{pid}/fd")), int(rss)


# A quotation mark is two bytes in JSON, and the target stands in two fields of a line.
LONG_TARGET = "/cities/" + '"' * 892


def whole_lines(binary, database, folder, workers, lines):
    """Each worker writes so many lines of about 3,900 bytes to the one pipe that all have as stdout.

    Returns the lengths of the access lines that came whole, and how many lines the service says it dropped because the
    reader was too slow for them; both together are all (or a few more that were asked for only to be told).
    """
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": harness.free_port(), "WORKERS": workers, "LOG_FORMAT": "json"}
    process = subprocess.Popen(
        [str(binary), "api"], env=harness.clean_environment(env), cwd=folder, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    lengths, others, broken = [], [], []

    def read():
        for line in process.stdout:
            try:
                fields = json.loads(line)
            except ValueError:
                broken.append(line)
                continue
            if fields.get("path", "").startswith(LONG_TARGET):
                lengths.append(len(line))
            else:
                others.append(fields)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        wait_until(lambda: any(line["msg"].startswith(f"ready: {workers} worker") for line in others), what=lambda: (others, broken))
        clients = [threading.Thread(target=ask_often, args=(env["PORT"], lines), daemon=True) for _ in range(workers)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(600)

        asked = itertools.count()

        def all_accounted():
            # A worker tells what it dropped when it has something to write again.
            next(asked)
            ask_often(env["PORT"], 1, "/departments/?limit=1")
            return len(lengths) + dropped_of(others) >= workers * lines

        wait_until(all_accounted, 30, what=lambda: f"{len(lengths)} lines and {dropped_of(others)} dropped are all")
        process.terminate()
        assert process.wait(20) == 0
        reader.join(20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert not broken, broken[:3]
    surplus = len(lengths) + dropped_of(others) - workers * lines
    assert 0 <= surplus <= next(asked), "only the lines that were asked for behind them can have been dropped as well"
    return lengths, dropped_of(others)


def dropped_of(lines):
    return sum(line.get("dropped", 0) for line in lines)


def ask_often(port, times, target=LONG_TARGET):
    """The same request again and again, 20 in a row on each connection."""
    request = f"GET {target} HTTP/1.1\r\nHost: load\r\n\r\n".encode()
    last = f"GET {target} HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n".encode()
    for sent in range(0, times, 20):
        count = min(20, times - sent)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request * (count - 1) + last)
            while connection.recv(65536):
                pass
