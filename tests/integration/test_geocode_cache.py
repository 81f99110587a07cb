"""Goal: what Nominatim answered is on the disk at once, in the format of the system before, whoever else writes there too;
and all processes that share a cache share one pace.

Not here: what is asked and how answers are judged (test_geocode.py).
"""

import fcntl
import json
import os
import re
import signal
import stat
import time
import uuid

import pytest

from harness import Database, query, settings, wait_until
from scripted_nominatim import ScriptedNominatim, nothing, place, status, stay_silent

NANTES = place("47.2186371", "-1.5541362", name="Nantes, Loire-Atlantique, « Pays » de la Loire, France")
ENTRY = {"latitude": 47.2186371, "longitude": -1.5541362, "display_name": "Nantes, Loire-Atlantique, « Pays » de la Loire, France",
         "city": "NANTES", "postcode": "44000"}  # fmt: skip


def requests_of(result):
    found = re.search(r"geocoding: .* left; (\d+) requests\n", result.text)
    assert found, result
    return int(found[1])


def negative(path):
    return path.with_name(path.name + ".negative")


def lock(path):
    return path.with_name(path.name + ".lock")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache/geocoding_cache.json"


@pytest.fixture
def variables(database, tmp_path, cache):
    """variables(url, *names, NAME=value…) → the settings of a load of cities of these names, in 44000, which geocodes fast."""
    def variables(url, *names, **more):
        path = tmp_path / f"{uuid.uuid4().hex}.csv"
        path.write_text("nom_commune,code_postal\n" + "".join(f"{name},44000\n" for name in names or ["Nantes"]))
        return settings(database.url, **{
            "CSV_DATA_PATH": path, "ETL_ENABLE_GEOCODING": "true", "NOMINATIM_URL": url, "NOMINATIM_RATE_LIMIT": "1ms",
            "NOMINATIM_RETRY_DELAY": "1ms", "NOMINATIM_MAX_RETRIES": 0, "NOMINATIM_CACHE_FILE": cache, **more})
    return variables


@pytest.fixture
def geocode(run, variables):
    return lambda url, *names, **more: run("etl", env=variables(url, *names, **more))


@pytest.fixture
def forget(database):
    """forget() → every city lacks its coordinates again."""
    return lambda: database.query("UPDATE cities SET latitude = NULL, longitude = NULL")


def coordinates(database):
    return database.query("SELECT name, latitude, longitude FROM cities ORDER BY id")


