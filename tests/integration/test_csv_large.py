"""Goal: what only large files show: limits, memory that stays flat, chunks, and how printing ends.

Not here: the files small enough to keep (test_csv_vectors.py).
"""

import json
import pathlib
import re
import subprocess

import pytest

from harness import clean_environment, settings

HEADER = b"nom_commune,code_postal\n"
MIB = 1 << 20
RSS_BYTES_MAX = 16 * MIB


def printed(run, path, *words, **more):
    result = run("etl", "--print-records", path, *words, **more)
    return result, [json.loads(line) for line in result.out.splitlines()]


def test_a_record_over_the_limit(run, tmp_path):
    """A record of 1 MiB is read, a longer one is a fault of its own line, quoted or not, and the next one is read."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"x" * (MIB - 2) + b",1\n" + b"x" * MIB + b",2\n" + b'"' + b"y\n" * MIB + b'",3\nz,4\n')
    result, lines = printed(run, path)
    assert [line["line"] for line in lines] == [1, 2, 3, 4, 4 + MIB + 1]
    assert len(lines[1]["fields"][0]) == MIB - 2 and lines[4]["fields"] == ["z", "4"]
    assert lines[2]["error"] == "record is longer than 1 MiB"
    assert lines[3]["error"] == f"record is longer than 1 MiB (lines 4 to {4 + MIB})"
    assert result.code == 5 and result.err == (
        f'digitalism: {path}: 2 of 5 records cannot be used\nhint: the lines with an "error" tell where and why\n')


def test_a_long_record_is_one_reject(run, database, tmp_path):
    """A quote that closes megabytes later takes everything between into one reject, which says so."""
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + b'Paris,"75001\n' + b"Ville,75002\n" * 200000 + b'Lyon,69001"\nNice,06000\n')
    result = run("etl", path, env=settings(database.url, ETL_MAX_REJECTS=1))
    assert result.code == 0, result
    assert 'a.csv:2: record rejected, continuing: record is longer than 1 MiB: "lines 2 to 200003"' in result.text
    assert database.query("SELECT line, code, length(raw) FROM digitalism_etl_rejects") == [(2, "record_too_long", 4096)]
    assert database.query("SELECT name FROM cities") == [("NICE",)]


def test_a_stray_quote_is_never_silent(run, database, tmp_path):
    """A quote that never closes is found before anything is loaded, by the line where it opened, however much follows."""
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + b"Lyon,69001\n" * 10 + b'Paris,"75001\n' + b"Ville,75002\n" * 300000)
    result = run("etl", path, env=settings(database.url))
    assert result.code == 5 and f"{path}:12: the quote that opens here is never closed" in result.text
    assert database.query("SELECT count(*) FROM cities") == [(0,)]
    result, lines = printed(run, path)
    assert result.code == 5 and len(lines) == 12
    assert lines[-1] == {"line": 12, "error": "the quote that opens on line 12 is never closed"}


def is_sanitized(binary):
    """Sanitizers take more memory than the limit by themselves."""
    return b"__asan_init" in binary.read_bytes()


def peak_resident_bytes(pid):
    """The kernel's own high-water mark, which does not count what the parent had before exec; 0 behind the end."""
    match = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(match[1]) * 1024 if match else 0


