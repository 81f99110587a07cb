"""What the tests of `digitalism migrate` look at: the schema, the history, a migration that sleeps.

Not here: the fixtures `folder` and `migrate` (conftest.py).
"""

import re
import subprocess

# Sleeps for as long as the database says (ALTER DATABASE … SET test.sleep), so that the same file can be applied at once later.
SLEEP = "SELECT pg_sleep(coalesce(nullif(current_setting('test.sleep', true), ''), '0')::float8);\n"


def dump_of(database, *options):
    """pg_dump's output without our own tables and alembic's, comments and the dump's own settings."""
    dump = subprocess.run(
        ["pg_dump", "--no-owner", "-T", "digitalism_*", "-T", "alembic_version", *options, database.socket_url],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout
    unwanted = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict.*|)$")
    return "\n".join(line for line in dump.split("\n") if not unwanted.match(line)) + "\n"


def schema_of(database):
    return dump_of(database, "--schema-only")


def applied(database):
    return [name for (name,) in database.query("SELECT name FROM digitalism_migrations ORDER BY version, name")]


def tables(database):
    found = database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [name for (name,) in found if not name.startswith("digitalism_")]


def sleeping(database):
    return database.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%pg_sleep(coalesce%%'"
        " AND state = 'active' AND pid <> pg_backend_pid()"
    )
