"""A TCP proxy before PostgreSQL that stops at the n-th message of its clients: held back, or forwarded with the answer held back.

Not here: what is done to whom at that moment (migrate_sweep.py).
"""

import socket
import struct
import threading


class CuttingProxy:
    """Counts the messages that clients send behind their login (simple and extended queries; not COPY data).

    At message number `at` it forwards nothing any more and sets `reached`; with `answer=True` that message is still
    forwarded, and only what the server says to it is held back. `cut()` closes all connections.
    """

    def __init__(self, target_port, at, answer=False):
        self.target_port, self.at, self.answer = target_port, at, answer
        self.count, self.reached = 0, threading.Event()
        self._lock, self._sockets = threading.Lock(), []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._listener.close()
        self.cut()

    def cut(self):
        with self._lock:
            for one in self._sockets:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()
            self._sockets.clear()

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
            with self._lock:
                self._sockets += [client, server]
            threading.Thread(target=self._forward_client, args=(client, server), daemon=True).start()
            threading.Thread(target=self._forward_server, args=(server, client), daemon=True).start()

    @staticmethod
    def _receive(source, length):
        data = b""
        while len(data) < length:
            part = source.recv(length - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return data

    def _forward_client(self, client, server):
        try:
            while True:  # the start of a session, and refused requests for encryption before it
                length = self._receive(client, 4)
                packet = length + self._receive(client, struct.unpack("!I", length)[0] - 4)
                server.sendall(packet)
                if packet[4:8] == struct.pack("!I", 196608):
                    break
                if packet[4:8] == struct.pack("!I", 80877102):
                    return  # a cancel request: the server closes it
            while True:
                head = self._receive(client, 5)
                packet = head + self._receive(client, struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] in b"QS":  # a query, or the Sync that ends an extended one
                    self.count += 1
                    if self.count == self.at and not self.answer:
                        self.reached.set()
                        return
                    if self.count == self.at:
                        self._held = True
                        server.sendall(packet)
                        continue
                server.sendall(packet)
        except OSError:
            pass

    _held = False

    def _forward_server(self, server, client):
        try:
            end = b""
            while part := server.recv(65536):
                if self._held:
                    asks_for_data = not end and part[:1] == b"G"  # CopyInResponse: it waits for the client
                    end = (end + part)[-6:]  # what arrives may be cut anywhere
                    if asks_for_data or end[:-1] == b"Z\0\0\0\x05":  # ReadyForQuery: it is done
                        self.reached.set()
                    continue
                client.sendall(part)
            client.shutdown(socket.SHUT_RDWR)  # the other thread sits in it, so that closing alone would not be seen
        except OSError:
            pass
