"""The read routes of the API, as clients of the real program see them.

Goal: every route's answers, statuses and headers are those of the contract; a database that goes away and returns is
survived by the same worker; a stop loses no request that was received.
"""

import gzip
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from harness import ROOT, query, settings, wait_until

CITY_KEYS = ["id", "created_at", "updated_at", "deleted_at", "name", "code_postal", "department_id", "latitude", "longitude"]
DEPARTMENT_KEYS = ["id", "created_at", "updated_at", "deleted_at", "name", "code_departement", "region_id"]
REGION_KEYS = ["id", "created_at", "updated_at", "deleted_at", "name"]
JSON = "application/json; charset=utf-8"

CITIES = """
    INSERT INTO cities (id, name, code_postal, department_id, latitude, longitude, created_at, updated_at, deleted_at)
    SELECT v.id, v.name, v.code_postal, d.id, v.latitude, v.longitude,
           '2026-11-22 09:58:26.28858+01', '2026-11-22 08:58:26+00', v.deleted_at
    FROM (VALUES
        (11, 'ABAINVILLE', '55130', '55', 48.5326982449::float8, 5.51524727317::float8, NULL::timestamptz),
        (12, 'HAŸ-LES-ROSES', '94240', '94', 48.7763207843, 2.33772915609, NULL),
        (13, 'ŒUILLY', '51480', '51', 0.1::float8 + 0.2::float8, -1e-7, NULL),
        (14, 'ŒUILLY', '02160', '2', NULL, NULL, NULL),
        (15, 'GONE', '55130', '55', 48, 5, '2026-11-22 10:00:00+00'),
        (16, 'ARBOYS EN BUGEY', '01300', '1', 45.7237621545, 5.65263086429, NULL),
        (10, 'LÉRY "SUR" \\', '55130', '55', 48.0, 5.0, NULL)
    ) AS v (id, name, code_postal, code, latitude, longitude, deleted_at)
    JOIN departments d ON d.code_departement = v.code
"""


@pytest.fixture
def api(service, database):
    """One worker on a migrated database with a few communes, two of them of one name and one soft-deleted."""
    running = service("api", env=settings(database.url)).wait_ready()
    database.query(CITIES)
    return running


def check_detail(answer, status, text):
    assert answer.status == status
    assert answer.headers["content-type"] == JSON
    assert answer.json == {"detail": text}


def faults(answer):
    assert answer.status == 422
    assert answer.headers["content-type"] == JSON
    return [(fault["type"], *fault["loc"], fault["input"]) for fault in answer.json["detail"]]


def names(answer):
    assert answer.status == 200
    return [row["name"] for row in answer.json]


def test_root_points_to_the_documentation(api):
    answer = api.http.get("/")
    assert answer.status == 200
    assert list(answer.json) == ["message", "docs", "openapi"]
    assert answer.json["docs"] == "/docs" and answer.json["openapi"] == "/openapi.json"


def test_health_says_healthy(api):
    answer = api.http.get("/health?x=1")
    assert answer.status == 200
    assert list(answer.json) == ["status", "timestamp", "service"]
    assert (answer.json["status"], answer.json["service"]) == ("healthy", "digitalism")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer.json["timestamp"])


def test_a_city_has_the_stored_values(api):
    answer = api.http.get("/cities/11")
    assert answer.status == 200
    assert answer.headers["content-type"] == JSON
    assert list(answer.json) == CITY_KEYS
    assert answer.json["created_at"] == "2026-11-22T08:58:26.288580Z"
    assert answer.json["updated_at"] == "2026-11-22T08:58:26Z"
    assert answer.json["deleted_at"] is None
    assert (answer.json["name"], answer.json["code_postal"]) == ("ABAINVILLE", "55130")


def test_numbers_keep_the_stored_value_exactly(api):
    text = api.http.get("/cities/13").body.decode()
    assert '"latitude":0.30000000000000004,"longitude":-1e-07}' in text
    text = api.http.get("/cities/14").body.decode()
    assert '"latitude":null,"longitude":null}' in text


