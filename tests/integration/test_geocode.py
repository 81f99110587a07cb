"""Goal: cities without coordinates are asked of Nominatim: what is asked, how often, and what becomes of each answer.

Not here: the cache's files and several processes (test_geocode_cache.py); parsing (tests/unit/geocode, tests/unit/fetch).
"""

import email.utils
import re
import signal
import time

import pytest

from harness import settings, wait_until
from scripted_nominatim import (
    ScriptedNominatim, body, drip, hang_up, html, http as http_bytes, nothing, place, raw, reset, status, stay_silent, stop_in_body,
)

NANTES = place(47.2186371, -1.5541362, name="Nantes, Loire-Atlantique, France")


def cities(database):
    return database.query("SELECT name, latitude, longitude FROM cities ORDER BY id")


def end_of(result):
    """The counts of the last line: cached, asked, not found, refused, failed, left, requests."""
    found = re.search(r"geocoding: \d+ cities in [\d.]+ s: (\d+) from the cache, (\d+) from Nominatim, (\d+) not found, "
                      r"(\d+) refused, (\d+) failed, (\d+) left; (\d+) requests\n", result.text)
    assert found, result
    return tuple(map(int, found.groups()))


@pytest.fixture
def variables(database, tmp_path):
    """variables(url, *names, NAME=value…) → the settings of a load of cities of these names, in 44000, which geocodes fast."""
    def variables(url, *names, **more):
        path = tmp_path / "cities.csv"
        path.write_text("nom_commune,code_postal\n" + "".join(f"{name},44000\n" for name in names or ["Nantes"]))
        return settings(database.url, **{
            "CSV_DATA_PATH": path, "ETL_ENABLE_GEOCODING": "true", "NOMINATIM_URL": url, "NOMINATIM_RATE_LIMIT": "1ms",
            "NOMINATIM_RETRY_DELAY": "1ms", "NOMINATIM_MAX_RETRIES": 2, "NOMINATIM_CACHE_FILE": tmp_path / "cache.json", **more})
    return variables


@pytest.fixture
def geocode(run, variables):
    return lambda url, *names, **more: run("etl", env=variables(url, *names, **more))


def test_the_request(geocode, database):
    """Exactly these parameters in this order, percent-encoded; our own User-Agent; nothing else that tells of us."""
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url, "L'Haÿ & Fils+les Roses?", NOMINATIM_USER_AGENT="mairie/1.0 (admin@example.org)")
    assert result.code == 0, result
    request, = server.requests
    assert request.line == ("GET /search?city=L%27HA%C5%B8%20%26%20FILS%2BLES%20ROSES%3F&postalcode=44000&country=fr&format=json"
                            "&limit=1&addressdetails=1 HTTP/1.1")
    assert {name: request.headers[name] for name in request.headers if name not in ("host", "")} == {
        "user-agent": "mairie/1.0 (admin@example.org)", "accept": "application/json"}
    assert cities(database) == [("L'HAŸ & FILS+LES ROSES?", 47.2186371, -1.5541362)]
    assert f"geocoding: 1 cities lack coordinates; asking {server.url}, at most every 1 ms\n" in result.text
    assert end_of(result) == (0, 1, 0, 0, 0, 0, 1)
    assert database.query("SELECT state, rows_geocoded FROM digitalism_etl_runs") == [("done", 1)]


def test_the_default_user_agent(geocode):
    with ScriptedNominatim(NANTES) as server:
        assert geocode(server.url).code == 0
    assert re.fullmatch(r"digitalism/\d+\.\d+\.\d+", server.requests[0].headers["user-agent"])


@pytest.mark.parametrize("path, target", [("/", "/search?city"), ("/nominatim", "/nominatim/search?city"),
                                          ("/a/b//", "/a/b/search?city"), ("/n/?key=k%26", "/n/search?key=k%26&city")])
def test_the_url_may_have_a_path_and_a_query(geocode, path, target):
    with ScriptedNominatim(NANTES, path=path) as server:
        assert geocode(server.url).code == 0
    assert server.requests[0].target.startswith(target + ("=NANTES"))


