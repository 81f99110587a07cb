"""A TCP proxy before PostgreSQL that knows the loader's connections apart, holds one of them at a chosen message, and cuts any.

Not here: what is done to whom at that moment (etl_sweep.py).
"""

import re
import socket
import struct
import threading

CONTROL, LANE = "digitalism etl", "digitalism etl batches"


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.kind = None      # its application_name
        self.sent = 0         # messages that are answered with ReadyForQuery
        self.held_answer = 0  # the one whose answer is held back

    def close(self):
        for one in (self.client, self.server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class EtlProxy:
    """Counts the messages of the loader's connections behind their login: simple queries, and the Sync of a batch.

    Message number `at` is held back and `reached` set; with `answer=True` it is the server's answer to it that is held,
    when it is complete. The other connections go on. `let_go()` ends the holding, `cut(kind)` closes connections.
    """

    def __init__(self, target_port, at=-1, answer=False):
        self.target_port, self.at, self.answer = target_port, at, answer
        self.count, self.reached, self._go = 0, threading.Event(), threading.Event()
        self._lock, self._connections = threading.Lock(), []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._listener.close()
        self.let_go()
        for one in self._of(None):
            one.close()

    def let_go(self):
        self._go.set()

    def cut(self, kind=None, only=None):
        """Closes the connections of a kind, or only the one with this index among them; all where there is none of it."""
        found = self._of(kind)
        for one in found[only % len(found):][:1] if found and only is not None else found or self._of(None):
            one.close()

    def _of(self, kind):
        with self._lock:
            return [one for one in self._connections if kind in (None, one.kind)]

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = Connection(client, server)
            with self._lock:
                self._connections.append(made)
            threading.Thread(target=self._forward_client, args=(made,), daemon=True).start()
            threading.Thread(target=self._forward_server, args=(made,), daemon=True).start()

    @staticmethod
    def _receive(source, length):
        data = b""
        while len(data) < length:
            part = source.recv(length - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return data

    def _login(self, one):
        length = self._receive(one.client, 4)
        packet = length + self._receive(one.client, struct.unpack("!I", length)[0] - 4)
        if packet[4:8] == struct.pack("!I", 196608):
            name = re.search(rb"\0application_name\0([^\0]*)\0", packet)
            one.kind = name[1].decode() if name else ""
        one.server.sendall(packet)

    def _forward_client(self, one):
        try:
            self._login(one)
            while True:
                head = self._receive(one.client, 5)
                packet = head + self._receive(one.client, struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] in b"QS":
                    one.sent += 1
                    self._meet(one)
                one.server.sendall(packet)
        except OSError:
            pass
        finally:
            try:
                one.server.shutdown(socket.SHUT_WR)  # it works off what it has got first, as after any client's death
            except OSError:
                pass

    def _meet(self, one):
        if one.kind not in (CONTROL, LANE):
            return
        with self._lock:
            self.count += 1
            is_it = self.count == self.at
            if is_it and self.answer:
                one.held_answer = one.sent
        if is_it and not self.answer:
            self.reached.set()
            self._go.wait()

    def _forward_server(self, one):
        """Message by message: what is held begins with the first message of an answer."""
        answered = -1  # the login ends with a ReadyForQuery too
        data = waiting = b""
        try:
            while part := one.server.recv(65536):
                data += part
                while len(data) >= 5 and len(data) > (length := struct.unpack("!I", data[1:5])[0]):
                    message, data = data[:length + 1], data[length + 1:]
                    waiting += message
                    if message[:1] == b"Z":
                        answered += 1
                        if answered == one.held_answer > 0:
                            self.reached.set()
                            self._go.wait()
                        one.client.sendall(waiting)
                        waiting = b""
                # An answer that is not complete is passed on, but not the beginning of the one that is to be held.
                if waiting and answered + 1 != (one.held_answer or -1):
                    one.client.sendall(waiting)
                    waiting = b""
            one.client.sendall(waiting + data)
        except OSError:
            pass
        finally:
            try:
                one.client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