def test_strings_are_escaped(api):
    assert api.http.get("/cities/10").json["name"] == 'LÉRY "SUR" \\'


def test_a_department_and_a_region(api):
    region = api.http.get("/regions/1").json
    department = api.http.get("/departments/1").json
    assert list(region) == REGION_KEYS and list(department) == DEPARTMENT_KEYS
    assert type(department["region_id"]) is int and type(department["code_departement"]) is str


@pytest.mark.parametrize("path, text", [
    ("/cities/4711", "Commune 4711 introuvable"),
    ("/cities/0", "Commune 0 introuvable"),
    ("/cities/-1", "Commune -1 introuvable"),
    ("/cities/15", "Commune 15 introuvable"),
    ("/cities/2147483648", "Commune 2147483648 introuvable"),
    ("/cities/99999999999999999999", "Commune 99999999999999999999 introuvable"),
    ("/departments/999", "Département 999 introuvable"),
    ("/regions/999", "Région 999 introuvable"),
    ("/regions/" + "9" * 1000, "Région " + "9" * 40 + "… introuvable"),
])
def test_no_such_row_is_404(api, path, text):
    check_detail(api.http.get(path), 404, text)


@pytest.mark.parametrize("path, name", [
    ("/cities/2A", "city_id"), ("/cities/bulk", "city_id"), ("/regions/1.0", "region_id"),
    ("/departments/x", "department_id"), ("/departments/by-region/x", "region_id"),
    ("/cities/by-department/x", "department_id"),
])
def test_an_id_that_is_no_number_is_422(api, path, name):
    assert faults(api.http.get(path)) == [("int_parsing", "path", name, path.rsplit("/", 1)[1])]


def test_lists_are_ordered_by_id_and_leave_out_deleted_rows(api):
    assert [row["id"] for row in api.http.get("/cities/").json] == [10, 11, 12, 13, 14, 16]
    assert [row["id"] for row in api.http.get("/cities/?skip=1&limit=2").json] == [11, 12]
    assert [row["id"] for row in api.http.get("/regions/").json] == list(range(1, 19))


def test_the_default_limit_is_100(api):
    assert len(api.http.get("/departments/").json) == 100
    assert len(api.http.get("/departments/?limit=1000000").json) == 101
    assert len(api.http.get("/departments/?skip=100").json) == 1


@pytest.mark.parametrize("query", ["limit=0", "skip=1000000", "skip=9223372036854775807"])
def test_an_empty_page_is_an_empty_list(api, query):
    assert api.http.get(f"/cities/?{query}").body == b"[]"


@pytest.mark.parametrize("query, expected", [
    ("skip=x&limit=y", [("int_parsing", "query", "skip", "x"), ("int_parsing", "query", "limit", "y")]),
    ("limit=-1", [("greater_than_equal", "query", "limit", "-1")]),
    ("skip=-5&limit=1", [("greater_than_equal", "query", "skip", "-5")]),
    ("skip=9223372036854775808", [("less_than_equal", "query", "skip", "9223372036854775808")]),
    ("skip=", [("int_parsing", "query", "skip", "")]),
    ("limit=1e2", [("int_parsing", "query", "limit", "1e2")]),
])
def test_all_faults_of_a_page_at_once(api, query, expected):
    for resource in ("regions", "departments", "cities"):
        assert faults(api.http.get(f"/{resource}/?{query}")) == expected


def test_unknown_query_parameters_are_ignored_and_the_last_of_one_name_holds(api):
    assert [row["id"] for row in api.http.get("/cities/?foo=bar&limit=9&limit=1").json] == [10]


def test_by_region(api):
    region = api.http.get("/departments/1").json["region_id"]
    rows = api.http.get(f"/departments/by-region/{region}").json
    assert rows and all(row["region_id"] == region for row in rows)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert api.http.get("/departments/by-region/99999999999").json == []


