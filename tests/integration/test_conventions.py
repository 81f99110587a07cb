"""Goal: a directory of migrations that another tool's project brings is applied as it is, and undone where it says how.

Each directory of migrations/ has what real projects of that convention have: several dialects, byte order marks, CRLF,
no final semicolon, empty files, marks in comments, quotes and dollars around semicolons. What must come of it is said
here by the list of its files in their order; psql applies them one by one to a second database, each in a session of
its own, and both databases must be the same afterwards, rows included.

Not here: what is refused (test_migrate.py); names, versions and sections one by one (tests/unit/migrate).
"""

import pathlib
import re
import subprocess

import pytest

from harness import Database, execute, settings
from migrations import dump_of, schema_of

FOLDER = pathlib.Path(__file__).parent / "migrations"


def whole(text):
    return text


def goose(text):
    """The up section; each block of a statement of its own gets the end that psql needs."""
    up = re.search(r"^--\s*\+goose Up\s*$(.*?)(^--\s*\+goose Down\s*$|\Z)", text, re.DOTALL | re.MULTILINE)[1]
    return re.sub(r"^-- \+goose StatementEnd", ";", up, flags=re.MULTILINE)


def dbmate(text):
    return re.search(r"^--\s*migrate:up\b[^\n]*$(.*?)^--\s*migrate:down", text, re.DOTALL | re.MULTILINE)[1]


class Convention:
    """`files`: what is applied, in this order, below `folder`; a star before those that run outside a transaction.
    `down_to`: a version, and how many of the files remain there; all later ones can be undone. None: nothing can."""

    def __init__(self, folder, files, down_to, part=whole):
        self.folder, self.part, self.down_to = FOLDER / folder, part, down_to
        lines = [line.strip() for line in files.strip().split("\n")]
        self.files = [line.removeprefix("* ") for line in lines]
        self.alone = {line.removeprefix("* ") for line in lines if line.startswith("* ")}

    def sql(self, name):
        text = (self.folder / name).read_text(encoding="utf-8-sig")
        return self.part(text)


CONVENTIONS = {
    "diesel": Convention("diesel", """
        00000000000000_diesel_initial_setup/up.sql
        20170309_create_accounts/up.sql
        2017-09-23-1_add_email_to_accounts/up.sql
        2017-09-23-2_manage_accounts/up.sql
        2018-05-02-143000_create_posts/up.sql
        2019-11-30-081500_add_post_status/up.sql
        * 2021-02-14-101112_archived_posts/up.sql
        * 2023-06-01-120000_index_posts/up.sql
        2024-01-31-120000_count_posts/up.sql
        2024-01-31-120001_first_posts/up.sql
        2024-03-05-090000_nothing_left_to_do/up.sql
    """, down_to=("00000000000000", 1)),
    "sqlx": Convention("sqlx", """
        20230101000000_create_customers.sql
        20230115083000_create_orders.sql
        20230301120000_add_phone.up.sql
        20230401090000_order_totals.up.sql
        * 20230501100000_index_orders.up.sql
        20230601100000_order_state.up.sql
        * 20230602100000_order_state_refunded.up.sql
        20230701100000_touch_orders.up.sql
        20230801100000_v2.1_settings.up.sql
    """, down_to=("20230115083000", 2)),
    "golang-migrate": Convention("golang-migrate", """
        000001_create_users.up.sql
        000002_create_teams.up.sql
        * 000003_index_team_members.up.sql
        000004_add_role.up.sql
        000005_one_owner.up.sql
        000006_v1.2_settings.up.sql
        000007_moved_to_the_program.up.sql
        000008_first_team.up.sql
        * 000009_drop_unused_index.up.sql
        000010_check_email.up.sql
    """, down_to=("000001", 1)),
    "goose": Convention("goose", """
        00001_create_accounts.sql
        00002_touch_function.sql
        * 00003_index_touched_at.sql
        00004_account_kind.sql
        * 00005_account_kind_group.sql
        00006_nothing.sql
        00007_empty.sql
        00008_two_statements.sql
        20240105101500_first_accounts.sql
        20240212083000_several_in_one_block.sql
    """, down_to=("00001", 1), part=goose),
    "dbmate": Convention("dbmate/db/migrations", """
        20230102030405_create_users.sql
        20230203040506_create_posts.sql
        * 20230304050607_index_posts.sql
        20230304050608_slug.sql
        20230405060708_post_state.sql
        * 20230506070809_post_state_hidden.sql
        20230607080910_first_posts.sql
        20230708091011_nothing.sql
        20230809101112_views.sql
    """, down_to=("20230102030405", 1), part=dbmate),
    # Other dialects' files are left out, and so is what is for all dialects where there is one for PostgreSQL.
    "kratos": Convention("kratos", """
        20150100000001000000_networks.postgres.up.sql
        20191100000001000000_identities.postgres.up.sql
        20191100000002000000_sessions.postgres.up.sql
        20191100000003000000_session_devices.up.sql
        20191100000004000000_courier.up.sql
        * 20200317160354000000_courier_status_index.autocommit.up.sql
        20200317160354000001_courier_kind.postgres.up.sql
        * 20200601101000000000_courier_kind_push.postgres.autocommit.up.sql
        20200810141652000000_nothing_here.postgres.up.sql
        20210101000000000000_default_network.up.sql
        20210102000000000000_identity_network.postgres.up.sql
    """, down_to=("20150100000001000000", 1)),
    "flyway": Convention("flyway", """
        V1__create_clients.sql
        V1.1__add_email.sql
        V2_1__create_invoices.sql
        V2.9__invoice_lines.sql
        V2.10__invoice_line_key.sql
        * V3__index_invoices.sql
        V003.1__invoice_total.sql
        V4__Add the kind of a client.sql
        V20240101.1200__first_client.sql
        R__a_client_totals.sql
        R__b_large_clients.sql
    """, down_to=None),
    "plain": Convention("plain", """
        0001_stations.sql
        0002_readings.sql
        3_index.sql
        04_partitions.sql
        9_warmest.sql
        10_altitude.sql
        00011_first_readings.sql
        012_highest.sql
    """, down_to=("0001", 1)),
    "pgdump": Convention("pgdump", """
        0001_dump.sql
        0002_behind_the_dump.sql
    """, down_to=None),
}  # fmt: skip
UNDOABLE = [name for name, convention in CONVENTIONS.items() if convention.down_to]