def test_credentials_are_sent_and_never_logged(geocode):
    """They may stand in the URL; neither they nor a key in its query are in the log, whatever goes wrong."""
    with ScriptedNominatim(status(500), hang_up, status(302, Location="/x"), user="jean:s%40cret@", path="/?key=hidden") as server:
        result = geocode(server.url, LOG_LEVEL="debug")
    assert server.requests[0].headers["authorization"] == "Basic amVhbjpzQGNyZXQ="
    assert end_of(result)[6] == 3
    for secret in ("jean", "cret", "amVh", "hidden"):
        assert secret not in result.text


def test_a_proxy_of_the_environment_is_used(geocode):
    """http_proxy and NO_PROXY are honoured as curl does."""
    with ScriptedNominatim(NANTES) as proxy, ScriptedNominatim(NANTES) as server:
        assert geocode("http://nominatim.invalid/", http_proxy=proxy.url).code == 0
        assert geocode(server.url, "Rezé", http_proxy=proxy.url, NO_PROXY="127.0.0.1").code == 0
    assert proxy.requests[0].target.startswith("http://nominatim.invalid/search?city=NANTES&")
    assert proxy.cities == ["NANTES"] and server.cities == ["REZÉ"]


def test_only_live_cities_that_lack_a_coordinate_are_asked_for(run, geocode, database):
    """In the order of their ids; half a pair is none; nothing of others is touched. Without any there is no request."""
    with ScriptedNominatim(hang_up) as server:
        names = ["Deux", "Un", "Mort", "Plein", "Demi"]
        assert geocode(server.url, *names, ETL_ENABLE_GEOCODING="false").code == 0
        assert server.requests == []
        database.query("UPDATE cities SET latitude = 1 WHERE name IN ('PLEIN', 'DEMI')")
        database.query("UPDATE cities SET longitude = 2 WHERE name = 'PLEIN'")
        database.query("UPDATE cities SET deleted_at = now() WHERE name = 'MORT'")
        before = database.query("SELECT * FROM cities WHERE name IN ('MORT', 'PLEIN') ORDER BY id")
        server.answers = [NANTES]
        result = geocode(server.url, *names)
        assert server.cities == ["DEUX", "UN", "DEMI"]
        assert database.query("SELECT * FROM cities WHERE name IN ('MORT', 'PLEIN') ORDER BY id") == before
        assert database.query("SELECT DISTINCT latitude, longitude, updated_at > created_at FROM cities "
                              "WHERE name NOT IN ('MORT', 'PLEIN')") == [(47.2186371, -1.5541362, True)]
        assert database.query("SELECT rows_geocoded FROM digitalism_etl_runs ORDER BY id") == [(3,)]
        result = geocode(server.url, *names)
        assert len(server.requests) == 3
    assert result.code == 0 and "geocoding: every city has coordinates\n" in result.text


def test_more_cities_than_a_slice(geocode, database):
    """Reading goes on behind the first few hundred."""
    names = [f"Ville {n}" for n in range(1003)]
    with ScriptedNominatim(NANTES) as server:
        result = geocode(server.url, *names, NOMINATIM_RATE_LIMIT="0", ETL_BATCH_SIZE=1000)
    assert end_of(result) == (0, 1003, 0, 0, 0, 0, 1003)
    assert len(set(server.cities)) == 1003


@pytest.mark.parametrize(
    "answer, message",
    [
        (place("90.1", "2"), 'no such coordinates: latitude "90.1", longitude "2"'),
        (place(48, -180.5), "no such coordinates: latitude 48, longitude -180.5"),
        (place("nan", "2"), 'no such coordinates: latitude "nan", longitude "2"'),
        (place("1e999", "2"), 'no such coordinates: latitude "1e999", longitude "2"'),
        (body(b'[{"lat": 1e999, "lon": 2}]'), "no such coordinates: latitude none, longitude 2"),
        (place("48,8", "2"), 'no such coordinates: latitude "48,8", longitude "2"'),
        (place(None, "2"), 'no such coordinates: latitude none, longitude "2"'),
        (place([48], True), "no such coordinates: latitude none, longitude none"),
        (place("x\n2026 INFO forged", "2"), r'no such coordinates: latitude "x\n2026 INFO forged", longitude "2"'),
        (place(50.8, 4.3, country="be"), 'a place in another country: "be"'),
    ],
)
def test_a_place_that_cannot_be_is_refused(geocode, database, tmp_path, answer, message):
    """Out of range, no numbers, another country: told with the city, not written, not cached, not asked again at once."""
    with ScriptedNominatim(answer) as server:
        result = geocode(server.url)
    assert result.code == 0, result
    assert f' WARN  etl: geocoding "NANTES 44000": Nominatim\'s answer is refused, continuing: {message}\n' in result.text
    assert end_of(result) == (0, 0, 0, 1, 0, 0, 1)
    assert cities(database) == [("NANTES", None, None)]
    assert not (tmp_path / "cache.json").exists() and not (tmp_path / "cache.json.negative").exists()


