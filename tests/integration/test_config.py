"""Goal: the `config` command shows the settings in force and where each came from, and never a secret.

Not here: the grammar of single values and files (tests/unit/config); faults of the other commands (test_commands.py).
"""

import os
import re

import pytest


def parse(text):
    """The printed lines as a dictionary: name → (value, source); an unset one has the source None."""
    lines = re.findall(r"^([A-Z_]+) += (.*?)(?: +\(([^()]*)\))?$", text, re.MULTILINE)
    assert len(lines) == len(text.splitlines())
    return {name: (value, source or None) for name, value, source in lines}


def test_defaults_of_the_whole_table(run):
    """Every setting of the documented table, in its order, with its default."""
    result = run("config")
    assert (result.code, result.err) == (0, "")
    shown = parse(result.out)
    assert list(shown) == [
        "DATABASE_URL", "DATABASE_USER", "DATABASE_PASSWORD", "DATABASE_WAIT_TIMEOUT", "WAIT_FOR_DATABASE",
        "MIGRATION_DATABASE_URL", "MIGRATIONS_PATH", "MIGRATIONS_STRICT", "MIGRATIONS_OUT_OF_ORDER", "MIGRATIONS_ALLOW_NEWER", "CSV_DATA_PATH", "ETL_ENCODING", "ETL_COLUMNS", "RUN_ETL_ON_STARTUP", "ETL_DUPLICATE_HANDLING", "ETL_BATCH_SIZE", "ETL_JOBS", "ETL_MAX_REJECTS",
        "ETL_REJECTS_PATH", "ETL_ENABLE_GEOCODING", "NOMINATIM_URL", "NOMINATIM_USER_AGENT", "NOMINATIM_RATE_LIMIT",
        "NOMINATIM_MAX_RETRIES", "NOMINATIM_RETRY_DELAY", "NOMINATIM_TIMEOUT", "NOMINATIM_CACHE_FILE", "HOST", "PORT", "WORKERS",
        "GRACEFUL_TIMEOUT", "DRAIN_DELAY", "MAX_REQUESTS", "WORKER_MEMORY_LIMIT", "LOG_LEVEL", "LOG_FORMAT", "LOG_FILE", "ACCESS_LOG",
    ]  # fmt: skip
    assert shown["DATABASE_URL"] == ("(unset)", None)
    assert shown["ETL_REJECTS_PATH"] == ("(unset)", None)
    assert shown["DATABASE_WAIT_TIMEOUT"] == ("60s", "default")
    assert shown["ETL_MAX_REJECTS"] == ("10%", "default")
    assert shown["WORKERS"] == ("auto", "default")
    assert shown["GRACEFUL_TIMEOUT"] == ("8s", "default")


