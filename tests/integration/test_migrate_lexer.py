"""The lexer of `digitalism migrate` against PostgreSQL's own: what psql makes of a script, migrate makes of it too.

Not here: what a token is, case by case (tests/unit/migrate/test_lexer.c, test_script.c).
"""

import pathlib
import random
import re
import subprocess

import pytest

import harness
from harness import execute, settings

SCRIPTS = sorted((pathlib.Path(__file__).parent / "scripts").glob("*.sql"))
GROUPS = [SCRIPTS[i : i + 9] for i in range(0, len(SCRIPTS), 9)]  # of one database, whose making takes longest
# psql reads line by line, and takes the next piece of E'…' for a string of its own; the server itself is the judge here.
FOR_THE_SERVER = {"escape_strings_in_pieces"}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Statements that are sent together share a transaction, so that the numbers of these tell which were.
JOURNAL = """CREATE TABLE journal (fragment text, value text);
CREATE TABLE steps (id serial, step text, transaction bigint DEFAULT txid_current());
"""
STEPS = "SELECT step, dense_rank() OVER (ORDER BY transaction) FROM steps ORDER BY id"


@pytest.fixture
def psql_database(cluster_urls, database):
    """Beside `database`, which migrate works on, one for psql."""
    other = harness.Database(*cluster_urls, name=database.name + "_psql").create()
    yield other
    other.drop()


def run_psql(database, *paths):
    files = [word for path in paths for word in ("-f", str(path))]
    subprocess.run(
        ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", *files, database.socket_url],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=120,
    )


def run_judge(database, path):
    if path.stem in FOR_THE_SERVER:
        execute(database.socket_url, path.read_text())
    else:
        run_psql(database, path)


def dump_of(database):
    """Schema and data, without our own tables and the dump's key, which is new each time."""
    dump = subprocess.run(
        ["pg_dump", "--no-owner", "-T", "digitalism_*", database.socket_url],
        capture_output=True, check=True, timeout=60,
    ).stdout.decode()
    return re.sub(r"^\\(un)?restrict .*$", "", dump, flags=re.MULTILINE)


def without_a_transaction(script):
    """A migration that is run statement by statement, as psql does with the script."""
    mark = BYTE_ORDER_MARK if script.startswith(BYTE_ORDER_MARK) else b""
    return mark + b"-- no-transaction\n" + script.removeprefix(mark)


def migrate(run, database, directory):
    done = run("migrate", env=settings(database.url, MIGRATIONS_PATH=directory), timeout=120)
    assert done.code == 0, done


def test_there_are_many_scripts():
    assert len(SCRIPTS) >= 40


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].stem)
def test_scripts_do_what_they_do_in_psql(run, database, psql_database, tmp_path, group):
    (tmp_path / "0_journal.sql").write_text(JOURNAL)
    run_psql(psql_database, tmp_path / "0_journal.sql")
    for number, path in enumerate(group, 1):
        (tmp_path / f"{number}_{path.stem}.sql").write_bytes(without_a_transaction(path.read_bytes()))
        run_judge(psql_database, path)
    migrate(run, database, tmp_path)
    assert dump_of(database) == dump_of(psql_database)


# --- random scripts ---

# `@` becomes the fragment's number, `%` something between tokens: blanks or comments.
FRAGMENTS = [
    "INSERT INTO steps (step) VALUES ('@');",
    "INSERT%INTO%steps%(step)%VALUES%(%'@;''--'%)%;",
    "INSERT INTO steps (step) VALUES (E'@\\';\\\\');",

    "INSERT INTO steps (step) VALUES ('@\\');",
    "INSERT INTO steps (step) VALUES ($$@;'\"/*$$);",
    "INSERT INTO steps (step) VALUES ($a$@ $$ ; $b$$a$);",
    "INSERT INTO steps (step) SELECT '@' AS \"a;\"\"';\";",
    "INSERT INTO steps (step) VALUES (U&'@\\003B''');",
    "INSERT INTO steps (step) VALUES ('@' || (1 +%- 1)::text);",
    "INSERT INTO steps (step) VALUES ('@' || (4/%2 *%- 1)::text);",
    "INSERT INTO steps (step) VALUES ('@a'), ('@b(');",
    "DO%$$ BEGIN INSERT INTO steps (step) VALUES ('@a'); INSERT INTO steps (step) VALUES ('@b'); END $$;",
    "DO $x$ BEGIN EXECUTE $$INSERT INTO steps (step) VALUES ('@;')$$; END $x$;",
    "BEGIN;%INSERT INTO steps (step) VALUES ('@a');%INSERT INTO steps (step) VALUES ('@b');%COMMIT;",
    "START TRANSACTION;%INSERT INTO steps (step) VALUES ('@');%ROLLBACK;",
    "COPY steps (step) FROM stdin;\n@;'\n@$$\"\n\\.\n",
    "COPY%steps%(step)%FROM%STDIN WITH (FORMAT csv);\n\"@;\n\"\"\"\n@'\n\\.\n",
    "COPY steps (step) FROM stdin;\r\n@;\r\n\\.\r\n",
    "CREATE FUNCTION f_@() RETURNS int%BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END;%END;"
    "%INSERT INTO steps (step) VALUES ('@' || f_@());",
    "CREATE PROCEDURE p_@() BEGIN%ATOMIC INSERT INTO steps (step) VALUES ('@a'); INSERT INTO steps (step)"
    " VALUES (CASE WHEN true THEN '@b' END); END;%CALL p_@();",
    "CREATE TABLE t_@ (a int); CREATE RULE r AS ON INSERT TO t_@ DO ALSO (INSERT INTO steps (step) VALUES ('@a;');"
    "%INSERT INTO steps (step) VALUES ('@b');); INSERT INTO t_@ VALUES (1); DROP TABLE t_@;",
    "PREPARE s_@ (int, text) AS INSERT INTO steps (step) VALUES ($2 || $1);%EXECUTE s_@ (1, '@;');",
    "SELECT;%;",  # not right behind a COPY: psql 17 then drops the rest of the file
    "/* @ ; /* ' */ $$ */",
    "-- @ ; '\n",
]
BETWEEN = [" ", "\n", "\t", "\r\n", "\n\n", " -- ;' $$\n", "/* ; */", " /* /* ' */ \" */ ", "\n--\n", "\f"]


def random_script(dice, number):
    """Some of the fragments; the last one may lack its semicolon."""
    text = ""
    for i in range(dice.randint(1, 8)):
        fragment = dice.choice(FRAGMENTS).replace("@", f"{number}_{i}")
        text += re.sub("%", lambda _: dice.choice(BETWEEN), fragment) + dice.choice(BETWEEN)
    if dice.random() < 0.3:
        text = re.sub(r";\s*\Z", "", text)
    return text.encode()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_scripts_are_cut_as_psql_cuts_them(run, database, psql_database, tmp_path, seed):
    dice = random.Random(seed)
    migrations = tmp_path / "migrations"
    scripts = tmp_path / "scripts"
    for folder in (migrations, scripts):
        folder.mkdir()
        (folder / "0_journal.sql").write_text(JOURNAL)
    for number in range(1, 121):
        script = random_script(dice, number)
        (migrations / f"{number}_random.sql").write_bytes(without_a_transaction(script))
        (scripts / f"{number}_random.sql").write_bytes(script)
    migrate(run, database, migrations)
    run_psql(psql_database, *sorted(scripts.iterdir(), key=lambda path: int(path.name.partition("_")[0])))
    steps = psql_database.query(STEPS)
    assert len(steps) > 300
    assert database.query(STEPS) == steps
