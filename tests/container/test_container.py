"""Goal: the image and docker-compose.yml give a healthy service beside PostgreSQL 17, as locked up as they promise.

Needs a Docker engine, with docker-compose 1.29 or the compose plugin; skipped without one. Everything it makes has a
name of its own and is removed.
"""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from harness import Http, clean_environment, free_port, wait_until  # noqa: E402

CONTEXT = ["Dockerfile", ".dockerignore", "docker-compose.yml", "CMakeLists.txt", "CMakePresets.json", "cmake", "include", "src",
           "migrations", "data/csv"]
IMAGE_OVERHEAD_MAX = 16_000_000


def command(*words, env=None, cwd=None, timeout=900):
    done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def works(*words):
    return shutil.which(words[0]) and subprocess.run(words, capture_output=True).returncode == 0


def compose_command():
    if not works("docker", "info"):
        pytest.skip("no Docker engine answers")
    for words in (["docker", "compose"], ["docker-compose"]):
        if works(*words, "version"):
            return words
    pytest.skip("there is neither docker compose nor docker-compose")


class Stack:
    """The compose project: `http`, `container` (the service's id), `inspect(format)`, `inside(*words)`."""

    def __init__(self, checkout):
        self.name = f"digitalism-test-{uuid.uuid4().hex[:8]}"
        self.image = f"{self.name}:image"
        self.checkout = checkout
        self.port = free_port()
        self.http = Http(self.port)
        self.compose_words = compose_command()

    def compose(self, *words):
        variables = {"DIGITALISM_PORT": self.port, "DIGITALISM_IMAGE": self.image, "HOME": self.checkout, "WORKERS": 2}
        return command(*self.compose_words, "-p", self.name, *words, env=clean_environment(variables), cwd=self.checkout)

    def up(self):
        # Built by hand: BuildKit is asked for by other names than the classic builder, and both must do.
        command("docker", "build", "--network", "host", "-t", self.image, self.checkout)
        self.compose("up", "-d", "--no-build")
        self.container = self.compose("ps", "-q", "digitalism").strip()
        wait_until(lambda: self.inspect("{{.State.Health.Status}}") == "healthy", 90, what=self.log)
        return self

    def down(self):
        self.compose("down", "--volumes", "--remove-orphans")
        subprocess.run(["docker", "image", "rm", self.image], capture_output=True)

    def inspect(self, form):
        return command("docker", "inspect", "--format", form, self.container).strip()

    def inside(self, *words):
        return subprocess.run(["docker", "exec", self.container, *words], capture_output=True, text=True, timeout=60)

    def log(self):
        return self.compose("logs", "--no-color")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    checkout = tmp_path_factory.mktemp("checkout")
    for part in CONTEXT:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, checkout / part)
        else:
            (checkout / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, checkout / part)
    stack = Stack(checkout)
    try:
        yield stack.up()
    finally:
        stack.down()


def test_the_service_answers_from_the_host(stack):
    """The published port reaches a service that has migrated and loaded the mounted CSV."""
    health = stack.http.get("/health")
    assert (health.status, health.json["status"]) == (200, "healthy")
    with open(ROOT / "data/csv/communes.csv", newline="", encoding="utf-8") as sample:
        postal_code = next(csv.DictReader(sample))["code_postal"].zfill(5)
    cities = stack.http.get(f"/cities/by-postal-code/{postal_code}")
    assert cities.status == 200
    assert cities.json and {city["code_postal"] for city in cities.json} == {postal_code}


def test_the_program_is_pid_1_and_nobody_special(stack):
    """No shell or init in front of it, no root, no capability, no way to new privileges."""
    assert stack.inside("cat", "/proc/1/comm").stdout == "digitalism\n"
    status = dict(line.split(":\t", 1) for line in stack.inside("cat", "/proc/1/status").stdout.splitlines())
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["10001"] * 4
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_the_root_file_system_is_read_only(stack):
    done = stack.inside("touch", "/app/written")
    assert done.returncode != 0
    assert "Read-only file system" in done.stderr


def test_the_health_check_is_the_program_itself(stack):
    test = json.loads(stack.inspect("{{json .Config.Healthcheck.Test}}"))
    assert test == ["CMD", "digitalism", "health"]
    assert stack.inside("digitalism", "health").returncode == 0


def test_the_status_needs_nothing_writable(stack):
    """Asked inside, as whom the image says and as root; the supervisor is PID 1 and every worker is seen."""
    for user in ("10001", "0"):
        done = command("docker", "exec", "--user", user, stack.container, "digitalism", "status", "--json")
        status = json.loads(done)
        assert status["pid"] == 1
        assert [worker["state"] for worker in status["workers"]] == ["ready"] * status["totals"]["wanted"]
    assert stack.inside("digitalism", "status").stdout.startswith("digitalism ")


def test_the_image_adds_little_to_its_base(stack):
    sizes = [int(command("docker", "image", "inspect", "--format", "{{.Size}}", name)) for name in (stack.image, "debian:trixie-slim")]
    assert sizes[0] - sizes[1] <= IMAGE_OVERHEAD_MAX


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="with one CPU there is one worker anyway")
def test_a_cpu_limit_is_a_limit_of_workers(stack):
    """`--cpus 1` is a quota of the cgroup, which no affinity tells of."""
    words = ["--network", f"{stack.name}_digitalism_network", "-e", "DATABASE_URL=postgresql://digitalism:digitalism@postgres/digitalism"]
    container = command("docker", "run", "--detach", "--cpus", "1", *words, stack.image).strip()
    try:
        def log():
            return command("docker", "logs", container)

        wait_until(lambda: "supervisor: ready: " in log(), 60, what=log)
        assert "ready: 1 worker on " in log()
    finally:
        command("docker", "rm", "--force", container)


def test_docker_stop_ends_it_cleanly(stack):
    """Last, because it ends the service: SIGTERM to PID 1 is a graceful stop with exit code 0, not a kill (137)."""
    command("docker", "stop", stack.container)
    assert stack.inspect("{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"
