"""A Nominatim that plays a script: each request gets the next answer, the last one for ever after.

Only as much of HTTP as one GET needs, so that every fault can be played byte by byte. Not here: what the program makes of
it (test_geocode*.py).

    with ScriptedNominatim(status(503), place(48.8, 2.3)) as server:
        run("etl", env=settings(…, NOMINATIM_URL=server.url))
        assert [request.city for request in server.requests] == ["PARIS", "PARIS"]
"""

import json
import socket
import struct
import threading
import time
import urllib.parse

REASONS = {200: "OK", 301: "Moved Permanently", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


LATE_S = 0.1

class Request:
    """One request: `at` (monotonic seconds), `line`, `target`, `headers` (lower-case names), `parameters` (in their order)."""

    def __init__(self, text, at):
        self.at = at
        self.line, *headers = text.split("\r\n")
        self.target = self.line.split(" ")[1]
        self.headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
        self.parameters = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query, keep_blank_values=True)

    @property
    def city(self):
        return dict(self.parameters)["city"]


def http(code, body=b"", length=None, **headers):
    """The bytes of an answer; `length` is what Content-Length claims. Header names have `_` for `-`."""
    lines = [f"HTTP/1.1 {code} {REASONS.get(code, 'Status')}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def body(value, **headers):
    """A 200 with a JSON value, or with bytes as they are."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda session: session.send(http(200, data, Content_Type="application/json; charset=utf-8", **headers))


def place(latitude, longitude, country="fr", name="Quelque part, France"):
    """One place; None leaves the member out."""
    members = {"place_id": 1, "lat": latitude, "lon": longitude, "display_name": name}
    address = {"address": {"country_code": country}} if country else {}
    return body([{key: value for key, value in members.items() if value is not None} | address])


def nothing():
    return body([])


def status(code, data=b"", **headers):
    return lambda session: session.send(http(code, data, **headers))


def html():
    return lambda session: session.send(http(200, b"<html>Bienvenue</html>", Content_Type="text/html"))


def raw(data):
    """These bytes, then the end of the stream."""
    return lambda session: session.send(data)


def hang_up(session):
    """The end of the stream instead of an answer."""


def reset(session):
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stay_silent(session):
    """No byte, until the client leaves."""
    while session.socket.recv(4096):
        pass


def stop_in_body(session):
    session.send(http(200, b'[{"lat": ', length=100))
    stay_silent(session)


def drip(session):
    """A byte now and then, without an end."""
    session.send(http(200, b"[", length=1000000))
    while not session.server.is_closed.wait(0.02):
        session.send(b" ")


class Session:
    def __init__(self, server, plain):
        self.server, self.socket = server, plain

    def send(self, data):
        self.socket.sendall(data)

    def run(self):
        try:
            received = b""
            while b"\r\n\r\n" not in received:
                piece = self.socket.recv(65536)
                if not piece:
                    return
                received += piece
            at = time.monotonic()
            self.server.next_answer(Request(received.partition(b"\r\n\r\n")[0].decode(), at))(self)
        except OSError:
            pass  # the client has left: that is its right
        finally:
            self.socket.close()


class ScriptedNominatim:
    """`url`; `requests` in the order of their arrival. An answer is a function of a session; a dict is answers by city."""

    def __init__(self, *answers, path="", user=""):
        self.answers, self.path, self.user = list(answers), path, user
        self.requests = []
        self.is_closed = threading.Event()
        self._lock = threading.Lock()

    def next_answer(self, request):
        with self._lock:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
        return answer[request.city] if isinstance(answer, dict) else answer

    @property
    def cities(self):
        return [request.city for request in self.requests]

    def gaps(self):
        """Seconds between the requests."""
        times = [request.at for request in self.requests]
        return [after - before for before, after in zip(times, times[1:])]

    def spaced(self, *least_s):
        """Whether the requests were at least so far apart, each two of them (the last number counts for all that follow) and
        all together, but for the time by which a busy machine notes one of them late."""
        gaps = self.gaps()
        least = [*least_s[:-1], *[least_s[-1]] * (len(gaps) - len(least_s) + 1)]
        return all(gap >= one - LATE_S for gap, one in zip(gaps, least)) and sum(gaps) >= sum(least) - LATE_S

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://{self.user}127.0.0.1:{self._listener.getsockname()[1]}{self.path}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.is_closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Session(self, plain).run, daemon=True).start()