def test_what_is_written(geocode, forget, database, cache):
    """The exact members, in their order, numbers as numbers, as Python's json reads them; then there is no request any more."""
    with ScriptedNominatim(NANTES) as server:
        assert requests_of(geocode(server.url)) == 1
        written = json.loads(cache.read_text())
        assert list(written.items()) == [("nantes_44000", ENTRY)] and list(written["nantes_44000"]) == list(ENTRY)
        assert stat.S_IMODE(cache.stat().st_mode) == 0o644 & ~os.umask(os.umask(0)) | cache.stat().st_mode & 0o20
        assert sorted(os.listdir(cache.parent)) == ["geocoding_cache.json", "geocoding_cache.json.lock"]
        forget()
        result = geocode(server.url, NOMINATIM_RATE_LIMIT="60m")
        assert "geocoding: 1 cities in 0." in result.text and ": 1 from the cache, 0 from Nominatim," in result.text
        assert len(server.requests) == 1
    assert coordinates(database) == [("NANTES", 47.2186371, -1.5541362)]


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_cache_of_the_system_before(geocode, database, cache, free_port, ensure_ascii, indent):
    """Whatever way Python's json wrote it, with keys in any case: all is found there, and no request is made."""
    entries = {
        "l'haÿ-les-roses_44000": {"latitude": 48.78, "longitude": 2.33, "display_name": "L'Haÿ", "city": "L'Haÿ-les-Roses", "postcode": "44000"},
        "Œuf_44000": {"latitude": 50, "longitude": -2, "display_name": "", "city": "Œuf", "postcode": "44000"},
        "straße_44000": {"latitude": "1.5", "longitude": "2.5"},
    }  # fmt: skip
    cache.parent.mkdir()
    with open(cache, "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=ensure_ascii, indent=indent)
    before = cache.read_bytes()
    result = geocode(f"http://127.0.0.1:{free_port()}", "L'Haÿ-les-Roses", "œuf", "Straße")
    assert requests_of(result) == 0
    assert coordinates(database) == [("L'HAŸ-LES-ROSES", 48.78, 2.33), ("ŒUF", 50, -2), ("STRASSE", 1.5, 2.5)]
    assert cache.read_bytes() == before


def test_what_is_not_understood_is_kept(geocode, cache):
    """Other entries, members of entries, numbers beyond a double: as they were written."""
    cache.parent.mkdir()
    other = '{"paris_75001": {"latitude": 48.8, "longitude": 2.3, "big": 123456789012345678901234567890, "x": [{}]}, "version": 3, "é": null}'
    cache.write_text(other)
    os.chmod(cache, 0o640)
    with ScriptedNominatim(NANTES) as server:
        assert requests_of(geocode(server.url)) == 1
    assert json.loads(cache.read_text()) == {**json.loads(other), "nantes_44000": ENTRY}
    assert stat.S_IMODE(cache.stat().st_mode) == 0o640


def test_a_place_that_nominatim_does_not_know(geocode, forget, database, cache):
    """Not asked for again for 30 days; kept where the system before does not look, as its reader wants coordinates."""
    with ScriptedNominatim(nothing()) as server:
        assert ": 0 from the cache, 0 from Nominatim, 1 not found, 0 refused" in geocode(server.url).text
        assert not cache.exists()
        written = json.loads(negative(cache).read_text())
        age = time.time() - written["nantes_44000"].pop("asked_at")
        assert -1 <= age < 60 and written == {"nantes_44000": {"city": "NANTES", "postcode": "44000"}}
        assert requests_of(geocode(server.url)) == 0
        for days, requests in [(29.9, 0), (30.1, 1), (-2, 1)]:
            negative(cache).write_text(json.dumps({"nantes_44000": {"asked_at": int(time.time() - days * 86400)}}))
            assert requests_of(geocode(server.url)) == requests
        server.answers = [NANTES]
        negative(cache).unlink()
        assert requests_of(geocode(server.url)) == 1
    assert json.loads(cache.read_text()) == {"nantes_44000": ENTRY}


@pytest.mark.parametrize("entry", ['{"latitude": 91, "longitude": 2}', '{"latitude": "x", "longitude": 2}', '{"latitude": null}',
                                   "null", "[48, 2]", '{"latitude": NaN, "longitude": 2}'])
def test_a_bad_entry_is_asked_for_again(geocode, database, cache, entry):
    """Told, and its place is taken by what Nominatim says."""
    cache.parent.mkdir()
    cache.write_text(f'{{"nantes_44000": {entry}, "a": 1}}')
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url)
    assert requests_of(result) == 1
    assert result.text.count('WARN  etl: geocoding "NANTES 44000": its entry in the cache has no usable coordinates, continuing by '
                             "asking again\n") == 1
    assert json.loads(cache.read_text()) == {"nantes_44000": ENTRY, "a": 1}
    assert coordinates(database) == [("NANTES", 47.2186371, -1.5541362)]


@pytest.mark.parametrize("text", ['{"nantes_44000": {"latitude": 48', "[]", "\0\0\0", '{"a": 1} x', "{" * 1000])
def test_a_corrupt_cache_is_moved_aside(geocode, cache, text):
    cache.parent.mkdir()
    cache.write_text(text)
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url)
    moved, = cache.parent.glob("geocoding_cache.json.corrupt-*")
    assert re.fullmatch(r"geocoding_cache\.json\.corrupt-\d{8}T\d{6}Z", moved.name) and moved.read_text() == text
    assert re.search(rf"WARN  etl: {re.escape(str(cache))}: this is no JSON object from byte \d+ on, moved aside to "
                     rf"{re.escape(str(moved))}, continuing with an empty cache\n", result.text)
    assert result.code == 0 and json.loads(cache.read_text()) == {"nantes_44000": ENTRY}


