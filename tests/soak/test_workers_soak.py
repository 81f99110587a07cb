"""Goal: a query that takes a minute does not get its worker taken for hung.

Not here: the same in seconds (tests/integration/test_workers.py).
"""

import time

from harness import settings, wait_until


def test_a_query_of_a_minute_is_no_hang(service, cluster):
    api = service("api", env=settings(cluster.url)).wait_ready()
    before = api.pids()
    wait_until(lambda: api.http.get("/regions/1").status == 200)
    cluster.pause()
    with api.http.connect() as slow:
        slow.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 62
        while time.monotonic() < deadline:
            assert api.http.get("/health").status == 200
            time.sleep(0.5)
    cluster.resume()
    assert api.pids() == before
    assert api.stop() == 0
