"""Goal: a database that the former system's alembic has migrated moves over without a change, from each of its revisions.

Not here: baselines by hand (test_migrate_actions.py).
"""

import pytest

from harness import ROOT, Database
from migrations import applied, schema_of, tables

HEAD = "a1b2c3d4e5f6"

# What each revision did, taken back. Names of indexes and constraints are those of the legacy database.
BACK_TO_799F57F93B30 = """
    TRUNCATE cities, departments, regions RESTART IDENTITY CASCADE;
    UPDATE alembic_version SET version_num = '799f57f93b30';
"""
BACK_TO_06D3A879A5A1 = BACK_TO_799F57F93B30 + """
    ALTER TABLE cities DROP COLUMN code_postal;
    DROP INDEX idx_city_department_id, idx_city_name;
    ALTER TABLE departments DROP COLUMN code_departement;
    UPDATE alembic_version SET version_num = '06d3a879a5a1';
"""

ROWS = {
    "regions": "SELECT * FROM regions ORDER BY id",
    "departments": "SELECT * FROM departments ORDER BY id",
    "cities": "SELECT * FROM cities ORDER BY id",
    "alembic_version": "SELECT * FROM alembic_version",
}
FACTS = "SELECT d.id, d.code_departement, d.name, r.id, r.name FROM departments d JOIN regions r ON r.id = d.region_id ORDER BY 1"


@pytest.fixture
def legacy(database, legacy_dump):
    database.load(legacy_dump)
    return database


@pytest.fixture
def fresh(database, cluster_urls, run):
    from harness import settings

    other = Database(*cluster_urls, name=database.name + "_fresh").create()
    assert run("migrate", env=settings(other.url)).code == 0
    yield other
    other.drop()


def everything(database):
    """What must not change: every row, and when each table's storage was last written anew."""
    files = database.query("SELECT relname, relfilenode FROM pg_class WHERE relname IN ('regions', 'departments', 'cities', 'alembic_version')"
                           " ORDER BY 1")  # fmt: skip
    return {name: database.query(sql) for name, sql in ROWS.items()}, files, schema_of(database)


def test_head_is_taken_over_without_touching_a_row_or_table(migrate, legacy, fresh):
    before = everything(legacy)
    done = migrate()
    assert done.code == 0, done
    assert f"taking the database over from alembic, which left it at its revision {HEAD}" in done.text
    assert everything(legacy) == before
    kinds = legacy.query("SELECT name, kind FROM digitalism_migrations ORDER BY version")
    assert kinds[:3] == [
        ("0001_tables.sql", "baseline"), ("0002_department_code.sql", "baseline"), ("0003_regions_departments.sql", "baseline"),
    ]  # fmt: skip
    assert {kind for _, kind in kinds[3:]} == {"migration"}
    assert applied(legacy) == applied(fresh)
    assert schema_of(legacy) == schema_of(fresh)
    assert "nothing to apply" in migrate().text


@pytest.mark.parametrize("script, baseline", [(BACK_TO_799F57F93B30, 2), (BACK_TO_06D3A879A5A1, 1)], ids=["799f57f93b30", "06d3a879a5a1"])
def test_an_intermediate_revision_gets_only_what_is_missing(migrate, legacy, fresh, script, baseline):
    legacy.query(script)
    revision = legacy.query("SELECT version_num FROM alembic_version")
    done = migrate()
    assert done.code == 0, done
    kinds = [kind for (kind,) in legacy.query("SELECT kind FROM digitalism_migrations ORDER BY version")]
    assert kinds == ["baseline"] * baseline + ["migration"] * (len(kinds) - baseline)
    assert schema_of(legacy) == schema_of(fresh)
    assert legacy.query(FACTS) == fresh.query(FACTS)
    assert legacy.query("SELECT version_num FROM alembic_version") == revision


@pytest.mark.parametrize(
    "script, message",
    [
        ("UPDATE alembic_version SET version_num = 'deadbeef0000'",
         "alembic left the database at its revision deadbeef0000, for which"),
        ("INSERT INTO alembic_version VALUES ('799f57f93b30')", "the table alembic_version has several rows"),
        ("DELETE FROM alembic_version", "the table alembic_version has no row"),
        ("ALTER TABLE cities ALTER COLUMN name TYPE text",
         "the column cities.name is text NOT NULL, expected is character varying(255) NOT NULL"),
        ("ALTER TABLE departments DROP COLUMN code_departement",
         "the column departments.code_departement is missing, expected is character varying(3) NOT NULL"),
        ("DROP TABLE cities", "the column cities.code_postal is missing"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused_and_nothing_is_changed(migrate, legacy, script, message):
    legacy.query(script)
    before = tables(legacy), schema_of(legacy), legacy.query("SELECT * FROM alembic_version")
    done = migrate()
    assert done.code == 4, done
    assert message in done.text and "nothing was changed" in done.text
    assert (tables(legacy), schema_of(legacy), legacy.query("SELECT * FROM alembic_version")) == before
    assert legacy.query("SELECT to_regclass('digitalism_migrations')") == [(None,)]


def test_more_than_is_expected_may_be_there(migrate, legacy):
    legacy.query("ALTER TABLE cities ADD COLUMN population int; CREATE TABLE notes (a text)")
    assert migrate().code == 0
    assert "notes" in tables(legacy)


def test_status_and_plan_show_what_taking_over_would_do_and_write_nothing(migrate, legacy):
    done = migrate(ROOT / "migrations", "status")
    assert done.code == 0, done
    assert [line.split()[1] for line in done.out.splitlines()[1:4]] == ["baseline"] * 3
    plan = migrate(ROOT / "migrations", "plan")
    assert plan.out.startswith("-- 0004_") and "CREATE TABLE regions" not in plan.out
    assert legacy.query("SELECT to_regclass('digitalism_migrations')") == [(None,)]


def test_the_old_image_still_starts_on_it(migrate, legacy):
    """Alembic compares its one row with the head that it knows, and the old program reads and writes its own columns."""
    assert migrate().code == 0
    assert legacy.query("SELECT version_num FROM alembic_version") == [(HEAD,)]
    legacy.query(
        "INSERT INTO cities (name, code_postal, department_id, latitude, longitude, created_at, updated_at)"
        " VALUES ('NOUVELLE', '99999', 1, NULL, NULL, now(), now())"
    )
    legacy.query("UPDATE cities SET deleted_at = now() WHERE name = 'NOUVELLE'")


def test_the_service_starts_on_it(service, legacy):
    from harness import settings, wait_until

    api = service("api", env=settings(legacy.url)).wait_ready()
    count = legacy.query("SELECT count(*) FROM cities WHERE deleted_at IS NULL")
    assert wait_until(lambda: api.http.get("/cities/?limit=1").status == 200)
    assert count == [(36218,)]
    assert api.stop() == 0


def test_several_starters_take_it_over_once(run, legacy):
    import concurrent.futures

    from harness import settings

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run("migrate", env=settings(legacy.url), timeout=60), range(4)))
    assert [done.code for done in results] == [0] * 4, results
    assert "".join(done.text for done in results).count("taking the database over") == 1