@pytest.mark.parametrize("answer, wanted", [
    (place("47.5", "-1.5"), (47.5, -1.5)), (place(47.5, -1.5, country=None), (47.5, -1.5)), (place(-20.9, 55.5, country="re"), (-20.9, 55.5)),
    (place(90, -180), (90, -180)), (place("1e1", "-0"), (10, 0)), (body([{"lat": 1, "lon": 2}, "more"]), (1, 2)),
])  # fmt: skip
def test_a_place_that_is_taken(geocode, database, answer, wanted):
    """Texts and numbers, with and without an address, and the overseas parts of France by their own country codes."""
    with ScriptedNominatim(answer) as server:
        assert end_of(geocode(server.url)) == (0, 1, 0, 0, 0, 0, 1)
    assert cities(database) == [("NANTES", *wanted)]


@pytest.mark.parametrize(
    "answer, message",
    [
        (html(), "Nominatim's answer cannot be read (22 bytes of type \"text/html\"): this is no JSON from byte 1 on"),
        (body(b'[{"lat": "47"'), 'Nominatim\'s answer cannot be read (13 bytes of type "application/json; charset=utf-8"): '
                                 "this is no JSON from byte 13 on"),
        (body({"error": "no"}), "this is no list of places"),
        (body([[]]), "this is no list of places"),
        (body(b""), "Nominatim's answer cannot be read (0 bytes of"),
        (body(b"[" * 5000), "this is no JSON from byte"),
        (body(b"[" + b" " * 2000000 + b"]"), "/search is larger than 1048576 bytes"),
        (status(404), "Nominatim answered 404"),
        (status(400), "Nominatim answered 400"),
        (raw(b"220 mail.example.org ESMTP\r\n"), "/search: Received HTTP/0.9 when not allowed"),
    ],
)
def test_an_answer_that_makes_no_sense(geocode, database, tmp_path, answer, message):
    """Asked once, told, not cached; the city is left and the next one is asked for."""
    with ScriptedNominatim(answer, NANTES) as server:
        result = geocode(server.url, "Rezé", "Nantes")
    assert result.code == 0, result
    warning, = re.findall(r' WARN  etl: geocoding "REZÉ 44000": (.*), continuing without its coordinates\n', result.text)
    assert message in warning
    assert end_of(result) == (0, 1, 0, 0, 1, 0, 2)
    assert server.cities == ["REZÉ", "NANTES"]
    assert '"rezé_44000"' not in (tmp_path / "cache.json").read_text()
    assert not (tmp_path / "cache.json.negative").exists()


@pytest.mark.parametrize(
    "answer, message",
    [
        (status(500), "Nominatim answered 500"),
        (status(503), "Nominatim answered 503"),
        (status(429), "Nominatim answered 429"),
        (status(429, Retry_After="soon"), "Nominatim answered 429"),
        (hang_up, "no answer from {url}/search: Empty reply from server"),
        (reset, "no answer from {url}/search: "),
        (raw(http_bytes(200, b'[{"lat"', length=100)), "no answer from {url}/search: transfer closed with 93 bytes remaining to read"),
        (stay_silent, "no answer from {url}/search: Operation timed out after "),
        (stop_in_body, "no answer from {url}/search: Operation timed out after "),
        (drip, "no answer from {url}/search: Operation timed out after "),
    ],
)
def test_what_is_tried_again(geocode, database, answer, message):
    """A server's own trouble and every kind of broken answer: again after a pause, and then it is well."""
    with ScriptedNominatim(answer, answer, NANTES) as server:
        result = geocode(server.url, NOMINATIM_TIMEOUT="300ms")
    assert end_of(result) == (0, 1, 0, 0, 0, 0, 3)
    warnings = re.findall(r' WARN  etl: geocoding "NANTES 44000": (.*), trying again in \d+ ms \(retry (\d) of 2\)\n', result.text)
    assert [number for _, number in warnings] == ["1", "2"]
    assert all(warning.startswith(message.format(url=server.url)) for warning, _ in warnings), warnings
    assert cities(database) == [("NANTES", 47.2186371, -1.5541362)]