def test_by_department(api):
    department = api.http.get("/cities/11").json["department_id"]
    assert names(api.http.get(f"/cities/by-department/{department}")) == ['LÉRY "SUR" \\', "ABAINVILLE"]
    for none in ("9999", "-1", "99999999999"):
        assert names(api.http.get(f"/cities/by-department/{none}")) == []


def test_by_postal_code(api):
    assert names(api.http.get("/cities/by-postal-code/55130")) == ['LÉRY "SUR" \\', "ABAINVILLE"]
    for none in ("5513", "abc", "123456789", "%27%3B--", "%F0%9F%98%80"):
        assert names(api.http.get(f"/cities/by-postal-code/{none}")) == []


@pytest.mark.parametrize("name, city", [
    ("abainville", 11), ("ABAINVILLE", 11), ("Arboys%20en%20Bugey", 16), ("ha%C3%BF-les-roses", 12),
    ("Hay%CC%88-les-Roses", 12),  # decomposed
])
def test_by_name_in_any_case(api, name, city):
    assert api.http.get(f"/cities/by-name/{name}").json["id"] == city


def test_several_of_one_name_are_choices(api):
    answer = api.http.get("/cities/by-name/%C5%93uilly")
    assert answer.status == 300
    assert answer.json["detail"] == "2 communes portent ce nom"
    assert [list(choice) for choice in answer.json["choices"]] == [CITY_KEYS, CITY_KEYS]
    assert [choice["id"] for choice in answer.json["choices"]] == [13, 14]


@pytest.mark.parametrize("name, shown", [
    ("gone", "gone"), ("paris", "paris"), ("%20abainville", " abainville"), ("abainville%C2%A0", "abainville\u00a0"),
    ("%27%3B--", "';--"), ("a%22b%5Cc", 'a"b\\c'), ("x" * 256, "x" * 256),
])
def test_no_such_name_is_404(api, name, shown):
    check_detail(api.http.get(f"/cities/by-name/{name}"), 404, f"Commune « {shown} » introuvable")


@pytest.mark.parametrize("path", ["/cities/by-name/a%00b", "/cities/by-name/Amb%E9rieu", "/cities/by-postal-code/%00",
                                  "/cities/by-postal-code/%ED%A0%80", "/cities/by-name/a%zzb"])
def test_what_is_no_text_is_400(api, path):
    answer = api.http.get(path)
    assert answer.status == 400
    assert isinstance(answer.json["detail"], str)


ROUTES = ["/", "/health", "/regions/", "/regions/1", "/departments/", "/departments/1", "/departments/by-region/1",
          "/cities/", "/cities/11", "/cities/by-department/1", "/cities/by-postal-code/55130",
          "/cities/by-name/abainville"]


@pytest.mark.parametrize("path", ROUTES)
def test_head_is_get_without_its_body(api, path):
    head, get = api.http.head(path), api.http.get(path)
    assert head.status == get.status == 200
    assert head.body == b""
    for name in ("content-type", "content-length"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_405(api, path, method):
    answer = api.http.request(method, path)
    check_detail(answer, 405, "Méthode non autorisée")
    assert {"GET", "HEAD"} <= {method.strip() for method in answer.headers["allow"].split(",")}


@pytest.mark.parametrize("path", ["/nope", "/nope/a/b", "/Regions/", "/cities/by-name/a/b", "/.."])
def test_an_unknown_path_is_404(api, path):
    check_detail(api.http.get(path), 404, "Chemin inconnu")
    assert api.http.request("POST", path).status == 404


@pytest.mark.parametrize("path, right", [
    ("/regions", "/regions/"), ("/cities?limit=3&skip=%20", "/cities/?limit=3&skip=%20"), ("/cities/11/", "/cities/11"),
    ("/cities/by-name/abainville/", "/cities/by-name/abainville"),
])
def test_a_wrong_final_slash_is_307(api, path, right):
    for method in ("GET", "POST"):
        answer = api.http.request(method, path)
        assert answer.status == 307
        assert answer.headers["location"] == right


def test_pipelined_requests_are_answered_in_order(api):
    paths = ["/cities/11", "/health", "/cities/4711", "/regions/2", "/cities/x", "/cities/12"] * 5
    requests = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths]
    requests[-1] = requests[-1].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    received = api.http.raw("".join(requests).encode())
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]
    assert statuses == [200, 200, 404, 200, 422, 200] * 5
    identifiers = re.findall(rb'\r\n\r\n\{"id":(\d+),', received)
    assert identifiers == [b"11", b"2", b"12"] * 5


