"""Goal: the tree keeps its rules, and every rule is able to fail (shown on a bad example each)."""

import pathlib

import pytest

import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path):
    """A checkout with the given files: tree("src/db/a.c", "text")."""
    def tree(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        return tmp_path

    return tree


def test_every_module_includes_only_lower_ranks_and_its_own_libraries():
    assert len(rules.sources(ROOT, "src")) > 10
    assert rules.rank_faults(ROOT) == []


@pytest.mark.parametrize(
    "path, include, fault",
    [
        ("src/db/a.c", '"digitalism/etl.h"', "db (rank 1) must not know etl (rank 2)"),
        ("src/db/a.c", '"digitalism/json.h"', "db (rank 1) must not know json (rank 1)"),
        ("src/etl/a.c", '"digitalism/migrate.h"', "etl (rank 2) must not know migrate (rank 2)"),
        ("src/base/a.c", '"digitalism/db_pipeline.h"', "base (rank 0) must not know db (rank 1)"),
        ("include/digitalism/db.h", '"digitalism/api.h"', "db (rank 1) must not know api (rank 2)"),
        ("include/digitalism/base/log.h", '"digitalism/db.h"', "base (rank 0) must not know db (rank 1)"),
        ("src/etl/a.c", '"db/internal.h"', '"db/internal.h" is private to db'),
        ("src/etl/a.c", '"phases.h"', '"phases.h" is private to main'),
        ("src/etl/a.c", "<libpq-fe.h>", "<libpq-fe.h> belongs to db, not to etl"),
        ("src/etl/a.c", "<curl/curl.h>", "<curl/curl.h> belongs to fetch, not to etl"),
        ("src/etl/a.c", "<zlib.h>", "<zlib.h> is no known library of etl"),
        ("src/etl/a.c", '"digitalism/nothing.h"', '"digitalism/nothing.h" is of no known module'),
    ],
)
def test_a_forbidden_include_is_found(tree, path, include, fault):
    assert rules.rank_faults(tree(path, f"/* a */\n#include {include}\n")) == [f"{path}:2: {fault}"]


def test_a_folder_without_a_rank_is_found(tree):
    assert rules.rank_faults(tree("src/new/a.c", "")) == ["src/new/a.c: the folder new has no rank"]


def test_the_allowed_includes_pass(tree):
    text = '#include <stdio.h>\n#include <sys/wait.h>\n#include <libpq-fe.h>\n#include "digitalism/base/log.h"\n#include "db/internal.h"\n'
    assert rules.rank_faults(tree("src/db/a.c", text)) == []
    assert rules.rank_faults(tree("src/main.c", '#include "digitalism/api.h"\n#include "phases.h"\n')) == []


def test_files_and_functions_are_short():
    assert rules.length_faults(ROOT) == []


def test_a_long_file_and_a_long_function_are_found(tree):
    assert rules.length_faults(tree("src/db/a.c", "\n" * 501)) == ["src/db/a.c: 501 lines; 500 are enough for one thing"]
    text = "int f(void)\n{\n" + "    x();\n" * 81 + "}\n"
    assert rules.length_faults(tree("src/db/a.c", text)) == ["src/db/a.c:2: a function of 81 lines"]


def test_every_file_says_what_lives_in_it():
    assert rules.comment_faults(ROOT) == []


def test_a_missing_opening_comment_is_found(tree):
    assert rules.comment_faults(tree("src/db/a.c", "int x;\n")) == ["src/db/a.c: does not open with a comment"]
    assert rules.comment_faults(tree("src/db/a.c", "/* Things. */\n")) == [
        "src/db/a.c: the opening comment does not say what is not here"
    ]
    assert rules.comment_faults(tree("src/db/a.c", "/* Things.\n * Not here: other things. */\n")) == []


def test_no_file_speaks_of_one_machine_or_of_work_left():
    paths = rules.tracked(ROOT)
    assert len(paths) > 50
    assert rules.word_faults(ROOT, paths) == []


@pytest.mark.parametrize("word", ["/wor" + "k/x", "TOD" + "O", "as iss" + "ue 7 says"])
def test_a_forbidden_word_is_found(tree, word):
    root = tree("docs/a.md", f"one\n{word}\n")
    assert [fault.split(": ")[0] for fault in rules.word_faults(root, [pathlib.PurePath("docs/a.md")])] == ["docs/a.md:2"]


needs_formatter = pytest.mark.skipif(not rules.formatter(), reason="clang-format 14 is not installed")


@needs_formatter
def test_the_tree_is_formatted():
    assert rules.format_faults(ROOT, ROOT / ".clang-format") == []


@needs_formatter
def test_bad_formatting_is_found(tree):
    root = tree("src/db/a.c", "int  f(void){return 1;}\n")
    assert rules.format_faults(root, ROOT / ".clang-format")
    assert rules.format_faults(tree("src/db/a.c", "int f(void);\n"), ROOT / ".clang-format") == []
