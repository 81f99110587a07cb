"""A PostgreSQL server that plays a script: each connection gets the next answer, the last one for ever after.

Only as much of the protocol as a login and a `SET` need (PostgreSQL manual, 55). Not here: anything that a real server
does on demand (harness.Cluster).

    with ScriptedPostgres(refuse("57P03", "démarrage"), welcome()) as server:
        run("wait", env=settings(server.url))
        assert server.logins == 2
"""

import pathlib
import re
import shutil
import socket
import struct
import tempfile
import threading

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


def message(kind, *parts):
    body = b"".join(parts)
    return kind + struct.pack("!i", len(body) + 4) + body


def text(value, encoding="utf-8"):
    return value.encode(encoding) + b"\0"


def error(sqlstate, told, severity, encoding):
    fields = (("S", severity), ("V", "FATAL"), ("C", sqlstate), ("M", told), ("R", "auth_failed"))
    return message(b"E", *(name.encode() + text(value, encoding) for name, value in fields), b"\0")


def refuse(sqlstate, told="connexion refusée", severity="FATAL", encoding="utf-8"):
    """An ErrorResponse instead of a login."""
    return lambda session: session.send(error(sqlstate, told, severity, encoding))


def hang_up(session):
    """The end of the stream instead of an answer."""


def reset(session):
    """A TCP reset instead of an answer."""
    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stay_silent(session):
    while session.socket.recv(4096):
        pass


def welcome(query=message(b"C", text("SET")), **parameters):
    """A login without a password, then `query` as the answer to every query; b"" is silence."""
    def answer(session):
        reported = {"server_version": "17.2", "client_encoding": "UTF8", "in_hot_standby": "off",
                    "default_transaction_read_only": "off", **parameters}
        session.send(message(b"R", struct.pack("!i", 0)),
                     *(message(b"S", text(name), text(value)) for name, value in reported.items()),
                     message(b"K", struct.pack("!ii", 1, 1)), message(b"Z", b"I"))
        while True:
            kind = session.read(1)
            (length,) = struct.unpack("!i", session.read(4))
            session.read(length - 4)
            if kind != b"Q":
                return
            if query:
                session.send(query, message(b"Z", b"I"))
    return answer


def delays(log):
    """How long the program paused before each new attempt, in ms."""
    return [int(delay) for delay in re.findall(r"trying again in (\d+) ms", log)]


class Session:
    """One connection, from its first byte to its close."""

    def __init__(self, server, plain):
        self.server, self.socket = server, plain

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the client has left")
            data += piece
        return data

    def send(self, *messages):
        self.socket.sendall(b"".join(messages))

    def start(self):
        """Reads up to the startup message; says yes or no to TLS before it."""
        while True:
            length, code = struct.unpack("!ii", self.read(8))
            if code not in (SSL_REQUEST, GSS_REQUEST):
                return self.read(length - 8)
            if code == SSL_REQUEST and self.server.tls:
                self.send(b"S")
                self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
            else:
                self.send(b"N")

    def run(self):
        try:
            self.start()
            self.server.next_answer()(self)
        except OSError:
            pass  # the client has left, or did not like our certificate
        finally:
            self.socket.close()


class ScriptedPostgres:
    """`url`, `port`, `logins` (how many have been answered), `connections`; `open()`, `close()`.

    On 127.0.0.1, or with `local` on a Unix socket. Closed, connections are refused and the port is kept; a socket's
    file is gone. `tls` is an ssl.SSLContext.
    """

    def __init__(self, *answers, local=False, tls=None):
        self.answers, self.tls = list(answers), tls
        self.logins = self.connections = 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="digitalism-scripted-")) if local else None
        self.port = 5432
        self.lock = threading.Lock()
        self.listener = self.keeper = None
        if not local:
            # A port is only kept by a socket that is bound to it and does not listen.
            self.keeper = self.bind(0)
            self.port = self.keeper.getsockname()[1]

    def bind(self, port):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    @property
    def url(self):
        if self.folder:
            return f"postgresql://u:s3cr3t@/d?host={self.folder}"
        return f"postgresql://u:s3cr3t@127.0.0.1:{self.port}/d"

    def open(self):
        if self.folder:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.folder / f".s.PGSQL.{self.port}"))
        else:
            self.listener = self.bind(self.port)
        self.listener.listen()
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()
        return self

    def close(self):
        if self.folder:
            (self.folder / f".s.PGSQL.{self.port}").unlink()
        self.listener.shutdown(socket.SHUT_RDWR)  # ends the accept() of the other thread, which close() does not
        self.listener.close()
        self.listener = None

    def accept(self, listener):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=Session(self, plain).run, daemon=True).start()

    def next_answer(self):
        with self.lock:
            self.logins += 1
            return self.answers[min(self.logins, len(self.answers)) - 1]

    def __enter__(self):
        return self.open()

    def __exit__(self, *_):
        if self.listener:
            self.close()
        if self.keeper:
            self.keeper.close()
        if self.folder:
            shutil.rmtree(self.folder)
