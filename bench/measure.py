#!/usr/bin/env python3
"""One time from a service's life, in milliseconds, measured from outside: start, stop, the replacement of a worker.

Not here: what is measured and beside what (the scripts that call this).

    measure.py start PORT COMMAND…               from its start to the first 200; prints MS and PID, and leaves it running
    measure.py stop SIGNAL PID PORT CONNECTIONS  from the signal to the exit, with so many idle keep-alive connections
    measure.py replace WORKER PORT               from SIGKILL of the only worker to an answer by its successor
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time

LIMIT = 20
REQUEST = b"GET /health HTTP/1.1\r\nHost: bench\r\nConnection: %s\r\n\r\n"


def ask(port, kept=False):
    """A connection on which /health was answered with 200; None while nobody listens."""
    connection = socket.socket()
    connection.settimeout(LIMIT)
    try:
        connection.connect(("127.0.0.1", port))
        connection.sendall(REQUEST % (b"keep-alive" if kept else b"close"))
        answer = connection.recv(4096)
    except (ConnectionRefusedError, ConnectionResetError):
        answer = b""
    if answer.startswith(b"HTTP/1.1 200 "):
        return connection
    connection.close()
    return None


def start(port, *command):
    log = open(os.environ.get("LOG", os.devnull), "ab")
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while (connection := ask(int(port))) is None:
        if process.poll() is not None or time.monotonic() - began > LIMIT:
            process.kill()
            sys.exit(f"{command[0]} does not answer")
        time.sleep(0.0005)
    took = time.monotonic() - began
    connection.close()
    print(f"{took * 1000:.1f} {process.pid}")


def stop(name, pid, port, connections):
    kept = [ask(int(port), kept=True) for _ in range(int(connections))]
    if None in kept:
        sys.exit("a connection was refused")
    ended = select.poll()
    ended.register(os.pidfd_open(int(pid)), select.POLLIN)
    time.sleep(0.1)  # so that nothing of the last answers is still under way
    began = time.monotonic()
    os.kill(int(pid), getattr(signal, name))
    if not ended.poll(LIMIT * 1000):
        sys.exit(f"{pid} does not end")
    print(f"{(time.monotonic() - began) * 1000:.1f}")


def replace(worker, port):
    began = time.monotonic()
    os.kill(int(worker), signal.SIGKILL)
    while (connection := ask(int(port))) is None:
        if time.monotonic() - began > LIMIT:
            sys.exit("no replacement answers")
        time.sleep(0.0005)
    took = time.monotonic() - began
    connection.close()
    print(f"{took * 1000:.1f}")


if __name__ == "__main__":
    try:
        verb = {"start": start, "stop": stop, "replace": replace}[sys.argv[1]]
    except (IndexError, KeyError):
        sys.exit(__doc__)
    verb(*sys.argv[2:])