def test_the_pause_before_a_retry_doubles(geocode):
    """From NOMINATIM_RETRY_DELAY on, give or take 20 %; after NOMINATIM_MAX_RETRIES the city is left."""
    with ScriptedNominatim(status(500)) as server:
        result = geocode(server.url, NOMINATIM_RETRY_DELAY="150ms", NOMINATIM_MAX_RETRIES=3)
    assert result.code == 0, result
    assert len(server.requests) == 4 and end_of(result) == (0, 0, 0, 0, 1, 0, 4)
    assert server.spaced(0.8 * 0.15, 0.8 * 0.3, 0.8 * 0.6), server.gaps()
    assert 'geocoding "NANTES 44000": Nominatim answered 500, continuing without its coordinates\n' in result.text


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed(geocode, code):
    """In seconds and as a date, which counts from the server's own clock."""
    date = email.utils.formatdate(86401, usegmt=True)
    answers = [status(code, Retry_After="1"), status(code, Retry_After=date, Date=email.utils.formatdate(86400, usegmt=True))]
    with ScriptedNominatim(*answers, NANTES) as server:
        result = geocode(server.url)
    assert end_of(result) == (0, 1, 0, 0, 0, 0, 3)
    assert result.text.count("trying again in 1000 ms") == 2
    assert server.spaced(1) and max(server.gaps()) < 5, server.gaps()


def test_retry_after_has_a_bound(geocode):
    """Who asks to be left alone for long is: geocoding ends, serving does not wait for it."""
    with ScriptedNominatim(status(503, Retry_After="301")) as server:
        result = geocode(server.url, "Nantes", "Rezé")
    assert result.code == 0 and len(server.requests) == 1
    assert "WARN  etl: geocoding stopped, continuing: Nominatim answered 503 and asks to be left alone for 301 s\n" in result.text
    assert end_of(result) == (0, 0, 0, 0, 0, 2, 1)


def test_403_ends_geocoding_and_the_load_stands(geocode, database):
    with ScriptedNominatim(NANTES, status(403)) as server:
        result = geocode(server.url, "Nantes", "Rezé", "Orvault")
    assert result.code == 0 and server.cities == ["NANTES", "REZÉ"]
    assert "WARN  etl: geocoding stopped, continuing: Nominatim answered 403; hint: it refuses us: see its usage policy;" in result.text
    assert end_of(result) == (0, 1, 0, 0, 0, 2, 2)
    assert database.query("SELECT state, rows_read, rows_geocoded FROM digitalism_etl_runs") == [("done", 3, 1)]


def test_a_redirect_is_not_followed(geocode):
    """Each step of it would be a request that nobody has spaced; the operator is told where it leads."""
    with ScriptedNominatim(status(301, Location="http://elsewhere.invalid/\x01x")) as server:
        result = geocode(server.url, "Nantes", "Rezé")
    assert result.code == 0 and len(server.requests) == 1
    assert (r'WARN  etl: geocoding stopped, continuing: Nominatim answered 301, a redirect to "http://elsewhere.invalid/\u0001x"; '
            "hint: redirects are not followed; set NOMINATIM_URL to where the server is\n") in result.text


def test_a_missing_nominatim_delays_nobody_for_long(geocode, free_port, database):
    """After three cities in a row without an answer geocoding ends, with a warning."""
    result = geocode(f"http://127.0.0.1:{free_port()}", *[f"Ville {n}" for n in range(20)])
    assert result.code == 0, result
    assert len(re.findall(r"Failed to connect to 127\.0\.0\.1 port \d+ .*trying again in", result.text)) == 6
    assert "WARN  etl: geocoding stopped, continuing: 3 cities in a row got no answer\n" in result.text
    assert end_of(result) == (0, 0, 0, 0, 3, 17, 9)