def test_an_empty_file_is_an_empty_cache(geocode, cache):
    cache.parent.mkdir()
    cache.write_text("\n")
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url)
    assert "corrupt" not in result.text and json.loads(cache.read_text()) == {"nantes_44000": ENTRY}


def test_a_symbolic_link_is_written_through(geocode, cache, tmp_path):
    """Also one that leads to what is not there yet, through a relative path."""
    cache.parent.mkdir()
    (tmp_path / "real").mkdir()
    cache.symlink_to("../real/places.json")
    with ScriptedNominatim(NANTES) as server:
        assert requests_of(geocode(server.url)) == 1
        assert requests_of(geocode(server.url, "Nantes", "Rezé")) == 1
    assert cache.is_symlink() and list(json.loads((tmp_path / "real/places.json").read_text())) == ["nantes_44000", "rezé_44000"]
    assert sorted(os.listdir(tmp_path / "real")) == ["places.json", "places.json.lock"]


def test_missing_directories_are_made(geocode, tmp_path):
    path = tmp_path / "a/b/c/cache.json"
    with ScriptedNominatim(NANTES) as server:
        assert requests_of(geocode(server.url, NOMINATIM_CACHE_FILE=path)) == 1
    assert json.loads(path.read_text()) == {"nantes_44000": ENTRY}


def test_a_cache_that_cannot_be_written(geocode, database, tmp_path):
    """One warning; what is found is in the database, and the pace is kept all the same."""
    (tmp_path / "file").write_text("")
    with ScriptedNominatim(NANTES, nothing(), NANTES) as server:
        result = geocode(server.url, "Nantes", "Rezé", "Orvault", NOMINATIM_CACHE_FILE=tmp_path / "file/cache.json",
                         NOMINATIM_RATE_LIMIT="250ms")
    assert result.code == 0 and len(server.requests) == 3
    assert result.text.count("continuing without keeping what Nominatim answers") == 1
    assert f"WARN  etl: cannot open {tmp_path}/file/cache.json.lock: Not a directory, continuing without" in result.text
    assert [row[1] for row in coordinates(database)] == [47.2186371, None, 47.2186371]
    assert server.spaced(0.25), server.gaps()


def test_a_cache_over_the_limit_is_left_alone(geocode, cache):
    """Neither read nor replaced: what it holds may be of use to somebody."""
    cache.parent.mkdir()
    with open(cache, "wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url)
    assert requests_of(result) == 1 and cache.stat().st_size == 64 * 1024 * 1024 + 1
    assert f"WARN  etl: {cache} is larger than 67108864 bytes, continuing without keeping what Nominatim answers\n" in result.text


def test_a_directory_in_its_place(geocode, cache):
    cache.mkdir(parents=True)
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url)
    assert requests_of(result) == 1 and f"WARN  etl: {cache} is no file, continuing without keeping" in result.text


def test_killed_in_the_middle(service, run, variables, database, cache):
    """SIGKILL to all: the cache and the database hold every answer that had come; the next run asks for the rest."""
    names = [f"Ville {n}" for n in range(12)]
    with ScriptedNominatim(*[NANTES] * 8, stay_silent) as server:
        killed = service("etl", env=variables(server.url, *names))
        wait_until(lambda: len(server.requests) == 9, what=killed.log)
        killed.kill()
        assert list(json.loads(cache.read_text())) == [f"ville {n}_44000" for n in range(8)]
        assert database.query("SELECT count(*) FROM cities WHERE latitude IS NOT NULL") == [(8,)]
        server.answers = [NANTES]
        assert requests_of(run("etl", env=variables(server.url, *names))) == 4
    assert database.query("SELECT count(*) FROM cities WHERE latitude IS NULL") == [(0,)]


