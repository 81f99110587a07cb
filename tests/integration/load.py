"""Clients that ask all the time while something is done to the service, and count what became of each request.

Not here: any opinion on the counts (the tests).
"""

import http.client
import itertools
import threading
import time

from harness import wait_until


class Load:
    """`clients` threads asking for `path`; a context manager. `answered` counts by status, `failures` lists the rest.

    keep_alive=True uses a connection until the server closes it. A connection that the server closed between two requests
    is opened anew, as any client does (RFC 9112, 9.3.1); that is no failure. Refused connections are counted apart.
    `bodies` maps paths, asked for in turn instead of `path`, to what must be the answer: another body is a failure.
    """

    def __init__(self, port, path="/health", clients=6, keep_alive=False, timeout=10, bodies=None):
        self.port, self.keep_alive, self.timeout = port, keep_alive, timeout
        self.bodies = bodies or {path: None}
        self.answered, self.failures, self.refused, self.slowest = {}, [], 0, 0.0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout + 5)
            assert not thread.is_alive(), "a client hangs"

    @property
    def count(self):
        return sum(self.answered.values())

    def wait_count(self, more, seconds=30):
        """Until `more` further requests were answered."""
        goal = self.count + more
        wait_until(lambda: self.count >= goal, seconds, what=lambda: f"{goal} answers: {self.answered} {self.failures[:3]}")

    def _run(self):
        connection = None
        for path, expected in itertools.cycle(self.bodies.items()):
            if self._stop.is_set():
                break
            fresh = connection is None
            begun = time.monotonic()
            try:
                if fresh:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
                    connection.connect()
                connection.request("GET", path, headers={} if self.keep_alive else {"Connection": "close"})
                answer = connection.getresponse()
                body = answer.read()
                with self._lock:
                    self.answered[answer.status] = self.answered.get(answer.status, 0) + 1
                    if expected is not None and body != expected:
                        self.failures.append(f"{path}: {answer.status} {body[:200]!r}")
                    self.slowest = max(self.slowest, time.monotonic() - begun)
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as failure:
                connection.close()
                connection = None
                with self._lock:
                    if isinstance(failure, ConnectionRefusedError):
                        self.refused += 1
                    elif fresh or not isinstance(failure, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                        self.failures.append(repr(failure))
        if connection:
            connection.close()
