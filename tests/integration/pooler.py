"""PgBouncer in front of a test's database, as an operator would set it up.

Not here: what the program makes of it (test_pooler.py).
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse

import psycopg2

from harness import wait_until

PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def version():
    """(1, 18)"""
    text = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"(\d+)\.(\d+)", text).groups()))


class PgBouncer:
    """One PgBouncer on a port of its own; `url` leads through it to the same database, as the same user.

    `folder` must be one that another user can pass through. Without `statements` it knows nothing of prepared ones, which is
    all that those before 1.21 can do. `more` are settings of its own.
    """

    def __init__(self, folder, url, port, mode, size, statements=0, **more):
        self.folder, self.process = pathlib.Path(folder), None
        parts = urllib.parse.urlsplit(url)
        self.port, self.name = port, parts.path[1:]
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
        lines = [
            "[databases]",
            f"{self.name} = host={parts.hostname} port={parts.port}",
            "[pgbouncer]",
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =",
            f"auth_type = scram-sha-256\nauth_file = {self.folder}/users\nadmin_users = {parts.username}",
            f"pool_mode = {mode}\ndefault_pool_size = {size}",
            *(f"{name} = {value}" for name, value in more.items()),
        ]
        if version() >= (1, 21):
            lines.append(f"max_prepared_statements = {statements}")
        (self.folder / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
        (self.folder / "ini").write_text("\n".join(lines) + "\n")

    def start(self):
        # It refuses to be root.
        user = ["-u", "postgres"] if os.getuid() == 0 else []
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *user, self.folder / "ini"], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        wait_until(self._listens, what=self.log)
        return self

    def stop(self):
        """At once: its clients lose their connections."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # since 1.23 SIGTERM waits for the clients
            self.process.wait(10)

    def _listens(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def admin(self, command):
        """Runs a command of its console, and returns its rows as dictionaries."""
        connection = psycopg2.connect(self.url.replace(f"/{self.name}", "/pgbouncer"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(command)
                names = [column.name for column in cursor.description or []]
                return [dict(zip(names, row)) for row in cursor.fetchall()] if names else []
        finally:
            connection.close()

    def sessions(self):
        """The server processes that its pool of the database consists of."""
        return {row["remote_pid"] for row in self.admin("SHOW SERVERS") if row["database"] == self.name}