@pytest.fixture
def reference(database, cluster_urls):
    """reference(convention, count): a database on which psql ran so many of the files, all unless given."""
    other = Database(*cluster_urls, name=database.name + "_psql").create()

    def reference(convention, count=None):
        for name in convention.files[:count]:
            done = subprocess.run(
                ["psql", "-qX", "-v", "ON_ERROR_STOP=1", *([] if name in convention.alone else ["-1"]), other.socket_url],
                input=convention.sql(name), capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, f"psql {name}: {done.stderr}"
        return other

    yield reference
    other.drop()


@pytest.fixture
def migrate(run, database):
    def migrate(convention, *words, **env):
        done = run("migrate", *words, env=settings(database.url, MIGRATIONS_PATH=convention.folder, **env))
        assert done.code == 0, done
        return done.text

    return migrate


def history(database):
    """The applied files; a migration with a directory of its own goes by the directory's name."""
    rows = database.query("SELECT name FROM digitalism_migrations ORDER BY applied_at, version")
    return [name for (name,) in rows]


def names(convention):
    return [name.removesuffix("/up.sql") for name in convention.files]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_directory_gives_what_psql_makes_of_its_files(migrate, database, reference, name):
    convention = CONVENTIONS[name]
    expected = dump_of(reference(convention))
    migrate(convention)
    assert dump_of(database) == expected
    assert sorted(history(database)) == sorted(names(convention))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_second_run_applies_nothing(migrate, database, name):
    convention = CONVENTIONS[name]
    migrate(convention)
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    text = migrate(convention)
    assert f"nothing to apply: {len(convention.files)} migrations are in place" in text
    assert "applied " not in text.replace("nothing to apply", "")


@pytest.mark.parametrize("name", UNDOABLE)
def test_down_leaves_the_schema_of_the_version_and_up_makes_it_again(migrate, database, reference, name):
    convention = CONVENTIONS[name]
    version, remaining = convention.down_to
    expected = schema_of(reference(convention, remaining))
    migrate(convention)
    schema = schema_of(database)
    migrate(convention, "down", "--to", version)
    assert schema_of(database) == expected
    assert sorted(history(database)) == sorted(names(convention)[:remaining])
    migrate(convention)
    assert schema_of(database) == schema


@pytest.mark.parametrize("name", UNDOABLE)
def test_down_by_count_undoes_the_last_ones(migrate, database, reference, name):
    convention = CONVENTIONS[name]
    expected = schema_of(reference(convention, -2))
    migrate(convention)
    migrate(convention, "down", "2")
    assert schema_of(database) == expected
    assert sorted(history(database)) == sorted(names(convention)[:-2])


@pytest.mark.parametrize("name", ["diesel", "sqlx", "dbmate", "kratos", "flyway"])
def test_what_is_of_another_dialect_or_purpose_is_not_applied(migrate, database, name):
    convention = CONVENTIONS[name]
    applied = {convention.folder / file for file in convention.files}
    others = [path for path in FOLDER.joinpath(name).rglob("*") if path.is_file() and path not in applied]
    assert others
    migrate(convention)
    assert set(names(convention)) == set(history(database))
    found = database.query(
        "SELECT relname FROM pg_class WHERE relname ~ '(^|_)of_' UNION"
        " SELECT attname FROM pg_attribute WHERE attname ~ '(^|_)of_' AND attrelid >= 16384"
    )
    assert found == []


@pytest.mark.parametrize("name", ["diesel", "golang-migrate", "kratos"])
def test_files_of_another_dialect_make_no_warning(migrate, name):
    assert "WARN" not in migrate(CONVENTIONS[name])


def test_a_repeatable_migration_is_applied_again_when_it_changes(run, database, tmp_path):
    convention = CONVENTIONS["flyway"]
    for path in convention.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    env = settings(database.url, MIGRATIONS_PATH=tmp_path)
    assert run("migrate", env=env).code == 0
    view = tmp_path / "R__b_large_clients.sql"
    view.write_text(view.read_text().replace("100000", "1000"))
    done = run("migrate", env=env)
    assert done.code == 0, done
    assert "applied R__b_large_clients.sql in" in done.text
    assert "R__a_client_totals.sql" not in done.text
    assert database.query("SELECT client_id, cents FROM large_clients") == [(1, 1250)]