def print_and_count(binary, path, encoding):
    """Prints the file under a limit of what it may allocate; gives exit code, lines, and the most that was resident."""
    words = [binary, "etl", "--print-records", path]
    if not is_sanitized(binary):
        words = ["prlimit", f"--data={RSS_BYTES_MAX}", "--", *words]
    lines, resident = 0, 0
    with subprocess.Popen(words, env=clean_environment({"ETL_ENCODING": encoding}), cwd=path.parent,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        while block := process.stdout.read(MIB):
            lines += block.count(b"\n")
            resident = peak_resident_bytes(process.pid) or resident
    return process.returncode, lines, resident


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_memory_is_flat(binary, tmp_path, encoding):
    """Five million records, or one line of 64 MiB, in less than 16 MiB."""
    path = tmp_path / "a.csv"
    with open(path, "wb") as file:
        file.write(HEADER)
        block = "".join(f"Évry-{n},{n:05}\n" for n in range(10000)).encode(encoding)
        for _ in range(500):
            file.write(block)
    code, lines, resident = print_and_count(binary, path, encoding)
    assert (code, lines) == (0, 5000001)
    assert is_sanitized(binary) or 0 < resident < RSS_BYTES_MAX
    path.write_bytes(HEADER + b"x" * (64 * MIB) + b"\nParis,75001\n")
    assert print_and_count(binary, path, encoding)[:2] == (5, 3)


def test_records_around_the_edges_of_chunks(run, tmp_path):
    """Records of every length around 64 KiB, with quotes and CRLF at the edge, are read the same in both encodings."""
    for shift in range(0, 40, 7):
        text = "a,b\r\n" + "x" * (65536 - 5 - 20 + shift) + ',"é ""q"" \r\n z"\r\n' + "w,œ\r\n" * 20000
        for encoding in ("utf-8", "cp1252"):
            path = tmp_path / "a.csv"
            path.write_bytes(text.encode(encoding))
            result, lines = printed(run, path, "--etl-encoding", encoding)
            assert result.code == 0 and len(lines) == 20002
            assert lines[1]["line"] == 2 and lines[1]["fields"][1] == 'é "q" \r\n z'
            assert all(line["fields"] == ["w", "œ"] for line in lines[2:])
            assert lines[-1]["line"] == 20003


def test_a_header_longer_than_a_chunk(run, database, tmp_path):
    """It can be printed, with the delimiter that its start shows, but not loaded."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a;b;" + b"x" * 70000 + b"\n1;2;3\n")
    result, lines = printed(run, path)
    assert result.code == 0 and lines[1] == {"line": 2, "fields": ["1", "2", "3"]}
    result = run("etl", path, env=settings(database.url))
    assert result.code == 5 and "has a first line of more than 65536 bytes" in result.text


def test_usage(run, tmp_path):
    """One file, of etl alone; what cannot be read is told; nothing of PostgreSQL is asked for."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n")
    for words, message in (
        (["etl", "--print-records"], "etl --print-records takes one file, 0 were given"),
        (["etl", "--print-records", path, path], "etl --print-records takes one file, 2 were given"),
        (["api", "--print-records"], "the flag --print-records belongs to the command etl, not to api"),
        (["etl", "--print-records", path, "--etl-encoding", "utf-7"], "ETL_ENCODING=utf-7 (flag): not one of utf-8, cp1252"),
        (["etl", "--print-records", path, "--etl-columns", "ville=x"],
         'ETL_COLUMNS=ville=x (flag): "ville" is no column, the columns are name, postal_code, department, latitude, '
         "longitude, coordinates"),
    ):
        result = run(*words)
        assert (result.code, result.out) == (2, "") and message in result.err, result
    result = run("etl", "--print-records", tmp_path / "b.csv")
    assert result.code == 5 and result.err == f"digitalism: cannot read {tmp_path}/b.csv: No such file or directory\n"
    result = run("etl", "--print-records", tmp_path)
    assert result.code == 5 and result.err == f"digitalism: {tmp_path} is not a file\n"


def test_output_that_cannot_be_written(binary, tmp_path):
    """A full disk is told, and is no fault of the file."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" * 10)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary, "etl", "--print-records", path], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=clean_environment({}), cwd=tmp_path, timeout=30)
    assert done.returncode == 1 and f"cannot print the records of {path}: No space left on device" in done.stderr


def test_wide_characters_have_a_hint(run, tmp_path):
    """UTF-16 and UTF-32 are told apart, with the way out."""
    path = tmp_path / "a.csv"
    for encoding in ("UTF-16", "UTF-32"):
        path.write_text("nom_commune;code_postal\n", encoding=encoding)
        result = run("etl", "--print-records", path)
        assert result.code == 5 and result.out == ""
        assert result.err == (f"digitalism: {path} is {encoding}\n"
                              f"hint: save it as UTF-8, for instance: iconv -f {encoding} -t UTF-8\n")


def test_the_hint_of_a_header_in_another_encoding(run, database, tmp_path):
    """Who forgot ETL_ENCODING is told of it."""
    path = tmp_path / "a.csv"
    path.write_bytes("dénomination;code_postal\nParis;75001\n".encode("cp1252"))
    result = run("etl", path, env=settings(database.url, ETL_COLUMNS="name=dénomination"))
    assert result.code == 5 and "ETL_ENCODING=cp1252" in result.text
    result = run("etl", path, env=settings(database.url, ETL_COLUMNS="name=Dénomination", ETL_ENCODING="windows-1252"))
    assert result.code == 0 and "delimiter semicolon" in result.text, result
    assert database.query("SELECT name FROM cities") == [("PARIS",)]