def test_precedence_of_all_sources(run, tmp_path):
    """Flag over environment over .env over INI over default, each shown with its place."""
    (tmp_path / "digitalism.ini").write_text("[digitalism]\nport = 1\nworkers = 1\n[etl]\nbatch_size = 1\nmax_rejects = 1\n")
    (tmp_path / ".env").write_text("# local\nPORT=2\nWORKERS=2\nexport ETL_BATCH_SIZE='2'\n")
    result = run("config", "--port", "4", env={"PORT": "3", "WORKERS": "3", "UVICORN_WORKERS": "9"}, cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    shown = parse(result.out)
    assert shown["PORT"] == ("4", "flag")
    assert shown["WORKERS"] == ("3", "environment")
    assert shown["ETL_BATCH_SIZE"] == ("2", ".env:4")
    assert shown["ETL_MAX_REJECTS"] == ("1", "digitalism.ini:6")
    assert shown["HOST"] == ("0.0.0.0", "default")


def test_files_named_by_flags(run, tmp_path):
    (tmp_path / "a.ini").write_text("log_level = debug\n")
    (tmp_path / "b.env").write_text("LOG_FORMAT=json\n")
    shown = parse(run("config", "--config", tmp_path / "a.ini", "--env-file", tmp_path / "b.env").out)
    assert shown["LOG_LEVEL"] == ("debug", f"{tmp_path}/a.ini:1")
    assert shown["LOG_FORMAT"] == ("json", f"{tmp_path}/b.env:1")


def test_ini_named_by_environment(run, tmp_path):
    (tmp_path / "a.ini").write_text("log_level = debug\n")
    shown = parse(run("config", env={"DIGITALISM_CONFIG": tmp_path / "a.ini"}).out)
    assert shown["LOG_LEVEL"] == ("debug", f"{tmp_path}/a.ini:1")


@pytest.mark.parametrize(
    "url, shown_url",
    [
        ("postgresql://u:hidden@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql+psycopg2://u:hidden@h/d", "postgresql+psycopg2://u:***@h/d"),
        ("postgresql://a:1,b:2/d?password=hidden&sslmode=require", "postgresql://a:1,b:2/d?password=***&sslmode=require"),
    ],
)
def test_secrets_are_redacted(run, url, shown_url):
    result = run("config", env={"DATABASE_URL": url, "DATABASE_PASSWORD": "hidden too"})
    assert result.code == 0, result
    assert "hidden" not in result.text
    shown = parse(result.out)
    assert shown["DATABASE_URL"] == (shown_url, "environment")
    assert shown["DATABASE_PASSWORD"] == ("***", "environment")


def test_secret_from_a_file(run, tmp_path):
    secret = tmp_path / "word"
    secret.write_text("hidden\n")
    result = run("config", env={"DATABASE_PASSWORD_FILE": secret})
    assert "hidden" not in result.text
    assert parse(result.out)["DATABASE_PASSWORD"] == ("***", "environment, DATABASE_PASSWORD_FILE")


def test_a_password_file_logs_in(run, database, tmp_path):
    """The file's word, without its newline, is the one that PostgreSQL gets."""
    head, word = database.url.split("@")[0].rsplit(":", 1)
    secret = tmp_path / "word"
    secret.write_text(word + "\n")
    url = head + "@" + database.url.split("@")[1]
    result = run("wait", env={"DATABASE_URL": url, "DATABASE_PASSWORD_FILE": secret})
    assert result.code == 0, result


def test_slips_are_warned_about_and_the_command_goes_on(run, tmp_path):
    """The old compose file says NOMINatIM_URL."""
    (tmp_path / "digitalism.ini").write_text("[etl]\ncolour = red\n")
    result = run("config", env={"NOMINatIM_URL": "http://nominatim:8080"}, cwd=tmp_path)
    assert result.code == 0
    assert result.err == (
        "NOMINatIM_URL is not a setting; did you mean NOMINATIM_URL?\n"
        "digitalism.ini:2: ETL_COLOUR is not a setting, ignored\n"
    )


def test_all_faults_at_once_on_stderr(run, tmp_path):
    """One line each, with setting, value, place and what is allowed; nothing is printed as if it were in force."""
    (tmp_path / "digitalism.ini").write_text("[etl]\nbatch_size = none\nnonsense\n")
    (tmp_path / ".env").write_text("ACCESS_LOG=maybe\n'broken\n")
    result = run("config", "--graceful-timeout=soon", env={"PORT": "80o0"}, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "digitalism: 6 settings are not valid\n"
        ".env:2: not KEY=VALUE or a comment\n"
        "digitalism.ini:3: not a [section], a `key = value` or a comment\n"
        "ETL_BATCH_SIZE=none (digitalism.ini:2): not a number from 1 to 100000\n"
        "PORT=80o0 (environment): not a number from 0 to 65535\n"
        "GRACEFUL_TIMEOUT=soon (flag): not a duration from 0s to 60m, such as 500ms, 8s, 2m, or 1.5 for seconds\n"
        "ACCESS_LOG=maybe (.env:1): not one of true, false, yes, no, on, off, 1, 0\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_env_file(run, tmp_path):
    (tmp_path / ".env").write_text("PORT=1\n")
    (tmp_path / ".env").chmod(0)
    result = run("config", cwd=tmp_path)
    assert result.code == 2
    assert "cannot open .env: Permission denied" in result.err


def test_env_file_that_is_a_directory(run, tmp_path):
    """What Docker makes of a bind mount whose source is missing."""
    (tmp_path / ".env").mkdir()
    result = run("config", cwd=tmp_path)
    assert result.code == 2
    assert "cannot read .env: Is a directory" in result.err


@pytest.mark.parametrize("flag", ["--config", "--env-file"])
def test_missing_file_that_was_named(run, flag):
    result = run("config", flag, "/nowhere/settings")
    assert result.code == 2
    assert "cannot open /nowhere/settings: No such file or directory" in result.err
