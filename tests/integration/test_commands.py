"""Goal: the command line: help, version, unknown words, and bad input that ends at once with its exit code and one message.

Not here: what the commands do when all is well (the tests of their parts).
"""

import os
import re
import signal
import urllib.parse

import pytest

from harness import run_program, settings


def test_help_lists_commands_settings_and_exit_codes(run):
    result = run("--help")
    assert result.code == 0
    for word in ("api", "all", "etl", "migrate", "wait", "health", "config", "--port", "--config", "Exit codes:"):
        assert word in result.out
    assert "--database-password" not in result.out  # arguments are visible to everybody


@pytest.mark.parametrize("command", ["api", "all", "etl", "migrate", "wait", "health", "config"])
def test_help_of_each_command(run, command):
    result = run(command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: digitalism {command}")


def test_version(run):
    result = run("--version")
    assert result.code == 0
    assert result.out.startswith("digitalism 0.")


def test_unknown_command_lists_the_commands(run):
    result = run("serve")
    assert result.code == 2
    assert 'unknown command "serve"' in result.err
    assert "api, all, etl, migrate, wait, health, status, config, init" in result.err


@pytest.mark.parametrize(
    "words, message",
    [
        (["api", "extra"], 'the command api takes no operand, "extra" was given'),
        (["migrate", "sideways"], 'unknown action "sideways" of the command migrate'),
        (["migrate", "up", "up"], 'migrate up takes no operand, "up" was given too'),
        (["migrate", "down", "1", "2"], 'migrate down takes one operand, "2" was given too'),
        (["migrate", "new"], "migrate new needs an operand: a name"),
        (["migrate", "up", "--json"], "the flag --json belongs to migrate status, not to migrate up"),
        (["migrate", "status", "--to", "3"], "the flag --to belongs to migrate's up, down and plan, not to status"),
        (["api", "--exit-code"], "the flag --exit-code belongs to the command migrate, not to api"),
        (["config", "--strict=perhaps"], "MIGRATIONS_STRICT=perhaps"),
        (["--colour", "red"], 'unknown flag "--colour"'),
        (["-x"], 'unknown flag "-x"'),
        (["api", "--port"], "the flag --port needs a value"),
        (["api", "--database-password", "x"], 'unknown flag "--database-password"'),
    ],
)
def test_bad_usage(run, words, message):
    result = run(*words)
    assert result.code == 2
    assert message in result.err


def test_missing_database_url(run):
    result = run("api")
    assert result.code == 2
    assert "DATABASE_URL" in result.err


def test_all_bad_settings_are_listed_at_once(run):
    result = run("api", "--workers=many", env={"DATABASE_URL": "mysql://x/y", "PORT": "80o0", "LOG_LEVEL": "loud"})
    assert result.code == 2
    for part in ("PORT", "80o0", "LOG_LEVEL", "loud", "WORKERS", "many", "DATABASE_URL"):
        assert part in result.err


def test_a_misspelt_name_is_told_beside_the_fault_that_it_causes(run):
    result = run("api", env={"DATABAS_URL": "postgresql://u@h/d"})
    assert result.code == 2
    assert "DATABASE_URL is not set" in result.err
    assert "DATABAS_URL is not a setting; did you mean DATABASE_URL?" in result.err


def test_flag_wins_over_environment(run, database):
    """Precedence through the whole program: a bad variable is beaten by a good flag."""
    result = run("wait", "--database-wait-timeout", "5s", env=settings(database.url, DATABASE_WAIT_TIMEOUT="soon"))
    assert result.code == 0, result


def test_missing_csv_is_found_before_anything_runs(run, database):
    result = run("all", env=settings(database.url, CSV_DATA_PATH="/nowhere/communes.csv"))
    assert result.code == 5
    assert "/nowhere/communes.csv" in result.text
    assert database.query("SELECT to_regclass('cities') IS NULL") == [(True,)]


def test_missing_migrations_directory(run, database):
    result = run("migrate", env=settings(database.url, MIGRATIONS_PATH="/nowhere"))
    assert result.code == 4
    assert "/nowhere" in result.text


def test_health_without_a_running_instance(run, free_port):
    result = run("health", env={"HOST": "127.0.0.1", "PORT": free_port()})
    assert result.code == 1
    assert "unhealthy: " in result.err


def test_health_of_a_running_instance(run, service, database):
    api = service("api", env=settings(database.url)).wait_ready()
    result = run("health", env={"HOST": "0.0.0.0", "PORT": api.port})
    assert (result.code, result.out) == (0, "healthy\n")


def test_health_of_an_instance_that_is_stopping(run, service, database):
    """Unhealthy, and not blamed on PostgreSQL: /health does not depend on it."""
    api = service("api", env=settings(database.url, DRAIN_DELAY="30s")).wait_ready()
    os.kill(api.pid, signal.SIGTERM)
    api.wait_log("stopping on SIGTERM")
    result = run("health", env={"HOST": "127.0.0.1", "PORT": api.port})
    assert result.code == 1
    assert "/health answers with status 503; hint: the service is stopping and wants no new clients" in result.err
    assert api.stop(signal.SIGINT) == 0


def test_json_log_is_one_object_a_line(run, database):
    import json

    result = run("migrate", env=settings(database.url, LOG_FORMAT="json"))
    assert result.code == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert {"ts", "level", "pid", "role", "msg"} <= set(lines[0])
    assert {line["role"] for line in lines} >= {"wait", "migrate"}


def test_unwritable_log_file_is_a_warning(run, database):
    result = run("migrate", env=settings(database.url, LOG_FILE="/nowhere/digitalism.log"))
    assert result.code == 0
    assert "cannot open the log file /nowhere/digitalism.log" in result.out


def test_no_secret_anywhere(run, database):
    """The password in no line at the highest level, whether the login succeeds or not."""
    url = database.url.replace("postgresql://", "postgresql+psycopg2://")
    right = urllib.parse.urlsplit(url).password
    for password, code in ((right, 0), ("s3cret-wrong", 3)):
        for form in ("text", "json"):
            result = run("etl", env=settings(url, DATABASE_PASSWORD=password, LOG_LEVEL="debug", LOG_FORMAT=form))
            assert result.code == code, result
            assert right not in result.text
            assert password not in result.text


def test_help_names_no_flag_among_what_has_none(run):
    """What the help says to have no flag must not be listed as one."""
    out = run("--help").out
    without = re.search(r"Secrets have no flag\. (.*?) come from the ", out, re.S)[1]
    for name in re.findall(r"DATABASE_[A-Z]+", without):
        assert "--" + name.lower().replace("_", "-") not in out


@pytest.mark.parametrize("closed", ["1>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_descriptors_become_no_socket(binary, database, closed):
    """A log that has nowhere to go must not go into the connection to PostgreSQL, whose socket would get the number."""
    result = run_program("/bin/sh", "-c", f'exec "$0" etl {closed}', binary, env=settings(database.url))
    assert result.code == 0, result
    assert database.query("SELECT count(*) > 0 FROM cities") == [(True,)]


def test_a_closed_stdout_is_no_success(binary):
    """What was asked for could not be printed."""
    assert run_program("/bin/sh", "-c", 'exec "$0" --version 1>&-', binary).code == 1