def test_nonsense_has_an_end_too(geocode):
    """A wrong server at the URL is left alone after ten cities; one good answer makes up for those before it."""
    with ScriptedNominatim(*[html()] * 9, NANTES, html()) as server:
        result = geocode(server.url, *[f"Ville {n}" for n in range(30)])
    assert "WARN  etl: geocoding stopped, continuing: 10 cities in a row got no answer of use\n" in result.text
    assert end_of(result) == (0, 1, 0, 0, 19, 10, 20)


def test_the_pace(geocode):
    """The starts of two requests are NOMINATIM_RATE_LIMIT apart, whatever came back, retries included."""
    with ScriptedNominatim(NANTES, status(500), nothing(), hang_up, NANTES) as server:
        result = geocode(server.url, "Nantes", "Rezé", "Orvault", "Couëron", NOMINATIM_RATE_LIMIT="250ms")
    assert end_of(result) == (0, 3, 1, 0, 0, 0, 6)
    assert server.spaced(0.25), server.gaps()


def test_names_cannot_forge_a_line(geocode, database):
    with ScriptedNominatim(NANTES) as server:
        assert geocode(server.url).code == 0
        database.query("UPDATE cities SET latitude = NULL, name = E'A\\n2026 ERROR forged'")
        server.answers = [status(404)]
        result = geocode(server.url)
    assert r'geocoding "A\n2026 ERROR forged 44000": Nominatim answered 404, continuing' in result.text


@pytest.mark.parametrize("answer, more, message", [
    (stay_silent, {}, None),
    (stop_in_body, {}, None),
    (status(500), {"NOMINATIM_RETRY_DELAY": "5m"}, "trying again in"),
    (NANTES, {"NOMINATIM_RATE_LIMIT": "60m"}, None),
])  # fmt: skip
def test_a_stop_ends_every_wait_at_once(service, run, variables, database, answer, more, message):
    """SIGTERM during a request, a rate wait, a retry's pause: exit 143, the load stands, and the next run goes on."""
    with ScriptedNominatim(answer) as server:
        waiting = service("etl", env=variables(server.url, "Nantes", "Rezé", NOMINATIM_TIMEOUT="5m", **more))
        wait_until(lambda: server.requests, what=waiting.log)
        if message:
            waiting.wait_log(message)
        before = time.monotonic()
        assert waiting.stop(signal.SIGTERM, seconds=5) == 143, waiting.log()
        assert time.monotonic() - before < 2
        assert "INFO  etl: geocoding stopped by request after" in waiting.log()
        assert database.query("SELECT state, rows_inserted FROM digitalism_etl_runs") == [("done", 2)]
        server.answers = [NANTES]
        result = run("etl", env=variables(server.url, "Nantes", "Rezé", NOMINATIM_CACHE_FILE="elsewhere.json"))
    assert result.code == 0 and None not in cities(database)[0] + cities(database)[1]


def test_postgresql_is_lost_and_comes_back(service, run, variables, cluster):
    """The connection is opened again; what was found is written once it is there."""
    with ScriptedNominatim(NANTES) as server:
        env = variables(server.url, *[f"Ville {n}" for n in range(60)], NOMINATIM_RATE_LIMIT="30ms", DATABASE_URL=cluster.url)
        loading = service("etl", env=env)
        wait_until(lambda: len(server.requests) > 5, what=loading.log)
        cluster.stop(immediate=True)
        loading.wait_log("WARN  etl: geocoding: PostgreSQL was lost: ")
        cluster.start()
        assert loading.wait(60) == 0, loading.log()
    assert "geocoding: PostgreSQL is back\n" in loading.log()
    assert re.search(r"geocoding: 60 cities in .* 0 left", loading.log())


def test_postgresql_is_lost_for_good(service, variables, cluster):
    """After DATABASE_WAIT_TIMEOUT geocoding ends with a warning; the load was done."""
    with ScriptedNominatim(NANTES) as server:
        env = variables(server.url, *[f"Ville {n}" for n in range(60)], NOMINATIM_RATE_LIMIT="30ms", DATABASE_URL=cluster.url,
                        DATABASE_WAIT_TIMEOUT="1s")
        loading = service("etl", env=env)
        wait_until(lambda: len(server.requests) > 5, what=loading.log)
        cluster.stop(immediate=True)
        assert loading.wait(20) == 0, loading.log()
    assert "WARN  etl: geocoding stopped, continuing: " in loading.log()