def test_two_processes_at_once(service, variables, database, cluster_urls, cache):
    """Two databases, one cache: each request is spaced from every other one, and no entry is lost."""
    other = Database(*cluster_urls, name=f"test_{uuid.uuid4().hex}").create()
    try:
        with ScriptedNominatim(NANTES) as server:
            rate = {"NOMINATIM_RATE_LIMIT": "200ms"}
            names = [[f"{letter}{n}" for n in range(6)] for letter in "ab"]
            both = [service("etl", env=variables(server.url, *names[0], **rate)),
                    service("etl", env=variables(server.url, *names[1], **rate, DATABASE_URL=other.url))]
            assert [one.wait(30) for one in both] == [0, 0], both[0].log() + both[1].log()
        assert len(server.requests) == 12
        assert server.spaced(0.2), server.gaps()
        assert set(json.loads(cache.read_text())) == {f"{name}_44000" for name in sum(names, [])}
    finally:
        other.drop()


def test_two_processes_with_the_same_cities(service, variables, database, cluster_urls, cache):
    """What one has learned the other one does not ask for."""
    other = Database(*cluster_urls, name=f"test_{uuid.uuid4().hex}").create()
    try:
        with ScriptedNominatim(NANTES) as server:
            names = [f"a{n}" for n in range(10)]
            both = [service("etl", env=variables(server.url, *names, NOMINATIM_RATE_LIMIT="100ms", DATABASE_URL=url))
                    for url in (database.url, other.url)]
            assert [one.wait(30) for one in both] == [0, 0], both[0].log() + both[1].log()
        assert len(server.requests) <= 12  # two may ask at once for what neither knows
        for url in (database.socket_url, other.socket_url):
            assert query(url, "SELECT count(*) FROM cities WHERE latitude IS NULL") == [(0,)]
    finally:
        other.drop()


def stamps(last_s=0.0, not_before_s=0.0):
    return f"{int(last_s * 1e6):020} {int(not_before_s * 1e6):020}\n"


@pytest.mark.parametrize("ahead", [3600, 1e9])
def test_a_last_start_in_the_future_counts_as_now(geocode, cache, ahead):
    """A reboot sets the clock back to 0: nobody waits for longer than the rate limit, nor for a silence of another time."""
    cache.parent.mkdir()
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    lock(cache).write_text(stamps(now + ahead, now + ahead))
    before = time.monotonic()
    with ScriptedNominatim(NANTES) as server:
        assert requests_of(geocode(server.url, NOMINATIM_RATE_LIMIT="500ms")) == 1
    assert 0.5 <= server.requests[0].at - before < 5


def test_a_silence_holds_for_all(geocode, cache):
    """What one process was told by Retry-After the others keep to, over the lock file; garbage there is nothing."""
    cache.parent.mkdir()
    lock(cache).write_text(stamps(0, time.clock_gettime(time.CLOCK_BOOTTIME) + 1.5))
    before = time.monotonic()
    with ScriptedNominatim(NANTES, status(503, Retry_After="2")) as server:
        assert requests_of(geocode(server.url)) == 1
        assert 1.4 <= server.requests[0].at - before < 6
        assert requests_of(geocode(server.url, "Rezé", NOMINATIM_MAX_RETRIES=0)) == 1
        server.answers = [NANTES]
        assert requests_of(geocode(server.url, "Orvault", "Rezé")) == 2
        assert 1.9 <= server.requests[2].at - server.requests[1].at < 6
        lock(cache).write_text("garbage")
        assert requests_of(geocode(server.url, "Couëron")) == 1


def test_a_stop_ends_the_wait_for_the_lock(service, variables, cache):
    """Somebody holds the lock and does not let go of it: exit 143 at once."""
    cache.parent.mkdir()
    with open(lock(cache), "w") as file, ScriptedNominatim(NANTES) as server:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = service("etl", env=variables(server.url))
        waiting.wait_log("cities lack coordinates")
        assert waiting.stop(signal.SIGTERM, seconds=5) == 143, waiting.log()
        assert server.requests == []