def test_a_long_list_is_whole(api, database):
    database.query("INSERT INTO cities (name, code_postal, department_id, created_at, updated_at, id)"
                   " SELECT 'N' || n, '75001', 1, now(), now(), 100 + n FROM generate_series(1, 20000) n")
    assert [row["id"] for row in api.http.get("/cities/?skip=6&limit=30000").json] == list(range(101, 20101))


def test_what_the_log_says_of_requests(service, database):
    """One line an answer, none for /health; what a client sends cannot forge a line."""
    running = service("api", env=settings(database.url, LOG_FORMAT="json")).wait_ready()
    running.http.get("/regions/1?x=1", headers={"X-Request-ID": "mine-1"})
    running.http.raw(b"GET /cities/%0a\x7f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    running.http.get("/health?y")
    running.http.get("/nope")

    def lines():
        found = [json.loads(line) for line in running.log().splitlines()]
        found = [line for line in found if "request_id" in line]
        return found if found and found[-1]["path"] == "/nope" else None

    seen = wait_until(lines)
    assert [(line["method"], line["path"], line["status"]) for line in seen if line["status"] != 400] \
        == [("GET", "/regions/1?x=1", 200), ("GET", "/nope", 404)]
    assert seen[0]["client"] == "127.0.0.1" and seen[0]["request_id"] == "mine-1"
    assert seen[0]["bytes"] > 100 and seen[0]["duration_us"] > 0
    assert all(line["role"] == "worker-1" and line["level"] == "info" for line in seen)


def test_a_broken_request_keeps_the_words_of_its_log_line(service, database):
    """What the request did not say is a dash, so that the status stays where scripts look for it."""
    running = service("api", env=settings(database.url)).wait_ready()
    running.http.raw(b"GARBAGE\r\n\r\n")
    running.wait_log(" worker-1: 127.0.0.1 - - 400 ")


def test_no_access_log_when_it_is_off(service, database):
    running = service("api", env=settings(database.url, ACCESS_LOG="false")).wait_ready()
    assert running.http.get("/regions/1").status == 200
    assert running.stop() == 0
    assert "/regions/1" not in running.log()


def test_postgresql_goes_and_returns(service, cluster):
    """503 with Retry-After while it is away, /health stays 200, and the same worker serves when it is back."""
    running = service("api", env=settings(cluster.url)).wait_ready()
    assert running.http.get("/regions/1").status == 200
    processes = running.pids()
    cluster.stop(immediate=True)
    away = wait_until(lambda: (answer := running.http.get("/regions/1")).status == 503 and answer)
    assert away.headers["retry-after"] == "1"
    assert isinstance(away.json["detail"], str)
    assert running.http.get("/health").status == 200
    assert running.http.get("/regions/x").status == 422
    cluster.start()
    wait_until(lambda: running.http.get("/regions/1").status == 200)
    assert running.pids() == processes
    log = running.log()
    assert "answering 503 and trying again" in log and log.count("connected to PostgreSQL") == 2


def test_a_first_request_is_not_refused(service, database):
    """A worker that has just begun answers what is asked while it still connects."""
    running = service("api", env=settings(database.url, WORKERS=2))

    def first():
        try:
            return running.http.get("/regions/1").status
        except OSError:
            return None

    assert wait_until(first, 20, what=running.log) == 200


def test_a_stop_answers_what_was_received(service, cluster):
    """A request whose rows are still awaited when the stop comes is answered before the worker leaves."""
    running = service("api", env=settings(cluster.url)).wait_ready()
    assert running.http.get("/regions/1").status == 200
    backends = cluster_backends(cluster)
    assert backends
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        with running.http.connect() as waiting:
            waiting.sendall(b"GET /regions/2 HTTP/1.1\r\nHost: x\r\n\r\n")
            # The one worker reads what came first before it answers what came later.
            assert running.http.get("/health").status == 200
            running.process.send_signal(signal.SIGTERM)
            running.wait_log("draining: asked to stop, 1 requests in flight")
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
            answer = b""
            while piece := waiting.recv(65536):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 OK") and b'{"id":2,' in answer
            assert b"connection: close" in answer.lower()
    finally:
        for pid in backends:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
    assert running.wait() == 0


def test_what_a_stop_cut_off_was_not_drained(service, database):
    """The log does not call a worker drained that left a request behind at its limit."""
    running = service("api", env=settings(database.url, GRACEFUL_TIMEOUT="1s")).wait_ready()
    with running.http.connect() as half_sent:
        half_sent.sendall(b"POST /cities/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        # The one worker reads what came first before it answers what came later.
        assert running.http.get("/health").status == 200
        assert running.stop(signal.SIGTERM) == 0
    assert "drained" not in running.log()


def cluster_backends(cluster):
    """The server processes that serve the workers of the API."""
    rows = query(cluster.socket_url, "SELECT pid FROM pg_stat_activity WHERE application_name = 'digitalism-api'")
    return [pid for (pid,) in rows]


# Cases of the contract that only writing makes true, or whose routes are not part of the reading side.
NOT_READING = {
    "openapi", "openapi_head", "docs_post", "department_get_deleted", "cities_list_after_delete",
    "cities_of_deleted_dept_still", "depts_of_deleted_region", "soft_hidden_by_id", "soft_back_by_name",
}


def reading_cases(contract):
    for line in (contract / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        refused = any(status in (405, 307) for status in case["expect"]["status"])
        if (case["method"] in ("GET", "HEAD") or refused) and case["name"] not in NOT_READING:
            yield line


def test_the_contract_of_reading(service, database, legacy_dump, tmp_path):
    """The recorded cases that read, on the communes of the recorded database."""
    contract = next((parent / "shared/contract" for parent in ROOT.parents[:2]
                     if (parent / "shared/contract/cases.jsonl").is_file()), None)
    if contract is None:
        pytest.skip("the contract's cases are not in ../shared/contract")
    running = service("api", env=settings(database.url)).wait_ready()
    load_rows(database, legacy_dump)
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(line + "\n" for line in reading_cases(contract)), encoding="utf-8")
    done = subprocess.run([sys.executable, contract / "replay.py", cases, f"127.0.0.1:{running.port}"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = int(re.search(r"(\d+) passed, 0 failed", done.stdout)[1])
    assert passed == len(cases.read_text(encoding="utf-8").splitlines()) > 100


def load_rows(database, dump):
    """The rows of the dump's three tables, without its schema, in the place of the migrated ones."""
    with gzip.open(dump, "rt", encoding="utf-8") as source:
        text = source.read()
    copies = dict(re.findall(r"^(COPY public\.(?:regions|departments|cities) .*? FROM stdin;)\n(.*?\n)\\\.\n", text, re.M | re.S))
    assert len(copies) == 3
    order = sorted(copies, key=lambda copy: ["regions", "departments", "cities"].index(copy.split(".")[1].split()[0]))
    script = "TRUNCATE regions, departments, cities;\n" + "".join(f"{copy}\n{copies[copy]}\\.\n" for copy in order)
    subprocess.run(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", database.socket_url], input=script, text=True,
                   check=True, timeout=120)
